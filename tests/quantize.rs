//! Float models with labelled data become integer models that are as accurate, on samples that had no part in making them. Models
//! and data that may not be redistributed are looked for beside the repository, and named as `SKIPPED` where they are absent.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "table/turns.rs"]
mod turns;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tinyc::npz::{self, Array};
use tinyc::pipeline::{self, Emit, Model};
use tinyc::quantize::{
    self, Labels, Limits, Method, Native, Options, Precision, QuantReport, Sets, WeightBytes,
};
use tinyc::verify;
use tinyc_ir::{Data, Op, Tensor};
use turns::Turns;

fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("TINYC_SHARED").map_or_else(beside, PathBuf::from).join("models")
}

/// A float model, its samples and their classes; `None` if it is not there.
fn labelled(model: &str, data: &str, real: impl Fn(f64) -> f64) -> Option<(Model, Vec<Vec<Tensor>>, Labels)> {
    let (file, data) = (shared().join(model), shared().join(data));
    if !file.exists() || !data.exists() {
        println!("SKIPPED {model}: not beside the repository");
        return None;
    }
    let model = pipeline::load(&file, &Default::default()).unwrap();
    let npz = npz::read(&data).unwrap();
    let array: &Array = npz.arrays.iter().find(|(name, _)| name.starts_with("x_")).map(|(_, a)| a).unwrap();
    let shape = model.reference.ty(model.reference.inputs[0]).shape.clone();
    let values: Vec<f32> = array.data.to_reals().into_iter().map(|x| real(x) as f32).collect();
    let inputs =
        values.chunks(shape.elements()).map(|x| vec![Tensor::f32(shape.clone(), x.to_vec())]).collect();
    let labels = Labels::Classes(npz.get("labels").unwrap().data.to_ints().unwrap());
    Some((model, inputs, labels))
}

/// Quantises; the integer model has at most `lost` samples less right than the float one.
fn check(
    name: &str,
    found: Option<(Model, Vec<Vec<Tensor>>, Labels)>,
    decibels: f64,
    lost: usize,
) -> Option<(Model, QuantReport)> {
    let (model, inputs, labels) = found?;
    let sets = quantize::split(inputs, Some(labels), None);
    let (model, report) = quantize::quantise(&model, &sets, &Options::default(), None, &Native).unwrap();
    let report = report.unwrap();
    let (float, integer) = report.scores.correct.unwrap();
    println!(
        "{name}: {float} and {integer} of {} right, {:?}, {:?}",
        report.scores.samples, report.scores.sqnr_db, report.stages
    );
    assert!(integer + lost >= float, "{name}: {integer} right, not {float}");
    assert!(report.scores.sqnr_db.is_none_or(|db| db > decibels), "{name}: {:?} dB", report.scores.sqnr_db);
    assert!(report.float_operators.is_empty(), "{name}: {:?}", report.float_operators);
    Some((model, report))
}

/// The object for a Cortex-M4 computes the integer model's bytes in the simulator.
fn verified(model: Model, name: &str) {
    let mut options = pipeline::Options::new(tinyc_targets::find("cortex-m4").unwrap());
    (options.emit, options.name) = ([Emit::Obj].into(), Some(name.into()));
    let input = model.reference.inputs[0];
    let ty = model.reference.ty(input).clone();
    let ints = (0..ty.shape.elements() as i64).map(|i| i * 37 % 256 - 128);
    let sample = vec![Tensor::new(ty.shape.clone(), Data::from_ints(ty.dtype, ints))];
    let compiled = pipeline::compile_model(model, &options).unwrap();
    let settings = verify::Options { method: verify::Method::Simulator, ..verify::Options::default() };
    let verification = verify::verify(&compiled, &options.target, &[sample], &settings, &mut |_| {}).unwrap();
    assert!(verification.is_proof(), "{name}: {verification}");
}

#[test]
fn hand_gestures() {
    let data = "models/keypoint_classifier/data.npz";
    let found = labelled("models/keypoint_classifier/model.onnx", data, |x| x);
    if let Some((model, _)) = check("keypoint_classifier", found, 30.0, 1) {
        verified(model, "keypoint");
    }
}

#[test]
fn digits_of_fourteen_pixels() {
    let Some((model, inputs, labels)) = labelled("models/mnist8/model.onnx", "models/mnist8/data.npz", |x| x)
    else {
        return;
    };
    let small = shared().join("models/mnist14_atmega/model.onnx");
    let half = |sample: &Vec<Tensor>| {
        let pixels = sample[0].data.as_f32().unwrap();
        let mean = |at: usize| {
            let (y, x) = (at / 14 * 2, at % 14 * 2);
            [0, 1, 28, 29].iter().map(|d| pixels[y * 28 + x + d]).sum::<f32>() / 4.0 / 255.0
        };
        vec![Tensor::f32([1, 1, 14, 14], (0..196).map(mean).collect())]
    };
    let found = (
        pipeline::load(&small, &Default::default()).unwrap(),
        inputs.iter().map(half).collect(),
        labels.clone(),
    );
    if let Some((model, _)) = check("mnist14", Some(found), 30.0, 1) {
        verified(model, "mnist14");
    }
    check("mnist8", Some((model, inputs, labels)), 30.0, 1);
}

#[test]
fn words_through_an_lstm() {
    // The data have their classes in another order than the network.
    const CLASSES: [i64; 12] = [5, 11, 6, 3, 9, 8, 7, 10, 4, 2, 0, 1];
    let data = "mlperf_tiny/kws_dscnn/data.npz";
    let Some((model, inputs, Labels::Classes(labels))) =
        labelled("models/armkws_lstm/model.onnx", data, |x| (x - 83.0) * 0.584_702_9)
    else {
        return;
    };
    let classes = Labels::Classes(labels.into_iter().map(|label| CLASSES[label as usize]).collect());
    if let Some((model, _)) = check("armkws_lstm", Some((model, inputs, classes)), 28.0, 1) {
        // All steps share one matrix.
        let layers = || model.reference.nodes.values().filter(|n| matches!(n.op, Op::Dense(_)));
        let matrices: BTreeSet<_> = layers().map(|n| n.inputs[1]).collect();
        assert_eq!((layers().count() > 40, matrices.len()), (true, 3));
        verified(model, "lstm");
    }
}

#[test]
fn wake_words_in_streams() {
    let data = "mlperf_tiny/sww_1dcnn/data.npz";
    if let Some((model, _)) =
        check("sww", labelled("mlperf_tiny/sww_1dcnn/sww_1dcnn_f32_b1.onnx", data, |x| x), 30.0, 1)
    {
        verified(model, "sww");
    }
}

/// A network that keeps its state reads the spectrum of speech: whole sequences, in which the integer model carries its own.
#[test]
fn speech_with_a_state() {
    let place = shared().join("models/silero_vad_16k");
    let (file, vectors) = (place.join("model.onnx"), place.join("vectors.npz"));
    if !file.exists() || !vectors.exists() {
        println!("SKIPPED silero_vad_16k: not beside the repository");
        return;
    }
    let model = pipeline::load(&file, &Default::default()).unwrap();
    let model = model.keeping(&[("state".into(), "stateN".into())]).unwrap();
    let frames = npz::read(&vectors).unwrap();
    let frames = &frames.get("in_0").unwrap().data;
    // Six sequences of these frames, at other places and louder or not.
    const RUNS: usize = 26;
    let all: Vec<f32> = frames.to_reals().into_iter().map(|x| x as f32).collect();
    let all: Vec<&[f32]> = all.chunks(576).collect();
    let runs = (0..6 * RUNS).flat_map(|run| {
        let (sequence, at) = (run / RUNS, run % RUNS);
        let loud = [1.0, 0.5, 2.0][sequence % 3];
        all[(at + sequence * 5) % all.len()].iter().map(move |x| x * loud).collect::<Vec<_>>()
    });
    let array = Array { shape: vec![6, RUNS, 1, 576], data: Data::F32(runs.collect()) };
    let samples = std::env::temp_dir().join(format!("tinyc_speech_{}.npz", std::process::id()));
    std::fs::write(&samples, npz::to_bytes(&[("input".to_owned(), array)]).unwrap()).unwrap();
    let sets = quantize::load(&model, &samples, None, None).unwrap();
    std::fs::remove_file(samples).unwrap();
    for (precision, decibels) in [(None, 20.0), (Some(Precision::Int16), 38.0)] {
        let options = Options { precision, methods: vec![Method::MinMax], ..Options::default() };
        let (_, report) = quantize::quantise(&model, &sets, &options, None, &Native).unwrap();
        let report = report.unwrap();
        println!("silero {precision:?}: {:?}, {:?}", report.scores.sqnr_db, report.stages);
        assert_eq!(report.scores.samples, 3 * RUNS);
        assert!(report.scores.sqnr_db.unwrap() > decibels, "{precision:?}: {:?}", report.scores);
    }
}

#[test]
fn half_of_the_weights() {
    let (model, sets) = digits();
    let limits = Limits { weights: Some(WeightBytes::Percent(60.0)), ..Limits::default() };
    let options = Options::default();
    let found = quantize::quantise_within(&model, &sets, &options, (&limits, None), None, &Native);
    let (model, report) = found.unwrap();
    let report = report.unwrap();
    let (float, integer) = report.scores.correct.unwrap();
    assert!(integer + 2 >= float, "{integer} {float}");
    assert!(report.weight_bytes * 10 <= 2960 * 6, "{}", report.weight_bytes);
    let packed = model.reference.nodes.values().filter(|n| {
        matches!(n.op, Op::Conv2d(_) | Op::Dense(_)) && model.reference.ty(n.inputs[1]).dtype.is_packed()
    });
    assert!(packed.count() >= 1);
    verified(model, "digits");
}

#[test]
fn four_bits_are_rounded_by_what_layers_make() {
    let (model, sets) = digits();
    let limits = Limits { weights: Some(WeightBytes::Percent(50.0)), ..Limits::default() };
    let options = Options::default();
    let found = quantize::quantise_within(&model, &sets, &options, (&limits, None), None, &Native);
    let (model, report) = found.unwrap();
    let report = report.unwrap();
    // Rounded to the nearest, these weights leave 25.6 dB.
    assert!(report.scores.sqnr_db.unwrap() > 28.0, "{:?}", report.scores);
    let (float, integer) = report.scores.correct.unwrap();
    assert!(integer + 1 >= float, "{integer} {float}");
    verified(model, "digits4");
}

/// The float digits and their samples.
fn digits() -> (Model, Sets) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/digits");
    let model = pipeline::load(&place.join("digits_f32.onnx"), &Default::default()).unwrap();
    let sets = quantize::load(&model, &place.join("digits_samples.npz"), None, None).unwrap();
    (model, sets)
}

/// Numbered samples are divided in turns as the programs of `tests/peers` divide them.
#[test]
fn turns_are_those_of_the_peers() {
    let lines: Vec<&str> = include_str!("peers/division.tsv").lines().skip(1).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let [count, turn, uses @ ..] = &line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let numbers: Vec<i64> = (0..count.parse().unwrap()).collect();
        let inputs: Vec<Vec<Tensor>> =
            numbers.iter().map(|&at| vec![Tensor::new([1], Data::I64(vec![at]))]).collect();
        let turns = Turns::of(&inputs, &Labels::Classes(numbers.clone()));
        let sets = &turns.sets[turn.parse::<usize>().unwrap()];
        let found = [&sets.fit, &sets.select, &sets.evaluate].map(|set| {
            set.iter().map(|sample| sample[0].data.int(0).to_string()).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found[..], *uses, "turn {turn} of {count}");
        // Labels stay with their samples, and each is evaluated once.
        let own = |set: &[Vec<Tensor>]| set.iter().map(|sample| sample[0].data.int(0)).collect::<Vec<_>>();
        assert_eq!(sets.labels, Some(Labels::Classes(own(&sets.evaluate))));
        assert_eq!(sets.choices, Some(Labels::Classes(own(&sets.select))));
        let [first, second] = turns.sets.each_ref().map(|sets| own(&sets.evaluate));
        let mut all = [first, second].concat();
        assert_eq!(turns.labels, Labels::Classes(all.clone()));
        all.sort_unstable();
        assert_eq!(all, numbers);
    }
}
