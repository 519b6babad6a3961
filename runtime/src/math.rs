//! Float functions; replaced by the real ones in the next commit of this room.

/// e^x.
pub fn exp(x: f32) -> f32 {
    x
}

/// e^x in double precision.
pub fn exp64(x: f64) -> f64 {
    x
}
