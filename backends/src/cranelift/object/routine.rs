//! Functions of `runtime::math` inside an object: the routines that the other native backends have, declared and defined as
//! Cranelift's functions. What they compute is translated in [`super::body`].

use super::body::{Body, instruction};
use crate::cranelift::{Error, MATH};
use crate::native::Machine;
use crate::native::routines::{dependencies, function, names};
use cranelift_codegen::ir::types::{F32, F64, I32};
use cranelift_codegen::ir::{self, AbiParam, Signature, UserFuncName};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_module::{FuncId, Linkage, Module};
use std::collections::BTreeMap;
use tinyc_ir::DType;

/// What routines are written for: 64-bit machines have all that they ask for.
fn machine() -> Machine {
    Machine {
        multiply: true,
        multiply_long: true,
        divide: true,
        count_leading_zeros: true,
        saturate: false,
        dsp: false,
        float: true,
        half: false,
        registers: 28,
        add: (-2048, 2047),
        offset: |_| (-2048, 2047),
    }
}

/// The functions of [`MATH`] and the routines that compute them.
pub(super) fn math() -> impl Iterator<Item = (&'static str, &'static str)> {
    MATH.into_iter().map(|(name, dtype)| {
        let function = name.strip_suffix("64").unwrap_or(name);
        let routine = names::of_math(function, dtype == DType::F64);
        (name, routine.expect("every function of the runtime is a routine"))
    })
}

/// Routines by name, as they are declared.
pub(super) type Routines = BTreeMap<&'static str, FuncId>;

/// Declares a routine, if it is not yet.
pub(super) fn declare<M: Module>(
    module: &mut M,
    routines: &mut Routines,
    name: &'static str,
) -> Result<FuncId, Error> {
    if let Some(&id) = routines.get(name) {
        return Ok(id);
    }
    let signature = Face::of(name).signature(module, name);
    // A name that no kernel has.
    let id = module.declare_function(&name.replacen('_', ".", 1), Linkage::Local, &signature)?;
    routines.insert(name, id);
    Ok(id)
}

/// Defines routines and all that they call.
pub(super) fn define<M: Module>(
    module: &mut M,
    routines: &mut Routines,
    mut left: Vec<&'static str>,
) -> Result<(), Error> {
    let mut context = module.make_context();
    let mut builders = FunctionBuilderContext::new();
    let mut done = Vec::new();
    while let Some(name) = left.pop() {
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let routine = function(name, &machine());
        let called = dependencies(&routine).into_iter().filter(|name| instruction(name).is_none());
        let mut callees = BTreeMap::new();
        let id = declare(module, routines, name)?;
        context.func.signature = Face::of(name).signature(module, name);
        context.func.name = UserFuncName::user(0, id.as_u32());
        for callee in called {
            let id = declare(module, routines, callee)?;
            callees.insert(callee, module.declare_func_in_func(id, &mut context.func));
            left.push(callee);
        }
        let builder = FunctionBuilder::new(&mut context.func, &mut builders);
        Body::new(callees, Face::of(name), builder).translate(&routine, module.target_config());
        module.define_function(id, &mut context)?;
        module.clear_context(&mut context);
    }
    Ok(())
}

/// How a routine is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Words, as everywhere.
    Words,
    /// One number in, one out: the functions of [`MATH`], which kernels call, too.
    Number(ir::Type),
}

impl Face {
    pub(super) fn of(name: &str) -> Self {
        match math().find(|(_, routine)| *routine == name) {
            Some(_) if name.starts_with("f64") => Self::Number(F64),
            Some(_) => Self::Number(F32),
            None => Self::Words,
        }
    }

    fn signature<M: Module>(self, module: &M, name: &str) -> Signature {
        let mut signature = module.make_signature();
        let (params, results, ty) = match self {
            Self::Number(ty) => (1, 1, ty),
            Self::Words => {
                let row = names::ALL.iter().find(|row| row.0 == name);
                let &(_, params, results) = row.expect("every routine is in the table");
                (params, results, I32)
            }
        };
        signature.params.resize(params, AbiParam::new(ty));
        signature.returns.resize(results, AbiParam::new(ty));
        signature
    }
}
