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
    format!("{HEADER}{}", without_derives(&code))
}

/// The generator's code with what it derives as calls of our own macros: see `frontend/src/onnx/message.rs`.
fn without_derives(code: &str) -> String {
    let mut out = String::new();
    // The end of an item in a macro: a closing brace as deep as its beginning.
    let mut end: Option<String> = None;
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let derive = line.trim_start().strip_prefix("#[derive(");
        let derived = derive.map(|list| {
            // Long lists take several lines.
            let mut list = list.to_owned();
            while !list.ends_with(")]") {
                list += " ";
                list += lines.next().expect("the list ends").trim();
            }
            list.trim_end_matches(")]").split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        });
        let Some(mut names) = derived else {
            out += &quotes(line);
            out.push('\n');
            if end.as_deref() == Some(line) {
                out += &format!("{indent}}}\n");
                end = None;
            }
            continue;
        };
        let (name, own) = match names.pop().as_deref() {
            Some("::prost::Message") => ("message", ["Debug", "Default"].as_slice()),
            Some("::prost::Oneof") => ("one_of", ["Debug"].as_slice()),
            Some("::prost::Enumeration") => ("enumeration", [].as_slice()),
            other => panic!("nothing is known of {other:?}"),
        };
        names.extend(own.iter().map(|&own| own.to_owned()));
        names.sort();
        out +=
            &format!("{indent}crate::onnx::message::{name}! {{\n{indent}#[derive({})]\n", names.join(", "));
        end = Some(format!("{indent}}}"));
    }
    out
}

/// Tags as numbers and names of types, where the derive has text: macros take no text apart.
fn quotes(line: &str) -> String {
    let Some((head, rest)) = line.split_once("#[prost(") else { return line.to_owned() };
    let rest = match rest.strip_prefix("oneof") {
        Some(rest) => {
            format!("oneof{}", rest.replace('"', "").replace(", ", " | ").replace(" | tags", ", tags"))
        }
        None => match rest.rsplit_once("tag = ") {
            Some((kind, tag)) if kind.starts_with("enumeration") => {
                format!("{kind}tag = {tag}").replace('"', "")
            }
            Some((kind, tag)) => format!("{kind}tag = {}", tag.replace('"', "")),
            None => rest.to_owned(),
        },
    };
    format!("{head}#[prost({rest}")
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
