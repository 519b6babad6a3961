//! The README's first screen is true: its command prints what it says, and its C compiles against what was emitted.

use std::path::Path;
use std::process::Command;

/// The text between a line that is `fence` and the end of the block.
fn block<'a>(readme: &'a str, fence: &str) -> &'a str {
    let start = readme.find(&format!("\n{fence}\n")).expect("the README has the block") + fence.len() + 2;
    &readme[start..start + readme[start..].find("\n```").expect("the block ends") + 1]
}

#[test]
fn the_first_screen_is_what_the_program_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README is there");
    let line = readme.lines().find(|line| line.contains("-- compile ")).expect("the README has the command");
    let (_, arguments) = line.split_once("-- ").expect("cargo's own arguments end");

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let out = folder.join("out");
    std::fs::create_dir_all(&folder).expect("the build's own folder is writable");
    let run = Command::new(env!("CARGO_BIN_EXE_tinyc"))
        .args(arguments.split_whitespace())
        .arg("--out")
        .arg(&out)
        .current_dir(root)
        .output()
        .expect("the program was built for this test");
    let printed = String::from_utf8(run.stdout).expect("the program writes UTF-8");
    let printed = printed.replace(&format!("{}/", out.display()), "out/");
    let printed = printed.trim_end();
    assert_eq!(block(&readme, "```text").trim_end(), printed, "put this into README.md:\n{printed}\n");

    std::fs::write(out.join("firmware.c"), block(&readme, "```c")).expect("the folder is writable");
    let gcc = Command::new("gcc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "firmware.c"])
        .current_dir(&out)
        .output()
        .expect("gcc is there: apt-get install gcc");
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
}
