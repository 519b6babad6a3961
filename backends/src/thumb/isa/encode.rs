//! From an instruction to its bytes: the first form of the table that takes it.

use super::extension::{Extension, Extensions};
use super::form::{Fields, Form, Imm, Rule};
use super::immediate;
use super::info::{Field, Role, Sets};
use super::inst::{Cond, Inst, Op, Shift};
use super::reg::Reg;
use super::text::text;

/// Why an instruction has no bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    /// The core lacks the operation altogether.
    #[error("`{text}` needs an extension that the core lacks")]
    Unsupported {
        /// The instruction as assembly text.
        text: String,
    },
    /// No encoding takes these registers, this number, shift, condition or width.
    #[error("no encoding takes the operands of `{text}` ({inst})")]
    Operands {
        /// The instruction as assembly text.
        text: String,
        /// All its fields.
        inst: String,
    },
}

/// The bytes of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Encoding {
    /// The halfwords; the second one is 0 if there is only one.
    halfwords: [u16; 2],
    /// One or two.
    count: u8,
}

impl Encoding {
    /// One or two halfwords, in the order of memory.
    pub fn halfwords(&self) -> &[u16] {
        &self.halfwords[..usize::from(self.count)]
    }

    /// The size in bytes, 2 or 4.
    pub const fn size(&self) -> u32 {
        2 * self.count as u32
    }

    /// The bytes, in the order of memory.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.halfwords().iter().flat_map(|halfword| halfword.to_le_bytes())
    }
}

/// The bytes of an instruction: the smallest form that fits, or the 32-bit one if `wide`. An instruction with a condition
/// is taken to stand in an IT block.
///
/// # Errors
///
/// If no form of the table takes the operands.
pub fn encode(inst: &Inst<Reg>) -> Result<Encoding, EncodeError> {
    encode_for(inst, Extensions::ALL)
}

/// The same with the forms that a core has. On Armv6-M there are the 16-bit ones, BL, MRS and barriers.
///
/// # Errors
///
/// If the core has no form that takes the operands.
pub fn encode_for(inst: &Inst<Reg>, extensions: Extensions) -> Result<Encoding, EncodeError> {
    let (form, word) = select(inst, extensions).ok_or_else(|| {
        let text = text(inst, None);
        if inst.op.supported(extensions) {
            EncodeError::Operands { text, inst: format!("{inst:?}") }
        } else {
            EncodeError::Unsupported { text }
        }
    })?;
    let (high, low) = ((word >> 16) as u16, word as u16);
    Ok(match form.bytes {
        2 => Encoding { halfwords: [low, 0], count: 1 },
        _ => Encoding { halfwords: [high, low], count: 2 },
    })
}

/// The size of an instruction in bytes, 2 or 4.
///
/// # Errors
///
/// As `encode`.
pub fn size(inst: &Inst<Reg>) -> Result<u32, EncodeError> {
    Ok(encode(inst)?.size())
}

/// The form that an instruction is encoded in; `None` if there is none.
pub fn form(inst: &Inst<Reg>, extensions: Extensions) -> Option<&'static Form> {
    Some(select(inst, extensions)?.0)
}

impl Op {
    /// Whether a core with these extensions has the operation, at least in some forms.
    pub fn supported(self, extensions: Extensions) -> bool {
        let info = self.info();
        extensions.has(info.needs) && info.forms.iter().any(|form| extensions.has(form.needs))
    }
}

/// The first form that takes the instruction, and its word.
fn select(inst: &Inst<Reg>, extensions: Extensions) -> Option<(&'static Form, u32)> {
    let info = inst.op.info();
    let roles_fit =
        Field::ALL.iter().all(|&field| inst.register(field).is_some() == (info.role(field) != Role::None));
    if !roles_fit || !extensions.has(info.needs) {
        return None;
    }
    info.forms
        .iter()
        .filter(|form| extensions.has(form.needs) && (form.bytes == 4 || !inst.wide))
        .find_map(|form| Some((form, word(form, inst)?)))
        // IT is not there without the main extension, nor is anything that runs under a condition.
        .filter(|_| !inst.is_in_it() || extensions.has(Extension::Main))
}

/// Whether one of the 16-bit forms takes the instruction.
pub(super) fn has_narrow_form(inst: &Inst<Reg>) -> bool {
    let narrow = Inst { wide: false, ..*inst };
    inst.op.info().forms.iter().any(|form| form.bytes == 2 && word(form, &narrow).is_some())
}

/// The instruction word of one form; `None` if it does not take the operands.
fn word(form: &Form, inst: &Inst<Reg>) -> Option<u32> {
    let word = plain_word(form, inst);
    if word.is_none() && form.commutes {
        return plain_word(form, &Inst { n: inst.m, m: inst.n, ..*inst });
    }
    word
}

fn plain_word(form: &Form, inst: &Inst<Reg>) -> Option<u32> {
    let mut fields = Fields::default();
    if !flags_fit(form, inst) || !rules_fit(form, inst) {
        return None;
    }
    put_condition(form, inst, &mut fields)?;
    if form.has(b'S') {
        *fields.at(b'S') = u32::from(inst.s);
    }
    for (field, letter, low) in
        [(Field::D, b'd', b'D'), (Field::N, b'n', b'N'), (Field::M, b'm', b'M'), (Field::A, b'a', b'?')]
    {
        if let Some(&register) = inst.register(field) {
            put_register(form, field, (letter, low), register, &mut fields)?;
        }
    }
    if form.has(b'x') {
        *fields.at(b'x') = fields.get(b'm');
    }
    put_shift(form, inst.shift, &mut fields)?;
    immediate::put(form, inst.imm, &mut fields)?;
    form.insert(fields)
}

/// Whether the form does to the flags what the instruction asks for.
fn flags_fit(form: &Form, inst: &Inst<Reg>) -> bool {
    let in_it = inst.is_in_it();
    if form.outside_it && in_it {
        return false;
    }
    match inst.op.info().sets {
        Sets::IfS if form.has(b'S') => true,
        Sets::IfS if form.sets_outside_it => inst.s != in_it,
        Sets::IfS | Sets::Never | Sets::Always => !inst.s,
    }
}

pub(super) fn rules_fit(form: &Form, inst: &Inst<Reg>) -> bool {
    form.rules.iter().all(|&rule| match rule {
        Rule::Same(one, other) => inst.register(one) == inst.register(other),
        Rule::IsSp(field) => inst.register(field) == Some(&Reg::SP),
        Rule::Differ(one, other) => inst.register(one) != inst.register(other),
        Rule::High(one, other) => {
            !inst.register(one).is_some_and(|r| r.is_low())
                || !inst.register(other).is_some_and(|r| r.is_low())
        }
        Rule::Zero => inst.imm == 0,
        Rule::NotZero => inst.imm != 0,
        Rule::BaseInList(wanted) => {
            inst.n.is_some_and(|n| !n.is_float() && (inst.imm >> n.number() & 1 == 1) == wanted)
        }
    }) && (form.imm != Imm::Count
        || inst.d.is_some_and(|d| inst.imm >= 1 && inst.imm <= 32 - i32::from(d.number())))
        && (form.imm != Imm::Pair || inst.imm < 31)
}

fn put_condition(form: &Form, inst: &Inst<Reg>, fields: &mut Fields) -> Option<()> {
    if form.has(b'c') {
        *fields.at(b'c') = inst.cond as u32;
        (inst.cond != Cond::Al).then_some(())
    } else {
        (inst.op.info().conditional || inst.cond == Cond::Al).then_some(())
    }
}

fn put_register(
    form: &Form,
    field: Field,
    (letter, low): (u8, u8),
    register: Reg,
    fields: &mut Fields,
) -> Option<()> {
    if low != b'?' && form.has(low) {
        *fields.at(letter) = u32::from(register.number()) >> 1;
        *fields.at(low) = u32::from(register.number()) & 1;
        return register.is_float().then_some(());
    }
    if register.is_float() {
        return None;
    }
    if form.has(letter) {
        *fields.at(letter) = u32::from(register.number());
        return register_fits(form, field, register).then_some(());
    }
    // A register that is not in the pattern is given by a rule, which was checked.
    Some(())
}

/// Whether a general register may stand in a field.
pub(super) fn register_fits(form: &Form, field: Field, register: Reg) -> bool {
    match register {
        Reg::SP => form.sp.contains(&field),
        Reg::PC => form.pc.contains(&field),
        _ => true,
    }
}

fn put_shift(form: &Form, shift: Shift, fields: &mut Fields) -> Option<()> {
    if form.has(b't') {
        let (kind, amount) = match shift {
            Shift::Lsl(amount @ 0..=31) => (0, amount),
            Shift::Lsr(amount @ 1..=32) => (1, amount),
            Shift::Asr(amount @ 1..=32) => (2, amount),
            Shift::Ror(amount @ 1..=31) => (3, amount),
            _ => return None,
        };
        *fields.at(b's') = u32::from(amount) % 32;
        *fields.at(b't') = if form.width(b't') == 2 {
            kind
        } else {
            // Saturation has one bit for LSL or ASR, and no ASR by 32.
            if kind % 2 != 0 || amount == 32 {
                return None;
            }
            kind / 2
        };
        return Some(());
    }
    match shift {
        Shift::Ror(amount) if form.has(b'r') => {
            *fields.at(b'r') = u32::from(amount) / 8;
            amount.is_multiple_of(8).then_some(())
        }
        Shift::Asr(amount @ 1..=32) if form.has(b'q') => {
            *fields.at(b'q') = u32::from(amount) % 32;
            Some(())
        }
        Shift::Lsl(amount) if form.has(b's') => {
            *fields.at(b's') = u32::from(amount);
            Some(())
        }
        Shift::Lsl(0) => (!form.has(b'q')).then_some(()),
        _ => None,
    }
}
