//! Multiplication and division.

use super::super::extension::Extension::Dsp;
use super::super::form::Rule::{Differ, Same};
use super::super::form::{Form, narrow, wide};
use super::super::info::Class::{self, Divide};
use super::super::info::Field::{A, D, M};
use super::super::info::{Info, op};
use super::super::inst::Op;

/// d = n * m.
const fn product(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}", "=d n m", class, forms)
}

/// d = n * m + a.
const fn sum(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}, {a}", "=d n m a", class, forms)
}

/// a:d = n * m.
const fn long(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {a}, {n}, {m}", "=d =a n m", Class::MultiplyLong, forms)
}

/// a:d += n * m.
const fn long_sum(code: Op, mnemonic: &'static str, class: Class, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {a}, {n}, {m}", "+d +a n m", class, forms)
}

/// The form of a product into two registers, which must be different.
const fn pair(pattern: &'static str) -> Form {
    wide(pattern).rules(&[Differ(D, A)])
}

const fn dsp_product(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    product(code, mnemonic, Class::DspMultiply, forms).needs(Dsp)
}

const fn dsp_sum(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    sum(code, mnemonic, Class::DspMultiply, forms).needs(Dsp)
}

const fn dsp_long_sum(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    long_sum(code, mnemonic, Class::DspMultiply, forms).needs(Dsp)
}

const fn high(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    product(code, mnemonic, Class::MultiplyHigh, forms).needs(Dsp)
}

const fn high_sum(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    sum(code, mnemonic, Class::MultiplyHigh, forms).needs(Dsp)
}

pub(super) const TABLE: &[Info] = &[
    product(
        Op::Mul,
        "mul",
        Class::Multiply,
        &[
            narrow("0100001101 nnn ddd").rules(&[Same(M, D)]).sets().commutes(),
            wide("111110110000 nnnn 1111 dddd 0000 mmmm"),
        ],
    )
    .if_s(),
    sum(Op::Mla, "mla", Class::MultiplyAccumulate, &[wide("111110110000 nnnn aaaa dddd 0000 mmmm")]),
    sum(Op::Mls, "mls", Class::MultiplyAccumulate, &[wide("111110110000 nnnn aaaa dddd 0001 mmmm")]),
    long(Op::Smull, "smull", &[pair("111110111000 nnnn dddd aaaa 0000 mmmm")]),
    long(Op::Umull, "umull", &[pair("111110111010 nnnn dddd aaaa 0000 mmmm")]),
    long_sum(
        Op::Smlal,
        "smlal",
        Class::MultiplyLongAccumulate,
        &[pair("111110111100 nnnn dddd aaaa 0000 mmmm")],
    ),
    long_sum(
        Op::Umlal,
        "umlal",
        Class::MultiplyLongAccumulate,
        &[pair("111110111110 nnnn dddd aaaa 0000 mmmm")],
    ),
    long_sum(
        Op::Umaal,
        "umaal",
        Class::MultiplyLongAccumulate,
        &[pair("111110111110 nnnn dddd aaaa 0110 mmmm")],
    )
    .needs(Dsp),
    high(Op::Smmul, "smmul", &[wide("111110110101 nnnn 1111 dddd 0000 mmmm")]),
    high(Op::Smmulr, "smmulr", &[wide("111110110101 nnnn 1111 dddd 0001 mmmm")]),
    high_sum(Op::Smmla, "smmla", &[wide("111110110101 nnnn aaaa dddd 0000 mmmm")]),
    high_sum(Op::Smmlar, "smmlar", &[wide("111110110101 nnnn aaaa dddd 0001 mmmm")]),
    high_sum(Op::Smmls, "smmls", &[wide("111110110110 nnnn aaaa dddd 0000 mmmm")]),
    dsp_sum(Op::Smlad, "smlad", &[wide("111110110010 nnnn aaaa dddd 0000 mmmm")]),
    dsp_sum(Op::Smladx, "smladx", &[wide("111110110010 nnnn aaaa dddd 0001 mmmm")]),
    dsp_product(Op::Smuad, "smuad", &[wide("111110110010 nnnn 1111 dddd 0000 mmmm")]),
    dsp_product(Op::Smuadx, "smuadx", &[wide("111110110010 nnnn 1111 dddd 0001 mmmm")]),
    dsp_sum(Op::Smlsd, "smlsd", &[wide("111110110100 nnnn aaaa dddd 0000 mmmm")]),
    dsp_sum(Op::Smlsdx, "smlsdx", &[wide("111110110100 nnnn aaaa dddd 0001 mmmm")]),
    dsp_long_sum(Op::Smlald, "smlald", &[pair("111110111100 nnnn dddd aaaa 1100 mmmm")]),
    dsp_long_sum(Op::Smlaldx, "smlaldx", &[pair("111110111100 nnnn dddd aaaa 1101 mmmm")]),
    dsp_sum(Op::Smlabb, "smlabb", &[wide("111110110001 nnnn aaaa dddd 0000 mmmm")]),
    dsp_sum(Op::Smlabt, "smlabt", &[wide("111110110001 nnnn aaaa dddd 0001 mmmm")]),
    dsp_sum(Op::Smlatb, "smlatb", &[wide("111110110001 nnnn aaaa dddd 0010 mmmm")]),
    dsp_sum(Op::Smlatt, "smlatt", &[wide("111110110001 nnnn aaaa dddd 0011 mmmm")]),
    dsp_product(Op::Smulbb, "smulbb", &[wide("111110110001 nnnn 1111 dddd 0000 mmmm")]),
    dsp_product(Op::Smulbt, "smulbt", &[wide("111110110001 nnnn 1111 dddd 0001 mmmm")]),
    dsp_product(Op::Smultb, "smultb", &[wide("111110110001 nnnn 1111 dddd 0010 mmmm")]),
    dsp_product(Op::Smultt, "smultt", &[wide("111110110001 nnnn 1111 dddd 0011 mmmm")]),
    dsp_sum(Op::Smlawb, "smlawb", &[wide("111110110011 nnnn aaaa dddd 0000 mmmm")]),
    dsp_sum(Op::Smlawt, "smlawt", &[wide("111110110011 nnnn aaaa dddd 0001 mmmm")]),
    dsp_product(Op::Smulwb, "smulwb", &[wide("111110110011 nnnn 1111 dddd 0000 mmmm")]),
    dsp_product(Op::Smulwt, "smulwt", &[wide("111110110011 nnnn 1111 dddd 0001 mmmm")]),
    dsp_long_sum(Op::Smlalbb, "smlalbb", &[pair("111110111100 nnnn dddd aaaa 1000 mmmm")]),
    dsp_long_sum(Op::Smlalbt, "smlalbt", &[pair("111110111100 nnnn dddd aaaa 1001 mmmm")]),
    dsp_long_sum(Op::Smlaltb, "smlaltb", &[pair("111110111100 nnnn dddd aaaa 1010 mmmm")]),
    dsp_long_sum(Op::Smlaltt, "smlaltt", &[pair("111110111100 nnnn dddd aaaa 1011 mmmm")]),
    product(Op::Sdiv, "sdiv", Divide, &[wide("111110111001 nnnn 1111 dddd 1111 mmmm")]),
    product(Op::Udiv, "udiv", Divide, &[wide("111110111011 nnnn 1111 dddd 1111 mmmm")]),
];
