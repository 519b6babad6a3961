//! What the table says about an operation: its assembly text, what it does to registers, its class for timing, and its
//! encodings. Not what it computes: that is the simulator's.

use super::extension::Extension;
use super::form::Form;
use super::inst::Op;
use crate::codegen::{Field, Role};

/// One entry of the table.
#[derive(Debug)]
pub struct Info {
    /// The operation.
    pub op: Op,
    /// The mnemonic.
    pub mnemonic: &'static str,
    /// The operands of the assembly text; fields stand in braces.
    pub operands: &'static str,
    /// What is done with the registers in the fields d, n, m and a.
    pub roles: [Role; 4],
    /// Which of these are float registers.
    pub floats: [bool; 4],
    /// What it costs.
    pub class: Class,
    /// The part of the architecture that it belongs to.
    pub needs: Extension,
    /// The encodings, the preferred one first.
    pub forms: &'static [Form],
}

/// Classes of instructions that cost the same, after the fields of `tinyc_targets::Timing`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names of the timing tables")]
pub enum Class {
    Alu,
    Multiply,
    MultiplyHigh,
    Divide,
    Load,
    Store,
    /// A branch that tests first.
    Branch,
    /// JAL: a jump, or a call.
    Jump,
    JumpRegister,
    FloatAlu,
    FloatMultiplyAccumulate,
    FloatDivide,
    FloatSqrt,
    FloatLoad,
    FloatStore,
    /// Between a general and a float register.
    FloatMove,
    System,
}

/// An entry. `roles` names the fields: `n` is read, `=d` written; capitals are float registers.
pub(super) const fn op(
    op: Op,
    needs: Extension,
    mnemonic: &'static str,
    operands: &'static str,
    roles: &str,
    class: Class,
    forms: &'static [Form],
) -> Info {
    let (roles, floats) = parse_roles(roles);
    Info { op, mnemonic, operands, roles, floats, class, needs, forms }
}

const fn parse_roles(text: &str) -> ([Role; 4], [bool; 4]) {
    let bytes = text.as_bytes();
    let (mut roles, mut floats) = ([Role::None; 4], [false; 4]);
    let mut role = Role::Use;
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        i += 1;
        let field = match c.to_ascii_lowercase() {
            b'd' => 0,
            b'n' => 1,
            b'm' => 2,
            b'a' => 3,
            b'=' => {
                role = Role::Def;
                continue;
            }
            b' ' => continue,
            _ => panic!("roles are made of d n m a = and blanks"),
        };
        roles[field] = role;
        floats[field] = c.is_ascii_uppercase();
        role = Role::Use;
    }
    (roles, floats)
}

impl Info {
    /// What is done with a register field.
    pub const fn role(&self, field: Field) -> Role {
        self.roles[field as usize]
    }

    /// Whether a field holds a float register.
    pub const fn is_float(&self, field: Field) -> bool {
        self.floats[field as usize]
    }
}
