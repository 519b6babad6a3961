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

#[cfg(test)]
mod tests {
    use super::super::form::Rule;
    use super::super::info::{Field, Role, Sets};
    use super::*;

    const LETTERS: [u8; 4] = [b'd', b'n', b'm', b'a'];

    #[test]
    fn entries_agree_with_themselves() {
        for op in Op::all() {
            let info = op.info();
            assert!(!info.forms.is_empty(), "{op:?}");
            for (field, letter) in Field::ALL.into_iter().zip(LETTERS) {
                let name = format!("{{{}}}", char::from(letter));
                let is_float_list = field == Field::D && info.operands.contains("{floats}");
                let has_role = info.role(field) != Role::None;
                assert_eq!(info.operands.contains(&name) || is_float_list, has_role, "{op:?}: {name}");
                for form in info.forms {
                    let is_given = form.rules.iter().any(|&rule| match rule {
                        Rule::Same(given, _) => given == field,
                        Rule::IsSp(given) => given == field,
                        _ => false,
                    });
                    assert_eq!(form.has(letter) ^ is_given, has_role, "{op:?}: {name} of {}", form.pattern);
                }
            }
            for form in info.forms {
                let sets = form.has(b'S') || form.sets_outside_it;
                assert!(!sets || info.sets == Sets::IfS, "{op:?}: {}", form.pattern);
            }
            // A wide form that can write the flags is all that an operation with `s` needs.
            let can_set = info.forms.iter().any(|form| form.has(b'S') || form.sets_outside_it);
            assert_eq!(info.sets == Sets::IfS, can_set, "{op:?}");
        }
    }
}
