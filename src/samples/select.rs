//! Arrays of a file into the inputs of a model, sample by sample; with them labels and expected outputs, if it has any.

use crate::npz::{Array, Npz, code, stand_in_type};
use crate::pipeline::Model;
use crate::wording::counted;
use tinyc_ir::{DType, Data, Diagnostic, Diagnostics, Tensor, TensorType};

/// What a file holds for a model.
#[derive(Clone, Debug)]
pub struct Samples {
    /// For each sample, one tensor per input that the user supplies, of its type and shape.
    pub inputs: Vec<Vec<Tensor>>,
    /// The class of each sample, from the array `labels`.
    pub labels: Option<Vec<i64>>,
    /// For each output that the file has under `out_0`, …: the expected tensor of each sample.
    pub expected: Vec<Option<Vec<Tensor>>>,
    /// Which array went to which input, for reports.
    pub sources: Vec<String>,
}

/// Finds the inputs of a model, without those that it keeps itself, in a file, at most `limit` samples of them.
///
/// An input's array is named like the input or `in_0`, `in_1`, … in the model's order; a model with a single input also
/// takes the first array that fits it. An array is one sample, `[samples, *shape]`, or `[samples, *shape[1..]]` where the
/// model's batch is 1. With `quantize`, floats are taken for quantised inputs and quantised as the model's input says.
///
/// # Errors
/// An input without an array; an array of another shape or element type; arrays that disagree on the number of samples.
/// All of them at once.
pub fn select(
    npz: &Npz,
    model: &Model,
    limit: Option<usize>,
    quantize: bool,
) -> Result<Samples, Diagnostics> {
    let graph = &model.reference;
    let mut problems = Diagnostics::default();
    let mut inputs = Vec::new();
    let mut sources = Vec::new();
    let supplied: Vec<_> = model.states.supplied(graph).collect();
    for &(index, value) in &supplied {
        let (name, ty) = (&graph.values[value].name, graph.ty(value));
        match input(npz, name, index, supplied.len(), ty, limit, quantize) {
            Ok((source, tensors)) => {
                sources.push(source);
                inputs.push(tensors);
            }
            Err(problem) => problems.push(problem.at(&*npz.name)),
        }
    }
    let count = inputs.first().map_or(1, Vec::len);
    if let Some(other) = inputs.iter().position(|tensors| tensors.len() != count) {
        let (first, here) = (&sources[0], &sources[other]);
        let message = format!(
            "array \"{first}\" has {}, but array \"{here}\" has {}",
            counted(count, "sample"),
            inputs[other].len()
        );
        problems.push(Diagnostic::error(code::SAMPLES, message).at(&*npz.name));
    }
    let labels = labels(npz, count, &mut problems);
    let mut expected = Vec::new();
    for (index, &value) in graph.outputs.iter().enumerate() {
        let name = format!("out_{index}");
        let found = npz.get(&name).map(|array| exactly(&name, array, graph.ty(value), count));
        match found.transpose() {
            Ok(tensors) => expected.push(tensors),
            Err(problem) => problems.push(problem.at(&*npz.name)),
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let inputs = (0..count).map(|i| inputs.iter().map(|tensors| tensors[i].clone()).collect()).collect();
    Ok(Samples { inputs, labels, expected, sources })
}

/// The array for an input, cut into samples.
fn input(
    npz: &Npz,
    name: &str,
    index: usize,
    inputs: usize,
    ty: &TensorType,
    limit: Option<usize>,
    quantize: bool,
) -> Result<(String, Vec<Tensor>), Diagnostic> {
    let numbered = format!("in_{index}");
    let named = [name, &numbered].into_iter().find_map(|name| Some((name, npz.get(name)?)));
    let takes = |array: &Array| {
        let dtype = array.data.dtype();
        dtype == stand_in_type(ty.dtype) || (quantize && ty.is_quantized() && dtype == DType::F32)
    };
    let fits = |array: &Array| takes(array) && rows(array, &ty.shape).is_some();
    let first =
        || npz.arrays.iter().find(|(_, array)| fits(array)).map(|(name, array)| (name.as_str(), array));
    let found = named.or_else(|| if inputs == 1 { first() } else { None });
    let Some((source, array)) = found else {
        return Err(missing(npz, name, &numbered, inputs, ty, quantize));
    };
    let Some(samples) = rows(array, &ty.shape) else { return Err(wrong_shape(source, array, ty)) };
    if !takes(array) {
        return Err(wrong_type(source, array, ty));
    }
    if samples == 0 {
        return Err(Diagnostic::error(code::SAMPLES, format!("array \"{source}\" holds no sample")));
    }
    let samples = limit.map_or(samples, |limit| samples.min(limit));
    let tensors = (0..samples).map(|sample| {
        let tensor = slice(array, sample, ty);
        if tensor.dtype() == stand_in_type(ty.dtype) {
            native(source, tensor, ty)
        } else {
            Ok(quantized(&tensor, ty))
        }
    });
    Ok((source.to_owned(), tensors.collect::<Result<_, _>>()?))
}

/// How many samples of a shape an array holds; `None` if it does not fit.
fn rows(array: &Array, shape: &[usize]) -> Option<usize> {
    let stacked = || array.shape.split_first().filter(|(_, rest)| *rest == shape);
    let batched = || array.shape.split_first().filter(|(_, rest)| shape.split_first() == Some((&1, *rest)));
    if array.shape == shape { Some(1) } else { stacked().or_else(batched).map(|(&samples, _)| samples) }
}

fn slice(array: &Array, sample: usize, ty: &TensorType) -> Tensor {
    let length = ty.shape.elements();
    let positions: Vec<usize> = (sample * length..(sample + 1) * length).collect();
    Tensor::new(ty.shape.clone(), array.data.gather(&positions))
}

/// A tensor of the type that stands in for the model's, in the model's type. Floats are rounded; integers must fit.
fn native(name: &str, tensor: Tensor, ty: &TensorType) -> Result<Tensor, Diagnostic> {
    if tensor.dtype() == ty.dtype {
        return Ok(tensor);
    }
    if ty.dtype.is_half() {
        return Ok(Tensor::new(tensor.shape, tensor.data.narrowed(ty.dtype)));
    }
    let ints = tensor.data.to_ints().unwrap_or_default();
    let (lo, hi) = ty.dtype.int_range().unwrap_or_default();
    if let Some(value) = ints.iter().find(|&&v| !(lo..=hi).contains(&v.into())) {
        let message = format!("array \"{name}\" holds {value}, which is no {}", ty.dtype);
        return Err(Diagnostic::error(code::TYPE, message).help(format!("{} is {lo} to {hi}", ty.dtype)));
    }
    Ok(Tensor::new(tensor.shape, Data::from_ints(ty.dtype, ints)))
}

/// The expected tensors of an output, which must fit exactly and be enough.
fn exactly(name: &str, array: &Array, ty: &TensorType, count: usize) -> Result<Vec<Tensor>, Diagnostic> {
    let samples = rows(array, &ty.shape).ok_or_else(|| wrong_shape(name, array, ty))?;
    if array.data.dtype() != stand_in_type(ty.dtype) {
        return Err(wrong_type(name, array, ty));
    }
    if samples < count {
        let message =
            format!("array \"{name}\" has {} for {}", counted(samples, "sample"), counted(count, "input"));
        return Err(Diagnostic::error(code::SAMPLES, message));
    }
    (0..count).map(|sample| native(name, slice(array, sample, ty), ty)).collect()
}

fn labels(npz: &Npz, count: usize, problems: &mut Diagnostics) -> Option<Vec<i64>> {
    let array = npz.get("labels")?;
    let problem = match array.data.to_ints() {
        Some(labels) if labels.len() >= count => return Some(labels[..count].to_vec()),
        Some(labels) => {
            let message = format!(
                "array \"labels\" has {} for {}",
                counted(labels.len(), "number"),
                counted(count, "sample")
            );
            Diagnostic::error(code::SAMPLES, message)
        }
        None => Diagnostic::error(code::TYPE, "array \"labels\" holds floats, not class numbers"),
    };
    problems.push(problem.at(&*npz.name));
    None
}

/// Floats as stored integers; NaN becomes the zero point.
fn quantized(tensor: &Tensor, ty: &TensorType) -> Tensor {
    let op = tinyc_ir::op::Quantize;
    tinyc_ir::Op::from(op).eval(&[(&TensorType::f32(ty.shape.clone()), tensor)], ty)
}

fn missing(
    npz: &Npz,
    name: &str,
    numbered: &str,
    inputs: usize,
    ty: &TensorType,
    quantize: bool,
) -> Diagnostic {
    let mut error = Diagnostic::error(code::MISSING, format!("no array for input \"{name}\" of type {ty}"));
    for (name, array) in &npz.arrays {
        error = error.note(format!("array \"{name}\" is {}{:?}", array.data.dtype(), array.shape));
    }
    for (name, descr) in &npz.others {
        error = error.note(format!("array \"{name}\" holds no numbers ({descr})"));
    }
    let floats = npz.arrays.iter().any(|(_, array)| {
        array.data.dtype() == DType::F32 && ty.is_quantized() && rows(array, &ty.shape).is_some()
    });
    if floats && inputs == 1 && !quantize {
        return error.help("--quantize-inputs takes the floats and quantises them as the model's input says");
    }
    let fitting = if inputs == 1 { ", or give one array of this type and shape" } else { "" };
    error.help(format!(
        "name the array \"{name}\" or \"{numbered}\"{fitting}; several samples are stacked in front"
    ))
}

fn wrong_shape(source: &str, array: &Array, ty: &TensorType) -> Diagnostic {
    let message = format!("array \"{source}\" has shape {:?}, but the model wants {}", array.shape, ty.shape);
    Diagnostic::error(code::SHAPE, message).help(format!(
        "give one sample of shape {0}, or several stacked as [samples, {1}]",
        ty.shape,
        dims(&ty.shape)
    ))
}

fn dims(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn wrong_type(source: &str, array: &Array, ty: &TensorType) -> Diagnostic {
    let dtype = array.data.dtype();
    let error = Diagnostic::error(
        code::TYPE,
        format!("array \"{source}\" holds {dtype}, but the model wants {}", ty.dtype),
    );
    match (&ty.quant, dtype) {
        (Some(quant), DType::F32) => error.note(format!("the model's input is quantised: {quant}")).help(
            "--quantize-inputs quantises floats as the model's input says; or store the array as the model wants it",
        ),
        _ => error.help(format!("convert it with numpy: x.astype(\"{}\")", numpy(ty.dtype))),
    }
}

/// NumPy's name of an element type.
fn numpy(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        DType::I8 | DType::I4 | DType::I2 => "int8",
        DType::I16 => "int16",
        DType::I32 => "int32",
        DType::I64 => "int64",
        DType::U8 | DType::U4 | DType::U2 => "uint8",
        DType::U16 => "uint16",
        DType::U32 => "uint32",
        DType::U64 => "uint64",
        DType::F16 => "float16",
        DType::F32 | DType::BF16 => "float32",
        DType::F64 => "float64",
    }
}
