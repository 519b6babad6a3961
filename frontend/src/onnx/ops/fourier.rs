//! `DFT` and `STFT`: discrete Fourier transforms of any length, with factors computed at compile time.
//!
//! Up to [`DIRECT`] elements, and for prime lengths, a transform of n elements is one product with a constant matrix: for real
//! input and b bins 2·n·b multiplications and floats of flash, for complex input twice that. Other lengths n = a·b are
//! b transforms of a elements, n turns by constant angles and a transforms of b elements (Cooley and Tukey): for n = 256
//! some 50 thousand multiplications and 8 KiB of flash in place of 262 thousand and 1 MiB.
//!
//! Complex values are pairs in the last axis, as ONNX has them. Angles are rounded once, from f64.

use super::matmul;
use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::tensor;
use std::f64::consts::TAU;
use tinyc_ir::{DType, Data, Diagnostic, Shape, Tensor, Value};

/// Lengths up to this one are transformed by one matrix.
const DIRECT: usize = 16;

/// A transform of the last axis but one.
#[derive(Clone, Copy)]
struct Transform {
    /// Elements, in front of missing ones that count as zero.
    length: usize,
    /// How many results are computed, the first ones.
    bins: usize,
    /// −1 from signal to spectrum, 1 back.
    sign: f64,
    /// On all results.
    factor: f64,
    /// Only real parts are computed.
    real: bool,
    /// The input is the first half of a spectrum, whose other half mirrors it.
    mirrored: bool,
}

/// `DFT x, length?, axis?`
pub(super) fn dft(cx: &mut Context<'_, '_>) -> Step<()> {
    let inverse = cx.attributes().flag("inverse")?.unwrap_or(false);
    let onesided = cx.attributes().flag("onesided")?.unwrap_or(false);
    let x = signal(cx)?;
    let dims = cx.dims(x);
    let stated = match cx.operand(2) {
        Some(_) => cx.known_ints(2)?.first().copied(),
        None => cx.attributes().int("axis")?,
    };
    let stated = stated.unwrap_or(if cx.opset < 20 { 1 } else { -2 });
    // The last axis holds real and imaginary parts.
    let along = axis(stated, dims.len()).filter(|&a| a + 1 < dims.len()).ok_or_else(|| {
        Diagnostic::error(code::SHAPE, format!("DFT along axis {stated} of {} is not possible", cx.ty(x)))
    })?;
    let mirrored = inverse && onesided;
    let default = if mirrored { 2 * (dims[along] - 1) } else { dims[along] };
    let length = match cx.operand(1) {
        Some(_) => cx.known_ints(1)?.first().and_then(|&n| usize::try_from(n).ok()).unwrap_or(0),
        None => default,
    };
    tensor::checked_elements(&[length], DType::F64)?;
    cx.require(length > 0, "the length of a DFT is a number above 0")?;
    let transform = Transform {
        length,
        bins: if onesided && !inverse { length / 2 + 1 } else { length },
        sign: if inverse { 1.0 } else { -1.0 },
        factor: if inverse { 1.0 / length as f64 } else { 1.0 },
        real: mirrored,
        mirrored,
    };
    let mut order: Vec<usize> = (0..dims.len()).filter(|&i| i != along).collect();
    order.insert(dims.len() - 2, along);
    let turned = cx.transpose(x, &order)?;
    let parts = dims[dims.len() - 1];
    let mut shape = cx.dims(turned);
    let rows = shape[..dims.len() - 2].iter().product();
    let rows = cx.reshape(turned, &[rows, dims[along], parts])?;
    let y = transform.apply(cx, rows)?;
    shape[dims.len() - 2] = transform.bins;
    shape[dims.len() - 1] = cx.dims(y)[2];
    let y = cx.reshape(y, &shape)?;
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, &from)| back[from] = i);
    let y = cx.transpose(y, &back)?;
    cx.give(0, y)
}

/// `STFT x, step, window?, length?`: frames that overlap, each through a window and transformed.
pub(super) fn stft(cx: &mut Context<'_, '_>) -> Step<()> {
    let onesided = cx.attributes().flag("onesided")?.unwrap_or(true);
    let x = signal(cx)?;
    let &[batch, count, parts] = cx.dims(x).as_slice() else {
        return Err(Diagnostic::error(
            code::SHAPE,
            format!("a signal is [N, length, 1 or 2], not {}", cx.ty(x)),
        ));
    };
    let number = |cx: &Context<'_, '_>, i: usize| -> Step<usize> {
        Ok(cx.known_ints(i)?.first().and_then(|&n| usize::try_from(n).ok()).unwrap_or(0))
    };
    let step = number(cx, 1)?;
    let window = if cx.operand(2).is_some() { Some(cx.plain(2)?) } else { None };
    let width = window.map(|w| cx.ty(w).shape.elements());
    let length = match (cx.operand(3), width) {
        (Some(_), _) => number(cx, 3)?,
        (None, width) => width.unwrap_or(count),
    };
    let fits = step > 0 && (1..=count).contains(&length) && width.is_none_or(|w| w == length);
    cx.require(fits, format!("frames of {length} elements, {step} apart, are not in {}", cx.ty(x)))?;
    let frames = (count - length) / step + 1;
    let strides = [count * parts, step * parts, parts, 1].map(|s| s as i64).to_vec();
    let mut rows = cx.strided(x, vec![batch, frames, length, parts], strides, 0)?;
    if let Some(window) = window {
        cx.require(cx.ty(window).dtype == cx.ty(x).dtype, "signal and window have one type")?;
        let window = cx.reshape(window, &[length, 1])?;
        rows = cx.map("tapered", &[rows, window], |x| x[0] * x[1])?;
    }
    let rows = cx.reshape(rows, &[batch * frames, length, parts])?;
    let bins = if onesided { length / 2 + 1 } else { length };
    let transform = Transform { length, bins, sign: -1.0, factor: 1.0, real: false, mirrored: false };
    let y = transform.apply(cx, rows)?;
    let y = cx.reshape(y, &[batch, frames, bins, 2])?;
    cx.give(0, y)
}

/// Operand 0, floats with one or two parts in the last axis.
fn signal(cx: &mut Context<'_, '_>) -> Step<Value> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let fits = dims.len() > 1 && matches!(dims.last(), Some(1 | 2)) && cx.ty(x).dtype.is_float();
    cx.require(fits, format!("a signal is floats with one or two parts in the last axis, not {}", cx.ty(x)))?;
    Ok(x)
}

impl Transform {
    /// `[rows, n, 1 or 2]` to `[rows, bins, 2]`, or `[…, 1]` of real parts.
    fn apply(&self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        let wanted = if self.mirrored { self.length / 2 + 1 } else { self.length };
        let present = cx.dims(x)[1].min(wanted);
        let x = cx.slice(x, 1, 0, present, 1)?;
        let first =
            (2..).take_while(|d| d * d <= self.length).filter(|d| self.length.is_multiple_of(*d)).last();
        match first.filter(|_| self.length > DIRECT) {
            None => self.by_matrix(cx, x),
            Some(first) => {
                let missing = wanted - present;
                let x = cx.pad_zeros(x, vec![0; 3], vec![0, missing, 0])?;
                let x = if self.mirrored { self.whole(cx, x)? } else { x };
                self.by_factors(cx, x, first)
            }
        }
    }

    /// The whole spectrum of which `x` is the first half: behind it its mirror image, conjugated.
    fn whole(&self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        let dims = cx.dims(x);
        let (half, parts) = (dims[1], dims[2]);
        let rest = self.length - half;
        let strides = vec![(half * parts) as i64, -(parts as i64), 1];
        let mirror = cx.strided(x, vec![dims[0], rest, parts], strides, rest * parts)?;
        let mirror = match parts {
            1 => mirror,
            _ => {
                let signs = cx.ints("signs", DType::Bool, &[2], vec![0, 1])?;
                cx.map("mirror", &[mirror, signs], |x| x[1].select(-x[0], x[0]))?
            }
        };
        cx.concat(&[x, mirror], 1)
    }

    /// One product with a matrix of all factors.
    fn by_matrix(&self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        let dims = cx.dims(x);
        let (rows, count, parts) = (dims[0], dims[1], dims[2]);
        let results = if self.real { 1 } else { 2 };
        let shape = [count * parts, self.bins * results];
        cx.build.make(&shape, cx.ty(x).dtype)?;
        let mut factors = Vec::with_capacity(shape[0] * shape[1]);
        for (j, part) in (0..count).flat_map(|j| (0..parts).map(move |p| (j, p))) {
            // An element that stands for its mirror image too counts twice.
            let alone = !self.mirrored || j == 0 || 2 * j == self.length;
            let weight = if alone { self.factor } else { 2.0 * self.factor };
            for (k, result) in (0..self.bins).flat_map(|k| (0..results).map(move |r| (k, r))) {
                let (cos, sin) = angle(j, k, self.length);
                factors
                    .push(weight * if part == result { cos } else { sin * self.sign * [-1.0, 1.0][result] });
            }
        }
        let x = cx.reshape(x, &[1, rows, shape[0]])?;
        let matrix = constant(cx, x, &[1, shape[0], shape[1]], factors)?;
        let y = matmul::matrices(cx, x, matrix)?;
        cx.reshape(y, &[rows, self.bins, results])
    }

    /// Element `b·i + j` is the `i`-th of transform `j` of the first kind; result `k + a·l` is the `l`-th of transform `k` of
    /// the second.
    fn by_factors(&self, cx: &mut Context<'_, '_>, x: Value, a: usize) -> Step<Value> {
        let (dims, b) = (cx.dims(x), self.length / a);
        let (rows, parts) = (dims[0], dims[2]);
        let x = cx.reshape(x, &[rows, a, b, parts])?;
        let x = cx.transpose(x, &[0, 2, 1, 3])?;
        let x = cx.reshape(x, &[rows * b, a, parts])?;
        let inner = Self { length: a, bins: a, factor: 1.0, real: false, mirrored: false, ..*self };
        let x = inner.apply(cx, x)?;
        let x = cx.reshape(x, &[rows, b, a, 2])?;
        let x = self.turned(cx, x)?;
        let x = cx.transpose(x, &[0, 2, 1, 3])?;
        let x = cx.reshape(x, &[rows * a, b, 2])?;
        let bins = self.bins.div_ceil(a);
        let outer = Self { length: b, bins, factor: 1.0, mirrored: false, ..*self };
        let y = outer.apply(cx, x)?;
        let results = cx.dims(y)[2];
        let y = cx.reshape(y, &[rows, a, bins, results])?;
        let y = cx.transpose(y, &[0, 2, 1, 3])?;
        let y = cx.reshape(y, &[rows, a * bins, results])?;
        cx.slice(y, 1, 0, self.bins, 1)
    }

    /// `[rows, b, a, 2]`, element `(j, k)` turned by the angle of `j·k`, times the factor.
    fn turned(&self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        let dims = cx.dims(x);
        cx.build.make(&[dims[1], dims[2], 2], cx.ty(x).dtype)?;
        let pairs = (0..dims[1]).flat_map(|j| (0..dims[2]).map(move |k| (j, k)));
        let (cos, sin): (Vec<f64>, Vec<f64>) = pairs.map(|(j, k)| angle(j, k, self.length)).unzip();
        let scaled = |values: Vec<f64>, by: f64| values.into_iter().map(|v| v * by).collect::<Vec<f64>>();
        let shape = [dims[1], dims[2], 1];
        let cos = constant(cx, x, &shape, scaled(cos, self.factor))?;
        let sin = constant(cx, x, &shape, scaled(sin, self.factor * self.sign))?;
        let mut strides: Vec<i64> = Shape::new(dims.clone()).strides().iter().map(|&s| s as i64).collect();
        strides[3] = -1;
        let across = cx.strided(x, dims, strides, 1)?;
        let signs = cx.ints("signs", DType::Bool, &[2], vec![1, 0])?;
        cx.map("turned", &[x, across, cos, sin, signs], |x| {
            let moved = x[1] * x[3];
            x[0] * x[2] + x[4].select(-moved, moved)
        })
    }
}

/// Cosine and sine of `j·k/length` of a turn.
fn angle(j: usize, k: usize, length: usize) -> (f64, f64) {
    let part = (j as u128 * k as u128 % length as u128) as f64 / length as f64;
    ((TAU * part).cos(), (TAU * part).sin())
}

/// Constants of the type that `like` has.
fn constant(cx: &mut Context<'_, '_>, like: Value, shape: &[usize], values: Vec<f64>) -> Step<Value> {
    let data = match cx.ty(like).dtype {
        DType::F64 => Data::F64(values),
        _ => Data::F32(values.into_iter().map(|v| v as f32).collect()),
    };
    let value = cx.part_constant("factors", Tensor::new(shape.to_vec(), data), None)?;
    cx.map_to(value, cx.ty(like).dtype)
}
