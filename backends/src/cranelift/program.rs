//! A whole program in a module: constants as one piece of data, kernels as local functions, and the entry that calls them in order.

use super::arithmetic::function;
use super::kernel::{Checks, Translator};
use super::{Error, types};
use crate::data::Data;
use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, GlobalValueData, InstBuilder, MemFlagsData, Signature, Type, UserFuncName, Value,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{DataDescription, DataId, FuncId, Linkage, Module};
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::DType;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Buffer, Call, ExprData, KernelData, Place, Program, Stmt};

/// Functions of `runtime::math` by name, and the type of their argument and result.
pub const MATH: [(&str, DType); 9] = [
    ("exp", DType::F32),
    ("log", DType::F32),
    ("sin", DType::F32),
    ("cos", DType::F32),
    ("tanh", DType::F32),
    ("sigmoid", DType::F32),
    ("erf", DType::F32),
    ("exp64", DType::F64),
    ("log64", DType::F64),
];

/// How the entry receives the addresses of inputs, outputs, arena and state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// As a table of addresses in this order, to which its only argument points; arena and state are always in it.
    Table,
    /// As `NAME_run([state,] inputs…, outputs…, arena)`, which the header of the C backend declares.
    Arguments,
}

/// What a program became.
#[derive(Debug)]
pub struct Defined {
    /// The function that runs all layers. It returns 0, or the code of the `fail` that ended the run.
    pub entry: FuncId,
    /// What lies in flash.
    pub data: Data,
    /// The functions of [`MATH`] that kernels call.
    pub math: BTreeSet<&'static str>,
}

/// What a program is translated with.
pub struct Definition<'a, M> {
    /// Where code and data go.
    pub module: &'a mut M,
    /// What is translated.
    pub program: &'a Program,
    /// Whether data-dependent indices are trusted.
    pub checks: Checks,
    /// Whether the machine has vectors of 128 bits.
    pub vectors: bool,
    /// How the entry is called.
    pub entry: Entry,
    /// The functions of [`MATH`] that the module has.
    pub math: BTreeMap<&'static str, FuncId>,
}

/// Where the entry finds the memory of a run.
struct Areas {
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    arena: Value,
    state: Option<Value>,
}

impl<M: Module> Definition<'_, M> {
    /// Translates a verified program. Names are those of the program, behind `prefix`.
    ///
    /// # Errors
    /// What Cranelift has against it; no user can mend that.
    pub fn define(self, prefix: &str) -> Result<Defined, Error> {
        let Self { module, program, checks, vectors, entry, math } = self;
        let mut context = module.make_context();
        let mut builders = FunctionBuilderContext::new();
        let (mut kernels, mut called_functions) = (Vec::new(), BTreeSet::new());
        for kernel in program.kernels.values() {
            let name = format!("{prefix}{}", kernel.name);
            let signature = signature(module, kernel);
            let id = module.declare_function(&name, Linkage::Local, &signature)?;
            context.func.signature = signature;
            context.func.name = UserFuncName::user(0, id.as_u32());
            let mut functions = BTreeMap::new();
            for name in called(kernel) {
                called_functions.insert(name);
                functions.insert(name, module.declare_func_in_func(math[name], &mut context.func));
            }
            let builder = FunctionBuilder::new(&mut context.func, &mut builders);
            let builder = Translator::translate(kernel, builder, functions, checks, vectors);
            builder.finalize(module.target_config());
            define(module, id, &mut context)?;
            kernels.push(id);
        }
        let data = Data::new(program);
        let flash = constants(module, &data, prefix)?;
        let name = match entry {
            Entry::Table => format!("{prefix}run"),
            Entry::Arguments => format!("{}_run", crate::c::prefix(program)),
        };
        let signature = entry.signature(module, program);
        let id = module.declare_function(&name, Linkage::Export, &signature)?;
        context.func.signature = signature;
        context.func.name = UserFuncName::user(0, id.as_u32());
        let mut builder = FunctionBuilder::new(&mut context.func, &mut builders);
        let areas = entry.areas(program, &mut builder, module.target_config().pointer_type());
        let mut calls = Calls { module, program, kernels: &kernels, flash, data: &data, areas, builder };
        program.calls.iter().for_each(|call| calls.call(call));
        calls.end();
        define(module, id, &mut context)?;
        Ok(Defined { entry: id, data, math: called_functions })
    }
}

fn define<M: Module>(module: &mut M, id: FuncId, context: &mut Context) -> Result<(), Error> {
    module.define_function(id, context)?;
    module.clear_context(context);
    Ok(())
}

/// One address per parameter; the result says how the kernel ended.
fn signature<M: Module>(module: &M, kernel: &KernelData) -> Signature {
    let mut signature = module.make_signature();
    let address = AbiParam::new(module.target_config().pointer_type());
    signature.params.resize(kernel.params.len(), address);
    signature.returns.push(AbiParam::new(types::of(DType::I32)));
    signature
}

/// The math functions that a kernel calls.
fn called(kernel: &KernelData) -> BTreeSet<&'static str> {
    let name = |data: &ExprData| match data {
        ExprData::Unary { op, value } => function(*op, kernel.scalar(*value)),
        _ => None,
    };
    kernel.exprs.values().filter_map(name).collect()
}

/// Whether a kernel can end a run.
fn can_fail(stmts: &[Stmt]) -> bool {
    stmts.iter().any(|stmt| match stmt {
        Stmt::Fail { .. } => true,
        Stmt::For { body, .. } => can_fail(body),
        Stmt::If { then, otherwise, .. } => can_fail(then) || can_fail(otherwise),
        _ => false,
    })
}

/// Defines what lies in flash.
fn constants<M: Module>(module: &mut M, data: &Data, prefix: &str) -> Result<DataId, Error> {
    // A name that is no function's.
    let id = module.declare_data(&format!("{prefix}.constants"), Linkage::Local, false, false)?;
    let mut bytes = data.bytes.clone();
    // An address is taken of every argument, even of one without elements.
    bytes.resize(bytes.len().max(1), 0);
    let mut description = DataDescription::new();
    description.define(bytes.into_boxed_slice());
    description.set_align(u64::from(data.align));
    module.define_data(id, &description)?;
    Ok(id)
}

impl Entry {
    fn signature<M: Module>(self, module: &M, program: &Program) -> Signature {
        let count = match self {
            Self::Table => 1,
            Self::Arguments => {
                usize::from(program.state_bytes() > 0) + program.inputs.len() + program.outputs.len() + 1
            }
        };
        let mut signature = module.make_signature();
        signature.params.resize(count, AbiParam::new(module.target_config().pointer_type()));
        signature.returns.push(AbiParam::new(types::of(DType::I32)));
        signature
    }

    /// Begins the function and finds its memory.
    fn areas(self, program: &Program, builder: &mut FunctionBuilder<'_>, pointer: Type) -> Areas {
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let params = builder.block_params(block).to_vec();
        let (inputs, outputs) = (program.inputs.len(), program.outputs.len());
        let mut faces = match self {
            Self::Table => (0..inputs + outputs + 2)
                .map(|position| {
                    let flags = MemFlagsData::trusted().with_readonly();
                    let offset = (position * pointer.bytes() as usize) as i32;
                    builder.ins().load(pointer, flags, params[0], offset)
                })
                .collect(),
            Self::Arguments => params,
        }
        .into_iter();
        let first = (self == Self::Arguments && program.state_bytes() > 0).then(|| faces.next()).flatten();
        Areas {
            inputs: faces.by_ref().take(inputs).collect(),
            outputs: faces.by_ref().take(outputs).collect(),
            arena: faces.next().expect("the arena is always there"),
            state: first.or_else(|| faces.next()),
        }
    }
}

/// The body of the entry.
struct Calls<'a, 'f, M> {
    module: &'a mut M,
    program: &'a Program,
    kernels: &'a [FuncId],
    flash: DataId,
    data: &'a Data,
    areas: Areas,
    builder: FunctionBuilder<'f>,
}

impl<M: Module> Calls<'_, '_, M> {
    fn call(&mut self, call: &Call) {
        let args: Vec<Value> = call.args.iter().map(|&buffer| self.argument(buffer)).collect();
        let kernel = self.module.declare_func_in_func(self.kernels[call.kernel.index()], self.builder.func);
        let inst = self.builder.ins().call(kernel, &args);
        if !can_fail(&self.program.kernels[call.kernel].body) {
            return;
        }
        let code = self.builder.inst_results(inst)[0];
        let failed = self.builder.ins().icmp_imm_s(IntCC::NotEqual, code, 0);
        let (leave, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(failed, leave, &[], next, &[]);
        self.builder.switch_to_block(leave);
        self.builder.set_cold_block(leave);
        self.builder.ins().return_(&[code]);
        self.builder.switch_to_block(next);
        self.builder.seal_block(leave);
        self.builder.seal_block(next);
    }

    fn argument(&mut self, buffer: Buffer) -> Value {
        let (area, offset) = match self.program.buffers[buffer].place {
            Place::Input(position) => (self.areas.inputs[position as usize], 0),
            Place::Output(position) => (self.areas.outputs[position as usize], 0),
            Place::Arena(offset) => (self.areas.arena, offset),
            Place::State(offset) => (self.areas.state.expect("a program with state is lent it"), offset),
            Place::Flash(_) => return self.constant(buffer),
        };
        self.builder.ins().iadd_imm_s(area, i64::from(offset))
    }

    fn constant(&mut self, buffer: Buffer) -> Value {
        let pointer = self.module.target_config().pointer_type();
        let symbol = self.module.declare_data_in_func(self.flash, self.builder.func);
        if let GlobalValueData::Symbol { offset, .. } = &mut self.builder.func.global_values[symbol] {
            let at = self.data.offset(buffer).expect("used constants are in the data");
            *offset = i64::from(at).into();
        }
        self.builder.ins().symbol_value(pointer, symbol)
    }

    fn end(mut self) {
        let done = self.builder.ins().iconst(types::of(DType::I32), 0);
        self.builder.ins().return_(&[done]);
        self.builder.finalize(self.module.target_config());
    }
}
