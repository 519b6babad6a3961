//! The sources of [`crate::math`] and [`crate::packed`], for the back end that prints what a model needs of them into its own module.

/// The files of the float functions; the first one has their constants.
pub const MATH: &[&str] = &[
    include_str!("math.rs"),
    include_str!("math/exp.rs"),
    include_str!("math/tanh.rs"),
    include_str!("math/sigmoid.rs"),
    include_str!("math/log.rs"),
    include_str!("math/sqrt.rs"),
    include_str!("math/round.rs"),
    include_str!("math/erf.rs"),
    include_str!("math/sin_cos.rs"),
    include_str!("math/exp64.rs"),
    include_str!("math/log64.rs"),
];

/// The packed operations in plain Rust.
pub const PACKED: &[&str] = &[include_str!("packed/portable.rs")];
