//! What two halves of the rows say of a layer's weights, block by block.
//!
//! With inputs `x` of the integer model, of which the float model has `f`, and their means taken off, as the bias makes those good, weights `w + d`
//! instead of `w` have the error `Σ (w·f − (w + d)·x)² = dᵀ·G·d − 2·lᵀ·d + …` with the Gram matrix `G = Σ x·xᵀ` and `l = Σ x·(w·(f − x))`: what
//! the channel lacks, because its inputs are not those of the float model.

use super::gram::{Gram, dot};
use super::inputs::Rows;
use super::taps::Taps;
use crate::quantize::runner::each;
use std::ops::Range;

/// Rows of a Gram matrix that one thread makes at once.
const STRIPE: usize = 16;

/// All blocks of a layer.
pub(super) struct Halves {
    /// Group by group, the same number of blocks for each.
    pub(super) open: Vec<Open>,
    /// Means of the rows.
    pub(super) integer_means: Vec<f64>,
    /// Means of the rows of the float model.
    pub(super) float_means: Vec<f64>,
}

/// Consecutive taps of a group. Products of taps in different blocks are left out.
pub(super) struct Open {
    /// Which of the group's taps.
    pub(super) taps: Range<usize>,
    /// The float weights of each output channel of the group.
    pub(super) reals: Vec<Vec<f64>>,
    pub(super) halves: [Half; 2],
}

/// What half of the rows says of a block.
pub(super) struct Half {
    pub(super) rows: usize,
    pub(super) gram: Gram,
    /// `l` of each output channel of the group.
    pub(super) lacks: Vec<Vec<f64>>,
}

impl Half {
    /// Both halves together.
    pub(super) fn sum(halves: &[Self; 2]) -> Self {
        let add = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let [one, two] = halves;
        Self {
            rows: one.rows + two.rows,
            gram: Gram { side: one.gram.side, products: add(&one.gram.products, &two.gram.products) },
            lacks: one.lacks.iter().zip(&two.lacks).map(|(a, b)| add(a, b)).collect(),
        }
    }
}

/// The blocks, of at most `side` taps, of a layer whose `weight` has a row of `taps.depth` for each output channel.
pub(super) fn halves(rows: &[Rows; 2], taps: &Taps, weight: &[f32], side: usize, threads: usize) -> Halves {
    let (depth, width) = (taps.depth, taps.width());
    let integer_means = means(rows, width, |rows| &rows.integer);
    let float_means = means(rows, width, |rows| &rows.float);
    let blocks = depth.div_ceil(side).max(1);
    let cuts: Vec<Range<usize>> = (0..blocks).map(|b| b * depth / blocks..(b + 1) * depth / blocks).collect();
    let all: Vec<(usize, Range<usize>)> =
        (0..taps.groups).flat_map(|group| cuts.iter().map(move |cut| (group, cut.clone()))).collect();
    let columns = |group: usize, cut: &Range<usize>| group * depth + cut.start..group * depth + cut.end;
    let mut stripes = Vec::new();
    for (group, cut) in &all {
        let columns = columns(*group, cut);
        for half in rows {
            let stripe = |at: usize| at * STRIPE..((at + 1) * STRIPE).min(cut.len());
            let own = (0..cut.len().div_ceil(STRIPE)).map(stripe);
            stripes.extend(own.map(|stripe| (half, columns.clone(), stripe)));
        }
    }
    let products = each(threads, stripes.len(), |at| {
        let (half, columns, stripe) = &stripes[at];
        products(&half.integer, width, columns.clone(), stripe.clone(), &integer_means)
    });
    let outputs = weight.len() / depth.max(1) / taps.groups;
    let lacks = each(threads, all.len(), |at| {
        let (group, cut) = &all[at];
        let real = |channel: usize| -> Vec<f64> {
            let own = &weight[channel * depth..][cut.clone()];
            own.iter().map(|&w| f64::from(w)).collect()
        };
        let reals: Vec<Vec<f64>> = (group * outputs..(group + 1) * outputs).map(real).collect();
        let own =
            |half: &Rows| lacking(half, width, columns(*group, cut), (&integer_means, &float_means), &reals);
        let lacks = rows.each_ref().map(own);
        (reals, lacks)
    });
    let mut products = products.into_iter();
    let mut open = Vec::with_capacity(all.len());
    for ((_, taps), (reals, [first, second])) in all.into_iter().zip(lacks) {
        let mut half = |rows: &Rows, lacks| {
            let lower: Vec<Vec<f64>> = products.by_ref().take(taps.len().div_ceil(STRIPE)).collect();
            Half { rows: rows.count, gram: Gram::of_lower(taps.len(), lower.concat()), lacks }
        };
        let halves = [half(&rows[0], first), half(&rows[1], second)];
        open.push(Open { taps, reals, halves });
    }
    Halves { open, integer_means, float_means }
}

/// The means of all columns.
fn means(rows: &[Rows; 2], width: usize, of: impl Fn(&Rows) -> &Vec<f32>) -> Vec<f64> {
    let count = rows.iter().map(|half| half.count).sum::<usize>().max(1) as f64;
    let mut sums = vec![0.0; width];
    for row in rows.iter().flat_map(|half| of(half).chunks_exact(width)) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums.iter().map(|sum| sum / count).collect()
}

/// `Σ xᵢ·xⱼ` for `i` in a stripe of the columns and `j ≤ i`, four rows at a time; a row of the result is as long as the columns.
fn products(x: &[f32], width: usize, columns: Range<usize>, stripe: Range<usize>, means: &[f64]) -> Vec<f64> {
    let (side, reach) = (columns.len(), stripe.end);
    let means = &means[columns.clone()];
    let mut sums = vec![0.0; stripe.len() * side];
    let mut four = vec![0.0; 4 * reach];
    for rows in x.chunks(4 * width) {
        four.fill(0.0);
        for (row, centred) in rows.chunks_exact(width).zip(four.chunks_exact_mut(reach)) {
            let row = &row[columns.start..columns.start + reach];
            centred.iter_mut().zip(row).zip(means).for_each(|((c, &x), m)| *c = f64::from(x) - m);
        }
        let (a, rest) = four.split_at(reach);
        let (b, rest) = rest.split_at(reach);
        let (c, d) = rest.split_at(reach);
        for (at, i) in stripe.clone().enumerate() {
            let sums = &mut sums[at * side..at * side + i + 1];
            let own = [a[i], b[i], c[i], d[i]];
            let lanes = sums.iter_mut().zip(a).zip(b).zip(c).zip(d);
            lanes.for_each(|((((sum, a), b), c), d)| {
                *sum += (own[0] * a + own[1] * b) + (own[2] * c + own[3] * d);
            });
        }
    }
    sums
}

/// `l` of each channel: `Σ x·(w·(f − x))`; `means` are those of `x` and of `f`.
fn lacking(
    rows: &Rows,
    width: usize,
    columns: Range<usize>,
    means: (&[f64], &[f64]),
    weights: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; columns.len()]; weights.len()];
    let means = (&means.0[columns.clone()], &means.1[columns.clone()]);
    let (mut x, mut lost) = (vec![0.0; columns.len()], vec![0.0; columns.len()]);
    for (float, integer) in rows.float.chunks_exact(width).zip(rows.integer.chunks_exact(width)) {
        let (float, integer) = (&float[columns.clone()], &integer[columns.clone()]);
        x.iter_mut().zip(integer).zip(means.0).for_each(|((x, &i), m)| *x = f64::from(i) - m);
        let floats = float.iter().zip(means.1).zip(&x);
        lost.iter_mut().zip(floats).for_each(|(lost, ((&f, m), x))| *lost = f64::from(f) - m - x);
        for (sums, weights) in sums.iter_mut().zip(weights) {
            let lack = dot(&lost, weights);
            sums.iter_mut().zip(&x).for_each(|(sum, x)| *sum += x * lack);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::seeded::Seeded;

    #[test]
    fn blocks_say_what_weights_cost() {
        // Two groups of five taps and three channels, in blocks of two and three taps.
        let taps = Taps::plain(2, 5);
        let mut stream = Seeded::new(9);
        let mut numbers =
            |count: usize| -> Vec<f32> { (0..count).map(|_| stream.unit() * 2.0 + 0.5).collect() };
        let rows =
            [7, 6].map(|count| Rows { count, float: numbers(count * 10), integer: numbers(count * 10) });
        let weight = numbers(6 * 5);
        let moved: Vec<f64> = numbers(6 * 5).iter().map(|&x| f64::from(x) * 0.1).collect();
        let all = halves(&rows, &taps, &weight, 3, 2);
        assert_eq!(all.open.iter().map(|b| b.taps.clone()).collect::<Vec<_>>(), [0..2, 2..5, 0..2, 2..5]);
        for (at, block) in all.open.iter().enumerate() {
            for (half, rows) in block.halves.iter().zip(&rows) {
                for (channel, lack) in half.lacks.iter().enumerate() {
                    let first = (at / 2 * 3 + channel) * 5;
                    let d = &moved[first..][block.taps.clone()];
                    let error = |with: f64| -> f64 {
                        (0..rows.count)
                            .map(|row| {
                                let lost = block.taps.clone().map(|tap| {
                                    let column = at / 2 * 5 + tap;
                                    let f =
                                        f64::from(rows.float[row * 10 + column]) - all.float_means[column];
                                    let x = f64::from(rows.integer[row * 10 + column])
                                        - all.integer_means[column];
                                    let w = f64::from(weight[first + tap]);
                                    w * f - (w + with * moved[first + tap]) * x
                                });
                                lost.sum::<f64>().powi(2)
                            })
                            .sum()
                    };
                    let found = half.gram.form(d) - 2.0 * dot(lack, d);
                    assert!((found - (error(1.0) - error(0.0))).abs() < 1e-9, "{found}");
                }
            }
        }
    }
}
