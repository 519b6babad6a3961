//! Three networks: two as machine code, one of them with floats, and one with a state as Rust.

use std::path::PathBuf;

fn main() {
    tinyc::build("../../../examples/models/digits/digits_int8_io.onnx").name("digits").emit_object();
    tinyc::build("../../../examples/models/twins/conv1d.onnx").emit_object();
    let stream = tinyc::build("../../../examples/models/twins/stream_qdq.onnx").name("stream");
    stream.state("past", "past_next").state("level", "level_next").emit();

    let arm = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "arm");
    let memory = match arm {
        true => include_str!("../../../examples/cortex-m4-rust/memory.x"),
        false => include_str!("../../../examples/riscv32-rust/memory.x"),
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("memory.x"), memory).expect("the folder is writable");
    println!("cargo::rustc-link-search={}", out.display());
    if !arm {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
