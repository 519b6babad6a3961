//! Checks one kernel: its tables first, then a walk over the statements with what is in scope.

use super::VerifyError;
use super::types::{check, is_arithmetic, is_whole_elements, operands};
use crate::entity::Entity;
use crate::loops::bounds::{Scope, affine_range, index_range, is_multiple_of};
use crate::loops::identifier::is_identifier;
use crate::loops::{
    Access, Affine, BinaryOp, Bound, Expr, ExprData, Index, KernelData, Literal, Loop, Param, Scalar, Stmt,
    Var,
};
use std::collections::BTreeSet;

/// Backends and the interpreter recurse over blocks and expressions; C compilers promise 127 nested blocks.
const MAX_BLOCKS: usize = 100;
/// As [`MAX_BLOCKS`], for operands in operands.
const MAX_OPERANDS: u32 = 500;

/// Appends everything that is wrong with a kernel.
pub(super) fn verify(kernel: &KernelData, errors: &mut Vec<VerifyError>) {
    let before = errors.len();
    let mut walk = Walk {
        kernel,
        errors,
        path: Vec::new(),
        scope: Scope::new(),
        names: Vec::new(),
        vars: Vec::new(),
        declared: BTreeSet::new(),
        repeated: BTreeSet::new(),
        used: vec![false; kernel.exprs.len()],
    };
    walk.params();
    walk.tables();
    if walk.errors.len() > before {
        return; // the walk relies on operands that exist and have types
    }
    walk.block(&kernel.body);
    walk.unused();
}

struct Walk<'a> {
    kernel: &'a KernelData,
    errors: &'a mut Vec<VerifyError>,
    /// Steps from the body to the current statement.
    path: Vec<String>,
    scope: Scope,
    /// Names of parameters, registers and loops in scope.
    names: Vec<&'a str>,
    /// Registers in scope.
    vars: Vec<Var>,
    declared: BTreeSet<Var>,
    repeated: BTreeSet<Loop>,
    used: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn error(&mut self, message: impl Into<String>) {
        let mut place = format!("kernel {}", self.kernel.name);
        if !self.path.is_empty() {
            place.push_str(", ");
            place.push_str(&self.path.join("."));
        }
        self.errors.push(VerifyError { place, message: message.into() });
    }

    /// Brings a name into scope.
    fn name(&mut self, name: &'a str) {
        if !is_identifier(name) {
            self.error(format!("{name:?} is not an identifier"));
        } else if self.names.contains(&name) {
            self.error(format!("the name {name} is taken"));
        }
        self.names.push(name);
    }

    fn params(&mut self) {
        for (id, param) in self.kernel.params.iter() {
            self.name(&param.name);
            if !param.align.is_power_of_two() || (param.align as usize) < param.scalar.size() {
                self.error(format!(
                    "alignment {} of {} does not suit {}",
                    param.align, param.name, param.scalar
                ));
            }
            if param.scalar.is_packed() {
                self.error(format!("elements of {} share bytes: {} is not u8", param.name, param.scalar));
            }
            let Some(other) = param.may_alias else { continue };
            let is_read = self.kernel.params.get(other).is_some_and(|p| p.access == Access::Read);
            if param.access == Access::Read || !is_read || other == id {
                self.error(format!("{} may alias {other}: only a written parameter, a read one", param.name));
            }
        }
    }

    /// Checks that whatever expressions name exists, and their types.
    fn tables(&mut self) {
        let kernel = self.kernel;
        for var in kernel.vars.values() {
            if !is_arithmetic(var.scalar) && var.scalar != Scalar::Bool {
                self.error(format!("register {} is {}", var.name, var.scalar));
            }
        }
        let mut depths: Vec<u32> = Vec::with_capacity(kernel.exprs.len());
        for (expr, data) in kernel.exprs.iter() {
            let mut inner = operands(data);
            if let ExprData::Load { index: Index { dynamic: Some(dynamic), .. }, .. } = data {
                inner.push(dynamic.value);
            }
            let depth = 1 + inner.iter().filter_map(|e| depths.get(e.index())).max().unwrap_or(&0);
            depths.push(depth);
            if let Some(&late) = inner.iter().find(|&&e| e >= expr) {
                self.error(format!("{expr} comes before its operand {late}"));
                return;
            }
            if depth > MAX_OPERANDS {
                self.error(format!("{expr} nests more than {MAX_OPERANDS} operands"));
                return;
            }
            let missing = match data {
                ExprData::Var(var) if kernel.vars.get(*var).is_none() => Some(format!("register {var}")),
                ExprData::Load { param, .. } if kernel.params.get(*param).is_none() => {
                    Some(format!("parameter {param}"))
                }
                _ => None,
            };
            if let Some(missing) = missing {
                self.error(format!("{expr}: {missing} does not exist"));
                return;
            }
            if let Err(message) = check(kernel, expr) {
                self.error(format!("{expr}: {message}"));
                return;
            }
        }
    }

    fn unused(&mut self) {
        let kernel = self.kernel;
        for expr in kernel.exprs.keys().filter(|e| !self.used[e.index()]).collect::<Vec<_>>() {
            self.error(format!("{expr} is never used"));
        }
        for var in kernel.vars.keys().filter(|v| !self.declared.contains(v)).collect::<Vec<_>>() {
            self.error(format!("no let declares register {var} {}", kernel.vars[var].name));
        }
        for counter in kernel.loops.keys().filter(|l| !self.repeated.contains(l)).collect::<Vec<_>>() {
            self.error(format!("no for has loop {counter} {}", kernel.loops[counter].name));
        }
    }

    fn block(&mut self, block: &'a [Stmt]) {
        if self.path.len() > 2 * MAX_BLOCKS {
            return self.error(format!("more than {MAX_BLOCKS} nested blocks"));
        }
        let (names, vars) = (self.names.len(), self.vars.len());
        for (position, stmt) in block.iter().enumerate() {
            self.path.push(position.to_string());
            self.stmt(stmt);
            self.path.pop();
        }
        self.names.truncate(names);
        self.vars.truncate(vars);
    }

    fn inner(&mut self, step: &str, block: &'a [Stmt]) {
        self.path.push(step.to_owned());
        self.block(block);
        self.path.pop();
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Let { var, value } => {
                let scalar = self.value(*value);
                let Some(data) = self.kernel.vars.get(*var) else {
                    return self.error(format!("register {var} does not exist"));
                };
                if !self.declared.insert(*var) {
                    self.error(format!("register {} is declared twice", data.name));
                }
                self.same_type(&data.name, data.scalar, scalar);
                self.name(&data.name);
                self.vars.push(*var);
            }
            Stmt::Assign { var, value } => {
                let scalar = self.value(*value);
                if self.in_scope(*var) {
                    let data = &self.kernel.vars[*var];
                    self.same_type(&data.name, data.scalar, scalar);
                }
            }
            Stmt::Store { param, index, value } => {
                let scalar = self.value(*value);
                let Some(data) = self.kernel.params.get(*param) else {
                    return self.error(format!("parameter {param} does not exist"));
                };
                if let Some(dynamic) = &index.dynamic {
                    self.value(dynamic.value);
                }
                let Some(scalar) = scalar else { return };
                if data.access == Access::Read {
                    self.error(format!("store to {}, which may only be read", data.name));
                }
                if !is_whole_elements(data.scalar, scalar) {
                    return self.error(format!("{scalar} is not made of elements of type {}", data.scalar));
                }
                self.access("store", *param, index, scalar);
            }
            Stmt::For { counter, lo, hi, step, body } => self.repeat(*counter, (lo, hi), *step, body),
            Stmt::If { condition, then, otherwise } => {
                if let Some(scalar) = self.value(*condition)
                    && scalar != Scalar::Bool
                {
                    self.error(format!("the condition is {scalar}, not bool"));
                }
                self.inner("then", then);
                self.inner("otherwise", otherwise);
            }
            Stmt::Break if self.scope.is_empty() => self.error("break outside a for"),
            Stmt::Fail { code: 0 } => self.error("the code of a fail is above zero"),
            Stmt::Break | Stmt::Fail { .. } => {}
        }
    }

    fn repeat(&mut self, counter: Loop, (lo, hi): (&Bound, &Bound), step: u32, body: &'a [Stmt]) {
        let Some(data) = self.kernel.loops.get(counter) else {
            return self.error(format!("loop {counter} does not exist"));
        };
        if !self.repeated.insert(counter) {
            return self.error(format!("loop {} has two fors", data.name));
        }
        let mut sound = true;
        if step == 0 {
            self.error(format!("the step of loop {} is zero", data.name));
            sound = false;
        }
        for (end, bound) in [("lower", lo), ("upper", hi)] {
            if bound.0.is_empty() {
                self.error(format!("loop {} has no {end} end", data.name));
                sound = false;
            }
            // The counter passes the upper end by less than a step before it is compared.
            let beyond = if end == "upper" { i64::from(step.max(1)) - 1 } else { 0 };
            for affine in &bound.0 {
                sound &= self.counters(affine);
                let (least, greatest) = affine_range(affine, &self.scope);
                self.fits_i32(affine, (least, greatest.saturating_add(beyond)));
            }
        }
        if !sound {
            return;
        }
        let names = self.names.len();
        self.name(&data.name);
        self.scope.push(counter, lo, hi, step);
        self.inner(&data.name, body);
        self.scope.pop();
        self.names.truncate(names);
    }

    /// Uses an expression and all in it; its type, or `None` if something is wrong with it.
    fn value(&mut self, root: Expr) -> Option<Scalar> {
        let kernel = self.kernel;
        if kernel.exprs.get(root).is_none() {
            self.error(format!("expression {root} does not exist"));
            return None;
        }
        let mut pending = vec![root];
        let mut sound = true;
        while let Some(expr) = pending.pop() {
            if std::mem::replace(&mut self.used[expr.index()], true) {
                self.error(format!("{expr} is used twice"));
                sound = false;
                continue;
            }
            let data = &kernel.exprs[expr];
            pending.extend(operands(data));
            match data {
                ExprData::Var(var) => sound &= self.in_scope(*var),
                ExprData::Affine(affine) => {
                    sound &= self.counters(affine);
                    let range = affine_range(affine, &self.scope);
                    self.fits_i32(affine, range);
                }
                ExprData::Load { param, index, scalar } => {
                    pending.extend(index.dynamic.as_ref().map(|d| d.value));
                    if kernel.params[*param].access == Access::Write {
                        self.error(format!(
                            "load from {}, which is only written",
                            kernel.params[*param].name
                        ));
                    }
                    self.access("load", *param, index, *scalar);
                }
                _ => {}
            }
        }
        sound.then(|| kernel.scalar(root))
    }

    fn same_type(&mut self, name: &str, expected: Scalar, given: Option<Scalar>) {
        if let Some(given) = given.filter(|&g| g != expected) {
            self.error(format!("{name} is {expected}, its value is {given}"));
        }
    }

    fn in_scope(&mut self, var: Var) -> bool {
        let known = self.vars.contains(&var);
        if !known {
            self.error(format!("register {var} is not in scope"));
        }
        known
    }

    /// Whether an affine expression is well formed and its counters are in scope.
    fn counters(&mut self, affine: &Affine) -> bool {
        let before = self.errors.len();
        let ordered = affine.terms.windows(2).all(|w| w[0].1 < w[1].1);
        if !ordered || affine.terms.iter().any(|t| t.0 == 0) {
            self.error(format!("the terms {:?} are not ordered by loop without zeros", affine.terms));
        }
        for &(_, counter) in affine.terms.iter().filter(|t| !self.scope.contains(t.1)).collect::<Vec<_>>() {
            self.error(format!("loop {counter} is not in scope"));
        }
        self.errors.len() == before
    }

    fn fits_i32(&mut self, affine: &Affine, (least, greatest): (i64, i64)) {
        let fits = least >= i64::from(i32::MIN) && greatest <= i64::from(i32::MAX);
        if !fits && !self.scope.never_runs() && affine.terms.iter().all(|t| self.scope.contains(t.1)) {
            self.error(format!("an affine value in {least}..={greatest} does not fit i32"));
        }
    }

    /// The range of an affine combination shifted right: the place of an element that shares its byte with others.
    fn shifted(&self, value: Expr) -> Option<(i64, i64)> {
        let ExprData::Binary { op: BinaryOp::Shr, left, right } = self.kernel.exprs[value] else {
            return None;
        };
        let ExprData::Affine(affine) = &self.kernel.exprs[left] else { return None };
        let ExprData::Literal(Literal::I32(amount @ 0..32)) = self.kernel.exprs[right] else { return None };
        let (least, greatest) = affine_range(affine, &self.scope);
        Some((least >> amount, greatest >> amount))
    }

    /// Proves an access inside its buffer and aligned.
    fn access(&mut self, verb: &str, param: Param, index: &Index, scalar: Scalar) {
        let kernel = self.kernel;
        let data = &kernel.params[param];
        let mut sound = self.counters(&index.affine);
        if let Some(ring) = &index.ring {
            sound &= self.counters(&ring.row);
            let least = affine_range(&ring.row, &self.scope).0;
            if ring.rows == 0 || (sound && least < 0 && !self.scope.never_runs()) {
                self.error(format!("{verb} {}: row {least} in a ring of {}", data.name, ring.rows));
                sound = false;
            }
        }
        if let Some(dynamic) = &index.dynamic {
            let scalar = kernel.exprs.get(dynamic.value).map(|_| kernel.scalar(dynamic.value));
            if scalar != Some(Scalar::I32) || dynamic.lo > dynamic.hi {
                self.error(format!("{verb} {}: a dynamic index is an i32 with lo ≤ hi", data.name));
                sound = false;
            } else if let Some((least, greatest)) = self.shifted(dynamic.value)
                && (least < dynamic.lo || greatest > dynamic.hi)
                && !self.scope.never_runs()
            {
                let (lo, hi) = (dynamic.lo, dynamic.hi);
                self.error(format!("{verb} {}: {least}..={greatest} is not within {lo}..={hi}", data.name));
            }
        }
        if !sound || self.scope.never_runs() {
            return;
        }
        let count = scalar.size().div_ceil(data.scalar.size());
        let (least, greatest) = index_range(index, &self.scope);
        if least < 0 || greatest > data.len as i64 - count as i64 {
            let last = greatest.saturating_add(count as i64 - 1);
            let message = format!("{verb} {}[{least}..={last}] of {} elements", data.name, data.len);
            self.error(message);
        }
        if count > 1 {
            if (data.align as usize) < scalar.size() {
                self.error(format!("{verb} {scalar}: {} is aligned to {}", data.name, data.align));
            }
            if !is_multiple_of(index, count as i64, &self.scope) {
                self.error(format!(
                    "{verb} {scalar}: the index into {} is not a multiple of {count}",
                    data.name
                ));
            }
        }
    }
}
