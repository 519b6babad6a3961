//! Finds out whether the core has Arm's DSP extension: stable Rust does not tell.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(tinyc_dsp)");
    let target = std::env::var("TARGET").unwrap_or_default();
    // Armv8-M Mainline may have it or not: the user knows.
    let asked = std::env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em-") || target.starts_with("thumbv8m.main-") && asked {
        println!("cargo::rustc-cfg=tinyc_dsp");
    }
}
