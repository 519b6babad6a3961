//! One call of a kernel: its counters, registers and views of memory, and the walk over statements and expressions.

use super::fault::Fault;
use super::memory::Memory;
use super::ops;
use crate::entity::Entity;
use crate::loops::{Affine, Bound, Expr, ExprData, Index, KernelData, Loop, Param, Scalar, Stmt};

/// The memory behind one parameter.
pub(super) struct View {
    /// The first byte.
    pub(super) start: usize,
    /// Elements.
    pub(super) len: usize,
    /// Bytes of an element.
    pub(super) size: usize,
    pub(super) writable: bool,
}

/// What happens after a statement.
#[derive(PartialEq)]
enum Flow {
    Next,
    Break,
}

pub(super) struct Frame<'a, 'p> {
    kernel: &'a KernelData,
    scalars: &'a [Scalar],
    views: Vec<View>,
    memory: &'a mut Memory<'p>,
    counters: Vec<i64>,
    registers: Vec<u64>,
}

impl<'a, 'p> Frame<'a, 'p> {
    pub(super) fn new(
        kernel: &'a KernelData,
        scalars: &'a [Scalar],
        views: Vec<View>,
        memory: &'a mut Memory<'p>,
    ) -> Self {
        let (counters, registers) = (vec![0; kernel.loops.len()], vec![0; kernel.vars.len()]);
        Self { kernel, scalars, views, memory, counters, registers }
    }

    pub(super) fn run(&mut self) -> Result<(), Fault> {
        self.block(&self.kernel.body).map(|_| ())
    }

    fn block(&mut self, block: &'a [Stmt]) -> Result<Flow, Fault> {
        for stmt in block {
            if self.stmt(stmt)? == Flow::Break {
                return Ok(Flow::Break);
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Result<Flow, Fault> {
        match stmt {
            Stmt::Let { var, value } | Stmt::Assign { var, value } => {
                self.registers[var.index()] = self.eval(*value)?;
            }
            Stmt::Store { param, index, value } => {
                let bits = self.eval(*value)?;
                self.store(*param, index, self.scalars[value.index()], bits)?;
            }
            Stmt::For { counter, lo, hi, step, body } => {
                let (lo, hi) = (self.bound(lo, i64::max)?, self.bound(hi, i64::min)?);
                self.repeat(*counter, lo, hi, *step, body)?;
            }
            Stmt::If { condition, then, otherwise } => {
                let block = if self.eval(*condition)? != 0 { then } else { otherwise };
                return self.block(block);
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Fail { code } => return Err(Fault::fail(*code)),
        }
        Ok(Flow::Next)
    }

    fn repeat(&mut self, counter: Loop, lo: i64, hi: i64, step: u32, body: &'a [Stmt]) -> Result<(), Fault> {
        let name = || &self.kernel.loops[counter].name;
        if step == 0 {
            return Err(Fault::new(format!("the step of loop {} is zero", name())));
        }
        if i32::try_from(lo).is_err() || i32::try_from(hi).is_err() {
            return Err(Fault::new(format!("loop {} from {lo} to {hi} does not fit i32", name())));
        }
        let mut at = lo;
        while at < hi {
            self.counters[counter.index()] = at;
            match self.block(body) {
                Ok(Flow::Next) => {}
                Ok(Flow::Break) => break,
                Err(fault) => return Err(fault.within(&self.kernel.loops[counter].name, at)),
            }
            at += i64::from(step);
        }
        Ok(())
    }

    fn bound(&self, bound: &Bound, pick: fn(i64, i64) -> i64) -> Result<i64, Fault> {
        let mut candidates = bound.0.iter();
        let first = candidates.next().ok_or_else(|| Fault::new("a loop has an empty bound".into()))?;
        candidates.try_fold(self.affine(first)?, |best, next| Ok(pick(best, self.affine(next)?)))
    }

    fn affine(&self, affine: &Affine) -> Result<i64, Fault> {
        let mut sum = affine.constant;
        for &(coefficient, counter) in &affine.terms {
            let term = coefficient.checked_mul(self.counters[counter.index()]);
            sum = term.and_then(|t| sum.checked_add(t)).ok_or_else(|| {
                Fault::new(format!(
                    "an index overflows at {coefficient} * {}",
                    self.kernel.loops[counter].name
                ))
            })?;
        }
        Ok(sum)
    }

    fn index(&self, index: &Index) -> Result<i64, Fault> {
        let mut at = self.affine(&index.affine)?;
        let overflow = || Fault::new("an index overflows".into());
        if let Some(ring) = &index.ring {
            let row = self.affine(&ring.row)?;
            if row < 0 || ring.rows == 0 {
                return Err(Fault::new(format!("row {row} in a ring of {}", ring.rows)));
            }
            let offset = ring.stride.checked_mul(row % i64::from(ring.rows));
            at = offset.and_then(|o| at.checked_add(o)).ok_or_else(overflow)?;
        }
        if let Some(dynamic) = &index.dynamic {
            let value = i64::from(self.eval(dynamic.value)? as i32);
            if value < dynamic.lo || value > dynamic.hi {
                let (lo, hi) = (dynamic.lo, dynamic.hi);
                return Err(Fault::new(format!("dynamic index {value} is outside {lo}..={hi}")));
            }
            let offset = dynamic.stride.checked_mul(value);
            at = offset.and_then(|o| at.checked_add(o)).ok_or_else(overflow)?;
        }
        Ok(at)
    }

    /// The first byte of `size` bytes from an element on, proven inside the buffer and aligned.
    fn address(&self, verb: &str, param: Param, index: &Index, size: usize) -> Result<usize, Fault> {
        let at = self.index(index)?;
        let view = &self.views[param.index()];
        let describe = |what: String| {
            Fault::new(format!("{verb} {}[{at}] of {size} bytes: {what}", self.kernel.params[param].name))
        };
        let count = size.div_ceil(view.size) as i64;
        if at < 0 || at > view.len as i64 - count {
            return Err(describe(format!("outside its {} elements", view.len)));
        }
        let address = view.start + at as usize * view.size;
        if address & (size - 1) != 0 {
            return Err(describe("misaligned".into()));
        }
        Ok(address)
    }

    fn load(&self, param: Param, index: &Index, scalar: Scalar) -> Result<u64, Fault> {
        let size = scalar.size();
        let start = self.address("load", param, index, size)?;
        let mut bits = 0;
        for byte in 0..size {
            if !self.memory.written[start + byte] {
                let element = self.index(index)?;
                let name = &self.kernel.params[param].name;
                return Err(Fault::new(format!("load {name}[{element}]: byte {byte} was never written")));
            }
            bits |= u64::from(self.memory.bytes[start + byte]) << (8 * byte);
        }
        Ok(ops::extend(scalar, bits))
    }

    fn store(&mut self, param: Param, index: &Index, scalar: Scalar, bits: u64) -> Result<(), Fault> {
        if !self.views[param.index()].writable {
            let name = &self.kernel.params[param].name;
            return Err(Fault::new(format!("store {name}: it may only be read")));
        }
        let size = scalar.size();
        let start = self.address("store", param, index, size)?;
        for byte in 0..size {
            self.memory.bytes[start + byte] = (bits >> (8 * byte)) as u8;
            self.memory.written[start + byte] = true;
        }
        Ok(())
    }

    fn eval(&self, expr: Expr) -> Result<u64, Fault> {
        match &self.kernel.exprs[expr] {
            ExprData::Literal(literal) => Ok(literal.bits()),
            ExprData::Var(var) => Ok(self.registers[var.index()]),
            ExprData::Affine(affine) => {
                let value = self.affine(affine)?;
                let fits = i32::try_from(value);
                Ok(fits.map_err(|_| Fault::new(format!("index value {value} does not fit i32")))? as u64)
            }
            ExprData::Load { param, index, scalar } => self.load(*param, index, *scalar),
            ExprData::Unary { op, value } => ops::unary(*op, self.scalars[value.index()], self.eval(*value)?),
            ExprData::Binary { op, left, right } => {
                ops::binary(*op, self.scalars[left.index()], self.eval(*left)?, self.eval(*right)?)
            }
            ExprData::Bits { to, value } => Ok(ops::extend(*to, self.eval(*value)?)),
            ExprData::Convert { to, value } => {
                Ok(ops::convert(self.scalars[value.index()], *to, self.eval(*value)?))
            }
            ExprData::Select { condition, then, otherwise } => {
                let (then, otherwise) = (self.eval(*then)?, self.eval(*otherwise)?);
                Ok(if self.eval(*condition)? != 0 { then } else { otherwise })
            }
            ExprData::Packed { op, args } => {
                let mut bits = [0; 3];
                for (slot, &arg) in bits.iter_mut().zip(args) {
                    *slot = self.eval(arg)?;
                }
                Ok(ops::packed(*op, bits))
            }
        }
    }
}
