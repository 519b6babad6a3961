//! Register allocation: hands a function to `regalloc2` and writes its answer back. Spill slots stay abstract; the frame
//! decides where they lie.

use super::code::{Block, Code, Edge, End, Line, Location, What};
use super::isa::{Convention, Field, Isa};
use super::operands::{each_read, reads, writes};
use regalloc2::{
    Allocation, Edit, Function, Inst as Index, InstOrEdit, InstRange, Operand, PRegSet, RegClass, VReg,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where the allocator's own slots begin; spilling before allocation uses the numbers below.
const ALLOCATOR_SLOTS: u32 = 1 << 16;

/// Gives every virtual register a place. `vregs` is their number; critical edges are split.
pub(crate) fn allocate<I: Isa>(
    code: Code<I, VReg>,
    vregs: usize,
    convention: &Convention,
) -> Code<I, I::Reg> {
    let input = Input::new(&code, vregs, convention);
    let options = regalloc2::RegallocOptions {
        verbose_log: false,
        validate_ssa: cfg!(debug_assertions),
        algorithm: regalloc2::Algorithm::Ion,
    };
    let output = regalloc2::run(&input, &convention.environment, &options)
        .expect("selection makes functions in SSA form with few enough fixed registers");
    let blocks = code.blocks.iter().enumerate().map(|(at, block)| input.finish(at, block, &output)).collect();
    Code { name: code.name, blocks }
}

/// Puts an empty block on every edge from a block with several ways out to one with several ways in: moves need a place.
/// Where only one way leads in, the block's parameters become what that way brings.
pub(crate) fn split_critical_edges<I: Isa>(code: &mut Code<I, VReg>) {
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
pub(crate) fn allocator_spilled<I: Isa>(code: &Code<I, I::Reg>) -> bool {
    let own = |place: &Location<I>| matches!(place, Location::Slot(slot) if *slot >= ALLOCATOR_SLOTS);
    let lines = code.blocks.iter().flat_map(|block| &block.lines);
    lines.into_iter().any(|line| matches!(&line.what, What::Move { from, to } if own(from) || own(to)))
}

/// Takes the parameters from blocks to which one edge leads from a block with several: on it there is no place to spill them.
fn forward_params<I: Isa>(code: &mut Code<I, VReg>) {
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
        block.end.each_read(&mut |value| rename(value));
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
    fn new<I: Isa>(code: &Code<I, VReg>, vregs: usize, convention: &Convention) -> Self {
        let registers = &convention.arguments;
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
                // The arguments arrive; those beyond the registers are loaded.
                let arrive = block.params.iter().zip(registers);
                input.push(arrive.map(|(&v, &reg)| Operand::reg_fixed_def(v, reg)).collect());
            }
            for line in &block.lines {
                input.push(operands(line, convention));
                if let What::Call { results, .. } = &line.what {
                    // What a call destroys beside its results.
                    let mut clobbers = convention.clobbers;
                    registers.iter().take(results.len()).for_each(|&reg| clobbers.remove(reg));
                    *input.clobbers.last_mut().expect("just pushed") = clobbers;
                }
            }
            match &block.end {
                End::Return(values) => {
                    input.returns.insert(input.operands.len());
                    let leave = values.iter().zip(registers);
                    input.push(leave.map(|(&v, &reg)| Operand::reg_fixed_use(v, reg)).collect());
                }
                end => {
                    input.branches.insert(input.operands.len());
                    input.push(tested(end).into_iter().map(Operand::reg_use).collect());
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
    fn finish<I: Isa>(
        &self,
        at: usize,
        block: &Block<I, VReg>,
        output: &regalloc2::Output,
    ) -> Block<I, I::Reg> {
        let first = self.ranges[at].first().index() + usize::from(at == 0);
        let mut lines = Vec::new();
        for item in output.block_insts_and_edits(self, regalloc2::Block::new(at)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => {
                    lines.push(What::Move { from: location::<I>(*from), to: location::<I>(*to) }.into());
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
                let last = self.ranges[at].last();
                let mut allocations = output.inst_allocs(last).iter();
                let cond = I::tested(cond, &mut || register::<I>(allocations.next()));
                End::Branch { cond, then: edge(then), otherwise: edge(otherwise) }
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

/// What the end of a block tests.
fn tested<I: Isa>(end: &End<I, VReg>) -> Vec<VReg> {
    let mut found = Vec::new();
    if let End::Branch { cond, .. } = end {
        I::each_tested(&mut cond.clone(), &mut |value| found.push(*value));
    }
    found
}

/// The operands of a line, in the order in which [`rewrite`] takes them: uses, then definitions.
fn operands<I: Isa>(line: &Line<I, VReg>, convention: &Convention) -> Vec<Operand> {
    let registers = &convention.arguments;
    let mut found = Vec::new();
    match &line.what {
        What::Inst(inst) => {
            let mut n_at = None;
            for (field, value) in reads::<I, VReg>(inst) {
                if field == Field::N {
                    n_at = Some(found.len());
                }
                found.push(Operand::reg_use(value));
            }
            let first = found.len();
            found.extend(line.was.iter().map(|&(_, value)| Operand::reg_use(value)));
            for (field, value) in writes::<I, VReg>(inst) {
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
        What::Choose { d, then, cond } => {
            found.push(Operand::reg_use(line.was[0].1));
            found.push(Operand::reg_use(*then));
            I::each_tested(&mut cond.clone(), &mut |value| found.push(Operand::reg_use(*value)));
            found.push(Operand::reg_reuse_def(*d, 0));
        }
        What::Call { args, results, .. } => {
            found.extend(args.iter().zip(registers).map(|(&v, &reg)| Operand::reg_fixed_use(v, reg)));
            found.extend(results.iter().zip(registers).map(|(&v, &reg)| Operand::reg_fixed_def(v, reg)));
        }
        What::Outgoing { value, .. } | What::Spill { value, .. } => found.push(Operand::reg_use(*value)),
        What::Move { .. } => {}
    }
    found
}

/// The line with the registers that the allocator chose.
fn rewrite<I: Isa>(line: &Line<I, VReg>, allocations: &[Allocation]) -> Line<I, I::Reg> {
    let mut allocations = allocations.iter();
    let mut next = || register::<I>(allocations.next());
    let what = match &line.what {
        What::Inst(inst) => {
            let mut registers = Vec::new();
            reads::<I, VReg>(inst).for_each(|(field, _)| registers.push((field, next())));
            for _ in &line.was {
                next();
            }
            writes::<I, VReg>(inst).for_each(|(field, _)| registers.push((field, next())));
            What::Inst(I::with_registers(inst, &registers))
        }
        What::Constant { value, quiet, .. } => What::Constant { d: next(), value: *value, quiet: *quiet },
        What::DataAddress { offset, .. } => What::DataAddress { d: next(), offset: *offset },
        What::Incoming { index, .. } => What::Incoming { d: next(), index: *index },
        What::Choose { cond, .. } => {
            next();
            let then = next();
            let cond = I::tested(cond, &mut next);
            What::Choose { d: next(), then, cond }
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

/// The register of an operand.
fn register<I: Isa>(allocation: Option<&Allocation>) -> I::Reg {
    let reg = allocation.and_then(|a| a.as_reg());
    I::register(reg.expect("one allocation per operand, and every operand asks for a register"))
}

fn location<I: Isa>(allocation: Allocation) -> Location<I> {
    match (allocation.as_reg(), allocation.as_stack()) {
        (Some(reg), _) => Location::Reg(I::register(reg)),
        // Numbers behind those that spilling gave.
        (None, Some(slot)) => Location::Slot(ALLOCATOR_SLOTS + slot.index() as u32),
        (None, None) => unreachable!("moves have two ends"),
    }
}
