//! The table: one entry per operation, in files by kind. An entry that is missing does not compile.

mod arithmetic;
mod bits;
mod branch;
mod float;
mod logic;
mod memory;
mod multiply;
mod packed;

use super::info::Info;
use super::inst::Op;

/// How many operations there are.
const COUNT: usize = Op::Vpop as usize + 1;

/// All entries, by operation.
static INDEX: [&Info; COUNT] = index(&[
    arithmetic::TABLE,
    logic::TABLE,
    bits::TABLE,
    multiply::TABLE,
    packed::TABLE,
    memory::TABLE,
    branch::TABLE,
    float::TABLE,
]);

const fn index(groups: &[&'static [Info]]) -> [&'static Info; COUNT] {
    let mut found = [&groups[0][0]; COUNT];
    let mut seen = [false; COUNT];
    let mut group = 0;
    while group < groups.len() {
        let mut k = 0;
        while k < groups[group].len() {
            let info = &groups[group][k];
            assert!(!seen[info.op as usize], "two entries for one operation");
            found[info.op as usize] = info;
            seen[info.op as usize] = true;
            k += 1;
        }
        group += 1;
    }
    let mut k = 0;
    while k < COUNT {
        assert!(seen[k], "an operation without an entry");
        k += 1;
    }
    found
}

impl Op {
    /// What the table says about the operation.
    pub fn info(self) -> &'static Info {
        INDEX[self as usize]
    }

    /// Every operation, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        INDEX.iter().map(|info| info.op)
    }
}
