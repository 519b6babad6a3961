//! Printed expressions, and how they are joined: parentheses where C, a reader or `-Wparentheses` wants them. No operators of the
//! loop IR.

use super::doc::Doc;
use super::scalar::int32;

/// How tightly an expression binds, as C defines it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    Conditional,
    LogicalOr,
    LogicalAnd,
    BitOr,
    BitXor,
    BitAnd,
    Equality,
    Relation,
    Shift,
    Sum,
    Product,
    Unary,
    Primary,
}

/// A printed expression.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) doc: Doc,
    pub(super) level: Level,
}

impl Piece {
    /// A name, a call, a number above zero.
    pub(super) fn primary(doc: impl Into<Doc>) -> Self {
        Self { doc: doc.into(), level: Level::Primary }
    }

    /// A number.
    pub(super) fn number(text: String) -> Self {
        let level = if text.starts_with('-') { Level::Unary } else { Level::Primary };
        Self { doc: text.into(), level }
    }

    fn parenthesised(self) -> Doc {
        Doc::Cat(vec!["(".into(), self.doc.grouped(), ")".into()])
    }

    /// As an operand of an infix operator.
    pub(super) fn operand(self, parent: Level, right: bool) -> Doc {
        let minus = matches!(&self.doc, Doc::Text(t) if t.starts_with('-'))
            || matches!(&self.doc, Doc::Cat(p) if matches!(p.first(), Some(Doc::Text(t)) if t.starts_with('-')));
        let bare = match (self.level, parent) {
            (Level::Primary, _) => true,
            (Level::Unary, _) => !(right && minus),
            (child, parent) if child == parent => {
                !right && !matches!(parent, Level::Relation | Level::Equality)
            }
            (Level::Product, Level::Sum) => true,
            (Level::Product | Level::Sum, Level::Relation | Level::Equality) => true,
            (Level::Relation | Level::Equality, Level::LogicalAnd | Level::LogicalOr) => true,
            (child, Level::Conditional) => child > Level::BitOr,
            _ => false,
        };
        if bare { self.doc } else { self.parenthesised() }
    }

    /// As the operand of a cast or of a unary operator.
    pub(super) fn under_unary(self) -> Doc {
        if self.level >= Level::Unary { self.doc } else { self.parenthesised() }
    }
}

/// Two operands with an operator between them.
pub(super) fn infix(left: Piece, operator: &str, right: Piece, level: Level) -> Piece {
    // A chain of one level is one group: all its breaks or none.
    let chain = left.level == level;
    let mut parts = match left.operand(level, false) {
        Doc::Group(parts) if chain => parts,
        other => vec![other],
    };
    let right = right.operand(level, true);
    parts.push(Doc::Line);
    parts.push(Doc::Cat(vec![format!("{operator} ").into(), right]));
    Piece { doc: Doc::Group(parts), level }
}

/// `(ty)value`.
pub(super) fn cast(ty: &str, value: Piece) -> Piece {
    Piece { doc: Doc::Cat(vec![format!("({ty})").into(), value.under_unary()]), level: Level::Unary }
}

/// A function call.
pub(super) fn call(name: &str, args: Vec<Piece>) -> Piece {
    Piece::primary(Doc::list(format!("{name}("), args.into_iter().map(|a| a.doc).collect(), ")"))
}

/// `&piece`.
pub(super) fn address(piece: Piece) -> Piece {
    Piece { doc: Doc::Cat(vec!["&".into(), piece.doc]), level: Level::Unary }
}

/// A function call, for statements.
pub(super) fn call_doc(name: &str, args: Vec<Piece>) -> Doc {
    call(name, args).doc
}

/// `Σ factor · piece + constant`, what is added before what is subtracted.
pub(super) fn sum(terms: Vec<(i64, Piece)>, constant: i64) -> Piece {
    let number = |value: i64| match i32::try_from(value) {
        Ok(value) => Piece::number(int32(value)),
        Err(_) => Piece::number(value.to_string()),
    };
    let product = |factor: i64, piece: Piece| match factor {
        1 => piece,
        _ => infix(number(factor), "*", piece, Level::Product),
    };
    let (plus, minus): (Vec<_>, Vec<_>) = terms.into_iter().filter(|t| t.0 != 0).partition(|t| t.0 > 0);
    let mut total: Option<Piece> = None;
    let mut rest = constant;
    for (factor, piece) in plus {
        let term = product(factor, piece);
        total = Some(match total {
            None => term,
            Some(sum) => infix(sum, "+", term, Level::Sum),
        });
    }
    if total.is_none() && (rest != 0 || minus.is_empty()) {
        total = Some(number(rest));
        rest = 0;
    }
    for (factor, piece) in minus {
        total = Some(match total {
            None => product(factor, piece),
            Some(sum) => infix(sum, "-", product(-factor, piece), Level::Sum),
        });
    }
    let total = total.unwrap_or_else(|| number(0));
    match rest {
        0 => total,
        1.. => infix(total, "+", number(rest), Level::Sum),
        _ => infix(total, "-", number(-rest), Level::Sum),
    }
}
