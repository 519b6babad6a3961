//! Elements written, added or compared at run-time positions. No other operator writes where data say.

use super::gather::{outside, position, positions};
use super::{Arity, Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs, choices};
use crate::{DType, Data, Tensor, TensorType};

/// `scatter x, i, u {kind=…}`: `[B, N, S]`, `[A, M]` and `[B, M, S]` to `[B, N, S]`, where A is B or 1; x and u of one type; i
/// is u8, u16, i32 or i64
///
/// The result is x; then for m ascending, `y[b, i[b, m]]` becomes, or is combined with, `u[b, m]`, stretches of S elements.
/// Positions as those of [`gather`](super::gather). `set` takes every type, quantised per tensor if at all; the others types
/// with arithmetic: floats rounded once, integers wrap.
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    /// What happens to an element.
    pub kind: ScatterKind,
}

/// What a [`Scatter`] does to an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ScatterKind {
    Set,
    Add,
    Mul,
    Min,
    Max,
}

choices!(ScatterKind: "`set`, `add`, `mul`, `min` or `max`" {
    Set = "set",
    Add = "add",
    Mul = "mul",
    Min = "min",
    Max = "max",
});

impl ScatterKind {
    /// The operation that combines old and new; `None` where the new one replaces it.
    pub fn combine(self, dtype: DType) -> Option<BinaryOp> {
        let float = dtype.is_float();
        match self {
            Self::Set => None,
            Self::Add => Some(if float { BinaryOp::Add } else { BinaryOp::WrappingAdd }),
            Self::Mul => Some(if float { BinaryOp::Mul } else { BinaryOp::WrappingMul }),
            Self::Min => Some(BinaryOp::Min),
            Self::Max => Some(BinaryOp::Max),
        }
    }
}

impl Operator for Scatter {
    const NAME: &'static str = "scatter";
    const ARITY: Arity = Arity::Exactly(3);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("kind", self.kind, ScatterKind::Set);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { kind: attrs.take_or("kind", ScatterKind::Set)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, i, u] = inputs else { unreachable!("arity is checked") };
        let &[batches, count, stretch] = x.shape.dims() else {
            return Err(TypeError::new(format!("x has three dimensions, not {x}")));
        };
        require!(x.quant.as_ref().is_none_or(|q| q.axis().is_none()), "x is not quantised per axis: {x}");
        let set = self.kind == ScatterKind::Set;
        require!(set || !x.is_quantized() && x.dtype.size() >= 4, "x has a type with arithmetic, not {x}");
        let written = positions(i, batches)?;
        require!(count > 0 || written == 0, "there is nowhere to write in {x}");
        let expected = x.with_shape([batches, written, stretch]);
        require!(**u == expected, "u is {expected}, not {u}");
        Ok((*x).clone())
    }

    fn failure(&self, inputs: &[(&TensorType, &Tensor)]) -> Option<String> {
        let [(x, _), (_, i), _] = inputs else { unreachable!("arity is checked") };
        if x.shape[0] * x.shape[2] == 0 { None } else { outside(i, x.shape[1]) }
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, x), (_, i), (_, u)] = inputs else { unreachable!("arity is checked") };
        let mut values: Vec<u64> = (0..x.data.len()).map(|p| x.data.bits(p)).collect();
        let (count, stretch) = (x.shape[1], x.shape[2]);
        for from in 0..u.data.len() {
            let at = u.shape.unravel(from);
            let row = if i.shape[0] == 1 { 0 } else { at[0] };
            let to = position(i.data.int(row * i.shape[1] + at[1]), count);
            let (old, new) = (&mut values[(at[0] * count + to) * stretch + at[2]], u.data.bits(from));
            *old = match self.kind.combine(x.dtype()) {
                None => new,
                Some(op) => ops::binary(op, x.dtype(), *old, new).expect("checked: a type with arithmetic"),
            };
        }
        Tensor::new(output.shape.clone(), Data::from_bits(output.dtype, values))
    }
}
