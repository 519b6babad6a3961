//! `LinearAttention`: a matrix for each head that every step decays, corrects and reads. Unrolled: every step calls the same
//! kernels. No tensor is larger than the state or an operand.

use super::attention::{count, join, split};
use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use tinyc_ir::Value;

/// Steps that are unrolled at most.
const MOST_STEPS: usize = 4096;

/// What all steps have in common: batches, heads of queries for each state, and a state's rows and columns.
struct Heads {
    batch: usize,
    states: usize,
    group: usize,
    depth: usize,
    width: usize,
}

/// The operands of one step, a row for each head.
struct Inputs {
    q: Value,
    k: Value,
    v: Value,
    decay: Option<Value>,
    beta: Option<Value>,
}

/// `LinearAttention q, k, v, past?, decay?, beta?`
pub(super) fn linear_attention(cx: &mut Context<'_, '_>) -> Step<()> {
    let rule = cx.attributes().string("update_rule")?.unwrap_or_else(|| "gated_delta".into());
    let (decays, corrects) = match rule.as_str() {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        _ => return Err(unsupported("update_rule", rule, "linear, gated, delta, gated_delta")),
    };
    let scale = cx.attributes().float("scale")?.filter(|s| *s != 0.0).map(f64::from);
    let (of_q, of_k) = (count(cx, "q_num_heads")?, count(cx, "kv_num_heads")?);
    let given = |i: usize| cx.operand(i).is_some();
    cx.require(
        given(4) == decays,
        format!("decay is an operand if the rule is gated, and only then: {rule}"),
    )?;
    cx.require(
        given(5) == corrects,
        format!("beta is an operand if the rule is delta, and only then: {rule}"),
    )?;
    let [q, k, v] = [cx.float(0)?, cx.float(1)?, cx.float(2)?];
    let [q, k, v] = [split(cx, q, of_q)?, split(cx, k, of_k)?, split(cx, v, of_k)?];
    let (dims, steps) = (cx.dims(q), cx.dims(q)[2]);
    let heads =
        Heads { batch: dims[0], states: of_k, group: of_q / of_k, depth: dims[3], width: cx.dims(v)[3] };
    let fits = of_q.is_multiple_of(of_k)
        && cx.dims(k) == [dims[0], of_k, steps, dims[3]]
        && cx.dims(v)[..3] == cx.dims(k)[..3];
    cx.require(fits, "query, key and value do not go together")?;
    cx.require(steps <= MOST_STEPS, format!("{steps} steps are more than {MOST_STEPS}, which are unrolled"))?;
    let scale = scale.unwrap_or_else(|| 1.0 / (heads.depth as f64).sqrt());
    let q = cx.map("scaled", &[q], |x| x[0] * scale)?;
    let decay = if decays { Some(heads.decay(cx, steps)?) } else { None };
    let beta = if corrects { Some(heads.beta(cx, steps)?) } else { None };
    let mut state = if given_past(cx) { Some(cx.float(3)?) } else { None };
    if let Some(past) = state {
        let shape = [heads.batch, heads.states, heads.depth, heads.width];
        cx.require(cx.dims(past) == shape, format!("the state is {shape:?}, not {}", cx.ty(past)))?;
        state = Some(cx.reshape(past, &[shape[0] * shape[1], shape[2], shape[3]])?);
    }
    let mut rows = Vec::with_capacity(steps);
    for t in 0..steps {
        let inputs = Inputs {
            q: cx.slice(q, 2, t, 1, 1)?,
            k: cx.slice(k, 2, t, 1, 1)?,
            v: cx.slice(v, 2, t, 1, 1)?,
            decay: decay.map(|d| cx.slice(d, 2, t, 1, 1)).transpose()?,
            beta: beta.map(|b| cx.slice(b, 2, t, 1, 1)).transpose()?,
        };
        let (row, next) = heads.step(cx, &inputs, state)?;
        rows.push(row);
        state = Some(next);
    }
    let y = cx.concat(&rows, 2)?;
    let y = join(cx, y)?;
    cx.give(0, y)?;
    if let Some(state) = state {
        let state = cx.reshape(state, &[heads.batch, heads.states, heads.depth, heads.width])?;
        cx.give(1, state)?;
    }
    Ok(())
}

fn given_past(cx: &Context<'_, '_>) -> bool {
    cx.operand(3).is_some()
}

impl Heads {
    /// `eᵍ` of all steps, one for each state or for each of its rows.
    fn decay(&self, cx: &mut Context<'_, '_>, steps: usize) -> Step<Value> {
        let x = cx.float(4)?;
        let per_row = self.states * self.depth;
        let fits = [self.states, per_row].map(|width| cx.dims(x) == [self.batch, steps, width]);
        cx.require(
            fits.contains(&true),
            format!("decay is one number for each head or row, not {}", cx.ty(x)),
        )?;
        let x = cx.map("decay", &[x], |x| x[0].exp())?;
        split(cx, x, self.states)
    }

    /// The update rates of all steps, one for each state.
    fn beta(&self, cx: &mut Context<'_, '_>, steps: usize) -> Step<Value> {
        let x = cx.float(5)?;
        let fits = [1, self.states].map(|width| cx.dims(x) == [self.batch, steps, width]);
        cx.require(
            fits.contains(&true),
            format!("beta is one number for each step or head, not {}", cx.ty(x)),
        )?;
        let x = split(cx, x, cx.dims(x)[2])?;
        cx.expand(x, &[self.batch, self.states, steps, 1])
    }

    /// What one step reads, `[B, H, 1, E]`, and the next state. With decay `e`, row `k` and value `v`, the state becomes
    /// `e·S + k ⊗ v`, where the rules that correct take `β·(v − (e·k)ᵀ·S)` as `v`.
    fn step(&self, cx: &mut Context<'_, '_>, x: &Inputs, state: Option<Value>) -> Step<(Value, Value)> {
        let Self { batch, states, group, depth, width } = *self;
        let all = batch * states;
        let column = cx.reshape(x.k, &[all, depth, 1])?;
        let mut v = cx.reshape(x.v, &[all, 1, width])?;
        let decay = match x.decay {
            Some(decay) => {
                let own = cx.dims(decay)[3];
                Some(cx.reshape(decay, &[all, own, 1])?)
            }
            None => None,
        };
        if let Some(beta) = x.beta {
            let beta = cx.reshape(beta, &[all, 1, 1])?;
            v = match state {
                Some(state) => {
                    let key = match decay {
                        Some(decay) => cx.map("decayed", &[column, decay], |x| x[0] * x[1])?,
                        None => column,
                    };
                    let row = cx.reshape(key, &[all, 1, depth])?;
                    let held = cx.product(row, state)?;
                    cx.map("change", &[beta, v, held], |x| x[0] * (x[1] - x[2]))?
                }
                None => cx.map("change", &[beta, v], |x| x[0] * x[1])?,
            };
        }
        let next = match (state, decay) {
            (Some(state), Some(decay)) => {
                cx.map("state", &[state, decay, column, v], |x| x[0] * x[1] + x[2] * x[3])?
            }
            (Some(state), None) => cx.map("state", &[state, column, v], |x| x[0] + x[1] * x[2])?,
            (None, _) => cx.map("state", &[column, v], |x| x[0] * x[1])?,
        };
        let q = cx.reshape(x.q, &[all, group, depth])?;
        let y = cx.product(q, next)?;
        Ok((cx.reshape(y, &[batch, states * group, 1, width])?, next))
    }
}
