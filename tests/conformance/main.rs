//! ONNX's own node tests, all the way: import, `eval` within the test's tolerance, lowering, the loop interpreter, emitted C
//! under sanitizers and machine code for a Cortex-M4 in the simulator, bit-equal from `eval` on. What does not pass stands
//! in `refused.tsv` with a reason.
//!
//! Each [`Level`](outcome::Level) behind the loops has a file with a function `run(&mut [Outcome])` that takes what got so
//! far: [`host`] for C, [`object`] for machine code.
//!
//! The tests lie in a folder beside the repository (`TINYC_SHARED`, else `../shared`). `cargo bless-conformance` writes
//! `docs/operators.md` and candidates for the list, whose reasons a person writes. `TINYC_NODE_TESTS='test_conv_*'` runs only
//! tests of such names.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod archive;
mod exact;
mod extent;
mod host;
mod list;
mod model;
mod object;
mod operators;
mod outcome;
mod parallel;
mod parameters;
mod summary;
#[path = "../support/mod.rs"]
mod support;
mod tolerance;

use archive::{Archive, CLASSES, Entry};
use list::List;
use outcome::Outcome;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

#[test]
fn node_tests_pass_or_are_listed() {
    let Some(shared) = support::models::shared_folder() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let start = Instant::now();
    let archive = archive::open(&shared);
    let only = std::env::var("TINYC_NODE_TESTS").ok();
    let is_wanted = |e: &&Entry| {
        CLASSES.contains(&&*e.class) && only.as_ref().is_none_or(|only| list::matches(only, &e.name))
    };
    let entries: Vec<&Entry> = archive.entries.iter().filter(is_wanted).collect();
    assert!(!entries.is_empty(), "no test has such a name");
    let outcomes = run(&archive, &entries);

    let list_file = root.join("tests/conformance/refused.tsv");
    let page_file = root.join("docs/operators.md");
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let supported = operators::supported();
    let list = List::parse(&read(&list_file));
    println!("{}  {} s", summary::table(&outcomes, &list), start.elapsed().as_secs());
    let mut faults = list.faults(&outcomes, &supported, only.is_none());
    if only.is_none() {
        if std::env::var_os("TINYC_BLESS").is_some_and(|v| v == "1") {
            let blessed = list.blessed(&outcomes, &supported);
            std::fs::write(&page_file, operators::page(&outcomes, &List::parse(&blessed))).unwrap();
            std::fs::write(&list_file, blessed).unwrap();
        } else if read(&page_file) != operators::page(&outcomes, &list) {
            faults.push("docs/operators.md is not what the code says".into());
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n  {}\nIf a change is right, `cargo bless-conformance` writes candidates into the files.",
        faults.len(),
        faults.join("\n  ")
    );
}

/// What becomes of each test.
fn run<'a>(archive: &Archive, entries: &[&'a Entry]) -> Vec<Outcome<'a>> {
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !outcome::takes_panics() {
            standard(info);
        }
    }));
    let slots: Vec<Mutex<Option<Outcome<'_>>>> = entries.iter().map(|_| Mutex::new(None)).collect();
    parallel::each(entries.len(), |i| {
        *slots[i].lock().unwrap() = Some(outcome::run(archive, entries[i]));
    });
    let mut outcomes: Vec<Outcome<'_>> =
        slots.into_iter().map(|slot| slot.into_inner().unwrap().expect("each test ran")).collect();
    host::run(&mut outcomes);
    object::run(&mut outcomes);
    outcomes
}
