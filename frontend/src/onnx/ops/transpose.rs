//! `Transpose`: a permutation of axes.

use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Transpose;

/// `Transpose x`; without `perm` the axes are reversed.
pub(super) fn transpose(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let rank = cx.ty(x).shape.rank();
    let perm = cx.attributes().sizes("perm")?.unwrap_or_else(|| (0..rank).rev().collect());
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return Err(unsupported("perm", format!("{perm:?}"), &format!("a permutation of {rank} axes")));
    }
    cx.result(Transpose { perm }, &[x])
}
