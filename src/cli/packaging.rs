//! What is written around a network, as words of the command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tinyc::package::Package;

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
