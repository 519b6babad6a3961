//! One kernel of the loop IR as a function of words: what is known before its first statement. Statements are in
//! [`super::statements`], expressions in [`super::expressions`] and the files beside it.

use super::addresses::Windows;
use super::cleanup::cleanup;
use super::missing::without_multiply;
use super::routines::names;
use super::scope::{Kind, Known, Scope};
use super::unroll::unroll;
use super::{Block, Builder, Callee, Class, Count, End, Function, Machine, Op, Region, Value};
use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Affine, Expr, KernelData, Param, Scalar, Stmt, bounds};

/// A function under construction from a kernel.
pub(super) struct Writer<'a> {
    pub(super) kernel: &'a KernelData,
    pub(super) machine: &'a Machine,
    pub(super) b: Builder,
    /// The function and the loops and branches around the current statement, outermost first.
    pub(super) scopes: Vec<Scope>,
    /// What is known of counters.
    pub(super) bounds: bounds::Scope,
    /// The current value of each register in scope.
    pub(super) vars: Vec<Option<Number>>,
    /// Blocks that left a loop: the registers' values then, and how often.
    pub(super) broken: Vec<(Block, Vec<Option<Number>>, Count)>,
    pub(super) windows: Windows,
    /// How often the current statement runs.
    pub(super) count: Count,
    /// Whether the function returns a code.
    pub(super) fails: bool,
    pub(super) routines: &'a mut BTreeSet<&'static str>,
}

/// The value of an expression: a word or a float, or a 64-bit number as words.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Number {
    One(Value),
    /// Low, high.
    Two(Value, Value),
}

/// A kernel as a function; routines that it calls join the set.
pub(super) fn function(
    kernel: &KernelData,
    machine: &Machine,
    routines: &mut BTreeSet<&'static str>,
) -> Function {
    let kernel = &unroll(kernel, machine);
    let classes = vec![Class::Word; kernel.params.len()];
    let (b, params) = Builder::new(&kernel.name, &kernel.comment, &classes);
    let mut writer = Writer {
        kernel,
        machine,
        b,
        scopes: vec![Scope::new(Kind::Function, Block::new(0))],
        bounds: bounds::Scope::new(),
        vars: vec![None; kernel.vars.len()],
        broken: Vec::new(),
        windows: Windows::new(kernel, machine),
        count: Count { times: 1, varies: false },
        fails: can_fail(&kernel.body),
        routines,
    };
    let known = kernel.params.keys().zip(params);
    writer.scopes[0].addresses =
        known.map(|(param, value)| Known { value, param, at: Affine::constant(0) }).collect();
    if writer.block(&kernel.body) {
        let results = if writer.fails { vec![writer.b.number(0)] } else { Vec::new() };
        writer.b.end(End::Return(results));
    }
    let mut function = cleanup(writer.b.finish());
    if !machine.multiply && without_multiply(&mut function) {
        routines.insert(names::U32_MUL);
    }
    function
}

/// Whether a block has a statement that ends the run.
pub(super) fn can_fail(block: &[Stmt]) -> bool {
    block.iter().any(|stmt| match stmt {
        Stmt::For { body, .. } => can_fail(body),
        Stmt::If { then, otherwise, .. } => can_fail(then) || can_fail(otherwise),
        Stmt::Fail { .. } => true,
        Stmt::Let { .. } | Stmt::Assign { .. } | Stmt::Store { .. } | Stmt::Break => false,
    })
}

impl Number {
    /// The words, low first.
    pub(super) fn words(self) -> Vec<Value> {
        match self {
            Self::One(word) => vec![word],
            Self::Two(low, high) => vec![low, high],
        }
    }

    /// The first words of a list as a number like this one.
    pub(super) fn like(self, words: &mut impl Iterator<Item = Value>) -> Self {
        let mut next = || words.next().expect("one word per word");
        match self {
            Self::One(_) => Self::One(next()),
            Self::Two(..) => {
                let low = next();
                Self::Two(low, next())
            }
        }
    }

    /// The only word.
    pub(super) fn word(self) -> Value {
        match self {
            Self::One(word) | Self::Two(word, _) => word,
        }
    }

    /// Both words.
    pub(super) fn pair(self) -> (Value, Value) {
        match self {
            Self::One(word) => (word, word),
            Self::Two(low, high) => (low, high),
        }
    }
}

impl Writer<'_> {
    /// The type of an expression.
    pub(super) fn scalar(&self, expr: Expr) -> Scalar {
        self.kernel.scalar(expr)
    }

    /// The class of a type that is one word, or of each word of it.
    pub(super) fn class(&self, scalar: Scalar) -> Class {
        if scalar == Scalar::F32 && self.machine.float { Class::Float } else { Class::Word }
    }

    /// Calls a routine.
    pub(super) fn call(&mut self, name: &'static str, args: &[Value], results: usize) -> Vec<Value> {
        self.routines.insert(name);
        self.b.push(Op::Call(Callee::Routine(name)), args, &vec![Class::Word; results])
    }

    /// Memory that no parameter with another number shares.
    pub(super) fn region(&self, param: Param) -> Region {
        let owner = self.kernel.params[param].may_alias.unwrap_or(param);
        Region(owner.index() as u16)
    }

    /// Whether nothing in the kernel writes what a parameter points to.
    pub(super) fn is_constant(&self, param: Param) -> bool {
        let params = &self.kernel.params;
        params[param].access == Access::Read && params.values().all(|p| p.may_alias != Some(param))
    }
}
