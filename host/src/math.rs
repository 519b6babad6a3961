//! The functions of `runtime::math` as the generated code calls them: the Rust functions themselves.

use tinyc_runtime::math;

/// A function's name in `runtime::math`, and its address.
pub(crate) fn functions() -> [(&'static str, *const u8); 9] {
    [
        ("exp", exp as *const u8),
        ("log", log as *const u8),
        ("sin", sin as *const u8),
        ("cos", cos as *const u8),
        ("tanh", tanh as *const u8),
        ("sigmoid", sigmoid as *const u8),
        ("erf", erf as *const u8),
        ("exp64", exp64 as *const u8),
        ("log64", log64 as *const u8),
    ]
}

macro_rules! with_c_abi {
    ($($name:ident: $t:ty),*) => {
        $(extern "C" fn $name(x: $t) -> $t {
            math::$name(x)
        })*
    };
}
with_c_abi!(exp: f32, log: f32, sin: f32, cos: f32, tanh: f32, sigmoid: f32, erf: f32, exp64: f64, log64: f64);
