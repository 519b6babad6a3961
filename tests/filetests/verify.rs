//! `; test verify`: what a verifier says of a graph or a program.

use crate::SubTest;
use crate::case::Case;

pub(crate) struct Verify;

impl SubTest for Verify {
    const NAME: &'static str = "verify";

    fn run(case: &Case, _argument: &str) -> Result<String, String> {
        if case.is_program() {
            let program = case.parse_program().map_err(|e| e.to_string())?;
            return Ok(match tinyc_ir::loops::verify(&program) {
                Ok(()) => "valid".into(),
                Err(errors) => errors.iter().map(|e| format!("{e}\n")).collect(),
            });
        }
        let graph = case.parse_graph().map_err(|e| e.to_string())?;
        Ok(tinyc_ir::verify::verify(&graph).map_or_else(|e| e.to_string(), |()| "valid".into()))
    }
}
