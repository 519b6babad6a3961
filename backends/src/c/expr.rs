//! Expressions of the loop IR as C expressions: same value for all operands, no undefined behaviour. How pieces of text are
//! joined is in [`super::piece`].

use super::anchor::Anchor;
use super::doc::Doc;
use super::helper::{Helpers, wrapping_neg};
use super::piece::{Level, Piece, address, call, cast, infix, sum};
use super::scalar::{bits, literal, memory_type, unsigned, value_type};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{
    Affine, BinaryOp, Expr, ExprData, Index, KernelData, Literal, PackedOp, Param, Scalar, UnaryOp,
};

/// Prints the expressions of one kernel.
pub(super) struct Printer<'a> {
    kernel: &'a KernelData,
    types: Vec<Scalar>,
    pub(super) params: Vec<String>,
    /// The names of the registers in scope; empty for others.
    pub(super) vars: Vec<String>,
    /// The names of the loops around the current statement; empty for others.
    pub(super) loops: Vec<String>,
    /// Named positions that may shorten an access; those of inner blocks come later.
    pub(super) anchors: Vec<Anchor>,
    pub(super) helpers: &'a mut Helpers,
}

impl<'a> Printer<'a> {
    pub(super) fn new(kernel: &'a KernelData, params: Vec<String>, helpers: &'a mut Helpers) -> Self {
        let mut types: Vec<Scalar> = Vec::with_capacity(kernel.exprs.len());
        for data in kernel.exprs.values() {
            types.push(match data {
                ExprData::Literal(value) => value.scalar(),
                ExprData::Var(var) => kernel.vars[*var].scalar,
                ExprData::Affine(_) => Scalar::I32,
                ExprData::Load { scalar, .. } => *scalar,
                ExprData::Unary { value, .. } => types[value.index()],
                ExprData::Binary { op, left, .. } if !op.is_comparison() => types[left.index()],
                ExprData::Binary { .. } => Scalar::Bool,
                ExprData::Convert { to, .. } | ExprData::Bits { to, .. } => *to,
                ExprData::Select { then, .. } => types[then.index()],
                ExprData::Packed { op: PackedOp::Dot2Wide, .. } => Scalar::I64,
                ExprData::Packed { .. } => Scalar::I32,
            });
        }
        let loops = vec![String::new(); kernel.loops.len()];
        let vars = vec![String::new(); kernel.vars.len()];
        Self { kernel, types, params, vars, loops, anchors: Vec::new(), helpers }
    }

    pub(super) fn scalar(&self, expr: Expr) -> Scalar {
        self.types[expr.index()]
    }

    fn as_literal(&self, expr: Expr) -> Option<Literal> {
        match self.kernel.exprs[expr] {
            ExprData::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    fn as_int(&self, expr: Expr) -> Option<i128> {
        Some(match self.as_literal(expr)? {
            Literal::I32(v) => v.into(),
            Literal::U32(v) => v.into(),
            Literal::I64(v) => v.into(),
            Literal::U64(v) => v.into(),
            _ => return None,
        })
    }

    /// The expression in C.
    pub(super) fn expr(&mut self, expr: Expr) -> Piece {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            ExprData::Literal(value) => Piece::number(literal(*value, self.helpers)),
            ExprData::Var(var) => Piece::primary(self.vars[var.index()].clone()),
            ExprData::Affine(affine) => self.affine(affine),
            ExprData::Load { param, index, scalar } => {
                let data = &kernel.params[*param];
                let element = self.element(*param, index);
                if data.scalar == *scalar {
                    return match scalar {
                        Scalar::Bool => infix(element, "!=", Piece::number("0".into()), Level::Equality),
                        _ => element,
                    };
                }
                let name = self.helpers.load(data.scalar, *scalar);
                call(&name, vec![address(element)])
            }
            ExprData::Unary { op, value } => self.unary(*op, *value),
            ExprData::Binary { op, left, right } => self.binary(*op, *left, *right),
            ExprData::Convert { to, value } => self.convert(*to, *value),
            ExprData::Bits { to, value } => self.bits(*to, *value),
            ExprData::Select { condition, then, otherwise } => {
                let parts = [*condition, *then, *otherwise].map(|e| self.expr(e));
                let [condition, then, otherwise] = parts.map(|p| p.operand(Level::Conditional, true));
                let parts = vec![
                    condition,
                    Doc::Line,
                    Doc::Cat(vec!["? ".into(), then]),
                    Doc::Line,
                    Doc::Cat(vec![": ".into(), otherwise]),
                ];
                Piece { doc: Doc::Group(parts), level: Level::Conditional }
            }
            ExprData::Packed { op, args } => {
                let args = args.iter().map(|&a| self.expr(a)).collect();
                let name = self.helpers.packed(*op);
                call(&name, args)
            }
        }
    }

    fn unary(&mut self, op: UnaryOp, value: Expr) -> Piece {
        let scalar = self.scalar(value);
        let inner = self.expr(value);
        let prefix = |sign: &str, inner: Piece| Piece {
            doc: Doc::Cat(vec![sign.into(), inner.operand(Level::Unary, true)]),
            level: Level::Unary,
        };
        match op {
            UnaryOp::Neg if scalar.is_float() => prefix("-", inner),
            UnaryOp::Neg => {
                let name = self.helpers.add(1, &format!("neg_{scalar}"), |name| {
                    let ty = value_type(scalar);
                    format!(
                        "static inline {ty} {name}({ty} x)\n{{\n    return {};\n}}\n",
                        wrapping_neg(scalar, "x")
                    )
                });
                call(&name, vec![inner])
            }
            UnaryOp::Not if scalar == Scalar::Bool => prefix("!", inner),
            UnaryOp::Not => prefix("~", inner),
            UnaryOp::Abs => call(&self.helpers.abs(scalar), vec![inner]),
            UnaryOp::Sqrt
            | UnaryOp::RoundTiesEven
            | UnaryOp::Exp
            | UnaryOp::Log
            | UnaryOp::Sin
            | UnaryOp::Cos
            | UnaryOp::Tanh
            | UnaryOp::Sigmoid
            | UnaryOp::Erf => call(&self.helpers.float_function(op, scalar), vec![inner]),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Piece {
        let scalar = self.scalar(left);
        if scalar == Scalar::Bool {
            return self.logical(op, left, right);
        }
        if scalar.is_signed() && is_wrapping(op) {
            let sum = self.wrapping(op, left, right);
            return cast(value_type(scalar), sum);
        }
        if let Some(piece) = self.special(op, scalar, left, right) {
            return piece;
        }
        // `x < 0u` and `0u <= x` are decided; written down they would be warned about.
        let zero_side = if op == BinaryOp::Lt { right } else { left };
        let decided = matches!(op, BinaryOp::Lt | BinaryOp::Le)
            && scalar.is_int()
            && !scalar.is_signed()
            && self.as_int(zero_side) == Some(0);
        let (l, r) = (self.expr(left), self.expr(right));
        if decided {
            return call(&self.helpers.compare(op == BinaryOp::Lt, scalar), vec![l, r]);
        }
        match op {
            BinaryOp::Add | BinaryOp::WrappingAdd => infix(l, "+", r, Level::Sum),
            BinaryOp::Sub | BinaryOp::WrappingSub => infix(l, "-", r, Level::Sum),
            BinaryOp::Mul | BinaryOp::WrappingMul => infix(l, "*", r, Level::Product),
            BinaryOp::Div if scalar.is_float() => infix(l, "/", r, Level::Product),
            BinaryOp::Div | BinaryOp::Rem => {
                call(&self.helpers.divide(op == BinaryOp::Rem, scalar), vec![l, r])
            }
            BinaryOp::Min | BinaryOp::Max => {
                call(&self.helpers.extreme(op == BinaryOp::Min, scalar), vec![l, r])
            }
            BinaryOp::And => infix(l, "&", r, Level::BitAnd),
            BinaryOp::Or => infix(l, "|", r, Level::BitOr),
            BinaryOp::Xor => infix(l, "^", r, Level::BitXor),
            BinaryOp::Shl | BinaryOp::Shr => {
                call(&self.helpers.shift(op == BinaryOp::Shl, scalar), vec![l, r])
            }
            BinaryOp::Eq => infix(l, "==", r, Level::Equality),
            BinaryOp::Ne => infix(l, "!=", r, Level::Equality),
            BinaryOp::Lt => infix(l, "<", r, Level::Relation),
            BinaryOp::Le => infix(l, "<=", r, Level::Relation),
        }
    }

    /// Shorter forms that a constant right operand allows.
    fn special(&mut self, op: BinaryOp, scalar: Scalar, left: Expr, right: Expr) -> Option<Piece> {
        if let (BinaryOp::Min | BinaryOp::Max, Some(end)) = (op, self.as_literal(right)) {
            let min = op == BinaryOp::Min;
            // With a NaN, or the zero that loses against the other, one comparison would not do.
            let end: f64 = match end {
                Literal::F32(end) => end.into(),
                Literal::F64(end) => end,
                _ => return None,
            };
            if end.is_nan() || (end == 0.0 && end.is_sign_negative() != min) {
                return None;
            }
            let args = vec![self.expr(left), self.expr(right)];
            return Some(call(&self.helpers.extreme_constant(min, scalar), args));
        }
        let amount = self.as_int(right)?;
        match op {
            BinaryOp::Add | BinaryOp::Sub if scalar.is_signed() && amount < 0 => {
                let ends = if scalar == Scalar::I32 { i128::from(i32::MIN) } else { i128::from(i64::MIN) };
                if amount == ends {
                    return None;
                }
                let sign = if op == BinaryOp::Add { "-" } else { "+" };
                let number = match scalar {
                    Scalar::I32 => (-amount).to_string(),
                    _ => format!("INT64_C({})", -amount),
                };
                let left = self.expr(left);
                Some(infix(left, sign, Piece::number(number), Level::Sum))
            }
            BinaryOp::Div | BinaryOp::Rem if amount != 0 && amount != -1 => {
                let (l, r) = (self.expr(left), self.expr(right));
                Some(infix(l, if op == BinaryOp::Div { "/" } else { "%" }, r, Level::Product))
            }
            BinaryOp::Shl | BinaryOp::Shr if (0..i128::from(bits(scalar))).contains(&amount) => {
                let amount = Piece::number(amount.to_string());
                if op == BinaryOp::Shr {
                    let left = self.expr(left);
                    return Some(infix(left, ">>", amount, Level::Shift));
                }
                let left = self.as_unsigned(left);
                let shifted = infix(left, "<<", amount, Level::Shift);
                Some(if scalar.is_signed() { cast(value_type(scalar), shifted) } else { shifted })
            }
            _ => None,
        }
    }

    /// Operations on bools, whose operands C would promote.
    fn logical(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Piece {
        let (l, r) = (self.expr(left), self.expr(right));
        let not = |p: Piece| Piece { doc: Doc::Cat(vec!["!".into(), p.under_unary()]), level: Level::Unary };
        match op {
            BinaryOp::And | BinaryOp::Min | BinaryOp::Mul | BinaryOp::WrappingMul => {
                infix(l, "&&", r, Level::LogicalAnd)
            }
            BinaryOp::Or | BinaryOp::Max => infix(l, "||", r, Level::LogicalOr),
            BinaryOp::Eq => infix(l, "==", r, Level::Equality),
            BinaryOp::Lt => infix(not(l), "&&", r, Level::LogicalAnd),
            BinaryOp::Le => infix(not(l), "||", r, Level::LogicalOr),
            // Of the rest only exclusive or and "not equal" are defined, and they are the same.
            _ => infix(l, "!=", r, Level::Equality),
        }
    }

    /// A wrapping operation on signed integers, as its unsigned twin.
    fn wrapping(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Piece {
        let (l, r) = (self.as_unsigned(left), self.as_unsigned(right));
        match op {
            BinaryOp::WrappingAdd => infix(l, "+", r, Level::Sum),
            BinaryOp::WrappingSub => infix(l, "-", r, Level::Sum),
            _ => infix(l, "*", r, Level::Product),
        }
    }

    /// An integer's bits as an unsigned number of the same width.
    fn as_unsigned(&mut self, expr: Expr) -> Piece {
        let scalar = self.scalar(expr);
        if !scalar.is_signed() {
            return self.expr(expr);
        }
        match (&self.kernel.exprs[expr], self.as_literal(expr)) {
            (_, Some(Literal::I32(value))) if value >= 0 => Piece::number(format!("{value}u")),
            (_, Some(Literal::I64(value))) if value >= 0 => Piece::number(format!("UINT64_C({value})")),
            (ExprData::Binary { op, left, right }, _) if is_wrapping(*op) => {
                self.wrapping(*op, *left, *right)
            }
            _ => {
                let inner = self.expr(expr);
                cast(value_type(unsigned(scalar)), inner)
            }
        }
    }

    /// By way of unsigned integers, whose bits are the numbers'.
    fn bits(&mut self, to: Scalar, value: Expr) -> Piece {
        let from = self.scalar(value);
        let mut piece = self.expr(value);
        if from == to {
            return piece;
        }
        if from.is_float() {
            piece = call(&self.helpers.bits_of(from), vec![piece]);
        }
        if to.is_float() {
            let word = cast(value_type(unsigned(to)), piece);
            return call(&self.helpers.of_bits(to), vec![word]);
        }
        cast(value_type(to), piece)
    }

    fn convert(&mut self, to: Scalar, value: Expr) -> Piece {
        let from = self.scalar(value);
        let inner = self.expr(value);
        if from == to {
            return inner;
        }
        if to == Scalar::Bool {
            let zero = match from {
                Scalar::F32 => "0.0f",
                Scalar::F64 => "0.0",
                _ => "0",
            };
            return infix(inner, "!=", Piece::number(zero.into()), Level::Equality);
        }
        if from.is_half() || to.is_half() {
            return call(&self.helpers.half(from, to), vec![inner]);
        }
        if from.is_float() && to.is_int() {
            return call(&self.helpers.saturate(from, to), vec![inner]);
        }
        // C widens narrow integers by itself.
        if to == Scalar::I32 && from.is_int() && from.size() < 4 {
            return inner;
        }
        cast(value_type(to), inner)
    }

    /// `name[index]`, from the nearest anchor if there is one.
    pub(super) fn element(&mut self, param: Param, index: &Index) -> Piece {
        if let Some((name, rest)) = self.anchors.iter().rev().find_map(|a| a.reach(param, index)) {
            return Piece::primary(format!("{name}[{rest}]"));
        }
        let name = self.params[param.index()].clone();
        let index = self.index(index).doc;
        // A position reads badly over several lines.
        let text = index.flat();
        Piece::primary(match text.chars().count() {
            0..=60 => format!("{name}[{text}]").into(),
            _ => Doc::Cat(vec![format!("{name}[").into(), index.grouped(), "]".into()]),
        })
    }

    /// The position in elements.
    pub(super) fn index(&mut self, index: &Index) -> Piece {
        let mut terms = self.terms(&index.affine);
        let mut constant = index.affine.constant;
        if let Some(ring) = &index.ring {
            let row = self.affine(&ring.row);
            // Never negative: unsigned, so that a power of two becomes a mask.
            let rest =
                infix(cast("uint32_t", row), "%", Piece::number(format!("{}u", ring.rows)), Level::Product);
            terms.push((ring.stride, cast("int32_t", rest)));
        }
        if let Some(dynamic) = &index.dynamic {
            match self.as_int(dynamic.value) {
                Some(value) => constant += dynamic.stride * i64::try_from(value).unwrap_or_default(),
                None => {
                    let value = self.expr(dynamic.value);
                    terms.push((dynamic.stride, value));
                }
            }
        }
        sum(terms, constant)
    }

    fn terms(&self, affine: &Affine) -> Vec<(i64, Piece)> {
        affine.terms.iter().map(|&(c, l)| (c, Piece::primary(self.loops[l.index()].clone()))).collect()
    }

    /// An affine combination of counters.
    pub(super) fn affine(&self, affine: &Affine) -> Piece {
        sum(self.terms(affine), affine.constant)
    }

    /// The C type behind a parameter's pointer, where the element's own type is used.
    pub(super) fn element_type(&self, param: Param) -> &'static str {
        memory_type(self.kernel.params[param].scalar)
    }
}

fn is_wrapping(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::WrappingAdd | BinaryOp::WrappingSub | BinaryOp::WrappingMul)
}
