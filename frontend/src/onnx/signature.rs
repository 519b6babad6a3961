//! The types of a model's inputs: dimensions that the file leaves open are filled in or asked for.

use super::minifloat::Minifloat;
use super::proto::tensor_shape_proto::dimension;
use super::proto::{TypeProto, ValueInfoProto, type_proto};
use super::{Options, code, tensor};
use std::collections::BTreeMap;
use tinyc_ir::{DType, Diagnostic, TensorType};

/// A dimension as declared.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Dim {
    Fixed(usize),
    /// Not known; the name may be empty.
    Open(String),
}

/// A type as declared.
pub(super) struct Declared {
    /// As what elements are stored.
    pub(super) dtype: DType,
    /// What the bits mean, if they are floats of 8 or 4 bits.
    pub(super) format: Option<Minifloat>,
    /// `None` if not even their number is known.
    pub(super) dims: Option<Vec<Dim>>,
}

/// The declared type of a tensor.
pub(super) fn declared(info: &ValueInfoProto) -> Result<Declared, Diagnostic> {
    let Some(TypeProto { value: Some(type_proto::Value::TensorType(ty)), .. }) = &info.r#type else {
        return Err(Diagnostic::error(
            code::ELEMENT_TYPE,
            "only tensors are supported, not sequences, maps or optionals",
        ));
    };
    let (dtype, format) = tensor::storage(ty.elem_type()).map_err(|name| {
        Diagnostic::error(code::ELEMENT_TYPE, format!("element type {name} is not supported"))
    })?;
    let dims = ty.shape.as_ref().map(|shape| {
        let dim = |d: &super::proto::tensor_shape_proto::Dimension| match &d.value {
            // Exporters write 0 or -1 where they mean "any".
            Some(dimension::Value::DimValue(v)) => match usize::try_from(*v) {
                Ok(v) if v > 0 => Dim::Fixed(v),
                _ => Dim::Open(String::new()),
            },
            Some(dimension::Value::DimParam(name)) => Dim::Open(name.clone()),
            None => Dim::Open(String::new()),
        };
        shape.dim.iter().map(dim).collect()
    });
    Ok(Declared { dtype, format, dims })
}

/// What the user's shapes say about named open dimensions.
pub(super) fn bindings(inputs: &[&ValueInfoProto], options: &Options) -> BTreeMap<String, usize> {
    let mut bindings = BTreeMap::new();
    for info in inputs {
        let (Some(given), Ok(Declared { dims: Some(dims), .. })) =
            (options.shapes.get(info.name()), declared(info))
        else {
            continue;
        };
        for (dim, &size) in dims.iter().zip(given) {
            if let Dim::Open(name) = dim
                && !name.is_empty()
            {
                bindings.entry(name.clone()).or_insert(size);
            }
        }
    }
    bindings
}

/// The static type of an input, and the format of its elements if they are floats of 8 or 4 bits.
pub(super) fn resolve(
    info: &ValueInfoProto,
    options: &Options,
    bindings: &BTreeMap<String, usize>,
) -> Result<(TensorType, Option<Minifloat>), Diagnostic> {
    let Declared { dtype, format, dims } = declared(info)?;
    let name = info.name();
    if let Some(given) = options.shapes.get(name) {
        let fits = dims.as_ref().is_none_or(|dims| {
            dims.len() == given.len()
                && dims.iter().zip(given).all(|(d, &g)| !matches!(d, Dim::Fixed(f) if *f != g))
        });
        if !fits {
            let message = format!("the given shape {given:?} does not go with input {name:?}");
            let declared = dims.map_or("no shape".into(), |dims| spell(&dims));
            return Err(Diagnostic::error(code::GIVEN_SHAPE, message)
                .note(format!("the model declares {dtype}{declared}")));
        }
        tensor::checked_elements(given, dtype)?;
        return Ok((TensorType::new(dtype, given.clone()), format));
    }
    let Some(dims) = dims else {
        return Err(Diagnostic::error(
            code::OPEN_DIMENSION,
            format!("the model does not say the shape of input {name:?}"),
        )
        .help(format!("give it, as in --shape {name}=1,3,32,32")));
    };
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Open(symbol) => bindings.get(symbol).copied().or((axis == 0).then_some(1)),
    };
    let sizes: Vec<Option<usize>> = dims.iter().enumerate().map(size).collect();
    if let Some(axis) = sizes.iter().position(Option::is_none) {
        let symbol = match &dims[axis] {
            Dim::Open(symbol) if !symbol.is_empty() => format!(" ({symbol:?})"),
            _ => String::new(),
        };
        let example: Vec<String> = sizes.iter().map(|s| s.map_or("?".into(), |s| s.to_string())).collect();
        let message = format!("dimension {axis}{symbol} of input {name:?} is not known at compile time");
        return Err(Diagnostic::error(code::OPEN_DIMENSION, message)
            .note(format!("the model declares {dtype}{}", spell(&dims)))
            .help(format!(
                "give the shape with numbers in place of the question marks: --shape {name}={}",
                example.join(",")
            )));
    }
    let sizes: Vec<usize> = sizes.into_iter().flatten().collect();
    tensor::checked_elements(&sizes, dtype)?;
    Ok((TensorType::new(dtype, sizes), format))
}

/// Dimensions as the model writes them: `[batch,49,?]`.
pub(super) fn spell(dims: &[Dim]) -> String {
    let dim = |d: &Dim| match d {
        Dim::Fixed(size) => size.to_string(),
        Dim::Open(name) if name.is_empty() => "?".into(),
        Dim::Open(name) => name.clone(),
    };
    format!("[{}]", dims.iter().map(dim).collect::<Vec<_>>().join(","))
}
