//! The invariants of a function: blocks are closed and reachable, definitions dominate their uses, edges bring what blocks
//! take, operations have the operands and results that they document. For tests and debug builds.

use super::{Block, Class, End, Function, Inst, Op, Value, Width};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{PackedOp, Scalar};

/// What is wrong with a function.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{function}, {block}: {message}")]
pub struct Error {
    /// The function's name.
    pub function: String,
    /// Where.
    pub block: Block,
    /// What.
    pub message: String,
}

/// Checks a finished function.
///
/// # Errors
/// The first fault.
pub fn verify(function: &Function) -> Result<(), Error> {
    Verifier { function }.run().map_err(|(block, message)| Error {
        function: function.name.clone(),
        block,
        message,
    })
}

struct Verifier<'a> {
    function: &'a Function,
}

type Check = Result<(), (Block, String)>;

impl Verifier<'_> {
    fn run(&self) -> Check {
        let entry = Block::new(0);
        let function = self.function;
        for (block, data) in function.blocks.iter() {
            let fail = |message: String| Err((block, message));
            if data.end == End::Open {
                return fail("it is open".into());
            }
            for edge in data.edges() {
                let Some(target) = function.blocks.get(edge.to).filter(|_| edge.to != entry) else {
                    return fail(format!("an edge to {}", edge.to));
                };
                if self.classes(&edge.args) != self.classes(&target.params) {
                    return fail(format!("the arguments for {} do not fit its parameters", edge.to));
                }
            }
            for inst in &data.insts {
                self.inst(inst).or_else(|message| fail(format!("{:?}: {message}", inst.op)))?;
            }
            if let End::Branch { left, right, .. } = &data.end
                && self.classes(&[*left, *right]) != [Class::Word; 2]
            {
                return fail("a branch compares words".into());
            }
        }
        self.dominance()
    }

    fn classes(&self, values: &[Value]) -> Vec<Class> {
        values.iter().map(|&v| self.function.values[v]).collect()
    }

    fn inst(&self, inst: &Inst) -> Result<(), String> {
        let (args, results) = (self.classes(&inst.args), self.classes(&inst.results));
        let Some((takes, gives)) = signature(&inst.op) else {
            // A choice is of any class, but of one; calls are of words.
            let fits = match &inst.op {
                Op::Select(_) => {
                    args.len() == 4
                        && args[..2] == [Class::Word; 2]
                        && args[2] == args[3]
                        && results == args[3..]
                }
                _ => args.iter().chain(&results).all(|&c| c == Class::Word),
            };
            return if fits { Ok(()) } else { Err("operands or results do not fit".into()) };
        };
        if args != takes || results != gives {
            return Err(format!("takes {takes:?} and gives {gives:?}, not {args:?} and {results:?}"));
        }
        if let Op::Load { width, offset, .. } | Op::Store { width, offset, .. } = &inst.op
            && !offset.unsigned_abs().is_multiple_of(width.bytes())
        {
            return Err("the offset is no multiple of the width".into());
        }
        Ok(())
    }

    fn dominance(&self) -> Check {
        let function = self.function;
        let dominators = dominators(function);
        let mut defined: Vec<Option<(Block, usize)>> = vec![None; function.values.len()];
        for (block, data) in function.blocks.iter() {
            if dominators[block.index()].is_none() {
                return Err((block, "no way leads there".into()));
            }
            let results = data
                .insts
                .iter()
                .enumerate()
                .flat_map(|(i, inst)| inst.results.iter().map(move |&r| (r, i + 1)));
            for (value, at) in data.params.iter().map(|&p| (p, 0)).chain(results) {
                if defined[value.index()].replace((block, at)).is_some() {
                    return Err((block, format!("{value} is defined twice")));
                }
            }
        }
        let reaches = |value: Value, block: Block, at: usize| {
            let Some((from, made)) = defined[value.index()] else { return false };
            from == block && made <= at || from != block && dominates(&dominators, from, block)
        };
        for (block, data) in function.blocks.iter() {
            let uses =
                data.insts.iter().enumerate().flat_map(|(i, inst)| inst.args.iter().map(move |&a| (a, i)));
            let last = data.insts.len();
            let mut ends: Vec<Value> = data.edges().iter().flat_map(|e| e.args.clone()).collect();
            match &data.end {
                End::Branch { left, right, .. } => ends.extend([*left, *right]),
                End::Return(values) => ends.extend(values),
                End::Jump(_) | End::Open => {}
            }
            for (value, at) in uses.chain(ends.into_iter().map(|v| (v, last))) {
                if !reaches(value, block, at) {
                    return Err((block, format!("{value} is used where it may not be defined")));
                }
            }
        }
        Ok(())
    }
}

/// The nearest block that every way to a block passes, the entry's being itself; `None` for unreachable ones.
fn dominators(function: &Function) -> Vec<Option<Block>> {
    let mut order = Vec::new();
    let mut seen = vec![false; function.blocks.len()];
    let entry = Block::new(0);
    let mut stack = vec![(entry, 0)];
    seen[0] = true;
    while let Some((block, next)) = stack.pop() {
        let edges = function.blocks[block].edges();
        match edges.get(next) {
            Some(edge) => {
                stack.push((block, next + 1));
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    stack.push((edge.to, 0));
                }
            }
            None => order.push(block),
        }
    }
    let mut rank = vec![0; function.blocks.len()];
    order.iter().enumerate().for_each(|(i, b)| rank[b.index()] = i);
    let mut before: Vec<Vec<Block>> = vec![Vec::new(); function.blocks.len()];
    for &block in &order {
        function.blocks[block].edges().iter().for_each(|e| before[e.to.index()].push(block));
    }
    let mut nearest: Vec<Option<Block>> = vec![None; function.blocks.len()];
    nearest[0] = Some(entry);
    let mut changed = true;
    while changed {
        changed = false;
        for &block in order.iter().rev().filter(|b| **b != entry) {
            let known = before[block.index()].iter().copied().filter(|p| nearest[p.index()].is_some());
            let common = known.reduce(|mut a, mut b| {
                while a != b {
                    if rank[a.index()] < rank[b.index()] {
                        a = nearest[a.index()].unwrap_or(entry);
                    } else {
                        b = nearest[b.index()].unwrap_or(entry);
                    }
                }
                a
            });
            if nearest[block.index()] != common {
                nearest[block.index()] = common;
                changed = true;
            }
        }
    }
    nearest
}

fn dominates(nearest: &[Option<Block>], above: Block, mut block: Block) -> bool {
    while let Some(next) = nearest[block.index()] {
        if block == above {
            return true;
        }
        if next == block {
            return false;
        }
        block = next;
    }
    false
}

/// The classes of operands and results; `None` where they are not fixed.
fn signature(op: &Op) -> Option<(Vec<Class>, Vec<Class>)> {
    let (w, f) = (Class::Word, Class::Float);
    let of = |width: &Width| if *width == Width::Float { f } else { w };
    Some(match op {
        Op::Const(_) | Op::DataAddress(_) => (vec![], vec![w]),
        Op::FloatConst(_) => (vec![], vec![f]),
        Op::Add | Op::Sub | Op::Mul | Op::And | Op::Or | Op::Xor => (vec![w; 2], vec![w]),
        Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned => (vec![w; 2], vec![w]),
        Op::MulHighSigned | Op::MulHighUnsigned | Op::DivSigned | Op::DivUnsigned | Op::Compare(_) => {
            (vec![w; 2], vec![w])
        }
        Op::Extend(_) | Op::CountLeadingZeros => (vec![w], vec![w]),
        Op::MulLongSigned | Op::MulLongUnsigned => (vec![w; 2], vec![w; 2]),
        Op::MulAddLongSigned | Op::MulAddLongUnsigned | Op::AddWide | Op::SubWide => (vec![w; 4], vec![w; 2]),
        Op::CompareWide(_) => (vec![w; 4], vec![w]),
        Op::Packed(op) => {
            let words = |s: Scalar| if s == Scalar::I64 { 2 } else { 1 };
            let (takes, gives): (&[Scalar], Scalar) = PackedOp::signature(*op);
            (vec![w; takes.iter().map(|&s| words(s)).sum()], vec![w; words(gives)])
        }
        Op::Load { width, .. } => (vec![w], vec![of(width)]),
        Op::Store { width, .. } => (vec![w, of(width)], vec![]),
        Op::FloatAdd | Op::FloatSub | Op::FloatMul | Op::FloatDiv => (vec![f; 2], vec![f]),
        Op::FloatSqrt | Op::FloatNeg | Op::FloatAbs => (vec![f], vec![f]),
        Op::FloatCompare(_) => (vec![f; 2], vec![w]),
        Op::FloatToSigned | Op::FloatToUnsigned | Op::FloatToHalf | Op::FloatToBits => (vec![f], vec![w]),
        Op::SignedToFloat | Op::UnsignedToFloat | Op::HalfToFloat | Op::BitsToFloat => (vec![w], vec![f]),
        Op::Select(_) | Op::Call(_) => return None,
    })
}

#[cfg(test)]
mod tests;
