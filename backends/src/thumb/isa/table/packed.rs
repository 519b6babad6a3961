//! Arithmetic on bytes and halfwords side by side, and saturating arithmetic.

use super::super::extension::Extension;
use super::super::form::{Form, wide};
use super::super::info::Class::Dsp;
use super::super::info::{Flags, Info, op};
use super::super::inst::Op;

/// d = n op m.
const fn packed(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}", "=d n m", Dsp, forms).needs(Extension::Dsp)
}

/// The same, and the GE flags tell about each part.
const fn flagged(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    packed(code, mnemonic, forms).writes(Flags::GE)
}

/// d = n with one half of m, shifted.
const fn pack(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}{shift}", "=d n m", Dsp, forms).needs(Extension::Dsp)
}

pub(super) const TABLE: &[Info] = &[
    pack(Op::Pkhbt, "pkhbt", &[wide("111010101100 nnnn 0sss dddd ss00 mmmm")]),
    pack(Op::Pkhtb, "pkhtb", &[wide("111010101100 nnnn 0qqq dddd qq10 mmmm")]),
    flagged(Op::Sadd8, "sadd8", &[wide("111110101000 nnnn 1111 dddd 0000 mmmm")]),
    flagged(Op::Uadd8, "uadd8", &[wide("111110101000 nnnn 1111 dddd 0100 mmmm")]),
    flagged(Op::Ssub8, "ssub8", &[wide("111110101100 nnnn 1111 dddd 0000 mmmm")]),
    flagged(Op::Usub8, "usub8", &[wide("111110101100 nnnn 1111 dddd 0100 mmmm")]),
    flagged(Op::Sadd16, "sadd16", &[wide("111110101001 nnnn 1111 dddd 0000 mmmm")]),
    flagged(Op::Uadd16, "uadd16", &[wide("111110101001 nnnn 1111 dddd 0100 mmmm")]),
    flagged(Op::Ssub16, "ssub16", &[wide("111110101101 nnnn 1111 dddd 0000 mmmm")]),
    flagged(Op::Usub16, "usub16", &[wide("111110101101 nnnn 1111 dddd 0100 mmmm")]),
    packed(Op::Qadd8, "qadd8", &[wide("111110101000 nnnn 1111 dddd 0001 mmmm")]),
    packed(Op::Qsub8, "qsub8", &[wide("111110101100 nnnn 1111 dddd 0001 mmmm")]),
    packed(Op::Uqadd8, "uqadd8", &[wide("111110101000 nnnn 1111 dddd 0101 mmmm")]),
    packed(Op::Uqsub8, "uqsub8", &[wide("111110101100 nnnn 1111 dddd 0101 mmmm")]),
    packed(Op::Qadd16, "qadd16", &[wide("111110101001 nnnn 1111 dddd 0001 mmmm")]),
    packed(Op::Qsub16, "qsub16", &[wide("111110101101 nnnn 1111 dddd 0001 mmmm")]),
    packed(Op::Shadd8, "shadd8", &[wide("111110101000 nnnn 1111 dddd 0010 mmmm")]),
    packed(Op::Shadd16, "shadd16", &[wide("111110101001 nnnn 1111 dddd 0010 mmmm")]),
    packed(Op::Uhadd8, "uhadd8", &[wide("111110101000 nnnn 1111 dddd 0110 mmmm")]),
    packed(Op::Uhadd16, "uhadd16", &[wide("111110101001 nnnn 1111 dddd 0110 mmmm")]),
    packed(Op::Sel, "sel", &[wide("111110101010 nnnn 1111 dddd 1000 mmmm")]).reads(Flags::GE),
    packed(Op::Usad8, "usad8", &[wide("111110110111 nnnn 1111 dddd 0000 mmmm")]),
    op(
        Op::Usada8,
        "usada8",
        "{d}, {n}, {m}, {a}",
        "=d n m a",
        Dsp,
        &[wide("111110110111 nnnn aaaa dddd 0000 mmmm")],
    )
    .needs(Extension::Dsp),
    // The architecture calls the first operand of these four Rm.
    packed(Op::Qadd, "qadd", &[wide("111110101000 mmmm 1111 dddd 1000 nnnn")]),
    packed(Op::Qsub, "qsub", &[wide("111110101000 mmmm 1111 dddd 1010 nnnn")]),
    packed(Op::Qdadd, "qdadd", &[wide("111110101000 mmmm 1111 dddd 1001 nnnn")]),
    packed(Op::Qdsub, "qdsub", &[wide("111110101000 mmmm 1111 dddd 1011 nnnn")]),
];
