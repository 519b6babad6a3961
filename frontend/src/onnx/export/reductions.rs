//! Sums, products and extremes along axes, running ones, and products of matrices.

use super::order::Order;
use super::unsayable;
use super::writer::{Writer, int};
use crate::onnx::context::Step;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::{Cumulative, Reduce};
use tinyc_ir::{Activation, DType, Data, Value};

/// A running product is written as one product for each element of its axis, up to so many.
const PRODUCTS: usize = 64;

impl Writer<'_> {
    /// A plain or half float operand as its operator computes with it, and whether that is as reals.
    fn operand(&mut self, x: Value) -> Step<(String, bool)> {
        let half = self.graph.ty(x).dtype.is_half();
        Ok((if half { self.real(x, Order::Last)? } else { self.stored(x, Order::Last)? }, half))
    }

    /// Writes the result of an operator on such operands.
    fn give_number(&mut self, y: Value, write: impl FnOnce(&mut Self, &str) -> Step<()>) -> Step<()> {
        if self.graph.ty(y).dtype.is_half() {
            return self.give_real(y, Activation::NONE, write);
        }
        self.give_stored(y, write)
    }

    /// `ReduceSum` and its like, `ArgMax` and `ArgMin`.
    pub(super) fn reduce(&mut self, op: &Reduce, x: Value, y: Value) -> Step<()> {
        let (operand, _) = self.operand(x)?;
        let dtype = match self.graph.ty(x).dtype {
            half if half.is_half() => DType::F32,
            other => other,
        };
        let (name, position) = match op.kind {
            ReduceKind::Sum => ("ReduceSum", None),
            ReduceKind::Prod => ("ReduceProd", None),
            ReduceKind::Min => ("ReduceMin", None),
            ReduceKind::Max => ("ReduceMax", None),
            ReduceKind::ArgMin => ("ArgMin", Some(0)),
            ReduceKind::ArgMax => ("ArgMax", Some(0)),
            ReduceKind::LastArgMin => ("ArgMin", Some(1)),
            ReduceKind::LastArgMax => ("ArgMax", Some(1)),
        };
        let empty = self.graph.ty(x).shape.elements() == 0 && position.is_none();
        if empty && matches!(op.kind, ReduceKind::Min | ReduceKind::Max) {
            return Err(unsayable("the least or greatest of no elements is not written"));
        }
        if let Some(last) = position {
            let mut attributes = vec![int("axis", super::int(op.axes[0])), int("keepdims", 1)];
            if last == 1 {
                attributes.push(int("select_last_index", 1));
            }
            return self.give_stored(y, |writer, y| {
                writer.node(name, &[&operand], y, attributes);
                Ok(())
            });
        }
        if op.axes.is_empty() {
            // Each element is combined with the start value, which makes +0 of −0.
            let start = self.scalar("start", Data::from_bits(dtype, [op.kind.start(dtype)]));
            let name = match op.kind {
                ReduceKind::Sum => "Add",
                ReduceKind::Prod => "Mul",
                ReduceKind::Min => "Min",
                _ => "Max",
            };
            return self.give_number(y, |writer, y| {
                writer.node(name, &[&start, &operand], y, vec![]);
                Ok(())
            });
        }
        let axes = self.numbers("axes", &super::ints(&op.axes));
        self.give_number(y, |writer, y| {
            writer.node(name, &[&operand, &axes], y, vec![int("keepdims", 1)]);
            Ok(())
        })
    }

    /// `CumSum`; a running product is a chain of products, because operator sets have it from 26 on.
    pub(super) fn cumulative(&mut self, op: &Cumulative, x: Value, y: Value) -> Step<()> {
        let ty = self.graph.ty(x);
        let operand = self.stored(x, Order::Last)?;
        if op.kind == ReduceKind::Sum {
            let axis = self.scalar("axis", Data::I64(vec![super::int(op.axis)]));
            let attributes = vec![int("exclusive", op.exclusive.into()), int("reverse", op.reverse.into())];
            return self.give_stored(y, |writer, y| {
                writer.node("CumSum", &[&operand, &axis], y, attributes);
                Ok(())
            });
        }
        let (count, dtype) = (ty.shape[op.axis], ty.dtype);
        if !(1..=PRODUCTS).contains(&count) {
            return Err(unsayable(format!("running products of {count} elements are not written"))
                .help(format!("supported are 1 to {PRODUCTS}")));
        }
        self.give_stored(y, |writer, y| {
            let axis = int("axis", super::int(op.axis));
            let mut slice = ty.shape.to_vec();
            slice[op.axis] = 1;
            let mut ones = ty.shape.to_vec();
            ones.fill(1);
            let start = Data::from_bits(dtype, [op.kind.start(dtype)]);
            let start = writer.part_constant("start", &tinyc_ir::Tensor::new(ones, start));
            let dims = writer.shape_operand(&slice);
            let mut product = writer.call("first", "Expand", &[&start, &dims], vec![]);
            let mut parts = vec![String::new(); count];
            for i in 0..count {
                let at = if op.reverse { count - 1 - i } else { i };
                let index = writer.numbers("index", &[super::int(at)]);
                let element = writer.call("element", "Gather", &[&operand, &index], vec![axis.clone()]);
                let next = writer.call("product", "Mul", &[&product, &element], vec![]);
                parts[at] = if op.exclusive { product } else { next.clone() };
                product = next;
            }
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            writer.node("Concat", &parts, y, vec![axis]);
            Ok(())
        })
    }

    /// `MatMul`
    pub(super) fn matmul(&mut self, inputs: &[Value], y: Value) -> Step<()> {
        let (a, b) = (self.operand(inputs[0])?.0, self.operand(inputs[1])?.0);
        self.give_number(y, |writer, y| {
            writer.node("MatMul", &[&a, &b], y, vec![]);
            Ok(())
        })
    }
}
