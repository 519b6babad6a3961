//! From an instruction to its bytes: the first form of the table that takes it.

use super::extension::{Extension, Extensions};
use super::form::{Form, Rule};
use super::inst::{Inst, Op};
use super::reg::Reg;
use super::text::text;
use crate::codegen::{Field, Role};

/// Why an instruction has no bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    /// The core lacks the operation.
    #[error("`{0}` needs an extension that the core lacks")]
    Unsupported(String),
    /// No encoding takes these registers or this number.
    #[error("no encoding takes the operands of `{0}`")]
    Operands(String),
}

/// The bytes of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Encoding {
    word: u32,
    bytes: u8,
}

impl Encoding {
    /// The size in bytes, 2 or 4.
    pub const fn size(&self) -> u32 {
        self.bytes as u32
    }

    /// The bytes, in the order of memory.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.word.to_le_bytes().into_iter().take(usize::from(self.bytes))
    }

    /// The word; its upper half is 0 if there are two bytes.
    pub const fn word(&self) -> u32 {
        self.word
    }
}

/// The bytes of an instruction: the smallest form that fits and that a core has, or the 32-bit one if `wide`.
///
/// # Errors
/// If no form of the table takes the operands.
pub fn encode(inst: &Inst<Reg>, extensions: Extensions) -> Result<Encoding, EncodeError> {
    if !inst.op.supported(extensions) {
        return Err(EncodeError::Unsupported(text(inst, None)));
    }
    let forms = inst.op.info().forms.iter();
    let mut taken = forms
        .filter(|form| extensions.has(form.extension()) && (form.bytes == 4 || !inst.wide))
        .filter_map(|form| Some(Encoding { word: word(form, inst, extensions)?, bytes: form.bytes }));
    taken.next().ok_or_else(|| EncodeError::Operands(text(inst, None)))
}

impl Op {
    /// Whether a core with these extensions has the operation.
    pub fn supported(self, extensions: Extensions) -> bool {
        extensions.has(self.info().needs)
    }
}

/// Whether one of the 16-bit forms takes the instruction.
pub(super) fn has_narrow_form(inst: &Inst<Reg>) -> bool {
    let forms = inst.op.info().forms.iter();
    forms.filter(|form| form.bytes == 2).any(|form| word(form, inst, Extensions::ALL).is_some())
}

fn word(form: &Form, inst: &Inst<Reg>, extensions: Extensions) -> Option<u32> {
    let plain = plain_word(form, inst, extensions);
    if plain.is_none() && form.commutes {
        return plain_word(form, &Inst { n: inst.m, m: inst.n, ..*inst }, extensions);
    }
    plain
}

fn plain_word(form: &Form, inst: &Inst<Reg>, extensions: Extensions) -> Option<u32> {
    let info = inst.op.info();
    if !rules_fit(form, inst) {
        return None;
    }
    let mut word = form.value;
    for (field, letter) in Field::ALL.into_iter().zip(*b"dnma") {
        let register = inst.register(field);
        if info.role(field) == Role::None {
            if register.is_some() {
                return None;
            }
            continue;
        }
        // A float register has a name, a general one that is absent is x0.
        if register.map_or(info.is_float(field), |reg| reg.is_float() != info.is_float(field)) {
            return None;
        }
        let number = register.map_or(0, |reg| u32::from(reg.number()));
        if number > 15 && !info.is_float(field) && !extensions.has(Extension::Registers) {
            return None;
        }
        match form.width(letter) {
            0 => {}
            3 => word |= form.insert(letter, number.checked_sub(8).filter(|&number| number < 8)?),
            _ => word |= form.insert(letter, number),
        }
    }
    if form.bits.is_empty() {
        (inst.imm == 0).then_some(word)
    } else {
        Some(word | form.with_immediate(inst.imm)?)
    }
}

pub(super) fn rules_fit(form: &Form, inst: &Inst<Reg>) -> bool {
    let number = |field: Field| inst.register(field).map_or(0, |reg| reg.number());
    form.rules.iter().all(|&rule| match rule {
        Rule::Same => inst.d == inst.n,
        Rule::Is(field, wanted) => number(field) == wanted,
        Rule::Not(field, unwanted) => number(field) != unwanted,
        Rule::NotZero => inst.imm != 0,
        Rule::Zero => inst.imm == 0,
    })
}
