//! A kernel as a Cranelift function: one parameter per buffer, statements as blocks, registers and counters as variables.
//!
//! The result is the code of a `fail`, 0 if the kernel ends as it should. Counters have 64 bits, as addresses do; loops test
//! at their end, so that a round costs one jump.

use super::superword::{Groups, Lets, Run};
use super::{lanes, types};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, FuncRef, Immediate, InstBuilder, MemFlagsData, Value};
use cranelift_frontend::{FunctionBuilder, Variable};
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Bound, Expr, Index, KernelData, Loop, Param, Scalar, Stmt, Var};

/// Whether the generated code trusts what the verifier does not prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checks {
    /// Data-dependent indices are as the program promises.
    None,
    /// Data-dependent indices are clamped to the range that the program promises, so that no access leaves its buffer.
    Clamp,
}

/// What statements lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The statement behind them.
    Next,
    /// Somewhere else; what follows is never run.
    Gone,
}

/// One kernel under translation.
pub(super) struct Translator<'a, 'f> {
    pub(super) kernel: &'a KernelData,
    pub(super) builder: FunctionBuilder<'f>,
    pub(super) checks: Checks,
    /// The first byte of each parameter.
    pub(super) bases: Vec<Value>,
    /// Functions of `runtime::math` that the kernel calls.
    pub(super) functions: BTreeMap<&'static str, FuncRef>,
    variables: Vec<Variable>,
    pub(super) counters: Vec<Option<Variable>>,
    pub(super) groups: Groups<'a>,
    /// The vector of each group, by its first register.
    pub(super) vectors: BTreeMap<Var, Variable>,
    /// What the statements of the current run set.
    pub(super) lets: Lets,
    /// Those of them that only vectors may need; they are computed where they are read.
    pub(super) idle: Lets,
    /// How the bytes of two vectors go in turn, once it was needed.
    pub(super) interleaved: Option<Immediate>,
    /// The loops around the current statement, the outermost first.
    pub(super) nest: Vec<Loop>,
    /// Where `break` goes.
    exits: Vec<Block>,
    /// Parameters whose memory nothing writes while the kernel runs.
    constant: Vec<bool>,
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Translates the whole kernel into the function that the builder makes.
    pub(super) fn translate(
        kernel: &'a KernelData,
        mut builder: FunctionBuilder<'f>,
        functions: BTreeMap<&'static str, FuncRef>,
        checks: Checks,
        vectors: bool,
    ) -> FunctionBuilder<'f> {
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        builder.seal_block(entry);
        let bases = builder.block_params(entry).to_vec();
        let variables = kernel.vars.values().map(|var| builder.declare_var(types::of(var.scalar))).collect();
        let shared: Vec<Param> = kernel.params.values().filter_map(|param| param.may_alias).collect();
        let is_constant = |(param, data): (Param, &tinyc_ir::loops::ParamData)| {
            data.access == Access::Read && !shared.contains(&param)
        };
        let constant = kernel.params.iter().map(is_constant).collect();
        let counters = vec![None; kernel.loops.len()];
        let (nest, exits, lets) = (Vec::new(), Vec::new(), Lets::new());
        let groups = if vectors { Groups::find(kernel) } else { Groups::none(kernel) };
        let firsts = kernel.vars.keys().filter(|&var| groups.lane(var) == Some((var, 0)));
        let vector = |var: Var| (var, builder.declare_var(lanes::vector(kernel.vars[var].scalar)));
        let vectors = firsts.map(vector).collect();
        let mut translator = Self {
            groups,
            vectors,
            kernel,
            builder,
            checks,
            bases,
            functions,
            variables,
            counters,
            nest,
            exits,
            lets,
            idle: Lets::new(),
            interleaved: None,
            constant,
        };
        if translator.block(&kernel.body) == Flow::Next {
            translator.leave(0);
        }
        translator.builder
    }

    fn leave(&mut self, code: u8) {
        let code = self.builder.ins().iconst(cranelift_codegen::ir::types::I32, i64::from(code));
        self.builder.ins().return_(&[code]);
    }

    fn block(&mut self, stmts: &'a [Stmt]) -> Flow {
        let mut at = 0;
        while at < stmts.len() {
            let run =
                if self.vectors.is_empty() { Run::default() } else { self.groups.translated(&stmts[at..]) };
            if !run.groups.is_empty() {
                self.run(&stmts[at..at + run.length], &run);
                at += run.length;
                continue;
            }
            // Not a statement more: what comes behind it may be a run.
            let next = at + run.length.max(1);
            for stmt in &stmts[at..next] {
                if self.stmt(stmt) == Flow::Gone {
                    return Flow::Gone;
                }
            }
            at = next;
        }
        Flow::Next
    }

    pub(super) fn stmt(&mut self, stmt: &'a Stmt) -> Flow {
        match stmt {
            Stmt::Let { var, value } | Stmt::Assign { var, value } => {
                let value = self.expr(*value);
                match self.groups.lane(*var) {
                    None => self.builder.def_var(self.variables[var.index()], value),
                    Some((first, lane)) => {
                        self.set_lane(first, lane, value, matches!(stmt, Stmt::Let { .. }))
                    }
                }
            }
            Stmt::Store { param, index, value } => self.store(*param, index, *value),
            Stmt::For { counter, lo, hi, step, body } => self.repeat(*counter, (lo, hi), *step, body),
            Stmt::If { condition, then, otherwise } => return self.branch(*condition, then, otherwise),
            Stmt::Break => {
                let exit = *self.exits.last().expect("a break is inside a loop");
                self.builder.ins().jump(exit, &[]);
                return Flow::Gone;
            }
            Stmt::Fail { code } => {
                self.leave(*code);
                return Flow::Gone;
            }
        }
        Flow::Next
    }

    fn store(&mut self, param: Param, index: &'a Index, value: Expr) {
        let value = self.expr(value);
        let (address, offset) = self.address(param, index);
        self.builder.ins().store(MemFlagsData::trusted(), value, address, offset);
    }

    /// What is known of the loads from a parameter.
    pub(super) fn load_flags(&self, param: Param) -> MemFlagsData {
        let flags = MemFlagsData::trusted();
        if self.is_constant(param) { flags.with_readonly() } else { flags }
    }

    /// Whether nothing writes a parameter's memory while the kernel runs.
    pub(super) fn is_constant(&self, param: Param) -> bool {
        self.constant[param.index()]
    }

    pub(super) fn register(&mut self, var: Var) -> Value {
        if let Some(&value) = self.idle.get(&var) {
            return self.expr(value);
        }
        match self.groups.lane(var) {
            None => self.builder.use_var(self.variables[var.index()]),
            Some((first, lane)) => self.lane(first, lane),
        }
    }

    fn repeat(&mut self, counter: Loop, (lo, hi): (&Bound, &Bound), step: u32, body: &'a [Stmt]) {
        let ends = (constant(lo, i64::max), constant(hi, i64::min));
        if let (Some(lo), Some(hi)) = ends
            && lo >= hi
        {
            return;
        }
        let first = self.bound(lo, |translator, a, b| translator.builder.ins().smax(a, b));
        let end = self.bound(hi, |translator, a, b| translator.builder.ins().smin(a, b));
        let (start, exit) = (self.builder.create_block(), self.builder.create_block());
        let variable = self.builder.declare_var(I64);
        self.builder.def_var(variable, first);
        match ends {
            (Some(_), Some(_)) => {
                self.builder.ins().jump(start, &[]);
            }
            _ => {
                let any = self.builder.ins().icmp(IntCC::SignedLessThan, first, end);
                self.builder.ins().brif(any, start, &[], exit, &[]);
            }
        }
        self.builder.switch_to_block(start);
        self.counters[counter.index()] = Some(variable);
        self.nest.push(counter);
        self.exits.push(exit);
        if self.block(body) == Flow::Next {
            let now = self.builder.use_var(variable);
            let next = self.builder.ins().iadd_imm_s(now, i64::from(step));
            self.builder.def_var(variable, next);
            let more = self.builder.ins().icmp(IntCC::SignedLessThan, next, end);
            self.builder.ins().brif(more, start, &[], exit, &[]);
        }
        self.exits.pop();
        self.nest.pop();
        self.builder.seal_block(start);
        self.builder.seal_block(exit);
        self.builder.switch_to_block(exit);
    }

    fn bound(&mut self, bound: &Bound, pick: fn(&mut Self, Value, Value) -> Value) -> Value {
        let mut best = self.affine(&bound.0[0]);
        for candidate in &bound.0[1..] {
            let candidate = self.affine(candidate);
            best = pick(self, best, candidate);
        }
        best
    }

    fn branch(&mut self, condition: Expr, then: &'a [Stmt], otherwise: &'a [Stmt]) -> Flow {
        let condition = self.expr(condition);
        let [on_true, on_false, behind] = [(); 3].map(|()| self.builder.create_block());
        self.builder.ins().brif(condition, on_true, &[], on_false, &[]);
        let mut flow = Flow::Gone;
        for (block, stmts) in [(on_true, then), (on_false, otherwise)] {
            self.builder.switch_to_block(block);
            self.builder.seal_block(block);
            if self.block(stmts) == Flow::Next {
                self.builder.ins().jump(behind, &[]);
                flow = Flow::Next;
            }
        }
        self.builder.seal_block(behind);
        if flow == Flow::Next {
            self.builder.switch_to_block(behind);
        }
        flow
    }

    /// The type of an expression.
    pub(super) fn scalar(&self, expr: Expr) -> Scalar {
        self.kernel.scalar(expr)
    }
}

/// The end of a loop's range if no loop around it has a say.
fn constant(bound: &Bound, pick: fn(i64, i64) -> i64) -> Option<i64> {
    let candidates: Option<Vec<i64>> = bound.0.iter().map(|affine| affine.as_constant()).collect();
    candidates?.into_iter().reduce(pick)
}
