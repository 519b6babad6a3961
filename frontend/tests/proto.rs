//! The committed protobuf module is what the generator makes of the committed `.proto`.

use std::path::Path;

const HEADER: &str =
    "//! The messages of an ONNX file. Generated from `frontend/proto/onnx.proto`; do not edit.\n\n";

fn generated() -> String {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let descriptors = protox::compile(["onnx.proto"], [&proto]).expect("onnx.proto is valid");
    let out = std::env::temp_dir().join(format!("tinyc-proto-{}", std::process::id()));
    std::fs::create_dir_all(&out).expect("the temporary folder is writable");
    prost_build::Config::new()
        .out_dir(&out)
        .disable_comments(["."])
        .compile_fds(descriptors)
        .expect("code is generated");
    let code = std::fs::read_to_string(out.join("onnx.rs")).expect("the package is called onnx");
    std::fs::remove_dir_all(&out).expect("the temporary folder is ours");
    format!("{HEADER}{code}")
}

#[test]
fn committed_module_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/onnx/proto.rs");
    let generated = generated();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &generated).expect("src/onnx is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is stale; run this test with BLESS=1", path.display());
}
