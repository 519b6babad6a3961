//! What goes to which stream, for whom, and in which colour.

use crate::json;
use crate::program::{command, ran, tinyc};

#[test]
fn a_refusal_is_json_too() {
    let ran = tinyc(&["compile", "examples/models/bad/unsupported.onnx", "--target", "cortex-m4", "--json"]);
    assert_eq!(ran.code, 1);
    let refusal = json(&ran.out);
    assert_eq!(refusal["status"], "refused");
    let messages = refusal["diagnostics"].as_array().unwrap();
    assert!(messages.len() >= 2, "all problems in one run: {refusal}");
    for message in messages {
        assert_eq!(message["severity"], "error");
        assert!(ran.err.contains(message["code"].as_str().unwrap()), "{}", ran.err);
    }
}

#[test]
fn colour_is_for_terminals_only() {
    let bad = ["compile", "examples/models/bad/unsupported.onnx", "--target", "cortex-m4"];
    let plain = tinyc(&bad);
    assert!(!plain.err.contains('\u{1b}'), "{}", plain.err);
    let forced = ran(command(&bad).env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(forced.err.contains("\u{1b}["), "the test can see colours: {}", forced.err);
    let refused = ran(command(&bad).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().unwrap());
    assert_eq!(refused.err, plain.err);
}

#[test]
fn a_closed_pipe_is_no_panic() {
    use std::io::Read;
    use std::process::Stdio;
    let mut child =
        command(&["targets", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}
