//! Short ways to write instructions and to put them into a machine.

use tinyc_targets::{Core, find};

use crate::thumb::isa::{Cond, Inst, Op, Reg, encode};
use crate::thumb::sim::{Fault, Machine, Outcome, Trap};
use crate::thumb::timing::Placed;

pub(super) type I = Inst<Reg>;

/// Where code lies unless a test says otherwise.
pub(super) const START: u32 = 0x0800_0000;

pub(super) fn r(number: u8) -> Option<Reg> {
    Some(Reg::r(number))
}

pub(super) fn s(number: u8) -> Option<Reg> {
    Some(Reg::s(number))
}

pub(super) fn three(op: Op, d: Option<Reg>, n: Option<Reg>, m: Option<Reg>) -> I {
    I { d, n, m, ..I::new(op) }
}

pub(super) fn access(op: Op, d: u8, n: u8, imm: i32) -> I {
    I { imm, ..three(op, r(d), r(n), None) }
}

pub(super) fn number(d: u8, imm: i32) -> I {
    I { imm, ..three(Op::MovImm, r(d), None, None) }
}

pub(super) fn list(op: Op, mask: i32) -> I {
    I { imm: mask, ..I::new(op) }
}

pub(super) fn branch(op: Op, imm: i32) -> I {
    I { imm, ..I::new(op) }
}

pub(super) fn if_not_equal(imm: i32) -> I {
    I { cond: Cond::Ne, ..branch(Op::Bcond, imm) }
}

pub(super) fn back() -> I {
    I { m: Some(Reg::LR), ..I::new(Op::Bx) }
}

pub(super) fn core(name: &str) -> Core {
    find(name).unwrap().core
}

pub(super) fn place(code: &[I]) -> Vec<Placed> {
    let mut address = START;
    let at = |inst: &I| {
        let bytes = encode(inst).unwrap().size();
        let placed = Placed { address, bytes, inst: *inst };
        address += bytes;
        placed
    };
    code.iter().map(at).collect()
}

pub(super) fn machine(core_name: &str, code: &[I]) -> Machine {
    Machine::with_code(place(code), &core(core_name))
}

pub(super) fn run(machine: &mut Machine, args: &[u32]) -> Result<Outcome, Fault> {
    machine.call_at(START, args, &mut |_, _| {})
}

/// The trap of a function on the M4 that gets the address of eight unwritten writable bytes in r0, and of eight
/// read-only ones (1 to 8) in r1.
pub(super) fn trap(code: &[I]) -> Trap {
    let mut machine = machine("cortex-m4", code);
    let buffer = machine.alloc("buffer", 8, 4, None, true).unwrap();
    let table = machine.alloc("table", 8, 4, Some(&[1, 2, 3, 4, 5, 6, 7, 8]), false).unwrap();
    run(&mut machine, &[buffer, table]).expect_err("the code is wrong").trap
}
