//! Operators whose result is known at compile time, and those that write known numbers by data.

use crate::onnx::builder::Slot;
use crate::onnx::context::{Context, Step};
use crate::onnx::{code, tensor};
use std::sync::Arc;
use tinyc_ir::{DType, Data, Diagnostic, Tensor};

fn known(cx: &mut Context<'_, '_>, tensor: Tensor) -> Step<()> {
    cx.define(Slot::Constant(Arc::new(tensor)));
    Ok(())
}

/// `Shape x`, from `start` to `end`.
pub(super) fn shape(cx: &mut Context<'_, '_>) -> Step<()> {
    let dims: Vec<i64> = {
        let x = cx.input(0)?;
        cx.dims(x).iter().map(|&d| d as i64).collect()
    };
    let rank = dims.len() as i64;
    let end = |name: &str, default: i64| -> Step<usize> {
        let stated = cx.attributes().int(name)?.unwrap_or(default);
        let stated = if stated < 0 { stated.saturating_add(rank) } else { stated };
        Ok(stated.clamp(0, rank) as usize)
    };
    let (start, end) = (end("start", 0)?, end("end", rank)?);
    let part = dims.get(start..end.max(start)).unwrap_or_default().to_vec();
    known(cx, Tensor::new([part.len()], Data::I64(part)))
}

/// `Size x`
pub(super) fn size(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let count = cx.ty(x).shape.elements() as i64;
    known(cx, Tensor::new([], Data::I64(vec![count])))
}

/// `ConstantOfShape shape`
pub(super) fn constant_of_shape(cx: &mut Context<'_, '_>) -> Step<()> {
    let dims: Option<Vec<usize>> = cx.known_ints(0)?.iter().map(|&d| usize::try_from(d).ok()).collect();
    let dims = dims.ok_or_else(|| Diagnostic::error(code::SHAPE, "a dimension is negative"))?;
    let value = match cx.attributes().tensor("value")? {
        Some(proto) => tensor::read(proto, cx.build.base_dir.as_deref())?,
        None => Tensor::f32([1], vec![0.0]),
    };
    cx.require(value.data.len() == 1, "the value of ConstantOfShape is one number")?;
    let count = cx.build.make(&dims, value.dtype())?;
    let bits = std::iter::repeat_n(value.data.bits(0), count);
    known(cx, Tensor::new(dims, Data::from_bits(value.dtype(), bits)))
}

/// `Range start, limit, delta`, all known.
pub(super) fn range(cx: &mut Context<'_, '_>) -> Step<()> {
    let ends = [cx.known(0)?, cx.known(1)?, cx.known(2)?];
    let dtype = ends[0].dtype();
    let one = |t: &Tensor| match &t.data {
        Data::F32(v) => v.first().map(|&v| f64::from(v)),
        Data::F64(v) => v.first().copied(),
        ints => ints.to_ints().and_then(|v| v.first().map(|&v| v as f64)),
    };
    let ends: Option<Vec<f64>> = ends.iter().map(|t| one(t)).collect();
    let Some(&[start, limit, delta]) = ends.as_deref() else {
        return Err(Diagnostic::error(code::SHAPE, "the operands of Range are one number each"));
    };
    let count = ((limit - start) / delta).ceil();
    cx.require(delta != 0.0 && count.is_finite(), "the step of Range is zero")?;
    let count = cx.build.make(&[count.max(0.0) as usize], dtype)?;
    let value = |i: usize| start + i as f64 * delta;
    let data = match dtype {
        DType::F32 => Data::F32((0..count).map(|i| value(i) as f32).collect()),
        DType::F64 => Data::F64((0..count).map(value).collect()),
        _ => Data::from_ints(dtype, (0..count).map(|i| value(i) as i64)),
    };
    known(cx, Tensor::new([count], data))
}

/// `EyeLike x`: ones on a diagonal, in the shape of x.
pub(super) fn eye_like(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let (dims, mut dtype) = (cx.dims(x), cx.ty(x).dtype);
    if let Some(stated) = cx.attributes().int("dtype")? {
        dtype = tensor::dtype(i32::try_from(stated).unwrap_or(0)).map_err(|name| {
            Diagnostic::error(code::ELEMENT_TYPE, format!("EyeLike of element type {name} is not supported"))
        })?;
    }
    let &[rows, columns] = dims.as_slice() else {
        return Err(Diagnostic::error(code::SHAPE, "EyeLike takes a matrix"));
    };
    let k = cx.attributes().int("k")?.unwrap_or(0);
    cx.build.make(&dims, dtype)?;
    let values = (0..rows * columns)
        .map(|p| i64::from((p % columns) as i64 == ((p / columns) as i64).saturating_add(k)));
    known(cx, Tensor::new(dims, Data::from_ints(dtype, values)))
}

/// `OneHot i, depth, values`: along a new axis, the second value where the position says, else the first.
pub(super) fn one_hot(cx: &mut Context<'_, '_>) -> Step<()> {
    let i = cx.plain(0)?;
    let depth = cx.known(1)?;
    let depth = match &depth.data {
        Data::F32(v) => v.first().map(|&v| v as i64),
        ints => ints.to_ints().and_then(|v| v.first().copied()),
    };
    let depth = depth.filter(|&d| (1..1 << 31).contains(&d)).unwrap_or(0);
    cx.require(depth > 0, "the depth of OneHot is a number above 0")?;
    let values = cx.plain(2)?;
    let mut dims = cx.dims(i);
    let axis = cx.axis("axis", -1, dims.len() + 1)?;
    dims.insert(axis, 1);
    let i = cx.reshape(i, &dims)?;
    let shape: Vec<usize> = (0..dims.len()).map(|d| if d == axis { depth as usize } else { 1 }).collect();
    let dtype = cx.ty(i).dtype;
    let wide = if dtype.size() < 4 { DType::I32 } else { dtype };
    cx.build.make(&shape, wide)?;
    let numbers = Data::from_ints(wide, 0..depth);
    let numbers = cx.part_constant("numbers", Tensor::new(shape, numbers), None)?;
    let off = cx.slice(values, 0, 0, 1, 1)?;
    let on = cx.slice(values, 0, 1, 1, 1)?;
    let y = cx.map("y", &[i, numbers, off, on], |x| {
        let at = x[0].wide();
        let at = match at.ty() {
            ty if ty.is_signed() || ty.is_float() => at.lt(at.literal(0.0)).select(at + depth as f64, at),
            _ => at,
        };
        at.equals(x[1]).select(x[3], x[2])
    })?;
    cx.give(0, y)
}
