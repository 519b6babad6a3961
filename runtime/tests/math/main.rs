//! Float math: promised errors, special cases, and that the C text computes the same bits.
//!
//! CI runs a stratified sample. Every float, in Rust and C (minutes):
//! `cargo test --release -p tinyc-runtime --test math -- --ignored --nocapture`

mod c_program;
mod edges;
mod exp64;
mod function;
mod log64;
mod sample;

use c_program::CProgram;
use function::{FUNCTIONS, error_in_ulp};

fn names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|f| f.name).collect()
}

#[test]
fn errors_stay_within_the_promised_bounds_on_the_sample() {
    let sample = sample::stratified();
    for function in FUNCTIONS {
        let Some(accuracy) = &function.accuracy else { continue };
        let mut worst: f64 = 0.0;
        for &x in &sample {
            let got = (function.compute)(x);
            let error = error_in_ulp(got, (accuracy.exact)(f64::from(f32::from_bits(x))));
            assert!(
                error <= accuracy.bound,
                "{}({:e} = {x:#010x}) = {got:#010x}: {error} ULP",
                function.name,
                f32::from_bits(x)
            );
            worst = worst.max(error);
        }
        println!("{}: {worst:.4} ULP on the sample", function.name);
    }
}

#[test]
fn c_twins_give_the_same_bits_on_the_sample() {
    let sample = sample::stratified();
    for (compiler, optimise, required) in
        [("gcc", "-O2", true), ("gcc", "-O0", true), ("clang-19", "-O2", false)]
    {
        let Some(program) = CProgram::compile(compiler, optimise, &names(), required) else { continue };
        for (i, function) in FUNCTIONS.iter().enumerate() {
            let results = program.list(i, &sample);
            assert_eq!(results.len(), sample.len(), "{compiler}: {}", function.name);
            for (&x, got) in sample.iter().zip(results) {
                let expected = (function.compute)(x);
                assert!(
                    got == expected,
                    "{compiler} {optimise}: {}({x:#010x}) = {got:#010x}, Rust {expected:#010x}",
                    function.name
                );
            }
        }
    }
}

/// A model pastes only what it uses: each function must compile without the others, unused helpers included.
#[test]
fn each_c_twin_compiles_with_only_what_it_calls() {
    for function in FUNCTIONS {
        CProgram::compile("gcc", "-O1", &[function.name], true);
    }
}

#[test]
#[ignore = "every float: minutes in a release build"]
fn every_float_in_rust_and_c() {
    let only = std::env::var("TINYC_MATH_FUNCTION").ok();
    let program = CProgram::compile("gcc", "-O2", &names(), true).expect("required");
    for (i, function) in FUNCTIONS.iter().enumerate() {
        if only.as_ref().is_some_and(|name| name != function.name) {
            continue;
        }
        let threads: Vec<_> = (0..4)
            .map(|part| {
                let program = program.clone();
                std::thread::spawn(move || sweep(&program, i, part * 64..part * 64 + 64))
            })
            .collect();
        let worst = threads
            .into_iter()
            .map(|t| t.join().expect("a mismatch was reported above"))
            .fold((0.0, 0), |a: (f64, u32), b| if b.0 > a.0 { b } else { a });
        println!(
            "{}: max error {:.4} ULP at {:e} ({:#010x})",
            function.name,
            worst.0,
            f32::from_bits(worst.1),
            worst.1
        );
        if let Some(accuracy) = &function.accuracy {
            assert!(worst.0 <= accuracy.bound, "{}: {} ULP", function.name, worst.0);
        }
    }
}

/// Worst error over all floats with these leading bytes, after comparing Rust with C for each.
fn sweep(program: &CProgram, index: usize, leading: std::ops::Range<u32>) -> (f64, u32) {
    let function = &FUNCTIONS[index];
    let mut worst = (0.0, 0);
    for byte in leading {
        let mut x = byte << 24;
        let mut seen = 0;
        program.slice(index, byte, |got| {
            let expected = (function.compute)(x);
            assert!(got == expected, "{}({x:#010x}) = {got:#010x}, Rust {expected:#010x}", function.name);
            if let Some(accuracy) = &function.accuracy {
                let error = error_in_ulp(expected, (accuracy.exact)(f64::from(f32::from_bits(x))));
                if error > worst.0 {
                    worst = (error, x);
                }
            }
            x = x.wrapping_add(1);
            seen += 1;
        });
        assert_eq!(seen, 1 << 24, "{}", function.name);
    }
    worst
}
