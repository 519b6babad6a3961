//! The frame of instruction selection: functions of words to machine instructions over virtual registers. Each block is
//! covered from its end to its start, so that an operation that its only user has absorbed is never emitted. What covers an
//! operation is a backend's: [`Select`].

use super::code::{Block, Code, Edge, End, Line, Memory, What};
use super::isa::Isa;
use crate::native::{self, Class, Function, Op, Value};
use regalloc2::{RegClass, VReg};
use tinyc_ir::entity::Entity;

/// An instruction set with its choice of instructions.
pub(crate) trait Select: Isa {
    /// What the choice depends on beyond the operations.
    type Flavor: Copy;

    /// How many arguments are in registers.
    fn arguments(flavor: Self::Flavor) -> usize;

    /// Appends the instructions of an operation.
    fn inst(selector: &mut Selector<'_, Self>, inst: &native::Inst);

    /// Appends what a test at the end of a block needs, and says what the branch tests.
    fn test(
        selector: &mut Selector<'_, Self>,
        cond: native::Cond,
        left: Value,
        right: Value,
    ) -> Self::Test<VReg>;
}

/// Selects instructions for a function; and how many virtual registers they use.
pub(crate) fn select<I: Select>(function: &Function, flavor: I::Flavor) -> (Code<I, VReg>, usize) {
    let mut selector = Selector::new(function, flavor);
    let mut blocks: Vec<Block<I, VReg>> = Vec::new();
    for (block, _) in function.blocks.iter().rev() {
        blocks.push(selector.block(block));
    }
    blocks.reverse();
    (Code { name: function.name.clone(), blocks }, selector.vregs)
}

/// A function while it is covered.
pub(crate) struct Selector<'a, I: Select> {
    function: &'a Function,
    /// What the choice depends on.
    pub(crate) flavor: I::Flavor,
    definitions: Vec<Option<(native::Block, usize)>>,
    /// How often each value is used.
    uses: Vec<u32>,
    /// Values that emitted code reads.
    needed: Vec<bool>,
    /// The block that is covered.
    current: native::Block,
    /// Operations of the block that are covered already, out of order.
    done: Vec<bool>,
    /// Virtual registers made so far; the first ones are the values.
    vregs: usize,
    /// The lines of the operation that is covered, in order.
    lines: Vec<Line<I, VReg>>,
}

impl<'a, I: Select> Selector<'a, I> {
    fn new(function: &'a Function, flavor: I::Flavor) -> Self {
        Self {
            function,
            flavor,
            definitions: function.definitions(),
            uses: function.uses(),
            needed: vec![false; function.values.len()],
            current: native::Block::new(0),
            done: Vec::new(),
            vregs: function.values.len(),
            lines: Vec::new(),
        }
    }

    fn block(&mut self, block: native::Block) -> Block<I, VReg> {
        let data = &self.function.blocks[block];
        self.current = block;
        self.done = vec![false; data.insts.len()];
        // Groups of lines, from the block's end to its start.
        let mut groups = Vec::new();
        let end = self.end(&data.end);
        groups.push(std::mem::take(&mut self.lines));
        for at in (0..data.insts.len()).rev() {
            let inst = &data.insts[at];
            let effect = matches!(inst.op, Op::Store { .. } | Op::Call(_));
            if self.done[at] || !(effect || inst.results.iter().any(|r| self.needed[r.index()])) {
                continue;
            }
            self.inst(inst);
            groups.push(std::mem::take(&mut self.lines));
        }
        if block.index() == 0 {
            let registers = I::arguments(self.flavor);
            for (at, &param) in data.params.iter().enumerate().skip(registers).rev() {
                let d = self.result(param);
                groups.push(vec![What::Incoming { d, index: (at - registers) as u32 }.into()]);
            }
        }
        groups.reverse();
        Block {
            params: data.params.iter().map(|&p| self.result(p)).collect(),
            lines: groups.concat(),
            end,
            depth: data.depth,
            count: data.count,
            comment: data.comment.clone(),
        }
    }

    /// What is the same on all machines; the rest is the backend's.
    fn inst(&mut self, inst: &native::Inst) {
        match &inst.op {
            Op::Const(value) => {
                let d = self.result(inst.results[0]);
                self.push(What::Constant { d, value: *value, quiet: false });
            }
            Op::DataAddress(offset) => {
                let d = self.result(inst.results[0]);
                self.push(What::DataAddress { d, offset: *offset });
            }
            Op::Call(callee) => self.call(callee, inst),
            _ => I::inst(self, inst),
        }
    }

    fn call(&mut self, callee: &native::Callee, inst: &native::Inst) {
        let registers = I::arguments(self.flavor);
        for (index, &value) in inst.args.iter().enumerate().skip(registers) {
            let value = self.read(value);
            self.push(What::Outgoing { value, index: (index - registers) as u32 });
        }
        let args = inst.args.iter().take(registers).map(|&v| self.read(v)).collect();
        let results = inst.results.iter().map(|&v| self.result(v)).collect();
        self.push(What::Call { callee: callee.clone(), args, results });
    }

    fn edge(&mut self, edge: &native::Edge) -> Edge<VReg> {
        let args = edge.args.iter().map(|&v| self.read(v)).collect();
        Edge { to: edge.to.index(), args, count: edge.count }
    }

    fn end(&mut self, end: &native::End) -> End<I, VReg> {
        match end {
            native::End::Jump(edge) => End::Jump(self.edge(edge)),
            native::End::Branch { cond, left, right, then, otherwise } => {
                let (then, otherwise) = (self.edge(then), self.edge(otherwise));
                let cond = I::test(self, *cond, *left, *right);
                End::Branch { cond, then, otherwise }
            }
            native::End::Return(values) => End::Return(values.iter().map(|&v| self.read(v)).collect()),
            native::End::Open => unreachable!("finished functions have no open blocks"),
        }
    }

    /// The register of a value that is read.
    pub(crate) fn read(&mut self, value: Value) -> VReg {
        self.needed[value.index()] = true;
        self.result(value)
    }

    /// The register of a value.
    pub(crate) fn result(&self, value: Value) -> VReg {
        let class = match self.function.values[value] {
            Class::Word => RegClass::Int,
            Class::Float => RegClass::Float,
        };
        VReg::new(value.index(), class)
    }

    /// A register for an intermediate word.
    pub(crate) fn temporary(&mut self) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs - 1, RegClass::Int)
    }

    /// Appends a line.
    pub(crate) fn push(&mut self, line: impl Into<Line<I, VReg>>) {
        self.lines.push(line.into());
    }

    /// Appends an instruction.
    pub(crate) fn emit(&mut self, inst: I::Inst<VReg>) {
        self.lines.push(Line::inst(inst));
    }

    /// Appends a load or a store.
    pub(crate) fn emit_access(&mut self, inst: I::Inst<VReg>, region: native::Region, store: bool) {
        self.push(Line { memory: Some(Memory { region, store }), ..Line::inst(inst) });
    }

    /// The operation that defines a value, if it is in this block.
    pub(crate) fn definition(&self, value: Value) -> Option<&'a native::Inst> {
        let (block, at) = self.definitions[value.index()]?;
        (block == self.current).then(|| &self.function.blocks[block].insts[at])
    }

    /// The operation that defines a value, if it is in this block and nobody else wants the value.
    pub(crate) fn absorbable(&self, value: Value) -> Option<&'a native::Inst> {
        (self.uses[value.index()] == 1 && !self.needed[value.index()])
            .then(|| self.definition(value))
            .flatten()
    }

    /// The number that a value is.
    pub(crate) fn constant(&self, value: Value) -> Option<i32> {
        let (block, at) = self.definitions[value.index()]?;
        match self.function.blocks[block].insts[at].op {
            Op::Const(number) => Some(number),
            _ => None,
        }
    }

    /// The operation of this block that defines a value which only the block's end reads, as covered by the end; unless
    /// `wanted` says no.
    pub(crate) fn take_for_end(
        &mut self,
        value: Value,
        wanted: impl Fn(&Self, &native::Inst) -> bool,
    ) -> Option<&'a native::Inst> {
        let (block, at) = self.definitions[value.index()].filter(|(block, _)| *block == self.current)?;
        let insts = &self.function.blocks[block].insts;
        if self.done[at] || insts.iter().any(|inst| inst.args.contains(&value)) || !wanted(self, &insts[at]) {
            return None;
        }
        self.done[at] = true;
        Some(&insts[at])
    }
}
