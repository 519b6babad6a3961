//! Programs in the shape of real layers: borders, requantisation, rings, gathers, wide words, float softmax.

use crate::driver::Case;
use crate::net::{Loops, Net};
use tinyc_ir::Data;
use tinyc_ir::loops::program::Face;
use tinyc_ir::loops::{
    Access, Affine, BinaryOp, Bound, Dynamic, Index, KernelBuilder, KernelData, PackedOp, Ring, Scalar, Stmt,
    UnaryOp,
};

/// Numbers that look random and are always the same.
fn noise(seed: u64, len: usize) -> Vec<i64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as i64
        })
        .collect()
}

fn bytes(seed: u64, len: usize) -> Data {
    Data::from_ints(Scalar::I8, noise(seed, len))
}

const SIZE: i64 = 6;
const CHANNELS: i64 = 3;

/// A 3×3 weighted sum over 6×6×3 with a border of one, requantised; then the mean over all positions; twice the
/// same kernel, one call in place.
pub(crate) fn quantized() -> Case {
    let area = (SIZE * SIZE * CHANNELS) as usize;
    let mut net = Net::new("blocks");
    let input = net.input("input", Scalar::I8, area);
    let output = net.output("output", Scalar::I8, CHANNELS as usize);
    net.0.buffers[input].face = Some(Face { shape: vec![1, 6, 6, 3], quant: Some((0.05, -3)) });
    net.0.buffers[output].face = Some(Face { shape: vec![1, 3], quant: Some((0.1, 4)) });
    let weight = net.flash("conv_weight", bytes(1, (27 * CHANNELS) as usize));
    let bias = net.flash("conv_bias", Data::I32(vec![900, -1200, 77]));
    let first = net.arena("hidden", Scalar::I8, area);
    let second = net.arena("double", Scalar::I8, area);
    net.call(conv(), &[input, weight, bias, first], 8748);
    net.call(relu(area), &[first, first], 0);
    let again = net.0.calls[0].kernel;
    let mut call = net.0.calls[0].clone();
    call.args = vec![first, weight, bias, second];
    call.origin = tinyc_ir::Origin::onnx("block/conv*/2", 2);
    net.0.calls.push(call);
    assert_eq!(again, net.0.calls[2].kernel);
    net.call(mean(), &[second, output], 108);
    Case { program: net.0, runs: vec![vec![bytes(5, area)], vec![bytes(6, area)]] }
}

fn conv() -> KernelData {
    let mut b =
        KernelBuilder::new("conv_3x3", "Weighted sum of 3x3 positions, 6x6x3 to 6x6x3, border of one.");
    let x = b.param("x", Scalar::I8, 108, Access::Read);
    let w = b.param("weight", Scalar::I8, 81, Access::Read);
    let bias = b.param("bias", Scalar::I32, 3, Access::Read);
    let y = b.param("y", Scalar::I8, 108, Access::Write);
    b.for_("oy", 0, SIZE, |b, oy| {
        b.for_("ox", 0, SIZE, |b, ox| {
            b.for_("oc", 0, CHANNELS, |b, oc| {
                let start = b.load(bias, oc);
                let acc = b.let_("acc", start);
                let border = |o| Bound(vec![Affine::constant(0), Affine::of(o).times(-1).offset(1)]);
                let end = |o| Bound(vec![Affine::of(o).times(-1).offset(SIZE + 1), Affine::constant(3)]);
                b.for_("ky", border(oy), end(oy), |b, ky| {
                    b.for_("kx", border(ox), end(ox), |b, kx| {
                        b.for_("c", 0, CHANNELS, |b, c| {
                            let row = Affine::of(oy).plus(&ky.into()).times(SIZE);
                            let at =
                                row.plus(&ox.into()).plus(&kx.into()).times(3).plus(&c.into()).offset(-21);
                            let tap = Affine::of(oc).times(9).plus(&Affine::of(ky).times(3)).plus(&kx.into());
                            let value = b.load_as(Scalar::I32, x, at);
                            let factor = b.load_as(Scalar::I32, w, tap.times(3).plus(&c.into()));
                            let product = b.mul(value, factor);
                            b.accumulate(acc, product);
                        });
                    });
                });
                let at = Affine::of(oy).times(SIZE).plus(&ox.into()).times(3).plus(&oc.into());
                let sum = b.var(acc);
                let multiplier = b.i32(1_500_000_007);
                let round = b.i32((-3 << 9) + (1 << 8));
                let t = b.packed(PackedOp::MulHighAcc, &[round, sum, multiplier]);
                let q = b.packed(PackedOp::SaturateSigned { bits: 8, shift: 9 }, &[t]);
                b.store(y, at, q);
            });
        });
    });
    b.finish()
}

fn relu(len: usize) -> KernelData {
    let mut b = KernelBuilder::new("relu", "The greater of each element and the zero point.");
    let x = b.param("x", Scalar::I8, len, Access::Read);
    let y = b.param("y", Scalar::I8, len, Access::Write);
    b.may_alias(y, x);
    b.for_("i", 0, len as i64, |b, i| {
        let value = b.load_as(Scalar::I32, x, i);
        let zero = b.i32(-3);
        let value = b.binary(BinaryOp::Max, value, zero);
        b.store(y, i, value);
    });
    b.finish()
}

fn mean() -> KernelData {
    let mut b = KernelBuilder::new("mean", "Mean over 36 positions of 3 channels, half up.");
    let x = b.param("x", Scalar::I8, 108, Access::Read);
    let y = b.param("y", Scalar::I8, 3, Access::Write);
    b.for_("c", 0, CHANNELS, |b, c| {
        let zero = b.int(Scalar::I64, 0);
        let sum = b.let_("sum", zero);
        b.for_("i", 0, 36, |b, i| {
            let value = b.load_as(Scalar::I64, x, Affine::of(i).times(3).plus(&c.into()));
            b.accumulate(sum, value);
        });
        let total = b.var(sum);
        let m = b.int(Scalar::I64, 119_304_647);
        let product = b.mul(total, m);
        let half = b.int(Scalar::I64, 1 << 31);
        let up = b.add(product, half);
        let shift = b.int(Scalar::I64, 32);
        let mean = b.binary(BinaryOp::Shr, up, shift);
        let narrow = b.convert(Scalar::I32, mean);
        let q = b.packed(PackedOp::SaturateSigned { bits: 8, shift: 0 }, &[narrow]);
        b.store(y, c, q);
    });
    b.finish()
}

/// Softmax of 10 floats, with a memory that holds floats where integers were before.
pub(crate) fn softmax() -> Case {
    let mut net = Net::new("softmax");
    let input = net.input("scores", Scalar::I32, 10);
    let output = net.output("shares", Scalar::F32, 10);
    let doubled = net.arena("doubled", Scalar::I32, 10);
    let scaled = net.arena("scaled", Scalar::F32, 10);
    // In place, with another type: the same bytes.
    net.0.buffers[scaled].place = net.0.buffers[doubled].place.clone();
    let exps = net.arena("exps", Scalar::F32, 10);
    let kernel = crate::net::elementwise("twice", &[Scalar::I32], Scalar::I32, 10, |b, v| {
        let one = b.i32(1);
        b.binary(BinaryOp::Shl, v[0], one)
    });
    net.call(kernel, &[input, doubled], 0);
    let mut kernel = crate::net::elementwise("scale", &[Scalar::I32], Scalar::F32, 10, |b, v| {
        let x = b.convert(Scalar::F32, v[0]);
        let scale = b.f32(0.01);
        let product = b.mul(x, scale);
        let end = b.f32(40.0);
        b.binary(BinaryOp::Min, product, end)
    });
    let (x, y) = (kernel.params.keys().next().unwrap(), kernel.params.keys().nth(1).unwrap());
    kernel.params[y].may_alias = Some(x);
    net.call(kernel, &[doubled, scaled], 10);
    net.call(shares(), &[scaled, exps, output], 10);
    let data = |seed| Data::I32(noise(seed, 10).into_iter().map(|v| v as i32 % 900).collect());
    Case { program: net.0, runs: vec![vec![data(3)], vec![data(4)]] }
}

fn shares() -> KernelData {
    let mut b = KernelBuilder::new("softmax", "Softmax of 10 numbers.");
    let x = b.param("x", Scalar::F32, 10, Access::Read);
    let e = b.param("e", Scalar::F32, 10, Access::ReadWrite);
    let y = b.param("y", Scalar::F32, 10, Access::Write);
    let low = b.f32(f32::NEG_INFINITY);
    let max = b.let_("max", low);
    b.for_("i", 0, 10, |b, i| {
        let (so_far, value) = (b.var(max), b.load(x, i));
        let value = b.binary(BinaryOp::Max, so_far, value);
        b.assign(max, value);
    });
    let zero = b.f32(0.0);
    let sum = b.let_("sum", zero);
    b.for_("i", 0, 10, |b, i| {
        let (value, top) = (b.load(x, i), b.var(max));
        let rest = b.sub(value, top);
        let power = b.unary(UnaryOp::Exp, rest);
        b.store(e, i, power);
        let power = b.load(e, i);
        b.accumulate(sum, power);
    });
    b.for_("i", 0, 10, |b, i| {
        let (power, total) = (b.load(e, i), b.var(sum));
        let share = b.binary(BinaryOp::Div, power, total);
        b.store(y, i, share);
    });
    b.finish()
}

/// A table look-up that fails on a bad index, a ring of rows, a search that breaks off, wide loads and stores.
pub(crate) fn control() -> Case {
    let mut net = Net::new("control");
    let picks = net.input("switch", Scalar::I32, 4);
    let taken = net.output("int", Scalar::I16, 4);
    let rolled = net.output("rolled", Scalar::I8, 12);
    let words = net.output("words", Scalar::I8, 16);
    let table = net.flash("table", Data::from_ints(Scalar::I16, noise(9, 8)));
    let rows = net.flash("rows", bytes(10, 12));
    net.call(gather(), &[picks, table, taken], 0);
    net.call(ring(), &[rows, rolled], 0);
    net.call(wide(), &[rows, words], 0);
    let run = |v: [i32; 4]| vec![Data::I32(v.into())];
    Case { program: net.0, runs: vec![run([0, 7, 3, 3]), run([2, 8, 0, 0]), run([1, 1, -1, 5])] }
}

fn gather() -> KernelData {
    let mut b = KernelBuilder::new("gather", "Elements of a table by number; a bad number ends the run.");
    let at = b.param("at", Scalar::I32, 4, Access::Read);
    let table = b.param("table", Scalar::I16, 8, Access::Read);
    let y = b.param("y", Scalar::I16, 4, Access::Write);
    b.for_("i", 0, 4, |b, i| {
        let n = b.load(at, i);
        let n = b.let_("n", n);
        let (low, zero) = (b.var(n), b.i32(0));
        let below = b.less(low, zero);
        let (last, high) = (b.i32(7), b.var(n));
        let above = b.less(last, high);
        let bad = b.binary(BinaryOp::Or, below, above);
        b.if_else(bad, vec![Stmt::Fail { code: 3 }], vec![]);
        let (v, zero, seven) = (b.var(n), b.i32(0), b.i32(7));
        let v = b.binary(BinaryOp::Max, v, zero);
        let value = b.binary(BinaryOp::Min, v, seven);
        let dynamic = Some(Dynamic { stride: 1, value, lo: 0, hi: 7 });
        let element = b.load(table, Index { affine: Affine::default(), ring: None, dynamic });
        b.store(y, i, element);
    });
    b.finish()
}

fn ring() -> KernelData {
    let mut b = KernelBuilder::new("ring", "Rows of a ring; stops at the first that starts above 100.");
    let x = b.param("x", Scalar::I8, 12, Access::Read);
    let y = b.param("y", Scalar::I8, 12, Access::Write);
    b.for_("i", 0, 12, |b, i| {
        let zero = b.i32(0);
        b.store(y, i, zero);
    });
    b.for_("row", 0, 4, |b, row| {
        let ring = Some(Ring { stride: 4, row: Affine::of(row).offset(1), rows: 3 });
        let first =
            b.load_as(Scalar::I32, x, Index { affine: Affine::default(), ring: ring.clone(), dynamic: None });
        let limit = b.i32(100);
        let stop = b.less(limit, first);
        b.if_else(stop, vec![Stmt::Break], vec![]);
        b.for_("c", 0, 4, |b, c| {
            let value =
                b.load_as(Scalar::I32, x, Index { affine: c.into(), ring: ring.clone(), dynamic: None });
            let (zero, one) = (b.i32(0), b.i32(1));
            let (v, w) = (b.let_("v", value), b.i32(-5));
            let read = b.var(v);
            let small = b.less(read, w);
            let selected = b.select(small, zero, one);
            let read = b.var(v);
            let sum = b.binary(BinaryOp::WrappingAdd, read, selected);
            b.store(y, Index { affine: c.into(), ring: ring.clone(), dynamic: None }, sum);
        });
    });
    b.finish()
}

fn wide() -> KernelData {
    let mut b =
        KernelBuilder::new("wide", "Words of four bytes, doubled bytewise, and the first eight bytes again.");
    let x = b.param("x", Scalar::I8, 12, Access::Read);
    let y = b.param("y", Scalar::I8, 16, Access::Write);
    b.for_step("i", 0, 8, 4, |b, i| {
        let (p, q) = (b.load_wide(Scalar::I32, x, i), b.load_wide(Scalar::I32, x, i));
        let value = b.packed(PackedOp::AddBytes, &[p, q]);
        b.store_wide(y, i, value);
    });
    let value = b.load_wide(Scalar::I64, x, Affine::constant(0));
    b.store_wide(y, Affine::constant(8), value);
    b.finish()
}
