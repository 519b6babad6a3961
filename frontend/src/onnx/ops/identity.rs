//! Operators that change nothing at inference, and constants.

use crate::onnx::builder::Slot;
use crate::onnx::context::{Context, Step};
use crate::onnx::{code, tensor};
use std::sync::Arc;
use tinyc_ir::loops::Literal;
use tinyc_ir::{Data, Diagnostic, Tensor};

/// `Identity x`
pub(super) fn identity(cx: &mut Context<'_, '_>) -> Step<()> {
    cx.pass_on(0)
}

/// `Dropout x` drops nothing at inference: all of its mask holds.
pub(super) fn dropout(cx: &mut Context<'_, '_>) -> Step<()> {
    let training = cx.operand(2).is_some() && cx.known(2)?.data.to_ints().is_some_and(|v| v.contains(&1));
    if training {
        return Err(Diagnostic::error(code::FORM, "Dropout in training mode is not supported")
            .help("export the model for inference"));
    }
    cx.pass_on(0)?;
    if cx.node.output.get(1).is_some_and(|name| !name.is_empty()) {
        let x = cx.plain(0)?;
        let mask = cx.map("mask", &[x], |x| x[0].constant(Literal::Bool(true)))?;
        cx.give(1, mask)?;
    }
    Ok(())
}

/// `Constant`
pub(super) fn constant(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let tensor = if let Some(proto) = attributes.tensor("value")? {
        let (tensor, format) = tensor::read_stored(proto, cx.build.base_dir.as_deref())?;
        cx.build.mark(cx.output(), format);
        tensor
    } else if let Some(v) = attributes.float("value_float")? {
        Tensor::f32([], vec![v])
    } else if let Some(v) = attributes.floats("value_floats")? {
        Tensor::f32([v.len()], v.to_vec())
    } else if let Some(v) = attributes.int("value_int")? {
        Tensor::new([], Data::I64(vec![v]))
    } else if let Some(v) = attributes.ints("value_ints")? {
        Tensor::new([v.len()], Data::I64(v.to_vec()))
    } else {
        return Err(Diagnostic::error(
            code::FORM,
            "a Constant without a dense tensor of numbers is not supported",
        ));
    };
    cx.define(Slot::Constant(Arc::new(tensor)));
    Ok(())
}
