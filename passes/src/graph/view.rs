//! What a chain of reshapes and transposes does to a row-major tensor, in one normal form.
//!
//! It only knows indices; which nodes to move is [`fold_layout`](super::fold_layout)'s business.

use tinyc_ir::op::{Reshape, Transpose};
use tinyc_ir::{Op, Shape};

/// `size` steps of `stride` elements through the base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Factor {
    size: usize,
    stride: usize,
}

/// A tensor of shape `shape` whose elements are those of a base tensor, each once, in another order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct View {
    /// The shape of the tensor that is looked at.
    pub(crate) base: Shape,
    /// The shape that is seen.
    pub(crate) shape: Shape,
    /// For each axis of `shape`, the steps through the base that it is made of, outermost first; none of size 1.
    axes: Vec<Vec<Factor>>,
}

impl View {
    /// The base as it is; `None` if it has no elements.
    pub(crate) fn identity(base: &Shape) -> Option<Self> {
        if base.elements() == 0 {
            return None;
        }
        let factor = |(&size, stride)| if size == 1 { vec![] } else { vec![Factor { size, stride }] };
        let axes = base.iter().zip(base.strides()).map(factor).collect();
        Some(Self { base: base.clone(), shape: base.clone(), axes })
    }

    /// This view, then a reshape or transpose; `None` for other operators and where an axis does not split evenly.
    pub(crate) fn then(&self, op: &Op) -> Option<Self> {
        match op {
            Op::Transpose(Transpose { perm }) => {
                let shape = perm.iter().map(|&p| self.shape[p]).collect::<Vec<_>>().into();
                let axes = perm.iter().map(|&p| self.axes[p].clone()).collect();
                Some(Self { base: self.base.clone(), shape, axes })
            }
            Op::Reshape(Reshape { shape }) => {
                let axes = split(&self.merged(), shape)?;
                Some(Self { base: self.base.clone(), shape: shape.clone().into(), axes })
            }
            _ => None,
        }
    }

    /// All steps, outermost first, neighbours joined where one continues the other.
    fn merged(&self) -> Vec<Factor> {
        let mut merged: Vec<Factor> = Vec::new();
        for &next in self.axes.iter().flatten() {
            match merged.last_mut() {
                Some(last) if last.stride == next.size * next.stride => {
                    *last = Factor { size: last.size * next.size, stride: next.stride };
                }
                _ => merged.push(next),
            }
        }
        merged
    }

    /// Whether the elements keep their order, so that the view is a reshape or nothing.
    pub(crate) fn keeps_order(&self) -> bool {
        self.merged().len() <= 1
    }

    /// Whether nothing changes at all.
    pub(crate) fn is_identity(&self) -> bool {
        self.keeps_order() && self.base == self.shape
    }

    /// The fewest operators that make the view of its base: nothing, a reshape, or one transpose between reshapes.
    pub(crate) fn ops(&self) -> Vec<Op> {
        let reshape = |shape: &[usize]| Op::from(Reshape { shape: shape.to_vec() });
        if self.keeps_order() {
            return if self.base == self.shape { vec![] } else { vec![reshape(&self.shape)] };
        }
        if let Some(perm) = self.permutation() {
            return vec![Transpose { perm }.into()];
        }
        let merged = self.merged();
        let mut order: Vec<usize> = (0..merged.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(merged[i].stride));
        let dims: Vec<usize> = order.iter().map(|&i| merged[i].size).collect();
        let mut perm = vec![0; order.len()];
        for (axis, &i) in order.iter().enumerate() {
            perm[i] = axis;
        }
        let turned: Vec<usize> = perm.iter().map(|&p| dims[p]).collect();
        let mut ops = Vec::new();
        if self.base.dims() != dims {
            ops.push(reshape(&dims));
        }
        ops.push(Transpose { perm }.into());
        if self.shape.dims() != turned {
            ops.push(reshape(&self.shape));
        }
        ops
    }

    /// The permutation of the base's axes that the view is, if it is one.
    fn permutation(&self) -> Option<Vec<usize>> {
        if self.base.rank() != self.shape.rank() {
            return None;
        }
        let mut units = (0..self.base.rank()).filter(|&i| self.base[i] == 1);
        self.base_axes()?.into_iter().map(|axis| axis.or_else(|| units.next())).collect()
    }

    /// For each axis of `shape` the axis of the base that it is, `None` for axes of size 1. The whole is `None` if an
    /// axis is no single one of the base.
    pub(crate) fn base_axes(&self) -> Option<Vec<Option<usize>>> {
        let strides = self.base.strides();
        let find = |factors: &Vec<Factor>| match factors[..] {
            [] => Some(None),
            [f] => {
                (0..self.base.rank()).find(|&i| self.base[i] == f.size && strides[i] == f.stride).map(Some)
            }
            _ => None,
        };
        self.axes.iter().map(find).collect()
    }

    /// For each element of `shape`, row-major, its position in the base.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0];
        for factor in self.axes.iter().flatten() {
            let step = |&start: &usize| (0..factor.size).map(move |i| start + i * factor.stride);
            positions = positions.iter().flat_map(step).collect();
        }
        positions
    }
}

/// Distributes steps over the axes of `shape`; `None` if one would have to be cut unevenly.
fn split(steps: &[Factor], shape: &[usize]) -> Option<Vec<Vec<Factor>>> {
    let mut rest = steps.iter().copied();
    let mut open: Option<Factor> = None;
    let mut axes = Vec::with_capacity(shape.len());
    for &dim in shape {
        let (mut need, mut factors) = (dim, Vec::new());
        while need > 1 {
            let step = open.take().or_else(|| rest.next())?;
            if need >= step.size {
                if !need.is_multiple_of(step.size) {
                    return None;
                }
                need /= step.size;
                factors.push(step);
            } else {
                if !step.size.is_multiple_of(need) {
                    return None;
                }
                let inner = step.size / need;
                factors.push(Factor { size: need, stride: step.stride * inner });
                open = Some(Factor { size: inner, stride: step.stride });
                need = 1;
            }
        }
        axes.push(factors);
    }
    Some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tinyc_ir::{Tensor, TensorType};

    fn perm(perm: &[usize]) -> Op {
        Transpose { perm: perm.to_vec() }.into()
    }

    fn shape(shape: &[usize]) -> Op {
        Reshape { shape: shape.to_vec() }.into()
    }

    fn chain(base: &[usize], ops: &[Op]) -> View {
        let identity = View::identity(&Shape::new(base)).unwrap();
        ops.iter().fold(identity, |view, op| view.then(op).unwrap())
    }

    #[test]
    fn transposes_cancel_through_reshapes() {
        let there = [perm(&[0, 3, 1, 2]), shape(&[3, 20]), shape(&[1, 3, 4, 5]), perm(&[0, 2, 3, 1])];
        assert!(chain(&[1, 4, 5, 3], &there).is_identity());
        let units = chain(&[1, 49, 10, 1], &[perm(&[0, 3, 1, 2])]);
        assert_eq!(units.ops(), [shape(&[1, 1, 49, 10])]);
        assert_eq!(chain(&[1, 4, 5, 3], &there[..1]).ops(), there[..1]);
        let flat = chain(&[1, 4, 5, 3], &there[..2]);
        assert_eq!(flat.ops(), [shape(&[20, 3]), perm(&[1, 0])]);
    }

    proptest! {
        #[test]
        fn the_normal_form_moves_the_same_elements(dims in prop::collection::vec(1usize..5, 4), seeds in prop::collection::vec(any::<u32>(), 1..6)) {
            let base = Shape::new(dims);
            let mut view = View::identity(&base).unwrap();
            let mut tensor = Tensor::f32(base.clone(), (0..base.elements()).map(|i| i as f32).collect());
            let apply = |tensor: &Tensor, op: &Op| {
                let ty = TensorType::f32(tensor.shape.clone());
                let y = op.infer(&[&ty]).unwrap();
                op.eval(&[(&ty, tensor)], &y)
            };
            let original = tensor.clone();
            for seed in seeds {
                let rank = view.shape.rank();
                let op = if seed % 2 == 0 {
                    let mut axes: Vec<usize> = (0..rank).collect();
                    axes.rotate_left((seed as usize / 2) % rank);
                    if seed % 3 == 0 && rank > 1 { axes.swap(0, 1) }
                    perm(&axes)
                } else {
                    let mut dims = view.shape.to_vec();
                    let at = (seed as usize / 2) % rank;
                    if at + 1 < rank { let next = dims.remove(at + 1); dims[at] *= next } else { dims.insert(0, 1) }
                    shape(&dims)
                };
                let Some(next) = view.then(&op) else { continue };
                view = next;
                tensor = apply(&tensor, &op);
            }
            let gathered = original.data.gather(&view.positions());
            prop_assert_eq!(&gathered, &tensor.data);
            let normal = view.ops().iter().fold(original, |t, op| apply(&t, op));
            prop_assert_eq!(normal, tensor);
        }
    }
}
