//! Operators that move elements as they are: reshapes, transposes, pads, joins, and regular picks.

use super::order::{Order, is_same};
use super::strided::Steps;
use super::writer::{Writer, allow_zero, int, ints};
use crate::onnx::context::Step;
use tinyc_ir::op::{Concat, Pad, Reshape, Strided, Transpose};
use tinyc_ir::{Activation, DType, Data, Tensor, Value, half};

impl Writer<'_> {
    /// A value as operators that move elements take it: the reals of quantised ones, as other tools do.
    fn moved(&mut self, x: Value, order: Order) -> Step<String> {
        if self.graph.ty(x).is_quantized() { self.real(x, order) } else { self.stored(x, order) }
    }

    /// Writes a value that elements were moved to.
    pub(super) fn give_moved(
        &mut self,
        y: Value,
        write: impl FnOnce(&mut Self, &str) -> Step<()>,
    ) -> Step<()> {
        if self.graph.ty(y).is_quantized() {
            return self.give_real(y, Activation::NONE, write);
        }
        self.give_stored(y, write)
    }

    /// `Reshape`
    pub(super) fn reshape(&mut self, op: &Reshape, x: Value, y: Value) -> Step<()> {
        let (held, shape) = (self.order(x), &self.graph.ty(x).shape);
        let order = if held == Order::First && is_same(shape) { Order::First } else { Order::Last };
        let real = self.moved(x, order)?;
        let dims = self.shape_operand(&op.shape);
        self.give_moved(y, |writer, y| {
            writer.node("Reshape", &[&real, &dims], y, allow_zero(&op.shape));
            Ok(())
        })
    }

    /// `Transpose`, or nothing where the file has the axes in the right order already.
    pub(super) fn transpose(&mut self, op: &Transpose, x: Value, y: Value) -> Step<()> {
        if self.held.same_as(y).is_some() {
            let name = self.stored(x, self.order(x))?;
            return self.give_plain(y, name);
        }
        let real = self.moved(x, Order::Last)?;
        self.give_moved(y, |writer, y| {
            writer.node("Transpose", &[&real], y, vec![ints("perm", super::ints(&op.perm))]);
            Ok(())
        })
    }

    /// `Pad`
    pub(super) fn pad(&mut self, op: &Pad, x: Value, y: Value) -> Step<()> {
        let order = self.order(y);
        let operand = self.moved(x, order)?;
        let pads: Vec<i64> =
            [&op.before, &op.after].iter().flat_map(|side| super::ints(&order.entries(side))).collect();
        let pads = self.numbers("pads", &pads);
        let value = self.scalar("value", self.padding(op, x));
        self.give_moved(y, |writer, y| {
            writer.node("Pad", &[&operand, &pads, &value], y, vec![]);
            Ok(())
        })
    }

    /// What is padded with; for a quantised tensor the real that its stored padding means.
    fn padding(&self, op: &Pad, x: Value) -> Data {
        let ty = self.graph.ty(x);
        let stored = op.stored(ty);
        match (ty.quant.as_ref().and_then(|q| q.tensor_wide()), stored) {
            (Some((scale, zero)), Some(stored)) => Data::F32(vec![(stored - i64::from(zero)) as f32 * scale]),
            (None, Some(stored)) => Data::from_ints(ty.dtype, [stored]),
            _ if ty.dtype == DType::F64 => Data::F64(vec![op.value.into()]),
            _ if ty.dtype.is_half() => {
                Data::from_bits(ty.dtype, [u64::from(half::narrow(ty.dtype, op.value))])
            }
            _ => Data::F32(vec![op.value]),
        }
    }

    /// `Concat`
    pub(super) fn concat(&mut self, op: &Concat, inputs: &[Value], y: Value) -> Step<()> {
        let order = self.order(y);
        let operands: Vec<String> = inputs.iter().map(|&x| self.moved(x, order)).collect::<Step<_>>()?;
        let axis = super::int(order.axis(op.axis));
        self.give_moved(y, |writer, y| {
            let inputs: Vec<&str> = operands.iter().map(String::as_str).collect();
            writer.node("Concat", &inputs, y, vec![int("axis", axis)]);
            Ok(())
        })
    }

    /// `Slice`, `Transpose`, `Reshape` and `Expand`, as far as they are needed; or `Gather` with the position of each element.
    pub(super) fn strided(&mut self, op: &Strided, x: Value, y: Value) -> Step<()> {
        let shape = &self.graph.ty(x).shape;
        let operand = self.moved(x, Order::Last)?;
        let steps = Steps::of(op, shape);
        self.give_moved(y, |writer, y| match steps {
            Some(steps) => {
                writer.steps(&steps, operand, y);
                Ok(())
            }
            None => {
                let elements = shape.elements();
                let flat = writer.reshaped("flat", &operand, &[elements]);
                let positions = op.positions().into_iter().map(super::int).collect();
                let positions =
                    writer.part_constant("positions", &Tensor::new(op.shape.clone(), Data::I64(positions)));
                writer.node("Gather", &[&flat, &positions], y, vec![int("axis", 0)]);
                Ok(())
            }
        })
    }

    fn steps(&mut self, steps: &Steps, x: String, y: &str) {
        let mut nodes: Vec<(&str, &str, Vec<String>, Vec<_>)> = Vec::new();
        if let Some(slice) = &steps.slice {
            let operand = |writer: &mut Self, part: &str, numbers: Vec<i64>| writer.numbers(part, &numbers);
            let operands = vec![
                operand(self, "starts", slice.iter().map(|s| s.start).collect()),
                operand(self, "ends", slice.iter().map(|s| s.end).collect()),
                operand(self, "axes", slice.iter().map(|s| super::int(s.axis)).collect()),
                operand(self, "steps", slice.iter().map(|s| s.step).collect()),
            ];
            nodes.push(("sliced", "Slice", operands, vec![]));
        }
        if let Some(perm) = &steps.perm {
            nodes.push(("turned", "Transpose", vec![], vec![ints("perm", super::ints(perm))]));
        }
        if let Some(shape) = &steps.reshape {
            nodes.push(("reshaped", "Reshape", vec![self.shape_operand(shape)], allow_zero(shape)));
        }
        if let Some(shape) = &steps.expand {
            nodes.push(("expanded", "Expand", vec![self.shape_operand(shape)], vec![]));
        }
        if nodes.is_empty() {
            nodes.push(("same", "Identity", vec![], vec![]));
        }
        let last = nodes.len() - 1;
        let mut x = x;
        for (i, (part, op, operands, attributes)) in nodes.into_iter().enumerate() {
            let output = if i == last { y.to_owned() } else { self.part(part) };
            let inputs: Vec<&str> = std::iter::once(&x).chain(&operands).map(String::as_str).collect();
            self.node(op, &inputs, &output, attributes);
            x = output;
        }
    }
}
