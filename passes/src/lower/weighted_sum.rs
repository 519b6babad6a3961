//! What `conv2d` and `dense` share: accumulators proven not to overflow, and the way from an accumulator to a result.

use super::elementwise::Table;
use super::layer::Layer;
use super::requant::{ACC_LIMIT, Channel, Prepared, Requant, Target};
use super::tile::{HIGH, Kind, MANY};
use super::{Features, Lowering, Unsupported};
use std::sync::Arc;
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Param, Scalar, Var};
use tinyc_ir::op::conv2d::effective_scale;
use tinyc_ir::{Activation, DType, Data, Node, Op, Tensor, TensorType};

/// A weighted sum over taps with constant weights, numbers prepared for the loops.
pub struct WeightedSum {
    /// The accumulator's type: f32, i32, or i64 where partial sums need it.
    pub scalar: Scalar,
    /// The stored weights; output channels on axis 0.
    pub weights: Arc<Tensor>,
    /// Accumulators' first values: the bias, and x's zero point if it was folded in.
    bias: Data,
    /// Bytes of a stored element of x.
    x_bytes: usize,
    /// Subtracted from every element of x; 0 if folded into the bias.
    x_zero: i32,
    /// Subtracted from every weight; one per output channel or one for all.
    w_zero: Vec<i32>,
    /// Weights of four bits enter products sixteenfold, as they lie in the high halves of bytes: the bias is as large, and the
    /// requantisation's scale a sixteenth.
    pub nibbles: bool,
    finish: Finish,
    /// A requantisation that the region adds to the result.
    then: Option<Table>,
}

/// Bits between the halves of a byte.
pub const NIBBLE: u32 = 4;

/// From a word of four stored bytes to factors: x without its zero point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quad {
    /// Whether the top bit of each byte is flipped: that adds 128 to an i8, or takes 128 from a u8, and leaves the other.
    pub flip: bool,
    /// Whether the bytes are then signed.
    pub signed: bool,
}

enum Finish {
    Float(Activation),
    Requant(Requant),
}

/// The tables and rules of a weighted sum as parameters of a kernel.
pub struct Emitter {
    scalar: Scalar,
    x_zero: i32,
    w_zero: WZero,
    bias: Param,
    /// As [`WeightedSum::nibbles`].
    pub nibbles: bool,
    finish: PreparedFinish,
    then: Option<(Table, Param)>,
}

enum WZero {
    All(i32),
    Each(Param),
}

enum PreparedFinish {
    Float(Activation),
    Requant(Prepared),
}

impl WeightedSum {
    /// Reads a `conv2d` or `dense` node. `fold_zero`: every output sums all taps (nothing is padded), so x's zero point
    /// can be folded into the bias.
    pub fn new(
        lowering: &Lowering<'_>,
        node: Node,
        act: Activation,
        fold_zero: bool,
    ) -> Result<Self, Unsupported> {
        let graph = lowering.graph;
        let data = &graph.nodes[node];
        let [x, w, b] = [0, 1, 2].map(|i| data.inputs[i]);
        let constant = |value, what: &str| {
            graph
                .const_of(value)
                .cloned()
                .ok_or_else(|| Unsupported::new(format!("a {what} that is computed at run time")))
        };
        let (weights, bias) = (constant(w, "weight")?, constant(b, "bias")?);
        let (xt, wt, yt) = (graph.ty(x), graph.ty(w), graph.ty(data.outputs[0]));
        if !xt.is_quantized() {
            let bias = bias.data.clone();
            return Ok(Self {
                scalar: DType::F32,
                weights,
                bias,
                x_bytes: 4,
                x_zero: 0,
                w_zero: vec![0],
                nibbles: false,
                finish: Finish::Float(act),
                then: None,
            });
        }
        let mut sum = Self::integer(lowering.features, xt, wt, yt, weights, &bias, (act, fold_zero))?;
        sum.then = lowering.regions.follower(node).map(|next| {
            let Op::Requantize(op) = &graph.nodes[next].op else {
                unreachable!("only a requantize joins a weighted sum")
            };
            Table::requantize(yt, graph.ty(graph.nodes[next].outputs[0]), op.act)
        });
        Ok(sum)
    }

    fn integer(
        features: Features,
        xt: &TensorType,
        wt: &TensorType,
        yt: &TensorType,
        weights: Arc<Tensor>,
        bias: &Tensor,
        (act, fold_zero): (Activation, bool),
    ) -> Result<Self, Unsupported> {
        let quantized = "checked by the operator: all are quantised";
        let wq = wt.quant.as_ref().expect(quantized);
        let zx = i64::from(xt.quant.as_ref().expect(quantized).zero_point(0));
        let (sy, zy) = yt.quant.as_ref().and_then(|q| q.tensor_wide()).expect(quantized);
        let (xlo, xhi) = stored_range(xt.dtype);
        // What a tap multiplies: stored x where the zero point is folded into the bias, else x − zx.
        let (dlo, dhi) = if fold_zero { (xlo, xhi) } else { (xlo - zx, xhi - zx) };
        let outputs = wt.shape[0];
        let taps = weights.data.len() / outputs;
        let mut channels = Vec::with_capacity(outputs);
        let mut biases = Vec::with_capacity(outputs);
        let mut partial = 0i64;
        for o in 0..outputs {
            let zw = i64::from(wq.zero_point(o));
            let (mut lo, mut hi, mut total) = (0i64, 0i64, 0i64);
            for tap in 0..taps {
                let w = weights.data.int(o * taps + tap) - zw;
                let (a, b) = (w * dlo, w * dhi);
                // 0 is included: a tap may be skipped at a border, and a partial sum lacks the later ones.
                lo += a.min(b).min(0);
                hi += a.max(b).max(0);
                total += w;
            }
            let first = bias.data.int(o) - if fold_zero { zx * total } else { 0 };
            partial = partial.max(-(first + lo)).max(first + hi);
            let scale = effective_scale(xt, wt, yt, o).expect(quantized);
            channels.push(Channel { scale, acc: (first + lo, first + hi) });
            biases.push(first);
        }
        if partial > ACC_LIMIT {
            return Err(Unsupported::new(format!("an accumulator that can reach {partial}, beyond 2^38")));
        }
        let scalar = if partial <= i64::from(i32::MAX) { DType::I32 } else { DType::I64 };
        let (lo, hi) = act.quantized(sy, zy, stored_range(yt.dtype));
        let target = Target { zero_point: zy, lo: lo as i32, hi: hi as i32 };
        let w_zero = if wq.zero_points().iter().all(|z| *z == wq.zero_point(0)) {
            vec![wq.zero_point(0)]
        } else {
            wq.zero_points().to_vec()
        };
        let x_zero = if fold_zero { 0 } else { zx as i32 };
        // A power of two as part of a scale leaves it exact.
        let sixteenth = |channel: &Channel| channel.scale / 16.0 >= f32::MIN_POSITIVE;
        let nibbles = features.dsp
            && wt.dtype == DType::I4
            && w_zero == [0]
            && quad(xt.dtype, x_zero).is_some()
            && partial << NIBBLE <= i64::from(i32::MAX)
            && channels.iter().all(sixteenth);
        if nibbles {
            biases.iter_mut().for_each(|bias| *bias <<= NIBBLE);
            for channel in &mut channels {
                channel.scale /= 16.0;
                channel.acc = (channel.acc.0 << NIBBLE, channel.acc.1 << NIBBLE);
            }
        }
        Ok(Self {
            scalar,
            weights,
            bias: Data::from_ints(scalar, biases),
            x_bytes: xt.dtype.size(),
            x_zero,
            w_zero,
            nibbles,
            finish: Finish::Requant(Requant::choose(&channels, target)),
            then: None,
        })
    }

    /// The number of output channels.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The fastest inner loop that computes this sum on a core: x widened to 16 bits, i8 or i4 weights without zero point.
    pub fn kind(&self, features: Features) -> Kind {
        let dual = features.dsp
            && self.scalar == DType::I32
            && self.x_bytes <= 2
            && self.x_zero == 0
            && self.w_zero == [0]
            && (self.weights.dtype() == DType::I8 || self.nibbles);
        if dual { Kind::Dual } else { Kind::Plain }
    }

    /// First values of accumulators that sum stored x over all taps, where x's zero point is subtracted otherwise; `None`
    /// where a partial sum of such might not fit a word, or would save nothing.
    pub fn folded_bias(&self, features: Features) -> Option<Data> {
        let wanted =
            self.x_zero != 0 && self.scalar == DType::I32 && !features.dsp && features.registers >= MANY;
        if !wanted {
            return None;
        }
        let taps = self.weights.data.len() / self.outputs();
        let most = 1_i64 << (8 * self.x_bytes);
        let first = |o: usize| {
            let zero = self.w_zero.get(o).or(self.w_zero.first()).copied().unwrap_or(0);
            let weights = (0..taps).map(|tap| self.weights.data.int(o * taps + tap) - i64::from(zero));
            let (total, size) = weights.fold((0, 0), |(total, size), w| (total + w, size + w.abs()));
            let first = self.bias.int(o) - i64::from(self.x_zero) * total;
            let reach = first.abs() + size * (most + i64::from(self.x_zero.unsigned_abs()));
            (reach <= i64::from(i32::MAX)).then_some(first)
        };
        let firsts = (0..self.outputs()).map(first).collect::<Option<Vec<i64>>>()?;
        Some(Data::from_ints(DType::I32, firsts))
    }

    /// How four neighbouring elements of x become factors in pairs of 16 bits, if a word operation or none subtracts the
    /// zero point on a core with products of halves, and weights have none.
    pub fn quad(&self, features: Features, x: DType) -> Option<Quad> {
        let halves = features.dsp
            && self.scalar == DType::I32
            && self.w_zero == [0]
            && (self.weights.dtype() == DType::I8 || self.nibbles);
        quad(x, self.x_zero).filter(|_| halves)
    }

    /// Adds the bias and the requantisation's tables to a layer.
    pub fn prepare(&self, layer: &mut Layer<'_>) -> Emitter {
        let bias = layer.constant("bias", self.bias.clone());
        let w_zero = match self.w_zero.as_slice() {
            [zero] => WZero::All(*zero),
            zeros => WZero::Each(layer.constant("weight_zeros", Data::I32(zeros.to_vec()))),
        };
        let finish = match &self.finish {
            Finish::Float(act) => PreparedFinish::Float(*act),
            Finish::Requant(requant) => PreparedFinish::Requant(requant.prepare(layer)),
        };
        let then = self.then.as_ref().map(|table| (table.clone(), table.prepare(layer)));
        let nibbles = self.nibbles;
        Emitter { scalar: self.scalar, x_zero: self.x_zero, w_zero, bias, nibbles, finish, then }
    }
}

impl Emitter {
    /// One accumulator for each of `width` channels from `first` on, holding its bias.
    pub fn start(&self, layer: &mut Layer<'_>, first: &Affine, width: usize) -> Vec<Var> {
        self.start_from(layer, self.bias, first, width)
    }

    /// The same with other first values.
    pub fn start_from(&self, layer: &mut Layer<'_>, bias: Param, first: &Affine, width: usize) -> Vec<Var> {
        (0..width)
            .map(|j| {
                let bias = layer.b.load_as(self.scalar, bias, first.offset(j as i64));
                layer.b.let_("acc", bias)
            })
            .collect()
    }

    /// What is subtracted from each channel's weights, as registers where it is not one literal for all.
    pub fn weight_zeros(
        &self,
        layer: &mut Layer<'_>,
        first: &Affine,
        width: usize,
    ) -> Vec<Option<WeightZero>> {
        (0..width)
            .map(|j| match self.w_zero {
                WZero::All(0) => None,
                WZero::All(zero) => Some(WeightZero::Literal(zero)),
                WZero::Each(param) => {
                    let zero = layer.b.load(param, first.offset(j as i64));
                    Some(WeightZero::Register(layer.b.let_("weight_zero", zero)))
                }
            })
            .collect()
    }

    /// One element of x as it enters the products, in a register.
    pub fn x(&self, layer: &mut Layer<'_>, param: Param, index: Affine) -> Var {
        let mut value = layer.b.load_as(self.product_scalar(), param, index);
        if self.x_zero != 0 {
            let zero = layer.b.i32(self.x_zero);
            value = layer.b.sub(value, zero);
        }
        layer.b.let_("v", value)
    }

    /// One stored element of x, in a register.
    pub fn stored(&self, layer: &mut Layer<'_>, param: Param, index: Affine) -> Var {
        let value = layer.b.load_as(self.product_scalar(), param, index);
        layer.b.let_("v", value)
    }

    /// What is subtracted from x, in a register.
    pub fn x_zero(&self, layer: &mut Layer<'_>) -> Var {
        let zero = layer.b.i32(self.x_zero);
        layer.b.let_("zero", zero)
    }

    /// One weight as it enters the products.
    pub fn weight(
        &self,
        layer: &mut Layer<'_>,
        param: Param,
        index: Affine,
        zero: Option<WeightZero>,
    ) -> Expr {
        let mut value = layer.load_as(self.product_scalar(), param, index);
        if self.nibbles {
            let bits = layer.b.i32(NIBBLE as i32);
            value = layer.b.binary(BinaryOp::Shl, value, bits);
        }
        let zero = match zero {
            None => return value,
            Some(WeightZero::Literal(zero)) => layer.b.i32(zero),
            Some(WeightZero::Register(zero)) => layer.b.var(zero),
        };
        layer.b.sub(value, zero)
    }

    /// Two words of four weights each from one of [`paired`](super::tile::paired) bytes: those of the high halves, and those of the low ones.
    pub fn halves(&self, layer: &mut Layer<'_>, word: Var) -> [Var; 2] {
        [0, NIBBLE].map(|up| {
            let mut value = layer.b.var(word);
            if up > 0 {
                let up = layer.b.i32(up as i32);
                value = layer.b.binary(BinaryOp::Shl, value, up);
            }
            let mask = layer.b.i32(HIGH);
            let value = layer.b.binary(BinaryOp::And, value, mask);
            layer.b.let_("w", value)
        })
    }

    /// `acc += x · weight`.
    pub fn accumulate(&self, layer: &mut Layer<'_>, acc: Var, x: Var, weight: Expr) {
        let x = layer.b.var(x);
        let product = layer.b.mul(x, weight);
        let product = layer.b.convert(self.scalar, product);
        layer.b.accumulate(acc, product);
    }

    /// Rounds, clamps and stores an accumulator of a channel.
    pub fn finish(&self, layer: &mut Layer<'_>, acc: Var, channel: &Affine, y: Param, index: Affine) {
        let value = match &self.finish {
            PreparedFinish::Float(act) => activate(layer, acc, *act),
            PreparedFinish::Requant(requant) => requant.emit(layer, acc, channel),
        };
        let value = match &self.then {
            Some((table, param)) => table.emit(layer, *param, value),
            None => value,
        };
        layer.b.store(y, index, value);
    }

    /// Products are 32-bit: |x − zx| < 2^17 and |w − zw| < 2^9, so they fit.
    fn product_scalar(&self) -> Scalar {
        if self.scalar == DType::F32 { DType::F32 } else { DType::I32 }
    }
}

/// A weight's zero point inside a loop.
#[derive(Clone, Copy)]
pub enum WeightZero {
    /// The same for all channels.
    Literal(i32),
    /// This channel's.
    Register(Var),
}

/// [`Activation::apply`] of an f32 register.
pub fn activate(layer: &mut Layer<'_>, value: Var, act: Activation) -> Expr {
    let mut result = layer.b.var(value);
    if act.hi < f32::INFINITY {
        let (hi, other, chosen) = (layer.b.f32(act.hi), layer.b.var(value), layer.b.f32(act.hi));
        let above = layer.b.less(hi, other);
        result = layer.b.select(above, chosen, result);
    }
    if act.lo > f32::NEG_INFINITY {
        let (other, lo, chosen) = (layer.b.var(value), layer.b.f32(act.lo), layer.b.f32(act.lo));
        let below = layer.b.less(other, lo);
        result = layer.b.select(below, chosen, result);
    }
    result
}

/// How words of four elements lose a zero point, if one operation or none does it.
fn quad(x: DType, zero: i32) -> Option<Quad> {
    match (x, zero) {
        (DType::I8, 0) => Some(Quad { flip: false, signed: true }),
        (DType::U8, 0) => Some(Quad { flip: false, signed: false }),
        (DType::I8, -128) => Some(Quad { flip: true, signed: false }),
        (DType::U8, 128) => Some(Quad { flip: true, signed: true }),
        _ => None,
    }
}

/// The range of a storage type of at most 32 bits.
pub fn stored_range(dtype: DType) -> (i64, i64) {
    let (lo, hi) = dtype.int_range().expect("quantised storage is an integer");
    (lo as i64, hi as i64)
}
