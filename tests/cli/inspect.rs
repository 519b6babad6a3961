//! `tinyc inspect`, `targets` and `ops`: texts and tables.

use crate::program::tinyc;
use crate::{DIGITS, json};

#[test]
fn inspect_prints_what_parses_back() {
    let ran = tinyc(&["inspect", DIGITS, "--after", "fold-dequantize", "--constants"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let graph = tinyc_ir::text::parse_graph("digits.tir", &ran.out).unwrap();
    assert_eq!(graph.outputs.len(), 1);
    let ran = tinyc(&["inspect", DIGITS, "--loops", "--constants"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    tinyc_ir::text::parse_program("digits.tir", &ran.out).unwrap();
    let short = tinyc(&["inspect", DIGITS, "--loops", "--json"]);
    assert!(json(&short.out)["text"].as_str().unwrap().len() < ran.out.len());
}

#[test]
fn every_pass_can_be_inspected() {
    let passes = json(&tinyc(&["inspect", "--passes", "--json"]).out);
    for pass in passes["passes"].as_array().unwrap() {
        let ran = tinyc(&["inspect", DIGITS, "--after", pass["name"].as_str().unwrap()]);
        assert_eq!(ran.code, 0, "{pass}: {}", ran.err);
        assert!(ran.out.starts_with("graph @digits_int8_io {"), "{pass}: {}", ran.out);
    }
}

#[test]
fn tables_have_their_json() {
    let cores = json(&tinyc(&["targets", "--json"]).out);
    assert_eq!(cores["cores"].as_array().unwrap().len(), tinyc_targets::cores().count());
    assert_eq!(cores["chips"].as_array().unwrap().len(), tinyc_targets::chips().count());
    for name in
        tinyc_targets::cores().map(|core| &core.name).chain(tinyc_targets::chips().map(|chip| &chip.name))
    {
        let page = tinyc(&["targets", name]);
        assert!(page.code == 0 && page.out.starts_with(name.as_str()), "{name}: {}{}", page.out, page.err);
    }
    let ops = json(&tinyc(&["ops", "--json"]).out);
    let table = tinyc(&["ops"]).out;
    for op in ops["operators"].as_array().unwrap() {
        assert!(table.contains(op["name"].as_str().unwrap()), "{op}");
    }
    insta::assert_snapshot!("target_page", tinyc(&["targets", "nucleo-l4r5zi"]).out);
}
