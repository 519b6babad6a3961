//! What several tests (and the table in `examples/`) share: which models there are, their stored samples, the proof that
//! all forms of a network compute the same, and the host's C compiler.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod bare;
pub(crate) mod host;
pub(crate) mod loops;
pub(crate) mod merged;
pub(crate) mod models;
pub(crate) mod proof;
pub(crate) mod reciprocal;
pub(crate) mod rust_host;
pub(crate) mod simulated;
pub(crate) mod vectors;
