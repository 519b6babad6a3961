//! Single-precision floating point.

use super::super::extension::Extension::{Float, Fpv5};
use super::super::form::Imm::{Count, Pair, Signed};
use super::super::form::Rule::Differ;
use super::super::form::{Form, wide};
use super::super::info::Class::{
    self, FloatAlu, FloatDivide, FloatLoad, FloatLoadMultiple, FloatMove, FloatMovePair,
    FloatMultiplyAccumulate, FloatSqrt, FloatStore, FloatStoreMultiple,
};
use super::super::info::Field::{A, D, N};
use super::super::info::{Flags, Info, op};
use super::super::inst::Op;

/// d = n op m.
const fn binary(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}", "=d n m", class, forms).suffix(".f32").needs(Float)
}

/// d += n * m, in some way.
const fn accumulate(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}", "+d n m", FloatMultiplyAccumulate, forms).suffix(".f32").needs(Float)
}

/// d = some function of m.
const fn unary(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {m}", "=d m", class, forms).suffix(".f32").needs(Float)
}

const fn convert(code: Op, mnemonic: &'static str, suffix: &'static str, forms: &'static [Form]) -> Info {
    unary(code, mnemonic, FloatAlu, forms).suffix(suffix)
}

/// FPv5 only, and never conditional.
const fn round(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    unary(code, mnemonic, FloatAlu, forms).needs(Fpv5).unconditional()
}

const fn choose(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    binary(code, mnemonic, FloatAlu, forms).needs(Fpv5).unconditional()
}

/// Neighbouring floats from or to memory; `base` is the role of n.
const fn range(
    code: Op,
    mnemonic: &'static str,
    operands: &'static str,
    roles: &str,
    class: Class,
    forms: &'static [Form],
) -> Info {
    op(code, mnemonic, operands, roles, class, forms).needs(Float)
}

const fn counted(pattern: &'static str) -> Form {
    wide(pattern).imm(Count)
}

pub(super) const TABLE: &[Info] = &[
    binary(Op::Vadd, "vadd", FloatAlu, &[wide("111011100D11 nnnn dddd 1010 N0M0 mmmm")]),
    binary(Op::Vsub, "vsub", FloatAlu, &[wide("111011100D11 nnnn dddd 1010 N1M0 mmmm")]),
    binary(Op::Vmul, "vmul", FloatAlu, &[wide("111011100D10 nnnn dddd 1010 N0M0 mmmm")]),
    binary(Op::Vnmul, "vnmul", FloatAlu, &[wide("111011100D10 nnnn dddd 1010 N1M0 mmmm")]),
    binary(Op::Vdiv, "vdiv", FloatDivide, &[wide("111011101D00 nnnn dddd 1010 N0M0 mmmm")]),
    accumulate(Op::Vmla, "vmla", &[wide("111011100D00 nnnn dddd 1010 N0M0 mmmm")]),
    accumulate(Op::Vmls, "vmls", &[wide("111011100D00 nnnn dddd 1010 N1M0 mmmm")]),
    accumulate(Op::Vfma, "vfma", &[wide("111011101D10 nnnn dddd 1010 N0M0 mmmm")]),
    accumulate(Op::Vfms, "vfms", &[wide("111011101D10 nnnn dddd 1010 N1M0 mmmm")]),
    unary(Op::Vsqrt, "vsqrt", FloatSqrt, &[wide("111011101D110001 dddd 1010 11M0 mmmm")]),
    unary(Op::Vneg, "vneg", FloatAlu, &[wide("111011101D110001 dddd 1010 01M0 mmmm")]),
    unary(Op::Vabs, "vabs", FloatAlu, &[wide("111011101D110000 dddd 1010 11M0 mmmm")]),
    unary(Op::Vmov, "vmov", FloatMove, &[wide("111011101D110000 dddd 1010 01M0 mmmm")]),
    op(Op::VmovImm, "vmov", "{d}, {float}", "=d", FloatMove, &[wide("111011101D11 iiii dddd 10100000 iiii")])
        .suffix(".f32")
        .needs(Float),
    op(
        Op::VmovToFloat,
        "vmov",
        "{d}, {n}",
        "=d n",
        FloatMove,
        &[wide("111011100000 dddd nnnn 1010 D0010000")],
    )
    .needs(Float),
    op(
        Op::VmovFromFloat,
        "vmov",
        "{d}, {n}",
        "=d n",
        FloatMove,
        &[wide("111011100001 nnnn dddd 1010 N0010000")],
    )
    .needs(Float),
    op(
        Op::VmovPairFromFloat,
        "vmov",
        "{d}, {a}, {pair}",
        "=d =a",
        FloatMovePair,
        &[wide("111011000101 aaaa dddd 1010 00j1 iiii").imm(Pair).rules(&[Differ(D, A)])],
    )
    .needs(Float),
    op(
        Op::VmovPairToFloat,
        "vmov",
        "{pair}, {d}, {a}",
        "d a",
        FloatMovePair,
        &[wide("111011000100 aaaa dddd 1010 00j1 iiii").imm(Pair)],
    )
    .needs(Float),
    op(Op::Vcmp, "vcmp", "{n}, {m}", "n m", FloatAlu, &[wide("111011101N110100 nnnn 1010 01M0 mmmm")])
        .suffix(".f32")
        .writes(Flags::FLOAT)
        .needs(Float),
    op(Op::VcmpZero, "vcmp", "{n}, #0.0", "n", FloatAlu, &[wide("111011101N110101 nnnn 1010 01000000")])
        .suffix(".f32")
        .writes(Flags::FLOAT)
        .needs(Float),
    op(Op::Vmrs, "vmrs", "apsr_nzcv, fpscr", "", FloatMove, &[wide("11101110111100011111101000010000")])
        .compares()
        .reads(Flags::FLOAT)
        .needs(Float),
    convert(Op::VcvtFromSigned, "vcvt", ".f32.s32", &[wide("111011101D111000 dddd 1010 11M0 mmmm")]),
    convert(Op::VcvtFromUnsigned, "vcvt", ".f32.u32", &[wide("111011101D111000 dddd 1010 01M0 mmmm")]),
    convert(Op::VcvtToSigned, "vcvt", ".s32.f32", &[wide("111011101D111101 dddd 1010 11M0 mmmm")]),
    convert(Op::VcvtToUnsigned, "vcvt", ".u32.f32", &[wide("111011101D111100 dddd 1010 11M0 mmmm")]),
    convert(Op::VcvtrToSigned, "vcvtr", ".s32.f32", &[wide("111011101D111101 dddd 1010 01M0 mmmm")]),
    convert(Op::VcvtbFromHalf, "vcvtb", ".f32.f16", &[wide("111011101D110010 dddd 1010 01M0 mmmm")]),
    convert(Op::VcvtbToHalf, "vcvtb", ".f16.f32", &[wide("111011101D110011 dddd 1010 01M0 mmmm")]),
    unary(Op::Vrintz, "vrintz", FloatAlu, &[wide("111011101D110110 dddd 1010 11M0 mmmm")]).needs(Fpv5),
    round(Op::Vrinta, "vrinta", &[wide("111111101D111000 dddd 1010 01M0 mmmm")]),
    round(Op::Vrintn, "vrintn", &[wide("111111101D111001 dddd 1010 01M0 mmmm")]),
    round(Op::Vrintp, "vrintp", &[wide("111111101D111010 dddd 1010 01M0 mmmm")]),
    round(Op::Vrintm, "vrintm", &[wide("111111101D111011 dddd 1010 01M0 mmmm")]),
    choose(Op::Vmaxnm, "vmaxnm", &[wide("111111101D00 nnnn dddd 1010 N0M0 mmmm")]),
    choose(Op::Vminnm, "vminnm", &[wide("111111101D00 nnnn dddd 1010 N1M0 mmmm")]),
    choose(Op::VselEq, "vseleq", &[wide("111111100D00 nnnn dddd 1010 N0M0 mmmm")]).reads(Flags::NZCV),
    choose(Op::VselVs, "vselvs", &[wide("111111100D01 nnnn dddd 1010 N0M0 mmmm")]).reads(Flags::NZCV),
    choose(Op::VselGe, "vselge", &[wide("111111100D10 nnnn dddd 1010 N0M0 mmmm")]).reads(Flags::NZCV),
    choose(Op::VselGt, "vselgt", &[wide("111111100D11 nnnn dddd 1010 N0M0 mmmm")]).reads(Flags::NZCV),
    op(
        Op::Vldr,
        "vldr",
        "{d}, [{n}{offset}]",
        "=d n",
        FloatLoad,
        &[wide("11101101uD01 nnnn dddd 1010 iiiiiiii").imm(Signed(2)).sp(&[N]).pc(&[N])],
    )
    .needs(Float),
    op(
        Op::Vstr,
        "vstr",
        "{d}, [{n}{offset}]",
        "d n",
        FloatStore,
        &[wide("11101101uD00 nnnn dddd 1010 iiiiiiii").imm(Signed(2)).sp(&[N])],
    )
    .needs(Float),
    range(
        Op::Vldm,
        "vldm",
        "{n}!, {floats}",
        "=d +n",
        FloatLoadMultiple,
        &[counted("111011001D11 nnnn dddd 1010 iiiiiiii")],
    ),
    range(
        Op::VldmKeep,
        "vldm",
        "{n}, {floats}",
        "=d n",
        FloatLoadMultiple,
        &[counted("111011001D01 nnnn dddd 1010 iiiiiiii").sp(&[N])],
    ),
    range(
        Op::Vstm,
        "vstm",
        "{n}!, {floats}",
        "d +n",
        FloatStoreMultiple,
        &[counted("111011001D10 nnnn dddd 1010 iiiiiiii")],
    ),
    range(
        Op::VstmKeep,
        "vstm",
        "{n}, {floats}",
        "d n",
        FloatStoreMultiple,
        &[counted("111011001D00 nnnn dddd 1010 iiiiiiii").sp(&[N])],
    ),
    range(
        Op::Vpush,
        "vpush",
        "{floats}",
        "d",
        FloatStoreMultiple,
        &[counted("111011010D10 1101 dddd 1010 iiiiiiii")],
    ),
    range(
        Op::Vpop,
        "vpop",
        "{floats}",
        "=d",
        FloatLoadMultiple,
        &[counted("111011001D11 1101 dddd 1010 iiiiiiii")],
    ),
];
