//! Labelled samples whose halves take turns: a model that was calibrated on one half is evaluated on the other, so each sample is
//! evaluated once, by a model that has not seen it. `tests/peers/quantize.py` makes the same turns.

use tinyc::quantize::{self, Labels, Sets};
use tinyc_ir::{Data, Tensor};

/// Both turns.
pub(crate) struct Turns {
    /// The first is how `tinyc quantize` divides one file; in the second, what was evaluated is a file for calibration of its own.
    pub(crate) sets: [Sets; 2],
    /// What is known of all evaluated samples, those of the first turn first.
    pub(crate) labels: Labels,
}

impl Turns {
    /// Divides at least two samples.
    pub(crate) fn of(inputs: &[Vec<Tensor>], labels: &Labels) -> Self {
        let kept = kept(inputs.len());
        let rest: Vec<usize> = (0..inputs.len()).filter(|at| !kept.contains(at)).collect();
        let some = |chosen: &[usize]| {
            (chosen.iter().map(|&at| inputs[at].clone()).collect::<Vec<_>>(), Some(labels.of(chosen)))
        };
        let first = quantize::split(inputs.to_vec(), Some(labels.clone()), None);
        let (half, known) = some(&kept);
        let second = quantize::split(half, known, Some(some(&rest)));
        Self { sets: [first, second], labels: labels.of(&[kept, rest].concat()) }
    }
}

/// Which of so many samples are evaluated first.
fn kept(count: usize) -> Vec<usize> {
    let numbers = (0..count as i64).map(|at| vec![Tensor::new([1], Data::I64(vec![at]))]).collect();
    let evaluated = quantize::split(numbers, None, None).evaluate;
    evaluated.iter().map(|sample| sample[0].data.int(0) as usize).collect()
}
