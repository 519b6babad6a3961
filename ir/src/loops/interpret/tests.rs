//! Small whole programs, every trap, and every corner of the operations.

use super::*;
use crate::loops::testing::*;
use crate::loops::*;
use proptest::prelude::*;

fn outputs(program: &Program, inputs: &[Data]) -> Vec<Data> {
    run(program, inputs).unwrap().outputs
}

/// Evaluates an expression without operands in memory, stored as `to`.
fn value(to: Scalar, build: impl FnOnce(&mut Draft) -> Expr) -> Result<Data, Trap> {
    let mut k = Draft::new("value");
    let y = k.param("y", to, 1, Access::Write);
    let value = build(&mut k);
    k.push(store(y, Affine::constant(0), value));
    run(&program(k.0, vec![buffer("y", to, 1, Place::Output(0))]), &[]).map(|mut run| run.outputs.remove(0))
}

fn binary(op: BinaryOp, a: Literal, b: Literal) -> Result<Data, Trap> {
    let to = if op.is_comparison() { Scalar::Bool } else { a.scalar() };
    value(to, |k| {
        let (a, b) = (k.lit(a), k.lit(b));
        k.binary(op, a, b)
    })
}

#[test]
fn a_convolution_with_borders_is_the_naive_one() {
    for (h, w, size, pad, stride) in [(5, 4, 3, 1, 1), (6, 7, 3, 1, 2), (4, 4, 3, 2, 1), (3, 3, 2, 0, 1)] {
        let weight: Vec<i8> = (0..size * size).map(|i| (i * 7 - 11) as i8).collect();
        let x: Vec<i8> = (0..h * w).map(|i| (i * 5 - 30) as i8).collect();
        let program = conv_program(h, w, size, pad, stride, weight.clone());
        let (oh, ow) = ((h + 2 * pad - size) / stride + 1, (w + 2 * pad - size) / stride + 1);
        let mut expected = Vec::new();
        for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
            let mut sum = 0;
            for (ky, kx) in (0..size).flat_map(|ky| (0..size).map(move |kx| (ky, kx))) {
                let (iy, ix) = (oy * stride + ky - pad, ox * stride + kx - pad);
                if (0..h).contains(&iy) && (0..w).contains(&ix) {
                    sum +=
                        i32::from(x[(iy * w + ix) as usize]) * i32::from(weight[(ky * size + kx) as usize]);
                }
            }
            expected.push(sum);
        }
        assert_eq!(outputs(&program, &[Data::I8(x)]), [Data::I32(expected)]);
    }
}

#[test]
fn wide_loads_and_stores_are_little_endian() {
    let mut k = Draft::new("wide");
    let x = k.param("x", Scalar::U8, 8, Access::Read);
    let y = k.param("y", Scalar::I16, 4, Access::Write);
    let i = k.counter("i");
    let word = k.load(x, Affine::of(i), Scalar::I32);
    k.push(for_(i, 0, 8, 4, vec![store(y, Affine::constant(2), word)]));
    let last = k.load(x, Affine::constant(0), Scalar::I64);
    let first = k.convert(Scalar::I32, last);
    k.push(store(y, Affine::constant(0), first));
    let program = program(
        k.0,
        vec![buffer("x", Scalar::U8, 8, Place::Input(0)), buffer("y", Scalar::I16, 4, Place::Output(0))],
    );
    let out = outputs(&program, &[Data::U8(vec![1, 2, 3, 4, 5, 6, 7, 0xff])]);
    assert_eq!(out, [Data::I16(vec![0x201, 0x403, 0x605, 0xff07u16 as i16])]);
}

#[test]
fn breaks_rings_selects_and_data_dependent_indices() {
    // The ring of 3 rows of 2 is read from row 4 on (slot 1) until the break at the second row.
    let mut k = Draft::new("misc");
    let table = k.param("table", Scalar::U8, 6, Access::Read);
    let y = k.param("y", Scalar::I32, 4, Access::Write);
    let (i, seen) = (k.counter("i"), k.var("seen", Scalar::I32));
    let minus = k.i32(-1);
    k.push(Stmt::Let { var: seen, value: minus });
    let ring = Ring { stride: 2, row: Affine::of(i).offset(4), rows: 3 };
    let at = Index { affine: Affine::constant(1), ring: Some(ring), dynamic: None };
    let loaded = k.load_i32(table, at);
    let (counter, one) = (k.expr(ExprData::Affine(Affine::of(i))), k.i32(1));
    let done = k.binary(BinaryOp::Eq, counter, one);
    k.push(for_(
        i,
        0,
        9,
        1,
        vec![
            Stmt::Assign { var: seen, value: loaded },
            Stmt::If { condition: done, then: vec![Stmt::Break], otherwise: vec![] },
        ],
    ));
    let value = k.read(seen);
    k.push(store(y, Affine::constant(0), value));
    // table[table[5] - 2]
    let inner = k.load_i32(table, Affine::constant(5));
    let at = Index {
        affine: Affine::constant(-2),
        dynamic: Some(Dynamic { stride: 1, value: inner, lo: 2, hi: 5 }),
        ring: None,
    };
    let loaded = k.load_i32(table, at);
    k.push(store(y, Affine::constant(1), loaded));
    for (slot, condition) in [(2, true), (3, false)] {
        let (condition, then, otherwise) = (k.lit(Literal::Bool(condition)), k.i32(1), k.i32(2));
        let value = k.expr(ExprData::Select { condition, then, otherwise });
        k.push(store(y, Affine::constant(slot), value));
    }
    let output = buffer("y", Scalar::I32, 4, Place::Output(0));
    let mut program = program(k.0, vec![flash("table", Data::U8(vec![9, 8, 7, 6, 5, 4])), output]);
    assert_eq!(outputs(&program, &[]), [Data::I32(vec![6 - 2, 7, 1, 2])]);

    let table = program.calls[0].args[0];
    program.buffers[table] = flash("table", Data::U8(vec![9, 8, 7, 6, 5, 1]));
    assert_eq!(run(&program, &[]).unwrap_err().message, "dynamic index 1 is outside 2..=5");
}

#[test]
fn the_hook_sees_every_call_and_the_state_stays() {
    let mut k = Draft::new("count");
    let s = k.param("s", Scalar::I32, 1, Access::ReadWrite);
    let y = k.param("y", Scalar::I32, 1, Access::Write);
    let (old, one) = (k.load(s, Affine::constant(0), Scalar::I32), k.i32(1));
    let new = k.binary(BinaryOp::Add, old, one);
    k.push(store(s, Affine::constant(0), new));
    let copy = k.load(s, Affine::constant(0), Scalar::I32);
    k.push(store(y, Affine::constant(0), copy));
    let state = buffer("s", Scalar::I32, 1, Place::State(4));
    let mut program = program(k.0, vec![state, buffer("y", Scalar::I32, 1, Place::Output(0))]);
    program.calls.push(program.calls[0].clone());
    let mut interpreter = Interpreter::new(&program).unwrap();
    let mut seen = Vec::new();
    for expected in [2, 4] {
        let output = program.outputs[0];
        let run = interpreter.run_with(&[], |call, memory| seen.push((call, memory.read(output).unwrap())));
        assert_eq!(run.unwrap().outputs, [Data::I32(vec![expected])]);
    }
    let expected: Vec<_> = [(0, 1), (1, 2), (0, 3), (1, 4)].map(|(c, v)| (c, Data::I32(vec![v]))).into();
    assert_eq!(seen, expected);
    assert_eq!(outputs(&program, &[]), [Data::I32(vec![2])]);
}

#[test]
fn buffers_that_overlap_in_the_arena_share_bytes() {
    // A planner that puts both intermediate buffers at offset 0 must be found out by the result.
    let mut k = Draft::new("overlap");
    let [a, b] = ["a", "b"].map(|n| k.param(n, Scalar::I32, 1, Access::ReadWrite));
    let y = k.param("y", Scalar::I32, 1, Access::Write);
    for (param, number) in [(a, 1), (b, 2)] {
        let value = k.i32(number);
        k.push(store(param, Affine::constant(0), value));
    }
    let value = k.load(a, Affine::constant(0), Scalar::I32);
    k.push(store(y, Affine::constant(0), value));
    let arena = |name, at| buffer(name, Scalar::I32, 1, Place::Arena(at));
    let result = |at| {
        let output = buffer("y", Scalar::I32, 1, Place::Output(0));
        outputs(&program(k.0.clone(), vec![arena("a", 0), arena("b", at), output]), &[])
    };
    assert_eq!(result(4), [Data::I32(vec![1])]);
    assert_eq!(result(0), [Data::I32(vec![2])]);
}

#[test]
fn accesses_outside_a_buffer_trap_and_name_the_place() {
    let trap = run(&copy_program(3, 1), &[Data::I32(vec![1, 2, 3])]).unwrap_err();
    assert_eq!(
        trap.to_string(),
        "call 0, kernel copy: load x[3] of 4 bytes: outside its 3 elements (at i = 2)"
    );
    let trap = run(&copy_program(3, -1), &[Data::I32(vec![1, 2, 3])]).unwrap_err();
    assert_eq!(trap.message, "load x[-1] of 4 bytes: outside its 3 elements (at i = 0)");
}

#[test]
fn wide_access_traps_outside_and_misaligned() {
    let build = |at| {
        let mut k = Draft::new("wide");
        let x = k.param("x", Scalar::I8, 7, Access::Read);
        let y = k.param("y", Scalar::I32, 1, Access::Write);
        let word = k.load(x, Affine::constant(at), Scalar::I32);
        k.push(store(y, Affine::constant(0), word));
        let (x, y) = (flash("x", Data::I8(vec![1; 7])), buffer("y", Scalar::I32, 1, Place::Output(0)));
        run(&program(k.0, vec![x, y]), &[])
    };
    assert_eq!(build(0).unwrap().outputs, [Data::I32(vec![0x0101_0101])]);
    assert_eq!(build(2).unwrap_err().message, "load x[2] of 4 bytes: misaligned");
    assert_eq!(build(4).unwrap_err().message, "load x[4] of 4 bytes: outside its 7 elements");
}

#[test]
fn unwritten_bytes_trap() {
    let mut program = copy_program(2, 0);
    let x = program.inputs.pop().unwrap();
    program.buffers[x].place = Place::Arena(8);
    assert_eq!(run(&program, &[]).unwrap_err().message, "load x[0]: byte 0 was never written (at i = 0)");

    let mut program = copy_program(2, 0);
    program.calls.clear();
    assert_eq!(
        run(&program, &[Data::I32(vec![1, 2])]).unwrap_err().message,
        "element 0 of output y was never written"
    );
}

#[test]
fn memory_of_one_run_is_forgotten_by_the_next() {
    let mut k = Draft::new("once");
    let a = k.param("a", Scalar::I32, 1, Access::ReadWrite);
    let x = k.param("x", Scalar::I32, 1, Access::Read);
    let y = k.param("y", Scalar::I32, 1, Access::Write);
    let (first, one) = (k.load(x, Affine::constant(0), Scalar::I32), k.i32(1));
    let condition = k.binary(BinaryOp::Eq, first, one);
    let value = k.i32(5);
    let then = vec![store(a, Affine::constant(0), value)];
    k.push(Stmt::If { condition, then, otherwise: vec![] });
    let value = k.load(a, Affine::constant(0), Scalar::I32);
    k.push(store(y, Affine::constant(0), value));
    let one = |name, place| buffer(name, Scalar::I32, 1, place);
    let buffers = vec![one("a", Place::Arena(0)), one("x", Place::Input(0)), one("y", Place::Output(0))];
    let program = program(k.0, buffers);
    let mut interpreter = Interpreter::new(&program).unwrap();
    assert_eq!(interpreter.run(&[Data::I32(vec![1])]).unwrap().outputs, [Data::I32(vec![5])]);
    let trap = interpreter.run(&[Data::I32(vec![0])]).unwrap_err();
    assert_eq!(trap.message, "load a[0]: byte 0 was never written");
}

#[test]
fn writing_what_may_only_be_read_traps() {
    let mut program = copy_program(1, 0);
    let copy = program.calls[0].kernel;
    let y = program.kernels[copy].params.keys().nth(1).unwrap();
    program.kernels[copy].params[y].access = Access::Read;
    let trap = run(&program, &[Data::I32(vec![1])]).unwrap_err();
    assert_eq!(trap.message, "store y: it may only be read (at i = 0)");

    program.kernels[copy].params[y].access = Access::Write;
    program.calls[0].args.swap(0, 1);
    program.buffers[program.outputs[0]].place = Place::State(0);
    let trap = run(&program, &[Data::I32(vec![1])]).unwrap_err();
    assert_eq!(trap.message, "store y: it may only be read (at i = 0)");
}

#[test]
fn fail_reports_its_code() {
    let mut k = Draft::new("check");
    k.push(Stmt::Fail { code: 3 });
    let trap = run(&program(k.0, vec![]), &[]).unwrap_err();
    assert_eq!((trap.call, trap.kernel.as_str(), trap.fail), (Some(0), "check", Some(3)));
}

#[test]
fn unfit_inputs_and_plans_trap_before_the_first_call() {
    let mut program = copy_program(2, 0);
    let trap = run(&program, &[]).unwrap_err();
    assert_eq!((trap.call, trap.message.as_str()), (None, "0 inputs for a program of 1"));
    let message = run(&program, &[Data::I32(vec![1])]).unwrap_err().message;
    assert_eq!(message, "buffer x holds 2 of i32, not 1 of i32");
    let message = run(&program, &[Data::F32(vec![1.0; 2])]).unwrap_err().message;
    assert_eq!(message, "buffer x holds 2 of i32, not 2 of f32");
    program.buffers.push(buffer("scratch", Scalar::I16, 4, Place::Arena(58)));
    let message = run(&program, &[Data::I32(vec![1; 2])]).unwrap_err().message;
    assert_eq!(message, "buffer scratch has 8 bytes at 58 in an arena of 64");
}

#[test]
fn counters_and_indices_stay_in_i32() {
    let mut k = Draft::new("far");
    let i = k.counter("i");
    k.push(for_(i, 0, 1 << 31, 1, vec![Stmt::Break]));
    let message = run(&program(k.0, vec![]), &[]).unwrap_err().message;
    assert_eq!(message, "loop i from 0 to 2147483648 does not fit i32");
    let message =
        value(Scalar::I32, |k| k.expr(ExprData::Affine(Affine::constant(-1 << 32)))).unwrap_err().message;
    assert_eq!(message, "index value -4294967296 does not fit i32");
}

#[test]
fn a_negative_ring_row_traps() {
    let trap = value(Scalar::I32, |k| {
        let x = k.0.params.keys().next().unwrap();
        let ring = Some(Ring { stride: 1, row: Affine::constant(-1), rows: 4 });
        k.load(x, Index { affine: Affine::constant(0), ring, dynamic: None }, Scalar::I32)
    });
    assert_eq!(trap.unwrap_err().message, "row -1 in a ring of 4");
}

#[test]
fn proven_arithmetic_traps_where_it_overflows_and_wrapping_does_not() {
    use Literal::{I32, I64, U32, U64};
    let edges = [
        (BinaryOp::Add, BinaryOp::WrappingAdd, I32(i32::MAX), I32(1), I32(i32::MIN)),
        (BinaryOp::Sub, BinaryOp::WrappingSub, U32(0), U32(1), U32(u32::MAX)),
        (BinaryOp::Mul, BinaryOp::WrappingMul, I64(i64::MIN), I64(-1), I64(i64::MIN)),
        (BinaryOp::Add, BinaryOp::WrappingAdd, U64(u64::MAX), U64(2), U64(1)),
        (BinaryOp::Mul, BinaryOp::WrappingMul, I32(65536), I32(65536), I32(0)),
    ];
    for (proven, wrapping, a, b, expected) in edges {
        assert!(binary(proven, a, b).unwrap_err().message.contains("overflows"), "{proven:?} {a:?} {b:?}");
        assert_eq!(binary(wrapping, a, b).unwrap(), value(a.scalar(), |k| k.lit(expected)).unwrap());
    }
    assert_eq!(
        binary(BinaryOp::Add, I32(i32::MAX), I32(1)).unwrap_err().message,
        "2147483647 + 1 overflows i32"
    );
}

#[test]
fn divisions_and_shifts_have_no_undefined_corner() {
    use Literal::{I32, I64, U32, U64};
    let int = |op, a, b| binary(op, a, b).unwrap().int(0);
    assert_eq!(int(BinaryOp::Div, I32(-7), I32(2)), -3);
    assert_eq!(int(BinaryOp::Rem, I32(-7), I32(2)), -1);
    assert_eq!(int(BinaryOp::Div, I32(7), I32(0)), 0);
    assert_eq!(int(BinaryOp::Rem, I64(7), I64(0)), 7);
    assert_eq!(int(BinaryOp::Div, I32(i32::MIN), I32(-1)), i64::from(i32::MIN));
    assert_eq!(int(BinaryOp::Rem, I64(i64::MIN), I64(-1)), 0);
    assert_eq!(int(BinaryOp::Shl, I32(1), I32(31)), i64::from(i32::MIN));
    assert_eq!([-1, 32].map(|n| int(BinaryOp::Shl, I32(1), I32(n))), [0, 0]);
    assert_eq!([-1, 31, 32, i32::MIN].map(|n| int(BinaryOp::Shr, I32(-8), I32(n))), [-1; 4]);
    assert_eq!([-1, 31, 64].map(|n| int(BinaryOp::Shr, I32(8), I32(n))), [0; 3]);
    assert_eq!(int(BinaryOp::Shr, U32(1 << 31), U32(31)), 1);
    assert_eq!([32, u32::MAX].map(|n| int(BinaryOp::Shr, U32(u32::MAX), U32(n))), [0; 2]);
    assert_eq!(int(BinaryOp::Shr, U64(u64::MAX), U64(1 << 32)), 0);
    assert_eq!(int(BinaryOp::Shr, I64(i64::MIN), I64(63)), -1);
}

#[test]
fn floats_order_nan_and_signed_zeros() {
    use Literal::{F32, F64};
    let f32_bits = |op, a, b| match binary(op, F32(a), F32(b)).unwrap() {
        Data::F32(v) => v[0].to_bits(),
        other => panic!("{other:?}"),
    };
    for (a, b) in [(-0.0, 0.0), (0.0, -0.0)] {
        assert_eq!(f32_bits(BinaryOp::Min, a, b), (-0.0f32).to_bits());
        assert_eq!(f32_bits(BinaryOp::Max, a, b), 0.0f32.to_bits());
        assert_eq!(binary(BinaryOp::Eq, F32(a), F32(b)).unwrap(), Data::Bool(vec![true]));
        assert_eq!(binary(BinaryOp::Lt, F64(a.into()), F64(b.into())).unwrap(), Data::Bool(vec![false]));
    }
    for nan in [f32::NAN, -f32::NAN] {
        for (a, b) in [(nan, 1.0), (1.0, nan)] {
            assert!(
                [BinaryOp::Min, BinaryOp::Max].iter().all(|&op| f32::from_bits(f32_bits(op, a, b)).is_nan())
            );
            for (op, expected) in
                [(BinaryOp::Eq, false), (BinaryOp::Ne, true), (BinaryOp::Lt, false), (BinaryOp::Le, false)]
            {
                assert_eq!(binary(op, F32(a), F32(b)).unwrap(), Data::Bool(vec![expected]));
            }
        }
    }
    assert_eq!(f32_bits(BinaryOp::Min, f32::NEG_INFINITY, 1.0), f32::NEG_INFINITY.to_bits());
    assert_eq!(f32_bits(BinaryOp::Div, 1.0, 0.0), f32::INFINITY.to_bits());
    assert_eq!(f32_bits(BinaryOp::Add, 16_777_216.0, 1.0), 16_777_216.0f32.to_bits());
}

#[test]
fn unary_operations() {
    let apply = |op, literal: Literal| {
        value(literal.scalar(), |k| {
            let x = k.lit(literal);
            k.unary(op, x)
        })
        .unwrap()
    };
    use Literal::{Bool, F32, F64, I32, I64, U32};
    assert_eq!(apply(UnaryOp::Neg, I32(i32::MIN)), Data::I32(vec![i32::MIN]));
    assert_eq!(apply(UnaryOp::Abs, I64(i64::MIN)), Data::I64(vec![i64::MIN]));
    assert_eq!(apply(UnaryOp::Abs, I32(-5)), Data::I32(vec![5]));
    assert_eq!(apply(UnaryOp::Not, U32(1)), Data::U32(vec![u32::MAX - 1]));
    assert_eq!(apply(UnaryOp::Not, I32(0)), Data::I32(vec![-1]));
    assert_eq!(apply(UnaryOp::Not, Bool(true)), Data::Bool(vec![false]));
    assert_eq!(apply(UnaryOp::Sqrt, F32(2.0)), Data::F32(vec![std::f32::consts::SQRT_2]));
    assert_eq!(apply(UnaryOp::RoundTiesEven, F64(2.5)), Data::F64(vec![2.0]));
    assert_eq!(apply(UnaryOp::RoundTiesEven, F32(-3.5)), Data::F32(vec![-4.0]));
    assert_eq!(apply(UnaryOp::Exp, F32(0.75)), Data::F32(vec![tinyc_runtime::math::exp(0.75)]));
    let bits = |data| match data {
        Data::F32(v) => v[0].to_bits(),
        other => panic!("{other:?}"),
    };
    assert_eq!(bits(apply(UnaryOp::Neg, F32(0.0))), 1 << 31);
    assert_eq!(bits(apply(UnaryOp::Abs, F32(-0.0))), 0);
}

#[test]
fn conversions_cut_round_and_saturate() {
    let convert = |literal, to| {
        value(to, |k| {
            let x = k.lit(literal);
            k.convert(to, x)
        })
        .unwrap()
    };
    use Literal::{Bool, F32, F64, I32, I64, U64};
    assert_eq!(convert(I32(0x1ff), Scalar::I8), Data::I8(vec![-1]));
    assert_eq!(convert(I32(-1), Scalar::U32), Data::U32(vec![u32::MAX]));
    assert_eq!(convert(I32(-1), Scalar::U64), Data::U64(vec![u64::MAX]));
    assert_eq!(convert(I64(-(1 << 40) - 5), Scalar::I32), Data::I32(vec![-5]));
    assert_eq!(convert(U64(u64::MAX), Scalar::F32), Data::F32(vec![18_446_744_073_709_551_615.0]));
    assert_eq!(convert(I64(-1), Scalar::F64), Data::F64(vec![-1.0]));
    assert_eq!(convert(I32(16_777_217), Scalar::F32), Data::F32(vec![16_777_216.0]));
    assert_eq!(convert(F32(-1.9), Scalar::I32), Data::I32(vec![-1]));
    assert_eq!(convert(F32(300.0), Scalar::U8), Data::U8(vec![255]));
    assert_eq!(convert(F64(-1.0), Scalar::U64), Data::U64(vec![0]));
    assert_eq!(convert(F32(f32::NAN), Scalar::I64), Data::I64(vec![0]));
    assert_eq!(convert(F32(f32::INFINITY), Scalar::I64), Data::I64(vec![i64::MAX]));
    assert_eq!(convert(F64(0.1), Scalar::F32), Data::F32(vec![0.1]));
    assert_eq!(convert(Bool(true), Scalar::F32), Data::F32(vec![1.0]));
    assert_eq!(convert(F32(-0.0), Scalar::Bool), Data::Bool(vec![false]));
    assert_eq!(convert(F32(f32::NAN), Scalar::Bool), Data::Bool(vec![true]));
    assert_eq!(convert(I64(1 << 32), Scalar::Bool), Data::Bool(vec![true]));
}

/// A packed operation by its definition on lists of small numbers, with i128 arithmetic; wraps at the end.
fn naive(op: PackedOp, x: i64, y: i64, z: i64) -> i128 {
    let halves = |v: i64| [v as i16, (v >> 16) as i16].map(i128::from);
    let bytes = |v: i64| [0, 8, 16, 24].map(|s| i128::from((v >> s) as u8));
    let signed = |b: i128| if b >= 128 { b - 256 } else { b };
    let join = |parts: &[i128], bits: u32| -> i128 {
        parts.iter().rev().fold(0, |sum, p| (sum << bits) | (p & ((1 << bits) - 1)))
    };
    let each = |f: &dyn Fn(i128, i128) -> i128| join(&[0, 1, 2, 3].map(|i| f(bytes(x)[i], bytes(y)[i])), 8);
    let (hx, hy, hz) = (halves(x), halves(y), halves(z));
    let rotated = |rotate: u8, i: usize| bytes(x)[(i + usize::from(rotate) / 8) % 4];
    match op {
        PackedOp::Dot2 | PackedOp::Dot2Wide => i128::from(x) + hy[0] * hz[0] + hy[1] * hz[1],
        PackedOp::MulHalf { a_high, b_high } => {
            i128::from(x) + hy[usize::from(a_high)] * hz[usize::from(b_high)]
        }
        PackedOp::UnpackSigned { rotate } => join(&[0, 2].map(|i| signed(rotated(rotate, i))), 16),
        PackedOp::UnpackUnsigned { rotate } => join(&[0, 2].map(|i| rotated(rotate, i)), 16),
        PackedOp::PackLow => join(&[hx[0], hy[0]], 16),
        PackedOp::PackHigh => join(&[hx[1], hy[1]], 16),
        PackedOp::MulHigh => (i128::from(x) * i128::from(y)).div_euclid(1 << 32),
        PackedOp::MulHighAcc => i128::from(x) + (i128::from(y) * i128::from(z)).div_euclid(1 << 32),
        PackedOp::SaturateSigned { bits, shift } => {
            let half = 1i128 << (bits - 1);
            i128::from(x).div_euclid(1 << shift).clamp(-half, half - 1)
        }
        PackedOp::SaturateUnsigned { bits, shift } => {
            i128::from(x).div_euclid(1 << shift).clamp(0, (1i128 << bits) - 1)
        }
        PackedOp::AddBytes => each(&|a, b| (a + b) % 256),
        PackedOp::MaxBytesSigned => each(&|a, b| signed(a).max(signed(b))),
        PackedOp::MaxBytesUnsigned => each(&|a, b| a.max(b)),
    }
}

fn any_packed() -> impl Strategy<Value = PackedOp> {
    let rotate = prop::sample::select(vec![0u8, 8, 16, 24]);
    prop_oneof![
        Just(PackedOp::Dot2),
        Just(PackedOp::Dot2Wide),
        any::<(bool, bool)>().prop_map(|(a_high, b_high)| PackedOp::MulHalf { a_high, b_high }),
        rotate.clone().prop_map(|rotate| PackedOp::UnpackSigned { rotate }),
        rotate.prop_map(|rotate| PackedOp::UnpackUnsigned { rotate }),
        Just(PackedOp::PackLow),
        Just(PackedOp::PackHigh),
        Just(PackedOp::MulHigh),
        Just(PackedOp::MulHighAcc),
        (1u8..=32, 0u8..32).prop_map(|(bits, shift)| PackedOp::SaturateSigned { bits, shift }),
        (0u8..32, 0u8..32).prop_map(|(bits, shift)| PackedOp::SaturateUnsigned { bits, shift }),
        Just(PackedOp::AddBytes),
        Just(PackedOp::MaxBytesSigned),
        Just(PackedOp::MaxBytesUnsigned),
    ]
}

/// Words at the edges as often as anywhere: extremes decide about overflow.
fn any_word() -> impl Strategy<Value = i32> {
    let edges = vec![0, 1, -1, i32::MIN, i32::MAX, 0x8000_8000u32 as i32, 0x7fff_7fff, 0x8080_8080u32 as i32];
    prop_oneof![any::<i32>(), prop::sample::select(edges)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn packed_operations_match_their_definitions(
        op in any_packed(), acc in any::<i64>(), x in any_word(), y in any_word(), z in any_word(),
    ) {
        let first = if op == PackedOp::Dot2Wide { acc } else { i64::from(x) };
        let expected = naive(op, first, y.into(), z.into());
        let (operands, result) = op.signature();
        let data = value(result, |k| {
            let literals = [
                if op == PackedOp::Dot2Wide { Literal::I64(acc) } else { Literal::I32(x) },
                Literal::I32(y),
                Literal::I32(z),
            ];
            let args: Vec<Expr> = literals.iter().take(operands.len()).map(|&l| k.lit(l)).collect();
            k.packed(op, &args)
        });
        let expected = if result == Scalar::I64 { expected as i64 } else { i64::from(expected as i32) };
        prop_assert_eq!(data.unwrap().int(0), expected);
    }
}
