//! What holds of every graph, shown on random ones; and that the random ones are worth it.

use super::*;
use crate::eval::eval;
use crate::text::{parse_graph, print_graph};
use crate::verify::verify;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every random graph is valid, prints, and parses back to a graph that prints and computes the same.
    #[test]
    fn text_keeps_graphs_and_their_meaning(seed: u64) {
        let graph = random_graph(seed);
        if let Err(problems) = verify(&graph) {
            panic!("{problems}\n{graph}");
        }
        let text = print_graph(&graph);
        let back = parse_graph("random.tir", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        prop_assert_eq!(&print_graph(&back), &text);
        let inputs = random_inputs(&graph, seed);
        let (before, after) = (eval(&graph, &inputs), eval(&back, &inputs));
        for value in graph.values.keys() {
            prop_assert!(before.tensor(value).same_bits(after.tensor(value)), "{}", value);
        }
    }

    /// Dropping what no output needs is no change for the outputs.
    #[test]
    fn compacting_keeps_the_meaning(seed: u64) {
        let graph = random_graph(seed);
        let inputs = random_inputs(&graph, seed);
        let compact = crate::rewriter::compact(&graph);
        prop_assert!(verify(&compact).is_ok());
        let (before, after) = (eval(&graph, &inputs).outputs(&graph), eval(&compact, &inputs).outputs(&compact));
        prop_assert!(before.iter().zip(&after).all(|(a, b)| a.same_bits(b)));
    }
}

/// The generator reaches every operator on floats and on integers, and the corners that its docs promise.
#[test]
fn random_graphs_cover_what_they_promise() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut see = |what: String| *seen.entry(what).or_default() += 1;
    for seed in 0..800 {
        let graph = random_graph(seed);
        let counts = graph.use_counts();
        for node in graph.nodes.values() {
            let x = graph.ty(node.inputs[0]);
            see(format!("{} {}", node.op.name(), if x.is_quantized() { "quantised" } else { "float" }));
            if let Op::Conv2d(conv) = &node.op {
                let wt = graph.ty(node.inputs[1]);
                let weights = wt.quant.as_ref();
                let corners = [
                    (conv.groups > 1 && conv.groups == x.shape[3], "depthwise"),
                    (conv.groups > 1 && conv.groups < x.shape[3], "grouped"),
                    (conv.dilations != [1, 1], "dilated"),
                    (conv.pads != [0; 4], "padded"),
                    (weights.is_some_and(|q| q.axis().is_some()), "per axis"),
                    (weights.is_some_and(|q| q.zero_points().iter().any(|&z| z != 0)), "weight zero point"),
                    (x.dtype == DType::I16, "i16"),
                ];
                corners.iter().filter(|c| c.0).for_each(|c| see(format!("conv2d {}", c.1)));
            }
        }
        for &output in &graph.outputs {
            let uses = counts[crate::entity::Entity::index(output)];
            if uses > 1 {
                see("output used inside".into());
            }
            if graph.inputs.contains(&output) {
                see("input as output".into());
            }
            if graph.const_of(output).is_some() {
                see("constant as output".into());
            }
        }
        if graph.outputs.len() > 1 {
            see("several outputs".into());
        }
    }
    let float_only = [
        "clamp",
        "quantize",
        "map",
        "reduce",
        "cumulative",
        "matmul",
        "top_k",
        "sample",
        "compact",
        "suppress",
        "tree_ensemble",
    ];
    let quantized_only = ["dequantize", "requantize"];
    for name in Op::NAMES {
        for (kind, absent) in [("float", &quantized_only[..]), ("quantised", &float_only[..])] {
            let count = seen.get(&format!("{name} {kind}")).copied().unwrap_or(0);
            assert!(count >= 10 || absent.contains(name), "{name} {kind}: {count}\n{seen:#?}");
        }
    }
    let corners = [
        "conv2d depthwise",
        "conv2d grouped",
        "conv2d dilated",
        "conv2d padded",
        "conv2d per axis",
        "conv2d weight zero point",
        "conv2d i16",
        "output used inside",
        "input as output",
        "constant as output",
        "several outputs",
    ];
    for corner in corners {
        assert!(seen.get(corner).is_some_and(|&n| n >= 10), "{corner} is too rare\n{seen:#?}");
    }
}

/// Quantised results that are all one number would show nothing.
#[test]
fn most_quantised_results_use_their_range() {
    let (mut varied, mut all) = (0, 0);
    for seed in 0..400 {
        let graph = random_graph(seed);
        let run = eval(&graph, &random_inputs(&graph, seed));
        for node in graph.nodes.values() {
            let data = &run.tensor(node.outputs[0]).data;
            if matches!(node.op, Op::Conv2d(_) | Op::Dense(_)) && data.len() > 7 && data.dtype().is_int() {
                let first = data.int(0);
                all += 1;
                varied += usize::from((0..data.len()).any(|i| data.int(i) != first));
            }
        }
    }
    assert!(all > 100 && varied * 2 > all, "{varied} of {all}");
}
