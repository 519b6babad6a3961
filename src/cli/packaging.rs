//! What is written around a network, as words of the command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::collections::BTreeSet;
use tinyc::package::{Package, WRONG_FORM};
use tinyc::pipeline::Emit;
use tinyc_ir::Diagnostic;

/// What `--package` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Packaging {
    /// One more source file, which runs samples on a board.
    Bench,
    /// The layout of a build system.
    System(Package),
}

impl Packaging {
    const BENCH: &'static str = "bench";

    fn all() -> impl Iterator<Item = Self> {
        [Self::Bench].into_iter().chain(Package::ALL.map(Self::System))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bench => Self::BENCH,
            Self::System(package) => package.name(),
        }
    }

    /// Refuses a program that calls what is not written.
    pub(super) fn check(self, emit: &BTreeSet<Emit>) -> Result<(), Diagnostic> {
        if self != Self::Bench || emit.contains(&Emit::C) || emit.contains(&Emit::Obj) {
            return Ok(());
        }
        let message = "the program of --package bench calls C or an object, and none is written";
        Err(Diagnostic::error(WRONG_FORM, message).help("add one of them: --emit c,rust, say"))
    }

    fn help(self) -> &'static str {
        match self {
            Self::Bench => {
                "bench_main.c: runs the samples on your board, prints hashes and cycles; `tinyc verify --log` compares them"
            }
            Self::System(Package::Cmake) => "for add_subdirectory; targets link NAME::NAME",
            Self::System(Package::Zephyr) => "a module with Kconfig and a sample application",
            Self::System(Package::Arduino) => {
                "a library with a sketch; an object is a precompiled library in it"
            }
            Self::System(Package::Cargo) => "a crate with a test, no_std; the code is Rust",
        }
    }
}

/// Reads one of them.
pub(super) fn parser() -> impl TypedValueParser<Value = Packaging> {
    let values =
        Packaging::all().map(|packaging| PossibleValue::new(packaging.name()).help(packaging.help()));
    PossibleValuesParser::new(values).map(|word| {
        let packaging = Packaging::all().find(|packaging| packaging.name() == word);
        packaging.expect("clap takes only the words that are listed")
    })
}
