//! Writes a [`Function`] block by block. Folds constants and shares equal pure operations inside a block; nothing else.

use super::function::*;
use tinyc_ir::entity::Entity;

/// A function under construction.
pub struct Builder {
    function: Function,
    current: Block,
    /// The constant that a value is, if it is one.
    constants: Vec<Option<i32>>,
}

impl Builder {
    /// A function with an open entry block that has these parameters.
    pub fn new(name: impl Into<String>, comment: impl Into<String>, params: &[Class]) -> (Self, Vec<Value>) {
        let function = Function { name: name.into(), comment: comment.into(), ..Function::default() };
        let mut builder = Self { function, current: Block::new(0), constants: Vec::new() };
        let (entry, values) = builder.block(params, 0, Count { times: 1, varies: false });
        builder.switch_to(entry);
        (builder, values)
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        debug_assert!(self.function.blocks.values().all(|b| b.end != End::Open), "every block is closed");
        self.function
    }

    /// A new open block, laid out after all made so far, with parameters of these classes. Does not switch to it.
    pub fn block(&mut self, params: &[Class], depth: u32, count: Count) -> (Block, Vec<Value>) {
        let params: Vec<Value> = params.iter().map(|&class| self.value(class)).collect();
        let data = BlockData { params: params.clone(), insts: Vec::new(), end: End::Open, depth, count };
        (self.function.blocks.push(data), params)
    }

    /// Writes to this block from now on.
    pub fn switch_to(&mut self, block: Block) {
        self.current = block;
    }

    /// The block that is written to.
    pub fn current(&self) -> Block {
        self.current
    }

    /// Ends the current block.
    pub fn end(&mut self, end: End) {
        let data = &mut self.function.blocks[self.current];
        debug_assert_eq!(data.end, End::Open, "a block ends once");
        data.end = end;
    }

    /// The function so far.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The number that a value is known to be.
    pub fn constant(&self, value: Value) -> Option<i32> {
        self.constants[value.index()]
    }

    fn value(&mut self, class: Class) -> Value {
        self.constants.push(None);
        self.function.values.push(class)
    }

    /// Appends an operation as it is; results get these classes.
    pub fn push(&mut self, op: Op, args: &[Value], results: &[Class]) -> Vec<Value> {
        let results: Vec<Value> = results.iter().map(|&class| self.value(class)).collect();
        if let (Op::Const(number), [result]) = (&op, &results[..]) {
            self.constants[result.index()] = Some(*number);
        }
        let inst = Inst { op, args: args.to_vec(), results: results.clone() };
        self.function.blocks[self.current].insts.push(inst);
        results
    }

    /// Appends an operation with one word as its result.
    pub fn word(&mut self, op: Op, args: &[Value]) -> Value {
        self.push(op, args, &[Class::Word])[0]
    }

    /// Appends an operation with one float as its result.
    pub fn float(&mut self, op: Op, args: &[Value]) -> Value {
        self.push(op, args, &[Class::Float])[0]
    }
}
