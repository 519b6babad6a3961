//! Printed expressions, and how they are joined: parentheses where Rust or a reader wants them. No operators of the loop IR.

/// How tightly an expression binds, as Rust defines it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    Or,
    And,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    As,
    Unary,
    Primary,
}

/// A printed expression.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) level: Level,
    /// It cannot become shorter by a name of its own.
    pub(super) atom: bool,
}

impl Piece {
    /// A name.
    pub(super) fn name(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: Level::Primary, atom: true }
    }

    /// A number.
    pub(super) fn number(text: String) -> Self {
        let level = if text.starts_with('-') { Level::Unary } else { Level::Primary };
        Self { text, level, atom: true }
    }

    /// Anything else.
    pub(super) fn new(text: String, level: Level) -> Self {
        Self { text, level, atom: false }
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn parenthesised(&self) -> String {
        format!("({})", self.text)
    }

    /// As an operand of an infix operator.
    fn operand(&self, parent: Level, right: bool) -> String {
        let bare = match (self.level, parent) {
            (Level::Primary, _) => true,
            (Level::Unary, _) => !(right && self.text.starts_with('-')),
            // `a as i32 < b` and `a as i32 << b` would begin a list of types.
            (Level::As, Level::Compare | Level::Shift) => right,
            (Level::As, _) => true,
            (child, parent) if child == parent => !right && parent != Level::Compare,
            (Level::Product, Level::Sum) => true,
            (Level::Product | Level::Sum, Level::Compare) => true,
            (Level::Compare, Level::And | Level::Or) => true,
            _ => false,
        };
        if bare { self.text.clone() } else { self.parenthesised() }
    }

    /// As the operand of a cast.
    pub(super) fn under_cast(&self) -> String {
        if self.level >= Level::As { self.text.clone() } else { self.parenthesised() }
    }

    /// As the operand of a sign.
    pub(super) fn under_unary(&self) -> String {
        let bare = self.level >= Level::Unary && !self.text.starts_with('-');
        if bare { self.text.clone() } else { self.parenthesised() }
    }

    /// As what a method is called on.
    pub(super) fn receiver(&self) -> String {
        if self.level == Level::Primary { self.text.clone() } else { self.parenthesised() }
    }
}

/// `left operator right`
pub(super) fn infix(left: &Piece, operator: &str, right: &Piece, level: Level) -> Piece {
    let text = format!("{} {operator} {}", left.operand(level, false), right.operand(level, true));
    Piece::new(text, level)
}

/// `value as ty`
pub(super) fn cast(value: &Piece, ty: &str) -> Piece {
    Piece::new(format!("{} as {ty}", value.under_cast()), Level::As)
}
