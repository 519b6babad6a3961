//! Small types and constants that the tests of the passes share.

use tinyc_ir::{DType, Data, Graph, Quant, Shape, Tensor, TensorType, Value};

pub(crate) fn q8(scale: f32, zero_point: i32) -> Quant {
    Quant::per_tensor(scale, zero_point).unwrap()
}

/// An i8 type quantised per tensor.
pub(crate) fn quantized(shape: impl Into<Shape>, scale: f32, zero_point: i32) -> TensorType {
    TensorType::quantized(DType::I8, shape, q8(scale, zero_point))
}

/// An f32 constant.
pub(crate) fn floats(graph: &mut Graph, name: &str, shape: impl Into<Shape>, values: &[f32]) -> Value {
    let shape = shape.into();
    graph.constant(name, TensorType::f32(shape.clone()), Tensor::f32(shape, values.to_vec()))
}

/// An integer constant.
pub(crate) fn ints(graph: &mut Graph, name: &str, ty: TensorType, values: &[i64]) -> Value {
    let tensor = Tensor::new(ty.shape.clone(), Data::from_ints(ty.dtype, values.iter().copied()));
    graph.constant(name, ty, tensor)
}

/// The operators' names in order.
pub(crate) fn ops(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.values().map(|n| n.op.name()).collect()
}
