//! `If` and `Loop`: a branch that is known is taken, a loop of known length is unrolled. What is decided at run time is
//! computed anyway and selected.

use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::inline::Body;
use std::sync::Arc;
use tinyc_ir::{DType, Data, Diagnostic, Tensor, Value};

/// Iterations that are unrolled at most.
pub(super) const MOST_ITERATIONS: usize = 4096;

/// `If condition`
pub(super) fn if_(cx: &mut Context<'_, '_>) -> Step<()> {
    let condition = cx.required_slot(0)?;
    if let Some(taken) = cx.truth(&condition)? {
        let name = if taken { "then_branch" } else { "else_branch" };
        let results = Body::new(cx, name)?.put(cx, &[], "")?;
        return results.into_iter().enumerate().try_for_each(|(i, slot)| cx.give_slot(i, slot));
    }
    let condition = cx.input(0)?;
    let then = Body::new(cx, "then_branch")?.put(cx, &[], "then/")?;
    let otherwise = Body::new(cx, "else_branch")?.put(cx, &[], "else/")?;
    cx.require(then.len() == otherwise.len(), "the branches have different numbers of results")?;
    for (i, (then, otherwise)) in then.iter().zip(&otherwise).enumerate() {
        let (yes, no) = (cx.value_of(then, "then")?, cx.value_of(otherwise, "else")?);
        let chosen = choose(cx, condition, yes, no)?;
        cx.give(i, chosen)?;
    }
    Ok(())
}

/// One of two values of equal types.
fn choose(cx: &mut Context<'_, '_>, condition: Value, yes: Value, no: Value) -> Step<Value> {
    require_whole(cx, &[yes, no])?;
    let (a, b) = (cx.ty(yes).clone(), cx.ty(no).clone());
    if a != b || a.is_quantized() || a.dtype.is_packed() {
        let message = "a condition that is computed at run time chooses between tensors of different types, or quantised ones";
        return Err(Diagnostic::error(code::FORM, message)
            .note(format!("one is {a}, the other {b}"))
            .help("make the condition a constant before export, or let both branches compute unquantised tensors of one shape"));
    }
    cx.require(cx.ty(condition).shape.elements() == 1, "a condition is not one truth value")?;
    let condition = cx.reshape(condition, &vec![1; a.shape.rank()])?;
    let own = a.dtype;
    cx.map("chosen", &[condition, yes, no], |x| match own.is_half() {
        true => x[0].select(x[1].to(DType::F32), x[2].to(DType::F32)).to(own),
        false => x[0].select(x[1], x[2]),
    })
}

/// Fails if the size of a value depends on data: what is selected or stacked would have several.
fn require_whole(cx: &Context<'_, '_>, values: &[Value]) -> Step<()> {
    match values.iter().find(|&&v| cx.extent(v).is_some()) {
        Some(&value) => Err(cx.refuse_extent(&cx.build.graph.values[value].name)),
        None => Ok(()),
    }
}

/// `Loop most?, condition?, carried…`
pub(super) fn loop_(cx: &mut Context<'_, '_>) -> Step<()> {
    let most = match cx.operand(0) {
        Some(_) => Some(cx.known_ints(0)?.first().copied().unwrap_or(0).max(0)),
        None => None,
    };
    let mut condition = match cx.operand(1) {
        Some(_) => cx.required_slot(1)?,
        None => truth(true),
    };
    let carried = cx.node.input.len().saturating_sub(2);
    let mut state: Vec<Slot> = (2..2 + carried).map(|i| cx.required_slot(i)).collect::<Step<_>>()?;
    let body = Body::new(cx, "body")?;
    let (inputs, results) = body.arity();
    cx.require(inputs == 2 + carried && results > carried, "the body does not go with the loop's operands")?;
    let mut stacks: Vec<Vec<Value>> = vec![Vec::new(); results - 1 - carried];
    let mut iteration = 0usize;
    while most.is_none_or(|most| (iteration as i64) < most) {
        let known = cx.truth(&condition)?;
        if known == Some(false) {
            break;
        }
        if iteration == MOST_ITERATIONS || (known.is_none() && most.is_none()) {
            return Err(endless(most));
        }
        if known.is_none() && !stacks.is_empty() {
            let message =
                "a loop that ends by a condition computed at run time has results of unknown length";
            return Err(Diagnostic::error(code::FORM, message)
                .help("carry a tensor of fixed size through the loop, or make the condition a constant"));
        }
        let number = Slot::Constant(Arc::new(Tensor::new([], Data::I64(vec![iteration as i64]))));
        let inputs = [&[number, condition.clone()], state.as_slice()].concat();
        let mut results = body.put(cx, &inputs, &format!("{iteration}/"))?;
        let scanned = results.split_off(1 + carried);
        let mut next = results.split_off(1);
        let go_on = results.remove(0);
        if known.is_some() {
            condition = go_on;
        } else {
            let running = cx.value_of(&condition, "running")?;
            for (new, old) in next.iter_mut().zip(&state) {
                let (yes, no) = (cx.value_of(new, "new")?, cx.value_of(old, "old")?);
                *new = Slot::Value(choose(cx, running, yes, no)?);
            }
            condition = both(cx, running, &go_on)?;
        }
        state = next;
        for (stack, slot) in stacks.iter_mut().zip(&scanned) {
            let value = cx.value_of(slot, "scanned")?;
            stack.push(value);
        }
        iteration += 1;
    }
    for (i, slot) in state.into_iter().enumerate() {
        cx.give_slot(i, slot)?;
    }
    for (i, values) in stacks.into_iter().enumerate() {
        let stacked = stack(cx, &values, 0)?;
        cx.give(carried + i, stacked)?;
    }
    Ok(())
}

fn truth(value: bool) -> Slot {
    Slot::Constant(Arc::new(Tensor::new([], Data::Bool(vec![value]))))
}

/// Whether a loop goes on that may have ended before.
fn both(cx: &mut Context<'_, '_>, running: Value, go_on: &Slot) -> Step<Slot> {
    let go_on = cx.value_of(go_on, "goes_on")?;
    cx.require(cx.ty(go_on).shape.elements() == 1, "a condition is not one truth value")?;
    let (running, go_on) = (cx.reshape(running, &[])?, cx.reshape(go_on, &[])?);
    Ok(Slot::Value(cx.map("goes_on", &[running, go_on], |x| x[0] & x[1])?))
}

fn endless(most: Option<i64>) -> Diagnostic {
    let most = most.map_or("no".into(), |most| format!("{most}"));
    Diagnostic::error(code::FORM, format!("a loop of more than {MOST_ITERATIONS} iterations cannot be unrolled"))
        .note(format!("the model says {most} iterations at most"))
        .help("give the loop a constant trip count, or iterate in the firmware and keep what it carries with --state")
}

/// Values of one shape along a new axis.
pub(super) fn stack(cx: &mut Context<'_, '_>, values: &[Value], axis: usize) -> Step<Value> {
    let Some(&first) = values.first() else {
        return Err(Diagnostic::error(
            code::TENSOR_SIZE,
            "a loop without iterations has results of no elements",
        ));
    };
    require_whole(cx, values)?;
    let mut dims = cx.dims(first);
    cx.require(axis <= dims.len(), "the axis of a scanned result is outside of its dimensions")?;
    dims.insert(axis, 1);
    let rows: Vec<Value> = values
        .iter()
        .map(|&value| {
            cx.require(
                cx.ty(value).shape.elements() == dims.iter().product::<usize>(),
                "iterations have results of different shapes",
            )?;
            cx.reshape(value, &dims)
        })
        .collect::<Step<_>>()?;
    cx.concat(&rows, axis)
}
