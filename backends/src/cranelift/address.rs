//! Addresses of elements, in 64 bits. Outer loops are added first: what an inner loop does not change is computed outside of it.

use super::kernel::{Checks, Translator};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Affine, Index, Param};

impl<'a> Translator<'a, '_> {
    /// The value of an affine combination.
    pub(super) fn affine(&mut self, affine: &Affine) -> Value {
        match self.sum(None, affine, 1) {
            None => self.builder.ins().iconst(I64, affine.constant),
            Some(sum) if affine.constant == 0 => sum,
            Some(sum) => self.builder.ins().iadd_imm_s(sum, affine.constant),
        }
    }

    /// `first + scale · (affine without its constant)`; `None` if there is nothing to add.
    fn sum(&mut self, first: Option<Value>, affine: &Affine, scale: i64) -> Option<Value> {
        let mut sum = first;
        for at in 0..self.nest.len() {
            let counter = self.nest[at];
            let factor = affine.coefficient(counter).wrapping_mul(scale);
            if factor == 0 {
                continue;
            }
            let variable = self.counters[counter.index()].expect("a loop of the nest has a counter");
            let value = self.builder.use_var(variable);
            let term = self.times(value, factor);
            sum = Some(match sum {
                None => term,
                Some(sum) => self.builder.ins().iadd(sum, term),
            });
        }
        sum
    }

    fn times(&mut self, value: Value, factor: i64) -> Value {
        match factor {
            1 => value,
            _ if factor > 0 && factor.count_ones() == 1 => {
                self.builder.ins().ishl_imm_u(value, i64::from(factor.trailing_zeros()))
            }
            _ => self.builder.ins().imul_imm_s(value, factor),
        }
    }

    /// An address and an offset from it: the first byte of an element.
    pub(super) fn address(&mut self, param: Param, index: &'a Index) -> (Value, i32) {
        let size = self.kernel.params[param].scalar.size() as i64;
        let base = self.bases[param.index()];
        let constant = index.affine.constant * size;
        let mut address = self.sum(Some(base), &index.affine, size).expect("there is a base");
        if let Some(ring) = &index.ring {
            let row = self.affine(&ring.row);
            let rows = self.builder.ins().iconst(I64, i64::from(ring.rows));
            let row = self.builder.ins().urem(row, rows);
            let offset = self.times(row, ring.stride.wrapping_mul(size));
            address = self.builder.ins().iadd(address, offset);
        }
        if let Some(dynamic) = &index.dynamic {
            let value = self.expr(dynamic.value);
            let mut value = self.builder.ins().sextend(I64, value);
            if self.checks == Checks::Clamp {
                let lo = self.builder.ins().iconst(I64, dynamic.lo);
                let hi = self.builder.ins().iconst(I64, dynamic.hi);
                value = self.builder.ins().smax(value, lo);
                value = self.builder.ins().smin(value, hi);
            }
            let offset = self.times(value, dynamic.stride.wrapping_mul(size));
            address = self.builder.ins().iadd(address, offset);
        }
        match i32::try_from(constant) {
            Ok(offset) => (address, offset),
            Err(_) => (self.builder.ins().iadd_imm_s(address, constant), 0),
        }
    }
}
