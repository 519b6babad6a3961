//! GNU as and objdump, asked about many instructions at once: each one gets a slot of eight bytes.

use std::path::Path;
use std::process::Command;

use crate::tools::tool;

/// Bytes for one instruction, with its IT instruction if it needs one. What is left is zero.
pub(crate) const SLOT: usize = 8;

/// Assembles the texts, each into its slot, as `NAME.o`, and returns all bytes of the section. `setup` chooses the
/// instruction set.
pub(crate) fn assemble(setup: &str, texts: &[String], folder: &Path, name: &str) -> Vec<u8> {
    let mut source = format!(".syntax unified\n{setup}\n.thumb\n.text\n.balign 8\n");
    for (slot, text) in texts.iter().enumerate() {
        source.push_str(&format!(".org {}\n{text}\n", slot * SLOT));
    }
    source.push_str(&format!(".org {}\n", texts.len() * SLOT));
    let (input, object, bytes) = (format!("{name}.s"), format!("{name}.o"), format!("{name}.bin"));
    std::fs::write(folder.join(&input), source).unwrap();
    tool("arm-none-eabi-as", &["-mthumb", "-o", &object, &input], folder);
    tool("arm-none-eabi-objcopy", &["-O", "binary", "-j", ".text", &object, &bytes], folder);
    std::fs::read(folder.join(bytes)).unwrap()
}

/// Which of the texts as refuses.
pub(crate) fn refused(setup: &str, texts: &[String], folder: &Path, name: &str) -> Vec<bool> {
    let mut source = format!(".syntax unified\n{setup}\n.thumb\n.text\n.balign 8\n");
    // The text that each line belongs to; lines count from 1.
    let mut owners = vec![None; source.lines().count() + 1];
    for (index, text) in texts.iter().enumerate() {
        source.push_str(text);
        source.push('\n');
        owners.extend(text.lines().map(|_| Some(index)));
    }
    let input = format!("{name}.s");
    std::fs::write(folder.join(&input), source).unwrap();
    let mut command = Command::new("arm-none-eabi-as");
    let output = match command.args(["-mthumb", "-o", "refused.o", &input]).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            panic!("arm-none-eabi-as: {error}; install it with: apt-get install -y gcc-arm-none-eabi")
        }
    };
    let mut found = vec![false; texts.len()];
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(number), Some(message)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if let Ok(number) = number.parse::<usize>()
            && message.starts_with(" Error")
            && let Some(index) = owners[number]
        {
            found[index] = true;
        }
    }
    found
}

/// A line of objdump.
pub(crate) struct Line {
    pub(crate) address: u32,
    pub(crate) text: String,
}

/// What objdump says about raw bytes or about the object `file`, one line per instruction.
pub(crate) fn disassemble(file: &str, args: &[&str], folder: &Path) -> Vec<Line> {
    let args: Vec<&str> = args.iter().copied().chain(["-z", "--no-show-raw-insn", file]).collect();
    tool("arm-none-eabi-objdump", &args, folder)
        .lines()
        .filter_map(|line| {
            let (address, text) = line.split_once(":\t")?;
            Some(Line { address: u32::from_str_radix(address.trim(), 16).ok()?, text: text.to_string() })
        })
        .collect()
}
