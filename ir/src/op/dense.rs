//! Fully connected layer with bias and a fused clamp: ONNX `Gemm`, and `MatMul` with constant weights.
//!
//! Not a 1×1 `conv2d`, because its rows have no image around them and its weights are read once per row.

use super::conv2d::{check_weighted_sum, effective_scale, requantized};
use super::{Arity, Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, Data, Tensor, TensorType};

/// `dense x, weight, bias`
///
/// - `x`: `[M, K]`
/// - `weight`: `[N, K]`
/// - `bias`: `[N]`
/// - result: `[M, N]`
///
/// On floats, one accumulator per output: bias, then k ascending. On quantised types as
/// [`Conv2d`](super::Conv2d).
#[derive(Clone, PartialEq, Debug)]
pub struct Dense {
    /// Applied to the real result.
    pub act: Activation,
}

impl Operator for Dense {
    const NAME: &'static str = "dense";
    const ARITY: Arity = Arity::Exactly(3);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("act", self.act, Activation::NONE);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { act: attrs.take_or("act", Activation::NONE)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, weight, bias] = inputs else { unreachable!("arity is checked") };
        require!(x.shape.rank() == 2, "x is [M, K], not {x}");
        require!(
            weight.shape.rank() == 2 && weight.shape[1] == x.shape[1],
            "weight is [N, {}], not {weight}",
            x.shape[1]
        );
        require!(x.shape[1] > 0, "x has columns, not {x}");
        require!(bias.shape.dims() == [weight.shape[0]], "bias is [{}], not {bias}", weight.shape[0]);
        Ok(x.with_shape([x.shape[0], weight.shape[0]]))
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        check_weighted_sum(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x), (wt, weight), (_, bias)] = inputs else { unreachable!("arity is checked") };
        let (count, units, depth) = (output.shape.elements(), output.shape[1], xt.shape[1]);
        if let (Some(xq), Some(wq)) = (&xt.quant, &wt.quant) {
            let zx = i64::from(xq.zero_point(0));
            let values = (0..count).map(|position| {
                let (row, unit) = (position / units, position % units);
                let zw = i64::from(wq.zero_point(unit));
                let products = (0..depth)
                    .map(|k| (x.data.int(row * depth + k) - zx) * (weight.data.int(unit * depth + k) - zw));
                let acc = bias.data.int(unit) + products.sum::<i64>();
                let m = effective_scale(xt, wt, output, unit).expect("checked: all are quantised");
                requantized(acc, m, output, self.act)
            });
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        let [x, weight, bias] = [x, weight, bias].map(|t| t.data.as_f32().expect("checked: all are f32"));
        let values = (0..count).map(|position| {
            let (row, unit) = (position / units, position % units);
            let products = (0..depth).map(|k| x[row * depth + k] * weight[unit * depth + k]);
            self.act.apply(products.fold(bias[unit], |acc, p| acc + p))
        });
        Tensor::f32(output.shape.clone(), values.collect())
    }

    fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
        (output.shape.elements() * inputs[0].shape[1]) as u64
    }
}
