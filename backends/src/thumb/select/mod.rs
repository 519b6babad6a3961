//! Instruction selection: functions of words to Thumb instructions over virtual registers. Each block is covered from its
//! end to its start, so that an operation that its only user has absorbed is never emitted.

mod arithmetic;
mod branch;
mod float;
mod memory;
mod packed;

use super::code::{Block, Code, Edge, End, Line, Memory, What};
use super::flavor::Flavor;
use super::isa::{Field, Inst, Op as Machine, Shift, modified_immediate};
use crate::native::{self, Class, Function, Op, Value};
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
    /// Instructions of the block that are emitted already, out of order.
    done: Vec<bool>,
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
            done: Vec::new(),
            vregs: function.values.len(),
            lines: Vec::new(),
        }
    }

    fn block(&mut self, block: native::Block) -> Block<VReg> {
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
            for (at, &param) in data.params.iter().enumerate().skip(4).rev() {
                let d = self.result(param);
                groups.push(vec![What::Incoming { d, index: at as u32 - 4 }.into()]);
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
            Op::Mul => self.multiply(a, b, inst.results[0]),
            Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned => {
                self.shift(&inst.op, a, b, inst.results[0]);
            }
            Op::Extend(width) => self.extend(*width, a, inst.results[0]),
            Op::CountLeadingZeros => self.plain(Machine::Clz, inst.results[0], &[(Field::M, a)]),
            Op::MulHighSigned if self.flavor.dsp => {
                self.plain(Machine::Smmul, inst.results[0], &[(Field::N, a), (Field::M, b)]);
            }
            Op::MulHighSigned | Op::MulHighUnsigned | Op::MulLongSigned | Op::MulLongUnsigned => {
                self.multiply_long(inst)
            }
            Op::MulAddLongSigned | Op::MulAddLongUnsigned => self.multiply_add_long(inst),
            Op::DivSigned => self.plain(Machine::Sdiv, inst.results[0], &[(Field::N, a), (Field::M, b)]),
            Op::DivUnsigned => self.plain(Machine::Udiv, inst.results[0], &[(Field::N, a), (Field::M, b)]),
            Op::AddWide | Op::SubWide => self.wide(inst),
            Op::Compare(_) | Op::CompareWide(_) | Op::FloatCompare(_) => self.truth(inst),
            Op::Select(cond) => self.choose(*cond, inst),
            Op::Packed(op) => self.packed(*op, inst),
            Op::Load { .. } | Op::Store { .. } => self.memory(inst),
            Op::Call(callee) => self.call(callee, inst),
            _ => self.float(inst),
        }
    }

    fn call(&mut self, callee: &native::Callee, inst: &native::Inst) {
        for (index, &value) in inst.args.iter().enumerate().skip(4) {
            let value = self.read(value);
            self.push(What::Outgoing { value, index: index as u32 - 4 });
        }
        let args = inst.args.iter().take(4).map(|&v| self.read(v)).collect();
        let results = inst.results.iter().map(|&v| self.result(v)).collect();
        self.push(What::Call { callee: callee.clone(), args, results });
    }

    /// The register of a value that is read.
    fn read(&mut self, value: Value) -> VReg {
        self.needed[value.index()] = true;
        self.result(value)
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

    /// A register that holds a number, set right here.
    fn number(&mut self, value: i32) -> VReg {
        let d = self.temporary();
        self.push(What::Constant { d, value, quiet: false });
        d
    }

    /// Appends a line.
    fn push(&mut self, line: impl Into<Line<VReg>>) {
        self.lines.push(line.into());
    }

    /// Appends an instruction.
    fn emit(&mut self, inst: Inst<VReg>) {
        self.lines.push(Line::inst(inst));
    }

    /// Appends an instruction of registers only.
    fn plain(&mut self, op: Machine, d: Value, operands: &[(Field, Value)]) {
        let mut inst = Inst { d: Some(self.result(d)), ..Inst::new(op) };
        for &(field, value) in operands {
            let value = Some(self.read(value));
            match field {
                Field::D => inst.d = value,
                Field::N => inst.n = value,
                Field::M => inst.m = value,
                Field::A => inst.a = value,
            }
        }
        self.emit(inst);
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

    fn edge(&mut self, edge: &native::Edge) -> Edge<VReg> {
        let args = edge.args.iter().map(|&v| self.read(v)).collect();
        Edge { to: edge.to.index(), args, count: edge.count }
    }

    /// A value as the second operand: shifted for free, where only this user needs the shift.
    fn shifted(&mut self, value: Value) -> (VReg, Shift) {
        if self.flavor.thumb2
            && let Some(inst) = self.absorbable(value)
            && let Some(amount) = inst.args.get(1).and_then(|&v| self.constant(v))
            && let amount @ 1..=31 = amount
        {
            let amount = amount as u8;
            let shift = match inst.op {
                Op::ShiftLeft => Some(Shift::Lsl(amount)),
                Op::ShiftRight => Some(Shift::Lsr(amount)),
                Op::ShiftRightSigned => Some(Shift::Asr(amount)),
                _ => None,
            };
            if let Some(shift) = shift {
                return (self.read(inst.args[0]), shift);
            }
        }
        (self.read(value), Shift::NONE)
    }
}

fn class(class: Class) -> RegClass {
    match class {
        Class::Word => RegClass::Int,
        Class::Float => RegClass::Float,
    }
}

/// Whether a number is a modified immediate of Thumb-2.
fn modified(number: i32) -> bool {
    modified_immediate(number as u32).is_some()
}

/// The memory that an access touches.
fn memory(region: native::Region, store: bool) -> Option<Memory> {
    Some(Memory { region, store })
}

/// The end of a block.
impl Selector<'_> {
    fn end(&mut self, end: &native::End) -> End<VReg> {
        match end {
            native::End::Jump(edge) => End::Jump(self.edge(edge)),
            native::End::Branch { cond, left, right, then, otherwise } => {
                let (then, otherwise) = (self.edge(then), self.edge(otherwise));
                let cond = self.branch(*cond, *left, *right);
                End::Branch { cond, then, otherwise }
            }
            native::End::Return(values) => End::Return(values.iter().map(|&v| self.read(v)).collect()),
            native::End::Open => unreachable!("finished functions have no open blocks"),
        }
    }
}
