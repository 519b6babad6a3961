//! Regular picks as slices, transposes, reshapes and repetitions, where they are that.

use tinyc_ir::Shape;
use tinyc_ir::op::{Strided, Transpose};

/// The part of an axis that is kept.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Cut {
    pub(super) axis: usize,
    pub(super) start: i64,
    /// The first position that is not taken; far below zero where a step backwards ends at the first element.
    pub(super) end: i64,
    pub(super) step: i64,
}

/// What makes the elements of a `strided`, in this order.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Steps {
    pub(super) slice: Option<Vec<Cut>>,
    pub(super) perm: Option<Vec<usize>>,
    pub(super) reshape: Option<Vec<usize>>,
    pub(super) expand: Option<Vec<usize>>,
}

impl Steps {
    /// The steps that pick the same elements of an x of this shape; `None` if each axis of the result is no axis of x.
    pub(super) fn of(op: &Strided, x: &Shape) -> Option<Self> {
        if op.shape.contains(&0) || x.contains(&0) {
            return None;
        }
        let strides = x.strides();
        let at: Vec<i64> = x.unravel(op.offset).into_iter().map(super::int).collect();
        // For each axis of x, the axis of the result that runs along it.
        let mut along: Vec<Option<usize>> = vec![None; x.rank()];
        for (axis, (&size, &stride)) in op.shape.iter().zip(&op.strides).enumerate() {
            if size == 1 || stride == 0 {
                continue;
            }
            let runs = |i: &usize| {
                let unit = super::int(strides[*i]);
                let last = at[*i] + stride / unit * (super::int(size) - 1);
                along[*i].is_none()
                    && x[*i] > 1
                    && stride % unit == 0
                    && (0..super::int(x[*i])).contains(&last)
            };
            let found = (0..x.rank()).find(runs)?;
            along[found] = Some(axis);
        }
        let cut = |i: usize| {
            let (size, step) = match along[i] {
                Some(axis) => (super::int(op.shape[axis]), op.strides[axis] / super::int(strides[i])),
                None => (1, 1),
            };
            let end = at[i] + step * (size - 1) + step.signum();
            Cut { axis: i, start: at[i], end: if end < 0 { i64::MIN } else { end }, step }
        };
        let cuts: Vec<Cut> = (0..x.rank()).map(cut).collect();
        let whole = |cut: &Cut| cut.start == 0 && cut.step == 1 && cut.end == super::int(x[cut.axis]);
        let slice: Vec<Cut> = cuts.into_iter().filter(|cut| !whole(cut)).collect();
        // The axes in the order of the result, those that are one element behind them.
        let mut perm: Vec<usize> = (0..x.rank()).collect();
        perm.sort_by_key(|&i| along[i].unwrap_or(usize::MAX));
        let sizes: Vec<usize> = perm.iter().map(|&i| along[i].map_or(1, |axis| op.shape[axis])).collect();
        let moved: Vec<usize> =
            (0..x.rank()).filter(|&i| along[i].is_some()).filter_map(|i| along[i]).collect();
        let turned = !moved.is_sorted();
        let before: Vec<usize> = match turned {
            true => sizes,
            false => (0..x.rank()).map(|i| along[i].map_or(1, |axis| op.shape[axis])).collect(),
        };
        let single = |(&size, &stride): (&usize, &i64)| if stride == 0 { 1 } else { size };
        let bare: Vec<usize> = op.shape.iter().zip(&op.strides).map(single).collect();
        let steps = Self {
            slice: (!slice.is_empty()).then_some(slice),
            perm: turned.then_some(perm),
            reshape: (before != bare).then(|| bare.clone()),
            expand: (bare != op.shape).then(|| op.shape.clone()),
        };
        (steps.positions(x) == op.positions()).then_some(steps)
    }

    /// The positions in x that the steps pick.
    fn positions(&self, x: &Shape) -> Vec<usize> {
        let (mut shape, mut places): (Vec<usize>, Vec<usize>) = (x.to_vec(), (0..x.elements()).collect());
        if let Some(cuts) = &self.slice {
            let strides = x.strides();
            let mut offset = 0;
            let mut steps: Vec<i64> = strides.iter().map(|&s| super::int(s)).collect();
            for cut in cuts {
                offset += cut.start as usize * strides[cut.axis];
                steps[cut.axis] *= cut.step;
                let last = if cut.end == i64::MIN { -1 } else { cut.end };
                shape[cut.axis] =
                    (last - cut.start).unsigned_abs().div_ceil(cut.step.unsigned_abs()) as usize;
            }
            places = Strided { shape: shape.clone(), strides: steps, offset }.positions();
        }
        if let Some(perm) = &self.perm {
            let turn = Transpose { perm: perm.clone() };
            places = turn.positions(&shape.clone().into()).into_iter().map(|at| places[at]).collect();
            shape = perm.iter().map(|&i| shape[i]).collect();
        }
        if let Some(to) = &self.reshape {
            shape.clone_from(to);
        }
        if let Some(to) = &self.expand {
            let (from, to) = (Shape::new(shape), Shape::new(to.clone()));
            let strides = from.broadcast_strides(&to).into_iter().map(super::int).collect();
            let repeat = Strided { shape: to.to_vec(), strides, offset: 0 };
            places = repeat.positions().into_iter().map(|at| places[at]).collect();
        }
        places
    }
}
