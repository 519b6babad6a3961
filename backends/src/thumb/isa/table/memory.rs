//! Loads and stores of general registers.

use super::super::form::Imm::{List, Negative, Signed, Unsigned};
use super::super::form::Rule::{BaseInList, Differ, IsSp};
use super::super::form::{Form, Imm, narrow, wide};
use super::super::info::Address::{Immediate, Literal, Register, Writeback};
use super::super::info::Class::{Alu, Load, LoadMultiple, Store, StoreMultiple};
use super::super::info::Field::{A, D, N};
use super::super::info::{Class, Info, op};
use super::super::inst::Op;

const fn load(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}{offset}]", "=d n", Load { bytes, address: Immediate }, forms)
}

const fn store(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}{offset}]", "d n", Store { bytes, address: Immediate }, forms)
}

const fn load_post(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}], {i}", "=d +n", Load { bytes, address: Writeback }, forms)
}

const fn store_post(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}], {i}", "d +n", Store { bytes, address: Writeback }, forms)
}

const fn load_pre(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}, {i}]!", "=d +n", Load { bytes, address: Writeback }, forms)
}

const fn store_pre(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}, {i}]!", "d +n", Store { bytes, address: Writeback }, forms)
}

const fn load_register(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}, {m}{shift}]", "=d n m", Load { bytes, address: Register }, forms)
}

const fn store_register(code: Op, mnemonic: &'static str, bytes: u8, forms: &'static [Form]) -> Info {
    op(code, mnemonic, "{d}, [{n}, {m}{shift}]", "d n m", Store { bytes, address: Register }, forms)
}

const fn load_list(code: Op, mnemonic: &'static str, base: &str, forms: &'static [Form]) -> Info {
    list(code, mnemonic, base, LoadMultiple, forms)
}

const fn store_list(code: Op, mnemonic: &'static str, base: &str, forms: &'static [Form]) -> Info {
    list(code, mnemonic, base, StoreMultiple, forms)
}

/// `base` is the role of n: it advances or it does not.
const fn list(code: Op, mnemonic: &'static str, base: &str, class: Class, forms: &'static [Form]) -> Info {
    let advances = base.len() > 1;
    op(code, mnemonic, if advances { "{n}!, {list}" } else { "{n}, {list}" }, base, class, forms)
}

/// 32 bits, unsigned offset of twelve bits.
const fn far(pattern: &'static str) -> Form {
    wide(pattern).sp(&[N])
}

/// 32 bits, negative offset of eight bits.
const fn negative(pattern: &'static str) -> Form {
    wide(pattern).imm(Negative).sp(&[N])
}

/// 32 bits, signed offset of eight bits; the base advances and so is not the value.
const fn advancing(pattern: &'static str) -> Form {
    wide(pattern).imm(Signed(0)).rules(&[Differ(D, N)]).sp(&[N])
}

/// r0 to r7.
const LOW_LIST: Imm = List { extra: 0, allowed: 0xff, least: 1 };
/// All but SP; a single register is no list.
const LOADED: Imm = List { extra: 0, allowed: 0xdfff, least: 2 };
/// All but SP and PC.
const STORED: Imm = List { extra: 0, allowed: 0x5fff, least: 2 };

pub(super) const TABLE: &[Info] = &[
    load(
        Op::LdrImm,
        "ldr",
        4,
        &[
            narrow("01101 iiiii nnn ddd").imm(Unsigned(2)),
            narrow("10011 ddd iiiiiiii").imm(Unsigned(2)).rules(&[IsSp(N)]),
            far("111110001101 nnnn dddd iiiiiiiiiiii"),
            negative("111110000101 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    load(
        Op::LdrbImm,
        "ldrb",
        1,
        &[
            narrow("01111 iiiii nnn ddd"),
            far("111110001001 nnnn dddd iiiiiiiiiiii"),
            negative("111110000001 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    load(
        Op::LdrhImm,
        "ldrh",
        2,
        &[
            narrow("10001 iiiii nnn ddd").imm(Unsigned(1)),
            far("111110001011 nnnn dddd iiiiiiiiiiii"),
            negative("111110000011 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    load(
        Op::LdrsbImm,
        "ldrsb",
        1,
        &[far("111110011001 nnnn dddd iiiiiiiiiiii"), negative("111110010001 nnnn dddd 1100 iiiiiiii")],
    ),
    load(
        Op::LdrshImm,
        "ldrsh",
        2,
        &[far("111110011011 nnnn dddd iiiiiiiiiiii"), negative("111110010011 nnnn dddd 1100 iiiiiiii")],
    ),
    store(
        Op::StrImm,
        "str",
        4,
        &[
            narrow("01100 iiiii nnn ddd").imm(Unsigned(2)),
            narrow("10010 ddd iiiiiiii").imm(Unsigned(2)).rules(&[IsSp(N)]),
            far("111110001100 nnnn dddd iiiiiiiiiiii"),
            negative("111110000100 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    store(
        Op::StrbImm,
        "strb",
        1,
        &[
            narrow("01110 iiiii nnn ddd"),
            far("111110001000 nnnn dddd iiiiiiiiiiii"),
            negative("111110000000 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    store(
        Op::StrhImm,
        "strh",
        2,
        &[
            narrow("10000 iiiii nnn ddd").imm(Unsigned(1)),
            far("111110001010 nnnn dddd iiiiiiiiiiii"),
            negative("111110000010 nnnn dddd 1100 iiiiiiii"),
        ],
    ),
    load_post(Op::LdrPost, "ldr", 4, &[advancing("111110000101 nnnn dddd 10u1 iiiiiiii")]),
    load_post(Op::LdrbPost, "ldrb", 1, &[advancing("111110000001 nnnn dddd 10u1 iiiiiiii")]),
    load_post(Op::LdrhPost, "ldrh", 2, &[advancing("111110000011 nnnn dddd 10u1 iiiiiiii")]),
    load_post(Op::LdrsbPost, "ldrsb", 1, &[advancing("111110010001 nnnn dddd 10u1 iiiiiiii")]),
    load_post(Op::LdrshPost, "ldrsh", 2, &[advancing("111110010011 nnnn dddd 10u1 iiiiiiii")]),
    store_post(Op::StrPost, "str", 4, &[advancing("111110000100 nnnn dddd 10u1 iiiiiiii")]),
    store_post(Op::StrbPost, "strb", 1, &[advancing("111110000000 nnnn dddd 10u1 iiiiiiii")]),
    store_post(Op::StrhPost, "strh", 2, &[advancing("111110000010 nnnn dddd 10u1 iiiiiiii")]),
    load_pre(Op::LdrPre, "ldr", 4, &[advancing("111110000101 nnnn dddd 11u1 iiiiiiii")]),
    load_pre(Op::LdrbPre, "ldrb", 1, &[advancing("111110000001 nnnn dddd 11u1 iiiiiiii")]),
    load_pre(Op::LdrhPre, "ldrh", 2, &[advancing("111110000011 nnnn dddd 11u1 iiiiiiii")]),
    load_pre(Op::LdrsbPre, "ldrsb", 1, &[advancing("111110010001 nnnn dddd 11u1 iiiiiiii")]),
    load_pre(Op::LdrshPre, "ldrsh", 2, &[advancing("111110010011 nnnn dddd 11u1 iiiiiiii")]),
    store_pre(Op::StrPre, "str", 4, &[advancing("111110000100 nnnn dddd 11u1 iiiiiiii")]),
    store_pre(Op::StrbPre, "strb", 1, &[advancing("111110000000 nnnn dddd 11u1 iiiiiiii")]),
    store_pre(Op::StrhPre, "strh", 2, &[advancing("111110000010 nnnn dddd 11u1 iiiiiiii")]),
    load_register(
        Op::Ldr,
        "ldr",
        4,
        &[narrow("0101100 mmm nnn ddd"), far("111110000101 nnnn dddd 000000ss mmmm")],
    ),
    load_register(
        Op::Ldrb,
        "ldrb",
        1,
        &[narrow("0101110 mmm nnn ddd"), far("111110000001 nnnn dddd 000000ss mmmm")],
    ),
    load_register(
        Op::Ldrh,
        "ldrh",
        2,
        &[narrow("0101101 mmm nnn ddd"), far("111110000011 nnnn dddd 000000ss mmmm")],
    ),
    load_register(
        Op::Ldrsb,
        "ldrsb",
        1,
        &[narrow("0101011 mmm nnn ddd"), far("111110010001 nnnn dddd 000000ss mmmm")],
    ),
    load_register(
        Op::Ldrsh,
        "ldrsh",
        2,
        &[narrow("0101111 mmm nnn ddd"), far("111110010011 nnnn dddd 000000ss mmmm")],
    ),
    store_register(
        Op::Str,
        "str",
        4,
        &[narrow("0101000 mmm nnn ddd"), far("111110000100 nnnn dddd 000000ss mmmm")],
    ),
    store_register(
        Op::Strb,
        "strb",
        1,
        &[narrow("0101010 mmm nnn ddd"), far("111110000000 nnnn dddd 000000ss mmmm")],
    ),
    store_register(
        Op::Strh,
        "strh",
        2,
        &[narrow("0101001 mmm nnn ddd"), far("111110000010 nnnn dddd 000000ss mmmm")],
    ),
    op(
        Op::LdrdImm,
        "ldrd",
        "{d}, {a}, [{n}{offset}]",
        "=d n =a",
        Load { bytes: 8, address: Immediate },
        &[wide("11101001u101 nnnn dddd aaaa iiiiiiii").imm(Signed(2)).rules(&[Differ(D, A)]).sp(&[N])],
    ),
    op(
        Op::StrdImm,
        "strd",
        "{d}, {a}, [{n}{offset}]",
        "d n a",
        Store { bytes: 8, address: Immediate },
        &[wide("11101001u100 nnnn dddd aaaa iiiiiiii").imm(Signed(2)).sp(&[N])],
    ),
    load_list(
        Op::Ldm,
        "ldm",
        "+n",
        &[
            narrow("11001 nnn iiiiiiii").imm(LOW_LIST).rules(&[BaseInList(false)]),
            wide("111010001011 nnnn iiiiiiiiiiiiiiii").imm(LOADED).rules(&[BaseInList(false)]),
        ],
    ),
    load_list(
        Op::LdmKeep,
        "ldm",
        "n",
        &[
            narrow("11001 nnn iiiiiiii").imm(LOW_LIST).rules(&[BaseInList(true)]),
            wide("111010001001 nnnn iiiiiiiiiiiiiiii").imm(LOADED).sp(&[N]),
        ],
    ),
    store_list(
        Op::Stm,
        "stm",
        "+n",
        &[
            narrow("11000 nnn iiiiiiii").imm(LOW_LIST).rules(&[BaseInList(false)]),
            wide("111010001010 nnnn iiiiiiiiiiiiiiii").imm(STORED).rules(&[BaseInList(false)]),
        ],
    ),
    store_list(Op::StmKeep, "stm", "n", &[wide("111010001000 nnnn iiiiiiiiiiiiiiii").imm(STORED).sp(&[N])]),
    store_list(
        Op::Stmdb,
        "stmdb",
        "+n",
        &[wide("111010010010 nnnn iiiiiiiiiiiiiiii").imm(STORED).rules(&[BaseInList(false)])],
    ),
    load_list(
        Op::Ldmdb,
        "ldmdb",
        "+n",
        &[wide("111010010011 nnnn iiiiiiiiiiiiiiii").imm(LOADED).rules(&[BaseInList(false)])],
    ),
    op(
        Op::Push,
        "push",
        "{list}",
        "",
        StoreMultiple,
        &[
            narrow("1011010 j iiiiiiii").imm(List { extra: 14, allowed: 0x40ff, least: 1 }),
            wide("1110100100101101 iiiiiiiiiiiiiiii").imm(STORED),
        ],
    ),
    op(
        Op::Pop,
        "pop",
        "{list}",
        "",
        LoadMultiple,
        &[
            narrow("1011110 j iiiiiiii").imm(List { extra: 15, allowed: 0x80ff, least: 1 }),
            wide("1110100010111101 iiiiiiiiiiiiiiii").imm(LOADED),
        ],
    ),
    op(
        Op::LdrLit,
        "ldr",
        "{d}, [pc, {i}]",
        "=d",
        Load { bytes: 4, address: Literal },
        &[
            narrow("01001 ddd iiiiiiii").imm(Unsigned(2)),
            wide("11111000u1011111 dddd iiiiiiiiiiii").imm(Signed(0)),
        ],
    ),
    op(
        Op::Adr,
        "add",
        "{d}, pc, {i}",
        "=d",
        Alu,
        &[
            narrow("10100 ddd iiiiiiii").imm(Unsigned(2)),
            wide("11110i1000001111 0iii dddd iiiiiiii"),
            wide("11110i1010101111 0iii dddd iiiiiiii").imm(Negative),
        ],
    ),
];
