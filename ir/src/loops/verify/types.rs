//! Which types an expression's operands may have.

use crate::loops::{BinaryOp, Expr, ExprData, KernelData, PackedOp, Scalar, UnaryOp};

/// The types on which there is arithmetic; registers hold these and bool.
pub(super) fn is_arithmetic(scalar: Scalar) -> bool {
    use crate::DType::{F32, F64, I32, I64, U32, U64};
    matches!(scalar, I32 | U32 | I64 | U64 | F32 | F64)
}

/// Whether `scalar` is the element's type, an integer of a float's bits, or a wider integer made of neighbouring elements.
pub(super) fn is_whole_elements(element: Scalar, scalar: Scalar) -> bool {
    let bits = element.is_float() && scalar.size() == element.size();
    scalar == element
        || (scalar.is_int() && element != Scalar::Bool && (bits || scalar.size() > element.size()))
}

/// The operands of an expression, in order, without the one in an index.
pub(super) fn operands(data: &ExprData) -> Vec<Expr> {
    match data {
        ExprData::Literal(_) | ExprData::Var(_) | ExprData::Affine(_) | ExprData::Load { .. } => vec![],
        ExprData::Unary { value, .. } | ExprData::Convert { value, .. } | ExprData::Bits { value, .. } => {
            vec![*value]
        }
        ExprData::Binary { left, right, .. } => vec![*left, *right],
        ExprData::Select { condition, then, otherwise } => vec![*condition, *then, *otherwise],
        ExprData::Packed { args, .. } => args.clone(),
    }
}

/// Checks an expression's operand types, given that the operands, registers and parameters exist.
pub(super) fn check(kernel: &KernelData, expr: Expr) -> Result<(), String> {
    let ty = |e: Expr| kernel.scalar(e);
    let refuse = |what: String, scalar| Err(format!("{what} is not defined on {scalar}"));
    match &kernel.exprs[expr] {
        ExprData::Literal(_) | ExprData::Var(_) | ExprData::Affine(_) => Ok(()),
        ExprData::Convert { to, value } => {
            let from = ty(*value);
            let half =
                |narrow: Scalar, other: Scalar| narrow.is_half() && other != Scalar::F32 && other != narrow;
            if half(*to, from) || half(from, *to) || to.is_packed() {
                return Err(format!("{from} does not become {to}"));
            }
            Ok(())
        }
        ExprData::Bits { to, value } => {
            let from = ty(*value);
            let fits = is_arithmetic(from) && is_arithmetic(*to) && from.size() == to.size();
            if fits { Ok(()) } else { Err(format!("the bits of {from} are no {to}")) }
        }
        ExprData::Load { param, scalar, .. } => {
            let element = kernel.params[*param].scalar;
            if is_whole_elements(element, *scalar) {
                return Ok(());
            }
            Err(format!("{scalar} is not made of elements of type {element}"))
        }
        ExprData::Unary { op, value } => {
            let scalar = ty(*value);
            let number = is_arithmetic(scalar);
            let fits = match op {
                UnaryOp::Neg | UnaryOp::Abs => number && (scalar.is_signed() || scalar.is_float()),
                UnaryOp::Not => number && scalar.is_int() || scalar == Scalar::Bool,
                UnaryOp::Sqrt | UnaryOp::RoundTiesEven => number && scalar.is_float(),
                UnaryOp::Exp | UnaryOp::Log => matches!(scalar, Scalar::F32 | Scalar::F64),
                UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tanh | UnaryOp::Sigmoid | UnaryOp::Erf => {
                    scalar == Scalar::F32
                }
            };
            if fits { Ok(()) } else { refuse(format!("{op:?}"), scalar) }
        }
        ExprData::Binary { op, left, right } => {
            let scalar = ty(*left);
            if scalar != ty(*right) {
                return Err(format!("the operands of {op:?} are {scalar} and {}", ty(*right)));
            }
            let (number, is_bool) = (is_arithmetic(scalar), scalar == Scalar::Bool);
            use BinaryOp as B;
            let fits = match op {
                B::Add | B::Sub | B::Mul | B::Div | B::Min | B::Max | B::Lt | B::Le => number,
                B::WrappingAdd | B::WrappingSub | B::WrappingMul | B::Rem | B::Shl | B::Shr => {
                    number && scalar.is_int()
                }
                B::And | B::Or | B::Xor => number && scalar.is_int() || is_bool,
                B::Eq | B::Ne => number || is_bool,
            };
            if fits { Ok(()) } else { refuse(format!("{op:?}"), scalar) }
        }
        ExprData::Select { condition, then, otherwise } => {
            let scalar = ty(*then);
            if ty(*condition) != Scalar::Bool {
                return Err(format!("the condition is {}, not bool", ty(*condition)));
            }
            if scalar != ty(*otherwise) {
                return Err(format!("the choices are {scalar} and {}", ty(*otherwise)));
            }
            if is_arithmetic(scalar) || scalar == Scalar::Bool {
                Ok(())
            } else {
                refuse("Select".into(), scalar)
            }
        }
        ExprData::Packed { op, args } => {
            let given: Vec<Scalar> = args.iter().map(|&a| ty(a)).collect();
            if given != op.signature().0 {
                return Err(format!("{op:?} takes {:?}, not {given:?}", op.signature().0));
            }
            let fits = match *op {
                PackedOp::UnpackSigned { rotate } | PackedOp::UnpackUnsigned { rotate } => {
                    matches!(rotate, 0 | 8 | 16 | 24)
                }
                PackedOp::SaturateSigned { bits, shift } => (1..=32).contains(&bits) && shift < 32,
                PackedOp::SaturateUnsigned { bits, shift } => bits < 32 && shift < 32,
                _ => true,
            };
            if fits { Ok(()) } else { Err(format!("{op:?} is out of range")) }
        }
    }
}
