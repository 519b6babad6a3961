//! Help texts, their examples, and command lines that are wrong.

use crate::program::{folder, tinyc};
use crate::{DIGITS, SAMPLES};

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [
        &[][..],
        &["compile"],
        &["compile", DIGITS],
        &["compile", DIGITS, "--target", "cortex-m4", "--target-file", "x.toml"],
        &["compile", DIGITS, "--target", "cortex-m4", "--ram", "64Q"],
        &["compile", DIGITS, "--target", "cortex-m4", "--name", "1st"],
        &["compile", DIGITS, "--target", "cortex-m4", "--shape", "image"],
        &["run", DIGITS],
        &["run", DIGITS, "--inputs", SAMPLES, "--samples", "0"],
        &["inspect"],
        &["inspect", DIGITS, "--after", "nothing"],
        &["fly"],
    ] {
        let ran = tinyc(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(
            ran.err.contains("Usage: tinyc") || ran.err.contains("try '--help'"),
            "{args:?}: {}",
            ran.err
        );
    }
}

#[test]
fn arguments_that_do_not_go_together_come_with_an_example() {
    for args in [
        &["quantize", DIGITS][..],
        &["compile", DIGITS, "--target", "cortex-m4", "--target-file", "x.toml"],
        // What clap does not know to be wrong.
        &["compile", DIGITS],
    ] {
        let ran = tinyc(args);
        let example = format!("tip: for example: tinyc {} ", args[0]);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(&example), "{args:?}: {}", ran.err);
    }
}

#[test]
fn an_unknown_target_suggests_known_ones() {
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m44"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!("unknown_target", ran.err);
    assert_eq!(tinyc(&["targets", "cortex-m44"]).code, 2);
}

#[test]
fn help_is_reviewed_as_a_whole() {
    let mut text = tinyc(&["--help"]).out;
    for name in ["compile", "verify", "quantize", "run", "inspect", "extract", "targets", "ops"] {
        let ran = tinyc(&[name, "--help"]);
        assert_eq!(ran.code, 0, "{name}");
        text.push_str(&format!("\n======== {name}\n{}", ran.out));
    }
    insta::assert_snapshot!("help", text);
}

/// Every line that the help gives as an example, in a folder of its own.
#[test]
fn examples_of_the_help_work() {
    let out = folder("help_examples");
    let mut seen = 0;
    for name in ["compile", "verify", "quantize", "run", "inspect", "extract", "targets", "ops"] {
        let help = tinyc(&[name, "--help"]).out.replace("\\\n", " ");
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{name} has no examples"));
        for line in examples.lines().filter(|line| line.trim_start().starts_with("tinyc ")) {
            let mut args: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
            match name {
                "compile" => args.extend(["--out".into(), out.to_str().unwrap().into()]),
                "run" if !line.contains("--samples") => args.extend(["--samples".into(), "2".into()]),
                _ => {}
            }
            if let Some(at) = args.iter().position(|arg| arg == "--outputs") {
                args[at + 1] = out.join("y.npz").to_str().unwrap().to_owned();
            }
            if let Some(at) = args.iter().position(|arg| arg == "--lock") {
                args[at + 1] = out.join("tinyc.lock").to_str().unwrap().to_owned();
            }
            if let Some(at) = args.iter().position(|arg| arg == "--report") {
                args[at + 1] = out.join("page.html").to_str().unwrap().to_owned();
            }
            if let Some(at) = args.iter().position(|arg| arg == "-o") {
                args[at + 1] = out.join("small.onnx").to_str().unwrap().to_owned();
            }
            let ran = tinyc(&args.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(ran.code, 0, "{line}: {}", ran.err);
            seen += 1;
        }
    }
    assert!(seen >= 16, "only {seen} examples");
}
