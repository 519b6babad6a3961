//! Writes a [`Function`] block by block. Folds constants, simplifies algebra and shares equal pure operations inside a
//! block; what spans blocks is its caller's to decide.

use super::function::*;
use super::interpret::holds;
use std::collections::HashMap;
use tinyc_ir::entity::Entity;

/// A function under construction.
pub struct Builder {
    function: Function,
    current: Block,
    /// The constant that a value is, if it is one.
    constants: Vec<Option<i32>>,
    /// The operation that a value is a result of, and which; `None` for parameters of blocks.
    definitions: Vec<Option<Definition>>,
    /// How many operands, edges and ends name a value.
    uses: Vec<u32>,
    /// Pure operations of each block, to share. Only asked by key, so the order of hashes is never seen.
    shared: HashMap<(Block, Op, Vec<Value>), Vec<Value>>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// In which block.
    pub block: Block,
    /// The operation.
    pub op: Op,
    /// Its operands.
    pub args: Vec<Value>,
    /// The position among its results.
    pub result: usize,
}

impl Builder {
    /// A function with an open entry block that has these parameters.
    pub fn new(name: impl Into<String>, comment: impl Into<String>, params: &[Class]) -> (Self, Vec<Value>) {
        let function = Function { name: name.into(), comment: comment.into(), ..Function::default() };
        let mut builder = Self {
            function,
            current: Block::new(0),
            constants: Vec::new(),
            definitions: Vec::new(),
            uses: Vec::new(),
            shared: HashMap::new(),
        };
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
        let data = BlockData {
            params: params.clone(),
            insts: Vec::new(),
            end: End::Open,
            depth,
            count,
            comment: String::new(),
        };
        (self.function.blocks.push(data), params)
    }

    /// One more parameter of a block; whoever makes an edge to it from now on passes one more argument.
    pub fn block_param(&mut self, block: Block, class: Class) -> Value {
        let value = self.value(class);
        self.function.blocks[block].params.push(value);
        value
    }

    /// Says in a few words what a block does.
    pub fn comment(&mut self, block: Block, comment: impl Into<String>) {
        self.function.blocks[block].comment = comment.into();
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
    pub fn end(&mut self, mut end: End) {
        match &mut end {
            End::Jump(edge) => self.localise(&mut edge.args),
            End::Branch { left, right, then, otherwise, .. } => {
                for value in [left, right] {
                    *value = self.local(*value);
                    self.uses[value.index()] += 1;
                }
                self.localise(&mut then.args);
                self.localise(&mut otherwise.args);
            }
            End::Return(values) => self.localise(values),
            End::Open => {}
        }
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

    /// The operation that a value is a result of.
    pub fn definition(&self, value: Value) -> Option<&Definition> {
        self.definitions[value.index()].as_ref()
    }

    /// Whether a value has been used by an operation or an end so far.
    pub fn is_used(&self, value: Value) -> bool {
        self.uses[value.index()] > 0
    }

    /// The class of a value.
    pub fn class(&self, value: Value) -> Class {
        self.function.values[value]
    }

    fn value(&mut self, class: Class) -> Value {
        self.constants.push(None);
        self.definitions.push(None);
        self.uses.push(0);
        self.function.values.push(class)
    }

    /// The same value; a constant of another block is made again in this one, so that no constant lives across blocks
    /// unless selection wants it to.
    fn local(&mut self, value: Value) -> Value {
        match (self.constants[value.index()], &self.definitions[value.index()]) {
            (Some(number), Some(d)) if d.block != self.current => self.number(number),
            _ => value,
        }
    }

    fn localise(&mut self, values: &mut [Value]) {
        for value in values {
            *value = self.local(*value);
            self.uses[value.index()] += 1;
        }
    }

    /// Appends an operation as it is; results get these classes.
    pub fn push(&mut self, op: Op, args: &[Value], results: &[Class]) -> Vec<Value> {
        let mut args = args.to_vec();
        self.localise(&mut args);
        let results: Vec<Value> = results.iter().map(|&class| self.value(class)).collect();
        if let (Op::Const(number), [result]) = (&op, &results[..]) {
            self.constants[result.index()] = Some(*number);
        }
        for (i, result) in results.iter().enumerate() {
            let block = self.current;
            let definition = Definition { block, op: op.clone(), args: args.clone(), result: i };
            self.definitions[result.index()] = Some(definition);
        }
        let inst = Inst { op, args, results: results.clone() };
        self.function.blocks[self.current].insts.push(inst);
        results
    }

    /// As [`push`](Self::push) for an operation whose results depend on nothing but its operands: an equal one in this
    /// block serves again.
    pub fn pure(&mut self, op: Op, args: &[Value], results: &[Class]) -> Vec<Value> {
        if !op.is_pure() {
            return self.push(op, args, results);
        }
        let args: Vec<Value> = args.iter().map(|&a| self.local(a)).collect();
        let key = (self.current, op.clone(), args.clone());
        if let Some(found) = self.shared.get(&key) {
            return found.clone();
        }
        let made = self.push(op, &args, results);
        self.shared.insert(key, made.clone());
        made
    }

    /// A load from memory that nothing writes while the function runs: an equal one in this block serves again.
    pub fn load_again(&mut self, op: Op, base: Value, class: Class) -> Value {
        let key = (self.current, op.clone(), vec![base]);
        if let Some(found) = self.shared.get(&key) {
            return found[0];
        }
        let made = self.push(op, &[base], &[class]);
        self.shared.insert(key, made.clone());
        made[0]
    }

    /// A constant word.
    pub fn number(&mut self, number: i32) -> Value {
        self.pure(Op::Const(number), &[], &[Class::Word])[0]
    }

    /// A pure operation with one word as its result, in its simplest form.
    pub fn word(&mut self, op: Op, args: &[Value]) -> Value {
        if let Some(simple) = self.simplify(&op, args) {
            return simple;
        }
        let mut args = args.to_vec();
        // A constant stands on the right, where instructions take it.
        let commutes = matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor);
        if commutes && self.constant(args[0]).is_some() {
            args.swap(0, 1);
        }
        self.pure(op, &args, &[Class::Word])[0]
    }

    /// A pure operation with one float as its result.
    pub fn float(&mut self, op: Op, args: &[Value]) -> Value {
        self.pure(op, args, &[Class::Float])[0]
    }

    /// `a + number`.
    pub fn add_number(&mut self, a: Value, number: i32) -> Value {
        let number = self.number(number);
        self.word(Op::Add, &[a, number])
    }

    /// `then` where the comparison of the words `left` and `right` holds, else `otherwise`.
    pub fn select(&mut self, cond: Cond, [left, right]: [Value; 2], [then, otherwise]: [Value; 2]) -> Value {
        if then == otherwise {
            return then;
        }
        if let (Some(l), Some(r)) = (self.constant(left), self.constant(right)) {
            return if holds(cond, l as u32, r as u32) { then } else { otherwise };
        }
        if self.constant(then).is_some() && self.constant(then) == self.constant(otherwise) {
            return then;
        }
        let class = self.class(then);
        self.pure(Op::Select(cond), &[left, right, then, otherwise], &[class])[0]
    }

    /// An equal value that costs less, if there is one.
    fn simplify(&mut self, op: &Op, args: &[Value]) -> Option<Value> {
        let known: Vec<Option<i32>> = args.iter().map(|&a| self.constant(a)).collect();
        match (op, &known[..]) {
            (_, [Some(a), Some(b)]) => {
                let number = fold(op, *a, *b)?;
                Some(self.number(number))
            }
            (Op::Extend(width), [Some(a)]) => {
                let number = extend(*width, *a);
                Some(self.number(number))
            }
            (Op::Extend(width), [None]) => {
                // What a load of this width brings is extended already.
                let d = self.definition(args[0])?;
                let same =
                    matches!(&d.op, Op::Load { width: w, .. } if w == width) || d.op == Op::Extend(*width);
                same.then_some(args[0])
            }
            (Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor, [Some(_), None]) => {
                Some(self.word(op.clone(), &[args[1], args[0]]))
            }
            (Op::Sub, [None, Some(b)]) => Some(self.add_number(args[0], b.wrapping_neg())),
            (Op::Sub | Op::Xor, [None, None]) if args[0] == args[1] => Some(self.number(0)),
            (Op::And | Op::Or, [None, None]) if args[0] == args[1] => Some(args[0]),
            (
                Op::Add | Op::Or | Op::Xor | Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned,
                [None, Some(0)],
            ) => Some(args[0]),
            (Op::Add, [None, Some(b)]) => {
                let d = self.definition(args[0])?;
                // In another block, the inner term would live longer for it.
                let (Op::Add, &[inner, number]) = (&d.op, &d.args[..]) else { return None };
                if d.block != self.current {
                    return None;
                }
                let sum = self.constant(number)?.wrapping_add(*b);
                Some(self.add_number(inner, sum))
            }
            (Op::Mul | Op::And, [None, Some(0)]) => Some(self.number(0)),
            (Op::Mul, [None, Some(1)]) | (Op::And, [None, Some(-1)]) => Some(args[0]),
            (Op::Mul, [None, Some(-1)]) => {
                let zero = self.number(0);
                Some(self.word(Op::Sub, &[zero, args[0]]))
            }
            (Op::Mul, [None, Some(b)]) if (*b as u32).is_power_of_two() => {
                let amount = self.number((*b as u32).trailing_zeros() as i32);
                Some(self.word(Op::ShiftLeft, &[args[0], amount]))
            }
            (Op::DivSigned | Op::DivUnsigned, [None, Some(1)]) => Some(args[0]),
            (Op::DivUnsigned, [None, Some(b)]) if (*b as u32).is_power_of_two() => {
                let amount = self.number((*b as u32).trailing_zeros() as i32);
                Some(self.word(Op::ShiftRight, &[args[0], amount]))
            }
            _ => None,
        }
    }
}

/// The low byte or halfword, extended.
fn extend(width: Width, a: i32) -> i32 {
    match width {
        Width::S8 => i32::from(a as i8),
        Width::U8 => i32::from(a as u8),
        Width::S16 => i32::from(a as i16),
        Width::U16 => i32::from(a as u16),
        Width::Word | Width::Float => a,
    }
}

/// An operation on two numbers; `None` if it is not one of those that are folded.
fn fold(op: &Op, a: i32, b: i32) -> Option<i32> {
    Some(match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::ShiftLeft => a.wrapping_shl(b as u32),
        Op::ShiftRight => (a as u32).wrapping_shr(b as u32) as i32,
        Op::ShiftRightSigned => a.wrapping_shr(b as u32),
        Op::MulHighSigned => ((i64::from(a) * i64::from(b)) >> 32) as i32,
        Op::DivSigned if b == 0 => 0,
        Op::DivSigned => a.wrapping_div(b),
        Op::DivUnsigned => (a as u32).checked_div(b as u32).unwrap_or(0) as i32,
        Op::Compare(cond) => i32::from(holds(*cond, a as u32, b as u32)),
        _ => return None,
    })
}
