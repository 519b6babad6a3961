//! `tinyc ops`: which ONNX operators are understood.

use super::table::{Align, Table};
use super::{Console, Failure};
use tinyc_frontend::onnx::{OpInfo, supported_ops};

/// Lists the supported ONNX operators, with their limits
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Print JSON: {"operators": [{"domain", "name", "since", "types", "limits", "tests"}]}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc ops
  tinyc ops --json";

/// The page that the node tests write and compare with the code.
const PAGE: &str = include_str!("../../docs/operators.md");

fn full_name(op: &OpInfo) -> String {
    let dot = if op.domain.is_empty() { "" } else { "." };
    format!("{}{dot}{}", op.domain, op.name)
}

/// How many of ONNX's own tests of an operator pass, as in `3 of 4`; `None` if it has none.
fn node_tests(op: &OpInfo) -> Option<&'static str> {
    let start = format!("| {} |", full_name(op));
    let row = PAGE.lines().find(|row| row.starts_with(&start))?;
    row.trim_end_matches(" |").rsplit("| ").next().filter(|counts| counts.contains(" of "))
}

/// Prints the table.
pub(super) fn run(_args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        let one = |op: &tinyc_frontend::onnx::OpInfo| {
            serde_json::json!({
                "domain": if op.domain.is_empty() { "ai.onnx" } else { op.domain },
                "name": op.name, "since": op.since, "types": op.types, "limits": op.limits,
                "tests": node_tests(op),
            })
        };
        let operators: Vec<_> = supported_ops().iter().map(one).collect();
        return Ok(console.json(&serde_json::json!({ "operators": operators }))?);
    }
    let mut table = Table::new(&[
        ("operator", Align::Left),
        ("since opset", Align::Right),
        ("types", Align::Left),
        ("node tests", Align::Right),
        ("limits", Align::Left),
    ]);
    for op in supported_ops() {
        table.row(vec![
            full_name(op),
            op.since.to_string(),
            op.types.to_owned(),
            node_tests(op).unwrap_or_default().to_owned(),
            op.limits.to_owned(),
        ]);
    }
    table.print(console.out)?;
    let note = "Quantised networks are understood in both forms: QDQ (QuantizeLinear and DequantizeLinear around float\n\
                operators) and QOperator (QLinearConv and its kin). The node tests are ONNX's own, from the import to emitted code.";
    Ok(writeln!(console.out, "\n{} operators. {note}", supported_ops().len())?)
}
