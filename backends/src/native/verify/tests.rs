//! Functions that are wrong in one way each.

use super::verify;
use crate::native::{Builder, Class, Cond, Count, Edge, End, Function, Op};

const ONCE: Count = Count { times: 1, varies: false };

/// Two ways that meet, and a value from each.
fn diamond(finish: impl FnOnce(&mut Function)) -> Result<(), String> {
    let (mut b, params) = Builder::new("diamond", "", &[Class::Word, Class::Word]);
    let (left, _) = b.block(&[], 0, ONCE);
    let (right, _) = b.block(&[], 0, ONCE);
    let (join, joined) = b.block(&[Class::Word], 0, ONCE);
    let edge = |to, args| Edge { to, args, count: ONCE };
    let branch = End::Branch {
        cond: Cond::Lt,
        left: params[0],
        right: params[1],
        then: edge(left, vec![]),
        otherwise: edge(right, vec![]),
    };
    b.end(branch);
    for (block, op) in [(left, Op::Add), (right, Op::Sub)] {
        b.switch_to(block);
        let value = b.word(op, &params);
        b.end(End::Jump(edge(join, vec![value])));
    }
    b.switch_to(join);
    b.end(End::Return(joined));
    let mut function = b.finish();
    finish(&mut function);
    verify(&function).map_err(|e| e.to_string())
}

fn fault(finish: impl FnOnce(&mut Function)) -> String {
    diamond(finish).expect_err("it is wrong")
}

#[test]
fn a_good_function() {
    assert_eq!(diamond(|_| {}), Ok(()));
}

#[test]
fn definitions_dominate_uses() {
    let message = fault(|f| {
        let blocks: Vec<_> = f.blocks.keys().collect();
        let sum = f.blocks[blocks[1]].insts[0].results[0];
        f.blocks[blocks[3]].end = End::Return(vec![sum]);
    });
    assert!(message.contains("is used where it may not be defined"), "{message}");
}

#[test]
fn edges_bring_what_blocks_take() {
    let message = fault(|f| {
        let block = f.blocks.keys().nth(1).expect("four blocks");
        f.blocks[block].edges_mut().into_iter().for_each(|e| e.args.clear());
    });
    assert!(message.contains("do not fit its parameters"), "{message}");
}

#[test]
fn operations_have_their_operands() {
    let message = fault(|f| {
        let block = f.blocks.keys().nth(1).expect("four blocks");
        f.blocks[block].insts[0].args.pop();
    });
    assert!(message.contains("takes"), "{message}");
}

#[test]
fn values_are_defined_once() {
    let message = fault(|f| {
        let block = f.blocks.keys().nth(1).expect("four blocks");
        let again = f.blocks[block].insts[0].clone();
        f.blocks[block].insts.push(again);
    });
    assert!(message.contains("is defined twice"), "{message}");
}

#[test]
fn blocks_are_closed_and_reachable() {
    let message = fault(|f| {
        let block = f.blocks.keys().nth(2).expect("four blocks");
        f.blocks[block].end = End::Open;
    });
    assert!(message.contains("it is open"), "{message}");
    let message = fault(|f| {
        let blocks: Vec<_> = f.blocks.keys().collect();
        let edge = Edge { to: blocks[1], args: vec![], count: ONCE };
        f.blocks[blocks[0]].end = End::Jump(edge);
    });
    assert!(message.contains("no way leads there"), "{message}");
}
