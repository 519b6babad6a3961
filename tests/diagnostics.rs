//! Every model that must be refused, with the whole text of its refusal; and that those which must not be are not.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod program;

use program::{folder, tinyc};
use std::path::Path;

#[test]
fn bad_models() {
    let bad = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/bad");
    let entries =
        std::fs::read_dir(bad).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut models: Vec<String> = entries.filter(|name| name.ends_with(".onnx")).collect();
    models.sort();
    assert!(models.len() >= 18, "the folder holds more models: {models:?}");
    let out = folder("bad_models");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("diagnostics");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for model in models {
            let path = format!("examples/models/bad/{model}");
            let ran = tinyc(&["compile", &path, "--target", "cortex-m4", "--out", out.to_str().unwrap()]);
            let name = model.trim_end_matches(".onnx");
            if name.ends_with("_ok") {
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{model}");
                continue;
            }
            assert_eq!(ran.code, 1, "{model}: {}{}", ran.out, ran.err);
            assert_eq!(ran.out, "", "{model} left something on standard output");
            assert!(!ran.err.contains("panicked"), "{model}: {}", ran.err);
            insta::assert_snapshot!(name, ran.err);
        }
    });
    let written =
        std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(written.into_iter().all(|name| name.contains("_ok")), "a refused model left a file");
}
