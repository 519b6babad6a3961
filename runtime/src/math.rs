//! Float functions whose bits are the same on every core: compiler, reference evaluator and emitted code.
//!
//! Each uses only plus, minus, times and divide on its own format, each rounded once to nearest, and integer operations;
//! no libm, no fused multiply-add, no wider float. So a soft-float core, an FPU and the host agree, provided that
//! contraction is off and subnormals are kept. The operations and their order are part of the definition: the
//! C text in [`crate::c_twin`] has them too, and tests compare both over every float. On binary64 there are
//! [`exp64()`] and [`log64()`], compared over samples.
//!
//! | function | max error, ULP | cycles M4F | cycles M0+ |
//! |---|--:|--:|--:|
//! | `exp` | 0.7750 | 90 | 3,380 |
//! | `tanh` | 1.4797 | 140 | 4,030 |
//! | `sigmoid` | 2.4019 | 130 | 4,010 |
//! | `log` | 0.8399 | 96 | 3,080 |
//! | `sqrt` | 0.5 (correctly rounded) | 380 | 700 |
//! | `erf` | 1.2852 | 100 | 2,480 |
//! | `sin` | 0.8189 | 210 | 3,030 |
//! | `cos` | 0.8222 | 210 | 3,030 |
//!
//! The errors were measured over all 2^32 floats against binary64 (`tests/math`, the ignored test); the cycles are a model's, of the C text at `-O2` without flash wait states, mean over arguments of ordinary size.
//!
//! Errors are in units of the last place (ULP) of the exact result's binade. NaN results are the
//! canonical NaN, `0x7fc00000`. Not here: `pow`.

mod erf;
mod exp;
mod exp64;
mod log;
mod log64;
mod round;
mod sigmoid;
mod sin_cos;
mod sqrt;
mod tanh;

pub use erf::erf;
pub use exp::exp;
pub use exp64::exp64;
pub use log::log;
pub use log64::log64;
pub use round::{round_ties_even, round_to_i32, to_i32};
pub use sigmoid::sigmoid;
pub use sin_cos::{cos, sin};
pub use sqrt::sqrt;
pub use tanh::tanh;

/// The canonical quiet NaN. `f32::NAN` does not promise its bits.
const NAN: f32 = f32::from_bits(0x7fc0_0000);
const INFINITY: f32 = f32::from_bits(0x7f80_0000);
/// ln 2 in 15 bits: its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_145_75;
/// ln 2 minus [`LN2_HIGH`].
const LN2_LOW: f32 = 1.428_606_8e-6;
