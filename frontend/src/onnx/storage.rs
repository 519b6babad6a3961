//! Operands that are narrower in memory than in arithmetic: half floats, and integers that share bytes.
//!
//! An operator that computes sees them widened, to f32 or to whole bytes, and its result is narrowed again: rounded once, at
//! the end of the ONNX operator, however many steps that is made of here. An operator that only moves elements sees them
//! as they are. No importer has to know.

use super::builder::{Builder, Slot};
use super::context::{Context, Step};
use super::proto::NodeProto;
use super::tensor;
use std::sync::Arc;
use tinyc_ir::{DType, Data, Tensor, Value};

/// What becomes of a node's narrow operands and of its results.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Storage {
    /// Half floats are widened.
    half: bool,
    /// Integers that share bytes are widened.
    packed: bool,
    /// The type of results that come out wide.
    result: Option<DType>,
}

impl Storage {
    /// What a node needs whose operands are known.
    pub(super) fn of(node: &NodeProto, build: &Builder) -> Self {
        let operand = |i: usize| {
            let slot = build.slots.get(node.input.get(i)?.as_str())?;
            dtype(slot, build)
        };
        let any = |is: fn(DType) -> bool| (0..node.input.len()).filter_map(operand).any(is);
        let half = any(DType::is_half) && !moves_half(node);
        let packed = any(DType::is_packed) && !moves_packed(node);
        if !half && !packed {
            return Self::default();
        }
        let stated = node.attribute.iter().find(|a| a.name() == "output_dtype" && a.i() != 0);
        let result = match node.op_type() {
            "DequantizeLinear" if stated.is_some() => {
                stated.and_then(|a| tensor::dtype(i32::try_from(a.i()).ok()?).ok())
            }
            "Where" | "DequantizeLinear" => operand(1),
            "OneHot" => operand(2),
            _ => operand(0),
        };
        Self { half, packed, result: result.filter(|ty| ty.is_half() || ty.is_packed()) }
    }

    fn widens(self, dtype: DType) -> bool {
        self.half && dtype.is_half() || self.packed && dtype.is_packed()
    }

    /// The type that result `i` gets if the importer made it of this one.
    fn narrows(self, node: &NodeProto, i: usize, dtype: DType) -> Option<DType> {
        // Statistics stay in the type in which they were computed.
        let statistics = matches!(node.op_type(), "LayerNormalization" | "RMSNormalization") && i > 0;
        self.result.filter(|&result| dtype == wide(result) && !statistics)
    }
}

/// The type in which a narrow one is computed with.
fn wide(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        DType::I4 | DType::I2 => DType::I8,
        DType::U4 | DType::U2 => DType::U8,
        other => other,
    }
}

fn dtype(slot: &Slot, build: &Builder) -> Option<DType> {
    match slot {
        Slot::Value(value) => Some(build.graph.ty(*value).dtype),
        Slot::Constant(tensor) => Some(tensor.dtype()),
        Slot::Unknown => None,
    }
}

/// Whether a node's importer takes half floats as they are.
fn moves_half(node: &NodeProto) -> bool {
    let sets = |name: &str| node.attribute.iter().find(|a| a.name() == name).is_none_or(|a| a.s() == b"none");
    match node.op_type() {
        "Scatter" | "ScatterElements" | "ScatterND" => sets("reduction"),
        "CenterCropPad" | "Compress" | "Concat" | "ConstantOfShape" | "DepthToSpace" | "Dropout"
        | "Expand" | "EyeLike" | "Gather" | "GatherElements" | "GatherND" | "Pad" | "ReverseSequence"
        | "Slice" | "SpaceToDepth" | "Split" | "Tile" => true,
        _ => moves_packed(node) && !is_quantisation(node),
    }
}

/// Whether a node's importer takes integers that share bytes as they are.
fn moves_packed(node: &NodeProto) -> bool {
    match node.op_type() {
        "Cast" | "CastLike" | "Constant" | "Flatten" | "Identity" | "If" | "Loop" | "Reshape" | "Scan"
        | "Shape" | "Size" | "Squeeze" | "Transpose" | "Unsqueeze" => true,
        _ => is_quantisation(node),
    }
}

/// Whether a node's integers are stored numbers with a scale, which no formula widens.
fn is_quantisation(node: &NodeProto) -> bool {
    matches!(node.op_type(), "DequantizeLinear" | "QuantizeLinear")
}

fn whole(data: &Data) -> Data {
    match data.dtype() {
        dtype if dtype.is_packed() => Data::from_ints(wide(dtype), (0..data.len()).map(|i| data.int(i))),
        _ => data.widened(),
    }
}

impl Context<'_, '_> {
    /// A value as this node's importer is to see it.
    pub(super) fn widened(&mut self, value: Value) -> Step<Value> {
        let ty = self.ty(value);
        if !self.storage.widens(ty.dtype) || ty.is_quantized() {
            return Ok(value);
        }
        if let Some(&wide) = self.build.widened.get(&value) {
            return Ok(wide);
        }
        let to = wide(ty.dtype);
        let wide = self.map("wide", &[value], |x| x[0].to(to))?;
        self.build.widened.insert(value, wide);
        self.share_extent(value, wide);
        Ok(wide)
    }

    /// As [`widened`](Self::widened), for known numbers.
    pub(super) fn widened_numbers(&self, tensor: Arc<Tensor>) -> Arc<Tensor> {
        if !self.storage.widens(tensor.dtype()) {
            return tensor;
        }
        Arc::new(Tensor::new(tensor.shape.clone(), whole(&tensor.data)))
    }

    /// What the importer made for result `i`, in the type that the result has.
    pub(super) fn narrowed(&mut self, i: usize, value: Value) -> Step<Value> {
        let ty = self.ty(value);
        match self.storage.narrows(self.node, i, ty.dtype) {
            Some(to) if !ty.is_quantized() => self.map("narrow", &[value], |x| x[0].to(to)),
            _ => Ok(value),
        }
    }

    /// As [`narrowed`](Self::narrowed), for known numbers.
    pub(super) fn narrowed_numbers(&self, tensor: Arc<Tensor>) -> Arc<Tensor> {
        let Some(to) = self.storage.narrows(self.node, 0, tensor.dtype()) else { return tensor };
        let data = match to.is_half() {
            true => tensor.data.narrowed(to),
            false => Data::from_ints(to, tensor.data.to_ints().unwrap_or_default()),
        };
        Arc::new(Tensor::new(tensor.shape.clone(), data))
    }

    /// Whether the first result of this type is made narrow.
    pub(super) fn is_narrowed(&self, dtype: DType) -> bool {
        self.storage.narrows(self.node, 0, dtype).is_some()
    }
}
