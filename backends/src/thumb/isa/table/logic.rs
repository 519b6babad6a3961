//! Logic on whole words, and shifts.

use super::super::form::Imm::{Amount, Modified};
use super::super::form::Rule::Same;
use super::super::form::{Form, narrow, wide};
use super::super::info::Class::Alu;
use super::super::info::Field::{D, N};
use super::super::info::{Info, op};
use super::super::inst::Op;

/// d = n op m, with a shift of m.
const fn three(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}{shift}", "=d n m", Alu, forms).if_s()
}

/// d = n op number.
const fn number(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {number}", "=d n", Alu, forms).if_s()
}

/// d = n shifted by m.
const fn shift(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {m}", "=d n m", Alu, forms).if_s()
}

/// d = n shifted by a number.
const fn shift_number(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, {n}, {i}", "=d n", Alu, forms).if_s()
}

/// Flags of n op m, or of n op number.
const fn test(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{n}, {m}{shift}", "n m", Alu, forms).compares()
}

const fn test_number(code: Op, mnemonic: &'static str, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{n}, {number}", "n", Alu, forms).compares()
}

/// The 16-bit form of two registers.
const fn two(pattern: &'static str) -> Form {
    narrow(pattern).rules(&[Same(N, D)]).sets()
}

pub(super) const TABLE: &[Info] = &[
    op(
        Op::Mvn,
        "mvn",
        "{d}, {m}{shift}",
        "=d m",
        Alu,
        &[narrow("0100001111 mmm ddd").sets(), wide("11101010011S1111 0sss dddd sstt mmmm")],
    )
    .if_s(),
    op(
        Op::MvnImm,
        "mvn",
        "{d}, {number}",
        "=d",
        Alu,
        &[wide("11110i00011S1111 0iii dddd iiiiiiii").imm(Modified)],
    )
    .if_s(),
    three(
        Op::And,
        "and",
        &[two("0100000000 mmm ddd").commutes(), wide("11101010000S nnnn 0sss dddd sstt mmmm")],
    ),
    number(Op::AndImm, "and", &[wide("11110i00000S nnnn 0iii dddd iiiiiiii").imm(Modified)]),
    three(
        Op::Orr,
        "orr",
        &[two("0100001100 mmm ddd").commutes(), wide("11101010010S nnnn 0sss dddd sstt mmmm")],
    ),
    number(Op::OrrImm, "orr", &[wide("11110i00010S nnnn 0iii dddd iiiiiiii").imm(Modified)]),
    three(
        Op::Eor,
        "eor",
        &[two("0100000001 mmm ddd").commutes(), wide("11101010100S nnnn 0sss dddd sstt mmmm")],
    ),
    number(Op::EorImm, "eor", &[wide("11110i00100S nnnn 0iii dddd iiiiiiii").imm(Modified)]),
    three(Op::Bic, "bic", &[two("0100001110 mmm ddd"), wide("11101010001S nnnn 0sss dddd sstt mmmm")]),
    number(Op::BicImm, "bic", &[wide("11110i00001S nnnn 0iii dddd iiiiiiii").imm(Modified)]),
    three(Op::Orn, "orn", &[wide("11101010011S nnnn 0sss dddd sstt mmmm")]),
    number(Op::OrnImm, "orn", &[wide("11110i00011S nnnn 0iii dddd iiiiiiii").imm(Modified)]),
    shift_number(
        Op::LslImm,
        "lsl",
        &[
            narrow("00000 iiiii nnn ddd").imm(Amount(31)).sets(),
            wide("11101010010S1111 0iii dddd ii00 nnnn").imm(Amount(31)),
        ],
    ),
    shift_number(
        Op::LsrImm,
        "lsr",
        &[
            narrow("00001 iiiii nnn ddd").imm(Amount(32)).sets(),
            wide("11101010010S1111 0iii dddd ii01 nnnn").imm(Amount(32)),
        ],
    ),
    shift_number(
        Op::AsrImm,
        "asr",
        &[
            narrow("00010 iiiii nnn ddd").imm(Amount(32)).sets(),
            wide("11101010010S1111 0iii dddd ii10 nnnn").imm(Amount(32)),
        ],
    ),
    shift_number(Op::RorImm, "ror", &[wide("11101010010S1111 0iii dddd ii11 nnnn").imm(Amount(31))]),
    shift(Op::Lsl, "lsl", &[two("0100000010 mmm ddd"), wide("11111010000S nnnn 1111 dddd 0000 mmmm")]),
    shift(Op::Lsr, "lsr", &[two("0100000011 mmm ddd"), wide("11111010001S nnnn 1111 dddd 0000 mmmm")]),
    shift(Op::Asr, "asr", &[two("0100000100 mmm ddd"), wide("11111010010S nnnn 1111 dddd 0000 mmmm")]),
    shift(Op::Ror, "ror", &[two("0100000111 mmm ddd"), wide("11111010011S nnnn 1111 dddd 0000 mmmm")]),
    test(Op::Tst, "tst", &[narrow("0100001000 mmm nnn"), wide("111010100001 nnnn 0sss 1111 sstt mmmm")]),
    test_number(Op::TstImm, "tst", &[wide("11110i000001 nnnn 0iii 1111 iiiiiiii").imm(Modified)]),
    test(Op::Teq, "teq", &[wide("111010101001 nnnn 0sss 1111 sstt mmmm")]),
    test_number(Op::TeqImm, "teq", &[wide("11110i001001 nnnn 0iii 1111 iiiiiiii").imm(Modified)]),
];
