//! Small functions in few registers: never more values than registers, nothing reloaded in a loop that does not use it, and
//! numbers made again in place of a slot.

use super::{Code, End, Line, What};
use crate::codegen::{
    Block, Edge, Flow, Room, reads_of, spill as shared_spill, split_critical_edges, writes_of,
};
use crate::native::Count;
use crate::thumb::isa::{Cond, Inst, Op};
use regalloc2::{RegClass, VReg};
use std::collections::{BTreeMap, BTreeSet};

fn spill(code: &mut Code<VReg>, vregs: &mut usize, registers: usize, saved: usize) {
    shared_spill(code, vregs, Room { registers, saved, arguments: 4 });
}

fn v(number: usize) -> VReg {
    VReg::new(number, RegClass::Int)
}

/// `d = a + b`.
fn add(d: usize, a: usize, b: usize) -> Line<VReg> {
    Line::inst(Inst { d: Some(v(d)), n: Some(v(a)), m: Some(v(b)), ..Inst::new(Op::Add) })
}

fn number(d: usize, value: i32) -> Line<VReg> {
    What::Constant { d: v(d), value, quiet: false }.into()
}

fn edge(to: usize, args: &[usize]) -> Edge<VReg> {
    Edge { to, args: args.iter().map(|&a| v(a)).collect(), count: Count::default() }
}

/// The parameters, the lines and the end of a block.
type Parts<'a> = (&'a [usize], Vec<Line<VReg>>, End<VReg>);

fn code(blocks: Vec<Parts<'_>>) -> Code<VReg> {
    let block = |(params, lines, end): Parts<'_>| Block {
        params: params.iter().map(|&p| v(p)).collect(),
        lines,
        end,
        depth: 0,
        count: Count::default(),
        comment: String::new(),
    };
    let mut code = Code { name: "f".into(), blocks: blocks.into_iter().map(block).collect() };
    split_critical_edges(&mut code);
    code
}

/// Two arguments and two values made of them live through a loop that does not use them; 5 and 6 are the loop's.
fn around_a_loop() -> Code<VReg> {
    let again = End::Branch { cond: Cond::Ne, then: edge(1, &[7, 8]), otherwise: edge(2, &[]) };
    code(vec![
        (&[0, 1], vec![add(2, 0, 1), add(3, 2, 1), add(4, 0, 3)], End::Jump(edge(1, &[0, 4]))),
        (&[5, 6], vec![add(7, 5, 6), add(8, 7, 5)], again),
        (&[], vec![add(9, 2, 3), add(10, 9, 8), add(11, 10, 1), add(12, 11, 0)], End::Return(vec![v(12)])),
    ])
}

/// The most values that are alive at once anywhere.
fn pressure(code: &Code<VReg>) -> usize {
    let flow = Flow::new(code);
    let mut most = 0;
    for (at, block) in code.blocks.iter().enumerate() {
        let mut alive: BTreeSet<VReg> = flow.next_use_out[at].keys().copied().collect();
        alive.extend(block.end.reads());
        most = most.max(alive.len());
        for line in block.lines.iter().rev() {
            alive = &alive - &writes_of(line).into_iter().collect();
            alive.extend(reads_of(line));
            most = most.max(alive.len());
        }
    }
    most
}

/// Runs a function on its arguments; a loop ends after three rounds. Slots hold what was spilled.
fn run(code: &Code<VReg>, arguments: &[i32]) -> Vec<i32> {
    let mut values: BTreeMap<VReg, i32> =
        code.blocks[0].params.iter().copied().zip(arguments.iter().copied()).collect();
    let (mut slots, mut at, mut rounds) = (BTreeMap::new(), 0, 0);
    loop {
        for line in &code.blocks[at].lines {
            match &line.what {
                What::Inst(inst) => {
                    let [a, b] = [inst.n, inst.m].map(|r| values[&r.expect("two operands")]);
                    values.insert(inst.d.expect("a result"), a.wrapping_mul(3).wrapping_add(b));
                }
                What::Constant { d, value, .. } => drop(values.insert(*d, *value)),
                What::Spill { value, slot } => drop(slots.insert(*slot, values[value])),
                What::Reload { d, slot } => drop(values.insert(*d, slots[slot])),
                other => unreachable!("{other:?}"),
            }
        }
        let edge = match &code.blocks[at].end {
            End::Return(results) => return results.iter().map(|r| values[r]).collect(),
            End::Jump(edge) => edge,
            End::Branch { then, otherwise, .. } => {
                rounds += 1;
                if rounds < 3 { then } else { otherwise }
            }
        };
        let args: Vec<i32> = edge.args.iter().map(|a| values[a]).collect();
        values.extend(code.blocks[edge.to].params.iter().copied().zip(args));
        at = edge.to;
    }
}

fn reloads(block: &Block<super::Thumb, VReg>) -> usize {
    block.lines.iter().filter(|line| matches!(line.what, What::Reload { .. })).count()
}

#[test]
fn what_fits_is_left_alone() {
    let (mut code, mut vregs) = (around_a_loop(), 13);
    let before = format!("{code:?}");
    let needed = pressure(&code);
    spill(&mut code, &mut vregs, needed + 1, needed + 1);
    assert_eq!((format!("{code:?}"), vregs), (before, 13));
}

#[test]
fn never_more_values_than_registers_and_the_same_results() {
    let arguments = [3, 5];
    let original = around_a_loop();
    assert!(pressure(&original) > 4);
    for registers in 3..=4 {
        let (mut code, mut vregs) = (around_a_loop(), 13);
        spill(&mut code, &mut vregs, registers, registers);
        assert!(pressure(&code) <= registers, "{registers} registers: {code:?}");
        assert_eq!(run(&code, &arguments), run(&original, &arguments), "{registers} registers");
    }
}

#[test]
fn a_loop_keeps_what_it_uses_and_reloads_nothing() {
    let (mut code, mut vregs) = (around_a_loop(), 13);
    spill(&mut code, &mut vregs, 3, 3);
    let flow = Flow::new(&code);
    let (_, body) = flow.loops.iter().next().expect("there is one loop");
    assert!(body.iter().all(|&at| reloads(&code.blocks[at]) == 0), "{code:?}");
    assert!(code.blocks.iter().map(reloads).sum::<usize>() >= 3, "the others come back behind it");
}

#[test]
fn numbers_are_made_again() {
    let lines =
        vec![number(1, 1000), number(2, 2000), add(3, 0, 0), add(4, 3, 3), add(5, 4, 3), add(6, 5, 4)];
    let more = vec![add(7, 6, 1), add(8, 7, 2)];
    let mut code = code(vec![(&[0], [lines, more].concat(), End::Return(vec![v(8)]))]);
    let (original, mut vregs) = (code.clone(), 9);
    spill(&mut code, &mut vregs, 3, 3);
    assert!(pressure(&code) <= 3);
    assert_eq!(reloads(&code.blocks[0]), 0, "{code:?}");
    let made = code.blocks[0].lines.iter().filter(|line| matches!(line.what, What::Constant { .. })).count();
    assert!(made > 2);
    assert_eq!(run(&code, &[17]), run(&original, &[17]));
}
