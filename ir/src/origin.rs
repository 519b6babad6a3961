//! Where a node came from, kept through every pass so that errors and emitted code can name it.

use std::fmt;

/// The place in the user's model that a node or kernel stands for.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Origin {
    /// The ONNX node's name, or its first output's; empty if the compiler made the node.
    pub name: String,
    /// The position of the ONNX node in its graph.
    pub onnx: Option<u32>,
}

impl Origin {
    /// An origin in an ONNX graph.
    pub fn onnx(name: impl Into<String>, index: u32) -> Self {
        Self { name: name.into(), onnx: Some(index) }
    }
}

impl fmt::Display for Origin {
    /// `@ "fc1" onnx:12`, as in the text form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@ {:?}", self.name)?;
        match self.onnx {
            Some(index) => write!(f, " onnx:{index}"),
            None => Ok(()),
        }
    }
}
