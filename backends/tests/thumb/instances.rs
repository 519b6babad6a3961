//! Pseudo-random legal instructions for every encoding of the table: random words that the decoder accepts. Whether it is
//! right to accept them, and what it says they are, is for the assembler to judge.

use tinyc_backends::thumb::isa::{Cond, Extensions, Form, Inst, Op, Reg, Shift, decode, form};

/// One instruction and the encoding that the table picks for it.
pub(crate) struct Instance {
    pub(crate) inst: Inst<Reg>,
    pub(crate) form: &'static Form,
}

/// A small generator of random numbers (xorshift), always with the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }
}

/// Up to `count` different instances of each form, in the order of the table. Fails for a form that has none.
pub(crate) fn all(extensions: Extensions, count: usize) -> Vec<Instance> {
    let mut random = Random::new();
    let mut found = Vec::new();
    for op in Op::all().filter(|op| op.supported(extensions)) {
        for wanted in op.info().forms {
            let before = found.len();
            some(op, wanted, extensions, count, &mut random, &mut found);
            let reachable = extensions.has(wanted.extension());
            assert_eq!(found.len() > before, reachable, "{op:?}: instances of {}", wanted.pattern);
        }
    }
    found
}

fn some(
    op: Op,
    wanted: &'static Form,
    extensions: Extensions,
    count: usize,
    random: &mut Random,
    found: &mut Vec<Instance>,
) {
    let mut seen = std::collections::BTreeSet::new();
    for attempt in 0..200 * count {
        let bits = match attempt % 4 {
            // Few and many ones as well: the ends of ranges matter most.
            0 => random.next() & random.next() & random.next(),
            1 => random.next() | random.next() | random.next(),
            _ => random.next(),
        };
        let word = wanted.value | bits & !wanted.mask & (u32::MAX >> (32 - 8 * wanted.bytes));
        let halfwords = match wanted.bytes {
            2 => vec![word as u16],
            _ => vec![(word >> 16) as u16, word as u16],
        };
        let has_it = extensions != Extensions::BASE;
        let in_it = (has_it && random.next().is_multiple_of(4))
            .then(|| Cond::from_number(random.next() % 14).unwrap());
        let Some((inst, _)) = decode(&halfwords, in_it) else { continue };
        let is_it = inst.op == op && form(&inst, extensions).is_some_and(|form| std::ptr::eq(form, wanted));
        if is_it && seen.insert((word, inst.cond as u8)) {
            found.push(Instance { inst, form: wanted });
            if seen.len() == count {
                return;
            }
        }
    }
}

/// The instruction with one field replaced by something random, legal or not.
pub(crate) fn with_a_change(mut inst: Inst<Reg>, random: &mut Random) -> Inst<Reg> {
    let register = match random.next() % 12 {
        0 => None,
        1 => Some(Reg::s((random.next() % 32) as u8)),
        2..6 => Some(Reg::r((random.next() % 8) as u8)),
        _ => Some(Reg::r((random.next() % 16) as u8)),
    };
    let amount = (random.next() % 34) as u8;
    match random.next() % 10 {
        0 => inst.d = register,
        1 => inst.n = register,
        2 => inst.m = register,
        3 => inst.a = register,
        4 => inst.imm = (random.next() >> (random.next() % 32)) as i32,
        5 => inst.imm = ((random.next() as i32) >> (random.next() % 32)).wrapping_neg(),
        6 => {
            let kinds = [Shift::Lsl, Shift::Lsr, Shift::Asr, Shift::Ror];
            inst.shift = kinds[random.next() as usize % 4](amount);
        }
        7 => inst.cond = Cond::from_number(random.next() % 15).unwrap(),
        8 => inst.s = !inst.s,
        _ => inst.wide = !inst.wide,
    }
    inst
}
