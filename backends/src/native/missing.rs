//! Operations that a machine lacks altogether, taken out of finished functions.

use super::routines::names;
use super::{Callee, Class, Function, Inst, Op, Value};
use tinyc_ir::entity::Entity;

/// The most bits that are set in a factor for which shifts and sums are taken.
const MOST_BITS: u32 = 5;

/// Makes products shifts and sums, or calls of a routine. Whether there are such calls.
pub(super) fn without_multiply(function: &mut Function) -> bool {
    let mut numbers = vec![None; function.values.len()];
    for inst in function.blocks.values().flat_map(|block| &block.insts) {
        if let Op::Const(number) = inst.op {
            numbers[inst.results[0].index()] = Some(number);
        }
    }
    let mut calls = false;
    for block in function.blocks.values_mut() {
        let mut insts = Vec::with_capacity(block.insts.len());
        for mut inst in std::mem::take(&mut block.insts) {
            if inst.op == Op::Mul {
                let factor = numbers.get(inst.args[1].index()).copied().flatten();
                match factor
                    .map(i32::cast_unsigned)
                    .filter(|factor| (1..=MOST_BITS).contains(&factor.count_ones()))
                {
                    Some(factor) => {
                        let mut value = |op: Op, args: Vec<Value>| {
                            let result = function.values.push(Class::Word);
                            insts.push(Inst { op, args, results: vec![result] });
                            result
                        };
                        shifted(inst.args[0], factor, &mut value);
                        insts.last_mut().expect("a product is made of something").results = inst.results;
                        continue;
                    }
                    None => {
                        inst.op = Op::Call(Callee::Routine(names::U32_MUL));
                        calls = true;
                    }
                }
            }
            insts.push(inst);
        }
        block.insts = insts;
    }
    calls
}

/// `a · factor` by shifts and sums; what is made last is the product.
fn shifted(a: Value, factor: u32, value: &mut dyn FnMut(Op, Vec<Value>) -> Value) {
    let mut sum: Option<Value> = None;
    for bit in (0..32).filter(|bit| factor >> bit & 1 == 1) {
        let amount = value(Op::Const(bit), Vec::new());
        let part = value(Op::ShiftLeft, vec![a, amount]);
        sum = Some(match sum {
            Some(sum) => value(Op::Add, vec![sum, part]),
            None => part,
        });
    }
}
