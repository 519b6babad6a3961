//! `tinyc ops`: which ONNX operators are understood.

use super::table::{Align, Table};
use super::{Console, Failure};
use tinyc_frontend::onnx::supported_ops;

/// Lists the supported ONNX operators, with their limits
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Print JSON: {"operators": [{"domain", "name", "since", "types", "limits"}]}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc ops
  tinyc ops --json";

/// Prints the table.
pub(super) fn run(_args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        let one = |op: &tinyc_frontend::onnx::OpInfo| {
            serde_json::json!({
                "domain": if op.domain.is_empty() { "ai.onnx" } else { op.domain },
                "name": op.name, "since": op.since, "types": op.types, "limits": op.limits,
            })
        };
        let operators: Vec<_> = supported_ops().iter().map(one).collect();
        return Ok(console.json(&serde_json::json!({ "operators": operators }))?);
    }
    let mut table = Table::new(&[
        ("operator", Align::Left),
        ("since opset", Align::Right),
        ("types", Align::Left),
        ("limits", Align::Left),
    ]);
    for op in supported_ops() {
        let dot = if op.domain.is_empty() { "" } else { "." };
        table.row(vec![
            format!("{}{dot}{}", op.domain, op.name),
            op.since.to_string(),
            op.types.to_owned(),
            op.limits.to_owned(),
        ]);
    }
    table.print(console.out)?;
    let note = "Quantised networks are understood in both forms: QDQ (QuantizeLinear and DequantizeLinear around float\n\
                operators) and QOperator (QLinearConv and its kin).";
    Ok(writeln!(console.out, "\n{} operators. {note}", supported_ops().len())?)
}
