//! Sums of products that run side by side, four to a vector. The kernels of layers hold four accumulators of neighbouring outputs and
//! add to each, element by element, a product; the four additions become one of a vector. Each lane does what its register did, in the
//! same order, so not a bit changes.
//!
//! Found here are the registers that go together; [`lanes`](super::lanes) makes the code. Not here: loops. What is not
//! written out four times in a row of statements stays as it is.

use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, Index, KernelData, Param, Scalar, Stmt, Var};

/// Lanes of a vector of 32-bit elements.
pub(super) const LANES: usize = 4;

/// What four expressions are together.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Lanes {
    /// The same value in each.
    Splat(Expr),
    /// Neighbouring elements of 32 bits, from the first expression's on.
    Load {
        /// The buffer.
        param: Param,
        /// The expression of the first lane, which holds the index.
        first: Expr,
        /// The element's type; small integers are widened to 32 bits.
        element: Scalar,
    },
    /// An operation on each lane.
    Binary(BinaryOp, Box<(Lanes, Lanes)>),
}

/// A product that is added to each accumulator of a group.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Step {
    /// The sum: plain or wrapping.
    pub(super) sum: BinaryOp,
    /// The product: plain or wrapping.
    pub(super) product: BinaryOp,
    pub(super) left: Lanes,
    pub(super) right: Lanes,
}

/// Statements in a row: what to do with the sums among them.
#[derive(Default)]
pub(super) struct Run {
    /// How many statements.
    pub(super) length: usize,
    /// The first register of each group, and what is added to it, in order.
    pub(super) groups: Vec<(Var, Vec<Step>)>,
    /// The registers that the statements set, and to what.
    pub(super) lets: Lets,
}

/// What statements in a row add to each register: the whole sums.
type Sums = BTreeMap<Var, Vec<Expr>>;

/// How often expressions read registers.
type Reads = BTreeMap<Var, u32>;

/// Registers that statements in a row set, before any sum, and to what.
pub(super) type Lets = BTreeMap<Var, Expr>;

/// The registers of a kernel that share vectors.
pub(super) struct Groups<'a> {
    kernel: &'a KernelData,
    /// How often each register is read.
    uses: Reads,
    /// For each register, the first of its group, if it is in one.
    first: Vec<Option<Var>>,
}

impl<'a> Groups<'a> {
    /// None: every register stays on its own.
    pub(super) fn none(kernel: &'a KernelData) -> Self {
        let registers = kernel.vars.len();
        let mut uses = Reads::new();
        for data in kernel.exprs.values() {
            if let ExprData::Var(var) = data {
                *uses.entry(*var).or_default() += 1;
            }
        }
        Self { kernel, uses, first: vec![None; registers] }
    }

    /// Finds the groups of a kernel.
    pub(super) fn find(kernel: &'a KernelData) -> Self {
        let mut groups = Self::none(kernel);
        let mut born = BTreeMap::new();
        births(&kernel.body, &mut 0, &mut born);
        groups.search(&kernel.body, &born);
        groups
    }

    /// The first register of the group that a register is in, and its lane.
    pub(super) fn lane(&self, var: Var) -> Option<(Var, u8)> {
        let first = self.first[var.index()]?;
        Some((first, (var.index() - first.index()) as u8))
    }

    fn search(&mut self, stmts: &[Stmt], born: &BTreeMap<Var, (usize, usize)>) {
        let mut at = 0;
        while at < stmts.len() {
            let run = self.run(&stmts[at..], |groups, first| groups.may_share(first, born));
            for (first, _) in &run.groups {
                (0..LANES).for_each(|lane| self.first[first.index() + lane] = Some(*first));
            }
            match &stmts[at] {
                Stmt::For { body, .. } => self.search(body, born),
                Stmt::If { then, otherwise, .. } => {
                    self.search(then, born);
                    self.search(otherwise, born);
                }
                _ => {}
            }
            at += run.length.max(1);
        }
    }

    /// Whether four registers can be lanes: no other group has one of them, and they begin one after the other in one block.
    fn may_share(&self, first: Var, born: &BTreeMap<Var, (usize, usize)>) -> bool {
        let lanes: Vec<Var> = (0..LANES).map(|lane| Var::new(first.index() + lane)).collect();
        let births: Option<Vec<_>> = lanes.iter().map(|var| born.get(var).copied()).collect();
        let in_order =
            births.is_some_and(|births| births.windows(2).all(|w| w[0].0 == w[1].0 && w[0].1 < w[1].1));
        let whole = self.first[first.index()] == Some(first);
        in_order && (whole || lanes.iter().all(|var| self.first[var.index()].is_none()))
    }

    /// The statements from here on that are sums of products and registers that these need, with the groups that were found.
    pub(super) fn translated(&self, stmts: &[Stmt]) -> Run {
        self.run(stmts, |groups, first| groups.first[first.index()] == Some(first))
    }

    /// Registers that statements set and that nothing but these sums reads: vectors do without most of them.
    pub(super) fn idle(&self, lets: &Lets, sums: impl Iterator<Item = Expr>) -> Lets {
        let mut read = Reads::new();
        sums.for_each(|sum| self.reads(sum, &mut read));
        let idle = lets.iter().filter(|(var, _)| read.get(var) == self.uses.get(var));
        idle.map(|(&var, &value)| (var, value)).collect()
    }

    fn run(&self, stmts: &[Stmt], may_share: impl Fn(&Self, Var) -> bool) -> Run {
        let (mut sums, mut lets) = (Sums::new(), Lets::new());
        // What a statement has read must not change before its turn comes.
        let mut read = Reads::new();
        let mut length = 0;
        for stmt in stmts {
            match stmt {
                Stmt::Let { var, value } => {
                    self.reads(*value, &mut read);
                    if read.keys().any(|var| sums.contains_key(var)) {
                        break;
                    }
                    lets.insert(*var, *value);
                }
                Stmt::Assign { var, value } => {
                    let Some(factors) = self.factors(*var, *value) else { break };
                    factors.iter().for_each(|&factor| self.reads(factor, &mut read));
                    if read.contains_key(var) || read.keys().any(|var| sums.contains_key(var)) {
                        break;
                    }
                    sums.entry(*var).or_default().push(*value);
                }
                _ => break,
            }
            length += 1;
        }
        let mut groups = Vec::new();
        let mut next = 0;
        for &first in sums.keys() {
            if first.index() < next || !may_share(self, first) {
                continue;
            }
            if let Some(steps) = self.steps(&sums, &lets, first) {
                groups.push((first, steps));
                next = first.index() + LANES;
            }
        }
        Run { length, groups, lets }
    }

    /// The factors of what a statement adds to a register of 32 bits.
    fn factors(&self, var: Var, value: Expr) -> Option<[Expr; 2]> {
        let ExprData::Binary { op: BinaryOp::Add | BinaryOp::WrappingAdd, left, right } =
            self.kernel.exprs[value]
        else {
            return None;
        };
        let ExprData::Binary { op: BinaryOp::Mul | BinaryOp::WrappingMul, left: a, right: b } =
            self.kernel.exprs[right]
        else {
            return None;
        };
        let fits = matches!(self.kernel.vars[var].scalar, Scalar::F32 | Scalar::I32);
        (fits && self.is_var(left, var)).then_some([a, b])
    }

    fn is_var(&self, expr: Expr, var: Var) -> bool {
        self.kernel.exprs[expr] == ExprData::Var(var)
    }

    /// Adds the registers that an expression reads.
    fn reads(&self, expr: Expr, read: &mut Reads) {
        let index = |index: &Index, read: &mut Reads| {
            if let Some(dynamic) = &index.dynamic {
                self.reads(dynamic.value, read);
            }
        };
        match &self.kernel.exprs[expr] {
            ExprData::Literal(_) | ExprData::Affine(_) => {}
            ExprData::Var(var) => *read.entry(*var).or_default() += 1,
            ExprData::Load { index: at, .. } => index(at, read),
            ExprData::Unary { value, .. }
            | ExprData::Convert { value, .. }
            | ExprData::Bits { value, .. } => {
                self.reads(*value, read);
            }
            ExprData::Binary { left, right, .. } => {
                [left, right].into_iter().for_each(|&e| self.reads(e, read))
            }
            ExprData::Select { condition, then, otherwise } => {
                [condition, then, otherwise].into_iter().for_each(|&e| self.reads(e, read));
            }
            ExprData::Packed { args, .. } => args.iter().for_each(|&e| self.reads(e, read)),
        }
    }

    /// The sums of four registers as steps of one vector.
    fn steps(&self, sums: &Sums, lets: &Lets, first: Var) -> Option<Vec<Step>> {
        let all: Vec<&Vec<Expr>> =
            (0..LANES).map(|lane| sums.get(&Var::new(first.index() + lane))).collect::<Option<_>>()?;
        let scalar = self.kernel.vars[first].scalar;
        let alike = (1..LANES).all(|lane| {
            self.kernel.vars[Var::new(first.index() + lane)].scalar == scalar
                && all[lane].len() == all[0].len()
        });
        if !alike {
            return None;
        }
        (0..all[0].len()).map(|at| self.step(lets, [0, 1, 2, 3].map(|lane| all[lane][at]))).collect()
    }

    fn step(&self, lets: &Lets, sums: [Expr; LANES]) -> Option<Step> {
        let parts = sums.map(|sum| match self.kernel.exprs[sum] {
            ExprData::Binary { op, right, .. } => match self.kernel.exprs[right] {
                ExprData::Binary { op: product, left, right } => Some((op, product, left, right)),
                _ => None,
            },
            _ => None,
        });
        let (sum, product, ..) = parts[0]?;
        if parts.iter().any(|part| part.is_none_or(|part| (part.0, part.1) != (sum, product))) {
            return None;
        }
        let side = |pick: fn((BinaryOp, BinaryOp, Expr, Expr)) -> Expr| {
            let four: Vec<Expr> = parts.iter().flatten().map(|&part| pick(part)).collect();
            self.lanes(lets, four.try_into().ok()?)
        };
        let (left, right) = (side(|part| part.2)?, side(|part| part.3)?);
        let apart = !matches!((&left, &right), (Lanes::Splat(_), Lanes::Splat(_)));
        apart.then_some(Step { sum, product, left, right })
    }

    /// Four expressions as one, where they are alike.
    fn lanes(&self, lets: &Lets, four: [Expr; LANES]) -> Option<Lanes> {
        if (1..LANES).all(|lane| self.same(four[0], four[lane])) {
            return Some(Lanes::Splat(four[0]));
        }
        let four = four.map(|expr| self.resolved(lets, expr));
        let exprs = four.map(|expr| &self.kernel.exprs[expr]);
        match exprs {
            [ExprData::Load { scalar: Scalar::F32 | Scalar::I32, .. }, ..] => self.loads(four, false),
            [ExprData::Convert { to: Scalar::I32, .. }, ..] => {
                let values = exprs.map(|data| match data {
                    ExprData::Convert { to: Scalar::I32, value } => Some(*value),
                    _ => None,
                });
                let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
                self.loads(values.try_into().ok()?, true)
            }
            [
                ExprData::Binary { op: op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::WrappingSub), .. },
                ..,
            ] => {
                let sides = exprs.map(|data| match data {
                    ExprData::Binary { op: other, left, right } if other == op => Some((*left, *right)),
                    _ => None,
                });
                let sides: Vec<(Expr, Expr)> = sides.into_iter().collect::<Option<_>>()?;
                let side = |pick: fn(&(Expr, Expr)) -> Expr| {
                    self.lanes(lets, sides.iter().map(pick).collect::<Vec<_>>().try_into().ok()?)
                };
                Some(Lanes::Binary(*op, Box::new((side(|s| s.0)?, side(|s| s.1)?))))
            }
            _ => None,
        }
    }

    /// Neighbouring elements. Small ones are `widened`.
    fn loads(&self, four: [Expr; LANES], widened: bool) -> Option<Lanes> {
        let place = |expr: Expr| match &self.kernel.exprs[expr] {
            ExprData::Load { param, index, scalar } => {
                let own = self.kernel.params[*param].scalar == *scalar;
                (own && index.dynamic.is_none()).then_some((*param, index, *scalar))
            }
            _ => None,
        };
        let (param, index, element) = place(four[0])?;
        let small = matches!(element, Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16);
        let neighbours = (1..LANES).all(|lane| {
            place(four[lane]).is_some_and(|(p, i, s)| {
                let expected = Index { affine: index.affine.offset(lane as i64), ..index.clone() };
                (p, s) == (param, element) && *i == expected
            })
        });
        (neighbours && small == widened).then_some(Lanes::Load { param, first: four[0], element })
    }

    /// The value of a register that the same statements set, else the expression itself.
    fn resolved(&self, lets: &Lets, expr: Expr) -> Expr {
        match self.kernel.exprs[expr] {
            ExprData::Var(var) => lets.get(&var).copied().unwrap_or(expr),
            _ => expr,
        }
    }

    /// Whether two expressions have the same value where both are evaluated, as far as their form says.
    fn same(&self, a: Expr, b: Expr) -> bool {
        match (&self.kernel.exprs[a], &self.kernel.exprs[b]) {
            (ExprData::Convert { to, value }, ExprData::Convert { to: other, value: b }) => {
                to == other && self.same(*value, *b)
            }
            (ExprData::Binary { op, left, right }, ExprData::Binary { op: other, left: l, right: r }) => {
                op == other && self.same(*left, *l) && self.same(*right, *r)
            }
            (ExprData::Load { index, .. }, _) if index.dynamic.is_some() => false,
            (
                a @ (ExprData::Literal(_) | ExprData::Affine(_) | ExprData::Var(_) | ExprData::Load { .. }),
                b,
            ) => a == b,
            _ => false,
        }
    }
}

/// Where each register begins: the number of its block, and the statement there.
fn births(stmts: &[Stmt], block: &mut usize, born: &mut BTreeMap<Var, (usize, usize)>) {
    let here = *block;
    for (at, stmt) in stmts.iter().enumerate() {
        let mut inside = |body: &[Stmt]| {
            *block += 1;
            births(body, block, born);
        };
        match stmt {
            Stmt::For { body, .. } => inside(body),
            Stmt::If { then, otherwise, .. } => {
                inside(then);
                inside(otherwise);
            }
            Stmt::Let { var, .. } => {
                born.insert(*var, (here, at));
            }
            _ => {}
        }
    }
}
