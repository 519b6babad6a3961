//! Maximum pooling. Padding is skipped: it never wins.

use super::window::Window;
use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Data, Tensor, TensorType};

/// `max_pool2d x`: `[N, H, W, C]` → `[N, OH, OW, C]`
///
/// f32, or i8, u8 or i16, quantised or not; the quantisation is kept. On floats, the maximum starts at −∞ and an
/// element replaces it only if greater, so NaN is passed over.
#[derive(Clone, PartialEq, Debug)]
pub struct MaxPool2d {
    /// Where the window goes.
    pub window: Window,
}

impl Operator for MaxPool2d {
    const NAME: &'static str = "max_pool2d";

    fn write_attrs(&self, attrs: &mut Attrs) {
        self.window.write(attrs);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { window: Window::read(attrs)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        use crate::DType::{F32, I8, I16, U8};
        require!(matches!(inputs[0].dtype, F32 | I8 | U8 | I16), "x is f32, i8, u8 or i16, not {}", inputs[0]);
        self.window.infer(inputs[0])
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        let windows = (0..output.shape.elements()).map(|position| self.window.positions(xt, output, position));
        let data = match &x.data {
            Data::F32(x) => {
                let greater = |best: f32, &p: &usize| if x[p] > best { x[p] } else { best };
                Data::F32(windows.map(|w| w.iter().fold(f32::NEG_INFINITY, greater)).collect())
            }
            ints => Data::from_ints(
                output.dtype,
                windows.map(|w| w.iter().map(|&p| ints.int(p)).max().expect("no window lies in the padding")),
            ),
        };
        Tensor::new(output.shape.clone(), data)
    }
}
