//! From bytes to the messages of an ONNX model, and the operator sets that it names.

use super::code;
use super::proto::ModelProto;
use prost::Message;
use std::collections::BTreeMap;
use tinyc_ir::Diagnostic;

/// Decodes a model. Nesting is bounded by the decoder, and nothing is allocated that the bytes do not pay for.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto, Diagnostic> {
    let help = "check that the file is complete and was exported as ONNX (not ORT, TFLite or an archive)";
    if bytes.is_empty() {
        return Err(Diagnostic::error(code::NOT_ONNX, "the file is empty").help(help));
    }
    let model = ModelProto::decode(bytes).map_err(|e| {
        Diagnostic::error(code::NOT_ONNX, "this is not an ONNX model, or it is cut short")
            .note(e.to_string())
            .help(help)
    })?;
    if model.graph.is_none() {
        return Err(Diagnostic::error(code::INCOMPLETE, "the model has no graph").help(help));
    }
    Ok(model)
}

/// The version of each operator set by domain; the standard domain is the empty string.
pub(super) fn opsets(model: &ModelProto) -> BTreeMap<&str, i64> {
    let mut opsets = BTreeMap::new();
    for opset in &model.opset_import {
        let version = opsets.entry(domain(opset.domain())).or_insert(0);
        *version = opset.version().max(*version);
    }
    opsets
}

/// A domain's one spelling: the standard domain may be written out.
pub(super) fn domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}
