//! The house rules that matter, as tests: who may use whom, how files look, what must have a test or a line of
//! documentation. Every fault names the file, the line and the way out.
//!
//! Not here: what rustfmt and clippy see.

mod code;
mod files;
mod layers;
mod lists;
mod source;

/// A broken rule: `place: what is wrong; what to do`.
type Faults = Vec<String>;

/// Fails with all faults at once.
#[track_caller]
fn require_none(rule: &str, faults: Faults) {
    assert!(faults.is_empty(), "{rule}:\n  {}\n", faults.join("\n  "));
}

#[test]
fn crates_depend_only_on_what_their_layer_may() {
    require_none("the layers of docs/architecture.md", layers::dependencies());
}

#[test]
fn files_name_only_what_their_layer_may() {
    require_none("the layers of docs/architecture.md", layers::paths());
}

#[test]
fn unsafe_code_is_in_its_two_places() {
    require_none("where `unsafe` may be", layers::unsafe_code());
}

#[test]
fn files_say_what_they_are() {
    require_none("a file opens with `//!`: what it is and what not", files::headers());
}

#[test]
fn files_are_one_noun() {
    require_none("a file is one noun and short", files::sizes_and_names());
}

#[test]
fn nothing_is_left_to_do() {
    require_none("the sources hold no unfinished code", files::unfinished());
}

#[test]
fn allowed_lints_have_a_reason() {
    require_none("an allowed lint says why", files::allowed_lints());
}

#[test]
fn no_file_names_a_place_on_a_machine() {
    require_none("the repository works wherever it lies", files::machine_paths());
}

#[test]
fn links_between_pages_lead_somewhere() {
    require_none("relative links in pages", files::links());
}

#[test]
fn importers_are_sorted() {
    require_none(
        "the table in frontend/src/onnx/ops/mod.rs is sorted by domain and name",
        lists::importers(),
    );
}

#[test]
fn passes_have_a_file_and_tests_of_their_name() {
    require_none("a pass is a file, a name and a test folder", lists::passes());
}

#[test]
fn operators_have_a_file_and_a_test_of_their_name() {
    require_none("an operator is a file and a filetest", lists::operators());
}

#[test]
fn codes_of_messages_are_documented_once() {
    require_none("docs/diagnostics.md lists every code of a message", code::documented());
}
