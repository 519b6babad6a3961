//! Numbers and addresses of constants that a loop would make anew in each round, made once before it. Only where no round
//! has to copy what it made before; spilling makes numbers again where registers are short.

use super::code::{Code, End, What};
use super::flow::Flow;
use super::isa::{Field, Isa};
use super::operands::{each_read, reads};
use regalloc2::VReg;
use std::collections::{BTreeMap, BTreeSet};

/// What a line makes that is the same in every round of a loop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fixed {
    Number(i32),
    Address(u32),
}

/// Moves constants out of loops. Whether there were any.
pub(crate) fn hoist<I: Isa>(code: &mut Code<I, VReg>) -> bool {
    let flow = Flow::new(code);
    let changed = changed_values(code);
    let mut before: BTreeMap<(usize, Fixed), VReg> = BTreeMap::new();
    let mut names: BTreeMap<VReg, VReg> = BTreeMap::new();
    for at in 0..code.blocks.len() {
        let Some(place) = outside(code, &flow, at) else { continue };
        for line in std::mem::take(&mut code.blocks[at].lines) {
            let (value, what) = match line.what {
                What::Constant { d, value, .. } if !changed.contains(&d) => (d, Fixed::Number(value)),
                What::DataAddress { d, offset } if !changed.contains(&d) => (d, Fixed::Address(offset)),
                _ => {
                    code.blocks[at].lines.push(line);
                    continue;
                }
            };
            match before.get(&(place, what)) {
                Some(&made) => drop(names.insert(value, made)),
                None => {
                    before.insert((place, what), value);
                    code.blocks[place].lines.push(line);
                }
            }
        }
    }
    for block in &mut code.blocks {
        let replace = |value: &mut VReg| *value = names.get(value).copied().unwrap_or(*value);
        block.lines.iter_mut().for_each(|line| each_read(line, &mut |value| replace(value)));
        block.end.each_read(&mut |value| replace(value));
    }
    !before.is_empty()
}

/// Values that something writes over or a block takes as its parameter: a round would have to copy a number that must
/// stay.
fn changed_values<I: Isa>(code: &Code<I, VReg>) -> BTreeSet<VReg> {
    let mut found = BTreeSet::new();
    for block in &code.blocks {
        found.extend(block.lines.iter().flat_map(|line| line.was.iter().map(|(_, value)| *value)));
        found.extend(block.lines.iter().filter(|line| line.two_address).filter_map(
            |line| match &line.what {
                What::Inst(inst) => {
                    reads::<I, VReg>(inst).find_map(|(field, n)| (field == Field::N).then_some(n))
                }
                _ => None,
            },
        ));
        found.extend(block.end.edges().iter().flat_map(|edge| edge.args.iter().copied()));
        if let End::Return(values) = &block.end {
            found.extend(values);
        }
    }
    found
}

/// The block that leads into the outermost loop around a block, and nowhere else.
fn outside<I: Isa>(code: &Code<I, VReg>, flow: &Flow, at: usize) -> Option<usize> {
    let around = flow.loops.iter().filter(|(_, body)| body.contains(&at));
    let (head, body) = around.max_by_key(|(_, body)| body.len())?;
    let mut ways = flow.before[*head].iter().filter(|from| !body.contains(from));
    let &from = ways.next()?;
    let only = ways.next().is_none() && matches!(code.blocks[from].end, End::Jump(_));
    only.then_some(from)
}
