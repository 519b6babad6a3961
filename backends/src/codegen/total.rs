//! What code takes: cycles of instructions and runs, of a function, and of a function with all that it calls. Where the
//! figures come from is the backend's.

use crate::native::Callee;
use std::collections::BTreeMap;

/// Cycles of one instruction or of several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cycles {
    /// What the model counts: for instructions whose time depends on their operands, the typical figure.
    pub cycles: u32,
    /// The most that operands can make of it (division, and long multiplication on the M3). Not the options that a vendor has
    /// when building the chip.
    pub worst: u32,
}

impl Cycles {
    /// A cost that does not depend on operands.
    pub const fn fixed(cycles: u32) -> Self {
        Self { cycles, worst: cycles }
    }

    /// Whether it depends on operands.
    pub const fn varies(self) -> bool {
        self.worst != self.cycles
    }
}

impl std::ops::Add for Cycles {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cycles: self.cycles.saturating_add(other.cycles),
            worst: self.worst.saturating_add(other.worst),
        }
    }
}

impl std::iter::Sum for Cycles {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| sum + cost)
    }
}

/// What a call of a function takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Total {
    /// Instructions executed; those included over which a core branches to choose between two values.
    pub(crate) instructions: u64,
    /// Cycles, with typical figures for instructions whose time depends on their operands.
    pub(crate) cycles: u64,
    /// The most cycles that data can make of it.
    pub(crate) worst: u64,
    /// Whether every run takes exactly this many cycles.
    pub(crate) exact: bool,
}

impl Default for Total {
    fn default() -> Self {
        Self { instructions: 0, cycles: 0, worst: 0, exact: true }
    }
}

impl Total {
    /// Adds `times` runs of something.
    pub(crate) fn add(&mut self, part: Self, times: u64) {
        self.instructions = self.instructions.saturating_add(part.instructions.saturating_mul(times));
        self.cycles = self.cycles.saturating_add(part.cycles.saturating_mul(times));
        self.worst = self.worst.saturating_add(part.worst.saturating_mul(times));
        self.exact &= part.exact;
    }

    /// Adds the cycles of `times` runs.
    pub(crate) fn cost(&mut self, cost: Cycles, times: u64) {
        let (cycles, worst) = (u64::from(cost.cycles), u64::from(cost.worst));
        self.add(Self { instructions: 0, cycles, worst, exact: !cost.varies() || times == 0 }, times);
    }
}

/// The costs of one function.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    /// Of one call, without what it calls.
    pub(crate) own: Total,
    /// Its calls.
    pub(crate) calls: Vec<Call>,
    /// Cycles that its return takes longer where it leads to an instruction across a word boundary.
    pub(crate) late_return: u32,
    /// Cycles of each instruction of the function over one call.
    pub(crate) cycles: Vec<u64>,
}

/// A place that calls another function.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Whom.
    pub(crate) callee: Callee,
    /// How often in one call of this function.
    pub(crate) times: u64,
    /// Whether the return leads to an instruction across a word boundary.
    pub(crate) straddles: bool,
}

/// One function of the object.
pub(crate) struct Generated<L> {
    /// Its symbol.
    pub(crate) name: String,
    /// Its instructions at offsets from its own beginning.
    pub(crate) layout: L,
    /// What it costs by itself.
    pub(crate) costs: Costs,
    /// Bytes of stack that it takes itself.
    pub(crate) stack: u32,
}

impl<L> Generated<L> {
    /// Cycles of a call without what it calls, then bytes of code, which are given: less is better.
    pub(crate) fn rank(&self, bytes: u32) -> (u64, u32) {
        (self.costs.own.cycles, bytes)
    }
}

/// All functions of an object, and who is who.
pub(crate) struct Functions<L> {
    /// Kernels, the entry function, routines.
    pub(crate) all: Vec<Generated<L>>,
    routines: BTreeMap<&'static str, usize>,
}

impl<L> Functions<L> {
    /// Puts functions together: `routines` names those that are routines, by their position.
    pub(crate) fn new(all: Vec<Generated<L>>, routines: BTreeMap<&'static str, usize>) -> Self {
        Self { all, routines }
    }

    /// Where a function that others call is among all.
    pub(crate) fn position(&self, callee: &Callee) -> usize {
        match callee {
            Callee::Kernel(number) => *number as usize,
            Callee::Routine(name) => self.routines[name],
        }
    }

    /// The symbol of a function that others call.
    pub(crate) fn name(&self, callee: &Callee) -> &str {
        &self.all[self.position(callee)].name
    }

    /// Where each function begins, one behind the other on word borders; `bytes` is the size of a layout.
    pub(crate) fn starts(&self, bytes: impl Fn(&L) -> u32) -> Vec<u32> {
        let mut end = 0u32;
        let place = |function: &Generated<L>| {
            let start = end.next_multiple_of(4);
            end = start + bytes(&function.layout);
            start
        };
        self.all.iter().map(place).collect()
    }

    /// What one call of a function takes, with all that it calls.
    pub(crate) fn total(&self, at: usize) -> Total {
        let costs = &self.all[at].costs;
        let mut total = costs.own;
        for call in costs.calls.iter().filter(|call| call.times > 0) {
            total.add(self.call(call), call.times);
        }
        total
    }

    /// The kernels that a function calls, in the order of its code: the position of each, and what the call takes.
    pub(crate) fn kernels_called(&self, at: usize) -> impl Iterator<Item = (usize, Total)> {
        let calls = self.all[at].costs.calls.iter();
        let kernels = calls.filter(|call| matches!(call.callee, Callee::Kernel(_)));
        kernels.map(|call| (self.position(&call.callee), self.call(call)))
    }

    fn call(&self, call: &Call) -> Total {
        let callee = self.position(&call.callee);
        let mut total = self.total(callee);
        if call.straddles {
            let late = u64::from(self.all[callee].costs.late_return);
            total.cycles += late;
            total.worst += late;
        }
        total
    }

    /// The most stack that a call of a function takes, in bytes, with all that it calls.
    pub(crate) fn stack(&self, at: usize) -> u32 {
        let below = self.all[at].costs.calls.iter().map(|call| self.stack(self.position(&call.callee)));
        self.all[at].stack + below.max().unwrap_or(0)
    }
}
