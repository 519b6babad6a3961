//! Static counts: instructions and cycles of a function, from how often its blocks run and what their instructions cost
//! where they lie. Exact where nothing depends on data; the most that is possible elsewhere.

use super::isa::Class;
use super::layout::{Fixup, Layout};
use super::timing::{Model, Placed, is_final};
use crate::codegen::{Call, Costs, Cycles, Total};
use std::collections::BTreeSet;

/// Counts a function.
pub(super) fn count(layout: &Layout, model: &Model) -> Costs {
    let prices = model.prices(&layout.code);
    let calls: BTreeSet<usize> =
        layout.fixups.iter().filter_map(|(at, fixup)| is_call(fixup).then_some(*at)).collect();
    let mut own = Total::default();
    let mut cycles = vec![0u64; layout.code.len()];
    for span in &layout.spans {
        let times = span.count.times;
        own.exact &= !span.count.varies;
        let straight = times.saturating_sub(span.entered);
        for at in span.range.clone() {
            let price = prices[at];
            let placed = &layout.code[at];
            let taken = span.taken.iter().find(|taken| taken.0 == at);
            // A jump behind a conditional branch only runs where it is taken.
            let jumps = placed.inst.op.info().class == Class::Jump && at > span.range.start;
            let times = taken.filter(|_| jumps).map_or(times, |taken| taken.1);
            let mut line = Total { instructions: times, ..Total::default() };
            if at == span.range.start {
                line.cost(price.entered, times - straight.min(times));
                line.cost(price.after, straight.min(times));
            } else if calls.contains(&(at - 1)) {
                line.cost(price.entered, times);
            } else {
                line.cost(price.after, times);
            }
            match taken {
                Some(_) if is_skip(layout, at) => {
                    // Over one instruction: worse only if the jump takes longer than that. Data decides.
                    let target = layout.code.get(at + 2).is_some_and(Placed::straddles);
                    let refill = model.refill(&placed.inst, target);
                    let skipped = prices[at + 1].after.cycles;
                    let more = |cycles: u32| cycles.saturating_sub(skipped);
                    line.cost(Cycles { cycles: more(refill.cycles), worst: more(refill.worst) }, times);
                    line.exact &= times == 0;
                }
                Some(&(_, taken, target)) => {
                    let target = layout.code.get(target).is_some_and(Placed::straddles);
                    line.cost(model.refill(&placed.inst, target), taken);
                }
                // Calls lead to aligned functions. What a return costs more by where it leads is in `Call`.
                None => {}
            }
            cycles[at] = line.cycles;
            own.add(line, 1);
        }
    }
    let calls = layout.fixups.iter().filter_map(|(at, fixup)| match fixup {
        Fixup::Call(callee) | Fixup::FarCall { callee, upper: false } => {
            let span = layout
                .spans
                .iter()
                .find(|span| span.range.contains(at))
                .expect("every instruction is in one");
            let straddles = layout.code.get(at + 1).is_some_and(Placed::straddles);
            Some(Call { callee: callee.clone(), times: span.count.times, straddles })
        }
        Fixup::FarCall { .. } | Fixup::Data { .. } => None,
    });
    let returns = layout.code.iter().filter(|placed| is_final(&placed.inst));
    let late = returns.map(|placed| model.refill(&placed.inst, true).cycles);
    Costs { own, calls: calls.collect(), late_return: late.max().unwrap_or(0), cycles }
}

/// Whether an instruction with this reference calls.
fn is_call(fixup: &Fixup) -> bool {
    matches!(fixup, Fixup::Call(_) | Fixup::FarCall { upper: false, .. })
}

/// Whether an instruction branches over the next one, which is no jump.
fn is_skip(layout: &Layout, at: usize) -> bool {
    let (placed, next) = (&layout.code[at], layout.code.get(at + 1));
    placed.inst.op.info().class == Class::Branch
        && next.is_some_and(|next| {
            placed.target() == Some(next.end()) && next.inst.op.info().class != Class::Jump
        })
}
