//! Removes from a function what turned out to be needless: parameters that are the same on every way, operations whose
//! results nothing uses, products of which only one half is used. Then renumbers values in the order of the text.

use super::{Block, End, Function, Op, Value};
use tinyc_ir::entity::{Arena, Entity};

/// The same function without needless parts.
pub(super) fn cleanup(mut function: Function) -> Function {
    while merge_params(&mut function) {}
    let live = live(&function);
    drop_dead(&mut function, &live);
    renumber(function)
}

/// Replaces parameters that are one and the same value on every way to their block; whether there was any.
fn merge_params(function: &mut Function) -> bool {
    let mut incoming: Vec<Vec<Vec<Value>>> = vec![Vec::new(); function.blocks.len()];
    for data in function.blocks.values() {
        for edge in data.edges() {
            incoming[edge.to.index()].push(edge.args.clone());
        }
    }
    let mut new: Vec<Value> = function.values.keys().collect();
    let mut found = false;
    for (block, data) in function.blocks.iter().skip(1) {
        for (i, &param) in data.params.iter().enumerate() {
            let mut others = incoming[block.index()].iter().map(|args| args[i]).filter(|&v| v != param);
            let Some(first) = others.next() else { continue };
            if others.all(|v| v == first) {
                new[param.index()] = first;
                found = true;
            }
        }
    }
    if !found {
        return false;
    }
    let end = |mut value: Value| {
        // Chains are short, and cycles of parameters that replace each other end where they began.
        for _ in 0..new.len() {
            let next = new[value.index()];
            if next == value {
                break;
            }
            value = next;
        }
        value
    };
    let resolved: Vec<Value> = function.values.keys().map(end).collect();
    let keep: Vec<Vec<bool>> = function
        .blocks
        .iter()
        .map(|(b, data)| {
            data.params.iter().map(|p| b == Block::new(0) || resolved[p.index()] == *p).collect()
        })
        .collect();
    rewrite(function, &keep, |value| resolved[value.index()]);
    true
}

/// Drops parameters (and the arguments on edges to them) that are not kept, and maps every use.
fn rewrite(function: &mut Function, keep: &[Vec<bool>], map: impl Fn(Value) -> Value) {
    let kept = |values: &[Value], keep: &[bool]| -> Vec<Value> {
        values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(&v, _)| v).collect()
    };
    for (at, data) in function.blocks.values_mut().enumerate() {
        data.params = kept(&data.params, &keep[at]);
        for arg in data.insts.iter_mut().flat_map(|i| &mut i.args) {
            *arg = map(*arg);
        }
        match &mut data.end {
            End::Branch { left, right, .. } => {
                *left = map(*left);
                *right = map(*right);
            }
            End::Return(values) => values.iter_mut().for_each(|v| *v = map(*v)),
            End::Jump(_) | End::Open => {}
        }
        for edge in data.edges_mut() {
            edge.args = kept(&edge.args, &keep[edge.to.index()]);
            edge.args.iter_mut().for_each(|a| *a = map(*a));
        }
    }
}

/// Which values something with an effect depends on.
fn live(function: &Function) -> Vec<bool> {
    let mut live = vec![false; function.values.len()];
    let mut pending: Vec<Value> = Vec::new();
    let mut param_of = vec![None; function.values.len()];
    let mut incoming: Vec<Vec<&[Value]>> = vec![Vec::new(); function.blocks.len()];
    for (block, data) in function.blocks.iter() {
        for (i, param) in data.params.iter().enumerate() {
            param_of[param.index()] = Some((block, i));
        }
        pending.extend(data.insts.iter().filter(|i| i.op.has_effect()).flat_map(|i| &i.args));
        match &data.end {
            End::Branch { left, right, .. } => pending.extend([*left, *right]),
            End::Return(values) => pending.extend(values),
            End::Jump(_) | End::Open => {}
        }
        for edge in data.edges() {
            incoming[edge.to.index()].push(&edge.args);
        }
    }
    let definitions = function.definitions();
    while let Some(value) = pending.pop() {
        if std::mem::replace(&mut live[value.index()], true) {
            continue;
        }
        if let Some((block, at)) = definitions[value.index()] {
            pending.extend(&function.blocks[block].insts[at].args);
        } else if let Some((block, i)) = param_of[value.index()] {
            pending.extend(incoming[block.index()].iter().map(|args| args[i]));
        }
    }
    live
}

fn drop_dead(function: &mut Function, live: &[bool]) {
    let is_live = |v: &Value| live[v.index()];
    let entry = Block::new(0);
    let keep: Vec<Vec<bool>> = function
        .blocks
        .iter()
        .map(|(b, data)| data.params.iter().map(|p| b == entry || is_live(p)).collect())
        .collect();
    rewrite(function, &keep, |value| value);
    for data in function.blocks.values_mut() {
        data.insts.retain(|inst| inst.op.has_effect() || inst.results.iter().any(is_live));
        for inst in &mut data.insts {
            let high = match inst.op {
                Op::MulLongSigned => Op::MulHighSigned,
                Op::MulLongUnsigned => Op::MulHighUnsigned,
                _ => continue,
            };
            if !is_live(&inst.results[0]) {
                inst.op = high;
                inst.results.remove(0);
            } else if !is_live(&inst.results[1]) {
                inst.op = Op::Mul;
                inst.results.truncate(1);
            }
        }
    }
}

/// Values in the order of their definitions, without gaps.
fn renumber(mut function: Function) -> Function {
    let mut values = Arena::new();
    let mut new: Vec<Option<Value>> = vec![None; function.values.len()];
    for data in function.blocks.values() {
        for value in data.params.iter().chain(data.insts.iter().flat_map(|i| &i.results)) {
            new[value.index()] = Some(values.push(function.values[*value]));
        }
    }
    let map = |value: Value| new[value.index()].expect("every used value is defined");
    let keep: Vec<Vec<bool>> = function.blocks.values().map(|d| vec![true; d.params.len()]).collect();
    rewrite(&mut function, &keep, map);
    for data in function.blocks.values_mut() {
        let results = data.insts.iter_mut().flat_map(|i| &mut i.results);
        data.params.iter_mut().chain(results).for_each(|v| *v = map(*v));
    }
    function.values = values;
    function
}
