//! Rewriting graphs: every pass is a file here (or in [`quantize`](crate::quantize)), a row of a table below, the name that
//! `tinyc inspect --after NAME` takes, and a test folder.
//!
//! The one place that says the order, and where the *reference graph* is frozen: after [`TO_REFERENCE`]. Passes up to
//! there may change bits, as each says; those behind it, [`OPTIMISE`], never do.

use crate::quantize::integer::recognize_qdq;
use std::collections::BTreeSet;
use tinyc_ir::{Def, Diagnostics, Graph};

mod channel_groups;
pub mod constant_channels;
pub mod fold_batch_norm;
pub mod fold_constants;
pub mod fold_dequantize;
pub mod fold_flatten;
pub mod fold_layout;
pub mod fold_pad;
pub mod fuse_activation;
pub mod ranges;
pub mod remove_no_op;
pub mod round_last;
pub mod store_half;
mod view;

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
pub(crate) mod samples;

/// A rewriting of graphs.
#[derive(Clone, Copy)]
pub struct Pass {
    /// The name of its file with dashes, and of the command line's `--after`.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Whether no bit of any result changes, floats included.
    pub exact: bool,
    /// The rewriting; what the user should know of it is added to the diagnostics.
    pub run: fn(&Graph, &mut Diagnostics) -> Graph,
}

/// From the imported graph to the reference graph, in order.
pub const TO_REFERENCE: &[Pass] = &[
    Pass {
        name: "remove-no-op",
        summary: "drop operators that return their argument",
        exact: true,
        run: |graph, _| remove_no_op::run(graph),
    },
    Pass {
        name: "fold-constants",
        summary: "evaluate operators on constants",
        exact: true,
        run: |graph, _| fold_constants::run(graph),
    },
    Pass {
        name: "fold-layout",
        summary: "cancel and move transposes and reshapes",
        exact: true,
        run: |graph, _| fold_layout::run(graph),
    },
    Pass {
        name: "round-last",
        summary: "clamp before a number is rounded to a half float, not behind it",
        exact: false,
        run: |graph, _| round_last::run(graph),
    },
    Pass {
        name: "fold-flatten",
        summary: "move a transpose before a dense layer into its weights",
        exact: false,
        run: |graph, _| fold_flatten::run(graph),
    },
    Pass {
        name: "fold-batch-norm",
        summary: "fold multiplications and additions by constants into weights and biases",
        exact: false,
        run: |graph, _| fold_batch_norm::run(graph),
    },
    Pass {
        name: "recognize-qdq",
        summary: "make integer operators of float ones between dequantize and quantize",
        exact: false,
        run: |graph, diagnostics| {
            let (graph, found) = recognize_qdq::run(graph);
            diagnostics.0.extend(found.0);
            graph
        },
    },
    Pass {
        name: "fold-dequantize",
        summary: "evaluate what is still computed from constants, dequantized weights included",
        exact: true,
        run: |graph, _| fold_dequantize::run(graph),
    },
];

/// From the reference graph to what is lowered, in order. All are exact.
pub const OPTIMISE: &[Pass] = &[
    Pass {
        name: "fuse-activation",
        summary: "move clamps into the operators before them",
        exact: true,
        run: |graph, _| fuse_activation::run(graph),
    },
    Pass {
        name: "fold-pad",
        summary: "move pads into the borders of convolutions and pools",
        exact: true,
        run: |graph, _| fold_pad::run(graph),
    },
    Pass {
        name: "constant-channels",
        summary: "drop channels that always hold one value or that nothing needs",
        exact: true,
        run: |graph, _| constant_channels::run(graph),
    },
    Pass {
        name: "store-half",
        summary: "let operators read and write half floats where they stood between conversions",
        exact: true,
        run: |graph, _| store_half::run(graph),
    },
];

/// All passes in order.
pub fn passes() -> impl Iterator<Item = &'static Pass> {
    TO_REFERENCE.iter().chain(OPTIMISE)
}

impl Pass {
    /// Runs the pass; outputs keep their names.
    pub fn apply(&self, graph: &Graph, diagnostics: &mut Diagnostics) -> Graph {
        let mut new = (self.run)(graph, diagnostics);
        keep_output_names(graph, &mut new);
        debug_assert_eq!(tinyc_ir::verify::verify(&new), Ok(()), "{} broke the graph", self.name);
        new
    }
}

/// The reference graph of an imported graph: what all code is compared with.
pub fn to_reference(graph: &Graph, diagnostics: &mut Diagnostics) -> Graph {
    TO_REFERENCE.iter().fold(graph.clone(), |graph, pass| pass.apply(&graph, diagnostics))
}

/// The graph to lower, bit by bit the same function as the reference graph.
pub fn optimise(reference: &Graph) -> Graph {
    OPTIMISE.iter().fold(reference.clone(), |graph, pass| pass.apply(&graph, &mut Diagnostics::default()))
}

/// All passes up to the one of this name, it included; `None` if there is none.
pub fn run_until(graph: &Graph, name: &str, diagnostics: &mut Diagnostics) -> Option<Graph> {
    let last = passes().position(|p| p.name == name)?;
    Some(passes().take(last + 1).fold(graph.clone(), |graph, pass| pass.apply(&graph, diagnostics)))
}

/// Multiplications with accumulate in one inference.
pub fn macs(graph: &Graph) -> u64 {
    graph.nodes.values().map(|n| n.op.macs(&graph.types(&n.inputs), graph.ty(n.outputs[0]))).sum()
}

/// A pass may let another value stand for an output; the user still knows it by its old name.
fn keep_output_names(old: &Graph, new: &mut Graph) {
    let mut taken: BTreeSet<_> = new.inputs.iter().copied().collect();
    for (&was, &is) in old.outputs.iter().zip(&new.outputs) {
        let name = &old.values[was].name;
        let free = new.values.iter().all(|(v, data)| v == is || data.name != *name);
        if taken.insert(is) && free && !matches!(new.values[is].def, Def::Const(_)) {
            new.values[is].name.clone_from(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tinyc_ir::{Tensor, eval::eval};

    #[test]
    fn names_are_unique_and_nothing_behind_the_reference_graph_changes_bits() {
        let names: BTreeSet<_> = passes().map(|p| p.name).collect();
        assert_eq!(names.len(), passes().count());
        assert!(OPTIMISE.iter().all(|p| p.exact));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn exact_passes_change_no_bit(seed in any::<u64>()) {
            let graph = random::network(seed);
            let mut chance = random::Random(!seed);
            let inputs: Vec<Vec<Tensor>> =
                (0..3).map(|_| graph.inputs.iter().map(|&v| chance.tensor(graph.ty(v))).collect()).collect();
            let check = |name: &str, after: &Graph| {
                for inputs in &inputs {
                    let (expected, got) = (eval(&graph, inputs).outputs(&graph), eval(after, inputs).outputs(after));
                    prop_assert!(expected.iter().zip(&got).all(|(a, b)| a.same_bits(b)), "{}", name);
                }
                Ok(())
            };
            let none = &mut Diagnostics::default();
            for pass in passes().filter(|p| p.exact) {
                check(pass.name, &pass.apply(&graph, none))?;
            }
            check("all", &optimise(&graph))?;
            let names = |g: &Graph| g.outputs.iter().map(|&v| g.values[v].name.clone()).collect::<Vec<_>>();
            prop_assert_eq!(names(&graph), names(&optimise(&graph)));
        }

        #[test]
        fn ranges_hold(seed in any::<u64>()) {
            let graph = random::network(seed);
            let ranges = ranges::analyze(&graph);
            let mut chance = random::Random(!seed);
            for _ in 0..3 {
                let inputs: Vec<Tensor> = graph.inputs.iter().map(|&v| chance.tensor(graph.ty(v))).collect();
                let run = eval(&graph, &inputs);
                for value in graph.values.keys() {
                    let (channels, tensor) = (ranges.of(value), run.tensor(value));
                    for i in 0..tensor.data.len() {
                        let ((lo, hi), x) = (channels[i % channels.len()], tensor.data.int(i));
                        prop_assert!(lo <= x && x <= hi, "{} of {}", x, graph.values[value].name);
                    }
                }
            }
        }
    }
}
