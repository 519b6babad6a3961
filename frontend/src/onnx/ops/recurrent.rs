//! `LSTM`, `GRU` and `RNN` over sequences of known length, unrolled: every step calls the same kernels.
//!
//! What the inputs contribute is computed for all steps at once; sums are in the order of the specification's formulas.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions;
use tinyc_ir::formula::Number;
use tinyc_ir::{DType, Diagnostic, Value};

/// Steps that are unrolled at most.
const MOST_STEPS: usize = 4096;

/// An activation by its name.
type Act = for<'w> fn(Number<'w>) -> Number<'w>;

/// What all three have in common.
struct Layer {
    kind: Kind,
    steps: usize,
    batch: usize,
    hidden: usize,
    /// Sequence lengths, where they are not all the whole.
    lengths: Option<Vec<i64>>,
    acts: Vec<Act>,
    clip: Option<f64>,
    layout: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Lstm,
    Gru,
    Rnn,
}

/// The state between two steps.
#[derive(Clone, Copy)]
struct State {
    h: Value,
    c: Option<Value>,
}

/// `LSTM x, w, r, b?, lengths?, h?, c?, p?`, `GRU x, w, r, b?, lengths?, h?`, `RNN` as `GRU`.
pub(super) fn recurrent(cx: &mut Context<'_, '_>) -> Step<()> {
    let direction = cx.attributes().string("direction")?.unwrap_or_else(|| "forward".into());
    let backwards: &[bool] = match direction.as_str() {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        _ => return Err(unsupported("direction", direction, "forward, reverse, bidirectional")),
    };
    let layout = cx.attributes().flag("layout")?.unwrap_or(false);
    let (x, w, r) = (cx.float(0)?, cx.float(1)?, cx.float(2)?);
    let x = if layout { cx.transpose(x, &[1, 0, 2])? } else { x };
    let (&[steps, batch, inputs], &[directions, rows, depth]) =
        (cx.dims(x).as_slice(), cx.dims(w).as_slice())
    else {
        return Err(Diagnostic::error(code::SHAPE, "sequence and weights have three dimensions"));
    };
    let (kind, gates) = match cx.node.op_type() {
        "LSTM" => (Kind::Lstm, 4),
        "GRU" => (Kind::Gru, 3),
        _ => (Kind::Rnn, 1),
    };
    let hidden = rows / gates;
    let fits = directions == backwards.len() && depth == inputs && cx.dims(r) == [directions, rows, hidden];
    cx.require(fits && hidden > 0 && steps <= MOST_STEPS, "sequence and weights do not go together")?;
    let lengths = if cx.operand(4).is_some() { Some(cx.known_ints(4)?) } else { None };
    let lengths = lengths.filter(|l| l.iter().any(|&l| l != steps as i64));
    let mut layer = Layer { kind, steps, batch, hidden, lengths, acts: vec![], clip: None, layout };
    layer.clip = cx.attributes().float("clip")?.filter(|c| *c > 0.0).map(f64::from);
    let flat = cx.reshape(x, &[steps * batch, inputs])?;
    let (mut sequences, mut last_h, mut last_c) = (Vec::new(), Vec::new(), Vec::new());
    for (d, &back) in backwards.iter().enumerate() {
        layer.acts = acts(cx, kind, d)?;
        let (states, last) = layer.direction(cx, flat, [w, r], d, back)?;
        sequences.push(states);
        last_h.push(last.h);
        last_c.extend(last.c);
    }
    let y = cx.concat(&sequences, 1)?;
    let y = if layout { cx.transpose(y, &[2, 0, 1, 3])? } else { y };
    cx.give(0, y)?;
    for (i, states) in [last_h, last_c].into_iter().enumerate().filter(|(_, s)| !s.is_empty()) {
        let parts: Vec<Value> =
            states.into_iter().map(|s| cx.reshape(s, &[1, batch, hidden])).collect::<Step<_>>()?;
        let last = cx.concat(&parts, 0)?;
        let last = if layout { cx.transpose(last, &[1, 0, 2])? } else { last };
        cx.give(i + 1, last)?;
    }
    Ok(())
}

/// The activations of direction `d`.
fn acts(cx: &Context<'_, '_>, kind: Kind, d: usize) -> Step<Vec<Act>> {
    let defaults: &[&str] = match kind {
        Kind::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        Kind::Gru => &["Sigmoid", "Tanh"],
        Kind::Rnn => &["Tanh"],
    };
    let stated = cx.node.attribute.iter().find(|a| a.name() == "activations").map_or(&[][..], |a| &a.strings);
    let name = |i: usize| match stated.get(d * defaults.len() + i) {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => defaults[i].to_string(),
    };
    let act = |i: usize| -> Step<Act> {
        Ok(match name(i).as_str() {
            "Sigmoid" => |x| x.sigmoid(),
            "Tanh" => |x| x.tanh(),
            "Relu" => |x| x.max(x.literal(0.0)),
            "HardSigmoid" => |x| functions::hard_sigmoid(x, 0.2, 0.5),
            "Softsign" => |x| x / (x.abs() + 1.0),
            "Softplus" => functions::softplus,
            other => {
                return Err(unsupported(
                    "activations",
                    other,
                    "Sigmoid, Tanh, Relu, HardSigmoid, Softsign, Softplus",
                ));
            }
        })
    };
    (0..defaults.len()).map(act).collect()
}

impl Layer {
    /// The states of one direction as `[T, 1, B, H]`, and the last one.
    fn direction(
        &self,
        cx: &mut Context<'_, '_>,
        x: Value,
        weights: [Value; 2],
        d: usize,
        back: bool,
    ) -> Step<(Value, State)> {
        let (batch, hidden) = (self.batch, self.hidden);
        let mut turned = |w: Value| -> Step<Value> {
            let dims = cx.dims(w);
            let own = cx.slice(w, 0, d, 1, 1)?;
            let own = cx.reshape(own, &[dims[1], dims[2]])?;
            cx.transpose(own, &[1, 0])
        };
        let (w, r) = (turned(weights[0])?, turned(weights[1])?);
        let columns = cx.dims(w)[1];
        let bias = match cx.operand(3) {
            Some(_) => {
                let b = cx.float(3)?;
                let b = cx.slice(b, 0, d, 1, 1)?;
                cx.reshape(b, &[1, 2 * columns])?
            }
            None => cx.floats("bias", &[1, 2 * columns], vec![0.0; 2 * columns])?,
        };
        let from_input = cx.product(x, w)?;
        let input_bias = cx.slice(bias, 1, 0, columns, 1)?;
        let from_input = cx.map("input", &[from_input, input_bias], |x| x[0] + x[1])?;
        let state_bias = cx.slice(bias, 1, columns, columns, 1)?;
        let mut start = |i: usize| -> Step<Value> {
            if cx.operand(i).is_none() {
                return cx.floats("start", &[batch, hidden], vec![0.0; batch * hidden]);
            }
            let all = cx.float(i)?;
            let own = cx.slice(all, if self.layout { 1 } else { 0 }, d, 1, 1)?;
            cx.reshape(own, &[batch, hidden])
        };
        let h = start(5)?;
        let c = if self.kind == Kind::Lstm { Some(start(6)?) } else { None };
        let mut state = State { h, c };
        let peepholes = if self.kind == Kind::Lstm && cx.operand(7).is_some() {
            let p = cx.float(7)?;
            let p = cx.slice(p, 0, d, 1, 1)?;
            let p = cx.reshape(p, &[3, hidden])?;
            let parts = (0..3).map(|i| cx.slice(p, 0, i, 1, 1)).collect::<Step<Vec<_>>>()?;
            Some([parts[0], parts[1], parts[2]])
        } else {
            None
        };
        let mut states = vec![state.h; self.steps];
        let order: Vec<usize> =
            if back { (0..self.steps).rev().collect() } else { (0..self.steps).collect() };
        for t in order {
            let input = cx.slice(from_input, 0, t * batch, batch, 1)?;
            let next = match self.kind {
                Kind::Lstm => self.lstm(cx, input, r, state_bias, state, peepholes)?,
                Kind::Gru => self.gru(cx, input, r, state_bias, state)?,
                Kind::Rnn => self.rnn(cx, input, r, state_bias, state)?,
            };
            (states[t], state) = self.masked(cx, t, state, next)?;
        }
        let rows: Vec<Value> =
            states.into_iter().map(|h| cx.reshape(h, &[1, 1, batch, hidden])).collect::<Step<_>>()?;
        Ok((cx.concat(&rows, 0)?, state))
    }

    /// Behind a sequence's end the state stays and the result is zero.
    fn masked(&self, cx: &mut Context<'_, '_>, t: usize, old: State, new: State) -> Step<(Value, State)> {
        let runs = |l: &Vec<i64>| l.iter().map(|&l| i64::from((t as i64) < l)).collect::<Vec<i64>>();
        let Some(runs) = self.lengths.as_ref().map(runs).filter(|r| r.contains(&0)) else {
            return Ok((new.h, new));
        };
        let runs = cx.ints("runs", DType::Bool, &[self.batch, 1], runs)?;
        let y = cx.map("y", &[runs, new.h], |x| x[0].select(x[1], x[1].literal(0.0)))?;
        let h = cx.map("h", &[runs, new.h, old.h], |x| x[0].select(x[1], x[2]))?;
        let c = match (new.c, old.c) {
            (Some(new), Some(old)) => Some(cx.map("c", &[runs, new, old], |x| x[0].select(x[1], x[2]))?),
            _ => None,
        };
        Ok((y, State { h, c }))
    }

    /// An activation behind the clip.
    fn act<'w>(&self, i: usize, x: Number<'w>) -> Number<'w> {
        let clipped = self.clip.map_or(x, |c| x.min(x.literal(c)).max(x.literal(-c)));
        self.acts[i](clipped)
    }

    /// Column block `i` of a row of gates.
    fn gate(&self, cx: &mut Context<'_, '_>, gates: Value, i: usize, count: usize) -> Step<Value> {
        cx.slice(gates, 1, i * self.hidden, count * self.hidden, 1)
    }

    fn lstm(
        &self,
        cx: &mut Context<'_, '_>,
        input: Value,
        r: Value,
        bias: Value,
        state: State,
        peepholes: Option<[Value; 3]>,
    ) -> Step<State> {
        let old = state.c.expect("an LSTM has a cell");
        let recurrent = cx.product(state.h, r)?;
        let sum = cx.map("gates", &[input, recurrent, bias], |x| x[0] + x[1] + x[2])?;
        let (i, o) = (self.gate(cx, sum, 0, 1)?, self.gate(cx, sum, 1, 1)?);
        let (f, g) = (self.gate(cx, sum, 2, 1)?, self.gate(cx, sum, 3, 1)?);
        let coupled = cx.attributes().flag("input_forget")?.unwrap_or(false);
        let mut inputs = vec![i, f, g, old];
        inputs.extend(peepholes.iter().flat_map(|p| [p[0], p[2]]));
        let c = cx.map("c", &inputs, |x| {
            let peep = |gate, i: usize| match x.get(i) {
                Some(&p) => gate + p * x[3],
                None => gate,
            };
            let i = self.act(0, peep(x[0], 4));
            let f = if coupled { i.literal(1.0) - i } else { self.act(0, peep(x[1], 5)) };
            f * x[3] + i * self.act(1, x[2])
        })?;
        let mut inputs = vec![o, c];
        inputs.extend(peepholes.iter().map(|p| p[1]));
        let h = cx.map("h", &inputs, |x| {
            let o = x.get(2).map_or(x[0], |&p| x[0] + p * x[1]);
            self.act(0, o) * self.acts[2](x[1])
        })?;
        Ok(State { h, c: Some(c) })
    }

    fn gru(
        &self,
        cx: &mut Context<'_, '_>,
        input: Value,
        r: Value,
        bias: Value,
        state: State,
    ) -> Step<State> {
        let hidden = self.hidden;
        let before = cx.attributes().flag("linear_before_reset")?.unwrap_or(false);
        let (r_gates, r_new) = (cx.slice(r, 1, 0, 2 * hidden, 1)?, cx.slice(r, 1, 2 * hidden, hidden, 1)?);
        let (b_gates, b_new) = (self.gate(cx, bias, 0, 2)?, self.gate(cx, bias, 2, 1)?);
        let (x_gates, x_new) = (self.gate(cx, input, 0, 2)?, self.gate(cx, input, 2, 1)?);
        let recurrent = cx.product(state.h, r_gates)?;
        let gates = cx.map("gates", &[x_gates, recurrent, b_gates], |x| self.act(0, x[0] + x[1] + x[2]))?;
        let (update, reset) = (self.gate(cx, gates, 0, 1)?, self.gate(cx, gates, 1, 1)?);
        let new = if before {
            let recurrent = cx.product(state.h, r_new)?;
            cx.map("new", &[x_new, recurrent, b_new, reset], |x| self.act(1, x[0] + x[3] * (x[1] + x[2])))?
        } else {
            let kept = cx.map("kept", &[reset, state.h], |x| x[0] * x[1])?;
            let recurrent = cx.product(kept, r_new)?;
            cx.map("new", &[x_new, recurrent, b_new], |x| self.act(1, x[0] + x[1] + x[2]))?
        };
        let h = cx.map("h", &[update, new, state.h], |x| (x[0].literal(1.0) - x[0]) * x[1] + x[0] * x[2])?;
        Ok(State { h, c: None })
    }

    fn rnn(
        &self,
        cx: &mut Context<'_, '_>,
        input: Value,
        r: Value,
        bias: Value,
        state: State,
    ) -> Step<State> {
        let recurrent = cx.product(state.h, r)?;
        let h = cx.map("h", &[input, recurrent, bias], |x| self.act(0, x[0] + x[1] + x[2]))?;
        Ok(State { h, c: None })
    }
}
