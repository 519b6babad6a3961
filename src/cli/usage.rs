//! A command line that is wrong: what clap says about it, and the first example of the command's help besides.

use super::Cli;
use clap::error::{ContextKind, ContextValue, ErrorKind as Kind};
use clap::{Command, CommandFactory};
use std::process::ExitCode;

/// Prints what clap has to say: an error with an example, or help and version as they are.
pub(super) fn explain(mut error: clap::Error) -> ExitCode {
    let unclear = match error.kind() {
        Kind::MissingRequiredArgument | Kind::ArgumentConflict | Kind::WrongNumberOfValues => true,
        // What was meant is known, and said.
        Kind::UnknownArgument => {
            error.get(ContextKind::SuggestedArg).is_none() && error.get(ContextKind::Suggested).is_none()
        }
        Kind::InvalidSubcommand => error.get(ContextKind::SuggestedSubcommand).is_none(),
        _ => false,
    };
    if unclear && let Some(example) = example(&command()) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip(&example).into()]));
    }
    // A pipe that closed early is nobody's fault.
    error.print().ok();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints why arguments do not go together.
pub(super) fn refuse(why: &str) -> ExitCode {
    let mut command = command();
    let valid = command.get_styles().get_valid();
    let tip = example(&command).map(|example| format!("\n\n  {valid}tip:{valid:#} {}", tip(&example)));
    explain(command.error(Kind::Format, format!("{why}{}", tip.unwrap_or_default())))
}

fn tip(example: &str) -> String {
    format!("for example: {example}")
}

/// The command that the arguments name, or the program where they name none.
fn command() -> Command {
    let mut program = Cli::command();
    program.build();
    let name = std::env::args_os().nth(1).unwrap_or_default();
    match program.find_subcommand(name) {
        Some(command) => command.clone(),
        None => program,
    }
}

/// The first example of a command's help, on one line.
fn example(command: &Command) -> Option<String> {
    let help = command.get_after_help()?.to_string().replace("\\\n", " ");
    let line = help.lines().find(|line| line.trim_start().starts_with("tinyc "))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}
