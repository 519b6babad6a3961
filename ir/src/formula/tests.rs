//! Formulas by hand: sharing, typing, values.

use super::*;

fn swish() -> Formula {
    Formula::write(&[DType::F32], |x| x[0] * x[0].sigmoid())
}

#[test]
fn equal_terms_are_one() {
    let twice = Formula::write(&[DType::F32], |x| (x[0] + 1.0) * (x[0] + 1.0));
    assert_eq!(twice.terms().len(), 4);
    assert_eq!(twice.uses(), [1, 1, 2, 0]);
}

#[test]
fn what_the_result_does_not_need_is_left_out() {
    let formula = Formula::write(&[DType::F32; 2], |x| {
        let _unused = x[0] * x[0];
        x[1].exp()
    });
    assert_eq!(formula.terms(), [Term::Argument(1), Term::Unary(UnaryOp::Exp, 0)]);
}

#[test]
fn formulas_are_typed() {
    assert_eq!(swish().types(&[DType::F32]).unwrap().last(), Some(&DType::F32));
    assert!(swish().types(&[DType::I32]).is_err());
    assert!(swish().types(&[]).is_err());
    let narrow = Formula::write(&[DType::I8], |x| x[0] + x[0]);
    assert!(narrow.types(&[DType::I8]).is_err());
    let bool_sum = Formula::write(&[DType::I32], |x| x[0].lt(x[0]) + x[0].lt(x[0]));
    assert!(bool_sum.types(&[DType::I32]).is_err());
}

#[test]
fn formulas_are_applied() {
    let swish = swish();
    let mut applied = Applied::new(&swish, &[DType::F32]).unwrap();
    let y = f32::from_bits(applied.apply(&[u64::from(0f32.to_bits())]) as u32);
    assert_eq!(y.to_bits(), 0);
    let wrapped = Formula::write(&[DType::I8; 2], |x| (x[0].wide() + x[1].wide()).to(DType::I8));
    let mut applied = Applied::new(&wrapped, &[DType::I8; 2]).unwrap();
    assert_eq!(applied.apply(&[127, 1]), -128i64 as u64);
    let abs = Formula::write(&[DType::I32], |x| x[0].lt(x[0].literal(0.0)).select(-x[0], x[0]));
    assert_eq!(Applied::new(&abs, &[DType::I32]).unwrap().apply(&[-5i64 as u64]), 5);
}

#[test]
fn formulas_of_formulas() {
    let sum = Formula::write(&[DType::F32; 2], |x| x[0] + x[1]);
    let square = |i: usize| Formula::write(&[DType::F32; 3], |x| x[i] * x[i]);
    let sums = Formula::write(&[DType::F32; 3], |x| x[2] * x[2] + x[0] * x[0]);
    assert_eq!(sum.on(&[square(2), square(0)]).terms().len(), sums.terms().len());
    let x = [3f32, 5.0, 4.0].map(|x| u64::from(x.to_bits()));
    for f in [sum.on(&[square(2), square(0)]), sums] {
        let y = Applied::new(&f, &[DType::F32; 3]).unwrap().apply(&x);
        assert_eq!(f32::from_bits(y as u32), 25.0);
    }
    let one = Formula::literal(crate::loops::Literal::F32(1.0));
    let next = sum.on(&[one, Formula::argument(0)]);
    assert_eq!(next.to_string(), "1.0f32 + x0");
}
