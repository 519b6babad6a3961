//! Graphs written as ONNX and read again: the same outputs, bit by bit.
//!
//! `TINYC_EXPORTED=FOLDER` keeps the files, for `tests/peers/export.py`, which runs them with ONNX Runtime.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::PathBuf;
use support::models::{self, Model};
use support::reciprocal;
use support::vectors::Vectors;
use tinyc::pipeline;
use tinyc_frontend::onnx;
use tinyc_ir::text::print_graph;
use tinyc_ir::{Diagnostics, Graph, Op, Tensor, eval::eval, testing};
use tinyc_passes::graph::{TO_REFERENCE, macs, to_reference};

/// Above this many multiplications, one sample is evaluated, not three.
const MANY_MACS: u64 = 4_000_000;

/// Seeds of random graphs.
const SEEDS: u64 = 1500;

/// Passes that sum floats in another order or round weights once more; formulas and turned images come back as nodes that they
/// find. Integers do not need them.
const REORDERS_FLOATS: &[&str] = &["fold-flatten", "fold-batch-norm"];

/// What is not written: its model and part of the message.
const REFUSED: &[(&str, &str)] =
    &[("mix", "trees with thresholds and weights i64[11] and f64[5] are not written")];

/// What is written, and runs elsewhere, but is not read again: a tensor whose size depends on data is joined with others.
fn stays_unread(graph: &Graph) -> bool {
    graph.nodes.values().any(|node| matches!(node.op, Op::Suppress(_)))
}

/// The graph that comes back: what the importer reads, and that on integers. `None` where the importer lacks it.
fn again(name: &str, graph: &Graph) -> Result<Option<(Graph, Graph)>, Diagnostics> {
    let written = onnx::export(graph)?;
    assert_eq!(Some(&written), onnx::export(graph).as_ref().ok(), "{name}: the same bytes each time");
    if let Some(folder) = std::env::var_os("TINYC_EXPORTED") {
        std::fs::write(PathBuf::from(folder).join(format!("{name}.onnx")), &written.bytes).unwrap();
    }
    let options = onnx::Options { name: format!("{name}.onnx"), ..onnx::Options::default() };
    let imported = match onnx::import(&written.bytes, &options) {
        Ok(imported) => imported.graph,
        Err(_) if stays_unread(graph) => return Ok(None),
        // Integers are padded with numbers that f32 holds.
        Err(e) if e.to_string().contains("the padding is not a number that f32 holds") => return Ok(None),
        Err(e) => panic!("{name} is not read again:\n{e}"),
    };
    let reference = TO_REFERENCE
        .iter()
        .filter(|pass| !REORDERS_FLOATS.contains(&pass.name))
        .fold(imported.clone(), |graph, pass| pass.apply(&graph, &mut Diagnostics::default()));
    same_interface(name, graph, &imported);
    Ok(Some((imported, reference)))
}

fn same_interface(name: &str, before: &Graph, after: &Graph) {
    let face = |graph: &Graph, values: &[tinyc_ir::Value]| -> Vec<String> {
        let plain = |(i, v): (usize, &tinyc_ir::Value)| {
            let data = &graph.values[*v];
            // An output that is there twice has two names in the file.
            let again = before.outputs.iter().take(i).any(|first| Some(first) == before.outputs.get(i));
            let name = if again { "again" } else { &data.name };
            format!("{name} {}{}", data.ty.dtype, data.ty.shape)
        };
        values.iter().enumerate().map(plain).collect()
    };
    assert_eq!(face(before, &before.inputs), face(after, &after.inputs), "{name}: inputs");
    assert_eq!(face(before, &before.outputs), face(after, &after.outputs), "{name}: outputs");
}

/// How many elements of the outputs differ.
fn differences(before: &Graph, after: &Graph, inputs: &[Tensor]) -> usize {
    let (expected, got) = (eval(before, inputs).outputs(before), eval(after, inputs).outputs(after));
    let pairs = expected.iter().zip(&got);
    pairs.map(|(a, b)| (0..a.data.len()).filter(|&i| a.data.bits(i) != b.data.bits(i)).count()).sum()
}

/// Compares what comes back of a graph with it: quantised ones once their operators are integer ones again, floats as they are read.
fn compare(name: &str, graph: &Graph, back: &(Graph, Graph), samples: &[Vec<Tensor>]) {
    let quantised = graph.values.values().any(|v| v.ty.is_quantized());
    let (imported, reference) = back;
    let read = reciprocal::read(graph);
    for (i, inputs) in samples.iter().enumerate() {
        let differ = match quantised {
            true => differences(&read, reference, inputs),
            false => differences(&read, imported, inputs),
        };
        let texts = || [graph, reference].map(print_graph).join("\n");
        assert_eq!(differ, 0, "{name}, sample {i}: elements differ\n{}", texts());
    }
}

fn check(models: &[Model]) {
    for model in models {
        let options = model.options();
        let loaded =
            pipeline::load(&model.file, &options.shapes).unwrap_or_else(|e| panic!("{}:\n{e}", model.name));
        let reference = &loaded.reference;
        let back = match again(&model.name, reference) {
            Ok(Some(back)) => back,
            Ok(None) => continue,
            Err(e) => {
                let known =
                    REFUSED.iter().find(|(name, _)| *name == model.name).map_or("\0", |(_, message)| message);
                assert!(e.to_string().contains(known), "{}:\n{e}", model.name);
                continue;
            }
        };
        let vectors = Vectors::read(&model.vectors);
        let count = vectors.count().min(if macs(reference) > MANY_MACS { 1 } else { 3 });
        let samples: Vec<_> = (0..count).map(|sample| vectors.inputs(reference, sample)).collect();
        compare(&model.name, reference, &back, &samples);
    }
}

#[test]
fn own_models_come_back() {
    check(&models::own());
}

#[test]
fn shared_models_come_back() {
    check(&models::all_shared());
}

#[test]
fn random_graphs_come_back() {
    let (mut compared, mut refused) = (0, std::collections::BTreeMap::new());
    for seed in 0..SEEDS {
        let graph = to_reference(&testing::random_graph(seed), &mut Diagnostics::default());
        match again("random", &graph) {
            Ok(Some(back)) => {
                compared += 1;
                let samples = [0, 1].map(|i| testing::random_inputs(&graph, seed + i));
                compare(&format!("seed {seed}"), &graph, &back, &samples);
            }
            Ok(None) => {}
            Err(e) => e.0.into_iter().for_each(|d| *refused.entry(d.message).or_insert(0) += 1),
        }
    }
    println!("{compared} of {SEEDS} graphs are the same; refused are {refused:#?}");
    assert!(compared * 10 > SEEDS * 7, "most graphs are written");
}
