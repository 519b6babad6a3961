//! Rounds the weights of one output channel so that `eᵀ·G·e` is small, `e` being what the weights lose.
//!
//! One weight after the other makes good what those before it did ([`Factors`]); then single weights and pairs of them move by
//! whole steps as long as the error falls, and the scale becomes the best one for the integers, again and again.

use super::gram::{Factors, Gram, dot};

/// Taps of a channel that are looked at together.
pub(super) struct Part<'a> {
    pub(super) gram: &'a Gram,
    pub(super) factors: &'a Factors,
    /// Real weights without error.
    pub(super) target: &'a [f64],
}

/// A channel's integers and their scale.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounded {
    pub(super) scale: f32,
    /// One list for each part.
    pub(super) stored: Vec<Vec<i32>>,
    /// The reconstruction error of all parts.
    pub(super) error: f64,
}

/// What may be stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The least and the greatest integer.
    pub(super) range: (i32, i32),
    /// The least scale.
    pub(super) scale: f32,
}

/// How often all weights of a part are looked at again.
const SWEEPS: usize = 32;

/// How often the scale is chosen anew after weights have moved.
const RESCALES: usize = 8;

/// What a new scale must take from the error, as a part of it.
const WORTH: f64 = 1e-6;

/// What a move must take from the error, as a part of it: less could be the rounding of sums.
const GAIN: f64 = 1e-9;

impl Rounded {
    /// Integers one after the other, with errors carried on.
    pub(super) fn carried(parts: &[Part<'_>], scale: f32, limits: Limits) -> Self {
        let step = f64::from(scale);
        let mut error = 0.0;
        let one = |part: &Part<'_>| {
            let count = part.target.len();
            let (mut stored, mut errors) = (vec![0; count], Vec::with_capacity(count));
            for (t, &at) in part.factors.order.iter().enumerate() {
                let carried = part.factors.carried(t, &errors);
                let wanted = part.target[at] + carried;
                stored[at] = nearest(wanted, step, limits);
                errors.push(part.target[at] - f64::from(stored[at]) * step);
                error += part.factors.weights[t] * (errors[t] + carried).powi(2);
            }
            stored
        };
        let stored = parts.iter().map(one).collect();
        Self { scale, stored, error }
    }

    /// Given integers.
    pub(super) fn given(parts: &[Part<'_>], scale: f32, stored: Vec<Vec<i32>>) -> Self {
        let error = parts.iter().zip(&stored).map(|(b, q)| b.gram.form(&errors(b, q, scale))).sum();
        Self { scale, stored, error }
    }

    /// Moves weights and chooses scales, as long as the error falls.
    pub(super) fn improved(mut self, parts: &[Part<'_>], limits: Limits) -> Self {
        let pulls: Vec<Vec<f64>> = parts.iter().map(|p| p.gram.times(p.target)).collect();
        self.descend(parts, limits);
        for _ in 0..RESCALES {
            // The scale with the least error for these integers: qᵀ·G·t / qᵀ·G·q.
            let (mut above, mut below) = (0.0, 0.0);
            for ((part, stored), pull) in parts.iter().zip(&self.stored).zip(&pulls) {
                let q: Vec<f64> = stored.iter().map(|&q| f64::from(q)).collect();
                above += dot(&q, pull);
                below += part.gram.form(&q);
            }
            let scale = (above / below) as f32;
            if !(scale.is_finite() && scale >= limits.scale) {
                break;
            }
            let mut found = Self::given(parts, scale, self.stored.clone());
            if found.error >= self.error * (1.0 - WORTH) {
                break;
            }
            found.descend(parts, limits);
            self = found;
        }
        self
    }

    /// Moves single weights and pairs of them as long as the error falls.
    fn descend(&mut self, parts: &[Part<'_>], limits: Limits) {
        self.error = 0.0;
        for (part, stored) in parts.iter().zip(&mut self.stored) {
            let errors = errors(part, stored, self.scale);
            let slope = part.gram.times(&errors);
            let error = dot(&slope, &errors);
            let mut walk =
                Walk { gram: part.gram, step: f64::from(self.scale), limits, stored, slope, error };
            for _ in 0..SWEEPS {
                let before = walk.error;
                walk.singles();
                if walk.error >= before {
                    walk.pairs();
                    if walk.error >= before {
                        break;
                    }
                }
            }
            self.error += walk.error;
        }
    }
}

/// Integers on their way to a smaller error.
struct Walk<'a> {
    gram: &'a Gram,
    step: f64,
    limits: Limits,
    stored: &'a mut [i32],
    /// The Gram matrix times the errors.
    slope: Vec<f64>,
    error: f64,
}

impl Walk<'_> {
    /// What a move of one weight, by `by`, adds to the error.
    fn change(&self, at: usize, by: f64) -> f64 {
        by * self.step * (by * self.step * self.gram.diagonal(at) - 2.0 * self.slope[at])
    }

    fn shift(&mut self, at: usize, by: i32) {
        self.stored[at] += by;
        let by = f64::from(by) * self.step;
        self.slope.iter_mut().zip(self.gram.row(at)).for_each(|(slope, g)| *slope -= by * g);
    }

    fn legal(&self, at: usize, by: i32) -> bool {
        (self.limits.range.0..=self.limits.range.1).contains(&(self.stored[at] + by))
    }

    /// Each weight once.
    fn singles(&mut self) {
        for at in 0..self.stored.len() {
            let best =
                (self.slope[at] / (self.step * self.gram.diagonal(at))).round().clamp(-16.0, 16.0) as i32;
            let to = (self.stored[at] + best).clamp(self.limits.range.0, self.limits.range.1);
            let by = to - self.stored[at];
            let change = self.change(at, f64::from(by));
            if change < -GAIN * self.error {
                self.shift(at, by);
                self.error += change;
            }
        }
    }

    /// Each weight once by one step, and with it the other one that makes most of that.
    fn pairs(&mut self) {
        for at in 0..self.stored.len() {
            for by in [-1, 1] {
                if !self.legal(at, by) {
                    continue;
                }
                let own = self.change(at, f64::from(by));
                let row = self.gram.row(at);
                let both = self.step * self.step * f64::from(by) * 2.0;
                let mut best = (-GAIN * self.error, 0, 0);
                for (other, &common) in row.iter().enumerate().take(at) {
                    // The slope of the other one after the first move says which way it would go.
                    let slope = self.slope[other] - f64::from(by) * self.step * common;
                    let to = if slope > 0.0 { 1 } else { -1 };
                    let change = own + self.change(other, f64::from(to)) + both * f64::from(to) * common;
                    if change < best.0 && self.legal(other, to) {
                        best = (change, other, to);
                    }
                }
                if best.2 != 0 {
                    self.shift(at, by);
                    self.shift(best.1, best.2);
                    self.error += best.0;
                }
            }
        }
    }
}

/// What is lost of each weight.
fn errors(part: &Part<'_>, stored: &[i32], scale: f32) -> Vec<f64> {
    part.target.iter().zip(stored).map(|(t, &q)| t - f64::from(q) * f64::from(scale)).collect()
}

/// The nearest integer that may be stored.
pub(super) fn nearest(w: f64, step: f64, limits: Limits) -> i32 {
    let (lo, hi) = limits.range;
    (w / step).round_ties_even().clamp(f64::from(lo), f64::from(hi)) as i32
}

#[cfg(test)]
mod tests {
    use super::super::gram::tests::{numbers, random};
    use super::*;
    use tinyc_ir::seeded::Seeded;

    /// Random parts of a channel, by their Gram matrices, factors and targets.
    fn channel(stream: &mut Seeded, sides: &[usize]) -> Vec<(Gram, Factors, Vec<f64>)> {
        let one = |&side: &usize| {
            let gram = random(stream, side);
            (Factors::of(&gram), gram, numbers(stream, side))
        };
        sides.iter().map(one).map(|(factors, gram, target)| (gram, factors, target)).collect()
    }

    fn check(sides: &[usize], limits: Limits, seed: u64) {
        let mut stream = Seeded::new(seed);
        let own = channel(&mut stream, sides);
        let parts: Vec<Part<'_>> =
            own.iter().map(|(gram, factors, target)| Part { gram, factors, target }).collect();
        let (lo, hi) = limits.range;
        let scale = 0.5 / hi as f32 * 0.9;
        let all = |rounded: &Rounded| {
            assert!(rounded.stored.concat().iter().all(|q| (lo..=hi).contains(q)), "{rounded:?}");
            let again = Rounded::given(&parts, rounded.scale, rounded.stored.clone());
            let near = (again.error - rounded.error).abs() <= 1e-7 * again.error.max(1e-6);
            assert!(
                near,
                "the error that was kept is {}, and {} when computed anew",
                rounded.error, again.error
            );
        };
        let round =
            |part: &Part<'_>| part.target.iter().map(|&w| nearest(w, f64::from(scale), limits)).collect();
        let plain = Rounded::given(&parts, scale, parts.iter().map(round).collect());
        let carried = Rounded::carried(&parts, scale, limits);
        all(&carried);
        for start in [&plain, &carried] {
            let better = start.clone().improved(&parts, limits);
            all(&better);
            assert!(better.error <= start.error, "{} from {}", better.error, start.error);
            assert!(better.scale >= limits.scale);
            // No single weight is left that would do better by a step; eight bits have so many that sweeps may run out before.
            for part in 0..if hi == 7 { parts.len() } else { 0 } {
                for at in 0..sides[part] {
                    for by in [-1, 1] {
                        let mut moved = better.stored.clone();
                        moved[part][at] += by;
                        if (lo..=hi).contains(&moved[part][at]) {
                            let error = Rounded::given(&parts, better.scale, moved).error;
                            assert!(error >= better.error * (1.0 - 1e-6), "{error} {}", better.error);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_error_only_falls_and_is_what_it_is_said_to_be() {
        for seed in 0..40 {
            for range in [(-8, 7), (-127, 127)] {
                let limits = Limits { range, scale: f32::MIN_POSITIVE };
                check(&[9], limits, seed);
                check(&[6, 17], limits, seed);
                check(&[30], Limits { scale: 0.9 * 0.5 / range.1 as f32, ..limits }, seed);
            }
        }
    }

    #[test]
    fn a_pair_goes_where_no_single_weight_would() {
        // Two inputs that are nearly the same: only the sum of their weights counts.
        let gram = Gram { side: 2, products: vec![1.0, 0.99, 0.99, 1.0] };
        let (factors, limits) = (Factors::of(&gram), Limits { range: (-8, 7), scale: 1.0 });
        let target = [2.0, -2.0];
        let parts = [Part { gram: &gram, factors: &factors, target: &target }];
        let found = Rounded::given(&parts, 1.0, vec![vec![0, 0]]).improved(&parts, limits);
        assert_eq!(found.stored, [[2, -2]]);
        assert_eq!(found.error, 0.0);
    }
}
