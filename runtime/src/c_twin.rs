//! The C99 text of [`crate::math`]: one `static` function per snippet, so that a back end pastes only what a
//! model uses.
//!
//! The text needs `<stdint.h>` and nothing else. It is C, not C++ (it reads a float's bits through a union,
//! which C99 allows and C++ does not). It contains products followed by sums, so the file it is pasted into must
//! be built with contraction off (`-ffp-contract=off`; gcc's `-std=c99` and `#pragma STDC FP_CONTRACT OFF` in clang do
//! the same) and without `-ffast-math`, on a target that evaluates float in float (`FLT_EVAL_METHOD == 0`):
//! the back end states and checks that. Not here: file layout, guards, includes.

use core::fmt;

/// What every function name starts with in the stored text; [`write()`] puts the caller's prefix there.
const STORED_PREFIX: &str = "tinyc_";

/// One C function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CFunction {
    /// Name without the prefix. For a function of [`crate::math`] it is that function's name; for one on binary64, the name
    /// with `f64_` before it instead of `64` behind it.
    pub name: &'static str,
    /// One `static` function definition, whose own name and calls carry the prefix `tinyc_`.
    pub source: &'static str,
    /// Names of the functions it calls directly.
    pub depends: &'static [&'static str],
}

impl CFunction {
    /// Writes the definition with `prefix` in place of `tinyc_`.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(&self, prefix: &str, out: &mut dyn fmt::Write) -> fmt::Result {
        let mut parts = self.source.split(STORED_PREFIX);
        out.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| {
            out.write_str(prefix)?;
            out.write_str(part)
        })
    }
}

macro_rules! functions {
    ($($name:literal [$($depends:literal),*]),* $(,)?) => {
        &[$(CFunction {
            name: $name,
            source: include_str!(concat!("../c/", $name, ".c")),
            depends: &[$($depends),*],
        }),*]
    };
}

/// All functions, each after those it calls.
pub const FUNCTIONS: &[CFunction] = functions![
    "float_bits" [],
    "float_from_bits" [],
    "round_ties_even" ["float_bits", "float_from_bits"],
    "to_i32" ["float_bits"],
    "round_to_i32" ["round_ties_even", "to_i32"],
    "exp" ["float_bits", "float_from_bits"],
    "tanh" ["float_bits", "float_from_bits", "exp"],
    "sigmoid" ["float_bits", "float_from_bits", "exp"],
    "log" ["float_bits", "float_from_bits"],
    "sqrt" ["float_bits", "float_from_bits"],
    "erf" ["float_bits", "float_from_bits", "exp"],
    "sin_quadrant" ["float_bits", "float_from_bits"],
    "sin" ["sin_quadrant"],
    "cos" ["sin_quadrant"],
    "f64_float_bits" [],
    "f64_float_from_bits" [],
    "f64_exp" ["f64_float_bits", "f64_float_from_bits"],
    "f64_log" ["f64_float_bits", "f64_float_from_bits"],
];

/// The function of this name, if there is one.
pub fn find(name: &str) -> Option<&'static CFunction> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

/// `wanted` and everything they call, each once, callees first: the order to paste them in. A name that
/// does not exist is left out; ask [`find`] first.
pub fn closure<'a>(wanted: &'a [&'a str]) -> impl Iterator<Item = &'static CFunction> + 'a {
    FUNCTIONS.iter().filter(|f| wanted.iter().any(|w| reaches(w, f.name)))
}

/// Writes [`closure`] of `wanted` with `prefix` before every name, an empty line between functions.
///
/// # Errors
/// Only those of `out`.
pub fn write(wanted: &[&str], prefix: &str, out: &mut dyn fmt::Write) -> fmt::Result {
    for (i, function) in closure(wanted).enumerate() {
        if i > 0 {
            out.write_char('\n')?;
        }
        function.write(prefix, out)?;
    }
    Ok(())
}

fn reaches(from: &str, to: &str) -> bool {
    from == to || find(from).is_some_and(|f| f.depends.iter().any(|d| reaches(d, to)))
}
