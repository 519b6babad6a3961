//! `Scan`: a body for each slice of sequences, unrolled.

use super::control::{MOST_ITERATIONS, stack};
use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::inline::Body;
use tinyc_ir::{Diagnostic, Value};

/// One direction of a sequence: where its axis is, and whether it is walked from behind.
#[derive(Clone, Copy)]
struct Way {
    axis: i64,
    back: bool,
}

/// `Scan carried…, sequences…`; before operator set 9 `Scan lengths?, carried…, sequences…` with a batch in front of each.
pub(super) fn scan(cx: &mut Context<'_, '_>) -> Step<()> {
    let batched = cx.opset < 9;
    let first = usize::from(batched);
    let scanned = cx.attributes().int("num_scan_inputs")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let operands = cx.node.input.len().saturating_sub(first);
    cx.require(scanned > 0 && scanned <= operands, "num_scan_inputs does not go with the operands")?;
    let carried = operands - scanned;
    let body = Body::new(cx, "body")?;
    let (inputs, results) = body.arity();
    cx.require(inputs == operands && results >= carried, "the body does not go with the operands")?;
    let (ins, outs) = if batched {
        (ways(cx, "directions", "", scanned)?, vec![Way { axis: 0, back: false }; results - carried])
    } else {
        (
            ways(cx, "scan_input_directions", "scan_input_axes", scanned)?,
            ways(cx, "scan_output_directions", "scan_output_axes", results - carried)?,
        )
    };
    let state: Vec<Value> = (first..first + carried).map(|i| cx.input(i)).collect::<Step<_>>()?;
    let sequences: Vec<Value> =
        (first + carried..first + operands).map(|i| cx.input(i)).collect::<Step<_>>()?;
    if !batched {
        let slots = state.into_iter().map(Slot::Value).collect();
        let (state, stacks) = unroll(cx, &body, slots, &sequences, &ins, &outs, "")?;
        for (i, slot) in state.into_iter().enumerate() {
            cx.give_slot(i, slot)?;
        }
        return stacks.into_iter().enumerate().try_for_each(|(i, value)| cx.give(carried + i, value));
    }
    let batch = cx.dims(sequences[0]).first().copied().unwrap_or(0);
    if cx.operand(0).is_some() {
        let steps = cx.dims(sequences[0]).get(1).copied().unwrap_or(0) as i64;
        let whole = cx.known_ints(0)?.iter().all(|&length| length == steps);
        if !whole {
            let error = Diagnostic::error(code::FORM, "Scan of parts of its sequences is not supported");
            return Err(error.help("export with operator set 9, which has no lengths"));
        }
    }
    let mut all: Vec<Vec<Value>> = vec![Vec::new(); results];
    for b in 0..batch {
        let mut row = |x: Value| -> Step<Value> { take(cx, x, 0, b) };
        let own: Vec<Value> = state.iter().map(|&x| row(x)).collect::<Step<_>>()?;
        let sequences: Vec<Value> = sequences.iter().map(|&x| row(x)).collect::<Step<_>>()?;
        let own = own.into_iter().map(Slot::Value).collect();
        let (state, stacks) = unroll(cx, &body, own, &sequences, &ins, &outs, &format!("{b}/"))?;
        for (all, slot) in all.iter_mut().zip(&state) {
            let value = cx.value_of(slot, "carried")?;
            all.push(value);
        }
        all[carried..].iter_mut().zip(stacks).for_each(|(all, value)| all.push(value));
    }
    for (i, rows) in all.iter().enumerate() {
        let value = stack(cx, rows, 0)?;
        cx.give(i, value)?;
    }
    Ok(())
}

/// The ways of all sequences; 0 and forward where nothing is said.
fn ways(cx: &Context<'_, '_>, directions: &str, axes: &str, count: usize) -> Step<Vec<Way>> {
    let backs = cx.attributes().ints(directions)?.unwrap_or(&[]);
    let axes = cx.attributes().ints(axes)?.unwrap_or(&[]);
    let way = |i: usize| match backs.get(i) {
        None | Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(other) => Err(unsupported(directions, other, "0 and 1")),
    };
    (0..count).map(|i| Ok(Way { axis: axes.get(i).copied().unwrap_or(0), back: way(i)? })).collect()
}

/// Position `at` of an axis, which is gone.
fn take(cx: &mut Context<'_, '_>, x: Value, axis: usize, at: usize) -> Step<Value> {
    let mut dims = cx.dims(x);
    cx.require(axis < dims.len() && at < dims[axis], "sequences have different lengths")?;
    let part = cx.slice(x, axis, at, 1, 1)?;
    dims.remove(axis);
    cx.reshape(part, &dims)
}

/// What is carried at the end, and the stacked results.
fn unroll<'g>(
    cx: &mut Context<'_, 'g>,
    body: &Body<'g>,
    mut state: Vec<Slot>,
    sequences: &[Value],
    ins: &[Way],
    outs: &[Way],
    tag: &str,
) -> Step<(Vec<Slot>, Vec<Value>)> {
    let outside = || Diagnostic::error(code::SHAPE, "a scan axis is outside of the dimensions");
    let mut axes = Vec::new();
    for (way, &x) in ins.iter().zip(sequences) {
        axes.push(axis(way.axis, cx.dims(x).len()).ok_or_else(outside)?);
    }
    let steps = cx.dims(sequences[0])[axes[0]];
    let even = axes.iter().zip(sequences).all(|(&axis, &x)| cx.dims(x)[axis] == steps);
    cx.require(even, "sequences have different lengths")?;
    if steps > MOST_ITERATIONS {
        let message = format!("a Scan of {steps} steps cannot be unrolled");
        return Err(Diagnostic::error(code::FORM, message)
            .note(format!("at most {MOST_ITERATIONS} are"))
            .help("iterate in the firmware, and keep what it carries with --state"));
    }
    let mut stacks: Vec<Vec<Value>> = vec![Vec::new(); outs.len()];
    for t in 0..steps {
        let mut inputs = state;
        for ((way, &axis), &x) in ins.iter().zip(&axes).zip(sequences) {
            let at = if way.back { steps - 1 - t } else { t };
            inputs.push(Slot::Value(take(cx, x, axis, at)?));
        }
        let mut results = body.put(cx, &inputs, &format!("{tag}{t}/"))?;
        let scanned = results.split_off(results.len() - outs.len());
        for (stack, slot) in stacks.iter_mut().zip(&scanned) {
            let value = cx.value_of(slot, "scanned")?;
            stack.push(value);
        }
        state = results;
    }
    let mut whole = Vec::new();
    for (mut values, way) in stacks.into_iter().zip(outs) {
        if way.back {
            values.reverse();
        }
        let rank = values.first().map_or(1, |&value| cx.dims(value).len() + 1);
        let axis = axis(way.axis, rank).ok_or_else(outside)?;
        whole.push(stack(cx, &values, axis)?);
    }
    Ok((state, whole))
}
