//! Functions that an object brings along for what its core lacks: division, wide integers, floats. Written once
//! against the builder, for every machine.

pub mod names;
