//! Post transforms: what becomes of the sums of a classifier or regressor.

use crate::onnx::attribute::{Attributes, unsupported};
use crate::onnx::context::{Context, Step};
use tinyc_ir::formula::Number;
use tinyc_ir::op::Softmax;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Data, Tensor, Value};

/// A post transform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

const NAMES: [(&str, Transform); 5] = [
    ("NONE", Transform::None),
    ("SOFTMAX", Transform::Softmax),
    ("LOGISTIC", Transform::Logistic),
    ("SOFTMAX_ZERO", Transform::SoftmaxZero),
    ("PROBIT", Transform::Probit),
];

impl Transform {
    /// From the attribute `post_transform`.
    pub(super) fn read(attributes: Attributes<'_>) -> Step<Self> {
        let name = attributes.string("post_transform")?.unwrap_or_else(|| "NONE".into());
        let found = NAMES.iter().find(|(known, _)| *known == name);
        let supported = "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT";
        found.map(|(_, transform)| *transform).ok_or_else(|| unsupported("post_transform", name, supported))
    }

    /// From the number that operator set 5 has for it.
    pub(super) fn numbered(number: i64) -> Step<Self> {
        let found = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        found.map(|(_, transform)| *transform).ok_or_else(|| unsupported("post_transform", number, "0 to 4"))
    }

    /// Applied to each row of `[N, C]`.
    pub(super) fn apply(self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        if self != Self::None && cx.ty(x).dtype != DType::F32 {
            let dtype = cx.ty(x).dtype;
            let x = single(cx, x)?;
            let y = self.apply(cx, x)?;
            return cx.map("wide", &[y], |x| x[0].to(dtype));
        }
        match self {
            Self::None => Ok(x),
            Self::Softmax => {
                let ty = cx.ty(x).clone();
                cx.part_as("softmax", Softmax, &[x], ty)
            }
            Self::Logistic => cx.map("logistic", &[x], |x| x[0].sigmoid()),
            Self::SoftmaxZero => softmax_zero(cx, x),
            Self::Probit => cx.map("probit", &[x], |x| probit(x[0])),
        }
    }
}

/// `√2 · erf⁻¹(2x − 1)` by Winitzki's formula with a = 0.147, as ONNX Runtime has it.
fn probit(x: Number<'_>) -> Number<'_> {
    let twice = x * 2.0 - 1.0;
    let one = x.literal(1.0);
    let log = ((one - twice) * (one + twice)).log();
    let half = log * 0.5 + f64::from(2.0 / (std::f32::consts::PI * 0.147f32));
    let root = ((half * half - log * f64::from(1.0 / 0.147f32)).sqrt() - half).sqrt();
    twice.lt(x.literal(0.0)).select(-root, root) * f64::from(std::f32::consts::SQRT_2)
}

/// The softmax of what is not zero; zeros stay, and add nothing to the sum.
fn softmax_zero(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    let most = cx.reduce(x, ReduceKind::Max, &[1])?;
    fn zero(x: Number<'_>) -> Number<'_> {
        x.abs().le(x.literal(1e-7))
    }
    let sums = cx.map("exp", &[x, most], |x| zero(x[0]).select(x[0].literal(0.0), (x[0] - x[1]).exp()))?;
    let sum = cx.reduce(sums, ReduceKind::Sum, &[1])?;
    cx.map("softmax_zero", &[x, most, sum], |x| {
        zero(x[0]).select(x[0] * (-x[1]).exp(), (x[0] - x[1]).exp()) / x[2]
    })
}

/// As f32, which results of operator sets before 5 are.
pub(super) fn single(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    if cx.ty(x).dtype == DType::F32 { Ok(x) } else { cx.map("single", &[x], |x| x[0].to(DType::F32)) }
}

/// Floats of a type, made here.
pub(super) fn floats(
    cx: &mut Context<'_, '_>,
    part: &str,
    dtype: DType,
    shape: &[usize],
    values: &[f64],
) -> Step<Value> {
    let data = match dtype {
        DType::F64 => Data::F64(values.to_vec()),
        _ => Data::F32(values.iter().map(|&v| v as f32).collect()),
    };
    cx.part_constant(part, Tensor::new(shape.to_vec(), data), None)
}
