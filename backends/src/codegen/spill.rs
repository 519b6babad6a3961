//! Spilling before register allocation: afterwards no more values are alive anywhere than there are registers. Values that a
//! loop does not use leave their registers before it and come back behind it, never inside.
//!
//! After Braun and Hack, "Register Spilling and Live-Range Splitting for SSA-Form Programs" (2009): a walk over the blocks
//! with the set of values in registers; what is used last leaves first, and a use behind the end of a loop counts as
//! far away.

use super::code::{Code, End, Line, What};
use super::flow::{Flow, is_word};
use super::isa::Isa;
use super::operands::{reads_of, writes_of};
use super::rename::rename;
use regalloc2::{RegClass, VReg};
use std::collections::{BTreeMap, BTreeSet};

/// How many values fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Everywhere.
    pub(crate) registers: usize,
    /// Across calls.
    pub(crate) saved: usize,
    /// Arguments that arrive in registers.
    pub(crate) arguments: usize,
}

/// Spills until all values fit everywhere. New values are numbered from `vregs`.
pub(crate) fn spill<I: Isa>(code: &mut Code<I, VReg>, vregs: &mut usize, room: Room) {
    let Room { registers, saved, arguments } = room;
    let flow = Flow::new(code);
    let mut spiller = Spiller {
        code,
        flow: &flow,
        registers,
        saved,
        arguments,
        entries: BTreeMap::new(),
        exits: BTreeMap::new(),
        slots: BTreeMap::new(),
        constants: BTreeMap::new(),
        lines: BTreeMap::new(),
        vregs: *vregs,
        origins: BTreeMap::new(),
    };
    if !spiller.is_crowded() || !spiller.run() {
        return;
    }
    let Spiller { mut lines, entries, origins, vregs: used, .. } = spiller;
    *vregs = used;
    for (at, block) in code.blocks.iter_mut().enumerate() {
        block.lines = lines.remove(&at).unwrap_or_default();
    }
    drop_memory_params(code, &entries);
    rename(code, &flow, vregs, &origins);
}

struct Spiller<'a, I: Isa> {
    code: &'a Code<I, VReg>,
    flow: &'a Flow,
    registers: usize,
    saved: usize,
    arguments: usize,
    /// What is in registers at the start of each block.
    entries: BTreeMap<usize, BTreeSet<VReg>>,
    /// What is in registers, and what is in slots, at the end of each block.
    exits: BTreeMap<usize, (BTreeSet<VReg>, BTreeSet<VReg>)>,
    /// The slot of each value that has one.
    slots: BTreeMap<VReg, u32>,
    /// Values that are numbers: they are made anew instead of reloaded.
    constants: BTreeMap<VReg, i32>,
    lines: BTreeMap<usize, Vec<Line<I, VReg>>>,
    /// Virtual registers made so far.
    vregs: usize,
    /// Which value each new virtual register holds again.
    origins: BTreeMap<VReg, VReg>,
}

/// The state of the walk through a block.
struct State<I: Isa> {
    /// Values in registers.
    held: BTreeSet<VReg>,
    /// Values whose slots hold them.
    kept: BTreeSet<VReg>,
    lines: Vec<Line<I, VReg>>,
}

impl<I: Isa> Spiller<'_, I> {
    /// Whether there are ever more values than registers.
    fn is_crowded(&self) -> bool {
        (0..self.code.blocks.len()).any(|at| {
            let calls = self.code.blocks[at].lines.iter().any(|line| matches!(line.what, What::Call { .. }));
            self.pressure(at, &|_| true) > if calls { self.saved } else { self.registers }
        })
    }

    /// The most values of a kind that are alive at once in a block.
    fn pressure(&self, at: usize, counts: &dyn Fn(&VReg) -> bool) -> usize {
        let block = &self.code.blocks[at];
        let mut alive: BTreeSet<VReg> = self.flow.next_use_out[at].keys().copied().filter(counts).collect();
        alive.extend(block.end.reads().into_iter().filter(|v| is_word(v) && counts(v)));
        let mut most = alive.len();
        for line in block.lines.iter().rev() {
            let defined = writes_of(line).into_iter().filter(|v| is_word(v) && counts(v));
            let dead = defined.filter(|value| !alive.remove(value)).count();
            most = most.max(alive.len() + dead + writes_of(line).len());
            alive.extend(reads_of(line).into_iter().filter(|v| is_word(v) && counts(v)));
            most = most.max(alive.len());
        }
        most
    }

    /// Walks all blocks; `false` if the function is of a kind that the allocator must cope with by itself.
    fn run(&mut self) -> bool {
        for block in &self.code.blocks {
            for line in &block.lines {
                if let What::Constant { d, value, .. } = line.what {
                    self.constants.insert(d, value);
                }
            }
        }
        for &at in &self.flow.order.clone() {
            let entry = self.entry(at);
            if entry.len() > self.registers {
                return false;
            }
            self.block(at, entry);
        }
        if !self.order_of_params_is_free() {
            return false;
        }
        self.edges();
        true
    }

    /// What is in registers at the start of a block.
    fn entry(&mut self, at: usize) -> BTreeSet<VReg> {
        if let Some(entry) = self.entries.get(&at) {
            return entry.clone();
        }
        let entry = match self.flow.loops.get(&at) {
            Some(body) => self.loop_entry(at, body),
            None => self.join_entry(at),
        };
        self.entries.insert(at, entry.clone());
        entry
    }

    /// At the head of a loop: what the loop uses; then, if there is room in all of it, what it does not.
    fn loop_entry(&self, at: usize, body: &BTreeSet<usize>) -> BTreeSet<VReg> {
        let mut used = BTreeSet::new();
        for &block in body {
            let block = &self.code.blocks[block];
            used.extend(block.lines.iter().flat_map(reads_of));
            used.extend(block.end.reads());
            used.extend(block.lines.iter().flat_map(writes_of));
            used.extend(&block.params);
        }
        let distance = |value: &VReg| (self.flow.next_use[at][value], *value);
        let (mut inside, mut through): (Vec<VReg>, Vec<VReg>) =
            self.flow.next_use[at].keys().copied().partition(|value| used.contains(value));
        inside.sort_by_key(distance);
        through.sort_by_key(distance);
        let pressure =
            body.iter().map(|&block| self.pressure(block, &|v| used.contains(v))).max().unwrap_or(0);
        inside.truncate(self.registers);
        through.truncate(self.registers.saturating_sub(pressure.max(inside.len())));
        inside.into_iter().chain(through).collect()
    }

    /// Elsewhere: what is in registers on every way here, then what is on some.
    fn join_entry(&self, at: usize) -> BTreeSet<VReg> {
        let block = &self.code.blocks[at];
        let alive = &self.flow.next_use[at];
        let mut entry: BTreeSet<VReg> = block.params.iter().copied().filter(is_word).collect();
        if at == 0 {
            // Arguments beyond those in registers arrive by loads.
            entry.retain(|v| block.params.iter().take(self.arguments).any(|p| p == v));
            return entry;
        }
        let held = |from: &usize| self.exits.get(from).map(|(held, _)| held);
        let ways: Vec<&BTreeSet<VReg>> = self.flow.before[at].iter().filter_map(held).collect();
        let mut some: Vec<VReg> =
            alive.keys().copied().filter(|v| ways.iter().any(|held| held.contains(v))).collect();
        some.sort_by_key(|v| (!ways.iter().all(|held| held.contains(v)), alive[v], *v));
        for value in some {
            if entry.len() < self.registers {
                entry.insert(value);
            }
        }
        entry
    }

    fn block(&mut self, at: usize, entry: BTreeSet<VReg>) {
        let block = &self.code.blocks[at];
        let kept = self.flow.before[at]
            .iter()
            .filter_map(|from| self.exits.get(from).map(|(_, kept)| kept.clone()))
            .reduce(|a, b| a.intersection(&b).copied().collect())
            .unwrap_or_default();
        // What a loop's head leaves in memory was put there on every way to it.
        let alive = self.flow.next_use[at].keys().copied();
        let absent: Vec<VReg> = alive.filter(|v| !entry.contains(v) && at != 0).collect();
        let mut state = State { held: entry, kept, lines: Vec::new() };
        for value in absent {
            self.slot(value);
            state.kept.insert(value);
        }
        let distances = self.distances(at);
        let after = |value: &VReg, line: usize| {
            let uses = distances.get(value);
            uses.and_then(|uses| uses.iter().copied().find(|&at| at as usize >= line)).unwrap_or(u32::MAX)
        };
        for (number, line) in block.lines.iter().enumerate() {
            let reads: BTreeSet<VReg> = reads_of(line).into_iter().filter(is_word).collect();
            let missing: Vec<VReg> = reads.iter().copied().filter(|v| !state.held.contains(v)).collect();
            state.held.extend(&missing);
            self.limit(&mut state, self.registers, &reads, &|v| after(v, number));
            for value in missing {
                self.reload(value, &mut state.lines);
            }
            state.held.retain(|v| after(v, number + 1) != u32::MAX);
            let defined: Vec<VReg> = writes_of(line).into_iter().filter(is_word).collect();
            let call = matches!(line.what, What::Call { .. });
            let room = if call { self.saved } else { self.registers.saturating_sub(defined.len()) };
            self.limit(&mut state, room, &BTreeSet::new(), &|v| after(v, number + 1));
            state.lines.push(line.clone());
            state.held.extend(defined.into_iter().filter(|v| after(v, number + 1) != u32::MAX));
        }
        self.end(at, &mut state, &after);
        self.lines.insert(at, state.lines);
        self.exits.insert(at, (state.held, state.kept));
    }

    /// What the end of a block reads comes into registers; what lies in memory in the next block goes there.
    fn end(&mut self, at: usize, state: &mut State<I>, after: &dyn Fn(&VReg, usize) -> u32) {
        let block = &self.code.blocks[at];
        let length = block.lines.len();
        if let End::Jump(edge) = &block.end {
            let entry = if self.flow.loops.contains_key(&edge.to) { Some(self.entry(edge.to)) } else { None };
            let params = &self.code.blocks[edge.to].params;
            let in_memory = |p: &VReg| is_word(p) && entry.as_ref().is_some_and(|entry| !entry.contains(p));
            let pairs: Vec<(VReg, VReg)> =
                params.iter().copied().zip(edge.args.iter().copied()).filter(|(p, _)| in_memory(p)).collect();
            for (param, value) in pairs {
                if param == value {
                    continue;
                }
                if !self.flow.next_use[edge.to].contains_key(&param) {
                    continue;
                }
                if !state.held.contains(&value) {
                    state.held.insert(value);
                    self.limit(state, self.registers, &BTreeSet::from([value]), &|v| after(v, length));
                    self.reload(value, &mut state.lines);
                }
                let slot = self.slot(param);
                state.lines.push(What::Spill { value, slot }.into());
            }
            let wanted: BTreeSet<VReg> = params
                .iter()
                .zip(&edge.args)
                .filter(|(p, v)| is_word(v) && !in_memory(p))
                .map(|(_, v)| *v)
                .collect();
            self.bring(wanted, state, &|v| after(v, length));
            return;
        }
        let wanted = block.end.reads().into_iter().filter(is_word).collect();
        self.bring(wanted, state, &|v| after(v, length));
    }

    fn bring(&mut self, wanted: BTreeSet<VReg>, state: &mut State<I>, distance: &dyn Fn(&VReg) -> u32) {
        let missing: Vec<VReg> = wanted.iter().copied().filter(|v| !state.held.contains(v)).collect();
        state.held.extend(&missing);
        self.limit(state, self.registers, &wanted, distance);
        for value in missing {
            self.reload(value, &mut state.lines);
        }
    }

    /// Lets values go until `room` are left; those used last go first, `needed` ones stay.
    fn limit(
        &mut self,
        state: &mut State<I>,
        room: usize,
        needed: &BTreeSet<VReg>,
        distance: &dyn Fn(&VReg) -> u32,
    ) {
        while state.held.len() > room {
            let far =
                state.held.iter().copied().filter(|v| !needed.contains(v)).max_by_key(|v| (distance(v), *v));
            let Some(value) = far else { return };
            state.held.remove(&value);
            if distance(&value) != u32::MAX && state.kept.insert(value) {
                self.store(value, &mut state.lines);
            }
        }
    }

    fn slot(&mut self, value: VReg) -> u32 {
        let next = self.slots.len() as u32;
        *self.slots.entry(value).or_insert(next)
    }

    fn store(&mut self, value: VReg, lines: &mut Vec<Line<I, VReg>>) {
        if !self.constants.contains_key(&value) {
            let slot = self.slot(value);
            lines.push(What::Spill { value, slot }.into());
        }
    }

    fn reload(&mut self, value: VReg, lines: &mut Vec<Line<I, VReg>>) {
        let d = VReg::new(self.vregs, RegClass::Int);
        self.vregs += 1;
        self.origins.insert(d, value);
        lines.push(match self.constants.get(&value) {
            // It may come between a comparison and what reads its flags.
            Some(&number) => What::Constant { d, value: number, quiet: true }.into(),
            None => What::Reload { d, slot: self.slot(value) }.into(),
        });
    }

    /// Positions at which each value is used from a block's start on, the last one beyond its end.
    fn distances(&self, at: usize) -> BTreeMap<VReg, Vec<u32>> {
        let block = &self.code.blocks[at];
        let mut found: BTreeMap<VReg, Vec<u32>> = BTreeMap::new();
        for (number, line) in block.lines.iter().enumerate() {
            for value in reads_of(line) {
                found.entry(value).or_default().push(number as u32);
            }
        }
        let length = block.lines.len() as u32;
        for value in block.end.reads() {
            found.entry(value).or_default().push(length);
        }
        for (&value, distance) in &self.flow.next_use_out[at] {
            found
                .entry(value)
                .or_default()
                .push(length.saturating_add(1).saturating_add(*distance).min(u32::MAX - 1));
        }
        found
    }

    /// Whether no edge carries one parameter that lies in memory to another: they would overwrite each other.
    fn order_of_params_is_free(&self) -> bool {
        self.code.blocks.iter().flat_map(|block| block.end.edges()).all(|edge| {
            let target = &self.code.blocks[edge.to];
            let memory: BTreeSet<VReg> = target
                .params
                .iter()
                .copied()
                .filter(|p| is_word(p) && self.entries.get(&edge.to).is_some_and(|entry| !entry.contains(p)))
                .collect();
            target.params.iter().zip(&edge.args).all(|(p, v)| p == v || !memory.contains(v))
        })
    }

    /// Makes what is in registers at a block's start so on every edge to it.
    fn edges(&mut self) {
        for at in self.flow.order.clone() {
            let End::Jump(edge) = &self.code.blocks[at].end else {
                // The targets have this block as their only predecessor, and began with what it left.
                continue;
            };
            let entry = self.entries[&edge.to].clone();
            let (held, kept) = self.exits[&at].clone();
            let params = &self.code.blocks[edge.to].params;
            let alive = self.flow.next_use[edge.to].keys().copied().filter(|v| !params.contains(v));
            let mut lines = Vec::new();
            let (inside, outside): (Vec<VReg>, Vec<VReg>) = alive.partition(|v| entry.contains(v));
            for value in outside {
                if !kept.contains(&value) {
                    self.store(value, &mut lines);
                }
            }
            for value in inside {
                if !held.contains(&value) {
                    self.reload(value, &mut lines);
                }
            }
            self.lines.entry(at).or_default().extend(lines);
        }
    }
}

/// Parameters that lie in memory are none any more.
fn drop_memory_params<I: Isa>(code: &mut Code<I, VReg>, entries: &BTreeMap<usize, BTreeSet<VReg>>) {
    let stays: Vec<Vec<bool>> = code
        .blocks
        .iter()
        .enumerate()
        .map(|(at, block)| {
            let stays =
                |p: &VReg| at == 0 || !is_word(p) || entries.get(&at).is_none_or(|entry| entry.contains(p));
            block.params.iter().map(stays).collect()
        })
        .collect();
    let keep = |values: &mut Vec<VReg>, stays: &[bool]| {
        let mut stays = stays.iter();
        values.retain(|_| *stays.next().expect("one for each"));
    };
    for (at, block) in code.blocks.iter_mut().enumerate() {
        keep(&mut block.params, &stays[at]);
        block.end.edges_mut().into_iter().for_each(|edge| keep(&mut edge.args, &stays[edge.to]));
    }
}
