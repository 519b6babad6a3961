//! Two instructions at a time, in order: an estimate of the Cortex-M7.
//!
//! Its vendor publishes no timing. The rules are those that measurements found: at most one multiply, one store, one float
//! operation and two loads (of words whose addresses differ in bit 2) start together; packing and unpacking goes into the
//! first slot only; a multiply does not pair with a store; transfers of several registers, divisions and IT go alone. Results of
//! loads and multiplies come later, but a sum of products can go on at once. Not modelled: banks of accesses through
//! different bases (taken as colliding), branch prediction (taken as right), stores of float results.

use super::Cost;
use super::class::{Class, Facts, Registers};
use super::model::{Model, cycles};

/// The state of a dual-issue pipeline, in cycles since it was empty.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// The cycle in which the last instruction started; `None` before the first.
    now: Option<u32>,
    /// The instruction that started in this cycle and can have a partner.
    partner: Option<Facts>,
    /// Until when nothing can start.
    blocked: u32,
    /// When each register can be read.
    ready: [u32; 48],
    /// When each register can be read as the addend of a multiply.
    ready_addend: [u32; 48],
}

impl Default for Slots {
    fn default() -> Self {
        Self { now: None, partner: None, blocked: 0, ready: [0; 48], ready_addend: [0; 48] }
    }
}

impl Slots {
    pub(super) fn issue(&mut self, model: &Model, facts: &Facts) -> Cost {
        let timing = &model.timing;
        let base = model.base(facts);
        // LDM, STM and LDRD move two words a cycle.
        let length = match facts.class {
            Class::LoadMany(count) | Class::StoreMany(count) => Cost::fixed(count.div_ceil(2).max(1)),
            Class::Divide | Class::FloatDivide | Class::FloatSqrt => base,
            _ => Cost::fixed(base.cycles.max(1)),
        };
        let mut start = self.blocked.max(self.now.unwrap_or(0));
        for index in facts.used.or(facts.address).indices() {
            let early = u32::from(facts.shifted.0 >> index & 1 == 1);
            start = start.max(self.ready[index] + if self.ready[index] > 0 { early } else { 0 });
        }
        for index in facts.addend.indices() {
            start = start.max(self.ready_addend[index]);
        }
        let pairs = match (self.now, &self.partner) {
            (Some(now), Some(first)) => start == now && together(first, facts, timing.loads_per_cycle.value),
            _ => false,
        };
        if !pairs && let Some(now) = self.now {
            start = start.max(now + 1);
        }
        let latency = match facts.class {
            Class::Load | Class::LoadMany(_) | Class::FloatLoad => {
                let narrow = if facts.narrow { cycles(timing.narrow_load_extra.as_ref()) } else { 0 };
                cycles(timing.load_use_stall.as_ref()) + narrow
            }
            _ if facts.multiplies() || facts.class == Class::Dsp => {
                cycles(timing.multiply_use_stall.as_ref())
            }
            _ if facts.float_latency => cycles(timing.float_use_stall.as_ref()),
            _ => 0,
        };
        let done = start + length.cycles;
        let accumulates = facts.multiplies();
        for index in Registers::written(facts).indices() {
            self.ready[index] = done + latency;
            self.ready_addend[index] = if accumulates { done } else { done + latency };
        }
        self.partner = (!pairs && !alone(facts) && !facts.jumps).then_some(*facts);
        self.blocked = if length.cycles > 1 { done } else { 0 };
        let added = match self.now {
            None => start + length.cycles,
            // The last cycle of the instruction before is paid; a long instruction pays all its cycles now.
            Some(now) => start + length.cycles - (now + 1),
        };
        self.now = Some(done - 1);
        let extra = length.worst - length.cycles;
        Cost { cycles: added, worst: added + extra }
    }
}

/// Whether an instruction starts with no other.
fn alone(facts: &Facts) -> bool {
    matches!(
        facts.class,
        Class::LoadMany(_)
            | Class::StoreMany(_)
            | Class::Divide
            | Class::FloatDivide
            | Class::FloatSqrt
            | Class::TableBranch
            | Class::ConditionalBlock
            | Class::Status
    )
}

fn together(first: &Facts, second: &Facts, loads_per_cycle: u32) -> bool {
    let is_load = |facts: &Facts| matches!(facts.class, Class::Load | Class::FloatLoad);
    let is_store =
        |facts: &Facts| matches!(facts.class, Class::Store | Class::StoreIndexed | Class::FloatStore);
    if alone(first) || alone(second) || second.class == Class::Dsp {
        return false;
    }
    if is_load(first) && is_load(second) {
        let (Some(one), Some(two)) = (first.offset, second.offset) else { return false };
        return loads_per_cycle > 1 && first.address == second.address && (one ^ two) & 4 != 0;
    }
    let both = |is: &dyn Fn(&Facts) -> bool| is(first) && is(second);
    let multiply_and_store =
        (first.multiplies() && is_store(second)) || (is_store(first) && second.multiplies());
    !(both(&Facts::multiplies) || both(&is_store) || both(&Facts::floats) || multiply_and_store)
}
