//! Samples of models that keep a state: runs in order, the state carried from one to the next and reset where a sequence begins.
//!
//! Ranges need no order: each run of the float model, with the state that it began with, is a sample like any other. What is measured, and by what
//! precisions are chosen, are whole sequences, in which each model carries its own state.

use super::labels::Labels;
use super::sets::{Sets, Split};
use super::{code, sets};
use crate::npz::{Array, Npz};
use crate::pipeline::Model;
use crate::state::{Sequence, States};
use crate::wording::counted;
use tinyc_ir::{Diagnostic, Graph, Tensor};
use tinyc_passes::quantize::loss::stored_inputs;
use tinyc_passes::quantize::runner::{Runner, each};

/// The array that says to which sequence each run belongs.
const ARRAY: &str = "sequence";

/// Runs in order.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// For each run, one tensor for each input that the user supplies.
    pub supplied: Vec<Vec<Tensor>>,
    /// Where sequences begin, ascending, the first at 0.
    pub starts: Vec<usize>,
}

impl Runs {
    /// The runs of each sequence.
    fn sequences(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + '_ {
        let ends = self.starts[1..].iter().copied().chain([self.supplied.len()]);
        self.starts.iter().zip(ends.collect::<Vec<_>>()).map(|(&start, end)| start..end)
    }

    /// Sequences by which choices are made, and which runs those are: all, or as many as have so many runs, by a shuffle that is always the
    /// same. One that is longer is cut.
    pub(super) fn some(&self, most: usize) -> (Self, Vec<usize>) {
        let all: Vec<_> = self.sequences().collect();
        let mut left = most;
        let mut chosen = Vec::new();
        for at in sets::shuffled(all.len()) {
            let (start, own) = (all[at].start, all[at].len());
            if own > left && !chosen.is_empty() {
                continue;
            }
            chosen.push(start..start + own.min(left));
            left -= own.min(left);
        }
        chosen.sort_unstable_by_key(|sequence| sequence.start);
        self.of(&chosen)
    }

    /// Some of the sequences, and which runs those are.
    fn of(&self, chosen: &[std::ops::Range<usize>]) -> (Self, Vec<usize>) {
        let mut some = Self::default();
        let mut positions = Vec::new();
        for sequence in chosen {
            some.starts.push(some.supplied.len());
            some.supplied.extend_from_slice(&self.supplied[sequence.clone()]);
            positions.extend(sequence.clone());
        }
        (some, positions)
    }
}

/// Takes out of a file which runs begin a sequence: the array `sequence` has the number of each run's, or arrays are stacked twice, sequences in
/// front of runs. Arrays are stacked once afterwards.
///
/// # Errors
/// Arrays that disagree, or numbers that are none.
pub(super) fn starts(npz: &mut Npz, model: &Model) -> Result<Option<Vec<usize>>, Diagnostic> {
    let graph = &model.reference;
    let mut found: Option<Vec<usize>> = None;
    for (index, value) in model.states.supplied(graph) {
        let names = [graph.values[value].name.clone(), format!("in_{index}")];
        let shape = graph.ty(value).shape.to_vec();
        let only = model.states.supplied(graph).count() == 1;
        let mut arrays = npz.arrays.iter_mut();
        let Some((_, array)) = arrays.find(|(name, array)| {
            (names.contains(name) || only && name != ARRAY) && array.shape.len() == shape.len() + 2
        }) else {
            continue;
        };
        let (outer, inner) = array.shape.split_at(2);
        if inner != shape {
            continue;
        }
        let (count, runs) = (outer[0], outer[1]);
        array.shape = [vec![count * runs], shape].concat();
        let own: Vec<usize> = (0..count).map(|at| at * runs).collect();
        if found.as_ref().is_some_and(|other| *other != own) {
            return Err(Diagnostic::error(code::DATA, "arrays disagree on the sequences").at(&*npz.name));
        }
        found = Some(own);
    }
    let Some(at) = npz.arrays.iter().position(|(name, _)| name == ARRAY) else { return Ok(found) };
    let (_, Array { data, .. }) = npz.arrays.remove(at);
    let Some(numbers) = data.to_ints() else {
        let message = format!("the array {ARRAY:?} holds no whole numbers");
        return Err(Diagnostic::error(code::DATA, message).at(&*npz.name));
    };
    let runs =
        npz.arrays.iter().map(|(_, array)| array.shape.first().copied().unwrap_or(1)).max().unwrap_or(0);
    if numbers.len() != runs {
        let message = format!(
            "the array {ARRAY:?} has {} for {}",
            counted(numbers.len(), "number"),
            counted(runs, "run")
        );
        return Err(Diagnostic::error(code::DATA, message).at(&*npz.name));
    }
    let begins = |&run: &usize| run == 0 || numbers[run] != numbers[run - 1];
    Ok(Some((0..numbers.len()).filter(begins).collect()))
}

/// Divides runs into those for calibration and those for evaluation, unless there are others for that: half of the sequences, or the later half of
/// the one that there is.
pub(super) fn divide(runs: Runs, labels: Option<Labels>, others: Option<(Runs, Option<Labels>)>) -> Sets {
    let one_file = others.is_none();
    let (calibrate, choices, (evaluate, labels)) = match others {
        Some(others) => (runs, labels, others),
        None => {
            let mut all: Vec<_> = runs.sequences().collect();
            if let [only] = all.as_slice() {
                let middle = only.end.div_ceil(2);
                all = vec![0..middle, middle..only.end];
            }
            let order = sets::shuffled(all.len());
            let (kept, rest) = order.split_at(all.len() / 2);
            let pick = |chosen: &[usize]| {
                let mut chosen = chosen.to_vec();
                chosen.sort_unstable();
                runs.of(&chosen
                    .into_iter()
                    .map(|at| all[at].clone())
                    .filter(|s| !s.is_empty())
                    .collect::<Vec<_>>())
            };
            // Of two halves of one sequence, the earlier one calibrates.
            let ((calibrate, fitted), (evaluate, positions)) = match runs.starts.len() {
                1 => (pick(&[0]), pick(&[1])),
                _ => (pick(rest), pick(kept)),
            };
            let of = |positions: &[usize]| labels.as_ref().map(|labels| labels.of(positions));
            (calibrate, of(&fitted), (evaluate, of(&positions)))
        }
    };
    let split = Split { fit: 0, select: 0, evaluate: evaluate.supplied.len(), one_file, shared: false };
    Sets {
        fit: Vec::new(),
        select: Vec::new(),
        choices,
        evaluate: Vec::new(),
        labels,
        split,
        notes: Vec::new(),
        sequences: Some([calibrate, evaluate]),
    }
}

/// All inputs of each run, states included, as a model carries them.
pub(super) fn carried(runner: &dyn Runner, graph: &Graph, states: &States, runs: &Runs) -> Vec<Vec<Tensor>> {
    let prepared = runner.prepare(graph);
    let sequences: Vec<_> = runs.sequences().collect();
    let all = each(runner.threads(), sequences.len(), |at| {
        let mut sequence = Sequence::new(graph, states);
        let mut inputs = Vec::new();
        for run in sequences[at].clone() {
            let own = sequence.inputs(&runs.supplied[run]);
            sequence.keep(&prepared(&own));
            inputs.push(own);
        }
        inputs
    });
    runner.step(runs.supplied.len());
    all.concat()
}

/// The same of an integer model that was made of `float`: its user supplies what the float model's does, as it is stored.
pub(super) fn carried_integers(
    runner: &dyn Runner,
    float: &Graph,
    integer: &Graph,
    states: &States,
    runs: &Runs,
) -> Vec<Vec<Tensor>> {
    // Stands in for states, so that there is a tensor for each input to be stored.
    let whole: Vec<Vec<Tensor>> =
        runs.supplied.iter().map(|supplied| Sequence::new(float, states).inputs(supplied)).collect();
    let stored = stored_inputs(float, integer, &whole).into_iter();
    let supplied = stored.map(|all| {
        all.into_iter()
            .enumerate()
            .filter(|&(at, _)| states.is_supplied(at))
            .map(|(_, tensor)| tensor)
            .collect()
    });
    carried(runner, integer, states, &Runs { supplied: supplied.collect(), starts: runs.starts.clone() })
}
