//! `map`: its formula as a chain of element-wise nodes, each the same operation on the same type.
//!
//! ONNX shifts unsigned integers only and leaves open what a shift by the width or a division by zero does; the nodes written here say
//! what the formula means. What is left to the reader is a conversion of floats beyond the range of an integer type.

use super::unsayable;
use super::writer::{Writer, int, string};
use crate::onnx::context::Step;
use crate::onnx::tensor;
use tinyc_ir::formula::Term;
use tinyc_ir::loops::{BinaryOp, Literal, UnaryOp};
use tinyc_ir::op::Map;
use tinyc_ir::{DType, Data, Shape, Tensor, Value};

/// A term as a tensor of the file.
#[derive(Clone)]
struct Known {
    name: String,
    dtype: DType,
    shape: Shape,
    literal: Option<Literal>,
}

impl Writer<'_> {
    /// Writes a formula's terms.
    pub(super) fn map(&mut self, op: &Map, inputs: &[Value], y: Value) -> Step<()> {
        let order = self.order(y);
        let mut arguments = Vec::with_capacity(inputs.len());
        for &x in inputs {
            let ty = self.graph.ty(x);
            let name = self.beside(x, y, false)?;
            let beside = order == super::Order::First && ty.shape.elements() != 1;
            let shape = match (beside, ty.shape.rank()) {
                (true, 4) => super::Order::First.shape(&ty.shape),
                (true, _) => super::Order::Beside.shape(&ty.shape),
                (false, _) => ty.shape.clone(),
            };
            arguments.push(Known { name, dtype: ty.dtype, shape, literal: None });
        }
        let dtypes: Vec<DType> = arguments.iter().map(|a| a.dtype).collect();
        let types = op.f.types(&dtypes).map_err(|e| unsayable(e.message))?;
        let shape = order.shape(&self.graph.ty(y).shape);
        self.give_stored(y, |writer, y| writer.terms(op, &arguments, &types, &shape, y))
    }

    fn terms(&mut self, op: &Map, arguments: &[Known], types: &[DType], shape: &Shape, y: &str) -> Step<()> {
        let terms = op.f.terms();
        let mut known: Vec<Known> = Vec::with_capacity(terms.len());
        for (at, term) in terms.iter().enumerate() {
            let dtype = types[at];
            let operands: Vec<Known> = term.operands().into_iter().map(|x| known[x].clone()).collect();
            let mut result = Shape::default();
            for operand in &operands {
                result = Shape::broadcast(&result, &operand.shape)
                    .ok_or_else(|| unsayable("the operands of a formula do not broadcast"))?;
            }
            let last = at + 1 == terms.len();
            // The last one has the result's name, if it has its shape.
            let name = match last && result == *shape {
                true => Some(y.to_owned()),
                false => None,
            };
            let (name, result, literal) = match term {
                Term::Argument(i) => (arguments[*i].name.clone(), arguments[*i].shape.clone(), None),
                Term::Literal(literal) => {
                    let data = Data::from_bits(dtype, [literal.bits()]);
                    (self.scalar("literal", data), Shape::default(), Some(*literal))
                }
                _ => {
                    let name = match name {
                        Some(name) => name,
                        None => self.part(part(term)),
                    };
                    self.term(term, &operands, dtype, &name)?;
                    (name, result, None)
                }
            };
            known.push(Known { name, dtype, shape: result, literal });
        }
        let Some(last) = known.last() else { return Err(unsayable("a formula is empty")) };
        if last.shape != *shape {
            let dims = self.shape_operand(shape);
            self.node("Expand", &[&last.name, &dims], y, vec![]);
        } else if last.name != y {
            self.node("Identity", &[&last.name], y, vec![]);
        }
        Ok(())
    }

    fn term(&mut self, term: &Term, operands: &[Known], to: DType, y: &str) -> Step<()> {
        match (term, operands) {
            (Term::Unary(op, _), [x]) => {
                self.node(unary(*op, x.dtype), &[&x.name], y, vec![]);
                Ok(())
            }
            (Term::Binary(op, ..), [a, b]) => self.binary(*op, a, b, y),
            (Term::Convert(..), [x]) => {
                if matches!(to, DType::I2 | DType::U2) {
                    return Err(unsayable(format!("ONNX converts to {to} from operator set 25 on")));
                }
                self.node("Cast", &[&x.name], y, vec![int("to", tensor::element(to).into())]);
                Ok(())
            }
            (Term::Select(_), [condition, then, otherwise]) => {
                self.node("Where", &[&condition.name, &then.name, &otherwise.name], y, vec![]);
                Ok(())
            }
            _ => Err(unsayable(format!(
                "ONNX reads the bits of {} as {to} from operator set 26 on",
                operands[0].dtype
            ))
            .help("leave BitCast out of the model")),
        }
    }

    fn binary(&mut self, op: BinaryOp, a: &Known, b: &Known, y: &str) -> Step<()> {
        use BinaryOp as B;
        let (int, boolean) = (a.dtype.is_int(), a.dtype == DType::Bool);
        let name = match op {
            B::Add | B::WrappingAdd => "Add",
            B::Sub | B::WrappingSub => "Sub",
            B::Mul | B::WrappingMul => "Mul",
            B::Div if !int => "Div",
            B::Div | B::Rem => return self.divide(op, a, b, y),
            B::Min => "Min",
            B::Max => "Max",
            B::And if boolean => "And",
            B::Or if boolean => "Or",
            B::Xor if boolean => "Xor",
            B::And => "BitwiseAnd",
            B::Or => "BitwiseOr",
            B::Xor => "BitwiseXor",
            B::Shl | B::Shr => return self.shift(op, a, b, y),
            B::Eq => "Equal",
            B::Ne => {
                let same = self.call("equal", "Equal", &[&a.name, &b.name], vec![]);
                self.node("Not", &[&same], y, vec![]);
                return Ok(());
            }
            B::Lt => "Less",
            B::Le => "LessOrEqual",
        };
        self.node(name, &[&a.name, &b.name], y, vec![]);
        Ok(())
    }

    /// A quotient or remainder of integers: by zero it is 0, or the dividend.
    fn divide(&mut self, op: BinaryOp, a: &Known, b: &Known, y: &str) -> Step<()> {
        let quotient = op == BinaryOp::Div;
        let (name, attributes) = if quotient { ("Div", vec![]) } else { ("Mod", vec![int("fmod", 1)]) };
        // −1 as a divisor would overflow for the least number.
        let plain = b.literal.is_some_and(|l| !matches!(l.bits() as i64, 0 | -1));
        if plain {
            self.node(name, &[&a.name, &b.name], y, attributes);
            return Ok(());
        }
        let constant = |writer: &mut Self, part: &str, value: i64| {
            writer.scalar(part, Data::from_ints(a.dtype, [value]))
        };
        let (zero, one) = (constant(self, "zero", 0), constant(self, "one", 1));
        let by_zero = self.call("by_zero", "Equal", &[&b.name, &zero], vec![]);
        let mut divisor = self.call("divisor", "Where", &[&by_zero, &one, &b.name], vec![]);
        let mut negated = None;
        if a.dtype.is_signed() {
            let minus = constant(self, "minus_one", -1);
            let by_minus = self.call("by_minus_one", "Equal", &[&b.name, &minus], vec![]);
            divisor = self.call("safe", "Where", &[&by_minus, &one, &divisor], vec![]);
            negated = Some(by_minus);
        }
        let mut result = self.call("result", name, &[&a.name, &divisor], attributes);
        if let Some(by_minus) = negated.filter(|_| quotient) {
            let minus = self.call("negated", "Sub", &[&zero, &a.name], vec![]);
            result = self.call("signed", "Where", &[&by_minus, &minus, &result], vec![]);
        }
        // The remainder of a division by 1 is 0, by −1 too.
        let otherwise = if quotient { &zero } else { &a.name };
        self.node("Where", &[&by_zero, otherwise, &result], y, vec![]);
        Ok(())
    }

    /// A shift of the bits; for a signed type of the same bits as an unsigned one.
    fn shift(&mut self, op: BinaryOp, a: &Known, b: &Known, y: &str) -> Step<()> {
        let width = i64::from(a.dtype.bits());
        let unsigned = if width == 64 { DType::U64 } else { DType::U32 };
        let left = op == BinaryOp::Shl;
        let signed = a.dtype.is_signed();
        let bits = if signed { self.cast("bits", &a.name, unsigned) } else { a.name.clone() };
        let amount_in_range = b.literal.map(|l| l.bits() as i64).filter(|n| (0..width).contains(n));
        let (amount, inside) = match amount_in_range {
            Some(n) => (self.scalar("amount", Data::from_ints(unsigned, [n])), None),
            None => {
                // A negative amount is a great unsigned one.
                let amount = if signed { self.cast("amount", &b.name, unsigned) } else { b.name.clone() };
                let inside = self.below_width(&amount, unsigned);
                let zero = self.scalar("none", Data::from_ints(unsigned, [0]));
                let safe = self.call("safe", "Where", &[&inside, &amount, &zero], vec![]);
                (safe, Some(inside))
            }
        };
        let direction = |left: bool| vec![string("direction", if left { "LEFT" } else { "RIGHT" })];
        let mut moved = self.call("moved", "BitShift", &[&bits, &amount], direction(left));
        if signed && !left {
            // The sign bit's copies: (moved ^ sign) − sign, with the sign bit where it was moved to.
            let sign = self.scalar("sign", Data::from_bits(unsigned, [1u64 << (width - 1)]));
            let sign = self.call("sign_moved", "BitShift", &[&sign, &amount], direction(false));
            let flipped = self.call("flipped", "BitwiseXor", &[&moved, &sign], vec![]);
            moved = self.call("extended", "Sub", &[&flipped, &sign], vec![]);
        }
        let back = if signed { self.cast("shifted", &moved, a.dtype) } else { moved };
        let Some(inside) = inside else {
            self.node("Identity", &[&back], y, vec![]);
            return Ok(());
        };
        let zero = self.scalar("zero", Data::from_ints(a.dtype, [0]));
        let mut outside = zero.clone();
        if signed && !left {
            let minus = self.scalar("minus_one", Data::from_ints(a.dtype, [-1]));
            let negative = self.call("negative", "Less", &[&a.name, &zero], vec![]);
            outside = self.call("all_sign", "Where", &[&negative, &minus, &zero], vec![]);
        }
        self.node("Where", &[&inside, &back, &outside], y, vec![]);
        Ok(())
    }

    /// Whether an amount is below the width: it has none of the higher bits.
    fn below_width(&mut self, amount: &str, unsigned: DType) -> String {
        let high = self.scalar("high_bits", Data::from_bits(unsigned, [!(u64::from(unsigned.bits()) - 1)]));
        let zero = self.scalar("zero_bits", Data::from_ints(unsigned, [0]));
        let rest = self.call("rest", "BitwiseAnd", &[amount, &high], vec![]);
        self.call("inside", "Equal", &[&rest, &zero], vec![])
    }

    /// The numbers `0, 1, …` as a vector.
    pub(super) fn range(&mut self, part: &str, dtype: DType, count: usize) -> String {
        let numbers = Data::from_ints(dtype, (0..count).map(super::int));
        self.part_constant(part, &Tensor::new([count], numbers))
    }
}

fn unary(op: UnaryOp, dtype: DType) -> &'static str {
    match op {
        UnaryOp::Neg => "Neg",
        UnaryOp::Not if dtype == DType::Bool => "Not",
        UnaryOp::Not => "BitwiseNot",
        UnaryOp::Abs => "Abs",
        UnaryOp::Sqrt => "Sqrt",
        UnaryOp::RoundTiesEven => "Round",
        UnaryOp::Exp => "Exp",
        UnaryOp::Log => "Log",
        UnaryOp::Sin => "Sin",
        UnaryOp::Cos => "Cos",
        UnaryOp::Tanh => "Tanh",
        UnaryOp::Sigmoid => "Sigmoid",
        UnaryOp::Erf => "Erf",
    }
}

/// What a term's tensor is called, behind the result's name.
fn part(term: &Term) -> &'static str {
    match term {
        Term::Unary(..) => "value",
        Term::Binary(..) => "combined",
        Term::Convert(..) => "converted",
        Term::Select(_) => "selected",
        _ => "part",
    }
}
