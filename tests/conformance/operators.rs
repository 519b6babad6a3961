//! The page `docs/operators.md`: what the importers' table says, with the node tests that pass.

use crate::outcome::Outcome;
use std::fmt::Write as _;
use tinyc_frontend::onnx::{OpInfo, supported_ops};

/// Names as models and the list of refusals spell them.
pub(crate) fn supported() -> Vec<String> {
    supported_ops().iter().map(name).collect()
}

fn name(info: &OpInfo) -> String {
    if info.domain.is_empty() { info.name.into() } else { format!("{}.{}", info.domain, info.name) }
}

/// The page.
pub(crate) fn page(outcomes: &[Outcome<'_>]) -> String {
    let operators = supported_ops();
    let mut text = format!(
        "# Operators\n\n\
         The {} ONNX operators that tinyc imports; `tinyc ops` prints the same. Inside quantised networks (QDQ or QOperator) \
         they stand for integer arithmetic.\n\n\
         The last column counts [ONNX's own node tests](https://github.com/onnx/onnx/tree/main/onnx/backend/test) of the \
         operator that pass from the import to emitted C and to machine code, of all that need no strings, sequences or training. Tests that do not \
         pass stand in [tests/conformance/refused.tsv](../tests/conformance/refused.tsv) with a reason. This page is made by \
         `cargo bless-conformance`.\n\n\
         | operator | since opset | types | limits | node tests |\n|---|--:|---|---|--:|\n",
        operators.len()
    );
    for info in operators {
        let indexed =
            if info.domain.is_empty() { info.name.into() } else { format!("{}::{}", info.domain, info.name) };
        let tests: Vec<_> =
            outcomes.iter().filter(|o| !o.entry.expanded && o.entry.operator == indexed).collect();
        let passed = tests.iter().filter(|o| o.passed()).count();
        let counts = if tests.is_empty() { "–".to_owned() } else { format!("{passed} of {}", tests.len()) };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {counts} |",
            name(info),
            info.since,
            info.types,
            info.limits
        );
    }
    text
}
