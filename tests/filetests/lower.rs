//! `; test lower`: the program that a graph becomes for a core without extras; `; test lower saturate` for one with `SSAT`.
//! The program is valid and its text parses back to it.

use crate::SubTest;
use crate::case::Case;
use tinyc_ir::loops::{normalize, verify};
use tinyc_ir::text::parse_program;
use tinyc_passes::lower::{Features, lower};

pub(crate) struct Lower;

impl SubTest for Lower {
    const NAME: &'static str = "lower";

    fn run(case: &Case, argument: &str) -> Result<String, String> {
        let features = match argument {
            "" => Features::default(),
            "saturate" => Features { saturate: true, dsp: false, ..Features::default() },
            "dsp" => Features { saturate: true, dsp: true, ..Features::default() },
            other => return Err(format!("`{other}` is no feature; `saturate` and `dsp` are")),
        };
        let program = lower(&case.valid_graph()?, features).map_err(|e| e.to_string())?.program;
        verify(&program).map_err(|e| format!("the program is not valid: {}\n{program}", e[0]))?;
        let text = program.to_string();
        let back = parse_program("printed", &text).map_err(|e| format!("{e}\n{text}"))?;
        if back == normalize(&program) {
            Ok(text)
        } else {
            Err(format!("parsing changes the program:\n{text}"))
        }
    }
}
