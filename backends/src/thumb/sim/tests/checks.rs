//! Every check has a program here that it stops, and a program beside it that it lets pass.

use super::build::{
    I, START, access, back, branch, core, if_not_equal, list, machine, number, place, r, run, s, three, trap,
};
use crate::thumb::isa::{Cond, Op, Reg};
use crate::thumb::sim::{Machine, STACK_BYTES, Trap};
use crate::thumb::timing::{Model, Placed, block};

const RAM: u32 = 0x2000_0000;
const FLOATS: [Op; 2] = [Op::Vldr, Op::Vstr];

#[test]
fn loads_stay_in_their_buffer() {
    let beyond = |imm| trap(&[access(Op::LdrImm, 0, 1, imm), back()]);
    assert!(matches!(beyond(8), Trap::LoadOutside { bytes: 4, .. }));
    assert!(matches!(beyond(-4), Trap::LoadOutside { .. }));
    let byte = trap(&[access(Op::LdrbImm, 0, 1, 8), back()]);
    assert!(matches!(byte, Trap::LoadOutside { bytes: 1, .. }));
    // Nowhere at all, and the empty flash.
    for address in [0, 0x4000_0000, 0x0800_0000, 0xffff_fffc_u32] {
        let code = [I { imm: address.cast_signed(), ..number(0, 0) }, access(Op::LdrImm, 0, 0, 0), back()];
        assert_eq!(run_trap(&code), Trap::LoadOutside { address, bytes: 4 });
    }
}

/// The trap of instructions that have immediates of any size: they need no encoding.
fn run_trap(code: &[I]) -> Trap {
    let placed = code.iter().zip((START..).step_by(4));
    let placed = placed.map(|(&inst, address)| Placed { address, bytes: 4, inst });
    run(&mut Machine::with_code(placed.collect(), &core("cortex-m4")), &[])
        .expect_err("the code is wrong")
        .trap
}

#[test]
fn stores_stay_in_writable_buffers() {
    let store = |base, imm| trap(&[access(Op::StrImm, 2, base, imm), back()]);
    assert!(matches!(store(0, 8), Trap::StoreOutside { bytes: 4, .. }));
    assert!(matches!(store(1, 0), Trap::StoreReadOnly { bytes: 4, .. }));
    for (op, bytes) in [(Op::StrbImm, 1), (Op::StrhImm, 2)] {
        let found = trap(&[access(op, 2, 1, 4), back()]);
        assert!(matches!(found, Trap::StoreReadOnly { bytes: b, .. } if b == bytes), "{found}");
    }
}

#[test]
fn only_what_was_written_is_read() {
    assert!(matches!(trap(&[access(Op::LdrImm, 2, 0, 0), back()]), Trap::Uninitialised { bytes: 4, .. }));
    // One byte of four is there.
    let part =
        [access(Op::StrbImm, 2, 0, 1), access(Op::LdrbImm, 2, 0, 1), access(Op::LdrhImm, 2, 0, 0), back()];
    assert!(matches!(trap(&part), Trap::Uninitialised { bytes: 2, .. }));
}

#[test]
fn accesses_are_aligned() {
    let found = trap(&[access(Op::LdrImm, 0, 1, 2), back()]);
    assert!(matches!(found, Trap::Unaligned { bytes: 4, .. }));
    assert!(matches!(trap(&[access(Op::LdrhImm, 0, 1, 1), back()]), Trap::Unaligned { bytes: 2, .. }));
    assert!(matches!(trap(&[access(Op::StrImm, 2, 0, 1), back()]), Trap::Unaligned { .. }));
    // Where the core would allow it for words, it never does for pairs, lists and floats.
    let mut odd = vec![I { n: r(1), ..list(Op::LdmKeep, 12) }, I { a: r(3), ..access(Op::LdrdImm, 2, 1, 0) }];
    odd.extend(FLOATS.map(|op| three(op, s(0), r(1), None)));
    for inst in odd {
        let mut machine = machine("cortex-m4", &[inst, back()]);
        machine.allow_unaligned(true);
        let table = machine.alloc("table", 16, 4, Some(&[1; 16]), true).unwrap();
        run(&mut machine, &[0, table]).unwrap();
        let fault = run(&mut machine, &[0, table + 2]).unwrap_err();
        assert!(matches!(fault.trap, Trap::Unaligned { .. }), "{inst:?}: {fault}");
    }
}

#[test]
fn unaligned_accesses_can_be_allowed_and_cost_more() {
    let mut machine = machine("cortex-m4", &[access(Op::LdrImm, 0, 1, 0), back()]);
    let table = machine.alloc("table", 8, 4, Some(&[1, 2, 3, 4, 5, 6, 7, 8]), false).unwrap();
    let aligned = run(&mut machine, &[0, table]).unwrap();
    assert_eq!(aligned.result, 0x0403_0201);
    machine.allow_unaligned(true);
    let half = run(&mut machine, &[0, table + 2]).unwrap();
    assert_eq!((half.result, half.cycles), (0x0605_0403, aligned.cycles + 1));
    let odd = run(&mut machine, &[0, table + 1]).unwrap();
    assert_eq!((odd.result, odd.cycles), (0x0504_0302, aligned.cycles + 2));
    assert!(matches!(run(&mut machine, &[0, table + 5]).unwrap_err().trap, Trap::LoadOutside { .. }));
}

#[test]
fn the_stack_belongs_to_what_is_above_its_pointer() {
    let sp = |op, imm| I { d: Some(Reg::SP), n: Some(Reg::SP), imm, ..I::new(op) };
    let at_sp = |op, imm| I { n: Some(Reg::SP), ..access(op, 2, 0, imm) };
    // Below the pointer: an interrupt would write there.
    assert!(matches!(trap(&[at_sp(Op::StrImm, -4), back()]), Trap::StoreOutside { .. }));
    // Room that was made but not written.
    let unwritten = [sp(Op::SubImm, 8), at_sp(Op::LdrImm, 0), back()];
    assert!(matches!(trap(&unwritten), Trap::Uninitialised { .. }));
    // What was popped is gone.
    let popped = [list(Op::Push, 4), list(Op::Pop, 4), sp(Op::SubImm, 4), at_sp(Op::LdrImm, 0)];
    assert!(matches!(trap(&popped), Trap::Uninitialised { .. }));
    let stack_pointer = RAM - 4;
    let sink = [number(3, 0xfffc), I { s: false, ..three(Op::Sub, Some(Reg::SP), Some(Reg::SP), r(3)) }];
    let overflow = [sink[0], sink[1], sp(Op::SubImm, 8), back()];
    assert_eq!(trap(&overflow), Trap::StackOverflow { stack_pointer });
    let odd = trap(&[number(3, 2), three(Op::Sub, Some(Reg::SP), Some(Reg::SP), r(3)), back()]);
    assert_eq!(odd, Trap::StackUnaligned { stack_pointer: RAM + STACK_BYTES - 2 });
}

#[test]
fn the_deepest_stack_is_told() {
    let code = [list(Op::Push, 0x40f0), list(Op::Push, 3), list(Op::Pop, 3), list(Op::Pop, 0x80f0)];
    let outcome = run(&mut machine("cortex-m4", &code), &[]).unwrap();
    assert_eq!((outcome.stack_bytes, outcome.instructions), (28, 4));
    let leaf = run(&mut machine("cortex-m4", &[back()]), &[1, 2, 3, 4, 5]).unwrap();
    assert_eq!((leaf.stack_bytes, leaf.result), (0, 1));
}

#[test]
fn functions_give_back_what_is_the_callers() {
    let found = trap(&[number(4, 7), back()]);
    assert!(matches!(found, Trap::NotPreserved { register, found: 7, .. } if register == "r4"));
    let float = trap(&[I { imm: 0x70, ..three(Op::VmovImm, s(16), None, None) }, back()]);
    assert!(matches!(float, Trap::NotPreserved { register, .. } if register == "s16"));
    let stack = trap(&[list(Op::Push, 0xf), back()]);
    assert!(matches!(stack, Trap::StackNotRestored { .. }));
    // Not only the outermost: here the inner one changes r4, and the outer one would restore it.
    let inner =
        [list(Op::Push, 0x4010), branch(Op::Bl, -4 + 2 + 4), list(Op::Pop, 0x8010), number(4, 1), back()];
    let placed = place(&inner);
    assert_eq!(placed[1].target(), Some(placed[3].address), "the test calls the inner function");
    assert!(matches!(trap(&inner), Trap::NotPreserved { .. }));
}

#[test]
fn jumps_lead_to_instructions() {
    let far = trap(&[branch(Op::B, 100)]);
    assert_eq!(far, Trap::NoInstruction { address: START + 104 });
    let middle = [branch(Op::B, 0), I { wide: true, ..number(0, 1) }, back()];
    assert_eq!(trap(&middle), Trap::NoInstruction { address: START + 4 });
    assert!(matches!(trap(&[number(0, 0)]), Trap::NoInstruction { .. }), "runs off the end");
    let even = [number(3, 64), I { m: r(3), ..I::new(Op::Bx) }];
    assert_eq!(trap(&even), Trap::WrongState { address: 64 });
    let outside = [number(3, 65), I { m: r(3), ..I::new(Op::Bx) }];
    assert_eq!(trap(&outside), Trap::NoInstruction { address: 64 });
}

#[test]
fn nothing_stops_the_core_and_nothing_runs_for_ever() {
    assert_eq!(trap(&[I::new(Op::Udf)]), Trap::Stopped);
    assert_eq!(trap(&[I::new(Op::Bkpt)]), Trap::Stopped);
    let mut endless = machine("cortex-m4", &[branch(Op::B, -4)]);
    endless.set_budget(1000);
    assert_eq!(run(&mut endless, &[]).unwrap_err().trap, Trap::Budget);
    // The last instruction allowed may be the last one needed.
    let mut short = machine("cortex-m4", &[number(0, 1), back()]);
    short.set_budget(2);
    assert_eq!(run(&mut short, &[]).unwrap().instructions, 2);
}

#[test]
fn buffers_and_calls_have_limits() {
    let mut machine = machine("cortex-m4", &[back()]);
    assert!(machine.alloc("huge", 1 << 30, 4, None, true).is_err());
    assert!(machine.alloc("short", 2, 4, Some(&[1, 2, 3]), true).is_err());
    assert!(run(&mut machine, &[0; 100_000]).is_err());
    assert!(machine.call("nothing", &[], &mut |_, _| {}).is_err());
    assert!(machine.read(0, 1).is_err() && machine.write(0, &[1]).is_err());
    let buffer = machine.alloc("buffer", 3, 1, Some(&[1, 2, 3]), true).unwrap();
    assert_eq!(machine.read(buffer, 3).unwrap(), [1, 2, 3]);
    machine.forget(buffer, 2).unwrap();
    assert!(machine.read(buffer, 1).is_err());
    assert_eq!(machine.read(buffer + 2, 1).unwrap(), [3]);
    assert!(machine.forget(1, 1).is_err());
}

#[test]
fn a_fault_says_where() {
    let mut machine = machine("cortex-m4", &[access(Op::LdrImm, 0, 0, 12), back()]);
    let buffer = machine.alloc("the input", 8, 4, Some(&[0; 8]), false).unwrap();
    let text = run(&mut machine, &[buffer]).unwrap_err().to_string();
    let expected = format!(
        "load of 4 bytes from {:#010x}, outside of all buffers (4 bytes behind the input, which has 8)\n  \
         at 0x08000000: ldr r0, [r0, #12]",
        buffer + 12
    );
    assert_eq!(text, expected);
}

#[test]
fn conditions_skip_and_still_cost() {
    let under = |cond, inst: I| I { cond, ..inst };
    let code = [
        I { imm: 5, ..three(Op::CmpImm, None, r(0), None) },
        I { cond: Cond::Eq, imm: 0b0100 | 0b1000, ..I::new(Op::It) },
        under(Cond::Eq, number(0, 1)),
        under(Cond::Ne, number(0, 2)),
        back(),
    ];
    let mut machine = machine("cortex-m4", &code);
    let same = run(&mut machine, &[5]).unwrap();
    let other = run(&mut machine, &[6]).unwrap();
    assert_eq!((same.result, other.result), (1, 2));
    assert_eq!((same.cycles, same.instructions), (other.cycles, other.instructions));
    // CMP 1, IT 0 (folded), two moves, BX 1 + 2.
    assert_eq!(same.cycles, 6);
}

/// The simulated count of a loop is the static one: the prices of the blocks, times how often they run.
#[test]
fn cycles_are_the_static_count() {
    for name in ["cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33", "cortex-m7"] {
        let code = [
            number(3, 10),
            access(Op::LdrImm, 2, 1, 0),
            I { s: true, ..three(Op::Add, r(0), r(0), r(2)) },
            I { s: true, ..access(Op::SubImm, 3, 3, 1) },
            if_not_equal(-6 - 4),
            back(),
        ];
        let placed = place(&code);
        let model = Model::new(&core(name));
        let prices = model.prices(&placed);
        let start = placed.iter().position(|at| at.inst.op == Op::LdrImm).unwrap();
        assert_eq!(placed[4].target(), Some(placed[start].address));
        let round = |entered| block(&prices[start..5], entered).cycles;
        let refill = model.refill_to(&code[4], &placed[start]);
        let expected = prices[0].entered.cycles
            + round(false)
            + 9 * (round(true) + refill)
            + prices[5].after.cycles
            + model.refill(&code[5], false);
        let mut machine = machine(name, &code);
        let table = machine.alloc("table", 8, 4, Some(&[1, 0, 0, 0, 0, 0, 0, 0]), false).unwrap();
        let outcome = run(&mut machine, &[0, table]).unwrap();
        assert_eq!((outcome.result, outcome.cycles), (10, u64::from(expected)), "{name}");
        assert_eq!(outcome.worst_cycles, outcome.cycles);
    }
}
