//! The order of instructions inside a block, before register allocation. Loads are brought together where neighbours
//! overlap, and what would wait for the result right before it lets something else go first; both as far as all values
//! that are alive then fit the registers. Everything else stays in the order of the source.

use super::code::{Code, Line, What};
use super::isa::Isa;
use super::operands::{reads_of, writes_of};
use regalloc2::{RegClass, VReg};

/// Float registers that the order may fill.
const FLOATS: usize = 30;

/// Blocks of more lines are left as they are: the search is quadratic.
const LONGEST: usize = 600;

/// How many lines on something is looked for that can go first.
const AHEAD: usize = 24;

/// Reorders every block; `registers` is the number of general registers that can hold values.
pub(crate) fn schedule<I: Isa>(code: &mut Code<I, VReg>, registers: usize, stalls: I::Stalls) {
    for block in &mut code.blocks {
        if block.lines.len() > LONGEST {
            continue;
        }
        let out = block.end.reads();
        let scheduler = Scheduler::new(&block.lines, &out);
        let order = scheduler.stagger(scheduler.gather(registers), registers, stalls);
        block.lines = order.into_iter().map(|at| block.lines[at].clone()).collect();
    }
}

struct Scheduler<'a, I: Isa> {
    lines: &'a [Line<I, VReg>],
    read: Vec<Vec<VReg>>,
    written: Vec<Vec<VReg>>,
    /// Lines that must come before each line.
    before: Vec<Vec<usize>>,
    /// Values that are alive at the end.
    out: &'a [VReg],
}

impl<'a, I: Isa> Scheduler<'a, I> {
    fn new(lines: &'a [Line<I, VReg>], out: &'a [VReg]) -> Self {
        let read: Vec<Vec<VReg>> = lines.iter().map(reads_of).collect();
        let written: Vec<Vec<VReg>> = lines.iter().map(writes_of).collect();
        let flags: Vec<Touch> = flags(lines);
        let before = (0..lines.len())
            .map(|late| {
                let depends = |early: &usize| {
                    read[late].iter().any(|v| written[*early].contains(v))
                        || flags[*early].ordered(flags[late])
                        || ordered(&lines[*early], &lines[late])
                };
                (0..late).filter(depends).collect()
            })
            .collect();
        Self { lines, read, written, before, out }
    }

    /// The order with loads brought together.
    fn gather(&self, registers: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        let limit = self.pressure(&order, RegClass::Int).max(registers);
        let mut at = 0;
        while at < order.len() {
            if !I::gathers(&self.lines[order[at]]) {
                at += 1;
                continue;
            }
            // Pull the next loads up to here, one after the other.
            let mut place = at + 1;
            let mut next = place;
            while next < order.len() {
                let line = order[next];
                let free = !self.before[line].iter().any(|early| order[place..next].contains(early));
                if I::gathers(&self.lines[line]) && free {
                    let mut moved = order.clone();
                    moved[place..=next].rotate_right(1);
                    if self.pressure(&moved, RegClass::Int) > limit {
                        break;
                    }
                    order = moved;
                    place += 1;
                }
                next += 1;
            }
            self.sort_by_memory(&mut order[at..place]);
            at = place;
        }
        order
    }

    /// Brings loads of one buffer together in a run of loads: those of one memory overlap on silicon.
    fn sort_by_memory(&self, run: &mut [usize]) {
        let depends = run.iter().any(|&line| self.before[line].iter().any(|early| run.contains(early)));
        if !depends {
            run.sort_by_key(|&line| self.lines[line].memory.map(|memory| memory.region));
        }
    }

    /// The order with something else between a result and its use, where the use would wait.
    fn stagger(&self, mut order: Vec<usize>, registers: usize, stalls: I::Stalls) -> Vec<usize> {
        if order.len() > LONGEST / 2 {
            return order;
        }
        let words = self.pressure(&order, RegClass::Int).max(registers);
        let floats = self.pressure(&order, RegClass::Float).max(FLOATS);
        for at in 1..order.len() {
            if !self.waits(order[at - 1], order[at], stalls) {
                continue;
            }
            let ahead = order.len().min(at + AHEAD);
            for next in at + 1..ahead {
                let line = order[next];
                let bound = self.before[line].iter().any(|early| order[at..next].contains(early));
                // A load that leaves its neighbours costs what it gains.
                if bound || I::gathers(&self.lines[line]) || self.waits(order[at - 1], line, stalls) {
                    continue;
                }
                let mut moved = order.clone();
                moved[at..=next].rotate_right(1);
                if self.pressure(&moved, RegClass::Int) <= words
                    && self.pressure(&moved, RegClass::Float) <= floats
                {
                    order = moved;
                    break;
                }
            }
        }
        order
    }

    /// Whether a line right behind another waits for its result.
    fn waits(&self, first: usize, second: usize, stalls: I::Stalls) -> bool {
        I::waits(&self.lines[first], &self.written[first], &self.lines[second], stalls)
    }

    /// The most registers of a class that are needed at once by values that the block touches.
    fn pressure(&self, order: &[usize], class: RegClass) -> usize {
        let mut alive: Vec<VReg> = self.out.iter().copied().filter(|v| v.class() == class).collect();
        alive.sort_unstable_by_key(|v| v.vreg());
        alive.dedup();
        let mut most = alive.len();
        for &at in order.iter().rev() {
            let defined = &self.written[at];
            // A result that nobody reads still takes a register for a moment.
            let dead = defined.iter().filter(|v| v.class() == class && !alive.contains(v)).count();
            most = most.max(alive.len() + dead);
            alive.retain(|v| !defined.contains(v));
            for &value in &self.read[at] {
                if value.class() == class && !alive.contains(&value) {
                    alive.push(value);
                }
            }
            most = most.max(alive.len());
        }
        most
    }
}

/// How a line touches the flags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    No,
    /// Writes what nobody reads.
    Clobbers,
    /// Writes what is read, or reads.
    Matters,
}

impl Touch {
    fn ordered(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Matters, Self::Matters | Self::Clobbers) | (Self::Clobbers, Self::Matters)
        )
    }
}

/// How each line touches the flags. Those at the end are read by the branch.
fn flags<I: Isa>(lines: &[Line<I, VReg>]) -> Vec<Touch> {
    let mut wanted = true;
    let mut found: Vec<Touch> = lines
        .iter()
        .rev()
        .map(|line| {
            let (read, written) = I::flags(line);
            let touch = match (read, written) {
                (false, false) => Touch::No,
                // A constant takes a form that keeps the flags where they are read later.
                (false, true) if !wanted => Touch::Clobbers,
                _ => Touch::Matters,
            };
            wanted = read || (wanted && !written);
            touch
        })
        .collect();
    found.reverse();
    found
}

/// Whether two lines must keep their order because of memory or calls.
fn ordered<I: Isa>(early: &Line<I, VReg>, late: &Line<I, VReg>) -> bool {
    let fixed = |line: &Line<I, VReg>| {
        matches!(
            line.what,
            What::Call { .. } | What::Outgoing { .. } | What::Incoming { .. } | What::Move { .. }
        )
    };
    match (early.memory, late.memory) {
        _ if fixed(early) || fixed(late) => true,
        (Some(a), Some(b)) => a.region == b.region && (a.store || b.store),
        _ => false,
    }
}
