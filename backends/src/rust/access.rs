//! Elements and positions in Rust: reads and writes of slots, affine combinations of counters as numbers.

use super::expr::Printer;
use super::layout::Position;
use super::piece::{Level, Piece, cast};
use super::window::span;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Affine, Expr, ExprData, Loop, Param, Scalar};

impl Printer<'_> {
    fn range(&self, counter: Loop) -> Option<(i64, i64)> {
        self.loops[counter.index()].range
    }

    /// The window, or the slot, that an access goes through, and the position in it.
    pub(super) fn through(&self, at: &Position) -> (String, Position, Option<i64>) {
        let range = |counter| self.range(counter);
        let window = self.windows.iter().rev().find_map(|w| Some((w, w.reach(at, &range)?)));
        match window {
            Some((window, rest)) => {
                let inside = Position { affine: rest, ring: None, dynamic: None, ..at.clone() };
                (window.name.clone(), inside, Some(window.len))
            }
            None => (self.slots[at.slot].clone(), at.clone(), None),
        }
    }

    pub(super) fn load(&mut self, param: Param, at: &Position, scalar: Scalar) -> Piece {
        let slot = &self.shape.slots[at.slot];
        let element = slot.scalar;
        let len = slot.len as i64;
        let (name, inside, window) = self.through(at);
        let constant = self.constant(&inside).filter(|i| (0..window.unwrap_or(len)).contains(i));
        let one = at.width == 1;
        let piece = match constant {
            Some(i) if one => Piece::new(format!("{name}[{i}]"), Level::Primary),
            _ => {
                let index = self.position(&inside);
                let function = match (one, element) {
                    (true, _) => self.helpers.at(),
                    (false, None) => self.helpers.load(None, scalar),
                    (false, Some(e)) => self.helpers.load(Some(e), scalar),
                };
                self.call(&function, vec![Piece::name(name), index])
            }
        };
        let own = self.kernel.params[param].scalar;
        match (element, scalar) {
            (None, Scalar::Bool) => self.infix(piece, "!=", Piece::number("0".into()), Level::Compare),
            (None, Scalar::I8) if one && own.size() == 1 => self.cast(piece, "i8"),
            (Some(element), _) if one => self.reread(piece, element, scalar),
            _ => piece,
        }
    }

    /// Writes a value; the lines of the statement.
    pub(super) fn store(&mut self, param: Param, at: &Position, value: Expr) -> String {
        let scalar = self.kernel.scalar(value);
        let slot = &self.shape.slots[at.slot];
        let (element, len) = (slot.scalar, slot.len as i64);
        let own = self.kernel.params[param].scalar;
        let one = at.width == 1;
        let reread = element.filter(|&element| one && element != scalar);
        let mut piece = if reread.is_some() { self.typed(value) } else { self.expr(value) };
        if let Some(element) = reread {
            piece = self.reread(piece, scalar, element);
        }
        if one && element.is_none() && own != Scalar::U8 {
            // Of a number that is cut to an i8, the same bits are cut.
            piece = match self.kernel.exprs[value] {
                ExprData::Convert { to: Scalar::I8, value: inner }
                    if self.kernel.scalar(inner).is_int() && self.kernel.scalar(inner).size() > 1 =>
                {
                    let text = piece
                        .text
                        .strip_suffix(" as i8")
                        .map(str::to_owned)
                        .filter(|_| piece.level == Level::As);
                    match text {
                        Some(text) => Piece::new(format!("{text} as u8"), Level::As),
                        None => self.cast(piece, "u8"),
                    }
                }
                _ => self.cast(piece, "u8"),
            };
        }
        let (name, inside, window) = self.through(at);
        let constant = self.constant(&inside).filter(|i| (0..window.unwrap_or(len)).contains(i));
        if let (true, Some(i)) = (one, constant) {
            return format!("{name}[{i}] = {};", piece.text);
        }
        let index = self.position(&inside);
        let function = if one { self.helpers.put() } else { self.helpers.store(element, scalar) };
        let call = self.call(&function, vec![Piece::name(name), index, piece]);
        format!("{};", call.text)
    }

    fn constant(&self, at: &Position) -> Option<i64> {
        match (&at.ring, &at.dynamic) {
            (None, None) => at.affine.as_constant(),
            (None, Some(dynamic)) => {
                let value = i64::try_from(self.as_int(dynamic.value)?).ok()?;
                Some(at.affine.as_constant()? + dynamic.stride * value)
            }
            _ => None,
        }
    }

    /// The position as a `usize`.
    pub(super) fn position(&mut self, at: &Position) -> Piece {
        let signed = at.affine.terms.iter().any(|t| self.loops[t.1.index()].signed);
        let mut terms: Vec<(i64, Piece)> = Vec::new();
        for &(factor, counter) in &at.affine.terms {
            let name = Piece::name(self.loops[counter.index()].name.clone());
            let is_signed = self.loops[counter.index()].signed;
            terms.push((factor, if signed && !is_signed { cast(&name, "i32") } else { name }));
        }
        let mut constant = at.affine.constant;
        let whole = if signed { "i32" } else { "usize" };
        if let Some(ring) = &at.ring {
            let row = self.affine_usize(&ring.row);
            let rest = self.infix(row, "%", Piece::number(ring.rows.to_string()), Level::Product);
            let rest = if signed { self.cast(rest, "i32") } else { rest };
            terms.push((ring.stride, rest));
        }
        if let Some(dynamic) = &at.dynamic {
            let value = self.typed(dynamic.value);
            // From the least value on, it is not negative.
            let value = match dynamic.lo {
                lo if lo >= 0 || signed => value,
                lo => {
                    constant += dynamic.stride * lo;
                    self.infix(value, "+", Piece::number((-lo).to_string()), Level::Sum)
                }
            };
            let value = if signed { value } else { self.cast(value, whole) };
            terms.push((dynamic.stride, value));
        }
        let total = self.sum(terms, constant);
        if signed { self.cast(total, "usize") } else { total }
    }

    /// An affine combination that is not negative, as a `usize`.
    fn affine_usize(&mut self, affine: &Affine) -> Piece {
        let at = Position { slot: 0, affine: affine.clone(), ring: None, dynamic: None, width: 1 };
        self.position(&at)
    }

    /// An affine combination as an `i32`.
    pub(super) fn affine_i32(&mut self, affine: &Affine) -> Piece {
        let terms = affine.terms.iter().map(|&(factor, counter)| {
            let counter = &self.loops[counter.index()];
            let name = Piece::name(counter.name.clone());
            (factor, if counter.signed { name } else { cast(&name, "i32") })
        });
        let terms = terms.collect();
        self.sum(terms, affine.constant)
    }

    /// One end of a loop: `usize` numbers where they saturate at 0 below, or `i32`.
    pub(super) fn end(&mut self, affine: &Affine, signed: bool) -> Piece {
        if signed {
            return self.affine_i32(affine);
        }
        let range = |counter| self.range(counter);
        let known = span(affine, &range).is_some_and(|(lo, _)| lo >= 0);
        let mixed = affine.terms.iter().any(|t| self.loops[t.1.index()].signed);
        if mixed {
            let whole = self.affine_i32(affine);
            let whole = self.call("i32::max", vec![whole, Piece::number("0".into())]);
            return self.cast(whole, "usize");
        }
        if known || affine.as_constant().is_some() {
            return self.affine_usize(&Affine {
                terms: affine.terms.clone(),
                constant: if affine.terms.is_empty() { affine.constant.max(0) } else { affine.constant },
            });
        }
        let (plus, minus): (Vec<_>, Vec<_>) = affine.terms.iter().copied().partition(|t| t.0 > 0);
        let (above, below) = (affine.constant.max(0), (-affine.constant).max(0));
        let plus = self.affine_usize(&Affine { terms: plus, constant: above });
        let minus = minus.into_iter().map(|(factor, counter)| (-factor, counter)).collect();
        let minus = self.affine_usize(&Affine { terms: minus, constant: below });
        if minus.text == "0" {
            return plus;
        }
        let plus = match plus.text.parse::<u64>() {
            Ok(number) => Piece::number(format!("{number}usize")),
            Err(_) => plus,
        };
        self.method(plus, "saturating_sub", vec![minus])
    }

    /// `Σ factor · piece + constant`, what is added before what is subtracted: no partial sum is negative if the
    /// whole is not.
    fn sum(&mut self, terms: Vec<(i64, Piece)>, constant: i64) -> Piece {
        let number = |value: i64| Piece::number(value.to_string());
        let (plus, minus): (Vec<_>, Vec<_>) = terms.into_iter().filter(|t| t.0 != 0).partition(|t| t.0 > 0);
        let mut total: Option<Piece> = None;
        let mut rest = constant;
        for (factor, piece) in plus {
            let term = self.product(factor, piece);
            total = Some(match total {
                None => term,
                Some(sum) => self.infix(sum, "+", term, Level::Sum),
            });
        }
        if rest > 0 && !minus.is_empty() || total.is_none() {
            total = Some(match total {
                None => number(rest),
                Some(sum) => self.infix(sum, "+", number(rest), Level::Sum),
            });
            rest = 0;
        }
        let mut total = total.unwrap_or_else(|| number(0));
        for (factor, piece) in minus {
            let term = self.product(-factor, piece);
            total = self.infix(total, "-", term, Level::Sum);
        }
        match rest {
            0 => total,
            1.. => self.infix(total, "+", number(rest), Level::Sum),
            _ => self.infix(total, "-", number(-rest), Level::Sum),
        }
    }

    fn product(&mut self, factor: i64, piece: Piece) -> Piece {
        match factor {
            1 => piece,
            _ => self.infix(Piece::number(factor.to_string()), "*", piece, Level::Product),
        }
    }
}
