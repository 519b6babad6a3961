//! Bit fields, single bits, byte order, extensions, saturation.

use super::super::extension::Extension::{Dsp, Main};
use super::super::form::Imm::{FieldHighest, FieldWidth, PlusOne};
use super::super::form::{Form, narrow, wide};
use super::super::info::Class::{self, Alu, Saturate};
use super::super::info::{Info, op};
use super::super::inst::Op;

/// d = some function of m.
const fn unary(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {m}", "=d m", Alu, forms)
}

/// d = part of m, which is rotated first.
const fn extend(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {m}{shift}", "=d m", class, forms)
}

/// d = n + part of m.
const fn extend_add(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}{shift}", "=d n m", Class::Dsp, forms).needs(Dsp)
}

pub(super) const TABLE: &[Info] = &[
    op(
        Op::Ubfx,
        "ubfx",
        "{d}, {n}, {lowest}, {width}",
        "=d n",
        Alu,
        &[wide("111100111100 nnnn 0iii dddd ii0wwwww").imm(FieldWidth)],
    ),
    op(
        Op::Sbfx,
        "sbfx",
        "{d}, {n}, {lowest}, {width}",
        "=d n",
        Alu,
        &[wide("111100110100 nnnn 0iii dddd ii0wwwww").imm(FieldWidth)],
    ),
    op(
        Op::Bfi,
        "bfi",
        "{d}, {n}, {lowest}, {width}",
        "+d n",
        Alu,
        &[wide("111100110110 nnnn 0iii dddd ii0wwwww").imm(FieldHighest)],
    ),
    op(
        Op::Bfc,
        "bfc",
        "{d}, {lowest}, {width}",
        "+d",
        Alu,
        &[wide("111100110110 1111 0iii dddd ii0wwwww").imm(FieldHighest)],
    ),
    unary(Op::Clz, "clz", &[wide("111110101011 xxxx 1111 dddd 1000 mmmm")]),
    unary(Op::Rbit, "rbit", &[wide("111110101001 xxxx 1111 dddd 1010 mmmm")]),
    unary(Op::Rev, "rev", &[narrow("1011101000 mmm ddd"), wide("111110101001 xxxx 1111 dddd 1000 mmmm")]),
    unary(Op::Rev16, "rev16", &[narrow("1011101001 mmm ddd"), wide("111110101001 xxxx 1111 dddd 1001 mmmm")]),
    extend(
        Op::Sxtb,
        "sxtb",
        Alu,
        &[narrow("1011001001 mmm ddd"), wide("111110100100 1111 1111 dddd 10rr mmmm")],
    ),
    extend(
        Op::Sxth,
        "sxth",
        Alu,
        &[narrow("1011001000 mmm ddd"), wide("111110100000 1111 1111 dddd 10rr mmmm")],
    ),
    extend(
        Op::Uxtb,
        "uxtb",
        Alu,
        &[narrow("1011001011 mmm ddd"), wide("111110100101 1111 1111 dddd 10rr mmmm")],
    ),
    extend(
        Op::Uxth,
        "uxth",
        Alu,
        &[narrow("1011001010 mmm ddd"), wide("111110100001 1111 1111 dddd 10rr mmmm")],
    ),
    extend(Op::Sxtb16, "sxtb16", Class::Dsp, &[wide("111110100010 1111 1111 dddd 10rr mmmm")]).needs(Dsp),
    extend(Op::Uxtb16, "uxtb16", Class::Dsp, &[wide("111110100011 1111 1111 dddd 10rr mmmm")]).needs(Dsp),
    extend_add(Op::Sxtab, "sxtab", &[wide("111110100100 nnnn 1111 dddd 10rr mmmm")]),
    extend_add(Op::Sxtah, "sxtah", &[wide("111110100000 nnnn 1111 dddd 10rr mmmm")]),
    extend_add(Op::Uxtab, "uxtab", &[wide("111110100101 nnnn 1111 dddd 10rr mmmm")]),
    extend_add(Op::Uxtah, "uxtah", &[wide("111110100001 nnnn 1111 dddd 10rr mmmm")]),
    extend_add(Op::Sxtab16, "sxtab16", &[wide("111110100010 nnnn 1111 dddd 10rr mmmm")]),
    extend_add(Op::Uxtab16, "uxtab16", &[wide("111110100011 nnnn 1111 dddd 10rr mmmm")]),
    op(
        Op::Ssat,
        "ssat",
        "{d}, {i}, {n}{shift}",
        "=d n",
        Saturate,
        &[wide("1111001100t0 nnnn 0sss dddd ss0iiiii").imm(PlusOne)],
    )
    .needs(Main),
    op(
        Op::Usat,
        "usat",
        "{d}, {i}, {n}{shift}",
        "=d n",
        Saturate,
        &[wide("1111001110t0 nnnn 0sss dddd ss0iiiii")],
    )
    .needs(Main),
    op(
        Op::Ssat16,
        "ssat16",
        "{d}, {i}, {n}",
        "=d n",
        Saturate,
        &[wide("111100110010 nnnn 0000 dddd 0000iiii").imm(PlusOne)],
    )
    .needs(Dsp),
    op(
        Op::Usat16,
        "usat16",
        "{d}, {i}, {n}",
        "=d n",
        Saturate,
        &[wide("111100111010 nnnn 0000 dddd 0000iiii")],
    )
    .needs(Dsp),
];
