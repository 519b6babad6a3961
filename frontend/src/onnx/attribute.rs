//! The attributes of a node, read by name and type.

use super::code;
use super::proto::attribute_proto::AttributeType;
use super::proto::{AttributeProto, NodeProto, TensorProto};
use tinyc_ir::Diagnostic;

/// The attributes of one node. An absent attribute is `None`; one of another type is an error.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'m>(pub(super) &'m NodeProto);

impl<'m> Attributes<'m> {
    /// The attribute of a name, if it is there and of that type (old files do not say types).
    fn find(self, name: &str, ty: AttributeType) -> Result<Option<&'m AttributeProto>, Diagnostic> {
        let Some(attribute) = self.0.attribute.iter().find(|a| a.name() == name) else { return Ok(None) };
        match attribute.r#type() {
            AttributeType::Undefined => Ok(Some(attribute)),
            actual if actual == ty => Ok(Some(attribute)),
            actual => Err(Diagnostic::error(
                code::ATTRIBUTE,
                format!("attribute {name} has type {}, not {}", actual.as_str_name(), ty.as_str_name()),
            )),
        }
    }

    /// An integer.
    pub(super) fn int(self, name: &str) -> Result<Option<i64>, Diagnostic> {
        Ok(self.find(name, AttributeType::Int)?.map(AttributeProto::i))
    }

    /// A flag: 0 is false.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, Diagnostic> {
        Ok(self.int(name)?.map(|v| v != 0))
    }

    /// Several integers.
    pub(super) fn ints(self, name: &str) -> Result<Option<&'m [i64]>, Diagnostic> {
        Ok(self.find(name, AttributeType::Ints)?.map(|a| a.ints.as_slice()))
    }

    /// Several sizes, each in 0..2^31, so that sums and products of two do not overflow.
    pub(super) fn sizes(self, name: &str) -> Result<Option<Vec<usize>>, Diagnostic> {
        let Some(ints) = self.ints(name)? else { return Ok(None) };
        let sizes = ints.iter().map(|&v| i32::try_from(v).ok().and_then(|v| usize::try_from(v).ok()));
        let sizes: Option<Vec<usize>> = sizes.collect();
        sizes.map(Some).ok_or_else(|| unsupported(name, format!("{ints:?}"), "values from 0 to 2147483647"))
    }

    /// A float.
    pub(super) fn float(self, name: &str) -> Result<Option<f32>, Diagnostic> {
        Ok(self.find(name, AttributeType::Float)?.map(AttributeProto::f))
    }

    /// Several floats.
    pub(super) fn floats(self, name: &str) -> Result<Option<&'m [f32]>, Diagnostic> {
        Ok(self.find(name, AttributeType::Floats)?.map(|a| a.floats.as_slice()))
    }

    /// A string; bytes that are not UTF-8 are replaced.
    pub(super) fn string(self, name: &str) -> Result<Option<String>, Diagnostic> {
        Ok(self.find(name, AttributeType::String)?.map(|a| String::from_utf8_lossy(a.s()).into_owned()))
    }

    /// Several strings; bytes that are not UTF-8 are replaced.
    pub(super) fn strings(self, name: &str) -> Result<Option<Vec<String>>, Diagnostic> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        Ok(self.find(name, AttributeType::Strings)?.map(|a| a.strings.iter().map(text).collect()))
    }

    /// A tensor.
    pub(super) fn tensor(self, name: &str) -> Result<Option<&'m TensorProto>, Diagnostic> {
        Ok(self.find(name, AttributeType::Tensor)?.and_then(|a| a.t.as_ref()))
    }

    /// Fails unless an integer attribute is absent or has the one supported value.
    pub(super) fn require_int(self, name: &str, supported: i64) -> Result<(), Diagnostic> {
        match self.int(name)? {
            Some(v) if v != supported => {
                Err(unsupported(name, v.to_string(), &format!("{name}={supported}")))
            }
            _ => Ok(()),
        }
    }
}

/// The error for an attribute's value.
pub(super) fn unsupported(name: &str, value: impl std::fmt::Display, supported: &str) -> Diagnostic {
    Diagnostic::error(code::ATTRIBUTE, format!("attribute {name}={value} is not supported"))
        .help(format!("supported: {supported}"))
}

/// The axis that an integer of the model means, negative ones counted from behind; `None` outside the rank.
pub(super) fn axis(value: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if value < 0 { value.checked_add(rank)? } else { value };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}
