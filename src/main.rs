//! The program `tinyc`. Everything is in [`cli`]; what it calls is the library.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
