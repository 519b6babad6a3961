//! Native code of this machine against the evaluator, bit for bit: the committed models, the MLPerf Tiny networks, and a sequence.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use support::models::{self, Model};
use support::proof::same;
use support::vectors::Vectors;
use tinyc::host::{Failure, Network};
use tinyc::state::Sequence;
use tinyc_ir::eval::eval;
use tinyc_ir::testing::{random_graph, random_inputs};
use tinyc_ir::{Graph, Tensor};

/// Samples that are stored for a model, at most `most`.
fn samples(model: &Model, graph: &Graph, most: usize) -> Vec<Vec<Tensor>> {
    let vectors = Vectors::read(&model.vectors);
    (0..vectors.count().min(most)).map(|sample| vectors.inputs(graph, sample)).collect()
}

fn prove(model: &Model) {
    let name = &model.name;
    let loaded =
        tinyc::pipeline::load(&model.file, &model.options().shapes).unwrap_or_else(|e| panic!("{name}: {e}"));
    let graph = &loaded.reference;
    let network = Network::compile(graph).unwrap_or_else(|e| panic!("{name}: {e}"));
    let samples = samples(model, graph, 3);
    for (sample, (got, inputs)) in network.run_all(&samples, || {}).into_iter().zip(&samples).enumerate() {
        let evaluation = eval(graph, inputs);
        if evaluation.failure().is_some() {
            assert!(matches!(got, Err(Failure::Fail(_))), "{name}, sample {sample}: {got:?}");
            continue;
        }
        let (got, want) = (got.unwrap_or_else(|e| panic!("{name}: {e}")), evaluation.outputs(graph));
        assert_eq!(got.len(), want.len(), "{name}");
        for (got, want) in got.iter().zip(&want) {
            assert_eq!(got.shape, want.shape, "{name}");
            same(&got.data, &want.data).unwrap_or_else(|e| panic!("{name}, sample {sample}: {e}"));
        }
    }
}

#[test]
fn committed_models() {
    models::own().iter().for_each(prove);
}

#[test]
fn mlperf_tiny() {
    for network in ["kws_dscnn", "vww_mobilenet", "ic_resnet8", "ad_autoencoder", "sww_1dcnn"] {
        models::mlperf(network, &["f32_b1", "int8_qdq_b1"]).iter().for_each(prove);
    }
}

#[test]
fn random_graphs() {
    let mut compiled = 0;
    for seed in 3_000_000..3_000_200 {
        let graph = random_graph(seed);
        let Ok(network) = Network::compile(&graph) else { continue };
        compiled += 1;
        let samples: Vec<Vec<Tensor>> = (0..2).map(|i| random_inputs(&graph, seed * 2 + i)).collect();
        for (got, inputs) in network.run_all(&samples, || {}).into_iter().zip(&samples) {
            let evaluation = eval(&graph, inputs);
            match got {
                Ok(got) => {
                    for (got, want) in got.iter().zip(&evaluation.outputs(&graph)) {
                        same(&got.data, &want.data).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                    }
                }
                Err(e) => assert!(evaluation.failure().is_some(), "seed {seed}: {e}"),
            }
        }
    }
    assert!(compiled > 180, "only {compiled} graphs have code");
}

#[test]
fn a_sequence_goes_on_from_what_was_kept() {
    let model = models::own().into_iter().find(|model| model.name == "stream").unwrap();
    let pairs = [("past", "past_next"), ("hidden", "hidden_next"), ("older", "older_next")];
    let pairs = pairs.map(|(from, to)| (from.to_owned(), to.to_owned()));
    let loaded =
        tinyc::pipeline::load(&model.file, &model.options().shapes).unwrap().keeping(&pairs).unwrap();
    let graph = &loaded.reference;
    let file = model.file.with_file_name("stream_sequence.npz");
    let npz = tinyc::npz::read(&file).unwrap();
    let samples = tinyc::samples::select(&npz, &loaded, None, false).unwrap().inputs;
    assert!(samples.len() > 2, "a sequence is longer");
    let network = Network::compile(graph).unwrap();
    let runs = network.run_sequence(Sequence::new(graph, &loaded.states), &samples, || {});
    let mut sequence = Sequence::new(graph, &loaded.states);
    for (step, (got, inputs)) in runs.into_iter().zip(&samples).enumerate() {
        for (got, want) in got.unwrap().iter().zip(&sequence.next(inputs).outputs(graph)) {
            same(&got.data, &want.data).unwrap_or_else(|e| panic!("step {step}: {e}"));
        }
    }
}
