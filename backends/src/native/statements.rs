//! Statements as blocks. Registers become parameters of blocks where ways with different values meet. Loops test at
//! their end; before it only if they may have no iteration.

use super::counts::{self, Range};
use super::kernel::{Number, Writer};
use super::scope::{Kind, Known, Repeat, Scope, replace};
use super::{Block, Class, Cond, Count, Edge, End, Value};
use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::bounds::affine_range;
use tinyc_ir::loops::{Affine, Bound, Expr, Loop, Stmt, Var};

impl Writer<'_> {
    /// Writes a block; whether its end is reached.
    pub(super) fn block(&mut self, block: &[Stmt]) -> bool {
        block.iter().all(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Let { var, value } | Stmt::Assign { var, value } => {
                self.vars[var.index()] = Some(self.value(*value));
            }
            Stmt::Store { param, index, value } => self.store(*param, index, *value),
            Stmt::For { counter, lo, hi, step, body } => {
                let range =
                    Range { counter: *counter, lo: lo.clone(), hi: hi.clone(), step: i64::from(*step) };
                return self.repeat(range, body);
            }
            Stmt::If { condition, then, otherwise } => return self.branch(*condition, then, otherwise),
            Stmt::Break => {
                let block = self.b.current();
                let repeat = self.scopes.iter_mut().rev().find_map(Scope::repeat_mut);
                repeat.expect("a verified kernel breaks inside a loop").breaks.push(block);
                self.broken.push((block, self.vars.clone(), self.count));
                return false;
            }
            Stmt::Fail { code } => {
                let code = self.b.number(i32::from(*code));
                self.b.end(End::Return(vec![code]));
                return false;
            }
        }
        true
    }

    /// The current words of registers, in order.
    fn words(&self, vars: &[Var], state: &[Option<Number>]) -> Vec<Value> {
        vars.iter().filter_map(|v| state[v.index()]).flat_map(Number::words).collect()
    }

    /// Registers get new values, in order.
    fn set(&mut self, vars: &[Var], words: &[Value]) {
        let mut words = words.iter().copied();
        for var in vars {
            let old = self.vars[var.index()].expect("it has a value");
            self.vars[var.index()] = Some(old.like(&mut words));
        }
    }

    fn classes(&self, words: &[Value]) -> Vec<Class> {
        words.iter().map(|&w| self.b.class(w)).collect()
    }

    /// The registers that a block assigns and that have a value before it.
    fn assigned(&self, blocks: &[&[Stmt]]) -> Vec<Var> {
        let mut found = BTreeSet::new();
        let mut local = BTreeSet::new();
        blocks.iter().for_each(|block| collect(block, &mut found, &mut local));
        found.into_iter().filter(|v| !local.contains(v) && self.vars[v.index()].is_some()).collect()
    }

    fn branch(&mut self, condition: Expr, then: &[Stmt], otherwise: &[Stmt]) -> bool {
        let (cond, left, right) = self.condition(condition);
        if let (Some(l), Some(r)) = (self.b.constant(left), self.b.constant(right)) {
            let holds = super::interpret::holds(cond, l as u32, r as u32);
            return self.block(if holds { then } else { otherwise });
        }
        let vars = self.assigned(&[then, otherwise]);
        let before = self.b.current();
        let start = self.vars.clone();
        let count = self.count;
        let side = Count { varies: true, ..count };
        let mut ends: Vec<(Block, Vec<Value>, Count)> = Vec::new();
        let mut targets = Vec::new();
        for (name, block) in [("if", then), ("else", otherwise)] {
            if block.is_empty() {
                targets.push(None);
                continue;
            }
            let (target, _) = self.b.block(&[], self.depth(), side);
            self.b.comment(target, name);
            targets.push(Some(target));
            self.b.switch_to(target);
            self.scopes.push(Scope::new(Kind::Branch, before));
            self.count = side;
            if self.block(block) {
                ends.push((self.b.current(), self.words(&vars, &self.vars), self.count));
            }
            self.scopes.pop();
            self.vars.clone_from(&start);
        }
        let words = self.words(&vars, &start);
        let direct = targets.iter().any(Option::is_none);
        let reached = direct || !ends.is_empty();
        // What follows runs as often as the condition, unless a side leaves it.
        let leaves = ends.len() + usize::from(direct) < 2;
        self.count =
            Count { varies: count.varies || leaves || ends.iter().any(|e| e.2.times < count.times), ..count };
        let join = reached.then(|| self.b.block(&self.classes(&words), self.depth(), self.count));
        self.b.switch_to(before);
        let mut edges = targets.into_iter().map(|target| match (target, &join) {
            (Some(to), _) => Edge { to, args: Vec::new(), count: side },
            (None, Some((to, _))) => Edge { to: *to, args: words.clone(), count: side },
            (None, None) => unreachable!("an empty side is reached"),
        });
        let (then, otherwise) = (edges.next().expect("two sides"), edges.next().expect("two sides"));
        self.b.end(End::Branch { cond, left, right, then, otherwise });
        let Some((to, params)) = join else { return false };
        for (block, args, count) in ends {
            self.b.switch_to(block);
            self.b.end(End::Jump(Edge { to, args, count }));
        }
        self.b.switch_to(to);
        self.set(&vars, &params);
        true
    }

    fn repeat(&mut self, range: Range, body: &[Stmt]) -> bool {
        if range.trip() == Some(0) {
            return true;
        }
        let runs = range.trip().is_some() || self.runs(&range);
        self.bounds.push(range.counter, &range.lo, &range.hi, range.step as u32);
        let reached = self.bounds.never_runs() || self.loop_that_may_run(range, runs, body);
        self.bounds.pop();
        reached
    }

    /// Whether a loop is proven to have an iteration.
    fn runs(&self, range: &Range) -> bool {
        let distances = |lo: &Affine| range.hi.0.iter().map(|hi| hi.plus(&lo.times(-1))).collect::<Vec<_>>();
        range.lo.0.iter().flat_map(distances).all(|d| affine_range(&d, &self.bounds).0 >= 1)
    }

    /// How often a loop is entered and its body runs.
    fn counts(&self, range: &Range, breaks: bool) -> (Count, Count) {
        let mut ranges = self.ranges();
        ranges.push(range.clone());
        let exact = counts::count(&ranges);
        let (entries, times) = exact.unwrap_or_else(|| {
            let trip = counts::most(range, &self.bounds);
            (self.count.times, self.count.times.saturating_mul(trip))
        });
        let varies = self.count.varies || exact.is_none();
        (Count { times: entries, varies }, Count { times, varies: varies || breaks })
    }

    fn loop_that_may_run(&mut self, range: Range, runs: bool, body: &[Stmt]) -> bool {
        let before = self.b.current();
        let outer = self.count;
        let (entries, times) = self.counts(&range, breaks(body));
        let vars = self.assigned(&[body]);
        let start = self.words(&vars, &self.vars);
        let mut classes = self.classes(&start);
        classes.insert(0, Class::Word);
        let (header, params) = self.b.block(&classes, self.depth() + 1, times);
        self.b.comment(header, self.describe(&range));
        let counter = params[0];
        let repeat =
            Repeat { range: range.clone(), header, counter, carried: Vec::new(), breaks: Vec::new() };
        self.scopes.push(Scope::new(Kind::Loop(repeat), before));
        let first_break = self.broken.len();
        let before_vars = self.vars.clone();
        self.set(&vars, &params[1..]);
        self.count = times;
        self.b.switch_to(header);

        let latch = self.block(body).then(|| {
            let next = self.advance();
            (self.b.current(), self.words(&vars, &self.vars), next)
        });
        let counts_up = self.b.is_used(counter);
        let control = latch.is_some().then(|| self.control(&range, counter, counts_up));

        // Back to the block before the loop: first values, and the test if there may be no iteration.
        let scope = self.scopes.pop().expect("the loop's level");
        let Kind::Loop(repeat) = scope.kind else { unreachable!("a loop's level") };
        self.b.switch_to(before);
        let first = match (counts_up, range.trip()) {
            (true, _) => self.greatest(&range.lo),
            (false, Some(trip)) => self.b.number(trip as i32),
            (false, None) => self.distance(&range.lo, &range.hi),
        };
        let mut args = vec![first];
        args.extend(&start);
        args.extend(repeat.carried.iter().map(|c| c.first));
        let enter = Edge { to: header, args, count: entries };
        let guard = (!runs).then(|| {
            let ends = match counts_up {
                true => [first, self.least(&range.hi)],
                false => [self.b.number(0), first],
            };
            let skipped = outer.times.saturating_sub(entries.times);
            (ends, Count { times: skipped, varies: outer.varies || entries.varies })
        });

        let ways = usize::from(latch.is_some()) + usize::from(guard.is_some()) + repeat.breaks.len();
        self.count = outer;
        let broken = self.broken.split_off(first_break);
        if ways == 0 {
            self.b.end(End::Jump(enter));
            return false;
        }
        let merges = ways > 1 || latch.is_none();
        let exit_classes = if merges { self.classes(&start) } else { Vec::new() };
        let (exit, exit_params) = self.b.block(&exit_classes, self.depth(), outer);
        self.b.switch_to(before);
        match guard {
            Some(([left, right], count)) => {
                let otherwise = Edge { to: exit, args: start, count };
                self.b.end(End::Branch { cond: Cond::Lt, left, right, then: enter, otherwise });
            }
            None => self.b.end(End::Jump(enter)),
        }
        for (block, state, count) in &broken {
            self.b.switch_to(*block);
            let args = self.words(&vars, state);
            self.b.end(End::Jump(Edge { to: exit, args, count: *count }));
        }
        if let (Some((block, words, next)), Some((cond, [left, right], counter))) = (&latch, control) {
            let mut again = vec![counter];
            again.extend(words);
            again.extend(next);
            self.b.switch_to(*block);
            let times = Count { times: times.times.saturating_sub(entries.times), varies: times.varies };
            let then = Edge { to: header, args: again, count: times };
            let leave = if merges { words.clone() } else { Vec::new() };
            let count = Count {
                times: entries.times,
                varies: self.count.varies || times.varies && !broken.is_empty(),
            };
            let otherwise = Edge { to: exit, args: leave, count };
            self.b.end(End::Branch { cond, left, right, then, otherwise });
        }
        self.b.switch_to(exit);
        if merges {
            self.vars = before_vars;
            self.set(&vars, &exit_params);
        }
        let sure = runs && broken.is_empty();
        if let (true, Some((_, _, next))) = (sure, latch) {
            self.arrive(&range, &repeat, &next);
        }
        true
    }

    /// The test at a loop's end, and the counter's next value.
    fn control(&mut self, range: &Range, counter: Value, counts_up: bool) -> (Cond, [Value; 2], Value) {
        if counts_up {
            let next = self.b.add_number(counter, range.step as i32);
            let end = self.least(&range.hi);
            return (Cond::Lt, [next, end], next);
        }
        if range.trip().is_some() {
            let next = self.b.add_number(counter, -1);
            return (Cond::Ne, [next, self.b.number(0)], next);
        }
        // What is left to the end.
        let next = self.b.add_number(counter, -range.step as i32);
        let zero = self.b.number(0);
        (Cond::Lt, [zero, next], next)
    }

    /// After a loop that ran: where the addresses that it carried are now.
    fn arrive(&mut self, range: &Range, repeat: &Repeat, next: &[Value]) {
        let end = match (range.trip(), range.first()) {
            (Some(trip), Some(first)) => Some(first.offset(trip as i64 * range.step)),
            _ if range.step == 1 && range.hi.0.len() == 1 => Some(range.hi.0[0].clone()),
            _ => None,
        };
        for (carried, &value) in repeat.carried.iter().zip(next) {
            let at = &carried.known.at;
            let at = match &end {
                _ if at.coefficient(range.counter) == 0 => at.clone(),
                Some(end) => replace(at, range.counter, end),
                None => continue,
            };
            let known = Known { value, param: carried.known.param, at };
            self.scopes.last_mut().expect("the function").addresses.push(known);
        }
    }

    /// `for ky in max(0, 1 - oy)..3`.
    fn describe(&self, range: &Range) -> String {
        let name = |l: Loop| self.kernel.loops[l].name.as_str();
        let affine = |a: &Affine| {
            let mut text = String::new();
            for &(c, l) in &a.terms {
                let sign = if c < 0 { "-" } else { "+" };
                let factor = if c.abs() == 1 { String::new() } else { format!("{}*", c.abs()) };
                text.push_str(&format!(" {sign} {factor}{}", name(l)));
            }
            format!("{}{text}", a.constant)
        };
        let bound = |b: &Bound, pick: &str| match &b.0[..] {
            [one] => affine(one),
            many => format!("{pick}({})", many.iter().map(affine).collect::<Vec<_>>().join(", ")),
        };
        let step = if range.step == 1 { String::new() } else { format!(" step {}", range.step) };
        let (lo, hi) = (bound(&range.lo, "max"), bound(&range.hi, "min"));
        format!("for {} in {lo}..{hi}{step}", name(range.counter))
    }
}

/// The registers that a block assigns, and those that it declares.
fn collect(block: &[Stmt], assigned: &mut BTreeSet<Var>, declared: &mut BTreeSet<Var>) {
    for stmt in block {
        match stmt {
            Stmt::Let { var, .. } => _ = declared.insert(*var),
            Stmt::Assign { var, .. } => _ = assigned.insert(*var),
            Stmt::For { body, .. } => collect(body, assigned, declared),
            Stmt::If { then, otherwise, .. } => {
                collect(then, assigned, declared);
                collect(otherwise, assigned, declared);
            }
            Stmt::Store { .. } | Stmt::Break | Stmt::Fail { .. } => {}
        }
    }
}

/// Whether a block leaves the loop around it.
fn breaks(block: &[Stmt]) -> bool {
    block.iter().any(|stmt| match stmt {
        Stmt::Break => true,
        Stmt::If { then, otherwise, .. } => breaks(then) || breaks(otherwise),
        _ => false,
    })
}
