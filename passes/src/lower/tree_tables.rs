//! The tables of a tree ensemble: what a walk reads, as small as it can be. Equal leaves and equal subtrees of a tree are one,
//! comparisons that change nothing are gone. Not here: the walk.

use super::Unsupported;
use std::collections::BTreeMap;
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::op::tree_ensemble::Aggregate;
use tinyc_ir::{DType, Data};

/// Nodes of all trees together; more would not fit any microcontroller, and roots that share nodes could ask for any number.
const MOST_NODES: usize = 1 << 22;

/// A number that nodes compare: a feature, and which way its NaN goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slot {
    /// NaN counts as less than every threshold, else as greater.
    pub missing: bool,
    /// The feature.
    pub feature: usize,
}

/// Where a comparison leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Inner(usize),
    Leaf(usize),
}

/// What a leaf adds: results and the bits of weights.
type Entries = Vec<(usize, u64)>;

/// An inner node: its slot, the threshold's order, and where it leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Inner {
    slot: usize,
    threshold: i64,
    yes: Place,
    no: Place,
}

/// The nodes of all trees, one behind the other.
#[derive(Clone, Debug)]
pub struct Tables {
    /// What is compared, those with `missing` last.
    pub slots: Vec<Slot>,
    /// The slot of each node.
    pub node_slots: Vec<usize>,
    /// The threshold of each node, in the order of [`order`].
    pub thresholds: Vec<i64>,
    /// For each node two steps, if the comparison holds and if not: to another node, that many nodes on; or, from `split`
    /// on, to a leaf, counted from the tree's first.
    pub steps: Vec<usize>,
    /// Steps below it lead to nodes.
    pub split: usize,
    /// The first node of each tree.
    pub first_nodes: Vec<usize>,
    /// The first leaf of each tree; empty if all trees share their leaves.
    pub first_leaves: Vec<usize>,
    /// What leaves add.
    pub leaves: Leaves,
    /// Their number.
    pub leaf_count: usize,
    /// Comparisons of the longest walk.
    pub depth: usize,
}

/// What leaves add.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaves {
    /// Leaf l adds weight l to the result of its tree.
    One {
        /// The result of each tree.
        targets: Vec<usize>,
        /// One for each leaf.
        weights: Vec<u64>,
    },
    /// Leaf l adds weights `l · count ..` to all results.
    All {
        /// `count` for each leaf.
        weights: Vec<u64>,
    },
    /// Leaf l adds the entries from `starts[l]` up to `starts[l + 1]`.
    Some {
        /// The first entry of each leaf, and the number of entries.
        starts: Vec<usize>,
        /// The result of each entry.
        targets: Vec<usize>,
        /// The weight of each entry.
        weights: Vec<u64>,
    },
}

impl Leaves {
    fn bytes(&self, weight: usize) -> usize {
        match self {
            Self::One { targets, weights } => targets.len() + weights.len() * weight,
            Self::All { weights } => weights.len() * weight,
            Self::Some { starts, targets, weights } => {
                starts.len() * width(starts) + targets.len() * width(targets) + weights.len() * weight
            }
        }
    }
}

/// The smallest type of unsigned numbers for a table; indices are i32, so that is the widest.
pub fn storage(values: &[usize]) -> DType {
    match values.iter().max() {
        None | Some(0..=0xff) => DType::U8,
        Some(0x100..=0xffff) => DType::U16,
        Some(_) => DType::I32,
    }
}

fn width(values: &[usize]) -> usize {
    storage(values).size()
}

/// A table of numbers, as small as they allow.
pub fn table(values: &[usize]) -> Data {
    Data::from_ints(storage(values), values.iter().map(|&v| v as i64))
}

/// Numbers in the order of the elements of a type, NaN below all: `order(x) ≤ order(t)` is `x ≤ t`.
///
/// A float's bits are a sign and a magnitude that grows with the number, so both zeros become 0.
pub fn order(data: &Data) -> Vec<i64> {
    let float32 = |v: f32| match v.is_nan() {
        true => i64::from(i32::MIN),
        false => i64::from((v.to_bits() & 0x7fff_ffff) as i32) * if v.is_sign_negative() { -1 } else { 1 },
    };
    let float64 = |v: f64| match v.is_nan() {
        true => i64::MIN,
        false => (v.to_bits() & i64::MAX as u64) as i64 * if v.is_sign_negative() { -1 } else { 1 },
    };
    match data {
        Data::F32(v) => v.iter().map(|&v| float32(v)).collect(),
        Data::F64(v) => v.iter().map(|&v| float64(v)).collect(),
        // The sign bit flipped, unsigned numbers are ordered as signed ones.
        Data::U64(v) => v.iter().map(|&v| (v ^ 1 << 63) as i64).collect(),
        ints => ints.to_ints().expect("floats are above"),
    }
}

impl Tables {
    /// The tables of an ensemble with these thresholds and weights.
    pub fn new(op: &TreeEnsemble, thresholds: &Data, weights: &Data) -> Result<Self, Unsupported> {
        let float = thresholds.dtype().is_float();
        let slot = |i: usize| Slot {
            missing: float && op.missing.binary_search(&i).is_ok(),
            feature: op.features[i],
        };
        let mut slots: Vec<Slot> = (0..op.features.len()).map(slot).collect();
        slots.sort_unstable();
        slots.dedup();
        if slots.is_empty() {
            slots.push(Slot { missing: false, feature: 0 });
        }
        let entries = |l: usize| -> Entries {
            (op.leaves[l]..op.leaves[l + 1]).map(|e| (op.targets[e], weights.bits(e))).collect()
        };
        let leaves: Vec<Entries> = (0..op.leaf_count()).map(entries).collect();
        let shapes = Shapes::new(op, &leaves, &order(thresholds), |i| {
            slots.binary_search(&slot(i)).expect("it is one of them")
        });
        let shared = shapes.arrange(op, weights.dtype(), true)?;
        let own = shapes.arrange(op, weights.dtype(), false)?;
        let bytes = |t: &Self| {
            t.steps.len() * width(&t.steps)
                + t.first_leaves.len() * width(&t.first_leaves)
                + t.leaves.bytes(weights.dtype().size())
        };
        let mut tables = if bytes(&own) < bytes(&shared) { own } else { shared };
        tables.slots = slots;
        Ok(tables)
    }
}

/// Nodes and leaves, each kind once.
struct Shapes {
    inner: Vec<Inner>,
    /// The comparisons on the longest way from each inner node.
    depths: Vec<usize>,
    leaves: Vec<Entries>,
    roots: Vec<Place>,
}

impl Shapes {
    fn new(
        op: &TreeEnsemble,
        entries: &[Entries],
        thresholds: &[i64],
        slot: impl Fn(usize) -> usize,
    ) -> Self {
        let count = op.features.len();
        let (mut leaves, mut known_leaves) = (Vec::new(), BTreeMap::new());
        let mut places = vec![Place::Leaf(0); count];
        for entries in entries {
            let leaf = *known_leaves.entry(entries).or_insert_with(|| {
                leaves.push(entries.clone());
                leaves.len() - 1
            });
            places.push(Place::Leaf(leaf));
        }
        let (mut inner, mut depths, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        for i in (0..count).rev() {
            let (yes, no) = (places[op.yes[i]], places[op.no[i]]);
            if yes == no {
                places[i] = yes;
                continue;
            }
            let node = Inner { slot: slot(i), threshold: thresholds[i], yes, no };
            let place = *known.entry(node).or_insert_with(|| {
                let depth = |place| match place {
                    Place::Inner(i) => depths[i],
                    Place::Leaf(_) => 0,
                };
                let depth: usize = 1 + depth(yes).max(depth(no));
                depths.push(depth);
                inner.push(node);
                inner.len() - 1
            });
            places[i] = Place::Inner(place);
        }
        let roots = op.roots.iter().map(|&root| places[root]).collect();
        Self { inner, depths, leaves, roots }
    }

    /// The inner nodes of a tree, each before those that it leads to; where the comparison holds comes first.
    fn nodes(&self, root: usize, seen: &mut [usize], tree: usize) -> Vec<usize> {
        let (mut order, mut open) = (Vec::new(), vec![(root, 0)]);
        seen[root] = tree;
        while let Some((node, child)) = open.last_mut() {
            let next = match child {
                0 => self.inner[*node].no,
                1 => self.inner[*node].yes,
                _ => {
                    order.push(*node);
                    open.pop();
                    continue;
                }
            };
            *child += 1;
            if let Place::Inner(next) = next
                && seen[next] != tree
            {
                seen[next] = tree;
                open.push((next, 0));
            }
        }
        order.reverse();
        order
    }

    /// The tables without their slots. Trees share one list of leaves, or each has its own, which makes steps smaller.
    fn arrange(&self, op: &TreeEnsemble, weight: DType, shared: bool) -> Result<Tables, Unsupported> {
        let (mut seen, mut places) = (vec![usize::MAX; self.inner.len()], vec![0; self.inner.len()]);
        let mut leaves: Vec<usize> = if shared { (0..self.leaves.len()).collect() } else { Vec::new() };
        let (mut first_nodes, mut first_leaves, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        let (mut node_slots, mut thresholds, mut depth) = (Vec::new(), Vec::new(), 1);
        for (tree, &root) in self.roots.iter().enumerate() {
            let nodes = match root {
                Place::Inner(root) => self.nodes(root, &mut seen, tree),
                Place::Leaf(_) => Vec::new(),
            };
            let first = node_slots.len();
            first_nodes.push(first);
            let first_leaf = if shared { 0 } else { leaves.len() };
            first_leaves.push(first_leaf);
            let mut own = BTreeMap::new();
            let mut number = |leaf: usize| match shared {
                true => leaf,
                false => *own.entry(leaf).or_insert_with(|| {
                    leaves.push(leaf);
                    leaves.len() - 1 - first_leaf
                }),
            };
            if let Place::Leaf(leaf) = root {
                // A comparison that leads nowhere else.
                let leaf = number(leaf);
                node_slots.push(0);
                thresholds.push(0);
                steps.extend([Err(leaf), Err(leaf)]);
            }
            nodes.iter().enumerate().for_each(|(i, &node)| places[node] = first + i);
            for (i, &node) in nodes.iter().enumerate() {
                let Inner { slot, threshold, yes, no } = self.inner[node];
                depth = depth.max(self.depths[node]);
                node_slots.push(slot);
                thresholds.push(threshold);
                steps.extend([yes, no].map(|place| match place {
                    Place::Inner(next) => Ok(places[next] - (first + i)),
                    Place::Leaf(leaf) => Err(number(leaf)),
                }));
            }
            if node_slots.len() > MOST_NODES {
                return Err(Unsupported::new(format!("trees of more than {MOST_NODES} nodes")));
            }
        }
        let split = 1 + steps.iter().filter_map(|step| step.ok()).max().unwrap_or(0);
        let code = |step: Result<usize, usize>| step.unwrap_or_else(|leaf| split + leaf);
        if shared {
            first_leaves.clear();
        }
        Ok(Tables {
            slots: Vec::new(),
            node_slots,
            thresholds,
            steps: steps.into_iter().map(code).collect(),
            split,
            first_nodes,
            first_leaves,
            leaf_count: leaves.len(),
            leaves: self.pay(op, weight, &leaves),
            depth,
        })
    }

    /// The result of each tree, if all its leaves have one entry for it.
    fn single_targets(&self) -> Option<Vec<usize>> {
        let mut seen = vec![usize::MAX; self.inner.len()];
        let target = |place: Place| match place {
            Place::Leaf(leaf) => match self.leaves[leaf][..] {
                [(target, _)] => Some(target),
                _ => None,
            },
            Place::Inner(_) => None,
        };
        let of_tree = |(tree, &root): (usize, &Place)| {
            let mut leaves = vec![root];
            if let Place::Inner(root) = root {
                let nodes = self.nodes(root, &mut seen, tree);
                leaves = nodes.iter().flat_map(|&n| [self.inner[n].yes, self.inner[n].no]).collect();
                leaves.retain(|place| matches!(place, Place::Leaf(_)));
            }
            let first = target(leaves[0])?;
            leaves.iter().all(|&leaf| target(leaf) == Some(first)).then_some(first)
        };
        self.roots.iter().enumerate().map(of_tree).collect()
    }

    /// What the leaves of a list add, in the form that takes the fewest bytes.
    fn pay(&self, op: &TreeEnsemble, weight: DType, leaves: &[usize]) -> Leaves {
        if let Some(targets) = self.single_targets() {
            // A leaf that no tree leads to may have any number of entries.
            let weights = leaves.iter().map(|&l| self.leaves[l].first().map_or(0, |e| e.1)).collect();
            return Leaves::One { targets, weights };
        }
        let sum = op.aggregate == Aggregate::Sum;
        let zero = |bits: u64| bits << if weight == DType::F32 { 33 } else { 1 } == 0;
        let (mut starts, mut targets, mut weights) = (vec![0], Vec::new(), Vec::new());
        let mut all = Some(Vec::new());
        for &leaf in leaves {
            let entries = &self.leaves[leaf];
            // A sum that begins at +0 is never −0, so zeros of either sign change nothing.
            for &(target, bits) in entries.iter().filter(|e| !(sum && zero(e.1))) {
                targets.push(target);
                weights.push(bits);
            }
            starts.push(targets.len());
            let each = entries.iter().enumerate().all(|(i, e)| e.0 == i) && entries.len() == op.count;
            let ascends = entries.windows(2).all(|e| e[0].0 < e[1].0);
            match &mut all {
                Some(all) if each || sum && ascends => {
                    let mut row = vec![0; op.count];
                    entries.iter().for_each(|&(target, bits)| row[target] = bits);
                    all.extend(row);
                }
                _ => all = None,
            }
        }
        let some = Leaves::Some { starts, targets, weights };
        match all.map(|weights| Leaves::All { weights }) {
            Some(all) if all.bytes(weight.size()) <= some.bytes(weight.size()) => all,
            _ => some,
        }
    }
}
