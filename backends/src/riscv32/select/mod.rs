//! Instruction selection: functions of words to RISC-V instructions over virtual registers. Each block is covered from its
//! end to its start, so that an operation that its only user has absorbed is never emitted.

mod arithmetic;
mod compare;
mod float;
mod wide;

use super::code::{Block, Code, Edge, End, Line, Memory, What};
use super::flavor::Flavor;
use super::isa::{Extension, Inst, Op as Machine};
use crate::native::{self, Class, Function, Op, Value, Width};
use regalloc2::{RegClass, VReg};
use tinyc_ir::entity::Entity;

/// Selects instructions for a function.
pub(super) fn select(function: &Function, flavor: Flavor) -> (Code<VReg>, usize) {
    let mut selector = Selector::new(function, flavor);
    let mut blocks: Vec<Block<VReg>> = Vec::new();
    for (block, _) in function.blocks.iter().collect::<Vec<_>>().into_iter().rev() {
        blocks.push(selector.block(block));
    }
    blocks.reverse();
    (Code { name: function.name.clone(), blocks }, selector.vregs)
}

struct Selector<'a> {
    function: &'a Function,
    flavor: Flavor,
    definitions: Vec<Option<(native::Block, usize)>>,
    /// How often each value is used.
    uses: Vec<u32>,
    /// Values that emitted code reads.
    needed: Vec<bool>,
    /// The block that is covered.
    current: native::Block,
    /// Virtual registers made so far; the first ones are the values.
    vregs: usize,
    /// The lines of the instruction that is covered, in order.
    lines: Vec<Line<VReg>>,
}

impl<'a> Selector<'a> {
    fn new(function: &'a Function, flavor: Flavor) -> Self {
        Self {
            function,
            flavor,
            definitions: function.definitions(),
            uses: function.uses(),
            needed: vec![false; function.values.len()],
            current: native::Block::new(0),
            vregs: function.values.len(),
            lines: Vec::new(),
        }
    }

    fn block(&mut self, block: native::Block) -> Block<VReg> {
        let data = &self.function.blocks[block];
        self.current = block;
        // Groups of lines, from the block's end to its start.
        let mut groups = Vec::new();
        let end = self.end(&data.end);
        groups.push(std::mem::take(&mut self.lines));
        for inst in data.insts.iter().rev() {
            let effect = matches!(inst.op, Op::Store { .. } | Op::Call(_));
            if !(effect || inst.results.iter().any(|r| self.needed[r.index()])) {
                continue;
            }
            self.inst(inst);
            groups.push(std::mem::take(&mut self.lines));
        }
        if block.index() == 0 {
            let registers = self.flavor.arguments();
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

    fn inst(&mut self, inst: &native::Inst) {
        let [a, b] = [0, 1].map(|i| inst.args.get(i).copied().unwrap_or(Value::new(0)));
        match &inst.op {
            Op::Const(value) => {
                let d = self.result(inst.results[0]);
                self.push(What::Constant { d, value: *value, quiet: false });
            }
            Op::DataAddress(offset) => {
                let d = self.result(inst.results[0]);
                self.push(What::DataAddress { d, offset: *offset });
            }
            Op::Add | Op::Sub | Op::And | Op::Or | Op::Xor => {
                self.arithmetic(&inst.op, a, b, inst.results[0])
            }
            Op::Mul => self.plain(Machine::Mul, inst.results[0], a, b),
            Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned => {
                self.shift(&inst.op, a, b, inst.results[0]);
            }
            Op::Extend(width) => self.extend(*width, a, inst.results[0]),
            Op::CountLeadingZeros => {
                let (d, n) = (Some(self.result(inst.results[0])), self.operand(a));
                self.emit(Inst { d, n, ..Inst::new(Machine::Clz) });
            }
            Op::MulHighSigned => self.plain(Machine::Mulh, inst.results[0], a, b),
            Op::MulHighUnsigned => self.plain(Machine::Mulhu, inst.results[0], a, b),
            Op::MulLongSigned | Op::MulLongUnsigned => self.multiply_long(inst),
            Op::MulAddLongSigned | Op::MulAddLongUnsigned => self.multiply_add_long(inst),
            Op::DivSigned => self.divide(Machine::Div, a, b, inst.results[0]),
            Op::DivUnsigned => self.divide(Machine::Divu, a, b, inst.results[0]),
            Op::AddWide | Op::SubWide => self.add_wide(inst),
            Op::Compare(cond) => self.truth(*cond, a, b, inst.results[0]),
            Op::CompareWide(cond) => self.truth_wide(*cond, inst),
            Op::Select(cond) => self.choose(*cond, inst),
            Op::Load { width, offset, region } => {
                let (base, offset) = self.address(a, *offset);
                let op = match width {
                    Width::S8 => Machine::Lb,
                    Width::U8 => Machine::Lbu,
                    Width::S16 => Machine::Lh,
                    Width::U16 => Machine::Lhu,
                    Width::Word => Machine::Lw,
                    Width::Float => Machine::Flw,
                };
                let d = Some(self.result(inst.results[0]));
                let load = Inst { d, n: base, imm: offset, ..Inst::new(op) };
                self.push(Line { memory: memory(*region, false), ..Line::inst(load) });
            }
            Op::Store { width, offset, region } => {
                let m = if *width == Width::Float { Some(self.read(b)) } else { self.stored(*width, b) };
                let (base, offset) = self.address(a, *offset);
                let op = match width {
                    Width::S8 | Width::U8 => Machine::Sb,
                    Width::S16 | Width::U16 => Machine::Sh,
                    Width::Word => Machine::Sw,
                    Width::Float => Machine::Fsw,
                };
                let store = Inst { n: base, m, imm: offset, ..Inst::new(op) };
                self.push(Line { memory: memory(*region, true), ..Line::inst(store) });
            }
            Op::Call(callee) => self.call(callee, inst),
            _ => self.float(inst),
        }
    }

    /// A base and an offset from it: a sum with a number that nobody else needs goes into the offset.
    fn address(&mut self, base: Value, offset: i32) -> (Option<VReg>, i32) {
        if let Some(inst) = self.absorbable(base)
            && inst.op == Op::Add
            && let Some(more) = self.constant(inst.args[1])
            && let Some(sum) = offset.checked_add(more).filter(|&sum| is_short(sum))
        {
            return (self.operand(inst.args[0]), sum);
        }
        (self.operand(base), offset)
    }

    /// The register to store: an extension that the store's width makes void is left out.
    fn stored(&mut self, width: Width, value: Value) -> Option<VReg> {
        if let Some(inst) = self.absorbable(value)
            && let Op::Extend(extended) = inst.op
            && extended.bytes() >= width.bytes()
        {
            return self.operand(inst.args[0]);
        }
        self.operand(value)
    }

    fn call(&mut self, callee: &native::Callee, inst: &native::Inst) {
        let registers = self.flavor.arguments();
        for (index, &value) in inst.args.iter().enumerate().skip(registers) {
            let value = self.read(value);
            self.push(What::Outgoing { value, index: (index - registers) as u32 });
        }
        let args = inst.args.iter().take(registers).map(|&v| self.read(v)).collect();
        let results = inst.results.iter().map(|&v| self.result(v)).collect();
        self.push(What::Call { callee: callee.clone(), args, results });
    }

    /// The register of a value that is read.
    fn read(&mut self, value: Value) -> VReg {
        self.needed[value.index()] = true;
        self.result(value)
    }

    /// A value as an operand: 0 is x0.
    fn operand(&mut self, value: Value) -> Option<VReg> {
        if self.constant(value) == Some(0) { None } else { Some(self.read(value)) }
    }

    /// The register of a value.
    fn result(&self, value: Value) -> VReg {
        VReg::new(value.index(), class(self.function.values[value]))
    }

    /// A register for an intermediate word.
    fn temporary(&mut self) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs - 1, RegClass::Int)
    }

    /// Appends a line.
    fn push(&mut self, line: impl Into<Line<VReg>>) {
        self.lines.push(line.into());
    }

    /// Appends an instruction.
    fn emit(&mut self, inst: Inst<VReg>) {
        self.lines.push(Line::inst(inst));
    }

    /// Appends `d = n op m`.
    fn plain(&mut self, op: Machine, d: Value, a: Value, b: Value) {
        let (d, n, m) = (Some(self.result(d)), self.operand(a), self.operand(b));
        self.emit(Inst { d, n, m, ..Inst::new(op) });
    }

    /// Appends `n op m` into a register of its own.
    fn made(&mut self, op: Machine, n: Option<VReg>, m: Option<VReg>) -> Option<VReg> {
        let d = Some(self.temporary());
        self.emit(Inst { d, n, m, ..Inst::new(op) });
        d
    }

    /// Appends `n op imm` into a register of its own.
    fn made_by(&mut self, op: Machine, n: Option<VReg>, imm: i32) -> Option<VReg> {
        let d = Some(self.temporary());
        self.emit(Inst { d, n, imm, ..Inst::new(op) });
        d
    }

    /// The operation that defines a value, if it is in this block.
    fn definition(&self, value: Value) -> Option<&'a native::Inst> {
        let (block, at) = self.definitions[value.index()]?;
        (block == self.current).then(|| &self.function.blocks[block].insts[at])
    }

    /// The operation that defines a value, if it is in this block and nobody else wants the value.
    fn absorbable(&self, value: Value) -> Option<&'a native::Inst> {
        (self.uses[value.index()] == 1 && !self.needed[value.index()])
            .then(|| self.definition(value))
            .flatten()
    }

    /// The number that a value is.
    fn constant(&self, value: Value) -> Option<i32> {
        let (block, at) = self.definitions[value.index()]?;
        match self.function.blocks[block].insts[at].op {
            Op::Const(number) => Some(number),
            _ => None,
        }
    }

    fn has(&self, extension: Extension) -> bool {
        self.flavor.has(extension)
    }

    fn edge(&mut self, edge: &native::Edge) -> Edge<VReg> {
        let args = edge.args.iter().map(|&v| self.read(v)).collect();
        Edge { to: edge.to.index(), args, count: edge.count }
    }

    fn end(&mut self, end: &native::End) -> End<VReg> {
        match end {
            native::End::Jump(edge) => End::Jump(self.edge(edge)),
            native::End::Branch { cond, left, right, then, otherwise } => {
                let (then, otherwise) = (self.edge(then), self.edge(otherwise));
                let cond = self.test(*cond, *left, *right);
                End::Branch { cond, then, otherwise }
            }
            native::End::Return(values) => End::Return(values.iter().map(|&v| self.read(v)).collect()),
            native::End::Open => unreachable!("finished functions have no open blocks"),
        }
    }
}

fn class(class: Class) -> RegClass {
    match class {
        Class::Word => RegClass::Int,
        Class::Float => RegClass::Float,
    }
}

/// Whether a number fits the immediate of most instructions.
fn is_short(number: i32) -> bool {
    (-2048..2048).contains(&number)
}

/// The memory that an access touches.
fn memory(region: native::Region, store: bool) -> Option<Memory> {
    Some(Memory { region, store })
}
