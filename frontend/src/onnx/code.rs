//! The numbers of the importer's messages, one for each kind of problem.

/// Never told: the node only suffers from an operand that failed and was reported.
pub(super) const SUFFERS: u16 = 0;

/// The file cannot be opened or is too large.
pub const CANNOT_READ: u16 = 101;
/// The bytes are not an ONNX model, or end too early.
pub const NOT_ONNX: u16 = 102;
/// The model lacks something without which it means nothing: a graph, an operator set, an output.
pub const INCOMPLETE: u16 = 103;
/// External tensor data lies where it must not.
pub const EXTERNAL_PLACE: u16 = 104;
/// External tensor data is missing or too short.
pub const EXTERNAL_DATA: u16 = 105;
/// A tensor's data do not fit its shape or type.
pub const TENSOR_DATA: u16 = 106;
/// Two things have one name.
pub const NAME_TWICE: u16 = 107;
/// A name stands for nothing.
pub const NAME_UNKNOWN: u16 = 108;
/// Nodes need each other's results.
pub const CYCLE: u16 = 109;
/// What is to be cut out of the model is not in it.
pub const SELECTION: u16 = 110;
/// So many errors that the rest is left out.
pub const TOO_MANY: u16 = 199;

/// The operator is not supported.
pub const OPERATOR: u16 = 201;
/// The operator is supported, but not in this version of the operator set.
pub const OPSET: u16 = 202;
/// The operator is supported, but not in this form.
pub const FORM: u16 = 203;
/// An attribute has a value that is wrong or not supported.
pub const ATTRIBUTE: u16 = 204;
/// An operand must be known at compile time and is not.
pub const NOT_CONSTANT: u16 = 205;
/// An element type is not supported here.
pub const ELEMENT_TYPE: u16 = 206;
/// An operand is missing.
pub const OPERAND_MISSING: u16 = 207;

/// A classifier's labels are given otherwise than the model says (a warning).
pub const LABELS: u16 = 208;

/// What the graph computes has no equivalent in the operator sets of the files that are written.
pub const UNSAYABLE: u16 = 209;

/// The operator does not apply to operands of these shapes.
pub const SHAPE: u16 = 301;
/// A dimension is not known at compile time.
pub const OPEN_DIMENSION: u16 = 302;
/// A shape given by the user does not go with the model.
pub const GIVEN_SHAPE: u16 = 303;
/// A tensor has too many elements or too many dimensions.
pub const TENSOR_SIZE: u16 = 304;
/// The model declares another shape than its operators compute (a warning).
pub const DECLARED_SHAPE: u16 = 305;
/// The size of a tensor depends on data where it must be known.
pub const DATA_SIZE: u16 = 306;

/// A scale is not a finite number above zero, or not given as the operator wants it.
pub const SCALE: u16 = 401;
/// A zero point has another type or number than what it belongs to.
pub const ZERO_POINT: u16 = 402;
/// One tensor is read with another quantisation than it was written with.
pub const QUANTISATION_CONFLICT: u16 = 403;
/// A tensor is quantised per axis where one scale must serve.
pub const PER_AXIS: u16 = 404;
