//! `suppress`: a list of the boxes that are left, which shrinks in place. Each pass over it drops what overlaps the box kept
//! last, and finds the best of the others on the way.

use super::layer::Layer;
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Param, Scalar, Var};
use tinyc_ir::op::Suppress;
use tinyc_ir::{DType, Node, TensorType};

/// Lowers a `suppress`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Suppress) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let count = inputs[0].shape[1];
    let (batches, classes) = (output.shape[0], output.shape[1]);
    let values = lowering.graph.nodes[node].inputs.clone();
    let (boxes, scores) = (lowering.buffer(values[0]), lowering.buffer(values[1]));
    let y = lowering.result(node);
    let dtype = if count <= 1 << 16 { DType::U16 } else { DType::I32 };
    let list = lowering.scratch("boxes_left", &TensorType::new(dtype, [count]));
    let comment = format!("at most {} of {count} boxes, {} times", op.keep, batches * classes);
    let mut layer = lowering.layer(node, "suppress".into(), comment);
    let (boxes, scores) = (layer.read("boxes", boxes), layer.read("scores", scores));
    let kernel = Kernel {
        boxes,
        scores,
        list: layer.read_write("boxes_left", list),
        y: layer.write("y", y),
        count: count as i64,
        op,
    };
    layer.nest(&[("b", batches), ("c", classes)], &mut |layer, at| {
        let row = at[0].times(classes as i64).plus(&at[1]);
        kernel.row(layer, &at[0].times(4 * count as i64), &row);
    });
    layer.finish(0);
    Ok(())
}

struct Kernel<'a> {
    boxes: Param,
    scores: Param,
    list: Param,
    y: Param,
    count: i64,
    op: &'a Suppress,
}

/// Registers of a box.
struct Corners {
    low: [Var; 2],
    high: [Var; 2],
    area: Var,
}

impl Corners {
    fn all(&self) -> [Var; 5] {
        [self.low[0], self.low[1], self.high[0], self.high[1], self.area]
    }
}

impl Kernel<'_> {
    /// One row of scores; `image` is where its boxes begin.
    fn row(&self, layer: &mut Layer<'_>, image: &Affine, row: &Affine) {
        let (count, op) = (self.count, self.op);
        let (score, kept) = (row.times(count), row.times(op.keep as i64));
        layer.each("k", op.keep, &mut |layer, k| {
            let none = layer.b.i32(-1);
            layer.b.store(self.y, kept.plus(&k), none);
        });
        let zero = layer.b.i32(0);
        let left = layer.b.let_("left", zero);
        layer.each("j", count as usize, &mut |layer, j| {
            let here = layer.b.affine(j.clone());
            let slot = self.at(layer, left, Affine::constant(0), 1);
            layer.b.store(self.list, slot, here);
            let (bound, value) = (layer.b.f32(op.above), layer.b.load(self.scores, score.plus(&j)));
            let candidate = layer.b.less(bound, value);
            let candidate = layer.b.convert(Scalar::I32, candidate);
            layer.b.accumulate(left, candidate);
        });
        // A box without an area overlaps nothing.
        let none = layer.b.i32(-1);
        let last = layer.b.let_("last", none);
        let names = ["last_low_0", "last_low_1", "last_high_0", "last_high_1", "last_area"];
        let [a, b, c, d, area] = names.map(|name| {
            let zero = layer.b.f32(0.0);
            layer.b.let_(name, zero)
        });
        let last_box = Corners { low: [a, b], high: [c, d], area };
        layer.for_("k", 0, op.keep as i64, |layer, k| {
            let [next, place] = [("next", 0), ("best", -1)].map(|(name, value)| {
                let value = layer.b.i32(value);
                layer.b.let_(name, value)
            });
            let zero = layer.b.f32(0.0);
            let best = layer.b.let_("best_score", zero);
            layer.for_("j", 0, count, |layer, j| {
                self.pass(layer, image, &score, j.into(), [left, last, next, place, best], &last_box);
            });
            let nothing = negative(layer, place);
            layer.b.begin_block();
            layer.b.break_();
            let then = layer.b.end_block();
            layer.b.if_else(nothing, then, Vec::new());
            let found = layer.b.var(place);
            layer.b.store(self.y, kept.plus(&k.into()), found);
            for (to, from) in [(left, next), (last, place)] {
                let value = layer.b.var(from);
                layer.b.assign(to, value);
            }
            let corners = self.corners(layer, image, place);
            for (to, from) in last_box.all().into_iter().zip(corners.all()) {
                let value = layer.b.var(from);
                layer.b.assign(to, value);
            }
        });
    }

    /// One entry of the list.
    fn pass(
        &self,
        layer: &mut Layer<'_>,
        image: &Affine,
        score: &Affine,
        j: Affine,
        [left, last, next, place, best]: [Var; 5],
        last_box: &Corners,
    ) {
        let (end, here) = (layer.b.var(left), layer.b.affine(j.clone()));
        let done = layer.b.binary(BinaryOp::Le, end, here);
        layer.b.begin_block();
        layer.b.break_();
        let then = layer.b.end_block();
        layer.b.if_else(done, then, Vec::new());
        let entry = layer.b.load_as(Scalar::I32, self.list, j);
        let entry = layer.b.let_("entry", entry);
        let (here, other) = (layer.b.var(entry), layer.b.var(last));
        let stays = layer.b.binary(BinaryOp::Ne, here, other);
        let stays = layer.b.let_("stays", stays);
        let corners = self.corners(layer, image, entry);
        self.compare(layer, &corners, last_box, stays);
        let condition = layer.b.var(stays);
        layer.b.begin_block();
        let slot = self.at(layer, next, Affine::constant(0), 1);
        let value = layer.b.var(entry);
        layer.b.store(self.list, slot, value);
        let one = layer.b.i32(1);
        layer.b.accumulate(next, one);
        let index = self.at(layer, entry, score.clone(), 1);
        let value = layer.b.load(self.scores, index);
        let value = layer.b.let_("score", value);
        let first = negative(layer, place);
        let (old, new) = (layer.b.var(best), layer.b.var(value));
        let greater = layer.b.less(old, new);
        let better = layer.b.binary(BinaryOp::Or, first, greater);
        layer.b.begin_block();
        for (to, from) in [(best, value), (place, entry)] {
            let value = layer.b.var(from);
            layer.b.assign(to, value);
        }
        let then = layer.b.end_block();
        layer.b.if_else(better, then, Vec::new());
        let then = layer.b.end_block();
        layer.b.if_else(condition, then, Vec::new());
    }

    /// Clears `stays` if a box overlaps the last one too much.
    fn compare(&self, layer: &mut Layer<'_>, a: &Corners, b: &Corners, stays: Var) {
        let [h, w] = [0, 1].map(|axis| {
            let high = join(layer, BinaryOp::Min, a.high[axis], b.high[axis]);
            let low = join(layer, BinaryOp::Max, a.low[axis], b.low[axis]);
            let shared = layer.b.binary(BinaryOp::Sub, high, low);
            layer.b.let_(["shared_0", "shared_1"][axis], shared)
        });
        let [tall, wide] = [h, w].map(|v| positive(layer, v));
        let touches = layer.b.binary(BinaryOp::And, tall, wide);
        layer.b.begin_block();
        let inter = join(layer, BinaryOp::Mul, h, w);
        let inter = layer.b.let_("inter", inter);
        let whole = join(layer, BinaryOp::Add, a.area, b.area);
        let minus = layer.b.var(inter);
        let whole = layer.b.binary(BinaryOp::Sub, whole, minus);
        let whole = layer.b.let_("whole", whole);
        let share = join(layer, BinaryOp::Div, inter, whole);
        let iou = layer.b.f32(self.op.iou);
        let mut drops = layer.b.less(iou, share);
        for v in [inter, a.area, b.area, whole] {
            let solid = positive(layer, v);
            drops = layer.b.binary(BinaryOp::And, drops, solid);
        }
        layer.b.begin_block();
        let no = layer.b.literal(tinyc_ir::loops::Literal::Bool(false));
        layer.b.assign(stays, no);
        let then = layer.b.end_block();
        layer.b.if_else(drops, then, Vec::new());
        let then = layer.b.end_block();
        layer.b.if_else(touches, then, Vec::new());
    }

    /// The box of that number, in new registers.
    fn corners(&self, layer: &mut Layer<'_>, image: &Affine, number: Var) -> Corners {
        let stored = ["a", "b", "c", "d"].map(|name| {
            let offset = i64::from(name.as_bytes()[0] - b'a');
            let index = self.at(layer, number, image.offset(offset), 4);
            let value = layer.b.load(self.boxes, index);
            layer.b.let_(name, value)
        });
        let mut ends = Vec::new();
        for axis in 0..2 {
            let (p, q) = (stored[axis], stored[axis + 2]);
            let (low, high) = if self.op.centered {
                let half = layer.b.f32(0.5);
                let size = layer.b.var(q);
                let half = layer.b.binary(BinaryOp::Mul, size, half);
                let half = layer.b.let_("half", half);
                (join(layer, BinaryOp::Sub, p, half), join(layer, BinaryOp::Add, p, half))
            } else {
                (join(layer, BinaryOp::Min, p, q), join(layer, BinaryOp::Max, p, q))
            };
            ends.push((layer.b.let_("low", low), layer.b.let_("high", high)));
        }
        let (low, high) = ([ends[0].0, ends[1].0], [ends[0].1, ends[1].1]);
        let [height, width] = [0, 1].map(|axis| join(layer, BinaryOp::Sub, high[axis], low[axis]));
        let area = layer.b.binary(BinaryOp::Mul, height, width);
        Corners { low, high, area: layer.b.let_("area", area) }
    }

    /// The index `affine + number · stride` for a register that is the number of a box.
    fn at(&self, layer: &mut Layer<'_>, number: Var, affine: Affine, stride: i64) -> Index {
        let value = layer.b.var(number);
        Index { affine, ring: None, dynamic: Some(Dynamic { stride, value, lo: 0, hi: self.count - 1 }) }
    }
}

fn join(layer: &mut Layer<'_>, op: BinaryOp, a: Var, b: Var) -> Expr {
    let (a, b) = (layer.b.var(a), layer.b.var(b));
    layer.b.binary(op, a, b)
}

fn positive(layer: &mut Layer<'_>, value: Var) -> Expr {
    let (zero, value) = (layer.b.f32(0.0), layer.b.var(value));
    layer.b.less(zero, value)
}

fn negative(layer: &mut Layer<'_>, value: Var) -> Expr {
    let (value, zero) = (layer.b.var(value), layer.b.i32(0));
    layer.b.less(value, zero)
}
