//! `tree_ensemble`: a loop over trees, and in it a walk of as many steps as the deepest tree has, left at a leaf.
//!
//! Floats are compared as integers, which small cores do in a cycle: the bits of each feature that a node needs are mapped to an
//! integer of the same order once per row, and thresholds are stored mapped. Where no threshold needs the low halves of these
//! integers, they are cut off.

use super::layer::Layer;
use super::map::literal;
use super::tree_tables::{Leaves, Slot, Tables, storage, table};
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Literal, Param, Scalar, Var};
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::{DType, Data, Node, TensorType};

/// Lowers a `tree_ensemble`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &TreeEnsemble) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (rows, features, weight) = (inputs[0].shape[0], inputs[0].shape[1], output.dtype);
    if features == 0 {
        return Err(Unsupported::new("rows without features"));
    }
    let values = lowering.graph.nodes[node].inputs.clone();
    let constant = |i: usize, what: &str| {
        let tensor = lowering.graph.const_of(values[i]);
        tensor.ok_or_else(|| Unsupported::new(format!("{what} that are computed at run time")))
    };
    let (thresholds, weights) = (constant(1, "thresholds")?, constant(2, "weights")?);
    let tables = Tables::new(op, &thresholds.data, &weights.data)?;
    let (x, y) = lowering.data_buffers(node);
    let keys = Keys::new(inputs[0].dtype, &tables);
    let scratch = keys.mapped.then(|| {
        let ty = TensorType::new(keys.storage, [tables.slots.len()]);
        lowering.scratch("tree_keys", &ty)
    });
    let comment = format!(
        "{} trees of {} nodes and {} leaves on {features} features, at most {} steps each",
        op.roots.len(),
        tables.node_slots.len(),
        tables.leaf_count,
        tables.depth
    );
    let mut layer = lowering.layer(node, "tree_ensemble".into(), comment);
    let x = layer.read("x", x);
    let scratch = scratch.map(|buffer| layer.read_write("keys", buffer));
    let sources = Sources::new(&mut layer, &tables.slots, features, keys.mapped);
    let walk = Walk::new(&mut layer, &tables, &keys, sources.number_by_feature);
    let pay = Pay::new(&mut layer, &tables, op, weight);
    let single = op.count == 1 && matches!(tables.leaves, Leaves::One { .. });
    let y = if single { layer.write("y", y) } else { layer.read_write("y", y) };
    layer.each("row", rows, &mut |layer, row| {
        if let Some(scratch) = scratch {
            keys.prepare(layer, &tables.slots, &sources, x, row.times(features as i64), scratch);
        }
        let start = |layer: &mut Layer<'_>| match weight {
            DType::F64 => layer.b.literal(Literal::F64(op.aggregate.start())),
            _ => layer.b.f32(op.aggregate.start() as f32),
        };
        let result = row.times(op.count as i64);
        let total = if single {
            let start = start(layer);
            Some(layer.b.let_("total", start))
        } else {
            layer.each("c", op.count, &mut |layer, c| {
                let start = start(layer);
                layer.b.store(y, result.plus(&c), start);
            });
            None
        };
        let Some(pay) = &pay else { return };
        let compared = match scratch {
            Some(scratch) => (scratch, Affine::constant(0)),
            None => (x, row.times(features as i64)),
        };
        let turns = match pay.form {
            Form::One { turns: Some(turns), .. } => turns,
            _ => 1,
        };
        layer.nest(&[("tree", op.roots.len() / turns), ("turn", turns)], &mut |layer, at| {
            let tree = at[0].times(turns as i64).plus(&at[1]);
            let leaf = walk.leaf(layer, &tables, &keys, &tree, &compared);
            if let Some(total) = total {
                let leaf = layer.b.var(leaf);
                let weight = pay.weights.load(layer, dynamic(Affine::constant(0), 1, leaf, pay.leaves));
                let old = layer.b.var(total);
                let new = layer.b.binary(op.aggregate.combine(), old, weight);
                layer.b.assign(total, new);
                return;
            }
            pay.add(layer, op, &Visit { tree, turn: at[1].clone(), leaf }, (y, &result));
        });
        if let Some(total) = total {
            let total = layer.b.var(total);
            layer.b.store(y, result.clone(), total);
        }
    });
    layer.finish(0);
    Ok(())
}

/// How numbers are compared.
struct Keys {
    /// The features' type.
    dtype: DType,
    /// Whether features are mapped, as floats are, or compared as they are.
    mapped: bool,
    /// The type that comparisons are made in.
    scalar: Scalar,
    /// The type that mapped features and thresholds are stored in.
    storage: DType,
    /// Added to a mapped feature before its low half is cut off, if it is.
    halve: Option<i64>,
    /// As stored.
    thresholds: Vec<i64>,
}

impl Keys {
    fn new(dtype: DType, tables: &Tables) -> Self {
        let thresholds = &tables.thresholds;
        let mapped = dtype.is_float();
        let scalar = if dtype.size() == 8 { Scalar::I64 } else { Scalar::I32 };
        let plain = |scalar, storage| Self {
            dtype,
            mapped,
            scalar,
            storage,
            halve: None,
            thresholds: tables.thresholds.clone(),
        };
        match dtype {
            DType::F64 => return plain(Scalar::I64, DType::I64),
            DType::U32 | DType::U64 => {
                // Compared as they are; the bits of `order` are turned back.
                let flip = if dtype == DType::U64 { i64::MIN } else { 0 };
                let thresholds = thresholds.iter().map(|t| t ^ flip).collect();
                return Self { dtype, mapped, scalar: dtype, storage: dtype, halve: None, thresholds };
            }
            DType::F32 => {}
            _ => {
                let (lo, hi) =
                    (thresholds.iter().min().copied(), thresholds.iter().max().copied());
                let fits = |ty: &DType| {
                    let (least, greatest) = ty.int_range().unwrap_or((0, 0));
                    lo.is_none_or(|lo| i128::from(lo) >= least) && hi.is_none_or(|hi| i128::from(hi) <= greatest)
                };
                let order = [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32, DType::I64];
                let storage = order.into_iter().find(fits).unwrap_or(DType::I64);
                return plain(scalar, storage);
            }
        }
        // A threshold of NaN is below everything but a NaN that counts as missing.
        let nan = i64::from(i32::MIN);
        let numbers = || thresholds.iter().filter(|&&t| t != nan);
        let low_half = |t: i64| t & 0xffff == 0;
        let cut = |cut: &dyn Fn(i64) -> i64| {
            thresholds.iter().map(|&t| if t == nan { i64::from(i16::MIN) } else { cut(t) }).collect()
        };
        // k ≤ t is ⌈k / 2^16⌉ ≤ t / 2^16 if the latter is whole, and ⌊k / 2^16⌋ < (t + 1) / 2^16 if that is.
        let (halve, thresholds) = if numbers().all(|&t| low_half(t)) {
            (Some(0xffff), cut(&|t| t >> 16))
        } else if numbers().all(|&t| low_half(t + 1)) {
            (Some(0), cut(&|t| ((t + 1) >> 16) - 1))
        } else {
            return plain(Scalar::I32, DType::I32);
        };
        Self { dtype, mapped, scalar: Scalar::I32, storage: DType::I16, halve, thresholds }
    }

    /// Writes the mapped features of a row.
    fn prepare(
        &self,
        layer: &mut Layer<'_>,
        slots: &[Slot],
        sources: &Sources,
        x: Param,
        row: Affine,
        keys: Param,
    ) {
        let plain = slots.iter().filter(|slot| !slot.missing).count();
        for (missing, first, count) in [(false, 0, plain), (true, plain, slots.len() - plain)] {
            layer.each("f", count, &mut |layer, f| {
                let slot = f.offset(first as i64);
                let index = sources.index(layer, &slot, &row);
                let key = self.key(layer, x, index, missing);
                layer.b.store(keys, slot, key);
            });
        }
    }

    /// A float's order.
    fn key(&self, layer: &mut Layer<'_>, x: Param, index: Index, missing: bool) -> Expr {
        let scalar = self.scalar;
        let (bits, sign, infinity) = match self.dtype {
            DType::F64 => (i64::MAX as u64, 63, f64::INFINITY.to_bits()),
            _ => (i32::MAX as u64, 31, u64::from(f32::INFINITY.to_bits())),
        };
        let number = |layer: &mut Layer<'_>, bits: u64| layer.b.literal(literal(scalar, bits));
        let loaded = layer.b.load_wide(scalar, x, index);
        let stored = layer.b.let_("bits", loaded);
        let (value, mask) = (layer.b.var(stored), number(layer, bits));
        let magnitude = layer.b.binary(BinaryOp::And, value, mask);
        let magnitude = layer.b.let_("magnitude", magnitude);
        let (value, amount) = (layer.b.var(stored), number(layer, sign));
        let negative = layer.b.binary(BinaryOp::Shr, value, amount);
        let negative = layer.b.let_("negative", negative);
        // Negated where the sign is set, which gives both zeros as 0.
        let (value, flip) = (layer.b.var(magnitude), layer.b.var(negative));
        let flipped = layer.b.binary(BinaryOp::Xor, value, flip);
        let flip = layer.b.var(negative);
        let mut order = layer.b.binary(BinaryOp::WrappingSub, flipped, flip);
        if let Some(halve) = self.halve {
            if halve != 0 {
                let up = number(layer, halve as u64);
                order = layer.b.binary(BinaryOp::WrappingAdd, order, up);
            }
            let amount = number(layer, 16);
            order = layer.b.binary(BinaryOp::Shr, order, amount);
        }
        let (least, greatest) = self.storage.int_range().unwrap_or((0, 0));
        let (value, infinity) = (layer.b.var(magnitude), number(layer, infinity));
        let nan = number(layer, if missing { least as i64 as u64 } else { greatest as i64 as u64 });
        let is_nan = layer.b.less(infinity, value);
        layer.b.select(is_nan, nan, order)
    }
}

/// Which feature a slot holds.
struct Sources {
    table: Option<Param>,
    features: usize,
    /// Nodes name features; there are no slots.
    number_by_feature: bool,
}

impl Sources {
    fn new(layer: &mut Layer<'_>, slots: &[Slot], features: usize, mapped: bool) -> Self {
        let straight = slots.iter().enumerate().all(|(i, slot)| slot.feature == i);
        let numbers: Vec<usize> = slots.iter().map(|slot| slot.feature).collect();
        let table = (mapped && !straight).then(|| layer.constant("sources", table(&numbers)));
        Self { table, features, number_by_feature: !mapped }
    }

    fn index(&self, layer: &mut Layer<'_>, slot: &Affine, row: &Affine) -> Index {
        match self.table {
            Some(table) => {
                let feature = layer.b.load_as(Scalar::I32, table, slot.clone());
                dynamic(row.clone(), 1, feature, self.features)
            }
            None => row.plus(slot).into(),
        }
    }
}

/// An index `affine + stride · value` for a value among `count`.
fn dynamic(affine: Affine, stride: usize, value: Expr, count: usize) -> Index {
    let dynamic = Dynamic { stride: stride as i64, value, lo: 0, hi: count as i64 - 1 };
    Index { affine, ring: None, dynamic: Some(dynamic) }
}

/// The tables of nodes.
struct Walk {
    slots: Param,
    thresholds: Param,
    steps: Param,
    first_nodes: Option<Param>,
    first_leaves: Option<Param>,
    /// What may be compared.
    compared: usize,
}

impl Walk {
    fn new(layer: &mut Layer<'_>, tables: &Tables, keys: &Keys, by_feature: bool) -> Self {
        let number = |slot: usize| if by_feature { tables.slots[slot].feature } else { slot };
        let numbers: Vec<usize> = tables.node_slots.iter().map(|&slot| number(slot)).collect();
        let features = tables.slots.iter().map(|slot| slot.feature + 1).max().unwrap_or(1);
        let (name, compared) =
            if by_feature { ("features", features) } else { ("slots", tables.slots.len()) };
        let many = tables.first_nodes.len() > 1;
        Self {
            slots: layer.constant(name, table(&numbers)),
            thresholds: layer
                .constant("thresholds", Data::from_ints(keys.storage, keys.thresholds.iter().copied())),
            steps: layer.constant("steps", table(&tables.steps)),
            first_nodes: many.then(|| layer.constant("first_nodes", table(&tables.first_nodes))),
            first_leaves: (many && !tables.first_leaves.is_empty())
                .then(|| layer.constant("first_leaves", table(&tables.first_leaves))),
            compared,
        }
    }

    /// Walks a tree; the leaf that it ends at.
    fn leaf(
        &self,
        layer: &mut Layer<'_>,
        tables: &Tables,
        keys: &Keys,
        tree: &Affine,
        (x, row): &(Param, Affine),
    ) -> Var {
        let nodes = tables.node_slots.len();
        let first = |layer: &mut Layer<'_>, table: Option<Param>| match table {
            Some(table) => layer.b.load_as(Scalar::I32, table, tree.clone()),
            None => layer.b.i32(0),
        };
        let root = first(layer, self.first_nodes);
        let node = layer.b.let_("node", root);
        let none = layer.b.i32(0);
        let step = layer.b.let_("step", none);
        let walk = layer.b.begin_for("depth");
        let at = layer.b.var(node);
        let slot = layer.b.load_as(Scalar::I32, self.slots, dynamic(Affine::constant(0), 1, at, nodes));
        let key = layer.b.load_as(keys.scalar, *x, dynamic(row.clone(), 1, slot, self.compared));
        let at = layer.b.var(node);
        let threshold =
            layer.b.load_as(keys.scalar, self.thresholds, dynamic(Affine::constant(0), 1, at, nodes));
        let beyond = layer.b.less(threshold, key);
        let beyond = layer.b.convert(Scalar::I32, beyond);
        let (at, two) = (layer.b.var(node), layer.b.i32(2));
        let pair = layer.b.mul(at, two);
        let at = layer.b.add(pair, beyond);
        let taken = layer.b.load_as(Scalar::I32, self.steps, dynamic(Affine::constant(0), 1, at, 2 * nodes));
        layer.b.assign(step, taken);
        let (split, taken) = (layer.b.i32(tables.split as i32), layer.b.var(step));
        let ends = layer.b.binary(BinaryOp::Le, split, taken);
        layer.b.begin_block();
        layer.b.break_();
        let then = layer.b.end_block();
        layer.b.if_else(ends, then, Vec::new());
        let taken = layer.b.var(step);
        layer.b.accumulate(node, taken);
        layer.b.end_for(walk, 0, tables.depth as i64, 1);
        let (taken, split) = (layer.b.var(step), layer.b.i32(tables.split as i32));
        let own = layer.b.sub(taken, split);
        let leaf = match self.first_leaves {
            Some(_) => {
                let first = first(layer, self.first_leaves);
                layer.b.add(first, own)
            }
            None => own,
        };
        layer.b.let_("leaf", leaf)
    }
}

/// The tables of leaves.
struct Pay {
    form: Form,
    weights: Weights,
    /// Entries of all leaves.
    entries: usize,
    leaves: usize,
}

/// Weights of entries: each stored, or by its number in a list of those that occur.
struct Weights {
    values: Param,
    numbers: Option<Param>,
    /// How many values are stored.
    count: usize,
}

impl Weights {
    /// In the form that takes fewer bytes.
    fn new(layer: &mut Layer<'_>, dtype: DType, bits: &[u64]) -> Self {
        let mut values = bits.to_vec();
        values.sort_unstable();
        values.dedup();
        let number = |bits: &u64| values.binary_search(bits).expect("it is one of them");
        let numbers: Vec<usize> = bits.iter().map(number).collect();
        let numbered = values.len() * dtype.size() + numbers.len() * storage(&numbers).size();
        let shorter = numbered < bits.len() * dtype.size();
        let stored = if shorter { &values[..] } else { bits };
        Self {
            numbers: shorter.then(|| layer.constant("weight_numbers", table(&numbers))),
            values: layer.constant("weights", Data::from_bits(dtype, stored.iter().copied())),
            count: stored.len(),
        }
    }

    /// The weight of an entry.
    fn load(&self, layer: &mut Layer<'_>, entry: Index) -> Expr {
        match self.numbers {
            Some(numbers) => {
                let number = layer.b.load_as(Scalar::I32, numbers, entry);
                layer.b.load(self.values, dynamic(Affine::constant(0), 1, number, self.count))
            }
            None => layer.b.load(self.values, entry),
        }
    }
}

/// How many entries a leaf has, and for which results.
enum Form {
    /// One, for the result of its tree; trees may take turns, each of so many results in order.
    One { targets: Option<Param>, turns: Option<usize> },
    /// One for each result.
    All,
    /// Some, at most so many; without a table of starts, so many.
    Some { starts: Option<Param>, targets: Param, most: usize },
}

impl Pay {
    /// `None` for the weights of leaves that add nothing.
    fn new(layer: &mut Layer<'_>, tables: &Tables, op: &TreeEnsemble, weight: DType) -> Option<Self> {
        let (form, weights) = match &tables.leaves {
            Leaves::One { targets, weights } => {
                let in_turn = targets.len().is_multiple_of(op.count)
                    && targets.iter().enumerate().all(|(tree, &target)| target == tree % op.count);
                let turns = in_turn.then_some(op.count);
                let targets = (!in_turn).then(|| layer.constant("targets", table(targets)));
                (Form::One { targets, turns }, weights)
            }
            Leaves::All { weights } => (Form::All, weights),
            Leaves::Some { starts, targets, weights } => {
                let sizes: Vec<usize> = starts.windows(2).map(|w| w[1] - w[0]).collect();
                let most = sizes.iter().copied().max().unwrap_or(0);
                let equal = sizes.iter().all(|&size| size == most);
                let starts = (!equal).then(|| layer.constant("starts", table(starts)));
                if weights.is_empty() {
                    return None;
                }
                (Form::Some { starts, targets: layer.constant("targets", table(targets)), most }, weights)
            }
        };
        let entries = weights.len();
        let weights = Weights::new(layer, weight, weights);
        Some(Self { form, weights, entries, leaves: tables.leaf_count })
    }

    /// Adds what a leaf has to the results at `result`.
    fn add(&self, layer: &mut Layer<'_>, op: &TreeEnsemble, at: &Visit, (y, result): (Param, &Affine)) {
        let zero = Affine::constant(0);
        match self.form {
            Form::One { targets, turns } => {
                let target = match (targets, turns) {
                    (Some(targets), _) => {
                        let target = layer.b.load_as(Scalar::I32, targets, at.tree.clone());
                        Target::Loaded(layer.b.let_("target", target), op.count)
                    }
                    (None, _) => Target::Known(at.turn.clone()),
                };
                let leaf = layer.b.var(at.leaf);
                let weight = self.weights.load(layer, dynamic(zero, 1, leaf, self.leaves));
                target.combine(layer, op, y, result, weight);
            }
            Form::All => layer.each("c", op.count, &mut |layer, c| {
                let leaf = layer.b.var(at.leaf);
                let index = dynamic(c.clone(), op.count, leaf, self.leaves);
                let weight = self.weights.load(layer, index);
                Target::Known(c).combine(layer, op, y, result, weight);
            }),
            Form::Some { starts, targets, most } => {
                let start = |layer: &mut Layer<'_>, table: Param, offset: i64| {
                    let leaf = layer.b.var(at.leaf);
                    let index = dynamic(Affine::constant(offset), 1, leaf, self.leaves);
                    layer.b.load_as(Scalar::I32, table, index)
                };
                let first = match starts {
                    Some(table) => start(layer, table, 0),
                    None => {
                        let (leaf, most) = (layer.b.var(at.leaf), layer.b.i32(most as i32));
                        layer.b.mul(leaf, most)
                    }
                };
                let first = layer.b.let_("entry", first);
                let end = starts.map(|table| {
                    let end = start(layer, table, 1);
                    layer.b.let_("end", end)
                });
                layer.each("e", most, &mut |layer, e| {
                    let (entry, step) = (layer.b.var(first), layer.b.affine(e));
                    let place = layer.b.add(entry, step);
                    let place = layer.b.let_("place", place);
                    let add = |layer: &mut Layer<'_>| {
                        let value = layer.b.var(place);
                        let index = dynamic(Affine::constant(0), 1, value, self.entries);
                        let target = layer.b.load_as(Scalar::I32, targets, index);
                        let target = Target::Loaded(layer.b.let_("target", target), op.count);
                        let value = layer.b.var(place);
                        let index = dynamic(Affine::constant(0), 1, value, self.entries);
                        let weight = self.weights.load(layer, index);
                        target.combine(layer, op, y, result, weight);
                    };
                    match end {
                        Some(end) => {
                            let (place, end) = (layer.b.var(place), layer.b.var(end));
                            let inside = layer.b.less(place, end);
                            layer.b.begin_block();
                            add(layer);
                            let then = layer.b.end_block();
                            layer.b.begin_block();
                            if most > 1 {
                                layer.b.break_();
                            }
                            let otherwise = layer.b.end_block();
                            layer.b.if_else(inside, then, otherwise);
                        }
                        None => add(layer),
                    }
                });
            }
        }
    }
}

/// The end of a walk.
struct Visit {
    tree: Affine,
    /// The result whose turn it is.
    turn: Affine,
    leaf: Var,
}

/// The result that an entry is for.
enum Target {
    Known(Affine),
    /// In a register, below a number.
    Loaded(Var, usize),
}

impl Target {
    /// The result becomes what it was, combined with a weight.
    fn combine(&self, layer: &mut Layer<'_>, op: &TreeEnsemble, y: Param, result: &Affine, weight: Expr) {
        let index = |layer: &mut Layer<'_>| match self {
            Self::Known(target) => result.plus(target).into(),
            Self::Loaded(target, count) => {
                let target = layer.b.var(*target);
                dynamic(result.clone(), 1, target, *count)
            }
        };
        let at = index(layer);
        let old = layer.b.load(y, at);
        let new = layer.b.binary(op.aggregate.combine(), old, weight);
        let at = index(layer);
        layer.b.store(y, at, new);
    }
}
