//! Which samples are for what: ranges come from some, choices are made by others, and what is reported was measured on samples
//! that had no part in either.

use super::labels::Labels;
use super::sequences::{self, Runs};
use super::trial::Trial;
use super::{code, numbers, table};
use crate::npz::Npz;
use crate::pipeline::Model;
use crate::samples;
use crate::state::States;
use crate::wording::counted;
use std::path::Path;
use tinyc_ir::seeded::Seeded;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_passes::quantize::calibrate::code::NOT_FINITE;

/// Samples by their use. One tensor for each input of the float model.
#[derive(Clone, Debug)]
pub struct Sets {
    /// Ranges and means come from these.
    pub fit: Vec<Vec<Tensor>>,
    /// Choices are made by these.
    pub select: Vec<Vec<Tensor>>,
    /// What is known of the answers for `select`; for a model that keeps a state, for all runs for calibration.
    pub choices: Option<Labels>,
    /// These show how good the result is.
    pub evaluate: Vec<Vec<Tensor>>,
    /// What is known of the answers for `evaluate`.
    pub labels: Option<Labels>,
    /// How it was divided.
    pub split: Split,
    /// What the user should know of the files.
    pub notes: Vec<Diagnostic>,
    /// For a model that keeps a state: the runs for calibration and for evaluation, of which the samples are made.
    pub sequences: Option<[Runs; 2]>,
}

/// How samples were divided.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Split {
    /// Samples from which ranges come.
    pub fit: usize,
    /// Samples by which choices were made.
    pub select: usize,
    /// Samples on which the result was measured.
    pub evaluate: usize,
    /// Whether those are of the same file as the others, divided by a fixed shuffle.
    pub one_file: bool,
    /// Whether a sample serves twice, as there are too few.
    pub shared: bool,
}

/// Most samples from which ranges come, and by which choices are made: more change nothing and take time.
const MOST_FIT: usize = 512;
const MOST_SELECT: usize = 64;

/// Below so many samples for calibration, ranges are guesses.
const ENOUGH: usize = 16;

/// Reads samples for a model: those for calibration, those for evaluation or a part of the former, and labels.
///
/// # Errors
/// Files that cannot be read, or whose arrays do not fit the model; labels of another number than the samples.
pub fn load(
    model: &Model,
    calibrate: &Path,
    evaluate: Option<&Path>,
    labels: Option<&Path>,
) -> Result<Sets, Diagnostics> {
    let mut notes = Vec::new();
    let (runs, own_labels) = read(model, calibrate, labels.filter(|_| evaluate.is_none()), &mut notes)?;
    let others = evaluate.map(|path| read(model, path, labels, &mut notes)).transpose()?;
    let mut sets = match model.states.is_empty() {
        true => split(runs.supplied, own_labels, others.map(|(runs, labels)| (runs.supplied, labels))),
        false => sequences::divide(runs, own_labels, others),
    };
    sets.notes = notes;
    Ok(sets)
}

type Labelled = (Vec<Vec<Tensor>>, Option<Labels>);

/// Divides samples. Without `others`, half of the samples are kept for evaluation; always by the same shuffle, as files are
/// often sorted by class.
pub fn split(inputs: Vec<Vec<Tensor>>, labels: Option<Labels>, others: Option<Labelled>) -> Sets {
    let count = inputs.len();
    let order = shuffled(count);
    let one_file = others.is_none();
    let kept = if one_file { count / 2 } else { 0 };
    let (kept, rest) = order.split_at(kept);
    let mut shared = false;
    // Some samples for choices, the rest for ranges; of a few all are for both.
    let choosing = (rest.len() / 4).min(MOST_SELECT);
    let (select, fit) = if choosing == 0 { (rest, rest) } else { rest.split_at(choosing) };
    shared |= choosing == 0;
    let choices = labels.as_ref().map(|labels| labels.of(select));
    let of = |chosen: &[usize]| -> Vec<Vec<Tensor>> { chosen.iter().map(|&i| inputs[i].clone()).collect() };
    let (evaluate, labels) = match others {
        Some(others) => others,
        None if kept.is_empty() => {
            shared = true;
            (inputs.clone(), labels)
        }
        None => {
            let mut kept = kept.to_vec();
            kept.sort_unstable();
            (of(&kept), labels.map(|l| l.of(&kept)))
        }
    };
    let (fit, select) = (of(&fit[..fit.len().min(MOST_FIT)]), of(select));
    let split = Split { fit: fit.len(), select: select.len(), evaluate: evaluate.len(), one_file, shared };
    Sets { fit, select, choices, evaluate, labels, split, notes: Vec::new(), sequences: None }
}

/// The numbers below `count` in an order that is always the same.
pub(super) fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut stream = Seeded::new(0);
    for at in (1..count).rev() {
        order.swap(at, stream.below(at as u64 + 1) as usize);
    }
    order
}

impl Sets {
    /// The samples that show how good a model is that keeps these states.
    pub(super) fn evaluation<'a>(&'a self, states: &'a States) -> Trial<'a> {
        let runs = self.sequences.as_ref().map(|[_, evaluate]| evaluate);
        Trial { samples: &self.evaluate, labels: self.labels.as_ref(), states, runs }
    }

    /// Refuses samples with NaN or infinity in them: one would spoil a range, or hide what is measured.
    pub(super) fn finite(&self) -> Result<(), Diagnostic> {
        let broken = |sample: &[Tensor]| {
            let floats = sample.iter().filter_map(|t| t.data.as_f32());
            floats.flatten().filter(|x| !x.is_finite()).count()
        };
        let counts = [&self.fit, &self.select, &self.evaluate]
            .map(|set| set.iter().map(|sample| broken(sample)).filter(|&n| n > 0).collect::<Vec<_>>());
        let samples: usize = counts.iter().map(Vec::len).sum();
        if samples == 0 {
            return Ok(());
        }
        let numbers: usize = counts.iter().flatten().sum();
        Err(Diagnostic::error(NOT_FINITE, "samples hold NaN or infinity")
            .note(format!("{} in {}", counted(numbers, "such number"), counted(samples, "sample")))
            .help("leave those samples out: numpy.isfinite(x) finds them"))
    }

    /// A warning where there are too few samples to trust what is said.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        let Split { fit, select, evaluate, shared, .. } = self.split;
        if !shared && fit + select >= ENOUGH {
            return None;
        }
        let message = "there are few samples: the ranges are guesses, and the accuracy is one, too";
        let calibration = if shared { fit.max(select) } else { fit + select };
        Some(
            Diagnostic::warning(code::FEW, message)
                .note(format!("{calibration} for calibration, {evaluate} for evaluation"))
                .help("give a hundred or more that are like those in the field"),
        )
    }
}

/// The samples of a file, and labels from it or from a file of their own.
fn read(
    model: &Model,
    path: &Path,
    labels: Option<&Path>,
    notes: &mut Vec<Diagnostic>,
) -> Result<(Runs, Option<Labels>), Diagnostics> {
    let elements: Vec<usize> = model
        .states
        .supplied(&model.reference)
        .map(|(_, v)| model.reference.ty(v).shape.elements())
        .collect();
    let mut npz = table::read(path, &elements)?;
    shape_rows(&mut npz, model);
    // Only what `select` shall see: labels are read here.
    let known = labels.map(|path| table::read(path, &[1])).transpose()?;
    let label_array = match &known {
        Some(file) => match ["labels", "y", "arr_0"].into_iter().find_map(|name| file.get(name)) {
            Some(array) => Some(array.clone()),
            None => {
                return Err(Diagnostic::error(code::DATA, "the file with labels holds no array of numbers")
                    .at(&*file.name)
                    .into());
            }
        },
        None => npz.get("labels").or_else(|| npz.get("y")).cloned(),
    };
    npz.arrays.retain(|(name, _)| !["labels", "y"].contains(&name.as_str()) && !name.starts_with("out_"));
    let starts = if model.states.is_empty() { None } else { sequences::starts(&mut npz, model)? };
    notes.extend(numbers::as_wanted(&mut npz, model)?);
    let samples = samples::select(&npz, model, None, false)?;
    let count = samples.inputs.len();
    let place = known.as_ref().map_or(&npz.name, |file| &file.name);
    let first = model.reference.outputs.first().map_or(0, |&v| model.reference.ty(v).shape.elements());
    let labels =
        label_array.map(|array| Labels::read(&array, count, first).map_err(|p| p.at(place))).transpose()?;
    let starts = starts.unwrap_or_else(|| vec![0]);
    Ok((Runs { supplied: samples.inputs, starts }, labels))
}

/// Rows of a table take the shape of the model's one input, if they have as many elements.
fn shape_rows(npz: &mut Npz, model: &Model) {
    let mut supplied = model.states.supplied(&model.reference);
    let (Some((_, input)), None) = (supplied.next(), supplied.next()) else { return };
    let shape = &model.reference.ty(input).shape;
    for (_, array) in &mut npz.arrays {
        if let [rows, columns] = array.shape[..]
            && columns == shape.elements()
            && shape.rank() != 1
            && shape[..] != array.shape[..]
        {
            array.shape = [vec![rows], shape.to_vec()].concat();
        }
    }
}
