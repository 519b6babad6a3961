//! Expressions of the loop IR as Rust expressions: same value for all operands, and no panic.
//!
//! What would be too long for its line becomes a name first: no expression is ever broken over lines.

use super::helper::Helpers;
use super::layout::{Position, Shape};
use super::names::Names;
use super::piece::{Level, Piece, cast, infix};
use super::scalar::{bits, is_float_type, literal, unsigned, value_type};
use super::window::Window;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, KernelData, Literal, Scalar, UnaryOp};

/// The widest line that is emitted, tables of numbers aside.
pub(super) const WIDTH: usize = 100;

/// The widest list of arguments and the widest chain of methods on one line: what rustfmt does unless told otherwise.
const CALL_WIDTH: usize = 60;

/// The widest `if` on one line.
const IF_WIDTH: usize = 50;

/// A loop around the current statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    pub(super) name: String,
    /// It may be negative, so it is an `i32`, not a `usize`.
    pub(super) signed: bool,
    /// Its least and greatest value, if they are known.
    pub(super) range: Option<(i64, i64)>,
}

/// Prints the expressions of one function.
pub(super) struct Printer<'a> {
    pub(super) kernel: &'a KernelData,
    pub(super) shape: &'a Shape,
    /// The names of the slots.
    pub(super) slots: Vec<String>,
    /// The names of the registers in scope; empty for others.
    pub(super) vars: Vec<String>,
    /// The loops around the current statement.
    pub(super) loops: Vec<Counter>,
    /// Parts of slots that are in scope; those of inner blocks come later.
    pub(super) windows: Vec<Window>,
    pub(super) names: Names,
    pub(super) helpers: &'a mut Helpers,
    /// Lines that must stand before the current statement.
    pub(super) before: Vec<String>,
    pub(super) indent: usize,
    /// Columns that the value of the current statement may take.
    pub(super) room: usize,
}

impl Printer<'_> {
    /// Begins a statement: so many columns of its line are not its value's.
    pub(super) fn begin(&mut self, others: usize) {
        // Whatever gets a name takes as much.
        self.room = WIDTH.saturating_sub(self.indent + others.max(14)).max(24);
    }

    /// Lines that are due before the next.
    pub(super) fn take_before(&mut self) -> Vec<String> {
        std::mem::take(&mut self.before)
    }

    /// Gives the value a name, in a line before the statement.
    pub(super) fn hoist(&mut self, piece: &Piece, wanted: &str) -> Piece {
        let name = self.names.fresh(wanted);
        let ty = if piece.text.contains(|c: char| c.is_ascii_alphabetic()) { "" } else { ": i32" };
        self.before.push(format!("let {name}{ty} = {};", piece.text));
        Piece::name(name)
    }

    /// Names the longest until all together are no wider than `most`.
    fn fit(&mut self, pieces: &mut [Piece], most: usize) {
        while pieces.iter().map(Piece::width).sum::<usize>() > most {
            let longest = pieces.iter_mut().filter(|p| !p.atom).max_by_key(|p| p.width());
            let Some(longest) = longest else { return };
            let piece = longest.clone();
            let named = self.hoist(&piece, "t");
            if let Some(slot) = pieces.iter_mut().find(|p| p.text == piece.text && !p.atom) {
                *slot = named;
            }
        }
    }

    pub(super) fn infix(&mut self, left: Piece, operator: &str, right: Piece, level: Level) -> Piece {
        let mut parts = [left, right];
        // Half a line is long enough for an operand, and parentheses may join.
        let most = self.room.saturating_sub(operator.len() + 6);
        self.fit(&mut parts, most);
        infix(&parts[0], operator, &parts[1], level)
    }

    /// `name(args)`
    pub(super) fn call(&mut self, name: &str, mut args: Vec<Piece>) -> Piece {
        let commas = 2 * args.len().saturating_sub(1);
        let most = self.room.saturating_sub(name.len() + 2).clamp(20, CALL_WIDTH);
        self.fit(&mut args, most.saturating_sub(commas));
        let args: Vec<String> = args.into_iter().map(|a| a.text).collect();
        Piece::new(format!("{name}({})", args.join(", ")), Level::Primary)
    }

    /// `receiver.name(args)`
    pub(super) fn method(&mut self, receiver: Piece, name: &str, args: Vec<Piece>) -> Piece {
        let mut parts = vec![receiver];
        parts.extend(args);
        let most = self.room.min(CALL_WIDTH).saturating_sub(name.len() + 5);
        self.fit(&mut parts, most);
        let receiver = parts.remove(0).receiver();
        let args: Vec<String> = parts.into_iter().map(|a| a.text).collect();
        Piece::new(format!("{receiver}.{name}({})", args.join(", ")), Level::Primary)
    }

    pub(super) fn cast(&mut self, value: Piece, ty: &str) -> Piece {
        let mut parts = [value];
        let most = self.room.saturating_sub(ty.len() + 6);
        self.fit(&mut parts, most);
        cast(&parts[0], ty)
    }

    fn as_literal(&self, expr: Expr) -> Option<Literal> {
        match self.kernel.exprs[expr] {
            ExprData::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    /// Whether both read one register.
    fn same(&self, left: Expr, right: Expr) -> bool {
        let exprs = &self.kernel.exprs;
        matches!((&exprs[left], &exprs[right]), (ExprData::Var(a), ExprData::Var(b)) if a == b)
    }

    /// The register of a float.
    fn as_float(&self, expr: Expr) -> Option<Piece> {
        match self.kernel.exprs[expr] {
            ExprData::Var(var) if self.kernel.vars[var].scalar.is_float() => {
                Some(Piece::name(self.vars[var.index()].clone()))
            }
            _ => None,
        }
    }

    pub(super) fn as_int(&self, expr: Expr) -> Option<i128> {
        Some(match self.as_literal(expr)? {
            Literal::I32(v) => v.into(),
            Literal::U32(v) => v.into(),
            Literal::I64(v) => v.into(),
            Literal::U64(v) => v.into(),
            _ => return None,
        })
    }

    /// The expression in Rust.
    pub(super) fn expr(&mut self, expr: Expr) -> Piece {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            ExprData::Literal(value) => Piece::number(literal(*value)),
            ExprData::Var(var) => Piece::name(self.vars[var.index()].clone()),
            ExprData::Affine(affine) => self.affine_i32(affine),
            ExprData::Load { param, index, scalar } => {
                let at = Position::new(self.shape, *param, index, *scalar);
                self.load(*param, &at, *scalar)
            }
            ExprData::Unary { op, value } => self.unary(*op, *value),
            ExprData::Binary { op, left, right } => self.binary(*op, *left, *right),
            ExprData::Convert { to, value } => self.convert(*to, *value),
            ExprData::Bits { to, value } => self.bits(*to, *value),
            ExprData::Select { condition, then, otherwise } => self.select(*condition, *then, *otherwise),
            ExprData::Packed { op, args } => {
                let args = args.iter().map(|&a| self.expr(a)).collect();
                let name = self.helpers.packed(*op);
                self.call(&name, args)
            }
        }
    }

    /// Both values are pure, so which of them is computed makes no difference.
    fn select(&mut self, condition: Expr, then: Expr, otherwise: Expr) -> Piece {
        let ty = value_type(self.kernel.scalar(then));
        let room = self.room;
        self.begin(24);
        let [condition, then, otherwise] = [condition, then, otherwise].map(|e| self.expr(e));
        self.room = room;
        let name = self.names.fresh("pick");
        let line = format!("if {} {{ {} }} else {{ {} }}", condition.text, then.text, otherwise.text);
        let fits = self.indent + name.len() + ty.len() + line.len() + 10 <= WIDTH;
        if line.chars().count() <= IF_WIDTH && fits {
            self.before.push(format!("let {name}: {ty} = {line};"));
        } else {
            self.before.push(format!("let {name}: {ty} = if {} {{", condition.text));
            self.before.push(format!("    {}", then.text));
            self.before.push("} else {".into());
            self.before.push(format!("    {}", otherwise.text));
            self.before.push("};".into());
        }
        Piece::name(name)
    }

    fn unary(&mut self, op: UnaryOp, value: Expr) -> Piece {
        let scalar = self.kernel.scalar(value);
        let inner = match op {
            UnaryOp::Neg | UnaryOp::Abs if !scalar.is_float() => self.typed(value),
            _ => self.expr(value),
        };
        match op {
            UnaryOp::Neg if scalar.is_float() => {
                Piece::new(format!("-{}", inner.under_unary()), Level::Unary)
            }
            UnaryOp::Neg => self.method(inner, "wrapping_neg", vec![]),
            UnaryOp::Not => Piece::new(format!("!{}", inner.under_unary()), Level::Unary),
            UnaryOp::Abs if scalar.is_float() => self.method(inner, "abs", vec![]),
            UnaryOp::Abs => self.method(inner, "wrapping_abs", vec![]),
            _ => {
                let name = self.helpers.float_function(op, scalar);
                self.call(&name, vec![inner])
            }
        }
    }

    /// The value so that a method can be called on it: a bare number has no type yet.
    pub(super) fn typed(&mut self, expr: Expr) -> Piece {
        let piece = self.expr(expr);
        let bare = self.kernel.scalar(expr) == Scalar::I32
            && !piece.text.contains(|c: char| c.is_ascii_alphabetic());
        match (bare, piece.level) {
            (false, _) => piece,
            (true, Level::Primary | Level::Unary) if piece.atom => {
                Piece::number(format!("{}i32", piece.text))
            }
            (true, _) => self.hoist(&piece, "t"),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Piece {
        let scalar = self.kernel.scalar(left);
        if scalar == Scalar::Bool {
            return self.logical(op, left, right);
        }
        if let Some(piece) = self.special(op, scalar, left, right) {
            return piece;
        }
        // Only of NaN: a number is what it is.
        if let (BinaryOp::Eq | BinaryOp::Ne, true) = (op, self.same(left, right))
            && let Some(var) = self.as_float(left)
        {
            let is_nan = self.method(var, "is_nan", vec![]);
            return match op {
                BinaryOp::Ne => is_nan,
                _ => Piece::new(format!("!{}", is_nan.under_unary()), Level::Unary),
            };
        }
        let l = if is_wrapping(op) { self.typed(left) } else { self.expr(left) };
        let r = self.expr(right);
        match op {
            BinaryOp::Add => self.infix(l, "+", r, Level::Sum),
            BinaryOp::Sub => self.infix(l, "-", r, Level::Sum),
            BinaryOp::Mul => self.infix(l, "*", r, Level::Product),
            BinaryOp::WrappingAdd => self.method(l, "wrapping_add", vec![r]),
            BinaryOp::WrappingSub => self.method(l, "wrapping_sub", vec![r]),
            BinaryOp::WrappingMul => self.method(l, "wrapping_mul", vec![r]),
            BinaryOp::Div if scalar.is_float() => self.infix(l, "/", r, Level::Product),
            BinaryOp::Div | BinaryOp::Rem => {
                let name = self.helpers.divide(op == BinaryOp::Rem, scalar);
                self.call(&name, vec![l, r])
            }
            BinaryOp::Min | BinaryOp::Max if scalar.is_float() => {
                let name = self.helpers.extreme(op == BinaryOp::Min, scalar);
                self.call(&name, vec![l, r])
            }
            BinaryOp::Min => self.call(&format!("{scalar}::min"), vec![l, r]),
            BinaryOp::Max => self.call(&format!("{scalar}::max"), vec![l, r]),
            BinaryOp::And => self.infix(l, "&", r, Level::BitAnd),
            BinaryOp::Or => self.infix(l, "|", r, Level::BitOr),
            BinaryOp::Xor => self.infix(l, "^", r, Level::BitXor),
            BinaryOp::Shl | BinaryOp::Shr => {
                let name = self.helpers.shift(op == BinaryOp::Shl, scalar);
                self.call(&name, vec![l, r])
            }
            BinaryOp::Eq => self.infix(l, "==", r, Level::Compare),
            BinaryOp::Ne => self.infix(l, "!=", r, Level::Compare),
            BinaryOp::Lt => self.infix(l, "<", r, Level::Compare),
            BinaryOp::Le => self.infix(l, "<=", r, Level::Compare),
        }
    }

    /// Shorter forms that a constant right operand allows.
    fn special(&mut self, op: BinaryOp, scalar: Scalar, left: Expr, right: Expr) -> Option<Piece> {
        if let (BinaryOp::Min | BinaryOp::Max, Some(end)) = (op, self.as_literal(right)) {
            let min = op == BinaryOp::Min;
            let end: f64 = match end {
                Literal::F32(end) => end.into(),
                Literal::F64(end) => end,
                _ => return None,
            };
            // With a NaN, or the zero that loses against the other, one comparison would not do.
            if end.is_nan() || (end == 0.0 && end.is_sign_negative() != min) {
                return None;
            }
            let args = vec![self.expr(left), self.expr(right)];
            let name = self.helpers.extreme_constant(min, scalar);
            return Some(self.call(&name, args));
        }
        let amount = self.as_int(right)?;
        match op {
            BinaryOp::Add | BinaryOp::Sub if scalar == Scalar::I32 && amount < 0 => {
                let less = i32::try_from(-amount).ok()?;
                let left = self.expr(left);
                let sign = if op == BinaryOp::Add { "-" } else { "+" };
                Some(self.infix(left, sign, Piece::number(less.to_string()), Level::Sum))
            }
            BinaryOp::Div | BinaryOp::Rem if amount != 0 && amount != -1 => {
                let (l, r) = (self.expr(left), self.expr(right));
                Some(self.infix(l, if op == BinaryOp::Div { "/" } else { "%" }, r, Level::Product))
            }
            BinaryOp::Shl | BinaryOp::Shr if (0..i128::from(bits(scalar))).contains(&amount) => {
                let left = self.expr(left);
                let sign = if op == BinaryOp::Shl { "<<" } else { ">>" };
                Some(self.infix(left, sign, Piece::number(amount.to_string()), Level::Shift))
            }
            _ => None,
        }
    }

    fn logical(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Piece {
        let (l, r) = (self.expr(left), self.expr(right));
        match op {
            BinaryOp::And => self.infix(l, "&&", r, Level::And),
            BinaryOp::Or => self.infix(l, "||", r, Level::Or),
            BinaryOp::Eq => self.infix(l, "==", r, Level::Compare),
            // Of the rest only exclusive or and "not equal" are defined, and they are the same.
            _ => self.infix(l, "!=", r, Level::Compare),
        }
    }

    fn convert(&mut self, to: Scalar, value: Expr) -> Piece {
        let from = self.kernel.scalar(value);
        if let (Some(Literal::I32(number)), Scalar::I8 | Scalar::I16) = (self.as_literal(value), to) {
            let cut = if to == Scalar::I8 { i32::from(number as i8) } else { i32::from(number as i16) };
            return Piece::number(format!("{cut}{}", value_type(to)));
        }
        // A bare number would take the type that it is converted to.
        let inner = if from == to { self.expr(value) } else { self.typed(value) };
        if from == to {
            return inner;
        }
        if from.is_half() || to.is_half() {
            let name = self.helpers.half(from, to);
            return self.call(&name, vec![inner]);
        }
        match (from, to) {
            (Scalar::F32, Scalar::Bool) => {
                self.infix(inner, "!=", Piece::number("0.0".into()), Level::Compare)
            }
            (Scalar::F64, Scalar::Bool) => {
                self.infix(inner, "!=", Piece::number("0.0".into()), Level::Compare)
            }
            (_, Scalar::Bool) => self.infix(inner, "!=", Piece::number("0".into()), Level::Compare),
            (Scalar::Bool, Scalar::F32 | Scalar::F64) => {
                let number = self.cast(inner, "u8");
                self.cast(number, value_type(to))
            }
            // In Rust too: towards zero, saturated, NaN becomes 0.
            _ => self.cast(inner, value_type(to)),
        }
    }

    fn bits(&mut self, to: Scalar, value: Expr) -> Piece {
        let from = self.kernel.scalar(value);
        let piece = self.typed(value);
        self.reread(piece, from, to)
    }

    /// The bits of a value as another type of the same size.
    pub(super) fn reread(&mut self, mut piece: Piece, from: Scalar, to: Scalar) -> Piece {
        if value_type(from) == value_type(to) {
            return piece;
        }
        let mut ty = value_type(from);
        if is_float_type(from) {
            piece = self.method(piece, "to_bits", vec![]);
            ty = unsigned(from);
        }
        let wanted = if is_float_type(to) { unsigned(to) } else { value_type(to) };
        if ty != wanted {
            piece = self.cast(piece, wanted);
        }
        match is_float_type(to) {
            true => self.call(&format!("{}::from_bits", value_type(to)), vec![piece]),
            false => piece,
        }
    }
}

fn is_wrapping(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::WrappingAdd | BinaryOp::WrappingSub | BinaryOp::WrappingMul)
}
