//! Register allocation: hands a function to `regalloc2` and writes its answer back. Spill slots stay abstract; the frame
//! decides where they lie.

use super::code::{Block, Code, Edge, End, Line, Location, What};
use super::flavor::Flavor;
use super::isa::{Field, Inst, Reg};
use super::operands::{each_read, reads, writes};
use regalloc2::{
    Allocation, Edit, Function, Inst as Index, InstOrEdit, InstRange, MachineEnv, Operand, PReg, PRegSet,
    RegClass, VReg,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where the allocator's own slots begin; spilling before allocation uses the numbers below.
const ALLOCATOR_SLOTS: u32 = 1 << 16;

/// Gives every virtual register a place. `vregs` is their number; critical edges are split.
pub(super) fn allocate(code: Code<VReg>, vregs: usize, flavor: Flavor) -> Code<Reg> {
    let input = Input::new(&code, vregs);
    let options = regalloc2::RegallocOptions {
        verbose_log: false,
        validate_ssa: cfg!(debug_assertions),
        algorithm: regalloc2::Algorithm::Ion,
    };
    let output = regalloc2::run(&input, &environment(flavor), &options)
        .expect("selection makes functions in SSA form with few enough fixed registers");
    let blocks = code.blocks.iter().enumerate().map(|(at, block)| input.finish(at, block, &output)).collect();
    Code { name: code.name, blocks }
}

/// Puts an empty block on every edge from a block with several ways out to one with several ways in: moves need a place.
/// Where only one way leads in, the block's parameters become what that way brings.
pub(super) fn split_critical_edges(code: &mut Code<VReg>) {
    forward_params(code);
    let mut into = vec![0; code.blocks.len()];
    code.blocks.iter().flat_map(|block| block.end.edges()).for_each(|edge| into[edge.to] += 1);
    let mut made = Vec::new();
    let first = code.blocks.len();
    for at in 0..first {
        let depths: Vec<u32> = code.blocks.iter().map(|block| block.depth).collect();
        let block = &mut code.blocks[at];
        if block.end.edges().len() < 2 {
            continue;
        }
        for edge in block.end.edges_mut() {
            if into[edge.to] < 2 {
                continue;
            }
            let onward = edge.clone();
            *edge = Edge { to: first + made.len(), args: Vec::new(), count: onward.count };
            made.push(Block {
                params: Vec::new(),
                lines: Vec::new(),
                depth: depths[onward.to].min(depths[at]),
                count: onward.count,
                comment: String::new(),
                end: End::Jump(onward),
            });
        }
    }
    code.blocks.extend(made);
}

/// Whether allocation needed slots beyond those that spilling gave.
pub(super) fn allocator_spilled(code: &Code<Reg>) -> bool {
    let own = |place: &Location| matches!(place, Location::Slot(slot) if *slot >= ALLOCATOR_SLOTS);
    let lines = code.blocks.iter().flat_map(|block| &block.lines);
    lines.into_iter().any(|line| matches!(&line.what, What::Move { from, to } if own(from) || own(to)))
}

/// Takes the parameters from blocks to which one edge leads from a block with several: on it there is no place to spill them.
fn forward_params(code: &mut Code<VReg>) {
    let mut into = vec![0; code.blocks.len()];
    into[0] = 1;
    code.blocks.iter().flat_map(|block| block.end.edges()).for_each(|edge| into[edge.to] += 1);
    let mut names: BTreeMap<VReg, VReg> = BTreeMap::new();
    for at in 0..code.blocks.len() {
        if code.blocks[at].end.edges().len() < 2 {
            continue;
        }
        let mut found = Vec::new();
        for edge in code.blocks[at].end.edges_mut() {
            if into[edge.to] == 1 {
                found.push((edge.to, std::mem::take(&mut edge.args)));
            }
        }
        for (to, args) in found {
            names.extend(code.blocks[to].params.drain(..).zip(args));
        }
    }
    let rename = |value: &mut VReg| {
        while let Some(name) = names.get(value) {
            *value = *name;
        }
    };
    for block in &mut code.blocks {
        block.lines.iter_mut().for_each(|line| each_read(line, &mut |value| rename(value)));
        block.end.edges_mut().into_iter().flat_map(|edge| &mut edge.args).for_each(rename);
        if let End::Return(values) = &mut block.end {
            values.iter_mut().for_each(rename);
        }
    }
}

/// The registers in the order of preference.
fn environment(flavor: Flavor) -> MachineEnv {
    let int = |numbers: &[usize]| {
        numbers.iter().fold(PRegSet::empty(), |set, &n| set.with(PReg::new(n, RegClass::Int)))
    };
    let float = |numbers: std::ops::Range<usize>| {
        numbers.fold(PRegSet::empty(), |set, n| set.with(PReg::new(n, RegClass::Float)))
    };
    let high: &[usize] = if flavor.thumb2 { &[8, 9, 10, 11, 12, 14] } else { &[] };
    let (low_floats, high_floats) =
        if flavor.float { (float(0..16), float(16..32)) } else { Default::default() };
    MachineEnv {
        preferred_regs_by_class: [int(&[0, 1, 2, 3, 4, 5, 6, 7]), low_floats, PRegSet::empty()],
        non_preferred_regs_by_class: [int(high), high_floats, PRegSet::empty()],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}

/// The function as the allocator sees it.
struct Input {
    ranges: Vec<InstRange>,
    successors: Vec<Vec<regalloc2::Block>>,
    predecessors: Vec<Vec<regalloc2::Block>>,
    params: Vec<Vec<VReg>>,
    /// Arguments of each edge of each block.
    arguments: Vec<Vec<Vec<VReg>>>,
    operands: Vec<Vec<Operand>>,
    clobbers: Vec<PRegSet>,
    /// The last instructions of blocks: branches and returns.
    branches: BTreeSet<usize>,
    returns: BTreeSet<usize>,
    vregs: usize,
}

impl Input {
    fn new(code: &Code<VReg>, vregs: usize) -> Self {
        let mut input = Self {
            ranges: Vec::new(),
            successors: Vec::new(),
            predecessors: vec![Vec::new(); code.blocks.len()],
            params: Vec::new(),
            arguments: Vec::new(),
            operands: Vec::new(),
            clobbers: Vec::new(),
            branches: BTreeSet::new(),
            returns: BTreeSet::new(),
            vregs,
        };
        for (at, block) in code.blocks.iter().enumerate() {
            let start = input.operands.len();
            if at == 0 {
                // The arguments arrive; those beyond the fourth are loaded.
                let arrive = block.params.iter().take(4).enumerate();
                input.push(arrive.map(|(n, &v)| Operand::reg_fixed_def(v, core(n))).collect());
            }
            for line in &block.lines {
                input.push(operands(line));
                if matches!(line.what, What::Call { .. }) {
                    let clobbers = clobbers(line);
                    *input.clobbers.last_mut().expect("just pushed") = clobbers;
                }
            }
            match &block.end {
                End::Return(values) => {
                    input.returns.insert(input.operands.len());
                    input.push(
                        values.iter().enumerate().map(|(n, &v)| Operand::reg_fixed_use(v, core(n))).collect(),
                    );
                }
                _ => {
                    input.branches.insert(input.operands.len());
                    input.push(Vec::new());
                }
            }
            input.ranges.push(InstRange::new(Index::new(start), Index::new(input.operands.len())));
            let edges = block.end.edges();
            for edge in &edges {
                input.predecessors[edge.to].push(regalloc2::Block::new(at));
            }
            input.successors.push(edges.iter().map(|edge| regalloc2::Block::new(edge.to)).collect());
            input.arguments.push(edges.iter().map(|edge| edge.args.clone()).collect());
            input.params.push(if at == 0 { Vec::new() } else { block.params.clone() });
        }
        input
    }

    fn push(&mut self, operands: Vec<Operand>) {
        self.operands.push(operands);
        self.clobbers.push(PRegSet::empty());
    }

    /// A block with registers, the allocator's moves among its lines.
    fn finish(&self, at: usize, block: &Block<VReg>, output: &regalloc2::Output) -> Block<Reg> {
        let first = self.ranges[at].first().index() + usize::from(at == 0);
        let mut lines = Vec::new();
        for item in output.block_insts_and_edits(self, regalloc2::Block::new(at)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => {
                    lines.push(What::Move { from: location(*from), to: location(*to) }.into());
                }
                InstOrEdit::Inst(index) => {
                    let Some(line) = index.index().checked_sub(first).and_then(|i| block.lines.get(i)) else {
                        continue;
                    };
                    lines.push(rewrite(line, output.inst_allocs(index)));
                }
            }
        }
        let edge = |edge: &Edge<VReg>| Edge { to: edge.to, args: Vec::new(), count: edge.count };
        let end = match &block.end {
            End::Jump(onward) => End::Jump(edge(onward)),
            End::Branch { cond, then, otherwise } => {
                End::Branch { cond: *cond, then: edge(then), otherwise: edge(otherwise) }
            }
            End::Return(_) => End::Return(Vec::new()),
        };
        Block {
            params: Vec::new(),
            lines,
            end,
            depth: block.depth,
            count: block.count,
            comment: block.comment.clone(),
        }
    }
}

impl Function for Input {
    fn num_insts(&self) -> usize {
        self.operands.len()
    }
    fn num_blocks(&self) -> usize {
        self.ranges.len()
    }
    fn entry_block(&self) -> regalloc2::Block {
        regalloc2::Block::new(0)
    }
    fn block_insns(&self, block: regalloc2::Block) -> InstRange {
        self.ranges[block.index()]
    }
    fn block_succs(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.successors[block.index()]
    }
    fn block_preds(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.predecessors[block.index()]
    }
    fn block_params(&self, block: regalloc2::Block) -> &[VReg] {
        &self.params[block.index()]
    }
    fn is_ret(&self, inst: Index) -> bool {
        self.returns.contains(&inst.index())
    }
    fn is_branch(&self, inst: Index) -> bool {
        self.branches.contains(&inst.index())
    }
    fn branch_blockparams(&self, block: regalloc2::Block, _: Index, successor: usize) -> &[VReg] {
        &self.arguments[block.index()][successor]
    }
    fn inst_operands(&self, inst: Index) -> &[Operand] {
        &self.operands[inst.index()]
    }
    fn inst_clobbers(&self, inst: Index) -> PRegSet {
        self.clobbers[inst.index()]
    }
    fn num_vregs(&self) -> usize {
        self.vregs
    }
    fn spillslot_size(&self, _: RegClass) -> usize {
        1
    }
}

fn core(number: usize) -> PReg {
    PReg::new(number, RegClass::Int)
}

/// What a call destroys beside its results: the registers that a function need not keep.
fn clobbers(line: &Line<VReg>) -> PRegSet {
    let What::Call { results, .. } = &line.what else { return PRegSet::empty() };
    let words = (results.len()..4).chain([12, 14]).map(core);
    let floats = (0..16).map(|n| PReg::new(n, RegClass::Float));
    words.chain(floats).fold(PRegSet::empty(), PRegSet::with)
}

/// The operands of a line, in the order in which [`rewrite`] takes them: uses, then definitions.
fn operands(line: &Line<VReg>) -> Vec<Operand> {
    let mut found = Vec::new();
    match &line.what {
        What::Inst(inst) => {
            let mut n_at = None;
            for (field, value) in reads(inst) {
                if field == Field::N {
                    n_at = Some(found.len());
                }
                found.push(Operand::reg_use(value));
            }
            let first = found.len();
            found.extend(line.was.iter().map(|&(_, value)| Operand::reg_use(value)));
            for (field, value) in writes(inst) {
                let changed = line.was.iter().position(|(changed, _)| *changed == field);
                found.push(match (changed, n_at) {
                    (Some(at), _) => Operand::reg_reuse_def(value, first + at),
                    (None, Some(at)) if line.two_address => Operand::reg_reuse_def(value, at),
                    // The second result must not take the register of an operand that the first one still needs.
                    _ => Operand::reg_def(value),
                });
            }
        }
        What::Constant { d, .. }
        | What::DataAddress { d, .. }
        | What::Incoming { d, .. }
        | What::Reload { d, .. } => {
            found.push(Operand::reg_def(*d));
        }
        What::Choose { d, then, .. } => {
            found.push(Operand::reg_use(line.was[0].1));
            found.push(Operand::reg_use(*then));
            found.push(Operand::reg_reuse_def(*d, 0));
        }
        What::Call { args, results, .. } => {
            found.extend(args.iter().enumerate().map(|(n, &v)| Operand::reg_fixed_use(v, core(n))));
            found.extend(results.iter().enumerate().map(|(n, &v)| Operand::reg_fixed_def(v, core(n))));
        }
        What::Outgoing { value, .. } | What::Spill { value, .. } => found.push(Operand::reg_use(*value)),
        What::Move { .. } => {}
    }
    found
}

/// The line with the registers that the allocator chose.
fn rewrite(line: &Line<VReg>, allocations: &[Allocation]) -> Line<Reg> {
    let mut allocations =
        allocations.iter().map(|a| register(a.as_reg().expect("every operand asks for one")));
    let mut next = || allocations.next().expect("one allocation per operand");
    let what = match &line.what {
        What::Inst(inst) => {
            let mut chosen = Inst { d: None, n: None, m: None, a: None, ..renamed(inst) };
            let read: Vec<Field> = reads(inst).map(|(field, _)| field).collect();
            for field in read {
                set(&mut chosen, field, next());
            }
            for _ in &line.was {
                next();
            }
            let written: Vec<Field> = writes(inst).map(|(field, _)| field).collect();
            for field in written {
                set(&mut chosen, field, next());
            }
            debug_assert!(!line.two_address || chosen.d == chosen.n);
            What::Inst(chosen)
        }
        What::Constant { value, quiet, .. } => What::Constant { d: next(), value: *value, quiet: *quiet },
        What::DataAddress { offset, .. } => What::DataAddress { d: next(), offset: *offset },
        What::Incoming { index, .. } => What::Incoming { d: next(), index: *index },
        What::Choose { cond, .. } => {
            next();
            let then = next();
            What::Choose { d: next(), then, cond: *cond }
        }
        What::Call { callee, args, results } => What::Call {
            callee: callee.clone(),
            args: args.iter().map(|_| next()).collect(),
            results: results.iter().map(|_| next()).collect(),
        },
        What::Outgoing { index, .. } => What::Outgoing { value: next(), index: *index },
        What::Spill { slot, .. } => What::Move { from: Location::Reg(next()), to: Location::Slot(*slot) },
        What::Reload { slot, .. } => What::Move { from: Location::Slot(*slot), to: Location::Reg(next()) },
        What::Move { from, to } => What::Move { from: *from, to: *to },
    };
    Line { what, was: Vec::new(), two_address: false, memory: line.memory }
}

/// The instruction without registers.
fn renamed(inst: &Inst<VReg>) -> Inst<Reg> {
    Inst {
        imm: inst.imm,
        shift: inst.shift,
        cond: inst.cond,
        s: inst.s,
        wide: inst.wide,
        ..Inst::new(inst.op)
    }
}

fn set(inst: &mut Inst<Reg>, field: Field, reg: Reg) {
    match field {
        Field::D => inst.d = Some(reg),
        Field::N => inst.n = Some(reg),
        Field::M => inst.m = Some(reg),
        Field::A => inst.a = Some(reg),
    }
}

fn register(reg: PReg) -> Reg {
    let number = reg.hw_enc() as u8;
    if reg.class() == RegClass::Float { Reg::s(number) } else { Reg::r(number) }
}

fn location(allocation: Allocation) -> Location {
    match (allocation.as_reg(), allocation.as_stack()) {
        (Some(reg), _) => Location::Reg(register(reg)),
        // Numbers behind those that spilling gave.
        (None, Some(slot)) => Location::Slot(ALLOCATOR_SLOTS + slot.index() as u32),
        (None, None) => unreachable!("moves have two ends"),
    }
}
