//! Tensors that a model carries from one run to the next: an output that is an input of the run after it.

use tinyc_ir::eval::{Evaluation, eval};
use tinyc_ir::{Data, Diagnostic, Diagnostics, Graph, Tensor, TensorType, Value};
use tinyc_passes::lower::state::Kept;

/// The code of a pair that does not go with the model.
const STATE: u16 = 310;

/// The inputs and outputs of a graph that are its state. They are no arguments of the emitted function, and samples do not
/// have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States(Vec<Kept>);

impl States {
    /// Finds pairs of an input and the output that becomes it, by their names in the imported graph. Their types in the reference
    /// graph, which has the same inputs and outputs, must be equal.
    ///
    /// # Errors
    /// Names that the graph does not have, or that are in two pairs; types that differ. All of them at once.
    pub fn resolve(imported: &Graph, graph: &Graph, pairs: &[(String, String)]) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut kept: Vec<Kept> = Vec::new();
        for (from, to) in pairs {
            let input = position(imported, &imported.inputs, from, "input", &mut problems);
            let output = position(imported, &imported.outputs, to, "output", &mut problems);
            let (Some(input), Some(output)) = (input, output) else { continue };
            let (old, new) = (graph.ty(graph.inputs[input]), graph.ty(graph.outputs[output]));
            if old != new {
                problems.push(differ(graph, (from, old), (to, new)));
            } else if let Some(twice) = kept.iter().find(|k| k.input == input || k.output == output) {
                let (kind, name) = if twice.input == input { ("input", from) } else { ("output", to) };
                problems.push(error(graph, format!("{kind} {name:?} is in two pairs of the state")));
            } else {
                kept.push(Kept { input, output });
            }
        }
        if problems.has_errors() { Err(problems) } else { Ok(Self(kept)) }
    }

    /// Whether the model carries nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, as lowering takes them.
    pub fn kept(&self) -> &[Kept] {
        &self.0
    }

    /// Whether the input with this position is supplied by the user.
    pub fn is_supplied(&self, input: usize) -> bool {
        self.0.iter().all(|kept| kept.input != input)
    }

    /// The inputs that the user supplies, with their positions.
    pub fn supplied<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = (usize, Value)> + use<'g, '_> {
        graph.inputs.iter().copied().enumerate().filter(|&(input, _)| self.is_supplied(input))
    }

    /// The outputs that the user receives, with their positions.
    pub fn received<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = (usize, Value)> + use<'g, '_> {
        let received = |&(output, _): &(usize, Value)| self.0.iter().all(|kept| kept.output != output);
        graph.outputs.iter().copied().enumerate().filter(received)
    }

    /// The tensors of the user's outputs.
    pub fn outputs(&self, graph: &Graph, evaluation: &Evaluation) -> Vec<Tensor> {
        self.received(graph).map(|(_, value)| evaluation.tensor(value).clone()).collect()
    }
}

/// A graph in the middle of a sequence of runs.
pub struct Sequence<'a> {
    graph: &'a Graph,
    states: &'a States,
    /// What the next run starts from, in the order of the pairs.
    now: Vec<Tensor>,
}

impl<'a> Sequence<'a> {
    /// Before the first run: everything that is carried is zero, which in a quantised tensor is its zero point.
    pub fn new(graph: &'a Graph, states: &'a States) -> Self {
        let zero = |kept: &Kept| zeros(graph.ty(graph.inputs[kept.input]));
        Self { graph, states, now: states.0.iter().map(zero).collect() }
    }

    /// The next run, on the tensors that the user supplies.
    pub fn next(&mut self, supplied: &[Tensor]) -> Evaluation {
        let evaluation = eval(self.graph, &self.inputs(supplied));
        self.keep(&evaluation.outputs(self.graph));
        evaluation
    }

    /// All inputs of the next run: what the user supplies, and what the last run left.
    pub fn inputs(&self, supplied: &[Tensor]) -> Vec<Tensor> {
        let mut supplied = supplied.iter();
        let input = |i: usize| match self.states.0.iter().position(|kept| kept.input == i) {
            Some(at) => self.now[at].clone(),
            None => supplied.next().expect("one tensor per supplied input").clone(),
        };
        (0..self.graph.inputs.len()).map(input).collect()
    }

    /// Takes from all outputs of a run what the next one starts from.
    pub fn keep(&mut self, outputs: &[Tensor]) {
        self.now = self.states.0.iter().map(|kept| outputs[kept.output].clone()).collect();
    }
}

fn zeros(ty: &TensorType) -> Tensor {
    let count = ty.shape.elements();
    let zero = ty.quant.as_ref().and_then(|quant| quant.tensor_wide()).map_or(0, |(_, zero)| zero);
    let data = Data::from_bits(ty.dtype, std::iter::repeat_n(0, count));
    let data = if zero == 0 { data } else { Data::from_ints(ty.dtype, vec![i64::from(zero); count]) };
    Tensor::new(ty.shape.clone(), data)
}

/// The position of a value's name among the inputs or outputs.
fn position(
    graph: &Graph,
    values: &[Value],
    name: &str,
    kind: &str,
    problems: &mut Diagnostics,
) -> Option<usize> {
    let found = values.iter().position(|&value| graph.values[value].name == name);
    if found.is_none() {
        let known: Vec<String> = values.iter().map(|&v| format!("{:?}", graph.values[v].name)).collect();
        let message = format!("{name:?}, which is to be kept between runs, is not an {kind} of the model");
        problems.push(
            error(graph, message)
                .help(format!("write --state INPUT=OUTPUT; the {kind}s are {}", known.join(", "))),
        );
    }
    found
}

fn differ(graph: &Graph, (from, old): (&str, &TensorType), (to, new): (&str, &TensorType)) -> Diagnostic {
    let help = match (old.dtype == new.dtype && old.shape == new.shape, old.dtype == new.dtype) {
        (true, _) => {
            "quantise both with the same scale and zero point: the stored numbers are kept as they are"
        }
        (_, true) => "give the input's shape with --shape, or let the model compute as much as it reads",
        _ => "export both with the same element type",
    };
    error(graph, format!("output {to:?} cannot become input {from:?}: their types differ"))
        .note(format!("the input has type {old}"))
        .note(format!("the output has type {new}"))
        .help(help)
}

fn error(graph: &Graph, message: String) -> Diagnostic {
    Diagnostic::error(STATE, message).at(graph.name.clone())
}
