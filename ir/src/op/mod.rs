//! The operators of the graph IR: few, total, each in a file of its own with its typing rule and its `eval`.
//!
//! To add one: a file here, a row in `ops!`, a lowering, an importer and a filetest; no backend changes.
//! Tensors are channels-last: images are `[N, H, W, C]`. Front ends wrap other layouts in `transpose`.

use crate::Tensor;
use crate::tensor_type::TensorType;
use crate::text::attrs::{AttrError, Attrs};

/// What every operator says about itself. All operators have one result (more will come with the first that needs it).
pub trait Operator: Sized {
    /// The spelling in the text form.
    const NAME: &'static str;

    /// How many arguments it takes.
    const ARITY: Arity = Arity::Exactly(1);

    /// The attributes, written for the text form (`{strides=[2,2], act=relu}`); defaults are left out.
    fn write_attrs(&self, attrs: &mut Attrs);

    /// Reads the attributes back; unknown keys are the caller's to report.
    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError>;

    /// The result's type for these arguments. For quantised arguments of an operator that rescales, the dtype and
    /// quantisation of argument 0 stand in, and the caller chooses others.
    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError>;

    /// Whether a result of type `output` is legal: the inferred shape, and a storage that the operator can produce.
    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require_same(&inferred, output)
    }

    /// The meaning: slow, obvious, total on what [`check`](Self::check) accepts.
    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor;

    /// Why a run on these arguments ends with an error instead of a result; [`eval`](Self::eval), which cannot fail, then
    /// says what comes nearest.
    fn failure(&self, _inputs: &[(&TensorType, &Tensor)]) -> Option<String> {
        None
    }

    /// Multiplications with accumulate that the plain definition performs; 0 where counting them says nothing.
    fn macs(&self, _inputs: &[&TensorType], _output: &TensorType) -> u64 {
        0
    }
}

/// How many arguments an operator takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    /// This many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
}

/// Why an operator does not apply to its arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TypeError {
    /// What is wrong, naming types and attributes.
    pub message: String,
}

impl TypeError {
    /// An error with the given message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Fails with a formatted [`TypeError`] unless the condition holds.
macro_rules! require {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::op::TypeError::new(format!($($message)+)));
        }
    };
}

pub(crate) use require;

fn require_same(inferred: &TensorType, output: &TensorType) -> Result<(), TypeError> {
    require!(inferred == output, "the result has type {inferred}, not {output}");
    Ok(())
}

pub mod storage;
pub mod window;

/// One row per operator, `file::Struct`. From it come the enum [`Op`], its conversions and its dispatch.
macro_rules! ops {
    ($($module:ident :: $name:ident,)+) => {
        $(pub mod $module;)+
        $(pub use $module::$name;)+

        /// An operator with its attributes.
        #[derive(Clone, PartialEq, Debug)]
        #[allow(missing_docs, reason = "each variant is documented at its struct")]
        pub enum Op { $($name($name),)+ }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self {
                Self::$name(op)
            }
        })+

        impl Op {
            /// The names of all operators, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$($name::NAME,)+];

            /// The spelling in the text form.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)+ }
            }

            /// How many arguments the operator takes.
            pub fn arity(&self) -> Arity {
                match self { $(Self::$name(_) => $name::ARITY,)+ }
            }

            /// The attributes for the text form.
            pub fn write_attrs(&self, attrs: &mut Attrs) {
                match self { $(Self::$name(op) => op.write_attrs(attrs),)+ }
            }

            /// Reads an operator by its spelling; `None` if there is none of that name.
            pub fn read(name: &str, attrs: &mut Attrs) -> Option<Result<Self, AttrError>> {
                match name {
                    $($name::NAME => Some($name::read_attrs(attrs).map(Self::$name)),)+
                    _ => None,
                }
            }

            fn infer_checked(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
                match self { $(Self::$name(op) => op.infer(inputs),)+ }
            }

            fn check_output(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
                match self { $(Self::$name(op) => op.check(inputs, output),)+ }
            }

            fn eval_wide(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
                match self { $(Self::$name(op) => op.eval(inputs, output),)+ }
            }

            /// See [`Operator::failure`].
            pub fn failure(&self, inputs: &[(&TensorType, &Tensor)]) -> Option<String> {
                match self { $(Self::$name(op) => op.failure(inputs),)+ }
            }

            /// See [`Operator::macs`].
            pub fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
                match self { $(Self::$name(op) => op.macs(inputs, output),)+ }
            }
        }
    };
}

ops! {
    conv2d::Conv2d,
    dense::Dense,
    avg_pool2d::AvgPool2d,
    max_pool2d::MaxPool2d,
    add::Add,
    mul::Mul,
    clamp::Clamp,
    softmax::Softmax,
    reshape::Reshape,
    transpose::Transpose,
    pad::Pad,
    quantize::Quantize,
    dequantize::Dequantize,
    requantize::Requantize,
    map::Map,
    reduce::Reduce,
    cumulative::Cumulative,
    matmul::Matmul,
    strided::Strided,
    concat::Concat,
    gather::Gather,
    scatter::Scatter,
    top_k::TopK,
    tree_ensemble::TreeEnsemble,
    sample::Sample,
    compact::Compact,
    suppress::Suppress,
}

impl Op {
    /// See [`Operator::infer`]; the number of arguments is checked too.
    pub fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        self.require_arity(inputs.len())?;
        self.check_packed(inputs)?;
        match self.wide_inputs(inputs) {
            Some(wide) => self.infer_checked(&wide.iter().collect::<Vec<_>>()),
            None => self.infer_checked(inputs),
        }
    }

    /// See [`Operator::check`]; the number of arguments is checked too.
    pub fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        self.require_arity(inputs.len())?;
        self.check_packed(inputs)?;
        let wide_output = self.wide_output(output);
        let output = wide_output.as_ref().unwrap_or(output);
        match self.wide_inputs(inputs) {
            Some(wide) => self.check_output(&wide.iter().collect::<Vec<_>>(), output),
            None => self.check_output(inputs, output),
        }
    }

    /// Evaluates the operator; see [`Operator::eval`].
    pub fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        self.eval_half(inputs, output).unwrap_or_else(|| self.eval_wide(inputs, output))
    }

    fn require_arity(&self, count: usize) -> Result<(), TypeError> {
        let (fits, expected) = match self.arity() {
            Arity::Exactly(n) => (count == n, n.to_string()),
            Arity::AtLeast(n) => (count >= n, format!("{n} or more")),
        };
        require!(fits, "{} takes {expected} arguments, not {count}", self.name());
        Ok(())
    }
}
