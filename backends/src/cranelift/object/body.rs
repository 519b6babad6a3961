//! A routine of the native backends, a function of words, as a function of Cranelift's. What is an instruction here (arithmetic
//! on binary64) takes the place of the routine for it.

use super::routine::Face;
use crate::native::routines::names;
use crate::native::{self, Callee, Class, Cond, Edge, End, FloatCond, Op, Width};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::Ieee32;
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64};
use cranelift_codegen::ir::{self, Block, BlockArg, InstBuilder, MemFlagsData, Value};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilder;
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;

/// What a binary64 routine does in one instruction.
#[derive(Clone, Copy)]
pub(super) enum Instruction {
    Arithmetic(ir::Opcode),
    Compare(FloatCC),
    FromSigned,
    FromUnsigned,
}

/// The instruction that takes the place of a routine, if there is one.
pub(super) fn instruction(name: &str) -> Option<Instruction> {
    Some(match name {
        names::F64_ADD => Instruction::Arithmetic(ir::Opcode::Fadd),
        names::F64_SUB => Instruction::Arithmetic(ir::Opcode::Fsub),
        names::F64_MUL => Instruction::Arithmetic(ir::Opcode::Fmul),
        names::F64_DIV => Instruction::Arithmetic(ir::Opcode::Fdiv),
        names::F64_EQ => Instruction::Compare(FloatCC::Equal),
        names::F64_NE => Instruction::Compare(FloatCC::NotEqual),
        names::F64_LT => Instruction::Compare(FloatCC::LessThan),
        names::F64_LE => Instruction::Compare(FloatCC::LessThanOrEqual),
        names::I32_TO_F64 => Instruction::FromSigned,
        names::U32_TO_F64 => Instruction::FromUnsigned,
        _ => return None,
    })
}

/// A routine under translation.
pub(super) struct Body<'f> {
    callees: BTreeMap<&'static str, ir::FuncRef>,
    face: Face,
    builder: FunctionBuilder<'f>,
    /// By the routine's values.
    values: Vec<Option<Value>>,
}

impl<'f> Body<'f> {
    /// The functions that it calls, how it is called itself, and what its instructions go to.
    pub(super) fn new(
        callees: BTreeMap<&'static str, ir::FuncRef>,
        face: Face,
        builder: FunctionBuilder<'f>,
    ) -> Self {
        Self { callees, face, builder, values: Vec::new() }
    }

    /// Translates the whole routine.
    pub(super) fn translate(mut self, routine: &native::Function, config: TargetFrontendConfig) {
        self.values = vec![None; routine.values.len()];
        self.function(routine);
        self.builder.seal_all_blocks();
        self.builder.finalize(config);
    }

    fn function(&mut self, function: &native::Function) {
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        let mut blocks = Vec::new();
        for data in function.blocks.values() {
            let block = self.builder.create_block();
            for &param in &data.params {
                let ty = if function.values[param] == Class::Float { F32 } else { I32 };
                self.values[param.index()] = Some(self.builder.append_block_param(block, ty));
            }
            blocks.push(block);
        }
        self.builder.switch_to_block(entry);
        let params = self.builder.block_params(entry).to_vec();
        let words = match self.face {
            Face::Words => params,
            Face::Number(_) => self.words(params[0]),
        };
        self.jump(blocks[0], &words);
        for (&block, data) in blocks.iter().zip(function.blocks.values()) {
            self.builder.switch_to_block(block);
            for inst in &data.insts {
                let args: Vec<Value> = inst.args.iter().map(|&arg| self.value(arg)).collect();
                let results = self.op(&inst.op, &args);
                for (&result, value) in inst.results.iter().zip(results) {
                    self.values[result.index()] = Some(value);
                }
            }
            self.end(&data.end, &blocks);
        }
    }

    fn value(&self, value: native::Value) -> Value {
        self.values[value.index()].expect("values are defined before they are used")
    }

    fn jump(&mut self, to: Block, args: &[Value]) {
        let args: Vec<BlockArg> = args.iter().map(|&arg| arg.into()).collect();
        self.builder.ins().jump(to, &args);
    }

    fn end(&mut self, end: &End, blocks: &[Block]) {
        let args = |body: &Self, edge: &Edge| -> Vec<BlockArg> {
            edge.args.iter().map(|&arg| body.value(arg).into()).collect()
        };
        match end {
            End::Jump(edge) => {
                let args = args(self, edge);
                self.builder.ins().jump(blocks[edge.to.index()], &args);
            }
            End::Branch { cond, left, right, then, otherwise } => {
                let (left, right) = (self.value(*left), self.value(*right));
                let holds = self.builder.ins().icmp(condition(*cond), left, right);
                let (yes, no) = (args(self, then), args(self, otherwise));
                let (then, otherwise) = (blocks[then.to.index()], blocks[otherwise.to.index()]);
                self.builder.ins().brif(holds, then, &yes, otherwise, &no);
            }
            End::Return(values) => {
                let mut values: Vec<Value> = values.iter().map(|&value| self.value(value)).collect();
                if let Face::Number(ty) = self.face {
                    values = vec![self.number(ty, &values)];
                }
                self.builder.ins().return_(&values);
            }
            End::Open => unreachable!("a finished function has no open block"),
        }
    }

    /// The words of a number, the low one first.
    fn words(&mut self, number: Value) -> Vec<Value> {
        if self.builder.func.dfg.value_type(number) == F32 {
            return vec![self.bits(I32, number)];
        }
        let bits = self.bits(I64, number);
        self.halves(bits).to_vec()
    }

    /// The number that words are the bits of.
    fn number(&mut self, ty: ir::Type, words: &[Value]) -> Value {
        match words {
            &[word] => self.bits(ty, word),
            _ => {
                let bits = self.pair(words);
                self.bits(ty, bits)
            }
        }
    }

    fn bits(&mut self, ty: ir::Type, value: Value) -> Value {
        self.builder.ins().bitcast(ty, MemFlagsData::new(), value)
    }

    /// 64 bits from their halves, the low one first.
    fn pair(&mut self, words: &[Value]) -> Value {
        let low = self.builder.ins().uextend(I64, words[0]);
        let high = self.builder.ins().uextend(I64, words[1]);
        let high = self.builder.ins().ishl_imm_u(high, 32);
        self.builder.ins().bor(low, high)
    }

    fn halves(&mut self, wide: Value) -> [Value; 2] {
        let low = self.builder.ins().ireduce(I32, wide);
        let high = self.builder.ins().ushr_imm_u(wide, 32);
        [low, self.builder.ins().ireduce(I32, high)]
    }

    /// The whole product of two words.
    fn product(&mut self, signed: bool, a: Value, b: Value) -> Value {
        let mut wide = |x| {
            let ins = self.builder.ins();
            if signed { ins.sextend(I64, x) } else { ins.uextend(I64, x) }
        };
        let (a, b) = (wide(a), wide(b));
        self.builder.ins().imul(a, b)
    }

    fn op(&mut self, op: &Op, args: &[Value]) -> Vec<Value> {
        let ins = self.builder.ins();
        let one = match (op, args) {
            (Op::Const(number), _) => ins.iconst(I32, i64::from(*number)),
            (Op::FloatConst(bits), _) => ins.f32const(Ieee32::with_bits(*bits)),
            (Op::Add, &[a, b]) => ins.iadd(a, b),
            (Op::Sub, &[a, b]) => ins.isub(a, b),
            (Op::Mul, &[a, b]) => ins.imul(a, b),
            (Op::And, &[a, b]) => ins.band(a, b),
            (Op::Or, &[a, b]) => ins.bor(a, b),
            (Op::Xor, &[a, b]) => ins.bxor(a, b),
            (Op::ShiftLeft, &[a, b]) => ins.ishl(a, b),
            (Op::ShiftRight, &[a, b]) => ins.ushr(a, b),
            (Op::ShiftRightSigned, &[a, b]) => ins.sshr(a, b),
            (Op::CountLeadingZeros, &[a]) => ins.clz(a),
            (Op::DivSigned | Op::DivUnsigned, _) => {
                unreachable!("no function of the runtime divides integers")
            }
            (Op::FloatAdd, &[a, b]) => ins.fadd(a, b),
            (Op::FloatSub, &[a, b]) => ins.fsub(a, b),
            (Op::FloatMul, &[a, b]) => ins.fmul(a, b),
            (Op::FloatDiv, &[a, b]) => ins.fdiv(a, b),
            (Op::FloatSqrt, &[a]) => ins.sqrt(a),
            (Op::FloatNeg, &[a]) => ins.fneg(a),
            (Op::FloatAbs, &[a]) => ins.fabs(a),
            (Op::FloatToSigned, &[a]) => ins.fcvt_to_sint_sat(I32, a),
            (Op::FloatToUnsigned, &[a]) => ins.fcvt_to_uint_sat(I32, a),
            (Op::SignedToFloat, &[a]) => ins.fcvt_from_sint(F32, a),
            (Op::UnsignedToFloat, &[a]) => ins.fcvt_from_uint(F32, a),
            (Op::BitsToFloat, &[a]) => self.bits(F32, a),
            (Op::FloatToBits, &[a]) => self.bits(I32, a),
            (Op::Extend(width), &[a]) => self.extend(*width, a),
            (Op::Compare(cond), &[a, b]) => {
                let holds = ins.icmp(condition(*cond), a, b);
                self.truth(holds)
            }
            (Op::FloatCompare(cond), &[a, b]) => {
                let holds = ins.fcmp(float_condition(*cond), a, b);
                self.truth(holds)
            }
            (Op::CompareWide(cond), &[a0, a1, b0, b1]) => {
                let (a, b) = (self.pair(&[a0, a1]), self.pair(&[b0, b1]));
                let holds = self.builder.ins().icmp(condition(*cond), a, b);
                self.truth(holds)
            }
            (Op::Select(cond), &[a, b, then, otherwise]) => {
                let holds = ins.icmp(condition(*cond), a, b);
                self.builder.ins().select(holds, then, otherwise)
            }
            (Op::MulHighSigned, &[a, b]) => {
                let product = self.product(true, a, b);
                self.halves(product)[1]
            }
            (Op::MulHighUnsigned, &[a, b]) => {
                let product = self.product(false, a, b);
                self.halves(product)[1]
            }
            (Op::Call(Callee::Routine(name)), args) => return self.call(name, args),
            (op, args) => {
                let wide = self.wide(op, args);
                return self.halves(wide).to_vec();
            }
        };
        vec![one]
    }

    /// What gives 64 bits.
    fn wide(&mut self, op: &Op, args: &[Value]) -> Value {
        match (op, args) {
            (Op::MulLongSigned, &[a, b]) => self.product(true, a, b),
            (Op::MulLongUnsigned, &[a, b]) => self.product(false, a, b),
            (Op::MulAddLongSigned | Op::MulAddLongUnsigned, &[low, high, a, b]) => {
                let sum = self.pair(&[low, high]);
                let product = self.product(*op == Op::MulAddLongSigned, a, b);
                self.builder.ins().iadd(sum, product)
            }
            (Op::AddWide, &[a0, a1, b0, b1]) => {
                let (a, b) = (self.pair(&[a0, a1]), self.pair(&[b0, b1]));
                self.builder.ins().iadd(a, b)
            }
            (Op::SubWide, &[a0, a1, b0, b1]) => {
                let (a, b) = (self.pair(&[a0, a1]), self.pair(&[b0, b1]));
                self.builder.ins().isub(a, b)
            }
            _ => unreachable!("routines only compute, and for this machine without {op:?}"),
        }
    }

    fn extend(&mut self, width: Width, word: Value) -> Value {
        let part = match width {
            Width::S8 | Width::U8 => self.builder.ins().ireduce(I8, word),
            Width::S16 | Width::U16 => self.builder.ins().ireduce(I16, word),
            Width::Word | Width::Float => return word,
        };
        let ins = self.builder.ins();
        if matches!(width, Width::S8 | Width::S16) { ins.sextend(I32, part) } else { ins.uextend(I32, part) }
    }

    fn truth(&mut self, holds: Value) -> Value {
        self.builder.ins().uextend(I32, holds)
    }

    fn call(&mut self, name: &'static str, args: &[Value]) -> Vec<Value> {
        if let Some(instruction) = instruction(name) {
            return self.instruction(instruction, args);
        }
        let face = Face::of(name);
        let args = match face {
            Face::Words => args.to_vec(),
            Face::Number(ty) => vec![self.number(ty, args)],
        };
        let inst = self.builder.ins().call(self.callees[name], &args);
        let results = self.builder.inst_results(inst).to_vec();
        if face == Face::Words { results } else { self.words(results[0]) }
    }

    fn instruction(&mut self, instruction: Instruction, args: &[Value]) -> Vec<Value> {
        let number = match instruction {
            Instruction::FromSigned => self.builder.ins().fcvt_from_sint(F64, args[0]),
            Instruction::FromUnsigned => self.builder.ins().fcvt_from_uint(F64, args[0]),
            Instruction::Arithmetic(opcode) => {
                let (a, b) = (self.number(F64, &args[..2]), self.number(F64, &args[2..]));
                let (inst, data) = self.builder.ins().Binary(opcode, F64, a, b);
                data.first_result(inst)
            }
            Instruction::Compare(condition) => {
                let (a, b) = (self.number(F64, &args[..2]), self.number(F64, &args[2..]));
                let holds = self.builder.ins().fcmp(condition, a, b);
                return vec![self.truth(holds)];
            }
        };
        self.words(number)
    }
}

fn condition(cond: Cond) -> IntCC {
    match cond {
        Cond::Eq => IntCC::Equal,
        Cond::Ne => IntCC::NotEqual,
        Cond::Lt => IntCC::SignedLessThan,
        Cond::Le => IntCC::SignedLessThanOrEqual,
        Cond::LtU => IntCC::UnsignedLessThan,
        Cond::LeU => IntCC::UnsignedLessThanOrEqual,
    }
}

fn float_condition(cond: FloatCond) -> FloatCC {
    match cond {
        FloatCond::Eq => FloatCC::Equal,
        FloatCond::Ne => FloatCC::NotEqual,
        FloatCond::Lt => FloatCC::LessThan,
        FloatCond::Le => FloatCC::LessThanOrEqual,
    }
}
