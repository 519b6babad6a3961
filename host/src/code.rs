//! The machine code of a program, and the one place that calls it.

#![allow(unsafe_code, reason = "machine code made at run time is called here, and its memory given back")]

use crate::{Error, math};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use tinyc_backends::cranelift::{Checks, Definition, Entry, MATH, flags};
use tinyc_ir::DType;
use tinyc_ir::loops::Program;

/// The entry: a table of addresses in, 0 or the code of a `fail` out.
type Run = unsafe extern "C" fn(*const *mut u8) -> i32;

/// Every area of memory starts at a multiple of this, so that planned alignment is real alignment. A line of the cache.
pub(crate) const ALIGN: usize = 64;

/// Machine code in memory of this process.
pub(crate) struct Code {
    run: Run,
    /// Bytes of the areas: inputs, outputs, arena, state.
    areas: Vec<usize>,
    /// The memory that the code lies in; taken when it is given back.
    module: Mutex<Option<JITModule>>,
}

impl Code {
    /// Compiles a verified program.
    pub(crate) fn of(program: &Program) -> Result<Self, Error> {
        let mut module = JITModule::new(builder()?);
        // On x86 with SSE 4.1 Cranelift has an instruction for each operation on vectors; on AArch64 it always has.
        let has =
            |flag: &str| module.isa().isa_flags().iter().any(|f| f.name == flag && f.as_bool() == Some(true));
        let vectors = cfg!(target_arch = "aarch64") || has("has_sse41");
        let mut functions = BTreeMap::new();
        for (name, dtype) in MATH {
            let mut signature = module.make_signature();
            let ty = match dtype {
                DType::F64 => cranelift_codegen::ir::types::F64,
                _ => cranelift_codegen::ir::types::F32,
            };
            signature.params.push(cranelift_codegen::ir::AbiParam::new(ty));
            signature.returns.push(cranelift_codegen::ir::AbiParam::new(ty));
            let declared = module.declare_function(&symbol(name), Linkage::Import, &signature);
            functions.insert(name, declared.map_err(tinyc_backends::cranelift::Error::from)?);
        }
        let definition = Definition {
            module: &mut module,
            program,
            checks: Checks::Clamp,
            vectors,
            entry: Entry::Table,
            math: functions,
        };
        let defined = definition.define("host_")?;
        module.finalize_definitions().map_err(tinyc_backends::cranelift::Error::from)?;
        let address = module.get_finalized_function(defined.entry);
        // SAFETY: the address is that of a finished function, which was defined with this signature (`Entry::Table`) in the
        // calling convention of the host.
        let run = unsafe { std::mem::transmute::<*const u8, Run>(address) };
        Ok(Self { run, areas: areas(program), module: Mutex::new(Some(module)) })
    }

    /// Bytes of each input, each output, the arena and the state.
    pub(crate) fn areas(&self) -> &[usize] {
        &self.areas
    }

    /// Runs all layers with the areas at these positions in the memory. 0, or the code of the `fail` that ended the run.
    pub(crate) fn run(&self, memory: &mut [u8], starts: &[usize]) -> i32 {
        assert_eq!(starts.len(), self.areas.len(), "one start per area");
        let first = memory.as_mut_ptr();
        let place = |(&start, &bytes): (&usize, &usize)| {
            assert!(start <= memory.len() && bytes <= memory.len() - start, "an area is in the memory");
            let address = first.wrapping_add(start);
            assert_eq!(address.align_offset(ALIGN), 0, "an area is aligned");
            address
        };
        let table: Vec<*mut u8> = starts.iter().zip(&self.areas).map(place).collect();
        // SAFETY: the table has an address for each area, in the order of `Entry::Table`. Each lies in memory that is borrowed for the
        // time of the call, is as long as the program says and aligned as any of its buffers; and the code accesses nothing but its
        // constants and elements of buffers inside these areas, as the verifier proves and `Checks::Clamp` ensures.
        unsafe { (self.run)(table.as_ptr()) }
    }
}

fn areas(program: &Program) -> Vec<usize> {
    let faces = program.inputs.iter().chain(&program.outputs);
    let mut areas: Vec<usize> = faces.map(|&buffer| program.buffers[buffer].bytes()).collect();
    areas.extend([program.arena_bytes as usize, program.state_bytes()]);
    areas
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        let module = self.module.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(module) = module {
            // SAFETY: `run` is private and goes with `self`; a call borrows `self`, so none is under way.
            unsafe { module.free_memory() };
        }
    }
}

/// Code for exactly this machine, as fast as Cranelift makes it, that knows the math functions.
fn builder() -> Result<JITBuilder, Error> {
    let machine = |e: &dyn fmt::Display| Error::Machine(e.to_string());
    let isa = cranelift_native::builder().map_err(|e| machine(&e))?;
    let isa = isa.finish(flags()).map_err(|e| machine(&e))?;
    let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
    for (name, address) in math::functions() {
        builder.symbol(symbol(name), address);
    }
    Ok(builder)
}

fn symbol(function: &str) -> String {
    format!("math_{function}")
}
