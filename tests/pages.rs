//! The pages that say how a network gets into a project, followed to the letter: in an empty folder, each block of shell is run,
//! each file that a page shows is written, and what a page says is printed is printed.
//!
//! In a page, ```` ```sh ```` is run, a block behind a line like `` `main.c`: `` is that file, and ```` ```text ```` behind a
//! run is in its output. Other blocks are for readers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "program/mod.rs"]
mod program;
#[path = "support/shell.rs"]
mod shell;

use shell::{command, run};
use std::path::Path;

/// A fenced block: its language, its text, and the last line with text before it.
struct Block<'a> {
    language: &'a str,
    text: String,
    before: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut before) = (Vec::new(), "");
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        match line.strip_prefix("```") {
            Some(language) => {
                let text = lines.by_ref().take_while(|line| *line != "```");
                let text = text.map(|line| format!("{line}\n")).collect();
                blocks.push(Block { language, text, before });
                before = "";
            }
            None if line.trim().is_empty() => {}
            None => before = line,
        }
    }
    blocks
}

/// Follows a page of docs; how many commands and expected outputs it had.
fn follow(name: &str) -> (usize, usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = program::folder(&format!("page-{name}"));
    let page = std::fs::read_to_string(root.join(format!("docs/{name}.md"))).unwrap();
    let tools = Path::new(env!("CARGO_BIN_EXE_tinyc")).parent().unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let (mut runs, mut outputs, mut said) = (0, 0, String::new());
    for block in blocks(&page) {
        let file = block.before.strip_prefix('`').and_then(|line| line.strip_suffix("`:"));
        match (block.language, file) {
            ("sh", _) => {
                let mut shell = command("bash", &["-eu", "-c", &block.text]);
                said = run(shell.current_dir(&folder).env("PATH", &path).env("TINYC", root));
                runs += 1;
            }
            ("text", _) => {
                assert!(said.contains(block.text.trim_end()), "docs/{name}.md: {}\nbut: {said}", block.text);
                outputs += 1;
            }
            (_, Some(file)) => std::fs::write(folder.join(file), &block.text).unwrap(),
            _ => {}
        }
    }
    (runs, outputs)
}

#[test]
fn cmake() {
    assert_eq!(follow("cmake"), (6, 3));
}

#[test]
fn zephyr() {
    assert_eq!(follow("zephyr"), (1, 0));
    // What the table of the page lists is there.
    listed("zephyr", "digits");
}

#[test]
fn arduino() {
    assert_eq!(follow("arduino"), (2, 0));
    listed("arduino", "digits");
    // The page's own sketch compiles against the header.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-arduino");
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/arduino.md")).unwrap();
    let sketch = blocks(&page).into_iter().find(|block| block.language == "cpp").unwrap().text;
    std::fs::write(folder.join("sketch.cpp"), sketch).unwrap();
    let flags =
        ["-std=gnu++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Idigits/src", "sketch.cpp"];
    run(command("g++", &flags).current_dir(&folder));
}

/// The files in the first column of the page's first table.
fn listed(name: &str, package: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join(format!("docs/{name}.md"))).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}")).join(package);
    let table: Vec<&str> = page.lines().skip_while(|line| *line != "| file | what |").skip(2).collect();
    let rows = table.iter().take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        for file in row.split('|').nth(1).unwrap().split(',') {
            assert!(folder.join(file.trim().trim_matches('`')).exists(), "docs/{name}.md: {file}");
            count += 1;
        }
    }
    assert!(count >= 6, "docs/{name}.md lists the files");
}
