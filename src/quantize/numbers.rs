//! Arrays of other numbers than the model's, as the model wants them, where that can mean one thing only: float64 and float16
//! for float32, and integers where the model itself brings them to its scale.

use super::code;
use crate::npz::{self, Array, Npz};
use crate::pipeline::Model;
use tinyc_ir::eval::eval;
use tinyc_ir::{DType, Data, Diagnostic, Graph, Op, Tensor, Value};
use tinyc_passes::quantize::runner::observing;

/// By how much the front of a model must narrow the range of integers to say that it wants them as they are: pixels from 0 to 255 become
/// 0 to 1, or −1 to 1, or some standard deviations.
const NARROWED: f64 = 16.0;

/// Converts the arrays of inputs of float32; says what it did.
///
/// # Errors
/// Integers for an input of floats, and the model does not say what they stand for.
pub(super) fn as_wanted(npz: &mut Npz, model: &Model) -> Result<Option<Diagnostic>, Diagnostic> {
    let graph = &model.imported;
    let inputs: Vec<(usize, Value)> = model.states.supplied(graph).collect();
    let mut rounded: Vec<String> = Vec::new();
    for &(index, input) in &inputs {
        let ty = graph.ty(input);
        if ty.dtype != DType::F32 {
            continue;
        }
        let names = [graph.values[input].name.clone(), format!("in_{index}")];
        let named = names.iter().find_map(|name| npz.arrays.iter().position(|(own, _)| own == name));
        let elements = ty.shape.elements();
        let whole = |array: &Array| array.data.len().is_multiple_of(elements.max(1));
        let only = || npz.arrays.iter().position(|(_, array)| whole(array));
        let Some(at) = named.or_else(|| if inputs.len() == 1 { only() } else { None }) else { continue };
        let (name, array) = &mut npz.arrays[at];
        let from = array.data.dtype();
        match from {
            DType::F32 => {}
            DType::F64 | DType::F16 => {
                if from == DType::F64 {
                    rounded.push(name.clone());
                }
                array.data = floats(&array.data);
            }
            _ if scales_itself(graph, input, &array.data) => array.data = floats(&array.data),
            _ => return Err(ambiguous(name, from).at(&*npz.name)),
        }
    }
    Ok((!rounded.is_empty()).then(|| {
        let message = "samples of float64 are rounded to float32, as the model computes";
        Diagnostic::warning(code::ROUNDED, message).at(&*npz.name).note(format!("in {}", rounded.join(", ")))
    }))
}

fn floats(data: &Data) -> Data {
    Data::F32(data.to_reals().into_iter().map(|x| x as f32).collect())
}

fn ambiguous(name: &str, dtype: DType) -> Diagnostic {
    let message = format!("array \"{name}\" holds {dtype}, but the model wants f32");
    Diagnostic::error(npz::code::TYPE, message)
        .note("what the integers stand for is not said: the model has no scaling of its own behind this input")
        .help("store what the training saw: x.astype(\"float32\"), or x.astype(\"float32\") / 255 if that was 0 to 1")
}

/// Whether what a model does first to an input is to bring integers to a narrow range: it was trained with the integers as they are.
fn scales_itself(graph: &Graph, input: Value, data: &Data) -> bool {
    let end = behind_scaling(graph, input);
    if end == input {
        return false;
    }
    let watched = observing(graph, &[end]);
    let reals = || data.to_reals().into_iter();
    let (lo, hi) = match data.dtype() {
        DType::Bool => (0.0, 1.0),
        dtype if dtype.size() == 1 => dtype.int_range().map_or((0.0, 1.0), |(lo, hi)| (lo as f64, hi as f64)),
        _ => (reals().fold(0.0, f64::min), reals().fold(0.0, f64::max)),
    };
    let results = |x: f64| -> Vec<f32> {
        let tensor = |(&was, &is): (&Value, &Value)| {
            let ty = watched.ty(is);
            let value = if was == input { x as f32 } else { 0.0 };
            match ty.dtype {
                DType::F32 => Tensor::f32(ty.shape.clone(), vec![value; ty.shape.elements()]),
                _ => Tensor::new(ty.shape.clone(), Data::from_bits(ty.dtype, vec![0; ty.shape.elements()])),
            }
        };
        let inputs: Vec<Tensor> = graph.inputs.iter().zip(&watched.inputs).map(tensor).collect();
        let outputs = eval(&watched, &inputs).outputs(&watched);
        outputs[0].data.as_f32().unwrap_or_default().to_vec()
    };
    let (low, high) = (results(lo), results(hi));
    let narrow = |(a, b): (&f32, &f32)| {
        let width = f64::from((a - b).abs());
        width > 0.0 && width <= (hi - lo) / NARROWED
    };
    !low.is_empty() && low.iter().zip(&high).all(narrow)
}

/// The last value of the chain of operators behind an input that take each element, or channel, for itself.
fn behind_scaling(graph: &Graph, input: Value) -> Value {
    let mut end = input;
    loop {
        let mut readers = graph.nodes.values().filter(|data| data.inputs.contains(&end));
        let (Some(reader), None) = (readers.next(), readers.next()) else { return end };
        let elementwise = matches!(
            reader.op,
            Op::Map(_) | Op::Add(_) | Op::Mul(_) | Op::Clamp(_) | Op::Reshape(_) | Op::Transpose(_)
        );
        let others = reader.inputs.iter().filter(|&&v| v != end);
        let known = others.clone().all(|&v| graph.const_of(v).is_some());
        if !elementwise || !known || graph.ty(reader.outputs[0]).dtype != DType::F32 {
            return end;
        }
        end = reader.outputs[0];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::formula::Formula;
    use tinyc_ir::op::{Map, Mul, Transpose};
    use tinyc_ir::{Activation, Origin, TensorType};

    /// An image, turned, with what is done to its pixels.
    fn front(scale: Option<&[f32]>, body: Option<Formula>) -> (Graph, Value) {
        let mut graph = Graph::new("front");
        let x = graph.input("x", TensorType::f32([1, 3, 2, 2]));
        let turned = Transpose { perm: vec![0, 2, 3, 1] };
        let mut y = graph.node(turned, &[x], "turned", Origin::default()).unwrap();
        if let Some(f) = body {
            y = graph.node(Map { f }, &[y], "map", Origin::default()).unwrap();
        }
        if let Some(scale) = scale {
            let ty = TensorType::f32([scale.len()]);
            let scale = graph.constant("scale", ty, Tensor::f32([scale.len()], scale.to_vec()));
            y = graph.node(Mul { act: Activation::NONE }, &[y, scale], "scaled", Origin::default()).unwrap();
        }
        graph.outputs = vec![y];
        (graph, x)
    }

    #[test]
    fn pixels_are_taken_where_the_model_scales_them() {
        let pixels = Data::U8(vec![0, 7, 255]);
        let centred = Formula::write(&[DType::F32], |x| x[0] - 127.5);
        let third = |last: f32| [1.0 / 255.0, 1.0 / 57.0, last];
        for (scale, body, wanted) in [
            (Some(&third(1.0 / 60.0)[..]), None, true),
            (Some(&third(1.0 / 60.0)[..]), Some(centred.clone()), true),
            // One channel is taken as it is, all are, or all are nothing.
            (Some(&third(1.0)[..]), None, false),
            (None, Some(centred), false),
            (None, None, false),
            (Some(&[0.0][..]), None, false),
        ] {
            let (graph, x) = front(scale, body);
            assert_eq!(scales_itself(&graph, x, &pixels), wanted, "{scale:?}");
        }
        // Two readers: what the other one wants is not known.
        let (mut graph, x) = front(Some(&[1.0 / 255.0]), None);
        graph.outputs.push(x);
        let other =
            graph.node(Transpose { perm: vec![0, 2, 3, 1] }, &[x], "other", Origin::default()).unwrap();
        graph.outputs.push(other);
        assert!(!scales_itself(&graph, x, &pixels));
    }
}
