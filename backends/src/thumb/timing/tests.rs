//! Loops whose cycles follow from the rules in the vendors' manuals: the expected number stands beside the loop with its
//! derivation. Every loop ends in `subs r7, #1` and `bne`: 1 + 2 cycles on the M3 and M4.

use tinyc_targets::find;

use super::*;
use crate::thumb::isa::{Cond, Inst, Op, Reg};

type I = Inst<Reg>;

fn r(number: u8) -> Option<Reg> {
    Some(Reg::r(number))
}

fn s(number: u8) -> Option<Reg> {
    Some(Reg::s(number))
}

fn three(op: Op, d: Option<Reg>, n: Option<Reg>, m: Option<Reg>) -> I {
    I { d, n, m, ..I::new(op) }
}

fn four(op: Op, d: u8, n: u8, m: u8, a: u8) -> I {
    I { a: r(a), ..three(op, r(d), r(n), r(m)) }
}

fn mov(d: u8, m: u8) -> I {
    three(Op::Mov, r(d), None, r(m))
}

fn access(op: Op, d: u8, n: u8, imm: i32) -> I {
    I { imm, ..three(op, r(d), r(n), None) }
}

fn list(op: Op, n: Option<Reg>, mask: i32) -> I {
    I { imm: mask, ..three(op, None, n, None) }
}

fn bytes(inst: &I) -> u32 {
    // What an encoder would choose for the forms used here.
    let low = |reg: Option<Reg>| reg.is_none_or(Reg::is_low);
    let narrow = match inst.op {
        Op::Mov
        | Op::Nop
        | Op::It
        | Op::Bx
        | Op::Push
        | Op::Pop
        | Op::Bcond
        | Op::B
        | Op::CmpImm
        | Op::Cmp => true,
        Op::LdrImm | Op::StrImm => (0..128).contains(&inst.imm) && low(inst.d) && low(inst.n),
        Op::Ldr | Op::Str | Op::Add | Op::SubImm | Op::AddImm => low(inst.d) && low(inst.n),
        _ => false,
    };
    if narrow && !inst.wide { 2 } else { 4 }
}

fn place(code: &[I], mut address: u32) -> Vec<Placed> {
    let at = |inst: &I| {
        let placed = Placed { address, bytes: bytes(inst), inst: *inst };
        address = placed.end();
        placed
    };
    code.iter().map(at).collect()
}

/// Cycles of one round of a loop around `body`, which begins at a multiple of 16.
fn round(core: &str, body: &[I]) -> Cost {
    let model = Model::new(&find(core).unwrap().core);
    let mut code = body.to_vec();
    code.push(I { s: true, ..access(Op::SubImm, 7, 7, 1) });
    let length: u32 = code.iter().map(bytes).sum();
    code.push(I { cond: Cond::Ne, imm: -(length as i32) - 4, ..I::new(Op::Bcond) });
    let placed = place(&code, 0x100);
    let back = placed.last().unwrap();
    assert_eq!(back.target(), Some(0x100));
    let prices = model.prices(&placed);
    block(&prices, true) + Cost::fixed(model.refill_to(&back.inst, &placed[0]))
}

fn body(core: &str, code: &[I]) -> u32 {
    round(core, code).cycles - round(core, &[]).cycles
}

#[test]
fn loops_on_the_m4_take_what_the_manual_says() {
    let ldr = |d, n, imm| access(Op::LdrImm, d, n, imm);
    let float = |op, d, n, m| three(op, s(d), s(n), s(m));
    let many = |count: i32, op, inst: &dyn Fn(u8) -> I| -> Vec<I> {
        (0..count).map(|at| I { op, ..inst(at as u8) }).collect()
    };
    let cases: Vec<(&str, Vec<I>, u32)> = vec![
        ("moves: 1 each", vec![mov(0, 1), mov(2, 3), mov(0, 1), mov(2, 3)], 4),
        ("8 neighbouring loads: 2 + 7", (0..8).map(|i| ldr(i % 4, 4, 4 * i32::from(i))).collect(), 9),
        ("4 loads, each the address of the next: 2 each", vec![ldr(5, 5, 0); 4], 8),
        ("load 2, add 1", [ldr(0, 4, 0), three(Op::Add, r(1), r(0), r(0))].repeat(4), 12),
        ("LDM: 1 + 4", vec![list(Op::LdmKeep, r(4), 0xf)], 5),
        ("PUSH and POP: 1 + 4 each", vec![list(Op::Push, None, 0xf), list(Op::Pop, None, 0xf)], 10),
        ("LDRD: 1 + 2", vec![I { a: r(1), ..access(Op::LdrdImm, 0, 4, 0) }], 3),
        ("STRD: 1 + 2", vec![I { a: r(1), ..access(Op::StrdImm, 0, 4, 0) }], 3),
        ("stores into the write buffer: 1", vec![access(Op::StrImm, 0, 4, 8); 4], 4),
        ("stores with register offset: 2", vec![three(Op::Str, r(0), r(4), r(6)); 4], 8),
        ("the same behind a load: 2 + 1", vec![ldr(1, 4, 0), three(Op::Str, r(0), r(4), r(6))], 3),
        ("loads 2 + 1, store 1", vec![ldr(0, 4, 0), ldr(1, 4, 4), access(Op::StrImm, 0, 4, 8)], 4),
        ("SMLAD: 1", vec![four(Op::Smlad, 0, 1, 2, 0); 4], 4),
        ("long products: 1", vec![four(Op::Smull, 0, 2, 3, 1), four(Op::Smlal, 0, 2, 3, 1)], 2),
        ("MUL, MLA: 1", vec![three(Op::Mul, r(0), r(1), r(2)), four(Op::Mla, 0, 1, 2, 3)], 2),
        (
            "SMMULR, SSAT: 1",
            vec![three(Op::Smmulr, r(0), r(1), r(2)), I { imm: 8, ..three(Op::Ssat, r(0), r(0), None) }],
            2,
        ),
        ("SDIV: 2 to 12, taken as 7", vec![three(Op::Sdiv, r(0), r(1), r(2))], 7),
        ("packing: 1", vec![three(Op::Sxtb16, r(0), None, r(1)), three(Op::Pkhbt, r(0), r(1), r(2))], 2),
        ("VFMA: 3, no wait for the addend", vec![float(Op::Vfma, 0, 1, 2); 4], 12),
        ("result used at once: + 1", vec![float(Op::Vmul, 0, 1, 2), float(Op::Vadd, 3, 0, 1)], 3),
        ("but not as addend", vec![float(Op::Vmul, 0, 1, 2), float(Op::Vfma, 0, 1, 3)], 4),
        ("as factor", vec![float(Op::Vmul, 0, 1, 2), float(Op::Vfma, 4, 0, 3)], 5),
        ("VDIV: 14", vec![float(Op::Vdiv, 0, 1, 2)], 14),
        (
            "VLDR: 2 each",
            many(4, Op::Vldr, &|i| I { imm: 4 * i32::from(i), ..three(Op::Vldr, s(i), r(4), None) }),
            8,
        ),
        ("VLDM: 1 + 4", vec![I { imm: 4, ..three(Op::VldmKeep, s(0), r(4), None) }], 5),
        ("two floats to two registers: 2", vec![I { a: r(1), ..access(Op::VmovPairFromFloat, 0, 0, 0) }], 2),
        ("address from the instruction before: + 1", vec![mov(2, 4), ldr(0, 2, 0)], 1 + 3),
        ("not from the one before that", vec![mov(2, 4), mov(1, 1), ldr(0, 2, 0)], 1 + 1 + 2),
        ("stores too", vec![mov(2, 4), access(Op::StrImm, 0, 2, 0)], 1 + 2),
        (
            "loads with writeback never pipeline",
            vec![mov(2, 4), mov(1, 1), access(Op::LdrPost, 0, 2, 4), access(Op::LdrPost, 1, 2, 4)],
            2 + 4,
        ),
        (
            "nor a load behind one",
            vec![mov(2, 4), mov(1, 1), access(Op::LdrPost, 0, 2, 4), ldr(1, 4, 0)],
            2 + 4,
        ),
        (
            "IT folds into a 16-bit instruction",
            vec![
                three(Op::Cmp, None, r(0), r(0)),
                I { cond: Cond::Eq, imm: 8, ..I::new(Op::It) },
                I { cond: Cond::Eq, ..mov(1, 0) },
            ],
            2,
        ),
        (
            "and not into a 32-bit one",
            vec![
                three(Op::Mul, r(2), r(0), r(0)),
                I { cond: Cond::Eq, imm: 8, ..I::new(Op::It) },
                I { cond: Cond::Eq, ..mov(1, 0) },
            ],
            3,
        ),
        ("MRS: 2", vec![three(Op::MrsApsr, r(0), None, None)], 2),
        ("STR behind VADD waits", vec![float(Op::Vadd, 0, 1, 2), three(Op::Vstr, s(0), r(4), None)], 1 + 3),
    ];
    assert_eq!(round("cortex-m4", &[]), Cost::fixed(3));
    for (name, code, expected) in cases {
        assert_eq!(body("cortex-m4", &code), expected, "{name}");
    }
}

#[test]
fn operands_give_a_worst_case() {
    let divide = round("cortex-m4", &[three(Op::Udiv, r(0), r(1), r(2))]);
    assert_eq!((divide.cycles, divide.worst, divide.varies()), (3 + 7, 3 + 12, true));
    let long = round("cortex-m3", &[four(Op::Umlal, 0, 2, 3, 1)]);
    assert_eq!((long.cycles, long.worst), (3 + 5, 3 + 7));
    assert!(!round("cortex-m0plus", &[three(Op::Mul, r(0), r(1), r(0))]).varies());
}

/// DDI 0337: MLA 2, UMULL 3 to 5 (4 taken), loads as on the M4.
#[test]
fn loops_on_the_m3() {
    assert_eq!(body("cortex-m3", &[four(Op::Mla, 0, 1, 2, 3)]), 2);
    assert_eq!(body("cortex-m3", &[four(Op::Umull, 0, 2, 3, 1)]), 4);
    assert_eq!(body("cortex-m3", &[access(Op::LdrImm, 0, 4, 0), access(Op::LdrImm, 1, 4, 4)]), 3);
}

/// DDI 0484C: loads and stores 2 each, LDM 1 + N, taken branch 2. DDI 0432: the M0 has a refill of one more.
#[test]
fn loops_on_the_m0_and_m0plus() {
    let loads = [access(Op::LdrImm, 0, 4, 0), access(Op::LdrImm, 1, 4, 4)];
    let stack = [list(Op::Push, None, 3), list(Op::Pop, None, 3)];
    for (core, empty) in [("cortex-m0plus", 3), ("cortex-m0", 4)] {
        assert_eq!(round(core, &[]), Cost::fixed(empty));
        assert_eq!(body(core, &loads), 4);
        assert_eq!(body(core, &[three(Op::Mul, r(0), r(1), r(0))]), 1);
        assert_eq!(body(core, &[access(Op::StrImm, 0, 4, 0)]), 2);
        assert_eq!(body(core, &stack), 6);
        assert_eq!(body(core, &[mov(2, 4), access(Op::LdrImm, 0, 2, 0)]), 3, "no wait for an address");
    }
}

#[test]
fn branches_refill_by_kind_and_alignment() {
    let refills = |core: &str| {
        let model = Model::new(&find(core).unwrap().core);
        let pop = list(Op::Pop, None, 0x8000);
        [I::new(Op::B), I::new(Op::Bl), I { m: Some(Reg::LR), ..I::new(Op::Bx) }, pop]
            .map(|branch| [false, true].map(|straddles| model.refill(&branch, straddles)))
    };
    assert_eq!(refills("cortex-m4"), [[1, 2], [1, 2], [2, 3], [3, 3]]);
    assert_eq!(refills("cortex-m0plus"), [[1, 1], [2, 2], [1, 1], [2, 2]]);
    assert_eq!(refills("cortex-m0"), [[2, 2], [3, 3], [2, 2], [3, 3]]);
    let model = Model::new(&find("cortex-m4").unwrap().core);
    assert_eq!(model.refill(&mov(0, 1), true), 0, "not a branch");
    // BL and BX LR around an aligned function: 1 + 1 and 1 + 2.
    let wide = place(&[mov(0, 1), four(Op::Smlad, 0, 1, 2, 0)], 0x100);
    assert!(!wide[0].straddles() && wide[1].straddles());
}

/// A block costs more or less by what led to it, and only its first instruction knows.
#[test]
fn a_block_knows_how_it_was_entered() {
    let model = Model::new(&find("cortex-m4").unwrap().core);
    let code = place(&[mov(2, 4), access(Op::LdrImm, 0, 2, 0), access(Op::LdrImm, 1, 4, 0)], 0);
    let prices = model.prices(&code);
    assert_eq!(block(&prices[1..], false), Cost::fixed(3 + 1));
    assert_eq!(block(&prices[1..], true), Cost::fixed(2 + 1));
    assert_eq!(block(&[], true), Cost::default());
    // A gap parts neighbours.
    let mut apart = code;
    apart[1].address += 8;
    assert_eq!(model.prices(&apart)[1].after, Cost::fixed(2));
}

/// Measured on the RP2350: loads start every cycle and their value comes a cycle late, products too unless they are added to.
#[test]
fn late_results_on_the_m33() {
    let ldr = access(Op::LdrImm, 0, 4, 0);
    assert_eq!(body("cortex-m33", &[ldr, access(Op::LdrImm, 1, 4, 4)]), 2);
    assert_eq!(body("cortex-m33", &[ldr, three(Op::Add, r(1), r(0), r(0))]), 3);
    assert_eq!(body("cortex-m33", &[four(Op::Smlad, 0, 1, 2, 0), four(Op::Smlad, 0, 1, 2, 0)]), 2);
    assert_eq!(body("cortex-m33", &[three(Op::Mul, r(0), r(1), r(2)), mov(3, 0)]), 3);
    assert_eq!(body("cortex-m33", &[list(Op::LdmKeep, r(4), 0xf)]), 4);
}

#[test]
fn pairs_on_the_m7() {
    let ldr = |d, imm| access(Op::LdrImm, d, 4, imm);
    let mac = |d| four(Op::Smlad, d, 1, 2, d);
    let cost = |code: &[I]| {
        let model = Model::new(&find("cortex-m7").unwrap().core);
        block(&model.prices(&place(code, 0)), true).cycles
    };
    assert_eq!(cost(&[mov(0, 1), mov(2, 3)]), 1, "two moves");
    assert_eq!(cost(&[mov(0, 1), mov(2, 0)]), 2, "the second needs the first");
    assert_eq!(cost(&[mac(0), mac(3)]), 2, "one multiply a cycle");
    assert_eq!(cost(&[mac(0), mac(0)]), 2, "a sum goes on at once");
    assert_eq!(cost(&[mac(0), ldr(5, 0), mac(3), ldr(6, 4)]), 2, "loads beside multiplies");
    assert_eq!(cost(&[ldr(5, 0), ldr(6, 4)]), 1, "even and odd word");
    assert_eq!(cost(&[ldr(5, 0), ldr(6, 8)]), 2, "the same bank");
    assert_eq!(cost(&[ldr(5, 0), mov(6, 5)]), 3, "a loaded value comes a cycle late");
    assert_eq!(cost(&[mac(0), access(Op::StrImm, 3, 4, 0)]), 2, "no store beside a multiply");
    assert_eq!(cost(&[list(Op::LdmKeep, r(4), 0xf), mov(6, 7)]), 3, "two words a cycle, alone");
    assert_eq!(cost(&[three(Op::Sxtb16, r(0), None, r(1)), mac(3)]), 1, "unpacking in the first slot");
    assert_eq!(cost(&[mov(5, 6), three(Op::Sxtb16, r(0), None, r(1))]), 2, "and not in the second");
}

/// What a block costs does not depend on the block before it, once it can be entered in several ways.
#[test]
fn pairs_begin_anew_where_a_branch_leads() {
    let model = Model::new(&find("cortex-m7").unwrap().core);
    let back = I { cond: Cond::Ne, imm: -4 - 4, ..I::new(Op::Bcond) };
    let code = place(&[mov(0, 1), mov(2, 3), mov(5, 6), back], 0);
    let prices = model.prices(&code);
    assert_eq!(prices[1].after, prices[1].entered);
    assert_eq!(prices.iter().map(|price| price.after.cycles).collect::<Vec<_>>(), [1, 1, 0, 1]);
}
