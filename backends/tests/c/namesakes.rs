//! A network whose input and output have names that emitted code may want for itself.

use crate::driver::Case;
use crate::networks::quantized;

/// One for each pair of names.
pub(crate) fn cases() -> Vec<Case> {
    let names = [("x", "best"), ("real", "stored"), ("i", "most"), ("bits", "index")];
    let case = |(input, output): (&str, &str)| {
        let mut case = quantized();
        let program = &mut case.program;
        program.name = format!("blocks_{input}");
        for (&buffer, name) in program.inputs.iter().zip([input]).chain(program.outputs.iter().zip([output]))
        {
            program.buffers[buffer].name = name.into();
        }
        case
    };
    names.into_iter().map(case).collect()
}
