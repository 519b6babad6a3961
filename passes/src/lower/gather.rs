//! `gather`, and the positions that it and `scatter` read: known ones become a table of bytes, others are checked.

use super::layer::Layer;
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, BinaryOp, Buffer, Dynamic, Index, Param, Scalar, Var};
use tinyc_ir::op::gather::OUTSIDE;
use tinyc_ir::{Data, Node, Tensor, Value};

/// Lowers a `gather`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (x_shape, i_shape) = (&inputs[0].shape, &inputs[1].shape);
    let (count, stretch) = (x_shape[1], x_shape[2]);
    let values = lowering.graph.nodes[node].inputs.clone();
    let x = lowering.buffer(values[0]);
    let source = Source::new(lowering, values[1], count);
    let y = lowering.result(node);
    let comment = format!("{} of {x_shape}", output.shape);
    let mut layer = lowering.layer(node, "gather".into(), comment);
    let x = layer.read("x", x);
    let positions = source.prepare(&mut layer, i_shape, count);
    let y = layer.write("y", y);
    layer.nest(&[("b", x_shape[0]), ("m", i_shape[1])], &mut |layer, at| {
        let place = positions.load(layer, at);
        let target = at[0].times(i_shape[1] as i64).plus(&at[1]).times(stretch as i64);
        let batch = at[0].times((count * stretch) as i64);
        layer.each("s", stretch, &mut |layer, s| {
            let index = positions.index(layer, place, batch.plus(&s), stretch);
            let value = layer.load(x, index);
            layer.store(y, target.plus(&s), value);
        });
    });
    layer.finish(0);
    Ok(())
}

/// Where positions come from.
pub enum Source {
    /// Known, all inside, as small as they can be stored.
    Table(Data),
    /// A buffer that the run fills.
    Buffer(Buffer),
}

/// Positions that a kernel reads.
pub struct Positions {
    param: Param,
    /// Elements per batch; 0 if all batches share them.
    row: i64,
    count: usize,
    known: bool,
}

impl Source {
    /// The positions that a value holds, among `count`.
    pub fn new(lowering: &mut Lowering<'_>, value: Value, count: usize) -> Self {
        let known = lowering.graph.const_of(value).and_then(|tensor| table(tensor, count));
        known.map_or_else(|| Self::Buffer(lowering.buffer(value)), Self::Table)
    }

    /// Adds the positions to a layer.
    pub fn prepare(self, layer: &mut Layer<'_>, shape: &[usize], count: usize) -> Positions {
        let known = matches!(self, Self::Table(_));
        let param = match self {
            Self::Table(data) => layer.constant("positions", data),
            Self::Buffer(buffer) => layer.read("positions", buffer),
        };
        // A type whose every number is inside needs no check.
        let range = layer.scalar(param).int_range();
        let known = known || range.is_some_and(|(lo, hi)| lo >= 0 && hi < count as i128);
        Positions { param, row: if shape[0] == 1 { 0 } else { shape[1] as i64 }, count, known }
    }
}

/// Constant positions without negative ones; `None` if one is outside.
fn table(tensor: &Tensor, count: usize) -> Option<Data> {
    let count = count as i64;
    let inside =
        |p: i64| Some(if p < 0 { p.checked_add(count)? } else { p }).filter(|p| (0..count).contains(p));
    let positions: Option<Vec<i64>> = tensor.data.to_ints()?.into_iter().map(inside).collect();
    let dtype = match count {
        0..=0x100 => Scalar::U8,
        0x101..=0x1_0000 => Scalar::U16,
        _ => Scalar::I32,
    };
    Some(Data::from_ints(dtype, positions?))
}

impl Positions {
    /// The position for a batch and a number, in an i32 register. One that is outside ends the run.
    pub fn load(&self, layer: &mut Layer<'_>, at: &[Affine]) -> Var {
        let stored = layer.b.load(self.param, at[0].times(self.row).plus(&at[1]));
        if self.known {
            let value = layer.b.convert(Scalar::I32, stored);
            return layer.b.let_("place", value);
        }
        let scalar = if layer.b.scalar(stored) == Scalar::I64 { Scalar::I64 } else { Scalar::I32 };
        let stored = layer.b.convert(scalar, stored);
        let stored = layer.b.let_("stored", stored);
        let count = self.count as i64;
        let (value, zero) = (layer.b.var(stored), layer.b.int(scalar, 0));
        let negative = layer.b.less(value, zero);
        let (value, size) = (layer.b.var(stored), layer.b.int(scalar, count));
        let behind = layer.b.binary(BinaryOp::WrappingAdd, value, size);
        let ahead = layer.b.var(stored);
        let wrapped = layer.b.select(negative, behind, ahead);
        let wrapped = layer.b.let_("wrapped", wrapped);
        let (value, zero) = (layer.b.var(wrapped), layer.b.int(scalar, 0));
        let low = layer.b.less(value, zero);
        let (value, size) = (layer.b.var(wrapped), layer.b.int(scalar, count));
        let high = layer.b.binary(BinaryOp::Le, size, value);
        let outside = layer.b.binary(BinaryOp::Or, low, high);
        layer.b.begin_block();
        layer.b.fail(OUTSIDE);
        let then = layer.b.end_block();
        layer.b.if_else(outside, then, Vec::new());
        let value = layer.b.var(wrapped);
        let value = layer.b.convert(Scalar::I32, value);
        layer.b.let_("place", value)
    }

    /// The index of an element of the stretch at a loaded position.
    pub fn index(&self, layer: &mut Layer<'_>, place: Var, affine: Affine, stretch: usize) -> Index {
        let value = layer.b.var(place);
        let dynamic = Dynamic { stride: stretch as i64, value, lo: 0, hi: self.count as i64 - 1 };
        Index { affine, ring: None, dynamic: Some(dynamic) }
    }
}
