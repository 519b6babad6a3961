//! Static counts: instructions and cycles of a function, from how often its blocks run and what their instructions cost
//! where they lie. Exact where nothing depends on data; the most that is possible elsewhere.

use super::isa::Op;
use super::layout::{Fixup, Layout};
use super::timing::{Cost, Model, Placed};
use crate::codegen::{Call, Costs, Total};
use std::collections::BTreeSet;

/// Counts a function.
pub(super) fn count(layout: &Layout, model: &Model) -> Costs {
    let prices = model.prices(&layout.code);
    let calls: BTreeSet<usize> = layout
        .fixups
        .iter()
        .filter_map(|(at, fixup)| matches!(fixup, Fixup::Call(_)).then_some(*at))
        .collect();
    let is_call = |at: usize| calls.contains(&at);
    let mut own = Total::default();
    let mut cycles = vec![0u64; layout.code.len()];
    for span in &layout.spans {
        let times = span.count.times;
        own.exact &= !span.count.varies;
        let straight = times.saturating_sub(span.entered);
        for at in span.range.clone() {
            let price = prices[at];
            let taken = span.taken.iter().find(|taken| taken.0 == at);
            // A jump behind a conditional branch only runs where it is taken.
            let jumps = matches!(layout.code[at].inst.op, Op::B | Op::Bl) && at > span.range.start;
            let times = taken.filter(|_| jumps).map_or(times, |taken| taken.1);
            let mut line = Total { instructions: times, ..Total::default() };
            if at == span.range.start {
                line.cost(price.entered, times - straight);
                line.cost(price.after, straight);
            } else if is_call(at - 1) {
                line.cost(price.entered, times);
            } else {
                line.cost(price.after, times);
            }
            let Placed { inst, .. } = &layout.code[at];
            match taken {
                Some(&(_, taken, target)) => {
                    let refill = model.refill_to(inst, &layout.code[target]);
                    line.cost(Cost::fixed(refill), taken);
                }
                None if is_skip(layout, at) => {
                    // Over one instruction of a cycle: worse only if the refill takes longer than that.
                    let refill = model.refill(inst, false);
                    let worst = refill.max(1) - 1;
                    line.cost(Cost { cycles: 0, worst }, times);
                }
                // Calls lead to aligned functions. What a return costs more by the place to which it leads is in `Call`.
                None => line.cost(Cost::fixed(model.refill(inst, false)), times),
            }
            cycles[at] = line.cycles;
            own.add(line, 1);
        }
    }
    let calls = layout.fixups.iter().filter_map(|(at, fixup)| match fixup {
        Fixup::Call(callee) => {
            let span = layout
                .spans
                .iter()
                .find(|span| span.range.contains(at))
                .expect("every instruction is in one");
            let straddles = layout.code.get(at + 1).is_some_and(Placed::straddles);
            Some(Call { callee: callee.clone(), times: span.count.times, straddles })
        }
        Fixup::Data { .. } => None,
    });
    let returns = layout.code.iter().filter(|placed| placed.inst.op == Op::Bx);
    let late = returns.map(|placed| model.refill(&placed.inst, true) - model.refill(&placed.inst, false));
    Costs { own, calls: calls.collect(), late_return: late.max().unwrap_or(0), cycles }
}

/// Whether an instruction branches over the next one.
fn is_skip(layout: &Layout, at: usize) -> bool {
    let placed = &layout.code[at];
    placed.inst.op == Op::Bcond && placed.target() == layout.code.get(at + 2).map(|next| next.address)
}
