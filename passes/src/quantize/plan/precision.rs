//! What a layer computes on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tinyc_ir::graph::Node;

/// What the user asks of single layers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Precision {
    /// i8 activations, i8 weights with a scale for each output channel.
    #[default]
    Int8,
    /// i16 activations before the layer, i8 weights.
    Int16,
    /// i8 activations, i4 weights: two to a byte.
    Int4,
    /// As it was.
    Float,
}

impl Precision {
    /// The spelling on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int4 => "int4",
            Self::Float => "float32",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Int8, Self::Int16, Self::Int4, Self::Float];
        let found = all.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| "write int8, int16, int4 or float32".into())
    }
}

/// Precisions of layers by their node; a layer that is absent has the default.
pub type Precisions = BTreeMap<Node, Precision>;
