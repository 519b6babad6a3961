//! The order of instructions inside a block, before register allocation: loads are brought together, because neighbours
//! overlap, as far as all values that are alive then fit the registers. Everything else stays in the order of the source.

use super::code::{Code, End, Line, Memory, What};
use super::isa::{Flags, Op};
use super::operands::{reads_of, writes_of};
use regalloc2::{RegClass, VReg};

/// Blocks of more lines are left as they are: the search is quadratic.
const LONGEST: usize = 600;

/// Reorders every block; `registers` is the number of general registers that can hold values.
pub(super) fn schedule(code: &mut Code<VReg>, registers: usize) {
    for block in &mut code.blocks {
        let loads = block.lines.iter().filter(|line| is_load(line)).count();
        if loads < 2 || block.lines.len() > LONGEST {
            continue;
        }
        let mut out: Vec<VReg> = block.end.edges().iter().flat_map(|edge| edge.args.clone()).collect();
        if let End::Return(values) = &block.end {
            out.extend(values);
        }
        let order = Scheduler::new(&block.lines, &out).run(registers);
        block.lines = order.into_iter().map(|at| block.lines[at].clone()).collect();
    }
}

/// Whether a line is a load that a load before it makes cheaper.
fn is_load(line: &Line<VReg>) -> bool {
    matches!(line.memory, Some(Memory { store: false, .. }))
        && matches!(&line.what, What::Inst(inst) if inst.op != Op::Vldr)
}

struct Scheduler<'a> {
    lines: &'a [Line<VReg>],
    read: Vec<Vec<VReg>>,
    written: Vec<Vec<VReg>>,
    /// Lines that must come before each line.
    before: Vec<Vec<usize>>,
    /// Values that are alive at the end.
    out: &'a [VReg],
}

impl<'a> Scheduler<'a> {
    fn new(lines: &'a [Line<VReg>], out: &'a [VReg]) -> Self {
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

    /// The new order.
    fn run(&self, registers: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        let limit = self.pressure(&order).max(registers);
        let mut at = 0;
        while at < order.len() {
            if !is_load(&self.lines[order[at]]) {
                at += 1;
                continue;
            }
            // Pull the next loads up to here, one after the other.
            let mut place = at + 1;
            let mut next = place;
            while next < order.len() {
                let line = order[next];
                let free = !self.before[line].iter().any(|early| order[place..next].contains(early));
                if is_load(&self.lines[line]) && free {
                    let mut moved = order.clone();
                    moved[place..=next].rotate_right(1);
                    if self.pressure(&moved) > limit {
                        break;
                    }
                    order = moved;
                    place += 1;
                }
                next += 1;
            }
            at = place;
        }
        order
    }

    /// The most general registers that are needed at once by values that the block touches.
    fn pressure(&self, order: &[usize]) -> usize {
        let mut alive: Vec<VReg> = self.out.iter().copied().filter(|v| v.class() == RegClass::Int).collect();
        alive.sort_unstable_by_key(|v| v.vreg());
        alive.dedup();
        let mut most = alive.len();
        for &at in order.iter().rev() {
            let defined = &self.written[at];
            // A result that nobody reads still takes a register for a moment.
            let dead = defined.iter().filter(|v| !alive.contains(v)).count();
            most = most.max(alive.len() + dead);
            alive.retain(|v| !defined.contains(v));
            for &value in &self.read[at] {
                if value.class() == RegClass::Int && !alive.contains(&value) {
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
fn flags(lines: &[Line<VReg>]) -> Vec<Touch> {
    let mut wanted = true;
    let mut found: Vec<Touch> = lines
        .iter()
        .rev()
        .map(|line| {
            let (read, written) = match &line.what {
                What::Inst(inst) => (!inst.flags_read().is_empty(), inst.flags_written() != Flags::NONE),
                What::Choose { .. } => (true, false),
                What::Constant { .. } | What::Call { .. } => (false, true),
                _ => (false, false),
            };
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
fn ordered(early: &Line<VReg>, late: &Line<VReg>) -> bool {
    let fixed = |line: &Line<VReg>| {
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
