//! `QuantizeLinear` and `DequantizeLinear`: the graph's own where scales are known and per tensor or per axis, formulas where the
//! run computes them, for blocks of elements, and for types that quantised operators do not take.

use crate::onnx::builder::Slot;
use crate::onnx::context::{Context, Step};
use crate::onnx::minifloat::{Manner, Minifloat};
use crate::onnx::quantization::{is_storage, stated_axis};
use crate::onnx::stored::rounded;
use crate::onnx::{code, tensor};
use tinyc_ir::formula::Number;
use tinyc_ir::op::{Dequantize, Quantize};
use tinyc_ir::{DType, Diagnostic, TensorType, Value};

/// `QuantizeLinear x, scale, zero_point?`
pub(super) fn quantize(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let block = block_size(cx)?;
    if let Some(format) = minifloat_result(cx)? {
        let manner = Manner::of(cx)?;
        // The zero point of 4-bit floats is added: of two zeros, the positive one comes out.
        let adds = cx.operand(2).is_some() && format.storage() == DType::U4;
        let y = scaled(cx, x, block, |x| if adds { x[0] / x[1] + 0.0 } else { x[0] / x[1] })?;
        return cx.give_encoded(y, format, manner);
    }
    let zero = if cx.operand(2).is_some() { Some(cx.plain(2)?) } else { None };
    let dtype = match (zero, cx.attributes().int("output_dtype")?.unwrap_or(0)) {
        (Some(zero), _) => cx.ty(zero).dtype,
        (None, 0) => DType::U8,
        (None, number) => {
            i32::try_from(number).map_err(|_| number.to_string()).and_then(tensor::dtype).map_err(|name| {
                Diagnostic::error(code::ELEMENT_TYPE, format!("quantisation to {name} is not supported"))
            })?
        }
    };
    if !matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16) && !dtype.is_packed() {
        return Err(Diagnostic::error(
            code::ELEMENT_TYPE,
            format!("quantisation to {dtype} is not supported"),
        )
        .help("supported are i8, u8, i16, u16, i4, u4, i2 and u2"));
    }
    let shape = cx.ty(x).shape.clone();
    let axis = stated_axis(cx.attributes().int("axis")?, shape.rank());
    let known = cx.known(1).is_ok() && (zero.is_none() || cx.known(2).is_ok());
    if block == 0 && known && is_storage(dtype) {
        let quant = cx.quant(1, 2, axis, dtype)?;
        return cx.result_as(Quantize, &[x], TensorType::quantized(dtype, shape, quant));
    }
    let scale = cx.float(1)?;
    let (x, mut inputs) = beside(cx, x, scale, zero, axis, block)?;
    inputs.insert(0, x);
    let y = cx.map("stored", &inputs, |x| rounded(x[0] / x[1], x.get(2).copied(), dtype))?;
    let y = cx.reshape(y, &shape)?;
    cx.give(0, y)
}

/// `DequantizeLinear x, scale, zero_point?`
pub(super) fn dequantize(cx: &mut Context<'_, '_>) -> Step<()> {
    let block = block_size(cx)?;
    if let Some(format) = cx.minifloat(0) {
        let x = cx.decoded(0, format)?;
        let y = scaled(cx, x, block, |x| x[0] * x[1])?;
        return cx.give(0, y);
    }
    let (rank, plain) = match cx.operand(0).and_then(|name| cx.build.slots.get(name)) {
        Some(Slot::Constant(tensor)) => (tensor.shape.rank(), !is_storage(tensor.dtype())),
        Some(Slot::Value(value)) => (cx.ty(*value).shape.rank(), !cx.ty(*value).is_quantized()),
        _ => (0, false),
    };
    let axis = stated_axis(cx.attributes().int("axis")?, rank);
    let known = cx.known(1).is_ok() && (cx.operand(2).is_none() || cx.known(2).is_ok());
    if block == 0 && known && !plain {
        let x = cx.quantised(0, 1, 2, axis)?;
        return cx.result(Dequantize, &[x]);
    }
    let (x, scale) = (cx.plain(0)?, cx.float(1)?);
    let shape = cx.ty(x).shape.clone();
    let zero = if cx.operand(2).is_some() { Some(cx.plain(2)?) } else { None };
    // Only the difference of i32 needs more bits.
    let wide = if cx.ty(x).dtype.size() < 4 { DType::I32 } else { DType::I64 };
    let (x, mut inputs) = beside(cx, x, scale, zero, axis, block)?;
    inputs.insert(0, x);
    let y = cx.map("real", &inputs, |x| {
        let stored = x[0].to(wide);
        x.get(2).map_or(stored, |zero| stored - zero.to(wide)).to(DType::F32) * x[1]
    })?;
    let y = cx.reshape(y, &shape)?;
    cx.give(0, y)
}

/// The format of a `QuantizeLinear` whose result consists of floats of 8 or 4 bits.
fn minifloat_result(cx: &Context<'_, '_>) -> Step<Option<Minifloat>> {
    let stated = cx.attributes().int("output_dtype")?.and_then(|number| i32::try_from(number).ok());
    Ok(cx.minifloat(2).or(stated.and_then(Minifloat::of)))
}

/// A formula of `x` and the scale beside it. Such floats have a zero of their own: a zero point may only say so.
fn scaled(
    cx: &mut Context<'_, '_>,
    x: Value,
    block: usize,
    f: impl for<'w> Fn(&[Number<'w>]) -> Number<'w>,
) -> Step<Value> {
    if cx.operand(2).is_some() && cx.known_ints(2)?.iter().any(|&zero| zero != 0) {
        return Err(Diagnostic::error(
            code::ZERO_POINT,
            "a zero point other than 0 of floats is not supported",
        ));
    }
    let scale = cx.float(1)?;
    let shape = cx.ty(x).shape.clone();
    let axis = stated_axis(cx.attributes().int("axis")?, shape.rank());
    let (x, scale) = beside(cx, x, scale, None, axis, block)?;
    let y = cx.map("scaled", &[x, scale[0]], f)?;
    cx.reshape(y, &shape)
}

fn block_size(cx: &Context<'_, '_>) -> Step<usize> {
    let stated = cx.attributes().int("block_size")?.unwrap_or(0);
    usize::try_from(stated).map_err(|_| Diagnostic::error(code::ATTRIBUTE, "block_size is not negative"))
}

/// `x`, and beside it scale and zero point, in shapes that broadcast together.
fn beside(
    cx: &mut Context<'_, '_>,
    x: Value,
    scale: Value,
    zero: Option<Value>,
    axis: Option<usize>,
    block: usize,
) -> Step<(Value, Vec<Value>)> {
    let dims = cx.dims(x);
    let parameters: Vec<Value> = [Some(scale), zero].into_iter().flatten().collect();
    let counts: Vec<usize> = parameters.iter().map(|&p| cx.ty(p).shape.elements()).collect();
    let no_axis = || Diagnostic::error(code::SHAPE, "scales along an axis that is none of the tensor");
    if block == 0 {
        let mut fitting = Vec::new();
        for (&parameter, &count) in parameters.iter().zip(&counts) {
            let mut shape = vec![1; if count == 1 { 0 } else { dims.len() }];
            if count != 1 {
                let axis = axis.ok_or_else(no_axis)?;
                cx.require(
                    count == dims[axis],
                    format!("{count} scales do not go with axis {axis} of {}", cx.ty(x)),
                )?;
                shape[axis] = count;
            }
            fitting.push(cx.reshape(parameter, &shape)?);
        }
        return Ok((x, fitting));
    }
    let axis = axis.ok_or_else(no_axis)?;
    let blocks = dims[axis].div_ceil(block);
    let mut expected = dims.clone();
    expected[axis] = blocks;
    for &parameter in &parameters {
        let fits = cx.dims(parameter) == expected;
        cx.require(fits, format!("{} are no scales of blocks of {block} in {}", cx.ty(parameter), cx.ty(x)))?;
    }
    let mut one = expected;
    one.insert(axis + 1, 1);
    if dims[axis].is_multiple_of(block) {
        // An axis of its own for what is inside a block.
        let mut split = one.clone();
        split[axis + 1] = block;
        let x = cx.reshape(x, &split)?;
        let parameters = parameters.into_iter().map(|p| cx.reshape(p, &one)).collect::<Step<_>>()?;
        return Ok((x, parameters));
    }
    // The last block is shorter: one scale for each element.
    let place = |i: usize| (i / block) as i64;
    let places: Vec<i64> = (0..dims[axis]).map(place).collect();
    let parameters = parameters.into_iter().map(|p| cx.pick(p, axis, places.clone())).collect::<Step<_>>()?;
    Ok((x, parameters))
}
