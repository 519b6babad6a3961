//! Elements that share bytes: taken out of a buffer of u8 and put into one by shifts.
//!
//! Where the position in the byte is known, as in unrolled loops over weights, that is one or two shifts with known amounts;
//! elsewhere bits of the position choose. A written buffer is cleared first, and each element written once.

use super::layer::Layer;
use tinyc_ir::DType;
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Param, Scalar};

/// Where a packed element lies.
enum Place {
    /// The byte, and the element's first bit in it.
    Known(Affine, u32),
    /// A position in elements.
    Computed(Affine),
}

impl Place {
    fn new(dtype: DType, position: Affine) -> Self {
        let per_byte = dtype.packed().expect("the caller asked") as i64;
        if position.terms.iter().any(|t| t.0 % per_byte != 0) {
            return Self::Computed(position);
        }
        let terms = position.terms.iter().map(|&(c, l)| (c / per_byte, l)).collect();
        let byte = Affine { terms, constant: position.constant.div_euclid(per_byte) };
        Self::Known(byte, position.constant.rem_euclid(per_byte) as u32 * dtype.bits())
    }
}

impl Layer<'_> {
    /// One element: a packed integer as an i32, else in the buffer's type.
    pub fn load(&mut self, param: Param, index: impl Into<Index>) -> Expr {
        let index = index.into();
        let Some((dtype, _)) = self.packed(param) else { return self.b.load(param, index) };
        let signed = dtype.is_signed();
        let position = match index {
            Index { affine, ring: None, dynamic: None } => affine,
            index => return self.load_dynamic(dtype, param, index),
        };
        match Place::new(dtype, position) {
            Place::Known(byte, first) => {
                let byte = self.b.load_as(Scalar::I32, param, byte);
                let low =
                    self.shifted(BinaryOp::Shl, byte, if signed { 32 - first - dtype.bits() } else { 0 });
                match signed {
                    true => self.shifted(BinaryOp::Shr, low, 32 - dtype.bits()),
                    // The last element of a byte has nothing above it.
                    false if first + dtype.bits() == 8 => self.shifted(BinaryOp::Shr, low, first),
                    false => {
                        let low = self.shifted(BinaryOp::Shr, low, first);
                        self.masked(low, dtype)
                    }
                }
            }
            Place::Computed(position) => {
                let index = self.byte_of(dtype, param, |layer| layer.b.affine(position.clone()));
                let byte = self.b.load_as(Scalar::I32, param, index);
                self.chosen(dtype, byte, |layer| layer.b.affine(position.clone()))
            }
        }
    }

    /// One element, converted.
    pub fn load_as(&mut self, to: Scalar, param: Param, index: impl Into<Index>) -> Expr {
        let value = self.load(param, index);
        self.b.convert(to, value)
    }

    /// Writes one element; a packed one takes the low bits of an i32.
    pub fn store(&mut self, param: Param, index: impl Into<Index>, value: Expr) {
        let index = index.into();
        let Some((dtype, _)) = self.packed(param) else { return self.b.store(param, index, value) };
        let Index { affine: position, ring: None, dynamic: None } = index else {
            unreachable!("positions of packed results are affine")
        };
        let value = self.b.convert(Scalar::I32, value);
        let value = self.masked(value, dtype);
        let (old, shifted, byte) = match Place::new(dtype, position) {
            Place::Known(byte, first) => {
                let shifted = self.shifted(BinaryOp::Shl, value, first);
                (self.b.load_as(Scalar::I32, param, byte.clone()), shifted, byte.into())
            }
            Place::Computed(position) => {
                let mut shifted = value;
                for bits in steps(dtype) {
                    let part = self.b.let_("part", shifted);
                    let (low, high) = (self.b.var(part), self.b.var(part));
                    let high = self.shifted(BinaryOp::Shl, high, bits);
                    let at = self.b.affine(position.clone());
                    let is_high = self.bit(at, bits / dtype.bits());
                    shifted = self.b.select(is_high, high, low);
                }
                let [from, to] =
                    [(); 2].map(|()| self.byte_of(dtype, param, |l| l.b.affine(position.clone())));
                (self.b.load_as(Scalar::I32, param, from), shifted, to)
            }
        };
        let all = self.b.binary(BinaryOp::Or, old, shifted);
        self.b.store(param, byte, all);
    }

    /// Makes all elements of a written packed buffer 0.
    pub fn clear(&mut self, param: Param) {
        let count = self.len(param);
        self.each("byte", count, &mut |layer, at| {
            let zero = layer.b.i32(0);
            layer.b.store(param, at, zero);
        });
    }

    fn load_dynamic(&mut self, dtype: DType, param: Param, index: Index) -> Expr {
        let mut position = self.b.affine(index.affine);
        if let Some(dynamic) = index.dynamic {
            let stride = self.b.int(Scalar::I32, dynamic.stride);
            let offset = self.b.mul(dynamic.value, stride);
            position = self.b.add(position, offset);
        }
        let at = self.b.let_("at", position);
        let index = self.byte_of(dtype, param, |layer| layer.b.var(at));
        let byte = self.b.load_as(Scalar::I32, param, index);
        self.chosen(dtype, byte, |layer| layer.b.var(at))
    }

    /// The index of the byte that holds a position.
    fn byte_of(&mut self, dtype: DType, param: Param, position: impl Fn(&mut Self) -> Expr) -> Index {
        let position = position(self);
        let value = self.shifted(BinaryOp::Shr, position, dtype.packed().map_or(0, usize::ilog2));
        let hi = self.len(param) as i64 - 1;
        Index { dynamic: Some(Dynamic { stride: 1, value, lo: 0, hi }), ..Index::default() }
    }

    /// The element of a byte at a position.
    fn chosen(&mut self, dtype: DType, byte: Expr, position: impl Fn(&mut Self) -> Expr) -> Expr {
        let mut rest = byte;
        for bits in steps(dtype) {
            let part = self.b.let_("part", rest);
            let (low, high) = (self.b.var(part), self.b.var(part));
            let high = self.shifted(BinaryOp::Shr, high, bits);
            let at = position(self);
            let is_high = self.bit(at, bits / dtype.bits());
            rest = self.b.select(is_high, high, low);
        }
        if dtype.is_signed() { self.extended(rest, dtype) } else { self.masked(rest, dtype) }
    }

    /// The low bits of an i32 as a number of a signed packed type.
    pub fn extended(&mut self, value: Expr, dtype: DType) -> Expr {
        let top = self.shifted(BinaryOp::Shl, value, 32 - dtype.bits());
        self.shifted(BinaryOp::Shr, top, 32 - dtype.bits())
    }

    /// The low bits of an i32.
    pub fn masked(&mut self, value: Expr, dtype: DType) -> Expr {
        let mask = self.b.i32((1 << dtype.bits()) - 1);
        self.b.binary(BinaryOp::And, value, mask)
    }

    fn bit(&mut self, value: Expr, mask: u32) -> Expr {
        let mask = self.b.i32(mask as i32);
        let bit = self.b.binary(BinaryOp::And, value, mask);
        let zero = self.b.i32(0);
        self.b.binary(BinaryOp::Ne, bit, zero)
    }

    fn shifted(&mut self, op: BinaryOp, value: Expr, amount: u32) -> Expr {
        if amount == 0 {
            return value;
        }
        let amount = self.b.i32(amount as i32);
        self.b.binary(op, value, amount)
    }
}

/// The distances, in bits, that the bits of a position choose between: half a byte first.
fn steps(dtype: DType) -> impl Iterator<Item = u32> {
    [4, 2].into_iter().filter(move |&bits| bits >= dtype.bits())
}
