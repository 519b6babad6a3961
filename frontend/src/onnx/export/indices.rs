//! Operators whose positions are data: picks, writes, ranks, and sums of what is picked.

use super::order::Order;
use super::unsayable;
use super::writer::{Writer, int, string};
use crate::onnx::context::Step;
use tinyc_ir::op::sample::SampleKind;
use tinyc_ir::op::scatter::ScatterKind;
use tinyc_ir::op::{Sample, Scatter, Suppress, TopK};
use tinyc_ir::{DType, Data, Tensor, Value};

/// Non-maximum suppression is written row by row, up to so many rows.
const ROWS: usize = 64;

impl Writer<'_> {
    /// Positions in the one type that every operator takes.
    fn positions(&mut self, i: Value) -> Step<String> {
        let stored = self.stored(i, Order::Last)?;
        Ok(if self.graph.ty(i).dtype == DType::I64 {
            stored
        } else {
            self.cast("positions", &stored, DType::I64)
        })
    }

    /// A value whose elements are picked: the reals of a quantised one.
    fn source(&mut self, x: Value) -> Step<String> {
        if self.graph.ty(x).is_quantized() { self.real(x, Order::Last) } else { self.stored(x, Order::Last) }
    }

    /// `Gather`, or `GatherND` where each batch has positions of its own.
    pub(super) fn gather(&mut self, inputs: &[Value], y: Value) -> Step<()> {
        let (x, i) = (self.source(inputs[0])?, self.positions(inputs[1])?);
        let dims = &self.graph.ty(inputs[1]).shape;
        let (rows, count) = (dims[0], dims[1]);
        self.give_moved(y, |writer, y| {
            if rows == 1 {
                let flat = writer.reshaped("flat", &i, &[count]);
                writer.node("Gather", &[&x, &flat], y, vec![int("axis", 1)]);
            } else {
                let each = writer.reshaped("each", &i, &[rows, count, 1]);
                writer.node("GatherND", &[&x, &each], y, vec![int("batch_dims", 1)]);
            }
            Ok(())
        })
    }

    /// `ScatterND`
    pub(super) fn scatter(&mut self, op: &Scatter, inputs: &[Value], y: Value) -> Step<()> {
        let (x, i, u) = (self.source(inputs[0])?, self.positions(inputs[1])?, self.source(inputs[2])?);
        let graph = self.graph;
        let (shape, places) = (&graph.ty(inputs[2]).shape, &graph.ty(inputs[1]).shape);
        let (batches, count) = (shape[0], shape[1]);
        let reduction = match op.kind {
            ScatterKind::Set => "none",
            ScatterKind::Add => "add",
            ScatterKind::Mul => "mul",
            ScatterKind::Min => "min",
            ScatterKind::Max => "max",
        };
        let rows = places[0];
        self.give_moved(y, |writer, y| {
            let mut column = writer.reshaped("column", &i, &[rows, count, 1]);
            if rows != batches {
                let dims = writer.shape_operand(&[batches, count, 1]);
                column = writer.call("repeated", "Expand", &[&column, &dims], vec![]);
            }
            let batch = (0..batches).flat_map(|b| std::iter::repeat_n(super::int(b), count)).collect();
            let batch = writer.part_constant("batch", &Tensor::new([batches, count, 1], Data::I64(batch)));
            let pairs = writer.call("pairs", "Concat", &[&batch, &column], vec![int("axis", 2)]);
            let attributes = if reduction == "none" { vec![] } else { vec![string("reduction", reduction)] };
            writer.node("ScatterND", &[&x, &pairs, &u], y, attributes);
            Ok(())
        })
    }

    /// `TopK`, of which only the positions are wanted.
    pub(super) fn top_k(&mut self, op: &TopK, x: Value, y: Value) -> Step<()> {
        let operand = self.stored(x, Order::Last)?;
        let k = self.numbers("k", &[super::int(op.k)]);
        self.give_stored(y, |writer, y| {
            let attributes = vec![int("axis", 1), int("largest", op.largest.into()), int("sorted", 1)];
            let values = writer.part("values");
            writer.node("TopK", &[&operand, &k], y, attributes);
            writer.second_result(&values);
            Ok(())
        })
    }

    /// Positions of true elements: each is written where its number among them says, all others behind the row's end.
    pub(super) fn compact(&mut self, m: Value, y: Value) -> Step<()> {
        let shape = self.graph.ty(m).shape.clone();
        let (rows, count) = (shape[0], shape[1]);
        let marks = self.stored(m, Order::Last)?;
        self.give_stored(y, |writer, y| {
            let ones = writer.cast("ones", &marks, DType::I64);
            let axis = writer.scalar("axis", Data::I64(vec![1]));
            let before = writer.call("before", "CumSum", &[&ones, &axis], vec![int("exclusive", 1)]);
            let behind = writer.scalar("behind", Data::I64(vec![super::int(count)]));
            let places = writer.call("places", "Where", &[&marks, &before, &behind], vec![]);
            let none = Tensor::new([rows, count + 1], Data::I32(vec![-1; rows * (count + 1)]));
            let none = writer.part_constant("none", &none);
            let own = writer.range("own", DType::I32, count);
            let dims = writer.shape_operand(&[rows, count]);
            let own = writer.call("each", "Expand", &[&own, &dims], vec![]);
            let written =
                writer.call("written", "ScatterElements", &[&none, &places, &own], vec![int("axis", 1)]);
            let bounds = [("starts", 0), ("ends", super::int(count)), ("axes", 1)]
                .map(|(part, number)| writer.numbers(part, &[number]));
            writer.node("Slice", &[&written, &bounds[0], &bounds[1], &bounds[2]], y, vec![]);
            Ok(())
        })
    }

    /// Picks, products with their weights, and a sum or maximum; what is outside adds nothing.
    pub(super) fn sample(&mut self, op: &Sample, inputs: &[Value], y: Value) -> Step<()> {
        let (x, i, w) =
            (self.source(inputs[0])?, self.stored(inputs[1], Order::Last)?, self.source(inputs[2])?);
        let graph = self.graph;
        let (shape, places) = (graph.ty(inputs[0]).shape.clone(), graph.ty(inputs[1]).shape.clone());
        let weights = graph.ty(inputs[2]).shape.clone();
        let (batches, size, stretch) = (shape[0], shape[1], shape[2]);
        let (rows, count, taps) = (places[0], places[1], places[2]);
        self.give_stored(y, |writer, y| {
            let zero = writer.scalar("zero", Data::I32(vec![0]));
            let limit = writer.scalar("limit", Data::I32(vec![i32::try_from(size).unwrap_or(i32::MAX)]));
            let above = writer.call("above", "LessOrEqual", &[&zero, &i], vec![]);
            let below = writer.call("below", "Less", &[&i, &limit], vec![]);
            let inside = writer.call("inside", "And", &[&above, &below], vec![]);
            let safe = writer.call("safe", "Where", &[&inside, &i, &zero], vec![]);
            let safe = writer.cast("safe64", &safe, DType::I64);
            let picked = match rows {
                1 => {
                    let flat = writer.reshaped("flat", &safe, &[count * taps]);
                    writer.call("picked", "Gather", &[&x, &flat], vec![int("axis", 1)])
                }
                _ => {
                    let each = writer.reshaped("each", &safe, &[rows, count * taps, 1]);
                    writer.call("picked", "GatherND", &[&x, &each], vec![int("batch_dims", 1)])
                }
            };
            let picked = writer.reshaped("taps", &picked, &[batches, count, taps, stretch]);
            let wide = [&weights[..], &[1]].concat();
            let factors = writer.reshaped("factors", &w, &wide);
            let products = writer.call("products", "Mul", &[&picked, &factors], vec![]);
            let inside = writer.reshaped("inside_taps", &inside, &[rows, count, taps, 1]);
            let none = writer.scalar("nothing", Data::F32(vec![op.kind.start()]));
            let kept = writer.call("kept", "Where", &[&inside, &products, &none], vec![]);
            let axes = writer.numbers("axes", &[2]);
            let name = if op.kind == SampleKind::Sum { "ReduceSum" } else { "ReduceMax" };
            writer.node(name, &[&kept, &axes], y, vec![int("keepdims", 0)]);
            Ok(())
        })
    }

    /// `NonMaxSuppression` of one row after the other, −1 behind the boxes that were found.
    pub(super) fn suppress(&mut self, op: &Suppress, inputs: &[Value], y: Value) -> Step<()> {
        let (boxes, scores) = (self.stored(inputs[0], Order::Last)?, self.stored(inputs[1], Order::Last)?);
        let graph = self.graph;
        let shape = graph.ty(inputs[1]).shape.clone();
        let (batches, classes) = (shape[0], shape[1]);
        if batches * classes > ROWS || batches * classes == 0 {
            return Err(unsayable(format!(
                "suppression in {} rows of boxes is not written",
                batches * classes
            ))
            .help(format!("supported are 1 to {ROWS}")));
        }
        self.give_stored(y, |writer, y| {
            let keep = writer.numbers("keep", &[super::int(op.keep)]);
            let iou = writer.scalar("iou", Data::F32(vec![op.iou]));
            let iou = writer.reshaped("iou_one", &iou, &[1]);
            let above = (op.above != f32::NEG_INFINITY).then(|| {
                let above = Tensor::f32([1], vec![op.above]);
                writer.part_constant("above", &above)
            });
            let missing = Tensor::new([op.keep], Data::I64(vec![-1; op.keep]));
            let missing = writer.part_constant("missing", &missing);
            let mut rows = Vec::new();
            for batch in 0..batches {
                let at = writer.numbers("batch", &[super::int(batch)]);
                let own = writer.call("boxes", "Gather", &[&boxes, &at], vec![int("axis", 0)]);
                let all = writer.call("scores", "Gather", &[&scores, &at], vec![int("axis", 0)]);
                for class in 0..classes {
                    let at = writer.numbers("class", &[super::int(class)]);
                    let row = writer.call("row", "Gather", &[&all, &at], vec![int("axis", 1)]);
                    let mut operands = vec![own.as_str(), &row, &keep, &iou];
                    operands.extend(above.as_deref());
                    let attributes = vec![int("center_point_box", op.centered.into())];
                    let found = writer.call("found", "NonMaxSuppression", &operands, attributes);
                    let column = writer.scalar("column", Data::I64(vec![2]));
                    let found = writer.call("positions", "Gather", &[&found, &column], vec![int("axis", 1)]);
                    let padded = writer.call("padded", "Concat", &[&found, &missing], vec![int("axis", 0)]);
                    let bounds = [("starts", 0), ("ends", super::int(op.keep))]
                        .map(|(part, number)| writer.numbers(part, &[number]));
                    let cut = writer.call("cut", "Slice", &[&padded, &bounds[0], &bounds[1]], vec![]);
                    rows.push(cut);
                }
            }
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let joined = writer.call("joined", "Concat", &rows, vec![int("axis", 0)]);
            let shaped = writer.reshaped("shaped", &joined, &[batches, classes, op.keep]);
            let to = crate::onnx::tensor::element(DType::I32);
            writer.node("Cast", &[&shaped], y, vec![int("to", to.into())]);
            Ok(())
        })
    }
}
