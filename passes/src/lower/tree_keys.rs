//! How a tree ensemble compares: integers as they are, floats as integers of the same order, mapped once per row.

use super::layer::Layer;
use super::map::literal;
use super::tree_ensemble::dynamic;
use super::tree_tables::{Slot, Tables, table};
use tinyc_ir::DType;
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Index, Param, Scalar};

/// How numbers are compared.
pub(super) struct Keys {
    /// The features' type.
    dtype: DType,
    /// Whether features are mapped, as floats are, or compared as they are.
    pub(super) mapped: bool,
    /// The type that comparisons are made in.
    pub(super) scalar: Scalar,
    /// The type that mapped features and thresholds are stored in.
    pub(super) storage: DType,
    /// Added to a mapped feature before its low half is cut off, if it is.
    halve: Option<i64>,
    /// As stored.
    pub(super) thresholds: Vec<i64>,
}

impl Keys {
    pub(super) fn new(dtype: DType, tables: &Tables) -> Self {
        let thresholds = &tables.thresholds;
        let mapped = dtype.is_float();
        let scalar = if dtype.size() == 8 { Scalar::I64 } else { Scalar::I32 };
        let plain = |scalar, storage| Self {
            dtype,
            mapped,
            scalar,
            storage,
            halve: None,
            thresholds: tables.thresholds.clone(),
        };
        match dtype {
            DType::F64 => return plain(Scalar::I64, DType::I64),
            DType::U32 | DType::U64 => {
                // Compared as they are; the bits of `order` are turned back.
                let flip = if dtype == DType::U64 { i64::MIN } else { 0 };
                let thresholds = thresholds.iter().map(|t| t ^ flip).collect();
                return Self { dtype, mapped, scalar: dtype, storage: dtype, halve: None, thresholds };
            }
            DType::F32 => {}
            _ => {
                let (lo, hi) = (thresholds.iter().min().copied(), thresholds.iter().max().copied());
                let fits = |ty: &DType| {
                    let (least, greatest) = ty.int_range().unwrap_or((0, 0));
                    lo.is_none_or(|lo| i128::from(lo) >= least)
                        && hi.is_none_or(|hi| i128::from(hi) <= greatest)
                };
                let order = [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32, DType::I64];
                let storage = order.into_iter().find(fits).unwrap_or(DType::I64);
                return plain(scalar, storage);
            }
        }
        // A threshold of NaN is below everything but a NaN that counts as missing.
        let nan = i64::from(i32::MIN);
        let numbers = || thresholds.iter().filter(|&&t| t != nan);
        let low_half = |t: i64| t & 0xffff == 0;
        let cut = |cut: &dyn Fn(i64) -> i64| {
            thresholds.iter().map(|&t| if t == nan { i64::from(i16::MIN) } else { cut(t) }).collect()
        };
        // k ≤ t is ⌈k / 2^16⌉ ≤ t / 2^16 if the latter is whole, and ⌊k / 2^16⌋ < (t + 1) / 2^16 if that is.
        let (halve, thresholds) = if numbers().all(|&t| low_half(t)) {
            (Some(0xffff), cut(&|t| t >> 16))
        } else if numbers().all(|&t| low_half(t + 1)) {
            (Some(0), cut(&|t| ((t + 1) >> 16) - 1))
        } else {
            return plain(Scalar::I32, DType::I32);
        };
        Self { dtype, mapped, scalar: Scalar::I32, storage: DType::I16, halve, thresholds }
    }

    /// Writes the mapped features of a row.
    pub(super) fn prepare(
        &self,
        layer: &mut Layer<'_>,
        slots: &[Slot],
        sources: &Sources,
        x: Param,
        row: Affine,
        keys: Param,
    ) {
        let plain = slots.iter().filter(|slot| !slot.missing).count();
        for (missing, first, count) in [(false, 0, plain), (true, plain, slots.len() - plain)] {
            layer.each("f", count, &mut |layer, f| {
                let slot = f.offset(first as i64);
                let index = sources.index(layer, &slot, &row);
                let key = self.key(layer, x, index, missing);
                layer.b.store(keys, slot, key);
            });
        }
    }

    /// A float's order.
    fn key(&self, layer: &mut Layer<'_>, x: Param, index: Index, missing: bool) -> Expr {
        let scalar = self.scalar;
        let (bits, sign, infinity) = match self.dtype {
            DType::F64 => (i64::MAX as u64, 63, f64::INFINITY.to_bits()),
            _ => (i32::MAX as u64, 31, u64::from(f32::INFINITY.to_bits())),
        };
        let number = |layer: &mut Layer<'_>, bits: u64| layer.b.literal(literal(scalar, bits));
        let loaded = layer.b.load_wide(scalar, x, index);
        let stored = layer.b.let_("bits", loaded);
        let (value, mask) = (layer.b.var(stored), number(layer, bits));
        let magnitude = layer.b.binary(BinaryOp::And, value, mask);
        let magnitude = layer.b.let_("magnitude", magnitude);
        let (value, amount) = (layer.b.var(stored), number(layer, sign));
        let negative = layer.b.binary(BinaryOp::Shr, value, amount);
        let negative = layer.b.let_("negative", negative);
        // Negated where the sign is set, which gives both zeros as 0.
        let (value, flip) = (layer.b.var(magnitude), layer.b.var(negative));
        let flipped = layer.b.binary(BinaryOp::Xor, value, flip);
        let flip = layer.b.var(negative);
        let mut order = layer.b.binary(BinaryOp::WrappingSub, flipped, flip);
        if let Some(halve) = self.halve {
            if halve != 0 {
                let up = number(layer, halve as u64);
                order = layer.b.binary(BinaryOp::WrappingAdd, order, up);
            }
            let amount = number(layer, 16);
            order = layer.b.binary(BinaryOp::Shr, order, amount);
        }
        let (least, greatest) = self.storage.int_range().unwrap_or((0, 0));
        let (value, infinity) = (layer.b.var(magnitude), number(layer, infinity));
        let nan = number(layer, if missing { least as i64 as u64 } else { greatest as i64 as u64 });
        let is_nan = layer.b.less(infinity, value);
        layer.b.select(is_nan, nan, order)
    }
}

/// Which feature a slot holds.
pub(super) struct Sources {
    table: Option<Param>,
    features: usize,
    /// Nodes name features; there are no slots.
    pub(super) number_by_feature: bool,
}

impl Sources {
    pub(super) fn new(layer: &mut Layer<'_>, slots: &[Slot], features: usize, mapped: bool) -> Self {
        let straight = slots.iter().enumerate().all(|(i, slot)| slot.feature == i);
        let numbers: Vec<usize> = slots.iter().map(|slot| slot.feature).collect();
        let table = (mapped && !straight).then(|| layer.constant("sources", table(&numbers)));
        Self { table, features, number_by_feature: !mapped }
    }

    fn index(&self, layer: &mut Layer<'_>, slot: &Affine, row: &Affine) -> Index {
        match self.table {
            Some(table) => {
                let feature = layer.b.load_as(Scalar::I32, table, slot.clone());
                dynamic(row.clone(), 1, feature, self.features)
            }
            None => row.plus(slot).into(),
        }
    }
}
