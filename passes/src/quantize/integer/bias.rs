//! The bias of a quantised weighted sum: i32 with zero point 0 and the scale `f32(x.scale · weight.scale)`.

use tinyc_ir::exact::round_half_even_ratio;
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Data, Diagnostic, Diagnostics, Graph, Op, Quant, Tensor, TensorType};

/// How far, relatively, a stored scale may be from `x.scale · weight.scale` and still be taken for it.
const AGREES: f32 = 1e-5;

/// The i32 constant for the bias `bias`: an f32 constant or a `dequantize` of an i32 constant.
///
/// Stored integers are taken as they are if their scale agrees with the sum's; everything else becomes
/// `rhe(b / (x.scale · weight.scale))`. `None` if the bias is neither, or the scale of the sum is no legal scale.
pub(crate) fn quantized(
    graph: &mut Graph,
    bias: Value,
    x: &TensorType,
    weight: &TensorType,
    place: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let (sx, _) = x.quant.as_ref()?.tensor_wide()?;
    let wq = weight.quant.as_ref()?;
    let scales: Vec<f32> = wq.scales().iter().map(|sw| sx * sw).collect();
    let quant = match wq.axis() {
        None => Quant::per_tensor(scales[0], 0),
        Some(_) => Quant::per_axis(0, scales, vec![0; wq.scales().len()]),
    }
    .ok()?;
    let shape = graph.ty(bias).shape.clone();
    let ty = TensorType::quantized(DType::I32, shape.clone(), quant.clone());
    if let Some((stored, ints)) = stored_ints(graph, bias) {
        let own = graph.ty(stored).quant.clone()?;
        let agrees = |i: usize| (own.scale(i) - quant.scale(i)).abs() <= AGREES * quant.scale(i);
        let centred: Vec<i64> =
            ints.iter().enumerate().map(|(i, &b)| b - i64::from(own.zero_point(i))).collect();
        let fits = centred.iter().all(|&b| i32::try_from(b).is_ok());
        if let Some(worst) = (0..ints.len()).find(|&i| !agrees(i)) {
            let message = "the scale of a stored bias is not the product of the scales of input and weights";
            diagnostics.push(
                Diagnostic::warning(411, message)
                    .at(place)
                    .note(format!("channel {worst}: {:?}, not {:?}", own.scale(worst), quant.scale(worst)))
                    .note(
                        "the bias is taken as the real number that it stands for and rounded to the product",
                    ),
            );
        } else if fits {
            let name = graph.values[stored].name.clone();
            let tensor = Tensor::new(shape, Data::from_ints(DType::I32, centred));
            return Some(graph.constant(name, ty, tensor));
        }
        let real = centred.iter().enumerate().map(|(i, &b)| b as f32 * own.scale(i)).collect();
        return Some(rounded(graph, bias, real, ty, place, diagnostics));
    }
    let real = graph.const_of(bias)?.data.as_f32()?.to_vec();
    Some(rounded(graph, bias, real, ty, place, diagnostics))
}

/// The integer constant that a `dequantize` is made of.
fn stored_ints(graph: &Graph, bias: Value) -> Option<(Value, Vec<i64>)> {
    let (_, data) = graph.node_of(bias)?;
    if !matches!(data.op, Op::Dequantize(_)) {
        return None;
    }
    let stored = data.inputs[0];
    Some((stored, graph.const_of(stored)?.data.to_ints()?))
}

fn rounded(
    graph: &mut Graph,
    bias: Value,
    real: Vec<f32>,
    ty: TensorType,
    place: &str,
    diagnostics: &mut Diagnostics,
) -> Value {
    let quant = ty.quant.clone().expect("a bias type is quantised");
    let (lo, hi) = (i64::from(i32::MIN), i64::from(i32::MAX));
    let ints: Vec<i64> =
        real.iter().enumerate().map(|(i, &b)| round_half_even_ratio(b, quant.scale(i))).collect();
    if let Some(i) = ints.iter().position(|b| !(lo..=hi).contains(b)) {
        diagnostics.push(
            Diagnostic::warning(412, "a bias does not fit 32 bits and is saturated")
                .at(place)
                .note(format!("channel {i}: {:?} in steps of {:?}", real[i], quant.scale(i)))
                .help("give the input or the weights of this channel a larger scale"),
        );
    }
    let name = format!("{}/i32", graph.values[bias].name);
    let data = Data::from_ints(DType::I32, ints.into_iter().map(|b| b.clamp(lo, hi)));
    graph.constant(name, ty.clone(), Tensor::new(ty.shape, data))
}
