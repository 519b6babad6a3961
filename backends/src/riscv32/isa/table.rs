//! The table: one entry per operation. An entry that is missing does not compile.

use super::extension::Extension::{self, Base, F, M, Zba, Zbb};
use super::form::Rule::{Is, Not, NotZero, Same, Zero};
use super::form::{Form, narrow, wide};
use super::info::{Class, Info, op};
use super::inst::Op;
use crate::codegen::Field::{D, M as M2, N};

/// How many operations there are.
const COUNT: usize = Op::FmvWX as usize + 1;

/// Orders of the immediate's bits in 32-bit encodings.
const UPPER: &[u8] = &[31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12];
const TWELVE: &[u8] = &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
const BRANCH: &[u8] = &[12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11];
const JUMP: &[u8] = &[20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 19, 18, 17, 16, 15, 14, 13, 12];
const FIVE: &[u8] = &[4, 3, 2, 1, 0];

/// And in 16-bit ones.
const SIX: &[u8] = &[5, 4, 3, 2, 1, 0];
const SHORT_UPPER: &[u8] = &[17, 16, 15, 14, 13, 12];
const WORD: &[u8] = &[5, 4, 3, 2, 6];
const STACK_LOAD: &[u8] = &[5, 4, 3, 2, 7, 6];
const STACK_STORE: &[u8] = &[5, 4, 3, 2, 7, 6];
const SHORT_BRANCH: &[u8] = &[8, 4, 3, 7, 6, 2, 1, 5];
const SHORT_JUMP: &[u8] = &[11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5];

const fn alu(code: Op, needs: Extension, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, needs, mnemonic, "{d}, {n}, {m}", "=d n m", Class::Alu, forms)
}

const fn unary(code: Op, needs: Extension, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, needs, mnemonic, "{d}, {n}", "=d n", Class::Alu, forms)
}

const fn immediate(code: Op, needs: Extension, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, needs, mnemonic, "{d}, {n}, {i}", "=d n", Class::Alu, forms)
}

const fn multiply(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, M, mnemonic, "{d}, {n}, {m}", "=d n m", class, forms)
}

const fn load(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, Base, mnemonic, "{d}, {i}({n})", "=d n", Class::Load, forms)
}

const fn store(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, Base, mnemonic, "{m}, {i}({n})", "n m", Class::Store, forms)
}

const fn branch(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, Base, mnemonic, "{n}, {m}, {target}", "n m", Class::Branch, forms)
}

const fn float(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, F, mnemonic, "{d}, {n}, {m}", "=D N M", class, forms)
}

const fn rounded(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, F, mnemonic, "{d}, {n}, {m}, rne", "=D N M", class, forms)
}

const fn fused(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, F, mnemonic, "{d}, {n}, {m}, {a}, rne", "=D N M A", Class::FloatMultiplyAccumulate, forms)
}

const fn compare(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, F, mnemonic, "{d}, {n}, {m}", "=d N M", Class::FloatAlu, forms)
}

/// All entries, in the order of the operations.
#[rustfmt::skip] // one entry in as few lines as it takes
static TABLE: [Info; COUNT] = [
    op(Op::Lui, Base, "lui", "{d}, {upper}", "=d", Class::Alu, &[
        narrow("011 i ddddd iiiii 01").bits(SHORT_UPPER).rules(&[Not(D, 0), Not(D, 2), NotZero]),
        wide("iiiiiiiiiiiiiiiiiiii ddddd 0110111").bits(UPPER),
    ]),
    op(Op::Auipc, Base, "auipc", "{d}, {upper}", "=d", Class::Alu, &[wide("iiiiiiiiiiiiiiiiiiii ddddd 0010111").bits(UPPER)]),
    op(Op::Jal, Base, "jal", "{d}, {target}", "=d", Class::Jump, &[
        narrow("101 iiiiiiiiiii 01").bits(SHORT_JUMP).rules(&[Is(D, 0)]),
        narrow("001 iiiiiiiiiii 01").bits(SHORT_JUMP).rules(&[Is(D, 1)]),
        wide("iiiiiiiiiiiiiiiiiiii ddddd 1101111").bits(JUMP),
    ]),
    op(Op::Jalr, Base, "jalr", "{d}, {i}({n})", "=d n", Class::JumpRegister, &[
        narrow("100 0 nnnnn 00000 10").rules(&[Is(D, 0), Not(N, 0), Zero]),
        narrow("100 1 nnnnn 00000 10").rules(&[Is(D, 1), Not(N, 0), Zero]),
        wide("iiiiiiiiiiii nnnnn 000 ddddd 1100111").bits(TWELVE),
    ]),
    branch(Op::Beq, "beq", &[narrow("110 iii nnn iiiii 01").bits(SHORT_BRANCH).rules(&[Is(M2, 0)]), wide("iiiiiii mmmmm nnnnn 000 iiiii 1100011").bits(BRANCH)]),
    branch(Op::Bne, "bne", &[narrow("111 iii nnn iiiii 01").bits(SHORT_BRANCH).rules(&[Is(M2, 0)]), wide("iiiiiii mmmmm nnnnn 001 iiiii 1100011").bits(BRANCH)]),
    branch(Op::Blt, "blt", &[wide("iiiiiii mmmmm nnnnn 100 iiiii 1100011").bits(BRANCH)]),
    branch(Op::Bge, "bge", &[wide("iiiiiii mmmmm nnnnn 101 iiiii 1100011").bits(BRANCH)]),
    branch(Op::Bltu, "bltu", &[wide("iiiiiii mmmmm nnnnn 110 iiiii 1100011").bits(BRANCH)]),
    branch(Op::Bgeu, "bgeu", &[wide("iiiiiii mmmmm nnnnn 111 iiiii 1100011").bits(BRANCH)]),
    load(Op::Lb, "lb", &[wide("iiiiiiiiiiii nnnnn 000 ddddd 0000011").bits(TWELVE)]),
    load(Op::Lh, "lh", &[wide("iiiiiiiiiiii nnnnn 001 ddddd 0000011").bits(TWELVE)]),
    load(Op::Lw, "lw", &[narrow("010 iii nnn ii ddd 00").bits(WORD).unsigned(), narrow("010 i ddddd iiiii 10").bits(STACK_LOAD).unsigned().rules(&[Is(N, 2), Not(D, 0)]), wide("iiiiiiiiiiii nnnnn 010 ddddd 0000011").bits(TWELVE)]),
    load(Op::Lbu, "lbu", &[wide("iiiiiiiiiiii nnnnn 100 ddddd 0000011").bits(TWELVE)]),
    load(Op::Lhu, "lhu", &[wide("iiiiiiiiiiii nnnnn 101 ddddd 0000011").bits(TWELVE)]),
    store(Op::Sb, "sb", &[wide("iiiiiii mmmmm nnnnn 000 iiiii 0100011").bits(TWELVE)]),
    store(Op::Sh, "sh", &[wide("iiiiiii mmmmm nnnnn 001 iiiii 0100011").bits(TWELVE)]),
    store(Op::Sw, "sw", &[narrow("110 iii nnn ii mmm 00").bits(WORD).unsigned(), narrow("110 iiiiii mmmmm 10").bits(STACK_STORE).unsigned().rules(&[Is(N, 2)]), wide("iiiiiii mmmmm nnnnn 010 iiiii 0100011").bits(TWELVE)]),
    immediate(Op::Addi, Base, "addi", &[
        narrow("000 i 00000 iiiii 01").bits(SIX).rules(&[Is(D, 0), Is(N, 0), Zero]),
        narrow("010 i ddddd iiiii 01").bits(SIX).rules(&[Is(N, 0), Not(D, 0)]),
        narrow("000 i ddddd iiiii 01").bits(SIX).rules(&[Same, Not(D, 0), NotZero]),
        narrow("011 i 00010 iiiii 01").bits(&[9, 4, 6, 8, 7, 5]).rules(&[Is(D, 2), Is(N, 2), NotZero]),
        narrow("000 iiiiiiii ddd 00").bits(&[5, 4, 9, 8, 7, 6, 2, 3]).unsigned().rules(&[Is(N, 2), NotZero]),
        wide("iiiiiiiiiiii nnnnn 000 ddddd 0010011").bits(TWELVE),
    ]),
    immediate(Op::Slti, Base, "slti", &[wide("iiiiiiiiiiii nnnnn 010 ddddd 0010011").bits(TWELVE)]),
    immediate(Op::Sltiu, Base, "sltiu", &[wide("iiiiiiiiiiii nnnnn 011 ddddd 0010011").bits(TWELVE)]),
    immediate(Op::Xori, Base, "xori", &[wide("iiiiiiiiiiii nnnnn 100 ddddd 0010011").bits(TWELVE)]),
    immediate(Op::Ori, Base, "ori", &[wide("iiiiiiiiiiii nnnnn 110 ddddd 0010011").bits(TWELVE)]),
    immediate(Op::Andi, Base, "andi", &[narrow("100 i 10 ddd iiiii 01").bits(SIX).rules(&[Same]), wide("iiiiiiiiiiii nnnnn 111 ddddd 0010011").bits(TWELVE)]),
    immediate(Op::Slli, Base, "slli", &[narrow("000 0 ddddd iiiii 10").bits(FIVE).unsigned().rules(&[Same, Not(D, 0), NotZero]), wide("0000000 iiiii nnnnn 001 ddddd 0010011").bits(FIVE).unsigned()]),
    immediate(Op::Srli, Base, "srli", &[narrow("100 0 00 ddd iiiii 01").bits(FIVE).unsigned().rules(&[Same, NotZero]), wide("0000000 iiiii nnnnn 101 ddddd 0010011").bits(FIVE).unsigned()]),
    immediate(Op::Srai, Base, "srai", &[narrow("100 0 01 ddd iiiii 01").bits(FIVE).unsigned().rules(&[Same, NotZero]), wide("0100000 iiiii nnnnn 101 ddddd 0010011").bits(FIVE).unsigned()]),
    alu(Op::Add, Base, "add", &[narrow("100 0 ddddd mmmmm 10").rules(&[Is(N, 0), Not(D, 0), Not(M2, 0)]), narrow("100 1 ddddd mmmmm 10").rules(&[Same, Not(D, 0), Not(M2, 0)]).commutes(), wide("0000000 mmmmm nnnnn 000 ddddd 0110011")]),
    alu(Op::Sub, Base, "sub", &[narrow("100 0 11 ddd 00 mmm 01").rules(&[Same]), wide("0100000 mmmmm nnnnn 000 ddddd 0110011")]),
    alu(Op::Sll, Base, "sll", &[wide("0000000 mmmmm nnnnn 001 ddddd 0110011")]),
    alu(Op::Slt, Base, "slt", &[wide("0000000 mmmmm nnnnn 010 ddddd 0110011")]),
    alu(Op::Sltu, Base, "sltu", &[wide("0000000 mmmmm nnnnn 011 ddddd 0110011")]),
    alu(Op::Xor, Base, "xor", &[narrow("100 0 11 ddd 01 mmm 01").rules(&[Same]).commutes(), wide("0000000 mmmmm nnnnn 100 ddddd 0110011")]),
    alu(Op::Srl, Base, "srl", &[wide("0000000 mmmmm nnnnn 101 ddddd 0110011")]),
    alu(Op::Sra, Base, "sra", &[wide("0100000 mmmmm nnnnn 101 ddddd 0110011")]),
    alu(Op::Or, Base, "or", &[narrow("100 0 11 ddd 10 mmm 01").rules(&[Same]).commutes(), wide("0000000 mmmmm nnnnn 110 ddddd 0110011")]),
    alu(Op::And, Base, "and", &[narrow("100 0 11 ddd 11 mmm 01").rules(&[Same]).commutes(), wide("0000000 mmmmm nnnnn 111 ddddd 0110011")]),
    op(Op::Fence, Base, "fence", "", "", Class::System, &[wide("000011111111 00000 000 00000 0001111")]),
    op(Op::Ecall, Base, "ecall", "", "", Class::System, &[wide("000000000000 00000 000 00000 1110011")]),
    op(Op::Ebreak, Base, "ebreak", "", "", Class::System, &[
        narrow("100 1 00000 00000 10"),
        wide("000000000001 00000 000 00000 1110011"),
    ]),
    multiply(Op::Mul, "mul", Class::Multiply, &[wide("0000001 mmmmm nnnnn 000 ddddd 0110011")]),
    multiply(Op::Mulh, "mulh", Class::MultiplyHigh, &[wide("0000001 mmmmm nnnnn 001 ddddd 0110011")]),
    multiply(Op::Mulhsu, "mulhsu", Class::MultiplyHigh, &[wide("0000001 mmmmm nnnnn 010 ddddd 0110011")]),
    multiply(Op::Mulhu, "mulhu", Class::MultiplyHigh, &[wide("0000001 mmmmm nnnnn 011 ddddd 0110011")]),
    multiply(Op::Div, "div", Class::Divide, &[wide("0000001 mmmmm nnnnn 100 ddddd 0110011")]),
    multiply(Op::Divu, "divu", Class::Divide, &[wide("0000001 mmmmm nnnnn 101 ddddd 0110011")]),
    multiply(Op::Rem, "rem", Class::Divide, &[wide("0000001 mmmmm nnnnn 110 ddddd 0110011")]),
    multiply(Op::Remu, "remu", Class::Divide, &[wide("0000001 mmmmm nnnnn 111 ddddd 0110011")]),
    alu(Op::Sh1add, Zba, "sh1add", &[wide("0010000 mmmmm nnnnn 010 ddddd 0110011")]),
    alu(Op::Sh2add, Zba, "sh2add", &[wide("0010000 mmmmm nnnnn 100 ddddd 0110011")]),
    alu(Op::Sh3add, Zba, "sh3add", &[wide("0010000 mmmmm nnnnn 110 ddddd 0110011")]),
    alu(Op::Andn, Zbb, "andn", &[wide("0100000 mmmmm nnnnn 111 ddddd 0110011")]),
    alu(Op::Orn, Zbb, "orn", &[wide("0100000 mmmmm nnnnn 110 ddddd 0110011")]),
    alu(Op::Xnor, Zbb, "xnor", &[wide("0100000 mmmmm nnnnn 100 ddddd 0110011")]),
    unary(Op::Clz, Zbb, "clz", &[wide("011000000000 nnnnn 001 ddddd 0010011")]),
    unary(Op::Ctz, Zbb, "ctz", &[wide("011000000001 nnnnn 001 ddddd 0010011")]),
    unary(Op::Cpop, Zbb, "cpop", &[wide("011000000010 nnnnn 001 ddddd 0010011")]),
    alu(Op::Max, Zbb, "max", &[wide("0000101 mmmmm nnnnn 110 ddddd 0110011")]),
    alu(Op::Maxu, Zbb, "maxu", &[wide("0000101 mmmmm nnnnn 111 ddddd 0110011")]),
    alu(Op::Min, Zbb, "min", &[wide("0000101 mmmmm nnnnn 100 ddddd 0110011")]),
    alu(Op::Minu, Zbb, "minu", &[wide("0000101 mmmmm nnnnn 101 ddddd 0110011")]),
    unary(Op::SextB, Zbb, "sext.b", &[wide("011000000100 nnnnn 001 ddddd 0010011")]),
    unary(Op::SextH, Zbb, "sext.h", &[wide("011000000101 nnnnn 001 ddddd 0010011")]),
    unary(Op::ZextH, Zbb, "zext.h", &[wide("000010000000 nnnnn 100 ddddd 0110011")]),
    alu(Op::Rol, Zbb, "rol", &[wide("0110000 mmmmm nnnnn 001 ddddd 0110011")]),
    alu(Op::Ror, Zbb, "ror", &[wide("0110000 mmmmm nnnnn 101 ddddd 0110011")]),
    immediate(Op::Rori, Zbb, "rori", &[wide("0110000 iiiii nnnnn 101 ddddd 0010011").bits(FIVE).unsigned()]),
    unary(Op::OrcB, Zbb, "orc.b", &[wide("001010000111 nnnnn 101 ddddd 0010011")]),
    unary(Op::Rev8, Zbb, "rev8", &[wide("011010011000 nnnnn 101 ddddd 0010011")]),
    op(Op::Flw, F, "flw", "{d}, {i}({n})", "=D n", Class::FloatLoad, &[
        narrow("011 iii nnn ii ddd 00").bits(WORD).unsigned(),
        narrow("011 i ddddd iiiii 10").bits(STACK_LOAD).unsigned().rules(&[Is(N, 2)]),
        wide("iiiiiiiiiiii nnnnn 010 ddddd 0000111").bits(TWELVE),
    ]),
    op(Op::Fsw, F, "fsw", "{m}, {i}({n})", "n M", Class::FloatStore, &[
        narrow("111 iii nnn ii mmm 00").bits(WORD).unsigned(),
        narrow("111 iiiiii mmmmm 10").bits(STACK_STORE).unsigned().rules(&[Is(N, 2)]),
        wide("iiiiiii mmmmm nnnnn 010 iiiii 0100111").bits(TWELVE),
    ]),
    fused(Op::Fmadd, "fmadd.s", &[wide("aaaaa 00 mmmmm nnnnn 000 ddddd 1000011")]),
    fused(Op::Fmsub, "fmsub.s", &[wide("aaaaa 00 mmmmm nnnnn 000 ddddd 1000111")]),
    fused(Op::Fnmsub, "fnmsub.s", &[wide("aaaaa 00 mmmmm nnnnn 000 ddddd 1001011")]),
    fused(Op::Fnmadd, "fnmadd.s", &[wide("aaaaa 00 mmmmm nnnnn 000 ddddd 1001111")]),
    rounded(Op::Fadd, "fadd.s", Class::FloatAlu, &[wide("0000000 mmmmm nnnnn 000 ddddd 1010011")]),
    rounded(Op::Fsub, "fsub.s", Class::FloatAlu, &[wide("0000100 mmmmm nnnnn 000 ddddd 1010011")]),
    rounded(Op::Fmul, "fmul.s", Class::FloatAlu, &[wide("0001000 mmmmm nnnnn 000 ddddd 1010011")]),
    rounded(Op::Fdiv, "fdiv.s", Class::FloatDivide, &[wide("0001100 mmmmm nnnnn 000 ddddd 1010011")]),
    op(Op::Fsqrt, F, "fsqrt.s", "{d}, {n}, rne", "=D N", Class::FloatSqrt, &[wide("010110000000 nnnnn 000 ddddd 1010011")]),
    float(Op::Fsgnj, "fsgnj.s", Class::FloatAlu, &[wide("0010000 mmmmm nnnnn 000 ddddd 1010011")]),
    float(Op::Fsgnjn, "fsgnjn.s", Class::FloatAlu, &[wide("0010000 mmmmm nnnnn 001 ddddd 1010011")]),
    float(Op::Fsgnjx, "fsgnjx.s", Class::FloatAlu, &[wide("0010000 mmmmm nnnnn 010 ddddd 1010011")]),
    float(Op::Fmin, "fmin.s", Class::FloatAlu, &[wide("0010100 mmmmm nnnnn 000 ddddd 1010011")]),
    float(Op::Fmax, "fmax.s", Class::FloatAlu, &[wide("0010100 mmmmm nnnnn 001 ddddd 1010011")]),
    compare(Op::Feq, "feq.s", &[wide("1010000 mmmmm nnnnn 010 ddddd 1010011")]),
    compare(Op::Flt, "flt.s", &[wide("1010000 mmmmm nnnnn 001 ddddd 1010011")]),
    compare(Op::Fle, "fle.s", &[wide("1010000 mmmmm nnnnn 000 ddddd 1010011")]),
    op(Op::Fclass, F, "fclass.s", "{d}, {n}", "=d N", Class::FloatMove, &[wide("111000000000 nnnnn 001 ddddd 1010011")]),
    op(Op::FcvtWS, F, "fcvt.w.s", "{d}, {n}, rtz", "=d N", Class::FloatAlu, &[wide("110000000000 nnnnn 001 ddddd 1010011")]),
    op(Op::FcvtWuS, F, "fcvt.wu.s", "{d}, {n}, rtz", "=d N", Class::FloatAlu, &[wide("110000000001 nnnnn 001 ddddd 1010011")]),
    op(Op::FcvtSW, F, "fcvt.s.w", "{d}, {n}, rne", "=D n", Class::FloatAlu, &[wide("110100000000 nnnnn 000 ddddd 1010011")]),
    op(Op::FcvtSWu, F, "fcvt.s.wu", "{d}, {n}, rne", "=D n", Class::FloatAlu, &[wide("110100000001 nnnnn 000 ddddd 1010011")]),
    op(Op::FmvXW, F, "fmv.x.w", "{d}, {n}", "=d N", Class::FloatMove, &[wide("111000000000 nnnnn 000 ddddd 1010011")]),
    op(Op::FmvWX, F, "fmv.w.x", "{d}, {n}", "=D n", Class::FloatMove, &[wide("111100000000 nnnnn 000 ddddd 1010011")]),
];

const fn is_in_order() -> bool {
    let mut k = 0;
    while k < COUNT {
        assert!(TABLE[k].op as usize == k, "the table is in the order of the operations");
        k += 1;
    }
    true
}

const _: bool = is_in_order();

impl Op {
    /// What the table says about the operation.
    pub fn info(self) -> &'static Info {
        &TABLE[self as usize]
    }

    /// Every operation, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|info| info.op)
    }
}
