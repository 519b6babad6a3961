//! Attributes of an operator in the text form: `{strides=[2,2], act=relu}`.

use crate::{Activation, Formula};

/// Keys and values in the order they are written; reading takes them out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attrs(pub Vec<(String, AttrValue)>);

/// A parsed attribute value.
#[derive(Clone, Debug, PartialEq)]
pub enum AttrValue {
    /// An integer.
    Int(i64),
    /// A float, printed shortest-round-trip with a point or exponent.
    Float(f32),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of floats.
    Floats(Vec<f32>),
    /// `true` or `false`.
    Bool(bool),
    /// `none`, `relu`, `relu6` or `clamp(lo, hi)`.
    Act(Activation),
    /// A formula in parentheses.
    Formula(Formula),
    /// One of an attribute's choices.
    Word(String),
}

/// Why attributes are not those of an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttrError {
    /// A required attribute is missing.
    #[error("attribute `{0}` is missing")]
    Missing(&'static str),
    /// An attribute has a value of the wrong kind.
    #[error("attribute `{key}` is not {expected}")]
    Kind {
        /// The attribute.
        key: &'static str,
        /// What it should be, with its article.
        expected: &'static str,
    },
}

/// A Rust type that is written as an attribute.
pub trait Attribute: Sized {
    /// What it is called in an error, with its article.
    const EXPECTED: &'static str;
    /// As a value.
    fn write(&self) -> AttrValue;
    /// Back from a value, if it is of the right kind.
    fn read(value: &AttrValue) -> Option<Self>;
}

impl Attrs {
    /// Writes an attribute.
    pub fn put(&mut self, key: &str, value: impl Attribute) {
        self.0.push((key.to_string(), value.write()));
    }

    /// Writes an attribute unless it has its default.
    pub fn put_unless<T: Attribute + PartialEq>(&mut self, key: &str, value: T, default: T) {
        if value != default {
            self.put(key, value);
        }
    }

    /// Takes a required attribute out.
    pub fn take<T: Attribute>(&mut self, key: &'static str) -> Result<T, AttrError> {
        let at = self.0.iter().position(|(k, _)| k == key).ok_or(AttrError::Missing(key))?;
        let (_, value) = self.0.remove(at);
        T::read(&value).ok_or(AttrError::Kind { key, expected: T::EXPECTED })
    }

    /// Takes an attribute out, or its default if it is absent.
    pub fn take_or<T: Attribute>(&mut self, key: &'static str, default: T) -> Result<T, AttrError> {
        match self.take(key) {
            Err(AttrError::Missing(_)) => Ok(default),
            other => other,
        }
    }
}

impl Attribute for usize {
    const EXPECTED: &'static str = "an integer of at least 0";
    fn write(&self) -> AttrValue {
        AttrValue::Int(*self as i64)
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        }
    }
}

impl Attribute for i64 {
    const EXPECTED: &'static str = "an integer";
    fn write(&self) -> AttrValue {
        AttrValue::Int(*self)
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Int(v) => Some(*v),
            _ => None,
        }
    }
}

impl Attribute for f32 {
    const EXPECTED: &'static str = "a number";
    fn write(&self) -> AttrValue {
        AttrValue::Float(*self)
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Float(v) => Some(*v),
            AttrValue::Int(v) => Some(*v as f32),
            _ => None,
        }
    }
}

impl Attribute for bool {
    const EXPECTED: &'static str = "`true` or `false`";
    fn write(&self) -> AttrValue {
        AttrValue::Bool(*self)
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Bool(v) => Some(*v),
            _ => None,
        }
    }
}

impl Attribute for Activation {
    const EXPECTED: &'static str = "an activation: `none`, `relu`, `relu6` or `clamp(lo, hi)`";
    fn write(&self) -> AttrValue {
        AttrValue::Act(*self)
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Act(v) => Some(*v),
            _ => None,
        }
    }
}

impl Attribute for Formula {
    const EXPECTED: &'static str = "a formula in parentheses";
    fn write(&self) -> AttrValue {
        AttrValue::Formula(self.clone())
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Formula(v) => Some(v.clone()),
            _ => None,
        }
    }
}

/// Gives an enum of choices its spelling as an attribute.
macro_rules! choices {
    ($name:ident: $expected:literal { $($variant:ident = $word:literal,)+ }) => {
        impl $crate::text::attrs::Attribute for $name {
            const EXPECTED: &'static str = $expected;
            fn write(&self) -> $crate::text::attrs::AttrValue {
                $crate::text::attrs::AttrValue::Word(match self { $(Self::$variant => $word,)+ }.to_string())
            }
            fn read(value: &$crate::text::attrs::AttrValue) -> Option<Self> {
                match value {
                    $crate::text::attrs::AttrValue::Word(word) => match word.as_str() {
                        $($word => Some(Self::$variant),)+
                        _ => None,
                    },
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use choices;

impl Attribute for Vec<i64> {
    const EXPECTED: &'static str = "a list of integers";
    fn write(&self) -> AttrValue {
        AttrValue::Ints(self.clone())
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Ints(v) => Some(v.clone()),
            _ => None,
        }
    }
}

impl Attribute for Vec<usize> {
    const EXPECTED: &'static str = "a list of integers of at least 0";
    fn write(&self) -> AttrValue {
        AttrValue::Ints(self.iter().map(|&v| v as i64).collect())
    }
    fn read(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Ints(v) => v.iter().map(|&x| usize::try_from(x).ok()).collect(),
            _ => None,
        }
    }
}

impl<const N: usize> Attribute for [usize; N] {
    const EXPECTED: &'static str = "a list of the right number of integers of at least 0";
    fn write(&self) -> AttrValue {
        self.to_vec().write()
    }
    fn read(value: &AttrValue) -> Option<Self> {
        Vec::<usize>::read(value)?.try_into().ok()
    }
}
