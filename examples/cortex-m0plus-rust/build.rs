//! Compiles the network for the core that cargo builds for, within the memory that the part can spare.

use std::path::PathBuf;

fn main() {
    // A model that needs more is refused here, not found out on the board.
    let model = tinyc::build("../models/digits/digits_int8_io.onnx").name("digits").target_from_cargo();
    model.ram(4 * 1024).flash(32 * 1024).emit();

    // The memories of the board, where the linker looks for them.
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("memory.x"), include_str!("memory.x")).expect("the folder is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
}
