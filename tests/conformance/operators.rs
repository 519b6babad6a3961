//! The page `docs/operators.md`: what the importers' table says, with the node tests that pass.

use crate::list::List;
use crate::outcome::Outcome;
use crate::summary;
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
pub(crate) fn page(outcomes: &[Outcome<'_>], list: &List) -> String {
    let operators = supported_ops();
    let mut text = format!(
        "# Operators\n\n\
         The {} ONNX operators that tinyc imports; `tinyc ops` prints the same. Inside quantised networks (QDQ or QOperator) \
         they stand for integer arithmetic.\n\n\
         ## Node tests\n\n\
         [ONNX's own node tests](https://github.com/onnx/onnx/tree/main/onnx/backend/test), all that need no strings, sequences or training, \
         with every operand supplied at run time that its specification does not call a parameter: imported and evaluated within the test's tolerance, \
         then lowered to loops, to C under sanitizers and to machine code for a Cortex-M4 in the simulator, bit for bit. What folds \
         away has no run-time input left and counts apart. Each that does not pass is in one of the {} rows of \
         [tests/conformance/refused.tsv](../tests/conformance/refused.tsv) with a reason. The classes are by element types: *core* has f32, \
         8-bit and plain integers and bool, *extended* other standard ones, *exotic* narrow floats and integers. This page is made by `cargo bless-conformance`.\n\n\
         {}\n\
         ## Table\n\n\
         The {} operators stand on {} of the graph's own ([architecture.md](architecture.md)).\n\n\
         | operator | since opset | types | limits | node tests |\n|---|--:|---|---|--:|\n",
        operators.len(),
        list.rows.len(),
        summary::markdown(outcomes, list),
        operators.len(),
        tinyc_ir::Op::NAMES.len(),
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
