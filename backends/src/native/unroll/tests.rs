//! Kernels before and after: the same results, and the loops that are expected to be left.

use super::unroll;
use crate::native::{Machine, Width};
use tinyc_ir::loops::{
    Access, Affine, Bound, Call, KernelBuilder, Place, Program, Scalar, Stmt, interpret, program, verify,
};
use tinyc_ir::{Data, Origin};

fn machine() -> Machine {
    fn offset(_: Width) -> (i32, i32) {
        (-255, 4095)
    }
    Machine {
        multiply: true,
        multiply_long: true,
        divide: true,
        count_leading_zeros: true,
        saturate: true,
        dsp: true,
        float: false,
        half: false,
        registers: 13,
        add: (-4095, 4095),
        offset,
    }
}

/// `for o in 0..outer { for i in lo..hi { y[20·o + i] = x[20·o + i] + i } }` on i32.
fn program(outer: i64, lo: impl Fn(Affine) -> Bound, hi: impl Fn(Affine) -> Bound, extra: usize) -> Program {
    let len = 20 * outer as usize;
    let mut b = KernelBuilder::new("count", "");
    let x = b.param("x", Scalar::I32, len, Access::Read);
    let y = b.param("y", Scalar::I32, len, Access::ReadWrite);
    let every = b.begin_for("every");
    let zero = b.i32(0);
    b.store(y, every, zero);
    b.end_for(every, 0, len as i64, 1);
    let o = b.begin_for("o");
    let i = b.begin_for("i");
    let at = Affine::of(o).times(20).plus(&i.into());
    let mut sum = b.load(x, at.clone());
    for _ in 0..=extra {
        let number = b.affine(i);
        sum = b.binary(tinyc_ir::loops::BinaryOp::WrappingAdd, sum, number);
    }
    b.store(y, at, sum);
    b.end_for(i, lo(o.into()), hi(o.into()), 1);
    b.end_for(o, 0, outer, 1);
    let mut made = Program { name: "test".into(), ..Program::default() };
    let kernel = made.kernels.push(b.finish());
    let mut buffer = |name: &str, place| {
        made.buffers.push(program::BufferData {
            name: name.into(),
            scalar: Scalar::I32,
            len,
            align: 4,
            place,
            packed: None,
            tensor: None,
            face: None,
        })
    };
    let (x, y) = (buffer("x", Place::Input(0)), buffer("y", Place::Output(0)));
    (made.inputs, made.outputs) = (vec![x], vec![y]);
    made.calls.push(Call { kernel, args: vec![x, y], origin: Origin::default(), macs: 0 });
    made
}

/// The steps of the loops that are left inside the second one, having checked that it computes the same.
fn steps(before: &Program) -> Vec<u32> {
    assert_eq!(verify(before), Ok(()));
    let mut after = before.clone();
    after.kernels = tinyc_ir::entity::Arena::new();
    for kernel in before.kernels.values() {
        after.kernels.push(unroll(kernel, &machine()));
    }
    assert_eq!(verify(&after), Ok(()), "{after}");
    let len = before.buffers.values().next().expect("a buffer").len;
    let input = [Data::I32((0..len as i32).map(|i| i * 7 - 50).collect())];
    assert_eq!(interpret::run(before, &input), interpret::run(&after, &input));
    let body = &after.kernels.values().next().expect("a kernel").body;
    let Some(Stmt::For { body, .. }) = body.last() else { panic!("the outer loop is gone") };
    body.iter().filter_map(|s| if let Stmt::For { step, .. } = s { Some(*step) } else { None }).collect()
}

fn constant(number: i64) -> impl Fn(Affine) -> Bound {
    move |_| Bound::from(number)
}

#[test]
fn short_loops_are_written_out() {
    assert_eq!(steps(&program(50, constant(2), constant(9), 0)), [0; 0]);
}

#[test]
fn long_bodies_are_repeated_so_often_that_it_divides() {
    assert_eq!(steps(&program(50, constant(0), constant(18), 10)), [3]);
}

#[test]
fn a_rest_stands_behind_the_loop() {
    // 17 is prime.
    let left = steps(&program(50, constant(1), constant(18), 10));
    assert!(left.len() == 1 && left[0] > 1, "{left:?}");
}

#[test]
fn what_hardly_runs_stays() {
    assert_eq!(steps(&program(2, constant(0), constant(19), 12)), [1]);
}

#[test]
fn loops_of_varying_length_are_repeated_where_that_divides_it() {
    let border = |o: Affine| Bound(vec![Affine::constant(0), o.times(-3).offset(6)]);
    let left = steps(&program(40, border, constant(18), 0));
    assert_eq!(left, [3]);
    let odd = |o: Affine| Bound(vec![Affine::constant(0), o.times(-1).offset(5)]);
    assert_eq!(steps(&program(40, odd, constant(18), 0)), [1]);
}
