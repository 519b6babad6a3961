//! The types of tensors at the edges of a cut: as followed by the importer, else as declared, else as the user says.

use crate::onnx::importer::Seen;
use crate::onnx::proto::tensor_shape_proto::{Dimension, dimension};
use crate::onnx::proto::{GraphProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_proto, type_proto};
use crate::onnx::{Options, tensor};
use std::collections::BTreeMap;
use std::sync::Arc;
use tinyc_ir::Tensor;

/// What is known about tensors.
pub(super) struct Types<'m> {
    declared: BTreeMap<&'m str, &'m ValueInfoProto>,
    seen: &'m BTreeMap<String, Seen>,
    options: &'m Options,
}

impl<'m> Types<'m> {
    pub(super) fn new(graph: &'m GraphProto, seen: &'m BTreeMap<String, Seen>, options: &'m Options) -> Self {
        let infos = graph.value_info.iter().chain(&graph.output).chain(&graph.input);
        Self { declared: infos.map(|info| (info.name(), info)).collect(), seen, options }
    }

    /// The numbers of a tensor that is known although it depends on inputs, as shapes do.
    pub(super) fn numbers(&self, name: &str) -> Option<Arc<Tensor>> {
        self.seen.get(name)?.numbers.clone()
    }

    /// Name and type; `None` if nobody knows the type. The element type is the declared one: ours may be wider.
    pub(super) fn of(&self, name: &str) -> Option<ValueInfoProto> {
        let declared = self.declared.get(name).copied();
        let own = declared.and_then(element);
        let seen = self.seen.get(name);
        let element = own.or_else(|| seen.map(|seen| tensor::element(seen.dtype)));
        if let Some(shape) = self.options.shapes.get(name) {
            let element = element.unwrap_or(tensor_proto::DataType::Float as i32);
            return Some(info(name, element, shape.iter().map(|&dim| fixed(dim)).collect()));
        }
        match (seen, element) {
            (Some(seen), Some(element)) => {
                Some(info(name, element, seen.shape.iter().map(|&dim| fixed(dim)).collect()))
            }
            _ => declared.filter(|info| info.r#type.is_some()).map(|info| ValueInfoProto {
                name: Some(name.to_owned()),
                r#type: info.r#type.clone(),
                ..ValueInfoProto::default()
            }),
        }
    }
}

/// The declared element type of a tensor.
fn element(info: &ValueInfoProto) -> Option<i32> {
    match info.r#type.as_ref()?.value.as_ref()? {
        type_proto::Value::TensorType(ty) => ty.elem_type.filter(|&element| element != 0),
        _ => None,
    }
}

fn fixed(dim: usize) -> Dimension {
    let value = Some(dimension::Value::DimValue(i64::try_from(dim).unwrap_or(i64::MAX)));
    Dimension { value, ..Dimension::default() }
}

fn info(name: &str, element: i32, dim: Vec<Dimension>) -> ValueInfoProto {
    let ty = type_proto::Tensor { elem_type: Some(element), shape: Some(TensorShapeProto { dim }) };
    let value = Some(type_proto::Value::TensorType(ty));
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { value, ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

/// A tensor of the element type and rank of another; of none, a float of no rank.
pub(super) fn like(name: &str, other: Option<&ValueInfoProto>) -> ValueInfoProto {
    let float = tensor_proto::DataType::Float as i32;
    let Some(type_proto::Value::TensorType(ty)) =
        other.and_then(|info| info.r#type.as_ref()).and_then(|ty| ty.value.as_ref())
    else {
        return info(name, float, Vec::new());
    };
    let rank = ty.shape.as_ref().map_or(0, |shape| shape.dim.len());
    info(name, ty.elem_type.unwrap_or(float), vec![Dimension::default(); rank])
}

/// A type for people: `float[1,?,3]`.
pub(super) fn spell(info: &ValueInfoProto) -> String {
    let Some(type_proto::Value::TensorType(ty)) = info.r#type.as_ref().and_then(|ty| ty.value.as_ref())
    else {
        return "no tensor".into();
    };
    let element = match tensor::dtype(ty.elem_type()) {
        Ok(dtype) => dtype.to_string(),
        Err(name) => name,
    };
    let dim = |dim: &Dimension| match &dim.value {
        Some(dimension::Value::DimValue(size)) => size.to_string(),
        Some(dimension::Value::DimParam(name)) => name.clone(),
        None => "?".into(),
    };
    let dims: Vec<String> = ty.shape.iter().flat_map(|shape| &shape.dim).map(dim).collect();
    format!("{element}[{}]", dims.join(","))
}
