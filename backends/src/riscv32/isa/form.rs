//! One encoding of an operation: a pattern of bits and letters, the order of the immediate's bits, and the rules under which
//! it applies.
//!
//! `d`, `n`, `m`, `a` are numbers of registers; three bits reach x8 to x15. `i` are bits of the immediate, whose numbers
//! stand in [`Form::bits`] in the order of the pattern.

use super::extension::Extension;
use crate::codegen::Field;
use crate::codegen::pattern::fixed;

/// An encoding. Made by [`wide`] and [`narrow`].
#[derive(Debug)]
pub struct Form {
    /// Bits from the highest to the lowest; blanks do not count.
    pub pattern: &'static str,
    /// The bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Two or four bytes.
    pub bytes: u8,
    /// Numbers of the immediate's bits, in the order of the pattern.
    pub bits: &'static [u8],
    /// Whether the immediate's highest bit is its sign.
    pub(super) signed: bool,
    pub(super) rules: &'static [Rule],
    /// Also encodes the instruction with n and m exchanged.
    pub(super) commutes: bool,
}

/// A condition on the fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// n, which is not in the pattern, is d.
    Same,
    /// The field, which is not in the pattern, is this general register.
    Is(Field, u8),
    /// The field is another general register.
    Not(Field, u8),
    /// The immediate is not 0.
    NotZero,
    /// The immediate is 0 and not in the pattern.
    Zero,
}

/// A 32-bit encoding.
pub(super) const fn wide(pattern: &'static str) -> Form {
    form(pattern, 4)
}

/// A 16-bit encoding.
pub(super) const fn narrow(pattern: &'static str) -> Form {
    form(pattern, 2)
}

const fn form(pattern: &'static str, bytes: u8) -> Form {
    let (mask, value) = fixed(pattern, bytes);
    let mut i = 0;
    while i < pattern.len() {
        let known = matches!(pattern.as_bytes()[i], b'0' | b'1' | b' ' | b'd' | b'n' | b'm' | b'a' | b'i');
        assert!(known, "patterns are made of 0 1 d n m a i and blanks");
        i += 1;
    }
    Form { pattern, mask, value, bytes, bits: &[], signed: true, rules: &[], commutes: false }
}

impl Form {
    pub(super) const fn bits(mut self, bits: &'static [u8]) -> Self {
        self.bits = bits;
        self
    }

    pub(super) const fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    pub(super) const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    pub(super) const fn commutes(mut self) -> Self {
        self.commutes = true;
        self
    }

    /// The part of the architecture that the encoding needs besides what the operation does.
    pub const fn extension(&self) -> Extension {
        if self.bytes == 2 { Extension::C } else { Extension::Base }
    }

    /// How many bits a letter has.
    pub(super) fn width(&self, letter: u8) -> u32 {
        self.pattern.bytes().map(|c| u32::from(c == letter)).sum()
    }

    /// The number in the bits of a letter, the first one highest.
    pub(super) fn extract(&self, letter: u8, word: u32) -> u32 {
        let mut at = 8 * u32::from(self.bytes);
        let mut found = 0;
        for c in self.pattern.bytes().filter(|&c| c != b' ') {
            at -= 1;
            if c == letter {
                found = found << 1 | word >> at & 1;
            }
        }
        found
    }

    /// The bits of a letter with this number in them.
    pub(super) fn insert(&self, letter: u8, mut number: u32) -> u32 {
        let mut word = 0;
        for (at, c) in self.pattern.bytes().rev().filter(|&c| c != b' ').enumerate() {
            if c == letter {
                word |= (number & 1) << at;
                number >>= 1;
            }
        }
        word
    }

    /// The immediate in a word.
    pub(super) fn immediate(&self, word: u32) -> i32 {
        let found = self.extract(b'i', word);
        let count = self.bits.len();
        let mut number = 0;
        for (at, &bit) in self.bits.iter().enumerate() {
            number |= (found >> (count - 1 - at) & 1) << bit;
        }
        let top = self.bits.iter().copied().max().unwrap_or(31);
        let shift = 31 - u32::from(top);
        if self.signed { ((number << shift) as i32) >> shift } else { number as i32 }
    }

    /// The bits of the immediate in place; `None` if they do not hold it.
    pub(super) fn with_immediate(&self, imm: i32) -> Option<u32> {
        let number = self.bits.iter().fold(0, |number, &bit| number << 1 | imm.cast_unsigned() >> bit & 1);
        let word = self.insert(b'i', number);
        (self.immediate(word) == imm).then_some(word)
    }
}
