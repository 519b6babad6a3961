//! What the simulator refuses, and that it counts what the timing model says.

use super::{Machine, Trap};
use crate::codegen::sim::Image;
use crate::riscv32::isa::{Inst, Op, Reg};
use crate::riscv32::timing::Placed;
use tinyc_targets::Core;

fn core() -> Core {
    tinyc_targets::find("rv32imc").expect("the core is known").core
}

fn machine(code: &[Inst<Reg>]) -> Machine {
    let placed = |(at, &inst): (usize, &Inst<Reg>)| Placed { address: 4 * at as u32, bytes: 4, inst };
    let code: Vec<Placed> = code.iter().enumerate().map(placed).collect();
    let end = 4 * code.len() as u32;
    Machine::of_image(Image { end, code, ..Image::default() }, &core())
}

const RETURN: Inst<Reg> = Inst { n: Some(Reg::RA), ..Inst::new(Op::Jalr) };

fn trap(code: &[Inst<Reg>]) -> Trap {
    machine(code).call_at(0, &[], &mut |_, _| {}).expect_err("it should stop").trap
}

#[test]
fn results_and_cycles_come_back() {
    let a0 = Some(Reg::x(10));
    let code = [
        Inst { d: a0, imm: 40, ..Inst::new(Op::Addi) },
        Inst { d: a0, n: a0, imm: 2, ..Inst::new(Op::Addi) },
        RETURN,
    ];
    let outcome = machine(&code).call_at(0, &[], &mut |_, _| {}).expect("it runs");
    assert_eq!((outcome.result, outcome.instructions), (42, 3));
    let jump = core().timing.unwrap().jump_register.cycles;
    assert_eq!(outcome.cycles, u64::from(2 + jump));
}

#[test]
fn what_is_not_allowed_is_found() {
    let (a0, s1) = (Some(Reg::x(10)), Some(Reg::x(9)));
    let kept = Inst { d: s1, imm: 7, ..Inst::new(Op::Addi) };
    assert!(matches!(trap(&[kept, RETURN]), Trap::NotPreserved { register: "s1", found: 7, .. }));
    let load = Inst { d: a0, imm: 4, ..Inst::new(Op::Lw) };
    assert!(matches!(trap(&[load, RETURN]), Trap::LoadOutside { address: 4, bytes: 4 }));
    let far = Inst { n: a0, ..Inst::new(Op::Jalr) };
    assert!(matches!(trap(&[far]), Trap::NoInstruction { .. }));
    assert_eq!(trap(&[Inst::new(Op::Ebreak)]), Trap::Stopped);
    let deeper = Inst { d: Some(Reg::SP), n: Some(Reg::SP), imm: -16, ..Inst::new(Op::Addi) };
    assert!(matches!(trap(&[deeper, RETURN]), Trap::StackNotRestored { .. }));
}
