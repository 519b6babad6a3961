//! How much the routines execute, for the table in the folder's `mod.rs`. Print it with
//! `cargo test -p tinyc-backends --lib cost -- --ignored --nocapture`.

use super::{Random, Routine, names, pairs_f32};
use crate::native::{Callee, End, Op};

/// About the instructions that one operation becomes.
fn price(machine: &str, op: &Op) -> u64 {
    match op {
        Op::Const(-255..=255) => 0,
        // Shifted bytes, and their opposites, are immediates on all but the least.
        Op::Const(number) => {
            let significant = |x: u32| 32_u32.saturating_sub(x.leading_zeros() + x.trailing_zeros());
            let is_immediate =
                [*number, !*number, number.wrapping_neg()].iter().any(|x| significant(*x as u32) <= 8);
            match (machine, is_immediate) {
                ("m0", _) => 2,
                (_, true) => 0,
                (_, false) => 1,
            }
        }
        Op::Select(_) | Op::Compare(_) | Op::CompareWide(_) => 3,
        Op::AddWide | Op::SubWide => 2,
        Op::Call(_) => 2,
        _ => 1,
    }
}

fn end(end: &End) -> u64 {
    match end {
        End::Branch { .. } => 2,
        _ => 1,
    }
}

/// Mean and greatest cost over these cases.
fn measure<const N: usize>(routine: &Routine, cases: &[[u32; N]]) -> (f64, u64) {
    let mut interpreter = routine.interpreter();
    let callee = Callee::Routine(routine.name);
    let (mut sum, mut most) = (0, 0);
    for case in cases {
        interpreter.reset();
        interpreter.call(&callee, case).expect("it runs");
        let cost = interpreter.cost(|op| price(routine.machine, op), end);
        sum += cost;
        most = most.max(cost);
    }
    (sum as f64 / cases.len() as f64, most)
}

#[test]
#[ignore = "prints figures, checks nothing"]
fn costs() {
    let mut random = Random::new();
    // Sums of four uniform numbers: about normal, as weights and activations are.
    let mut ordinary = || {
        let uniform = (0..4).map(|_| random.below(1 << 20) as f32 / (1 << 20) as f32);
        uniform.sum::<f32>() - 2.0
    };
    let pairs: Vec<[u32; 2]> = (0..5000).map(|_| [ordinary().to_bits(), ordinary().to_bits()]).collect();
    let singles: Vec<[u32; 1]> = pairs.iter().map(|p| [p[0]]).collect();
    let positive: Vec<[u32; 1]> = singles.iter().map(|[x]| [x & 0x7fff_ffff]).collect();
    let words: Vec<[u32; 1]> = pairs.iter().map(|p| [(f32::from_bits(p[0]) * 1e4) as i32 as u32]).collect();
    let doubles: Vec<[u32; 4]> = pairs
        .iter()
        .map(|p| {
            let [a, b] = p.map(|x| (f64::from(f32::from_bits(x)) * 1.1).to_bits());
            [a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32]
        })
        .collect();
    let half: Vec<[u32; 2]> = doubles.iter().map(|d| [d[0], d[1]]).collect();
    let extreme = pairs_f32();
    let extreme_singles: Vec<[u32; 1]> = extreme.iter().map(|p| [p[0]]).collect();
    println!("{:24} {:>12} {:>12} {:>12}", "mean and most", "m0", "m3", "m4f");
    for &(name, params, _) in names::ALL {
        let mut line = format!("{name:24}");
        for routine in Routine::for_all(name) {
            let to_integer = matches!(name, names::F32_TO_I32 | names::F32_TO_U32);
            let (mean, most) = match (name, params) {
                (names::F32_SQRT, _) => {
                    (measure(&routine, &positive).0, measure(&routine, &extreme_singles).1)
                }
                (names::U32_DIV_REM | names::I32_DIV_REM, _) => measure(&routine, &extreme),
                (_, 1) if name.starts_with("f32") && !to_integer => {
                    (measure(&routine, &singles).0, measure(&routine, &extreme_singles).1)
                }
                (_, 1) if to_integer => {
                    (measure(&routine, &singles).0, measure(&routine, &extreme_singles).1)
                }
                (_, 1) => measure(&routine, &words),
                (_, 2) if name.starts_with("f32") => {
                    (measure(&routine, &pairs).0, measure(&routine, &extreme).1)
                }
                (_, 2) => measure(&routine, &half),
                (_, 4) if name == names::F64_PACK => (0.0, 0),
                (_, 4) => measure(&routine, &doubles),
                _ => (0.0, 0),
            };
            line += &format!(" {mean:7.1} {most:4}");
        }
        println!("{line}");
    }
}
