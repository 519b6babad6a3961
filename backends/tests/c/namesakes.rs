//! A network whose input and output have names that emitted code may want for itself.

use crate::driver::Case;
use crate::networks::quantized;

/// One for each pair of names, and one in which nothing has a harmless name.
pub(crate) fn cases() -> Vec<Case> {
    let names = [("x", "best"), ("real", "stored"), ("i", "most"), ("bits", "index")];
    names
        .into_iter()
        .map(|(input, output)| case(&format!("blocks_{input}"), input, output))
        .chain([macros()])
        .collect()
}

fn case(name: &str, input: &str, output: &str) -> Case {
    let mut case = quantized();
    let program = &mut case.program;
    program.name = name.into();
    program.buffers[program.inputs[0]].name = input.into();
    program.buffers[program.outputs[0]].name = output.into();
    case
}

/// All names of the network are macros of a header that firmware may include, or constants of the emitted Rust.
pub(crate) fn macros() -> Case {
    let mut case = case("macros", "PI", "OUTPUT");
    let program = &mut case.program;
    for (old, new) in
        [("conv_weight", "pi_scale"), ("conv_bias", "EOF"), ("hidden", "HIGH"), ("double", "B0")]
    {
        let buffer = program.buffers.values_mut().find(|buffer| buffer.name == old);
        buffer.expect("the network has this buffer").name = new.into();
    }
    for (kernel, name) in program.kernels.values_mut().zip(["DEFAULT", "LSBFIRST", "RAND_MAX"]) {
        kernel.name = name.into();
    }
    let params = program.kernels.values_mut().flat_map(|kernel| kernel.params.values_mut());
    params.zip(["I", "SP", "GPIOA", "Serial"]).for_each(|(param, name)| param.name = name.into());
    case
}
