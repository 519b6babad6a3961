//! What routines compute, by the host's own arithmetic.

use tinyc_backends::native::routines::names::*;

fn wide(words: &[u32]) -> u64 {
    u64::from(words[0]) | u64::from(words[1]) << 32
}

fn words(wide: u64) -> Vec<u32> {
    vec![wide as u32, (wide >> 32) as u32]
}

pub(crate) fn routine(name: &str, a: &[u32]) -> Option<Vec<u32>> {
    let f = |i: usize| f32::from_bits(a[i]);
    let d = |i: usize| f64::from_bits(wide(&a[2 * i..]));
    let one = |x: f32| vec![x.to_bits()];
    let two = |x: f64| words(x.to_bits());
    let truth = |holds: bool| vec![u32::from(holds)];
    let first32 =
        |is_first: bool| if f(0).is_nan() || f(1).is_nan() { f32::NAN } else { f(usize::from(!is_first)) };
    let first64 =
        |is_first: bool| if d(0).is_nan() || d(1).is_nan() { f64::NAN } else { d(usize::from(!is_first)) };
    Some(match name {
        U32_DIV_REM => match (a[0], a[1]) {
            (x, 0) => vec![0, x],
            (x, y) => vec![x / y, x % y],
        },
        I32_DIV_REM => match (a[0] as i32, a[1] as i32) {
            (x, 0) => vec![0, x as u32],
            (x, y) => vec![x.wrapping_div(y) as u32, x.wrapping_rem(y) as u32],
        },
        U64_DIV_REM => {
            let (x, y) = (wide(a), wide(&a[2..]));
            let q = x.checked_div(y).unwrap_or(0);
            let r = x - q * y;
            [words(q), words(r)].concat()
        }
        I64_DIV_REM => {
            let (x, y) = (wide(a) as i64, wide(&a[2..]) as i64);
            let (q, r) = if y == 0 { (0, x) } else { (x.wrapping_div(y), x.wrapping_rem(y)) };
            [words(q as u64), words(r as u64)].concat()
        }
        U32_MUL_LONG => words(u64::from(a[0]) * u64::from(a[1])),
        I32_MUL_LONG => words((i64::from(a[0] as i32) * i64::from(a[1] as i32)) as u64),
        U64_MUL => words(wide(a).wrapping_mul(wide(&a[2..]))),
        U64_SHL => words(wide(a).checked_shl(a[2]).unwrap_or(0)),
        U64_SHR => words(wide(a).checked_shr(a[2]).unwrap_or(0)),
        I64_SHR => words((wide(a) as i64 >> a[2].min(63)) as u64),
        F32_ADD => one(f(0) + f(1)),
        F32_SUB => one(f(0) - f(1)),
        F32_MUL => one(f(0) * f(1)),
        F32_DIV => one(f(0) / f(1)),
        F32_SQRT => one(f(0).sqrt()),
        F32_ROUND => one(f(0).round_ties_even()),
        F32_EXP => one(tinyc_runtime::math::exp(f(0))),
        F32_MIN => one(first32(f(0).total_cmp(&f(1)).is_le())),
        F32_MAX => one(first32(f(0).total_cmp(&f(1)).is_ge())),
        F32_EQ => truth(f(0) == f(1)),
        F32_NE => truth(f(0) != f(1)),
        F32_LT => truth(f(0) < f(1)),
        F32_LE => truth(f(0) <= f(1)),
        I32_TO_F32 => one(a[0] as i32 as f32),
        U32_TO_F32 => one(a[0] as f32),
        I64_TO_F32 => one(wide(a) as i64 as f32),
        U64_TO_F32 => one(wide(a) as f32),
        F32_TO_I32 => vec![f(0) as i32 as u32],
        F32_TO_U32 => vec![f(0) as u32],
        F32_TO_I64 => words(f(0) as i64 as u64),
        F32_TO_U64 => words(f(0) as u64),
        F64_ADD => two(d(0) + d(1)),
        F64_SUB => two(d(0) - d(1)),
        F64_MUL => two(d(0) * d(1)),
        F64_DIV => two(d(0) / d(1)),
        F64_SQRT => two(d(0).sqrt()),
        F64_ROUND => two(d(0).round_ties_even()),
        F64_MIN => two(first64(d(0).total_cmp(&d(1)).is_le())),
        F64_MAX => two(first64(d(0).total_cmp(&d(1)).is_ge())),
        F64_EQ => truth(d(0) == d(1)),
        F64_NE => truth(d(0) != d(1)),
        F64_LT => truth(d(0) < d(1)),
        F64_LE => truth(d(0) <= d(1)),
        I32_TO_F64 => two(f64::from(a[0] as i32)),
        U32_TO_F64 => two(f64::from(a[0])),
        I64_TO_F64 => two(wide(a) as i64 as f64),
        U64_TO_F64 => two(wide(a) as f64),
        F64_TO_I32 => vec![d(0) as i32 as u32],
        F64_TO_U32 => vec![d(0) as u32],
        F64_TO_I64 => words(d(0) as i64 as u64),
        F64_TO_U64 => words(d(0) as u64),
        F32_TO_F64 => two(f64::from(f(0))),
        F64_TO_F32 => one(d(0) as f32),
        _ => return None,
    })
}
