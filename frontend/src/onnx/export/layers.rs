//! The operators that networks are made of: weighted sums, pools, sums and products of tensors, softmax, and the ways
//! between integers and floats.

use super::form::Form;
use super::order::Order;
use super::unsayable;
use super::writer::{Writer, int, ints};
use crate::onnx::context::Step;
use crate::onnx::proto::AttributeProto;
use tinyc_ir::op::window::Window;
use tinyc_ir::op::{AvgPool2d, Conv2d, Dense, MaxPool2d};
use tinyc_ir::{Activation, DType, Tensor, Value};

impl Writer<'_> {
    /// `Conv`
    pub(super) fn conv2d(&mut self, op: &Conv2d, inputs: &[Value], y: Value) -> Step<()> {
        let (x, weight) = (self.real(inputs[0], Order::First)?, self.real(inputs[1], Order::First)?);
        let bias = self.bias(inputs)?;
        let kernel = &self.graph.ty(inputs[1]).shape;
        let mut attributes =
            window(&Window { kernel: [kernel[1], kernel[2]], strides: op.strides, pads: op.pads });
        attributes.push(ints("dilations", super::ints(&op.dilations)));
        attributes.push(int("group", super::int(op.groups)));
        self.give_real(y, op.act, |writer, y| {
            let inputs: Vec<&str> =
                [Some(&x), Some(&weight), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
            writer.node("Conv", &inputs, y, attributes);
            Ok(())
        })
    }

    /// `Gemm`
    pub(super) fn dense(&mut self, op: &Dense, inputs: &[Value], y: Value) -> Step<()> {
        let (x, weight) = (self.real(inputs[0], Order::Last)?, self.real(inputs[1], Order::Last)?);
        let bias = self.bias(inputs)?;
        self.give_real(y, op.act, |writer, y| {
            let inputs: Vec<&str> =
                [Some(&x), Some(&weight), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
            writer.node("Gemm", &inputs, y, vec![int("transB", 1)]);
            Ok(())
        })
    }

    /// The bias of a weighted sum, unless it is zero everywhere. Stored integers have the scale of the products.
    fn bias(&mut self, inputs: &[Value]) -> Step<Option<String>> {
        let graph = self.graph;
        let bias = inputs[2];
        let zero = |tensor: &Tensor| (0..tensor.data.len()).all(|i| tensor.data.bits(i) == 0);
        if graph.const_of(bias).is_some_and(|tensor| zero(tensor)) {
            return Ok(None);
        }
        let (Some(x), Some(weight)) = (&graph.ty(inputs[0]).quant, &graph.ty(inputs[1]).quant) else {
            return self.real(bias, Order::Last).map(Some);
        };
        let scales: Vec<f32> = weight.scales().iter().map(|scale| x.scale(0) * scale).collect();
        if scales.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
            return Err(unsayable("the product of the scales of input and weights is no scale"));
        }
        let shape = if weight.axis().is_some() { vec![scales.len()] } else { vec![] };
        let stored = self.stored(bias, Order::Last)?;
        let scale = self.constant(&format!("{stored}/scale"), &Tensor::f32(shape, scales));
        let real = self.free(&format!("{stored}/real"));
        let axis = weight.axis().map(|_| int("axis", 0)).into_iter().collect();
        self.helper("DequantizeLinear", &[&stored, &scale], &real, axis);
        Ok(Some(real))
    }

    /// `AveragePool`
    pub(super) fn avg_pool2d(&mut self, op: &AvgPool2d, x: Value, y: Value) -> Step<()> {
        let real = self.real(x, Order::First)?;
        let size = &self.graph.ty(x).shape[1..3];
        let plain = op.window.pads == [0; 4] && op.window.strides == [1, 1];
        if plain && op.window.kernel == size {
            return self.give_real(y, op.act, |writer, y| {
                writer.node("GlobalAveragePool", &[&real], y, vec![]);
                Ok(())
            });
        }
        let mut attributes = window(&op.window);
        if op.count_include_pad {
            attributes.push(int("count_include_pad", 1));
        }
        self.give_real(y, op.act, |writer, y| {
            writer.node("AveragePool", &[&real], y, attributes);
            Ok(())
        })
    }

    /// `MaxPool`, which takes 8-bit integers as they are; those of 16 bits are exact as floats.
    pub(super) fn max_pool2d(&mut self, op: &MaxPool2d, x: Value, y: Value) -> Step<()> {
        let attributes = window(&op.window);
        let ty = self.graph.ty(x);
        if ty.is_quantized() || ty.dtype.is_float() {
            let real = self.real(x, Order::First)?;
            return self.give_real(y, Activation::NONE, |writer, y| {
                writer.node("MaxPool", &[&real], y, attributes);
                Ok(())
            });
        }
        let dtype = ty.dtype;
        let stored = self.stored(x, Order::First)?;
        self.give_stored(y, |writer, y| {
            if dtype != DType::I16 {
                writer.node("MaxPool", &[&stored], y, attributes);
                return Ok(());
            }
            let wide = writer.cast("wide", &stored, DType::F32);
            let pooled = writer.call("pooled", "MaxPool", &[&wide], attributes);
            let to = crate::onnx::tensor::element(dtype);
            writer.node("Cast", &[&pooled], y, vec![int("to", to.into())]);
            Ok(())
        })
    }

    /// `Add` and `Mul`
    pub(super) fn pointwise(&mut self, name: &str, act: Activation, inputs: &[Value], y: Value) -> Step<()> {
        let operands: Vec<String> = inputs.iter().map(|&x| self.beside(x, y, true)).collect::<Step<_>>()?;
        self.give_real(y, act, |writer, y| {
            writer.node(name, &[&operands[0], &operands[1]], y, vec![]);
            Ok(())
        })
    }

    /// An operand of an operator on each element whose result is `y`.
    pub(super) fn beside(&mut self, x: Value, y: Value, real: bool) -> Step<String> {
        let one = self.graph.ty(x).shape.elements() == 1;
        let order = match self.order(y) {
            Order::First if self.graph.ty(x).shape.rank() < 4 && !one => Order::Beside,
            Order::First if self.graph.ty(x).shape.rank() < 4 => Order::Last,
            order => order,
        };
        if real { self.real(x, order) } else { self.stored(x, order) }
    }

    /// `Relu` and `Clip`, and what only changes the quantisation.
    pub(super) fn clamp(&mut self, act: Activation, x: Value, y: Value) -> Step<()> {
        let real = self.real(x, self.order(y))?;
        if act.is_none() && !self.graph.ty(y).is_quantized() {
            return self.give_real(y, act, |writer, y| {
                writer.node("Identity", &[&real], y, vec![]);
                Ok(())
            });
        }
        if act.is_none() {
            return self.quantized(y, &real);
        }
        self.clamp_result(&real, act, y)
    }

    fn clamp_result(&mut self, x: &str, act: Activation, y: Value) -> Step<()> {
        let ty = self.graph.ty(y);
        if ty.is_quantized() || ty.dtype.is_half() {
            let clamped = self.clamped(x, act);
            return self.quantized(y, &clamped);
        }
        let name = self.name(y).to_owned();
        self.clamp_node(x, act, &name);
        self.give_plain(y, name)
    }

    /// `Softmax` over the last axis, which is the second of a channels-first image.
    pub(super) fn softmax(&mut self, x: Value, y: Value) -> Step<()> {
        let (order, rank) = (self.order(y), self.graph.ty(x).shape.rank());
        let real = self.real(x, order)?;
        let axis = if order == Order::First { 1 } else { super::int(rank) - 1 };
        self.give_real(y, Activation::NONE, |writer, y| {
            writer.node("Softmax", &[&real], y, vec![int("axis", axis)]);
            Ok(())
        })
    }

    /// `QuantizeLinear`
    pub(super) fn quantize(&mut self, x: Value, y: Value) -> Step<()> {
        let real = self.real(x, self.order(y))?;
        self.quantized(y, &real)
    }

    /// `DequantizeLinear`
    pub(super) fn dequantize(&mut self, x: Value, y: Value) -> Step<()> {
        let order = self.order(y);
        if self.graph.ty(y).dtype.is_half() {
            let real = self.real(x, order)?;
            return self.quantized(y, &real);
        }
        let name = match self.has_real(x, order) {
            true => self.real(x, order)?,
            false => {
                let name = self.name(y).to_owned();
                self.dequantized(x, order, &name)?;
                name
            }
        };
        self.give_plain(y, name)
    }

    fn has_real(&self, x: Value, order: Order) -> bool {
        self.forms.contains_key(&(x, Form::real(order)))
    }
}

/// The attributes of a window.
fn window(window: &Window) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", super::ints(&window.kernel)),
        ints("strides", super::ints(&window.strides)),
        ints("pads", super::ints(&window.pads)),
    ]
}
