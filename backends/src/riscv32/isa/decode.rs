//! From halfwords to an instruction: the form of the table whose fixed bits are there and whose rules hold.

use std::sync::LazyLock;

use super::encode::{has_narrow_form, rules_fit};
use super::form::{Form, Rule};
use super::info::Info;
use super::inst::{Inst, Op};
use super::reg::Reg;
use crate::codegen::{Field, Role};

/// The forms by the lowest seven bits.
static BY_OPCODE: LazyLock<Vec<Vec<(&'static Info, &'static Form)>>> = LazyLock::new(|| {
    let all = || Op::all().flat_map(|op| op.info().forms.iter().map(move |form| (op.info(), form)));
    (0..128_u32)
        .map(|low| all().filter(|(_, form)| (low ^ form.value) & form.mask & 0x7f == 0).collect())
        .collect()
});

/// The instruction that the halfwords begin with, and its size in bytes; `None` if the table does not have it. `wide` is set
/// where there was a 16-bit form to choose.
pub fn decode(halfwords: &[u16]) -> Option<(Inst<Reg>, u32)> {
    let (&first, rest) = halfwords.split_first()?;
    let (word, bytes) = match first & 3 {
        3 => (u32::from(*rest.first()?) << 16 | u32::from(first), 4),
        _ => (u32::from(first), 2),
    };
    BY_OPCODE[usize::from(first & 0x7f)]
        .iter()
        .filter(|(_, form)| form.bytes == bytes && word & form.mask == form.value)
        .find_map(|(info, form)| read(info, form, word))
        .map(|inst| (inst, u32::from(bytes)))
}

/// The instruction that a word is in one form.
fn read(info: &Info, form: &Form, word: u32) -> Option<Inst<Reg>> {
    let mut inst = Inst::new(info.op);
    for (field, letter) in Field::ALL.into_iter().zip(*b"dnma") {
        let width = form.width(letter);
        if info.role(field) == Role::None || width == 0 {
            continue;
        }
        let number = form.extract(letter, word) as u8 + if width == 3 { 8 } else { 0 };
        *inst.register_mut(field) = register(number, info.is_float(field));
    }
    for &rule in form.rules {
        match rule {
            Rule::Same => inst.n = inst.d,
            Rule::Is(field, number) => *inst.register_mut(field) = register(number, false),
            _ => {}
        }
    }
    inst.imm = if form.bits.is_empty() { 0 } else { form.immediate(word) };
    if !rules_fit(form, &inst) {
        return None;
    }
    inst.wide = form.bytes == 4 && has_narrow_form(&inst);
    Some(inst)
}

fn register(number: u8, is_float: bool) -> Option<Reg> {
    match number {
        _ if is_float => Some(Reg::f(number)),
        0 => None,
        _ => Some(Reg::x(number)),
    }
}
