//! The command line: one file per command, each from its arguments to its printed result.
//!
//! Results go to standard output, messages and progress to standard error. Exit codes: 0 done, 1 the model, an input or
//! the budget is refused, 2 the command line is wrong (which clap says).

mod args;
mod board;
mod calibrate;
mod choices;
mod compile;
mod emission;
mod extract;
mod files;
mod inspect;
mod inspection;
mod locking;
mod ops;
mod packaging;
mod progress;
mod quantization_page;
mod quantize;
mod run;
mod sampling;
mod size;
mod style;
mod summary;
mod table;
mod target_page;
mod targets;
mod usage;
mod verify;

use clap::{Parser, Subcommand};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use tinyc::report::Message;
use tinyc_ir::wording::words;
use tinyc_ir::{Diagnostic, Diagnostics};

/// Compiles trained neural networks (ONNX) into C code for microcontrollers: no interpreter, no heap, and the same bytes
/// on the device as on the host.
#[derive(Parser)]
#[command(name = "tinyc", version, max_term_width = 100, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc run examples/models/digits/digits_f32.onnx \\
      --inputs examples/models/digits/digits_samples.npz
  tinyc targets nucleo-l4r5zi

Exit codes:
  0  done
  1  the model, an input or the budget is refused, or the code is not equal to the reference
  2  the command line is wrong";

#[derive(Subcommand)]
enum Command {
    Compile(compile::Args),
    Verify(verify::Args),
    Run(run::Args),
    Quantize(quantize::Args),
    Inspect(inspect::Args),
    Extract(extract::Args),
    Targets(targets::Args),
    Ops(ops::Args),
}

/// Why a command did not finish.
enum Failure {
    /// The model, an input or the budget is refused.
    Refused(Diagnostics),
    /// The result was printed, and says that the emitted code is not equal to the reference.
    Told,
    /// Arguments do not go together.
    Usage(&'static str),
    /// Standard output or standard error is gone.
    Stream(io::Error),
}

impl From<Diagnostics> for Failure {
    fn from(messages: Diagnostics) -> Self {
        Self::Refused(messages)
    }
}

impl From<Diagnostic> for Failure {
    fn from(message: Diagnostic) -> Self {
        Self::Refused(message.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

/// What a command prints to, and how.
struct Console<'a> {
    /// Results.
    out: &'a mut dyn Write,
    /// Messages.
    err: &'a mut dyn Write,
    /// Whether results are for a program to read.
    json: bool,
}

impl Console<'_> {
    /// Prints a result as JSON.
    fn json(&mut self, result: &impl Serialize) -> io::Result<()> {
        self.out.write_all(json_text(result)?.as_bytes())
    }

    /// Prints messages that do not stop the work.
    fn warn(&mut self, messages: &Diagnostics) -> io::Result<()> {
        style::diagnostics(self.err, messages)
    }

    /// Prints why the work stopped; with `--json`, for both kinds of readers.
    fn refuse(&mut self, messages: &Diagnostics) -> io::Result<()> {
        style::diagnostics(self.err, messages)?;
        if self.json {
            let messages: Vec<Message> = messages.0.iter().map(Message::from).collect();
            self.json(&serde_json::json!({ "status": "refused", "diagnostics": messages }))?;
        }
        Ok(())
    }
}

/// A result as JSON text with a final line end.
fn json_text(result: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(result)? + "\n")
}

/// Runs the program on the process's arguments.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::explain(error),
    };
    let (mut out, mut err) = (anstream::stdout().lock(), anstream::stderr().lock());
    let json = match &cli.command {
        Command::Compile(args) => args.json,
        Command::Verify(args) => args.json,
        Command::Run(args) => args.json,
        Command::Quantize(args) => args.json,
        Command::Inspect(args) => args.json,
        Command::Extract(args) => args.json,
        Command::Targets(args) => args.json,
        Command::Ops(args) => args.json,
    };
    let mut console = Console { out: &mut out, err: &mut err, json };
    let result = match &cli.command {
        Command::Compile(args) => compile::run(args, &mut console),
        Command::Verify(args) => verify::run(args, &mut console),
        Command::Run(args) => run::run(args, &mut console),
        Command::Quantize(args) => quantize::run(args, &mut console),
        Command::Inspect(args) => inspect::run(args, &mut console),
        Command::Extract(args) => extract::run(args, &mut console),
        Command::Targets(args) => targets::run(args, &mut console),
        Command::Ops(args) => ops::run(args, &mut console),
    };
    let result = result.and_then(|()| Ok(console.out.flush()?));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(messages)) => {
            console.refuse(&messages).ok();
            ExitCode::FAILURE
        }
        Err(Failure::Told) => {
            console.out.flush().ok();
            ExitCode::FAILURE
        }
        Err(Failure::Usage(why)) => usage::refuse(why),
        Err(Failure::Stream(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Stream(error)) => {
            writeln!(console.err, "error: cannot write the result: {}", words(&error)).ok();
            ExitCode::FAILURE
        }
    }
}
