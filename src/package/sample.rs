//! The C that programs of packages share: one stored sample, a function that runs the network on it, and the hash of what the
//! reference computes from it. It compiles as C and as C++.

use crate::board::hash;
use crate::pipeline::Compiled;
use crate::state::Sequence;
use std::fmt::Write as _;
use tinyc_backends::c::{self, Call, Port};
use tinyc_ir::Tensor;
use tinyc_ir::loops::Scalar;

/// A sample in the making of a program.
pub(super) struct Sample {
    call: Call,
    /// Bytes of each input.
    inputs: Vec<Vec<u8>>,
    /// Bytes of the reference's outputs, and their hash.
    outputs: Vec<u8>,
    expected: u32,
}

impl Sample {
    pub(super) fn new(compiled: &Compiled, inputs: &[Tensor]) -> Self {
        let reference = &compiled.model.reference;
        let results = Sequence::new(reference, &compiled.model.states).next(inputs);
        let outputs = compiled.model.states.outputs(reference, &results);
        Self {
            call: c::call(&compiled.program, &is_taken),
            inputs: inputs.iter().map(|tensor| tensor.data.to_le_bytes()).collect(),
            expected: hash::of_outputs(&outputs),
            outputs: outputs.iter().flat_map(|tensor| tensor.data.to_le_bytes()).collect(),
        }
    }

    /// The bytes of all inputs, one behind the other.
    pub(super) fn inputs(&self) -> Vec<u8> {
        self.inputs.concat()
    }

    /// The bytes of what the reference computes, one output behind the other.
    pub(super) fn outputs(&self) -> Vec<u8> {
        self.outputs.clone()
    }

    /// The first output with a greatest element, as an expression for its position.
    pub(super) fn class(&self) -> Option<String> {
        let mut ports = self.call.outputs.iter();
        ports.find_map(|port| Some(format!("{}({})", port.argmax.as_ref()?, port.name)))
    }

    /// Definitions: memory, the sample, `EXPECTED_HASH` and `int run_sample(uint32_t *hash)`. They want `<string.h>`.
    pub(super) fn definitions(&self) -> String {
        let mut out = self.call.memory.join("\n");
        out.push_str(
            "\n\n/* A sample, and the hash of the outputs that the reference computes from it. */\n",
        );
        let _ = writeln!(out, "#define EXPECTED_HASH 0x{:08x}u", self.expected);
        let with_elements = || self.call.inputs.iter().zip(&self.inputs).filter(|(_, data)| !data.is_empty());
        for (port, data) in with_elements() {
            let _ = writeln!(out, "static const uint8_t sample_{}[{}] = {{", port.name, data.len());
            for line in data.chunks(20) {
                let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
                let _ = writeln!(out, "    {},", numbers.join(", "));
            }
            out.push_str("};\n");
        }
        out.push_str(hash::BYTES_IN_C);
        let floats = self.call.outputs.iter().any(|port| port.scalar == Scalar::F32 && port.len > 0);
        if floats {
            out.push_str(hash::FLOATS_IN_C);
        }
        out.push_str(
            "\n/* Runs the network on the sample; the result is its status. */\n\
             static int run_sample(uint32_t *hash)\n{\n    int status;\n",
        );
        for (port, _) in with_elements() {
            let _ = writeln!(out, "    memcpy({0}, sample_{0}, sizeof {0});", port.name);
        }
        if let Some(begin) = &self.call.begin {
            let _ = writeln!(out, "    {begin}");
        }
        let _ = writeln!(out, "    status = {};\n    *hash = HASH_START;", self.call.run);
        for port in self.call.outputs.iter().filter(|port| port.len > 0) {
            let _ = writeln!(out, "    *hash = {};", hashed(port));
        }
        out.push_str("    return status;\n}\n");
        out
    }
}

/// Names that the programs of packages, and the systems that they are for, have for something else.
const TAKEN: &str = "
    analogRead analogReference analogWrite attachInterrupt bit bits boolean byte bytes count data delay
    delayMicroseconds detachInterrupt digitalRead digitalWrite equal hash hash_bytes hash_floats i init initVariant loop
    main makeWord map max micros millis min noTone pinMode printk pulseIn pulseInLong random randomSeed round run_sample
    serialEvent setup shiftIn shiftOut start time tone word yield
";

fn is_taken(name: &str) -> bool {
    TAKEN.split_ascii_whitespace().any(|taken| taken == name) || name.starts_with("sample_")
}

fn hashed(port: &Port) -> String {
    let name = &port.name;
    match port.scalar {
        Scalar::F32 => format!("hash_floats(*hash, {name}, sizeof {name})"),
        _ => format!("hash_bytes(*hash, {name}, sizeof {name})"),
    }
}
