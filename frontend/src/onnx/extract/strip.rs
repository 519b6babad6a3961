//! The data of a model that is cut out: gathered into one file, and replaced where they are nobody else's business.

use crate::onnx::proto::tensor_proto::{DataLocation, DataType};
use crate::onnx::proto::{FunctionProto, GraphProto, NodeProto, TensorProto};
use crate::onnx::{code, external, tensor};
use std::path::Path;
use tinyc_ir::seeded::Seeded;
use tinyc_ir::{Data, Diagnostic};

/// Tensors of up to so many elements stay: they are scales, bounds and sizes, without which the model is another.
const KEPT_ELEMENTS: usize = 8;

/// Bits of an element; `None` for strings and unknown types.
fn bits(element: i32) -> Option<usize> {
    Some(match DataType::try_from(element).ok()? {
        DataType::Undefined | DataType::String => return None,
        DataType::Complex128 => 128,
        DataType::Double | DataType::Int64 | DataType::Uint64 | DataType::Complex64 => 64,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 32,
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => 16,
        DataType::Uint4 | DataType::Int4 | DataType::Float4e2m1 => 4,
        DataType::Uint2 | DataType::Int2 => 2,
        DataType::Float6e2m3 | DataType::Float6e3m2 => 6,
        _ => 8,
    })
}

/// The elements that a tensor's dimensions say; `None` if they are absurd.
fn elements(proto: &TensorProto) -> Option<usize> {
    proto.dims.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?))
}

/// Brings external data into the message.
pub(super) fn load(proto: &mut TensorProto, base_dir: Option<&Path>) -> Result<(), Diagnostic> {
    if proto.data_location() != DataLocation::External {
        return Ok(());
    }
    let bytes = bits(proto.data_type())
        .and_then(|bits| Some(elements(proto)?.checked_mul(bits)?.div_ceil(8)))
        .filter(|&bytes| bytes <= tensor::MAX_BYTES)
        .ok_or_else(|| {
            Diagnostic::error(code::TENSOR_SIZE, "a tensor in another file has no size that is possible")
        })?;
    let entries = proto.external_data.iter().map(|entry| (entry.key(), entry.value()));
    let data = external::Location::read(entries)?.load(base_dir, bytes)?;
    proto.external_data.clear();
    proto.data_location = None;
    proto.raw_data = Some(data);
    Ok(())
}

/// Replaces the data of every weight by pseudo-random ones, and says how many there were. A weight is a tensor of floats or of
/// integers of up to 32 bits that has more than [`KEPT_ELEMENTS`] elements. New numbers lie between the least and the greatest old
/// one, so scales and variances stay positive and positions inside what they point into.
pub(super) fn weights(graph: &mut GraphProto, functions: &mut [FunctionProto]) -> usize {
    let mut stream = Seeded::new(0);
    let nodes = functions.iter_mut().flat_map(|f| &mut f.node);
    let mut count = in_graph(graph, &mut stream);
    for node in nodes {
        count += in_node(node, &mut stream);
    }
    count
}

fn in_graph(graph: &mut GraphProto, stream: &mut Seeded) -> usize {
    let mut count: usize = graph.initializer.iter_mut().map(|t| usize::from(replace(t, stream))).sum();
    for sparse in graph.sparse_initializer.iter_mut().filter_map(|s| s.values.as_mut()) {
        count += usize::from(replace(sparse, stream));
    }
    for node in &mut graph.node {
        count += in_node(node, stream);
    }
    count
}

fn in_node(node: &mut NodeProto, stream: &mut Seeded) -> usize {
    let mut count = 0;
    for attribute in &mut node.attribute {
        for tensor in attribute.t.iter_mut().chain(&mut attribute.tensors) {
            count += usize::from(replace(tensor, stream));
        }
        for body in attribute.g.iter_mut().chain(&mut attribute.graphs) {
            count += in_graph(body, stream);
        }
    }
    count
}

/// Replaces one tensor's data if it is a weight.
fn replace(proto: &mut TensorProto, stream: &mut Seeded) -> bool {
    let count = elements(proto).unwrap_or(0);
    let kept = [DataType::Int64, DataType::Uint64, DataType::Bool, DataType::String, DataType::Undefined];
    let ty = DataType::try_from(proto.data_type()).unwrap_or(DataType::Undefined);
    if count <= KEPT_ELEMENTS || kept.contains(&ty) {
        return false;
    }
    let data = match tensor::read(proto, None) {
        Ok(old) => between(&old.data, stream).to_le_bytes(),
        // Types that we do not read, and data that are broken: those stay broken.
        Err(_) => match (ty, proto.raw_data.as_ref().map(Vec::len)) {
            (DataType::Float16 | DataType::Bfloat16, _) => halves(ty, count, stream),
            (_, Some(bytes)) if bits(proto.data_type()).is_some_and(|bits| bits <= 8) => {
                (0..bytes).map(|_| stream.bits() as u8 & 0x33).collect()
            }
            _ => return false,
        },
    };
    proto.float_data.clear();
    proto.int32_data.clear();
    proto.double_data.clear();
    proto.uint64_data.clear();
    proto.raw_data = Some(data);
    true
}

/// As many numbers of the same type, from the least to the greatest.
fn between(old: &Data, stream: &mut Seeded) -> Data {
    let real = |lo: f64, hi: f64, stream: &mut Seeded| {
        let share = f64::from(stream.unit()) / 2.0 + 0.5;
        lo + (hi - lo) * share
    };
    match old {
        Data::F32(v) => {
            let (lo, hi) = limits(v.iter().map(|&x| f64::from(x)));
            Data::F32(v.iter().map(|_| real(lo, hi, stream) as f32).collect())
        }
        Data::F64(v) => {
            let (lo, hi) = limits(v.iter().copied());
            Data::F64(v.iter().map(|_| real(lo, hi, stream)).collect())
        }
        ints => {
            let values = ints.to_ints().unwrap_or_default();
            let (lo, hi) =
                (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
            Data::from_ints(ints.dtype(), values.iter().map(|_| stream.range(lo, hi)).collect::<Vec<_>>())
        }
    }
}

/// The least and the greatest finite number.
fn limits(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    let (lo, hi) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if lo <= hi { (lo, hi) } else { (0.0, 1.0) }
}

/// Numbers from a half to one, of 16 bits.
fn halves(ty: DataType, count: usize, stream: &mut Seeded) -> Vec<u8> {
    let (half, mantissa) = if ty == DataType::Float16 { (0x3800u16, 0x3ff) } else { (0x3f00, 0x7f) };
    (0..count).flat_map(|_| (half | (stream.bits() as u16 & mantissa)).to_le_bytes()).collect()
}
