//! Compiles the network for the core that cargo builds for.

use std::path::PathBuf;

fn main() {
    tinyc::build("../models/digits/digits_int8_io.onnx").name("digits").target_from_cargo().emit();

    // The memories of the board, where the linker looks for them.
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("memory.x"), include_str!("memory.x")).expect("the folder is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
}
