//! The text form (`.tir`) of both IRs: printed and parsed back, without loss.

pub mod attrs;
