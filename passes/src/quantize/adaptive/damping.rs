//! How far weights may follow the rows that were seen. Few samples say little of many weights, so the Gram matrix gets a multiple of its own
//! diagonal, which holds weights to the float ones. How much of it is good is tried: what comes of one half of the samples is measured on
//! the other half, and the other way round.

use super::Aim;
use super::gram::{Factors, Gram, dot};
use super::halves::{Half, Open};
use super::round::{Limits, Part, Rounded};
use crate::quantize::runner::each;
use std::ops::Range;

/// Dampings of the real weights that are aimed at; beside them, the float weights themselves.
const AIMS: [f64; 4] = [3.0, 0.5, 0.1, 0.02];

/// Dampings of the rounding.
const DAMPINGS: [f64; 3] = [1.0, 0.1, 0.01];

/// What is added to all of the diagonal, as a part of its mean: inputs that never change say nothing of their weights.
const FLOOR: f64 = 1e-3;

/// A block whose error can be computed.
pub(super) struct Block {
    /// Which of the group's taps.
    pub(super) taps: Range<usize>,
    /// Damped.
    pub(super) gram: Gram,
    pub(super) factors: Factors,
    /// For each output channel of the group, the real weights without error.
    pub(super) targets: Vec<Vec<f64>>,
}

/// Closes the blocks of a layer: the same dampings for all. `most` is the greatest integer of a weight.
pub(super) fn choose(open: Vec<Open>, most: i32, aim: Aim, threads: usize) -> Vec<Block> {
    let enough = open.iter().all(|block| block.halves.iter().all(|half| half.rows > 0));
    // The cost of targets and stored weights that one half leads to, on the other half.
    let crossed = |make: &(dyn Fn(&Open, &Half) -> Vec<Vec<f64>> + Sync)| -> f64 {
        let one = |block: &Open| {
            let [first, second] = &block.halves;
            excess(block, second, &make(block, first)) + excess(block, first, &make(block, second))
        };
        each(threads, open.len(), |at| one(&open[at])).iter().sum()
    };
    let mut held = (0.0, None);
    for damping in AIMS.iter().copied().filter(|_| enough && aim == Aim::Outputs) {
        let cost = crossed(&|block, half| targets(block, half, Some(damping)));
        if cost < held.0 {
            held = (cost, Some(damping));
        }
    }
    let mut best = (f64::INFINITY, DAMPINGS[0]);
    for damping in DAMPINGS.iter().copied().filter(|_| enough) {
        let cost = crossed(&|block, half| plainly_rounded(half, targets(block, half, held.1), damping, most));
        if cost < best.0 {
            best = (cost, damping);
        }
    }
    each(threads, open.len(), |at| {
        let block = &open[at];
        let whole = Half::sum(&block.halves);
        let targets = targets(block, &whole, held.1);
        let gram = damped(&whole.gram, best.1);
        Block { taps: block.taps.clone(), factors: Factors::of(&gram), gram, targets }
    })
}

/// Weights in steps of the scale that clips nothing, each rounded with the errors before it.
fn plainly_rounded(half: &Half, mut targets: Vec<Vec<f64>>, damping: f64, most: i32) -> Vec<Vec<f64>> {
    let gram = damped(&half.gram, damping);
    let factors = Factors::of(&gram);
    let limits = Limits { range: (-most, most), scale: f32::MIN_POSITIVE };
    for target in &mut targets {
        let top = target.iter().fold(0.0f64, |top, w| top.max(w.abs()));
        let scale = ((top / f64::from(most)) as f32).max(limits.scale);
        let found = Rounded::carried(&[Part { gram: &gram, factors: &factors, target }], scale, limits);
        target.iter_mut().zip(&found.stored[0]).for_each(|(w, &q)| *w = f64::from(q) * f64::from(scale));
    }
    targets
}

/// By how much the error of weights is above that of the float ones.
fn excess(block: &Open, half: &Half, weights: &[Vec<f64>]) -> f64 {
    let channels = weights.iter().zip(&block.reals).zip(&half.lacks);
    let one = |((weights, reals), lacks): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
        let moved: Vec<f64> = weights.iter().zip(reals).map(|(w, r)| w - r).collect();
        half.gram.form(&moved) - 2.0 * dot(lacks, &moved)
    };
    channels.map(one).sum()
}

/// The real weights with the least error, held to the float ones by a damping; with none, those themselves.
fn targets(block: &Open, half: &Half, damping: Option<f64>) -> Vec<Vec<f64>> {
    let Some(damping) = damping else { return block.reals.clone() };
    let factors = Factors::of(&damped(&half.gram, damping));
    let channels = block.reals.iter().zip(&half.lacks);
    channels
        .map(|(reals, lacks)| factors.solve(lacks).iter().zip(reals).map(|(d, r)| d + r).collect())
        .collect()
}

/// The matrix with a part of its diagonal added to that.
fn damped(gram: &Gram, part: f64) -> Gram {
    let mut gram = Gram { side: gram.side, products: gram.products.clone() };
    let mean = (0..gram.side).map(|at| gram.diagonal(at)).sum::<f64>() / gram.side.max(1) as f64;
    let least = if mean > 0.0 { mean * FLOOR } else { 1.0 };
    for at in 0..gram.side {
        let own = gram.diagonal(at);
        gram.products[at * gram.side + at] += own * part + least;
    }
    gram
}
