//! The proof on a real board: a source file that runs the network on stored samples, and the comparison of what it
//! printed with the reference. The board, its start-up code and the wire are the user's.

mod firmware;
pub(crate) mod hash;
mod log;
mod report;

pub use log::{Log, Sample, read};
pub use report::{BoardReport, Measured};

use crate::pipeline::{Compiled, Emit};
use crate::state::Sequence;
use std::collections::BTreeSet;
use tinyc_backends::c::File;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;

/// The code of a log that belongs to something else.
const OTHER: u16 = 531;

/// What a log is about: the network, the compiler, and hashes of what was emitted and of the samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The network's name in the emitted code.
    pub model: String,
    /// The compiler's version.
    pub tinyc: String,
    /// The core that the code is for.
    pub core: String,
    /// What was emitted, as `--emit` takes it.
    pub emit: String,
    /// The hash of the emitted files.
    pub files: u32,
    /// The hash of the samples.
    pub inputs: u32,
}

impl Identity {
    /// What was emitted; `None` if the log names a form that this version does not know.
    pub fn emitted(&self) -> Option<BTreeSet<Emit>> {
        let known = |name: &str| Emit::ALL.into_iter().find(|emit| emit.name() == name);
        self.emit.split(',').map(known).collect()
    }

    /// Of a compilation and its samples.
    fn new(compiled: &Compiled, target: &Target, samples: &[Vec<Tensor>]) -> Self {
        let files =
            compiled.artefacts().into_iter().fold(hash::Fnv::START, |hash, (_, bytes)| hash.then(bytes));
        Self {
            model: tinyc_backends::c::prefix(&compiled.program),
            tinyc: env!("CARGO_PKG_VERSION").into(),
            core: target.core.name.clone(),
            emit: listed(&compiled.emit),
            files: files.value(),
            inputs: hash::of_inputs(samples),
        }
    }
}

/// `c,obj`.
fn listed(emit: &BTreeSet<Emit>) -> String {
    emit.iter().map(|emit| emit.name()).collect::<Vec<_>>().join(",")
}

/// The source of a firmware that runs the network on these samples. They fit the reference graph, there is one at
/// least, and with a state they are one sequence.
pub fn package(compiled: &Compiled, target: &Target, samples: &[Vec<Tensor>]) -> File {
    let identity = Identity::new(compiled, target, samples);
    let text = firmware::source(&compiled.program, &identity, samples);
    File { name: firmware::NAME.into(), text }
}

/// Compares a log with the reference. A difference is no error: see [`BoardReport::is_proof`].
///
/// # Errors
/// A log of another network, compiler, core, set of files or set of samples: everything that differs.
pub fn compare(
    compiled: &Compiled,
    target: &Target,
    samples: &[Vec<Tensor>],
    log: &Log,
) -> Result<BoardReport, Diagnostics> {
    let (here, there) = (Identity::new(compiled, target, samples), &log.identity);
    let hexadecimal = |number: u32| format!("{number:08x}");
    let what_runs = [
        Fact {
            what: "network",
            here: here.model.clone(),
            there: there.model.clone(),
            help: "give the model that was compiled, and its --name if it had one",
        },
        Fact {
            what: "version of tinyc",
            here: here.tinyc.clone(),
            there: there.tinyc.clone(),
            help: "compile and run it again with this version",
        },
        Fact {
            what: "core",
            here: here.core.clone(),
            there: there.core.clone(),
            help: "give the --target that it was compiled for",
        },
    ];
    agree(&what_runs)?;
    agree(&[
        Fact {
            what: "set of emitted files, although the network has the same name",
            here: hexadecimal(here.files),
            there: hexadecimal(there.files),
            help: "compile with the same model and options, and run the new firmware",
        },
        Fact {
            what: "set of samples",
            here: hexadecimal(here.inputs),
            there: hexadecimal(there.inputs),
            help: "give the same --inputs, --samples and --seed as to `tinyc compile`",
        },
    ])?;
    let reference = &compiled.model.reference;
    let mut sequence = Sequence::new(reference, &compiled.model.states);
    let expected = samples
        .iter()
        .map(|inputs| hash::of_outputs(&compiled.model.states.outputs(reference, &sequence.next(inputs))));
    Ok(BoardReport::new(compiled, target, log, expected.collect()))
}

/// Something that must be the same in the log and here.
struct Fact {
    what: &'static str,
    here: String,
    there: String,
    help: &'static str,
}

/// All facts that differ, as errors.
fn agree(facts: &[Fact]) -> Result<(), Diagnostics> {
    let differ = facts.iter().filter(|fact| fact.here != fact.there).map(|fact| {
        Diagnostic::error(OTHER, format!("the log is of another {}", fact.what))
            .note(format!("the log says {}, this is {}", fact.there, fact.here))
            .help(fact.help)
    });
    let problems = Diagnostics(differ.collect());
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}
