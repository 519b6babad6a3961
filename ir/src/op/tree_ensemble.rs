//! Decision trees: each row of features walks every tree from its root to a leaf, and the leaves' weights are combined.
//!
//! Not composed from `gather` and `map`: every step of a walk would be a node of its own with a tensor of positions, and no
//! tree could end before the deepest does.

use super::{Arity, Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs, choices};
use crate::{DType, Data, Tensor, TensorType};

/// `tree_ensemble x, t, w {roots=[…], features=[…], yes=[…], no=[…], leaves=[…], targets=[…], count=…}`: `[R, F]` features,
/// `[I]` thresholds of their type, `[E]` weights of a float type, to `[R, count]` of the weights' type
///
/// There are I inner nodes and L leaves. A place below I is an inner node, one from I on the leaf of the number `place − I`. At the
/// inner node i a row goes on to `yes[i]` where `x[features[i]] ≤ t[i]`, or where that feature is NaN and i is among `missing`;
/// else to `no[i]`. Both places are beyond i, so every walk ends, and ways may join.
///
/// Leaf l has the entries `leaves[l] .. leaves[l + 1]`; entry e adds its weight to the result `targets[e]`. Trees come in the
/// order of `roots`, entries ascending, each float operation rounded once, from 0 (sum), +∞ (min) or −∞ (max).
#[derive(Clone, PartialEq, Debug)]
pub struct TreeEnsemble {
    /// The place where each tree begins.
    pub roots: Vec<usize>,
    /// The feature that each inner node compares.
    pub features: Vec<usize>,
    /// Where each inner node goes if the comparison holds.
    pub yes: Vec<usize>,
    /// Where each inner node goes if not.
    pub no: Vec<usize>,
    /// The inner nodes, ascending, that count NaN as less than their threshold.
    pub missing: Vec<usize>,
    /// The first entry of each leaf, and behind the last one the number of entries.
    pub leaves: Vec<usize>,
    /// The result that each entry is for.
    pub targets: Vec<usize>,
    /// The number of results.
    pub count: usize,
    /// How entries for one result are combined.
    pub aggregate: Aggregate,
}

/// How a [`TreeEnsemble`] combines weights for one result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Aggregate {
    Sum,
    Min,
    Max,
}

choices!(Aggregate: "`sum`, `min` or `max`" {
    Sum = "sum",
    Min = "min",
    Max = "max",
});

impl Aggregate {
    /// The operation.
    pub fn combine(self) -> BinaryOp {
        match self {
            Self::Sum => BinaryOp::Add,
            Self::Min => BinaryOp::Min,
            Self::Max => BinaryOp::Max,
        }
    }

    /// The value before the first entry.
    pub fn start(self) -> f64 {
        match self {
            Self::Sum => 0.0,
            Self::Min => f64::INFINITY,
            Self::Max => f64::NEG_INFINITY,
        }
    }
}

impl TreeEnsemble {
    /// The number of leaves.
    pub fn leaf_count(&self) -> usize {
        self.leaves.len().saturating_sub(1)
    }

    /// For each place, how many comparisons the longest way from it to a leaf takes.
    pub fn depths(&self) -> Vec<usize> {
        let inner = self.features.len();
        let mut depths = vec![0; inner + self.leaf_count()];
        for i in (0..inner).rev() {
            depths[i] = 1 + depths[self.yes[i]].max(depths[self.no[i]]);
        }
        depths
    }

    fn check_tables(&self, features: usize) -> Result<(), TypeError> {
        let (inner, leaves) = (self.features.len(), self.leaf_count());
        let places = inner + leaves;
        require!(leaves > 0 && !self.roots.is_empty(), "there is a tree, and a leaf");
        require!(self.yes.len() == inner && self.no.len() == inner, "yes and no have an entry for each inner node");
        require!(self.roots.iter().all(|&root| root < places), "a root is none of {places} places");
        require!(self.features.iter().all(|&f| f < features), "a node compares none of {features} features");
        let children = self.yes.iter().zip(&self.no).enumerate();
        for (i, (&yes, &no)) in children {
            let beyond = |place: usize| i < place && place < places;
            require!(beyond(yes) && beyond(no), "node {i} leads to {yes} and {no}, not to places beyond it");
        }
        let ascending = self.missing.windows(2).all(|w| w[0] < w[1]);
        let known = self.missing.last().is_none_or(|&last| last < inner);
        require!(ascending && known, "missing names inner nodes, ascending");
        let entries = self.targets.len();
        let covered = self.leaves[0] == 0 && self.leaves[leaves] == entries;
        require!(covered && self.leaves.is_sorted(), "leaves ascends from 0 to the number of entries, {entries}");
        require!(self.targets.iter().all(|&t| t < self.count), "an entry is for none of {} results", self.count);
        Ok(())
    }
}

impl Operator for TreeEnsemble {
    const NAME: &'static str = "tree_ensemble";
    const ARITY: Arity = Arity::Exactly(3);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("roots", self.roots.clone());
        attrs.put("features", self.features.clone());
        attrs.put("yes", self.yes.clone());
        attrs.put("no", self.no.clone());
        attrs.put_unless("missing", self.missing.clone(), Vec::new());
        attrs.put("leaves", self.leaves.clone());
        attrs.put("targets", self.targets.clone());
        attrs.put("count", self.count);
        attrs.put_unless("aggregate", self.aggregate, Aggregate::Sum);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            roots: attrs.take("roots")?,
            features: attrs.take("features")?,
            yes: attrs.take("yes")?,
            no: attrs.take("no")?,
            missing: attrs.take_or("missing", Vec::new())?,
            leaves: attrs.take("leaves")?,
            targets: attrs.take("targets")?,
            count: attrs.take("count")?,
            aggregate: attrs.take_or("aggregate", Aggregate::Sum)?,
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, t, w] = inputs else { unreachable!("arity is checked") };
        let &[rows, features] = x.shape.dims() else {
            return Err(TypeError::new(format!("x has two dimensions, not {x}")));
        };
        let plain = inputs.iter().all(|ty| !ty.is_quantized());
        let stored = |dtype: DType| dtype != DType::Bool && !dtype.is_half() && !dtype.is_packed();
        require!(plain && stored(x.dtype), "x holds whole numbers or floats of 32 or 64 bits, not {x}");
        let thresholds = TensorType::new(x.dtype, [self.features.len()]);
        require!(**t == thresholds, "t is {thresholds}, not {t}");
        let weights = TensorType::new(w.dtype, [self.targets.len()]);
        require!(w.dtype.is_float() && stored(w.dtype) && **w == weights, "w is [{}] floats, not {w}", self.targets.len());
        self.check_tables(features)?;
        Ok(TensorType::new(w.dtype, [rows, self.count]))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, x), (_, t), (_, w)] = inputs else { unreachable!("arity is checked") };
        let (inner, features) = (self.features.len(), x.shape[1]);
        let start = match output.dtype {
            DType::F64 => self.aggregate.start().to_bits(),
            _ => u64::from((self.aggregate.start() as f32).to_bits()),
        };
        let mut results = vec![start; output.shape.elements()];
        for (row, results) in results.chunks_mut(self.count.max(1)).enumerate() {
            for &root in &self.roots {
                let mut place = root;
                while place < inner {
                    let (holds, is_nan) = compare(x, row * features + self.features[place], t, place);
                    let holds = holds || is_nan && self.missing.binary_search(&place).is_ok();
                    place = if holds { self.yes[place] } else { self.no[place] };
                }
                let leaf = place - inner;
                for entry in self.leaves[leaf]..self.leaves[leaf + 1] {
                    let result = &mut results[self.targets[entry]];
                    *result = ops::binary(self.aggregate.combine(), w.dtype(), *result, w.data.bits(entry))
                        .expect("checked: floats");
                }
            }
        }
        Tensor::new(output.shape.clone(), Data::from_bits(output.dtype, results))
    }
}

/// Whether a feature is at most a threshold, and whether it is NaN.
fn compare(x: &Tensor, at: usize, t: &Tensor, node: usize) -> (bool, bool) {
    match (&x.data, &t.data) {
        (Data::F32(x), Data::F32(t)) => (x[at] <= t[node], x[at].is_nan()),
        (Data::F64(x), Data::F64(t)) => (x[at] <= t[node], x[at].is_nan()),
        (Data::U64(x), Data::U64(t)) => (x[at] <= t[node], false),
        (x, t) => (x.int(at) <= t.int(node), false),
    }
}
