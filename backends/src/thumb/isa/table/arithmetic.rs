//! Moves, additions and subtractions, comparisons of sums.

use super::super::form::Imm::{Modified, Unsigned};
use super::super::form::Rule::{High, IsSp, Same, Zero};
use super::super::form::{narrow, wide};
use super::super::info::Class::Alu;
use super::super::info::Field::{D, M, N};
use super::super::info::{Flags, Info, op};
use super::super::inst::Op;

const THREE: &str = "{d}, {n}, {m}{shift}";
const WITH_NUMBER: &str = "{d}, {n}, {number}";

pub(super) const TABLE: &[Info] = &[
    op(
        Op::Mov,
        "mov",
        "{d}, {m}",
        "=d m",
        Alu,
        &[
            narrow("01000110 d mmmm ddd").sp(&[D, M]),
            narrow("00000 00000 mmm ddd").sets().outside_it(),
            wide("11101010010S1111 0000 dddd 0000 mmmm"),
        ],
    )
    .if_s(),
    op(
        Op::MovImm,
        "mov",
        "{d}, {number}",
        "=d",
        Alu,
        &[
            narrow("00100 ddd iiiiiiii").sets(),
            wide("11110i00010S1111 0iii dddd iiiiiiii").imm(Modified),
            wide("11110i100100jjjj 0iii dddd iiiiiiii"),
        ],
    )
    .if_s(),
    op(Op::Movt, "movt", "{d}, {i}", "+d", Alu, &[wide("11110i101100jjjj 0iii dddd iiiiiiii")]),
    op(
        Op::Add,
        "add",
        THREE,
        "=d n m",
        Alu,
        &[
            narrow("0001100 mmm nnn ddd").sets(),
            narrow("01000100 d mmmm ddd").rules(&[Same(N, D)]).sp(&[D, M]).commutes(),
            wide("11101011000S nnnn 0sss dddd sstt mmmm").sp(&[N]),
            wide("111010110000 1101 0000 1101 0000 mmmm").rules(&[IsSp(D), IsSp(N)]),
        ],
    )
    .if_s(),
    op(
        Op::AddImm,
        "add",
        WITH_NUMBER,
        "=d n",
        Alu,
        &[
            narrow("00110 ddd iiiiiiii").rules(&[Same(N, D)]).sets(),
            narrow("0001110 iii nnn ddd").sets(),
            narrow("10101 ddd iiiiiiii").imm(Unsigned(2)).rules(&[IsSp(N)]),
            narrow("101100000 iiiiiii").imm(Unsigned(2)).rules(&[IsSp(D), IsSp(N)]),
            wide("11110i01000S nnnn 0iii dddd iiiiiiii").imm(Modified).sp(&[N]),
            wide("11110i01000S 1101 0iii 1101 iiiiiiii").imm(Modified).rules(&[IsSp(D), IsSp(N)]),
            wide("11110i100000 nnnn 0iii dddd iiiiiiii").sp(&[N]),
            wide("11110i100000 1101 0iii 1101 iiiiiiii").rules(&[IsSp(D), IsSp(N)]),
        ],
    )
    .if_s(),
    op(
        Op::Sub,
        "sub",
        THREE,
        "=d n m",
        Alu,
        &[
            narrow("0001101 mmm nnn ddd").sets(),
            wide("11101011101S nnnn 0sss dddd sstt mmmm").sp(&[N]),
            wide("111010111010 1101 0000 1101 0000 mmmm").rules(&[IsSp(D), IsSp(N)]),
        ],
    )
    .if_s(),
    op(
        Op::SubImm,
        "sub",
        WITH_NUMBER,
        "=d n",
        Alu,
        &[
            narrow("00111 ddd iiiiiiii").rules(&[Same(N, D)]).sets(),
            narrow("0001111 iii nnn ddd").sets(),
            narrow("101100001 iiiiiii").imm(Unsigned(2)).rules(&[IsSp(D), IsSp(N)]),
            wide("11110i01101S nnnn 0iii dddd iiiiiiii").imm(Modified).sp(&[N]),
            wide("11110i01101S 1101 0iii 1101 iiiiiiii").imm(Modified).rules(&[IsSp(D), IsSp(N)]),
            wide("11110i101010 nnnn 0iii dddd iiiiiiii").sp(&[N]),
            wide("11110i101010 1101 0iii 1101 iiiiiiii").rules(&[IsSp(D), IsSp(N)]),
        ],
    )
    .if_s(),
    op(Op::Rsb, "rsb", THREE, "=d n m", Alu, &[wide("11101011110S nnnn 0sss dddd sstt mmmm")]).if_s(),
    op(
        Op::RsbImm,
        "rsb",
        WITH_NUMBER,
        "=d n",
        Alu,
        &[
            narrow("0100001001 nnn ddd").rules(&[Zero]).sets(),
            wide("11110i01110S nnnn 0iii dddd iiiiiiii").imm(Modified),
        ],
    )
    .if_s(),
    op(
        Op::Adc,
        "adc",
        THREE,
        "=d n m",
        Alu,
        &[
            narrow("0100000101 mmm ddd").rules(&[Same(N, D)]).sets().commutes(),
            wide("11101011010S nnnn 0sss dddd sstt mmmm"),
        ],
    )
    .if_s()
    .reads(Flags::NZCV),
    op(
        Op::AdcImm,
        "adc",
        WITH_NUMBER,
        "=d n",
        Alu,
        &[wide("11110i01010S nnnn 0iii dddd iiiiiiii").imm(Modified)],
    )
    .if_s()
    .reads(Flags::NZCV),
    op(
        Op::Sbc,
        "sbc",
        THREE,
        "=d n m",
        Alu,
        &[
            narrow("0100000110 mmm ddd").rules(&[Same(N, D)]).sets(),
            wide("11101011011S nnnn 0sss dddd sstt mmmm"),
        ],
    )
    .if_s()
    .reads(Flags::NZCV),
    op(
        Op::SbcImm,
        "sbc",
        WITH_NUMBER,
        "=d n",
        Alu,
        &[wide("11110i01011S nnnn 0iii dddd iiiiiiii").imm(Modified)],
    )
    .if_s()
    .reads(Flags::NZCV),
    op(
        Op::Cmp,
        "cmp",
        "{n}, {m}{shift}",
        "n m",
        Alu,
        &[
            narrow("0100001010 mmm nnn"),
            narrow("01000101 n mmmm nnn").sp(&[N, M]).rules(&[High(N, M)]),
            wide("111010111011 nnnn 0sss 1111 sstt mmmm").sp(&[N]),
        ],
    )
    .compares(),
    op(
        Op::CmpImm,
        "cmp",
        "{n}, {number}",
        "n",
        Alu,
        &[narrow("00101 nnn iiiiiiii"), wide("11110i011011 nnnn 0iii 1111 iiiiiiii").imm(Modified).sp(&[N])],
    )
    .compares(),
    op(
        Op::Cmn,
        "cmn",
        "{n}, {m}{shift}",
        "n m",
        Alu,
        &[narrow("0100001011 mmm nnn"), wide("111010110001 nnnn 0sss 1111 sstt mmmm").sp(&[N])],
    )
    .compares(),
    op(
        Op::CmnImm,
        "cmn",
        "{n}, {number}",
        "n",
        Alu,
        &[wide("11110i010001 nnnn 0iii 1111 iiiiiiii").imm(Modified).sp(&[N])],
    )
    .compares(),
];
