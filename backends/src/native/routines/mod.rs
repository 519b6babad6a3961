//! Functions that an object brings along for what its core lacks: division, wide integers, floats. Written once
//! against the builder, for every machine; nothing is left to a library.
//!
//! | file | what |
//! |---|---|
//! | `names` | what there is, and what it computes |
//! | `write`, `word`, `real`, `real_double` | the language in which the routines are written |
//! | all others | the routines, one noun each |
//!
//! About how many instructions run in a call, the mean over numbers of ordinary size (`tests/cost.rs` prints all rows, and
//! the most that was seen):
//!
//! | routine | ARMv6-M | ARMv7-M | with FPU |
//! |---|--:|--:|--:|
//! | `f32_add` | 57 | 44 | |
//! | `f32_mul` | 57 | 35 | |
//! | `f32_div` | 239 | 57 | |
//! | `f32_lt` | 20 | 16 | |
//! | `f32_round_ties_even` | 20 | 14 | 14 |
//! | `i32_to_f32` | 45 | 19 | |
//! | `f32_exp` | 1,370 | 990 | 51 |
//! | `f32_tanh` | 1,120 | 760 | 43 |
//! | `f32_sigmoid` | 1,710 | 1,130 | 68 |

mod binary32;
mod binary64;
mod divide;
mod divide_wide;
mod double_add;
mod double_compare;
mod double_convert;
mod double_exp;
mod double_log;
mod double_mul;
mod erf;
mod exp;
mod float_add;
mod float_compare;
mod float_convert;
mod float_div;
mod float_mul;
mod float_sqrt;
mod half_convert;
mod leading_zeros;
mod log;
mod multiply;
pub mod names;
mod real;
mod real_double;
mod sigmoid;
mod sin_cos;
mod tanh;
#[cfg(test)]
mod tests;
mod wide;
mod word;
mod write;

use super::missing::without_multiply;
use super::{Callee, Function, Machine, Op};
use double_compare::Relation;
use std::collections::BTreeMap;
use wide::Shift;

/// The routine of this name, one of [`names`], for this machine.
///
/// # Panics
/// If there is none of this name: names are constants of this crate.
pub fn function(name: &'static str, machine: &Machine) -> Function {
    let mut function = written(name, machine);
    if !machine.multiply {
        without_multiply(&mut function);
    }
    function
}

fn written(name: &'static str, machine: &Machine) -> Function {
    match name {
        names::U32_DIV_REM => divide::unsigned(name, machine),
        names::I32_DIV_REM => divide::signed(name, machine),
        names::U64_DIV_REM => divide_wide::unsigned(name, machine),
        names::I64_DIV_REM => divide_wide::signed(name, machine),
        names::U32_MUL => multiply::low(name, machine),
        names::U32_MUL_LONG => wide::mul_long(name, machine),
        names::I32_MUL_LONG => wide::mul_long_signed(name, machine),
        names::U64_MUL => wide::mul(name, machine),
        names::U64_SHL => wide::shift(name, machine, Shift::Left),
        names::U64_SHR => wide::shift(name, machine, Shift::Right),
        names::I64_SHR => wide::shift(name, machine, Shift::RightSigned),
        names::U32_LEADING_ZEROS => leading_zeros::function(name, machine),
        names::F32_ADD => float_add::add(name, machine),
        names::F32_SUB => float_add::sub(name, machine),
        names::F32_MUL => float_mul::mul(name, machine),
        names::F32_DIV => float_div::div(name, machine),
        names::F32_SQRT => float_sqrt::sqrt(name, machine),
        names::F32_ROUND => float_convert::round(name, machine),
        names::F32_EXP => exp::exp(name, machine),
        names::F32_LOG => log::log(name, machine),
        names::F32_SIN => sin_cos::shifted(name, machine, 0),
        names::F32_COS => sin_cos::shifted(name, machine, 1),
        names::F32_SIN_QUADRANT => sin_cos::quadrant(name, machine),
        names::F32_TANH => tanh::tanh(name, machine),
        names::F32_SIGMOID => sigmoid::sigmoid(name, machine),
        names::F32_ERF => erf::erf(name, machine),
        names::F32_MIN => float_compare::extreme(name, machine, false),
        names::F32_MAX => float_compare::extreme(name, machine, true),
        names::F32_EQ => float_compare::equal(name, machine, false),
        names::F32_NE => float_compare::equal(name, machine, true),
        names::F32_LT => float_compare::less(name, machine, false),
        names::F32_LE => float_compare::less(name, machine, true),
        names::I32_TO_F32 => float_convert::from_word(name, machine, true),
        names::U32_TO_F32 => float_convert::from_word(name, machine, false),
        names::I64_TO_F32 => float_convert::from_pair(name, machine, true),
        names::U64_TO_F32 => float_convert::from_pair(name, machine, false),
        names::F32_TO_I32 => float_convert::to_signed(name, machine),
        names::F32_TO_U32 => float_convert::to_unsigned(name, machine),
        names::F32_TO_I64 => float_convert::to_pair(name, machine, true),
        names::F32_TO_U64 => float_convert::to_pair(name, machine, false),
        names::F16_TO_F32 => half_convert::from_f16(name, machine),
        names::F32_TO_F16 => half_convert::to_f16(name, machine),
        names::F32_TO_BF16 => half_convert::to_bf16(name, machine),
        names::F64_PACK => binary64::pack(name, machine),
        names::F64_ADD => double_add::add(name, machine),
        names::F64_SUB => double_add::sub(name, machine),
        names::F64_MUL => double_mul::mul(name, machine),
        names::F64_DIV => double_mul::div(name, machine),
        names::F64_SQRT => double_mul::sqrt(name, machine),
        names::F64_ROUND => double_convert::round(name, machine),
        names::F64_EXP => double_exp::exp(name, machine),
        names::F64_LOG => double_log::log(name, machine),
        names::F64_MIN => double_compare::extreme(name, machine, false),
        names::F64_MAX => double_compare::extreme(name, machine, true),
        names::F64_EQ => double_compare::compare(name, machine, Relation::Equal),
        names::F64_NE => double_compare::compare(name, machine, Relation::Differ),
        names::F64_LT => double_compare::compare(name, machine, Relation::Less),
        names::F64_LE => double_compare::compare(name, machine, Relation::LessOrEqual),
        names::I32_TO_F64 => double_convert::from_word(name, machine, true),
        names::U32_TO_F64 => double_convert::from_word(name, machine, false),
        names::I64_TO_F64 => double_convert::from_pair(name, machine, true),
        names::U64_TO_F64 => double_convert::from_pair(name, machine, false),
        names::F64_TO_I32 => double_convert::to_word(name, machine, true),
        names::F64_TO_U32 => double_convert::to_word(name, machine, false),
        names::F64_TO_I64 => double_convert::to_pair(name, machine, true),
        names::F64_TO_U64 => double_convert::to_pair(name, machine, false),
        names::F32_TO_F64 => double_convert::widened(name, machine),
        names::F64_TO_F32 => double_convert::narrowed(name, machine),
        _ => unreachable!("no routine is named {name}"),
    }
}

/// The routines that a function calls itself, in the order of the first calls.
pub fn dependencies(function: &Function) -> Vec<&'static str> {
    let mut found = Vec::new();
    for inst in function.blocks.values().flat_map(|block| &block.insts) {
        if let Op::Call(Callee::Routine(name)) = &inst.op
            && !found.contains(name)
        {
            found.push(name);
        }
    }
    found
}

/// These routines and all that they call.
pub fn closure(
    wanted: impl IntoIterator<Item = &'static str>,
    machine: &Machine,
) -> BTreeMap<&'static str, Function> {
    let mut left: Vec<&'static str> = wanted.into_iter().collect();
    let mut found = BTreeMap::new();
    while let Some(name) = left.pop() {
        if !found.contains_key(name) {
            let function = function(name, machine);
            left.extend(dependencies(&function));
            found.insert(name, function);
        }
    }
    found
}
