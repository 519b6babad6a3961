//! A formula of floats on stored integers, in 32-bit fixed point: gates and states of recurrent layers, and whatever else is made of several
//! tensors, without one float.
//!
//! Every number in between has as many fractional bits as its bounds leave room for, so that 2^30 is never passed; bounds come from the
//! arguments' types and scales. Products keep the high word. Sigmoid and tanh are `1/(1 + 2^-w)` by a polynomial and two steps of Newton's
//! method, within 2^-16 of the exact value; the tests try every argument. What comes out is a formula like any other: its meaning is the
//! integers that it says, wherever it runs.

mod number;
mod squash;

use self::number::{Fixed, ROOM, high, mantissa, room, shifted};
use self::squash::{sigmoid, tanh};
use crate::quantize::range::Stored;
use tinyc_ir::DType;
use tinyc_ir::formula::{Formula, Number, Term};
use tinyc_ir::loops::{BinaryOp, Literal, UnaryOp};

/// Whether [`of`] knows all operations of a formula.
pub(crate) fn supports(formula: &Formula) -> bool {
    formula.terms().iter().all(|term| match term {
        Term::Argument(_) | Term::Literal(Literal::F32(_)) => true,
        Term::Unary(op, _) => {
            matches!(op, UnaryOp::Neg | UnaryOp::Abs | UnaryOp::Sigmoid | UnaryOp::Tanh)
        }
        Term::Binary(op, _, y) => match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Min | BinaryOp::Max => true,
            BinaryOp::Div => matches!(formula.terms()[*y], Term::Literal(_)),
            _ => false,
        },
        _ => false,
    })
}

/// The formula on stored arguments, making a stored result; `None` if its numbers have no room in 32 bits.
pub(crate) fn of(formula: &Formula, arguments: &[Stored], result: Stored) -> Option<Formula> {
    if arguments.is_empty() || !supports(formula) {
        return None;
    }
    let dtypes: Vec<DType> = arguments.iter().map(|a| a.dtype).collect();
    let mut found = true;
    let written = Formula::write(&dtypes, |x| {
        let body = body(formula, x, arguments).and_then(|part| stored(part, x[0], result));
        found = body.is_some();
        body.unwrap_or(x[0])
    });
    found.then_some(written)
}

/// A sum of 32 bits, in units of `scale` and within `bound` of them, as a stored result.
pub(crate) fn rescaled(bound: f64, scale: f64, result: Stored) -> Option<Formula> {
    let mut found = true;
    let written = Formula::write(&[DType::I32], |x| {
        let number = || {
            let bits = room(bound)?;
            let sum = Fixed { number: shifted(x[0], bits), bits, lo: -bound, hi: bound };
            stored(scaled(sum, scale)?, x[0], result)
        };
        let number = number();
        found = number.is_some();
        number.unwrap_or(x[0])
    });
    found.then_some(written)
}

/// A number that is known, or computed in each run.
#[derive(Clone, Copy)]
enum Part<'w> {
    Known(f64),
    Computed(Fixed<'w>),
}

fn body<'w>(formula: &Formula, x: &[Number<'w>], arguments: &[Stored]) -> Option<Part<'w>> {
    let mut parts: Vec<Part<'w>> = Vec::with_capacity(formula.terms().len());
    for term in formula.terms() {
        let part = match *term {
            Term::Argument(i) => Part::Computed(argument(*x.get(i)?, &arguments[i])?),
            Term::Literal(Literal::F32(value)) => Part::Known(value.into()),
            Term::Unary(op, a) => unary(op, parts[a])?,
            Term::Binary(op, a, b) => binary(op, parts[a], parts[b])?,
            _ => return None,
        };
        parts.push(part);
    }
    parts.pop()
}

fn argument<'w>(x: Number<'w>, stored: &Stored) -> Option<Fixed<'w>> {
    let (lo, hi) = stored.dtype.int_range()?;
    let zero = f64::from(stored.zero_point);
    let (lo, hi) = (lo as f64 - zero, hi as f64 - zero);
    let wide = x.to(DType::I32);
    let number = if zero == 0.0 { wide } else { wide - zero };
    let up = room(lo.abs().max(hi.abs()))?;
    let scale = f64::from(stored.scale);
    let (factor, exponent) = mantissa(scale);
    let moved = shifted(number, up);
    let number = high(moved, moved.literal(factor));
    Some(Fixed { number, bits: up - 1 - exponent, lo: lo * scale, hi: hi * scale })
}

fn unary(op: UnaryOp, x: Part<'_>) -> Option<Part<'_>> {
    Some(match (op, x) {
        (UnaryOp::Neg, Part::Known(x)) => Part::Known(-x),
        (UnaryOp::Abs, Part::Known(x)) => Part::Known(x.abs()),
        (UnaryOp::Sigmoid, Part::Known(x)) => Part::Known(1.0 / (1.0 + (-x).exp())),
        (UnaryOp::Tanh, Part::Known(x)) => Part::Known(x.tanh()),
        (UnaryOp::Neg, Part::Computed(x)) => {
            Part::Computed(Fixed { number: -x.number, bits: x.bits, lo: -x.hi, hi: -x.lo })
        }
        (UnaryOp::Abs, Part::Computed(x)) => {
            Part::Computed(Fixed { number: x.number.abs(), lo: 0.0, hi: x.size(), ..x })
        }
        (UnaryOp::Sigmoid, Part::Computed(x)) => Part::Computed(sigmoid(x)),
        (UnaryOp::Tanh, Part::Computed(x)) => Part::Computed(tanh(x)),
        _ => return None,
    })
}

fn binary<'w>(op: BinaryOp, a: Part<'w>, b: Part<'w>) -> Option<Part<'w>> {
    use BinaryOp as B;
    use Part::{Computed, Known};
    Some(match (op, a, b) {
        (_, Known(a), Known(b)) => Known(match op {
            B::Add => a + b,
            B::Sub => a - b,
            B::Mul => a * b,
            B::Div => a / b,
            B::Min => a.min(b),
            _ => a.max(b),
        }),
        (B::Div, a, Known(b)) => binary(B::Mul, a, Known(1.0 / b))?,
        (B::Mul, Computed(x), Known(c)) | (B::Mul, Known(c), Computed(x)) => scaled(x, c)?,
        (B::Mul, Computed(a), Computed(b)) => {
            let (a, b) = (a.full()?, b.full()?);
            let corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
            let lo = corners.iter().copied().fold(f64::INFINITY, f64::min);
            let hi = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Computed(Fixed { number: high(a.number, b.number), bits: a.bits + b.bits - 32, lo, hi })
        }
        (B::Add | B::Sub | B::Min | B::Max, a, b) => {
            let ends = |part: &Part<'_>| match part {
                Known(c) => (*c, *c),
                Computed(x) => (x.lo, x.hi),
            };
            let ((al, ah), (bl, bh)) = (ends(&a), ends(&b));
            let (lo, hi) = match op {
                B::Add => (al + bl, ah + bh),
                B::Sub => (al - bh, ah - bl),
                B::Min => (al.min(bl), ah.min(bh)),
                _ => (al.max(bl), ah.max(bh)),
            };
            let own = |part: &Part<'_>| match part {
                Known(_) => ROOM,
                Computed(x) => x.bits,
            };
            let sizes = [al, ah, bl, bh, lo, hi];
            let most = sizes.iter().fold(0.0f64, |most, size| most.max(size.abs()));
            let bits = own(&a).min(own(&b)).min(room(most)?);
            let format = Fixed { number: computed(&a, &b)?, bits, lo, hi };
            let aligned = |part: Part<'w>| match part {
                Known(c) => format.known(c),
                Computed(x) => x.at(bits),
            };
            let (a, b) = (aligned(a), aligned(b));
            let number = match op {
                B::Add => a + b,
                B::Sub => a - b,
                B::Min => a.min(b),
                _ => a.max(b),
            };
            Computed(Fixed { number, ..format })
        }
        _ => return None,
    })
}

/// Any number of the formula.
fn computed<'w>(a: &Part<'w>, b: &Part<'w>) -> Option<Number<'w>> {
    match (a, b) {
        (Part::Computed(x), _) | (_, Part::Computed(x)) => Some(x.number),
        _ => None,
    }
}

/// A number times a constant.
fn scaled<'w>(x: Fixed<'w>, factor: f64) -> Option<Part<'w>> {
    if factor == 0.0 {
        return Some(Part::Known(0.0));
    }
    if !factor.is_finite() {
        return None;
    }
    let (a, b) = (x.lo * factor, x.hi * factor);
    let (lo, hi) = (a.min(b), a.max(b));
    let (mantissa, exponent) = mantissa(factor.abs());
    let signed = |number: Number<'w>| if factor < 0.0 { -number } else { number };
    // A power of two moves the point.
    if mantissa == 2f64.powi(30) {
        return Some(Part::Computed(Fixed { number: signed(x.number), bits: x.bits - exponent + 1, lo, hi }));
    }
    let x = x.full()?;
    let number = signed(high(x.number, x.number.literal(mantissa)));
    Some(Part::Computed(Fixed { number, bits: x.bits - 1 - exponent, lo, hi }))
}

/// A number as it is stored: rounded to the nearest, clamped.
fn stored<'w>(part: Part<'w>, any: Number<'w>, result: Stored) -> Option<Number<'w>> {
    let (lo, hi) = result.dtype.int_range()?;
    let (lo, hi, zero) = (lo as f64, hi as f64, f64::from(result.zero_point));
    let scale = f64::from(result.scale);
    let any = any.to(DType::I32);
    let mut x = match part {
        Part::Known(value) => {
            return Some(any.literal(((value / scale).round() + zero).clamp(lo, hi)).to(result.dtype));
        }
        Part::Computed(x) => x,
    };
    // What is far outside of the range would leave few bits to what is inside.
    let (least, most) = ((lo - zero - 1.0) * scale, (hi - zero + 1.0) * scale);
    let range = least.abs().max(most.abs());
    if x.size() > 4.0 * range {
        let number = x.number.max(x.known(least)).min(x.known(most));
        x = Fixed { number, lo: least, hi: most, ..x };
    }
    let x = x.full()?;
    let (factor, exponent) = mantissa(f64::from(-x.bits).exp2() / scale);
    let down = -(exponent + 1);
    if down < 1 {
        return None;
    }
    if down > ROOM {
        return Some(any.literal(zero.clamp(lo, hi)).to(result.dtype));
    }
    let product = high(x.number, x.number.literal(factor)) + f64::from(down - 1).exp2();
    let rounded = shifted(product, -down);
    let rounded = if zero == 0.0 { rounded } else { rounded + zero };
    Some(rounded.max(rounded.literal(lo)).min(rounded.literal(hi)).to(result.dtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::formula::Applied;

    fn stored(dtype: DType, scale: f32, zero_point: i32) -> Stored {
        Stored { dtype, scale, zero_point }
    }

    /// What the integer formula makes of stored arguments, in real numbers.
    fn real(formula: &Formula, arguments: &[Stored], result: &Stored, values: &[i64]) -> f64 {
        let dtypes: Vec<DType> = arguments.iter().map(|a| a.dtype).collect();
        let bits: Vec<u64> = values.iter().map(|&v| v as u64).collect();
        let bits = Applied::new(formula, &dtypes).unwrap().apply(&bits);
        let stored = if result.dtype == DType::I8 { i64::from(bits as i8) } else { i64::from(bits as i16) };
        (stored as f64 - f64::from(result.zero_point)) * f64::from(result.scale)
    }

    const F: DType = DType::F32;

    #[test]
    fn sigmoid_and_tanh_are_right_on_every_argument() {
        type Exact = fn(f64) -> f64;
        let sigmoid: (Formula, Exact) =
            (Formula::write(&[F], |x| x[0].sigmoid()), |x| 1.0 / (1.0 + (-x).exp()));
        let tanh: (Formula, Exact) = (Formula::write(&[F], |x| x[0].tanh()), f64::tanh);
        let fine = stored(DType::I16, 1.0 / 32_768.0, 0);
        for (formula, exact) in [sigmoid, tanh] {
            for scale in [1e-6, 3e-5, 1.0 / 4096.0, 0.000_77, 0.01, 3.0] {
                let x = stored(DType::I16, scale, 0);
                let integer = of(&formula, &[x], fine).unwrap();
                let mut applied = Applied::new(&integer, &[DType::I16]).unwrap();
                let mut worst = 0.0f64;
                for value in i64::from(i16::MIN)..=i64::from(i16::MAX) {
                    let got = f64::from(applied.apply(&[value as u64]) as i16);
                    let wanted = (exact(value as f64 * f64::from(scale)) * 32_768.0).min(32_767.0);
                    worst = worst.max((got - wanted).abs());
                }
                // Half a step is the rounding's.
                assert!(worst < 1.0, "{integer} {scale}: {worst} steps");
            }
        }
    }

    #[test]
    fn gates_states_and_sums_are_as_exact_as_their_result_is_stored() {
        let cell = Formula::write(&[F; 4], |x| x[1].sigmoid() * x[3] + x[0].sigmoid() * x[2].tanh());
        let gru = Formula::write(&[F; 3], |x| (x[0].literal(1.0) - x[0]) * x[1] + x[0] * x[2]);
        let sum = Formula::write(&[F; 3], |x| x[0] + x[1] + x[2]);
        let hard = Formula::write(&[F; 2], |x| {
            let gate = (x[0] * 0.2 + 0.5).max(x[0].literal(0.0)).min(x[0].literal(1.0));
            gate * x[1] / 3.0 - x[1].abs()
        });
        let wide = |scale: f32| stored(DType::I16, scale, 0);
        let (gate, unit) = (wide(0.0003), wide(1.0 / 32_768.0));
        type Case = (Formula, Vec<Stored>, Stored);
        let cases: [Case; 5] = [
            (cell, vec![gate, gate, gate, wide(0.0002)], wide(0.0002)),
            (gru, vec![unit, unit, unit], unit),
            (sum.clone(), vec![wide(0.002), wide(0.0001), wide(0.5)], wide(0.4)),
            // A range that clips most of what comes.
            (sum, vec![wide(1.0), stored(DType::I8, 0.03, -5), wide(0.5)], stored(DType::I8, 0.01, 7)),
            (hard, vec![stored(DType::I8, 0.05, 12), wide(0.0004)], stored(DType::I8, 0.08, 3)),
        ];
        let mut stream = tinyc_ir::seeded::Seeded::new(5);
        for (formula, arguments, result) in &cases {
            let integer = of(formula, arguments, *result).unwrap();
            let mut floats = Applied::new(formula, &vec![F; arguments.len()]).unwrap();
            let (lo, hi) = result.ends();
            for _ in 0..20_000 {
                let values: Vec<i64> = arguments
                    .iter()
                    .map(|a| {
                        let (lo, hi) = a.dtype.int_range().unwrap();
                        lo as i64 + stream.below((hi - lo + 1) as u64) as i64
                    })
                    .collect();
                let reals: Vec<u64> = arguments
                    .iter()
                    .zip(&values)
                    .map(|(a, &v)| u64::from(((v as i32 - a.zero_point) as f32 * a.scale).to_bits()))
                    .collect();
                let wanted = f64::from(f32::from_bits(floats.apply(&reals) as u32)).clamp(lo, hi);
                let got = real(&integer, arguments, result, &values);
                assert!(
                    (got - wanted).abs() < 0.8 * f64::from(result.scale),
                    "{integer} {values:?} {got} {wanted}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_known_is_left_to_floats() {
        let any = stored(DType::I16, 0.1, 0);
        for f in [Formula::write(&[F; 2], |x| x[0] / x[1]), Formula::write(&[F], |x| x[0].exp())] {
            assert_eq!(of(&f, &[any, any], any), None);
        }
        let product = Formula::write(&[F; 2], |x| x[0] * x[1] * x[0]);
        assert_eq!(of(&product, &[stored(DType::I16, 1e20, 0); 2], any), None);
    }
}
