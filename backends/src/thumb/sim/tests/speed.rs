//! How fast it runs: `cargo test --release -p tinyc-backends --lib speed -- --ignored --nocapture`.

use std::time::Instant;

use super::build::{I, access, back, if_not_equal, list, machine, number, r, run, three};
use crate::thumb::isa::{Op, Shift, encode};

fn bytes(code: &[I]) -> i32 {
    code.iter().map(|inst| encode(inst).unwrap().size() as i32).sum()
}

/// Two loops, the inner one as in a product of int8 matrices.
#[test]
#[ignore = "prints a speed, checks none"]
fn speed() {
    let four = |op, d, n, m| I { a: r(d), ..three(op, r(d), r(n), r(m)) };
    let high = |d, m| I { shift: Shift::Ror(8), ..three(Op::Sxtb16, r(d), None, r(m)) };
    let count = |register| I { s: true, ..access(Op::SubImm, register, register, 1) };
    let mut code = vec![list(Op::Push, 0x4ff0), number(9, 65_535)];
    let outer = [number(3, 64), three(Op::Mov, r(1), None, r(0)), three(Op::Mov, r(2), None, r(0))];
    let inner = [
        access(Op::LdrPost, 4, 1, 4),
        access(Op::LdrPost, 5, 2, 4),
        access(Op::LdrImm, 6, 2, 12),
        three(Op::Sxtb16, r(8), None, r(4)),
        high(4, 4),
        four(Op::Smlad, 10, 8, 5),
        four(Op::Smlad, 11, 4, 6),
        four(Op::Smlad, 10, 4, 6),
        three(Op::Add, r(12), r(12), r(10)),
        count(3),
    ];
    let mut body = outer.to_vec();
    body.extend(inner);
    body.push(if_not_equal(-bytes(&inner) - 4));
    body.push(count(9));
    code.extend(&body);
    code.push(if_not_equal(-bytes(&body) - 4));
    code.extend([list(Op::Pop, 0x8ff0), back()]);
    let mut machine = machine("cortex-m4", &code);
    let data: Vec<u8> = (0..600u32).map(|byte| (byte * 37) as u8).collect();
    let buffer = machine.alloc("data", 600, 4, Some(&data), true).unwrap();
    let start = Instant::now();
    let outcome = run(&mut machine, &[buffer]).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} instructions, {} cycles in {seconds:.3} s: {:.0} M instructions/s",
        outcome.instructions,
        outcome.cycles,
        outcome.instructions as f64 / seconds / 1e6
    );
}
