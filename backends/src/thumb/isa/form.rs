//! One encoding of an operation: a pattern of bits and letters, and the rules under which it applies.
//!
//! Letters of a pattern; the bits of one letter are put together, the first one highest:
//!
//! | letter | field |
//! |---|---|
//! | `d` `n` `m` `a` | number of a general register; three bits reach r0 to r7 |
//! | `D` `N` `M` | lowest bit of a float register's number; `d` `n` `m` are then its upper four |
//! | `x` | `m` once more |
//! | `i`, `j` | the immediate; `j` lies above `i` |
//! | `w` | second number of bit fields |
//! | `u` | 1 if the immediate is added, 0 if subtracted |
//! | `s`, `t` | amount and kind of the shift; without `t` it is LSL, with one `t` LSL or ASR |
//! | `q` | amount of an ASR, 32 as 0 |
//! | `r` | rotation in bytes |
//! | `S` | whether the flags are written |
//! | `c` | the condition |
//! | `k` `p` `o` | sign, J1 and J2 of far branches |

use super::extension::Extension;
use super::info::Field;
use crate::codegen::pattern::fixed;

/// An encoding. Made by [`narrow`] and [`wide`].
#[derive(Debug)]
pub struct Form {
    /// Bits from the highest to the lowest, first halfword first; blanks do not count.
    pub pattern: &'static str,
    /// The bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Two or four bytes.
    pub bytes: u8,
    /// One bit for each letter in the pattern.
    letters: u64,
    /// How the immediate is coded.
    pub(super) imm: Imm,
    pub(super) rules: &'static [Rule],
    /// Fields of four bits that may name SP, or PC; else those are refused.
    pub(super) sp: &'static [Field],
    pub(super) pc: &'static [Field],
    /// Writes the flags outside of IT blocks and keeps them inside.
    pub(super) sets_outside_it: bool,
    /// Not allowed inside an IT block.
    pub(super) outside_it: bool,
    /// Also encodes the instruction with n and m exchanged.
    pub(super) commutes: bool,
    /// The part of the architecture that it needs, if more than the operation.
    pub(super) needs: Extension,
}

/// How the letters `i`, `j`, `u`, `w`, `k`, `p`, `o` make the immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Imm {
    /// There is none.
    None,
    /// `j:i << n`.
    Unsigned(u8),
    /// The same, added or subtracted after `u`.
    Signed(u8),
    /// Minus `i`; never 0.
    Negative,
    /// A modified immediate.
    Modified,
    /// A shift by 1 to 31, or to 32 (coded as 0).
    Amount(u8),
    /// `i + 1`.
    PlusOne,
    /// `i` is the lowest bit, `w` the width - 1.
    FieldWidth,
    /// `i` is the lowest bit, `w` the highest.
    FieldHighest,
    /// A displacement in halfwords.
    Branch,
    /// J1 and J2 as they are (B with condition).
    FarConditional,
    /// J1 and J2 mixed with the sign (B, BL).
    Far,
    /// A register list out of `allowed`, `least` registers or more; `j` is register `extra`.
    List { extra: u8, allowed: u16, least: u8 },
    /// The number of neighbouring floats from `d` on.
    Count,
    /// The first of two neighbouring floats, `i:j`.
    Pair,
}

/// A condition on the fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// The first field, which is not in the pattern, is the same register as the second.
    Same(Field, Field),
    /// The field, which is not in the pattern, is SP.
    IsSp(Field),
    /// The two are different.
    Differ(Field, Field),
    /// At least one of the two is above r7.
    High(Field, Field),
    /// The immediate is 0 and not in the pattern.
    Zero,
    /// The immediate is not 0: that would be another instruction.
    NotZero,
    /// The base is in the register list, or not.
    BaseInList(bool),
}

/// A 16-bit encoding.
pub(super) const fn narrow(pattern: &'static str) -> Form {
    form(pattern, 2, Extension::Base)
}

/// A 32-bit encoding.
pub(super) const fn wide(pattern: &'static str) -> Form {
    form(pattern, 4, Extension::Main)
}

const fn form(pattern: &'static str, bytes: u8, needs: Extension) -> Form {
    let (mask, value) = fixed(pattern, bytes);
    let (mut letters, mut i) = (0, 0);
    while i < pattern.len() {
        let c = pattern.as_bytes()[i];
        if !matches!(c, b'0' | b'1' | b' ') {
            letters |= bit(c);
        }
        i += 1;
    }
    Form {
        pattern,
        mask,
        value,
        bytes,
        letters,
        imm: if letters & bit(b'i') == 0 { Imm::None } else { Imm::Unsigned(0) },
        rules: &[],
        sp: &[],
        pc: &[],
        sets_outside_it: false,
        outside_it: false,
        commutes: false,
        needs,
    }
}

/// The bit of a letter in a set of letters.
const fn bit(letter: u8) -> u64 {
    assert!(letter.is_ascii_alphabetic());
    1 << (letter - b'A')
}

impl Form {
    pub(super) const fn imm(mut self, imm: Imm) -> Self {
        self.imm = imm;
        self
    }

    pub(super) const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    pub(super) const fn sp(mut self, fields: &'static [Field]) -> Self {
        self.sp = fields;
        self
    }

    pub(super) const fn pc(mut self, fields: &'static [Field]) -> Self {
        self.pc = fields;
        self
    }

    /// Writes the flags, except inside IT blocks.
    pub(super) const fn sets(mut self) -> Self {
        self.sets_outside_it = true;
        self
    }

    pub(super) const fn outside_it(mut self) -> Self {
        self.outside_it = true;
        self
    }

    pub(super) const fn commutes(mut self) -> Self {
        self.commutes = true;
        self
    }

    pub(super) const fn needs(mut self, extension: Extension) -> Self {
        self.needs = extension;
        self
    }

    /// The part of the architecture that the encoding belongs to; the operation may need more.
    pub const fn extension(&self) -> Extension {
        self.needs
    }

    /// Whether the letter is in the pattern.
    pub(super) const fn has(&self, letter: u8) -> bool {
        self.letters & bit(letter) != 0
    }

    /// How many bits a letter has.
    pub(super) fn width(&self, letter: u8) -> u32 {
        self.pattern.bytes().map(|c| u32::from(c == letter)).sum()
    }

    /// The numbers in the fields of an instruction word.
    pub(super) fn extract(&self, word: u32) -> Fields {
        let mut fields = Fields::default();
        let mut bit = 8 * u32::from(self.bytes);
        for c in self.pattern.bytes().filter(|&c| c != b' ') {
            bit -= 1;
            if c.is_ascii_alphabetic() {
                let field = fields.at(c);
                *field = *field << 1 | word >> bit & 1;
            }
        }
        fields
    }

    /// The instruction word with these numbers; `None` if one does not fit into its field.
    pub(super) fn insert(&self, mut fields: Fields) -> Option<u32> {
        let mut word = self.value;
        for (bit, c) in self.pattern.bytes().rev().filter(|&c| c != b' ').enumerate() {
            if c.is_ascii_alphabetic() {
                let field = fields.at(c);
                word |= (*field & 1) << bit;
                *field >>= 1;
            }
        }
        // What is left did not fit.
        fields.0.iter().all(|&rest| rest == 0).then_some(word)
    }
}

/// Numbers by letter.
#[derive(Clone, Copy)]
pub(super) struct Fields([u32; 58]);

impl Default for Fields {
    fn default() -> Self {
        Self([0; 58])
    }
}

impl Fields {
    /// The number of a letter, to read or write.
    pub(super) fn at(&mut self, letter: u8) -> &mut u32 {
        &mut self.0[usize::from(letter - b'A')]
    }

    /// The number of a letter.
    pub(super) fn get(&self, letter: u8) -> u32 {
        self.0[usize::from(letter - b'A')]
    }
}
