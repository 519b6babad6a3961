//! How far a node test gets: the levels, one after the other, and what stops it.

use crate::archive::{Archive, Entry};
use crate::extent;
use crate::model::NodeTest;
use crate::support::proof::Forms;
use crate::tolerance::{close, few_steps};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tinyc_frontend::onnx;
use tinyc_ir::eval::eval;
use tinyc_ir::loops::Program;
use tinyc_ir::{Data, Def, Diagnostics, Graph, Tensor};
use tinyc_passes::graph::{optimise, to_reference};
use tinyc_passes::lower::{Features, lower};

/// What is asked of a test, from the source to the machine. A level is reached only through those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Imported; `eval` says what ONNX says.
    Eval,
    /// Lowered; the loop program computes the bits that `eval` says.
    Loops,
    /// The emitted C, compiled with sanitizers, computes the same bits.
    C,
    /// The object for a Cortex-M4, executed in the simulator, computes the same bits.
    Object,
}

impl Level {
    pub(crate) const ALL: [Self; 4] = [Self::Eval, Self::Loops, Self::C, Self::Object];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eval => "eval",
            Self::Loops => "loops",
            Self::C => "C",
            Self::Object => "M4 object",
        }
    }
}

/// Why a test does not pass.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The compiler says that it does not take the model: what a row of the list may excuse.
    Refused(String),
    /// A result in half floats that is a few of their steps off: ONNX's reference rounds inside the operator, too. A row of
    /// the list may excuse it.
    Steps(String),
    /// A wrong result, a panic, a fault found by a sanitizer.
    Wrong(String),
}

/// What became of a test.
pub(crate) struct Outcome<'a> {
    pub(crate) entry: &'a Entry,
    /// All operators of the model.
    pub(crate) operators: BTreeSet<String>,
    /// The last level that passed.
    pub(crate) reached: Option<Level>,
    /// Nothing that is supplied at run time reaches an output.
    pub(crate) folded: bool,
    /// Why no further level passed.
    pub(crate) failure: Option<Failure>,
    /// For the levels behind the loops.
    pub(crate) lowered: Option<Lowered>,
}

impl Outcome<'_> {
    /// Whether all levels passed.
    pub(crate) fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// A program with a run that it must repeat.
pub(crate) struct Lowered {
    pub(crate) program: Program,
    pub(crate) inputs: Vec<Data>,
    pub(crate) outputs: Vec<Data>,
}

thread_local! {
    static TAKES_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread becomes the outcome of a node test, so that nobody else need report it.
pub(crate) fn takes_panics() -> bool {
    TAKES_PANICS.get()
}

/// Takes a test up to [`Level::Loops`].
pub(crate) fn run<'a>(archive: &Archive, entry: &'a Entry) -> Outcome<'a> {
    let test = NodeTest::read(archive, entry);
    let operators = test.operators.clone();
    let mut outcome =
        Outcome { entry, operators, reached: None, folded: false, failure: None, lowered: None };
    let result = guarded(|| climb(&test, &mut outcome));
    outcome.failure = result.err();
    outcome
}

/// Makes a panic an error.
pub(crate) fn guarded<E: From<Panic>>(work: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    TAKES_PANICS.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    TAKES_PANICS.set(false);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text");
        Err(Panic(format!("a panic: {text}")).into())
    })
}

/// What a panic said.
pub(crate) struct Panic(String);

impl From<Panic> for Failure {
    fn from(panic: Panic) -> Self {
        Self::Wrong(panic.0)
    }
}

impl From<Panic> for String {
    fn from(panic: Panic) -> Self {
        panic.0
    }
}

fn climb(test: &NodeTest, outcome: &mut Outcome<'_>) -> Result<(), Failure> {
    let refused = |d: Diagnostics| match d.0.iter().find(|d| !(200..500).contains(&d.code)) {
        Some(strange) => Failure::Wrong(format!("a well-formed model is called broken: {strange}")),
        None => Failure::Refused(d.0.first().map_or_else(String::new, |d| d.message.clone())),
    };
    let imported = onnx::import(&test.model, &test.options).map_err(refused)?.graph;
    let inputs = inputs(test, &imported)?;
    expect(test, &imported, &inputs, "imported")?;
    let reference = to_reference(&imported, &mut Diagnostics::default());
    expect(test, &reference, &inputs, "the reference graph")?;
    outcome.reached = Some(Level::Eval);
    let optimised = optimise(&reference);
    outcome.folded = is_folded(&optimised);
    let features = Features { saturate: true, dsp: true, registers: 14 };
    let program = lower(&optimised, features).map_err(refused)?.program;
    let forms = Forms { reference: &reference, optimised: &optimised, program: &program };
    forms.verify().map_err(Failure::Wrong)?;
    let outputs = forms.outputs(&inputs).map_err(Failure::Wrong)?;
    outcome.reached = Some(Level::Loops);
    let inputs = inputs.into_iter().map(|t| t.data).collect();
    outcome.lowered = Some(Lowered { program, inputs, outputs });
    Ok(())
}

/// The run-time inputs in the graph's order.
fn inputs(test: &NodeTest, graph: &Graph) -> Result<Vec<Tensor>, Failure> {
    let tensor = |value| {
        let name = &graph.values[value].name;
        match test.inputs.get(name) {
            Some(Ok(tensor)) => Ok(tensor.clone()),
            Some(Err(e)) => Err(Failure::Wrong(format!("input {name} cannot be read: {}", e.message))),
            None => Err(Failure::Wrong(format!("the graph has an input {name}, the model has not"))),
        }
    };
    graph.inputs.iter().map(|&value| tensor(value)).collect()
}

/// Whether a graph evaluates to what the test expects.
fn expect(test: &NodeTest, graph: &Graph, inputs: &[Tensor], form: &str) -> Result<(), Failure> {
    let outputs = eval(graph, inputs).outputs(graph);
    let names: Vec<&str> = graph.outputs.iter().map(|&v| graph.values[v].name.as_str()).collect();
    let counted = extent::counts(&names, test.expected.len()).map_err(Failure::Wrong)?;
    for (i, (got, want)) in outputs.iter().zip(&test.expected).enumerate() {
        let result = match want {
            Ok(want) => {
                let meant = counted[i].map(|at| extent::meant(got, &outputs[at], want)).transpose();
                meant.and_then(|meant| {
                    close(meant.as_ref().unwrap_or(got), want, test.relative, test.absolute)
                })
            }
            Err(e) => Err(format!("cannot be read: {}", e.message)),
        };
        result.map_err(|e| {
            let text = format!("{form}, output {i}: {e}");
            let few = want.as_ref().is_ok_and(|want| few_steps(got, want));
            if few { Failure::Steps(text) } else { Failure::Wrong(text) }
        })?;
    }
    Ok(())
}

/// Whether every output is made of constants alone.
fn is_folded(graph: &Graph) -> bool {
    let mut values = graph.outputs.clone();
    let mut seen: BTreeSet<_> = values.iter().copied().collect();
    while let Some(value) = values.pop() {
        match &graph.values[value].def {
            Def::Input => return false,
            Def::Const(_) => {}
            Def::Node(node, ..) => {
                values.extend(graph.nodes[*node].inputs.iter().filter(|&&v| seen.insert(v)));
            }
        }
    }
    true
}
