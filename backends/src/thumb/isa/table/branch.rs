//! Branches, conditions, and instructions that talk to the system.

use super::super::extension::Extension::{Base, Dsp, Main};
use super::super::form::Imm::{Branch, Far, FarConditional, Unsigned};
use super::super::form::Rule::NotZero;
use super::super::form::{narrow, wide};
use super::super::info::Class::{self, BranchConditional, Call, It, JumpRegister, JumpTable, Nop, System};
use super::super::info::Field::N;
use super::super::info::{Flags, Info, op};
use super::super::inst::Op;

pub(super) const TABLE: &[Info] = &[
    op(
        Op::B,
        "b",
        "{target}",
        "",
        Class::Branch,
        &[narrow("11100 iiiiiiiiiii").imm(Branch), wide("11110 k iiiiiiiiii 10p1o iiiiiiiiiii").imm(Far)],
    ),
    op(
        Op::Bcond,
        "b",
        "{target}",
        "",
        BranchConditional,
        &[
            narrow("1101 cccc iiiiiiii").imm(Branch),
            wide("11110 k cccc iiiiii 10p0o iiiiiiiiiii").imm(FarConditional),
        ],
    )
    .unconditional(),
    op(
        Op::Bl,
        "bl",
        "{target}",
        "",
        Call,
        &[wide("11110 k iiiiiiiiii 11p1o iiiiiiiiiii").imm(Far).needs(Base)],
    ),
    op(Op::Blx, "blx", "{m}", "m", Call, &[narrow("010001111 mmmm 000")]),
    op(Op::Bx, "bx", "{m}", "m", JumpRegister, &[narrow("010001110 mmmm 000")]),
    op(
        Op::Cbz,
        "cbz",
        "{n}, {target}",
        "n",
        BranchConditional,
        &[narrow("101100i1 iiiii nnn").imm(Unsigned(1)).needs(Main)],
    )
    .unconditional(),
    op(
        Op::Cbnz,
        "cbnz",
        "{n}, {target}",
        "n",
        BranchConditional,
        &[narrow("101110i1 iiiii nnn").imm(Unsigned(1)).needs(Main)],
    )
    .unconditional(),
    op(
        Op::Tbb,
        "tbb",
        "[{n}, {m}]",
        "n m",
        JumpTable,
        &[wide("111010001101 nnnn 111100000000 mmmm").pc(&[N])],
    )
    .unconditional(),
    op(
        Op::Tbh,
        "tbh",
        "[{n}, {m}, lsl #1]",
        "n m",
        JumpTable,
        &[wide("111010001101 nnnn 111100000001 mmmm").pc(&[N])],
    )
    .unconditional(),
    op(Op::It, "it", "{cond}", "", It, &[narrow("10111111 cccc iiii").rules(&[NotZero]).needs(Main)])
        .unconditional(),
    op(Op::Nop, "nop", "", "", Nop, &[narrow("1011111100000000"), wide("11110011101011111000000000000000")]),
    op(
        Op::Udf,
        "udf",
        "{i}",
        "",
        System,
        &[narrow("11011110 iiiiiiii"), wide("111101111111 jjjj 1010 iiiiiiiiiiii")],
    ),
    op(Op::Bkpt, "bkpt", "{i}", "", System, &[narrow("10111110 iiiiiiii")]).unconditional(),
    op(Op::Svc, "svc", "{i}", "", System, &[narrow("11011111 iiiiiiii")]),
    op(Op::Dmb, "dmb", "sy", "", System, &[wide("11110011101111111000111101011111").needs(Base)]),
    op(Op::Dsb, "dsb", "sy", "", System, &[wide("11110011101111111000111101001111").needs(Base)]),
    op(Op::Isb, "isb", "sy", "", System, &[wide("11110011101111111000111101101111").needs(Base)]),
    op(
        Op::MrsApsr,
        "mrs",
        "{d}, apsr",
        "=d",
        System,
        &[wide("11110011111011111000 dddd 00000000").needs(Base)],
    )
    .reads(Flags::NZCV.union(Flags::GE)),
    op(Op::MsrApsr, "msr", "apsr_nzcvqg, {n}", "n", System, &[wide("111100111000 nnnn 1000110000000000")])
        .compares()
        .writes(Flags::GE)
        .needs(Dsp),
];
