//! The equation of an `Einsum`: which axes of which operand bear which label. Not here: values.

use crate::onnx::code;
use std::collections::BTreeSet;
use tinyc_ir::Diagnostic;
use tinyc_ir::wording::counted;

/// A letter, or an axis that an ellipsis stands for, counted from its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// A label for each axis of each operand and of the result. No two axes of the result have one.
#[derive(PartialEq, Debug)]
pub(super) struct Equation {
    pub(super) terms: Vec<Vec<Label>>,
    pub(super) result: Vec<Label>,
}

/// One term as it is written: labels in front of the ellipsis, and behind it if there is one.
struct Term {
    front: Vec<Label>,
    back: Option<Vec<Label>>,
}

fn wrong(text: &str, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(code::ATTRIBUTE, format!("equation {text:?}: {why}"))
        .help("an equation is like \"bij,bjk->bik\" or \"...ij->...ji\", one letter for each dimension")
}

impl Equation {
    /// Reads the text for operands of `ranks` dimensions.
    pub(super) fn read(text: &str, ranks: &[usize]) -> Result<Self, Diagnostic> {
        let plain: String = text.chars().filter(|c| *c != ' ').collect();
        let (left, right) = match plain.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (plain.as_str(), None),
        };
        let written: Vec<Term> =
            left.split(',').map(|term| Term::read(text, term)).collect::<Result<_, _>>()?;
        if written.len() != ranks.len() {
            return Err(wrong(text, format!("{} terms for {} operands", written.len(), ranks.len())));
        }
        let terms: Vec<Vec<Label>> = written
            .iter()
            .zip(ranks)
            .map(|(term, &rank)| term.labels(text, rank))
            .collect::<Result<_, _>>()?;
        let used: BTreeSet<Label> = terms.iter().flatten().copied().collect();
        let hidden: Vec<Label> =
            used.iter().rev().copied().filter(|l| matches!(l, Label::Ellipsis(_))).collect();
        let result = match right {
            Some(right) => {
                let term = Term::read(text, right)?;
                let middle = if term.back.is_some() { hidden } else { Vec::new() };
                [term.front, middle, term.back.unwrap_or_default()].concat()
            }
            None => {
                let times = |label: &Label| terms.iter().flatten().filter(|l| *l == label).count();
                let once = used.iter().copied().filter(|l| matches!(l, Label::Letter(_)) && times(l) == 1);
                hidden.into_iter().chain(once).collect()
            }
        };
        let distinct: BTreeSet<Label> = result.iter().copied().collect();
        if distinct.len() != result.len() || !distinct.is_subset(&used) {
            return Err(wrong(text, "the result has a letter twice, or one that no operand has"));
        }
        Ok(Self { terms, result })
    }
}

impl Term {
    fn read(text: &str, term: &str) -> Result<Self, Diagnostic> {
        let letters = |part: &str| -> Result<Vec<Label>, Diagnostic> {
            match part.chars().find(|c| !c.is_ascii_alphabetic()) {
                Some(other) => Err(wrong(text, format!("{other:?} is no letter"))),
                None => Ok(part.chars().map(Label::Letter).collect()),
            }
        };
        match term.split_once("...") {
            Some((front, back)) => Ok(Self { front: letters(front)?, back: Some(letters(back)?) }),
            None => Ok(Self { front: letters(term)?, back: None }),
        }
    }

    /// A label for each of `rank` axes.
    fn labels(&self, text: &str, rank: usize) -> Result<Vec<Label>, Diagnostic> {
        let back = self.back.as_deref().unwrap_or_default();
        let named = self.front.len() + back.len();
        let hidden = rank.checked_sub(named).filter(|&n| n == 0 || self.back.is_some());
        let hidden = hidden.ok_or_else(|| {
            wrong(text, format!("{} for {}", counted(named, "letter"), counted(rank, "dimension")))
        })?;
        let middle = (0..hidden).rev().map(Label::Ellipsis);
        Ok(self.front.iter().copied().chain(middle).chain(back.iter().copied()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Label::{Ellipsis, Letter};

    fn result(text: &str, ranks: &[usize]) -> Option<Vec<Label>> {
        Equation::read(text, ranks).ok().map(|e| e.result)
    }

    #[test]
    fn results_that_are_not_written_are_those_of_letters_that_occur_once() {
        assert_eq!(result("ab,Bb", &[2, 2]), Some(vec![Letter('B'), Letter('a')]));
        assert_eq!(result("i i", &[2]), Some(vec![]));
        assert_eq!(result("b...,", &[3, 0]), Some(vec![Ellipsis(1), Ellipsis(0), Letter('b')]));
    }

    #[test]
    fn ellipses_are_aligned_at_their_ends() {
        let equation = Equation::read("...i, j... -> j...i", &[3, 2]).unwrap();
        assert_eq!(equation.terms[0], [Ellipsis(1), Ellipsis(0), Letter('i')]);
        assert_eq!(equation.terms[1], [Letter('j'), Ellipsis(0)]);
        assert_eq!(equation.result, [Letter('j'), Ellipsis(1), Ellipsis(0), Letter('i')]);
        assert_eq!(Equation::read("->", &[0]).unwrap(), Equation { terms: vec![vec![]], result: vec![] });
    }

    #[test]
    fn what_is_no_equation_is_refused() {
        for (text, ranks) in [
            ("ij,jk", &[2][..]),
            ("ij", &[3]),
            ("ij->k", &[2]),
            ("ij->ii", &[2]),
            ("i1->i", &[2]),
            ("i...j...->i", &[2]),
            ("...->.", &[2]),
        ] {
            assert!(result(text, ranks).is_none(), "{text}");
        }
    }
}
