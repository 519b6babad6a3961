//! From halfwords to an instruction: the first form of the table whose fixed bits are there and whose fields have a meaning.

use std::sync::LazyLock;

use super::encode::{has_narrow_form, register_fits, rules_fit};
use super::form::{Fields, Form, Rule};
use super::immediate;
use super::info::{Field, Info, Role, Sets};
use super::inst::{Cond, Inst, Op, Shift};
use super::reg::Reg;

/// The forms that a halfword can begin, by its upper byte.
static BY_UPPER_BYTE: LazyLock<Vec<Vec<(&'static Info, &'static Form)>>> = LazyLock::new(|| {
    (0..256_u32)
        .map(|byte| {
            let begins = |form: &Form| {
                let top = 8 * (u32::from(form.bytes) - 1);
                (byte << top ^ form.value) & form.mask & 0xff << top == 0
            };
            Op::all()
                .flat_map(|op| op.info().forms.iter().map(move |form| (op.info(), form)))
                .filter(|(_, form)| begins(form))
                .collect()
        })
        .collect()
});

/// The instruction that the halfwords begin with, and its size in bytes. `in_it` is the condition under which it runs
/// inside an IT block. `None` if the table does not have it: it is undefined, unpredictable, or nothing that a compiler
/// writes. `wide` is set where there was a 16-bit form to choose.
pub fn decode(halfwords: &[u16], in_it: Option<Cond>) -> Option<(Inst<Reg>, u32)> {
    let (&first, rest) = halfwords.split_first()?;
    let is_wide = first >= 0xe800;
    let (word, bytes) = match is_wide {
        false => (u32::from(first), 2),
        true => (u32::from(first) << 16 | u32::from(*rest.first()?), 4),
    };
    BY_UPPER_BYTE[usize::from(first >> 8)]
        .iter()
        .filter(|(_, form)| form.bytes == bytes && word & form.mask == form.value)
        .find_map(|(info, form)| read(info, form, word, in_it.unwrap_or(Cond::Al)))
        .map(|inst| (inst, u32::from(bytes)))
}

/// The instruction that a word is in one form.
fn read(info: &Info, form: &Form, word: u32, in_it: Cond) -> Option<Inst<Reg>> {
    let fields = form.extract(word);
    let mut inst = Inst::new(info.op);
    inst.cond = condition(info, form, &fields, in_it)?;
    inst.s = match info.sets {
        Sets::IfS if form.has(b'S') => fields.get(b'S') == 1,
        Sets::IfS => form.sets_outside_it && in_it == Cond::Al,
        Sets::Never | Sets::Always => false,
    };
    read_registers(info, form, &fields, &mut inst)?;
    inst.shift = shift(form, &fields)?;
    inst.imm = immediate::take(form, &fields)?;
    if !rules_fit(form, &inst) {
        return None;
    }
    inst.wide = form.bytes == 4 && has_narrow_form(&inst);
    Some(inst)
}

fn condition(info: &Info, form: &Form, fields: &Fields, in_it: Cond) -> Option<Cond> {
    let refused = form.outside_it || !info.conditional;
    if in_it != Cond::Al && refused {
        return None;
    }
    if form.has(b'c') {
        return Cond::from_number(fields.get(b'c')).filter(|&cond| cond != Cond::Al);
    }
    Some(in_it)
}

fn read_registers(info: &Info, form: &Form, fields: &Fields, inst: &mut Inst<Reg>) -> Option<()> {
    let number = |letter: u8| u8::try_from(fields.get(letter)).expect("at most four bits");
    for (field, letter, low) in
        [(Field::D, b'd', b'D'), (Field::N, b'n', b'N'), (Field::M, b'm', b'M'), (Field::A, b'a', b'a')]
    {
        if info.role(field) == Role::None || !form.has(letter) {
            continue;
        }
        let is_float = low != b'a' && form.has(low);
        let register = match is_float {
            true => Reg::s(number(letter) << 1 | number(low)),
            false => Reg::r(number(letter)),
        };
        if !is_float && !register_fits(form, field, register) {
            return None;
        }
        *inst.register_mut(field) = Some(register);
    }
    // Both copies of a register that is coded twice must agree.
    if form.has(b'x') && fields.get(b'x') != fields.get(b'm') {
        return None;
    }
    for &rule in form.rules {
        match rule {
            Rule::Same(one, other) if !has_field(form, one) => {
                *inst.register_mut(one) = inst.register(other).copied();
            }
            Rule::IsSp(field) => *inst.register_mut(field) = Some(Reg::SP),
            _ => {}
        }
    }
    Some(())
}

fn has_field(form: &Form, field: Field) -> bool {
    form.has(match field {
        Field::D => b'd',
        Field::N => b'n',
        Field::M => b'm',
        Field::A => b'a',
    })
}

fn shift(form: &Form, fields: &Fields) -> Option<Shift> {
    let amount = u8::try_from(fields.get(b's')).expect("at most five bits");
    let or_32 = |amount: u8| if amount == 0 { 32 } else { amount };
    if form.has(b't') {
        if form.width(b't') == 1 {
            return match fields.get(b't') {
                0 => Some(Shift::Lsl(amount)),
                _ => (amount != 0).then_some(Shift::Asr(amount)),
            };
        }
        return match fields.get(b't') {
            0 => Some(Shift::Lsl(amount)),
            1 => Some(Shift::Lsr(or_32(amount))),
            2 => Some(Shift::Asr(or_32(amount))),
            // By 0 it would be RRX.
            _ => (amount != 0).then_some(Shift::Ror(amount)),
        };
    }
    let rotation = u8::try_from(8 * fields.get(b'r')).expect("two bits");
    Some(if form.has(b'q') {
        Shift::Asr(or_32(u8::try_from(fields.get(b'q')).expect("at most five bits")))
    } else if rotation != 0 {
        Shift::Ror(rotation)
    } else {
        Shift::Lsl(amount)
    })
}
