//! Float graphs become integer graphs that compute nearly the same, whatever they are made of; and what becomes integers is
//! lowered to loops with the same bits.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "quantize/recurrent.rs"]
mod recurrent;
#[path = "quantize/spectrum.rs"]
mod spectrum;
#[path = "quantize/states.rs"]
mod states;

use tinyc_ir::loops::interpret;
use tinyc_ir::seeded::Seeded;
use tinyc_ir::text::parse_graph;
use tinyc_ir::{DType, Data, Graph, Op, Tensor, eval::eval};
use tinyc_passes::graph::optimise;
use tinyc_passes::lower::{Features, lower};
use tinyc_passes::quantize::calibrate::{Calibration, Draft, Options, Quantised, calibrate};
use tinyc_passes::quantize::loss::{reals, stored_inputs};
use tinyc_passes::quantize::plan::{Precision, Precisions};
use tinyc_passes::quantize::range::Method;
use tinyc_passes::quantize::runner::{Evaluator, Run, Runner};

fn graph(text: &str) -> Graph {
    parse_graph("test", text).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

/// Numbers of a bell curve around `mean`.
fn samples(graph: &Graph, count: usize, seed: u64, mean: f32, width: f32) -> Vec<Vec<Tensor>> {
    let mut stream = Seeded::new(seed);
    let mut normal = || (0..6).map(|_| stream.unit()).sum::<f32>() / 1.414 * width + mean;
    let tensor = |shape: &tinyc_ir::Shape, normal: &mut dyn FnMut() -> f32| {
        Tensor::f32(shape.clone(), (0..shape.elements()).map(|_| normal()).collect())
    };
    (0..count)
        .map(|_| graph.inputs.iter().map(|&v| tensor(&graph.ty(v).shape, &mut normal)).collect())
        .collect()
}

/// Signal over noise of all outputs on samples that had no part in the calibration.
fn sqnr(float: &Graph, quantised: &Quantised, samples: &[Vec<Tensor>]) -> f64 {
    let own = &quantised.built.graph;
    let (mut signal, mut noise) = (0.0, 0.0);
    for (floats, integers) in samples.iter().zip(stored_inputs(float, own, samples)) {
        let (expected, got) = (eval(float, floats).outputs(float), eval(own, &integers).outputs(own));
        for (at, (a, b)) in expected.iter().zip(&got).enumerate() {
            let b = reals(b, own.ty(own.outputs[at]));
            for (a, b) in a.data.as_f32().unwrap().iter().zip(b) {
                signal += f64::from(*a).powi(2);
                noise += f64::from(a - b).powi(2);
            }
        }
    }
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// The loops of the integer graph compute its bits.
fn same_in_loops(graph: &Graph, samples: &[Vec<Tensor>]) {
    let optimised = optimise(graph);
    for (saturate, dsp) in [(false, false), (true, true)] {
        let program = lower(&optimised, Features { saturate, dsp, registers: 14 }).unwrap().program;
        assert_eq!(tinyc_ir::loops::verify(&program), Ok(()));
        for sample in &samples[..2] {
            let expected = eval(graph, sample).outputs(graph);
            let data: Vec<Data> = sample.iter().map(|t| t.data.clone()).collect();
            let run = interpret::run(&program, &data).unwrap_or_else(|t| panic!("{t}"));
            for (got, want) in run.outputs.iter().zip(&expected) {
                assert_eq!(got.to_le_bytes(), want.data.to_le_bytes(), "{}", graph.name);
            }
        }
    }
}

fn quantise(float: &Graph, options: &Options, mean: f32, width: f32) -> (Quantised, f64) {
    let (fit, select) = (samples(float, 24, 1, mean, width), samples(float, 8, 2, mean, width));
    let quantised = calibrate(float, &fit, &select, options, &Evaluator)
        .unwrap_or_else(|e| panic!("{}: {e}", float.name));
    assert_eq!(tinyc_ir::verify::verify(&quantised.built.graph), Ok(()), "{}", float.name);
    let unseen = samples(float, 8, 3, mean, width);
    let found = sqnr(float, &quantised, &unseen);
    same_in_loops(&quantised.built.graph, &stored_inputs(float, &quantised.built.graph, &unseen));
    (quantised, found)
}

/// Quantises; the result has at least this many decibels, and these operators.
fn check(text: &str, decibels: f64, operators: &[&str]) -> Quantised {
    let float = graph(text);
    let (quantised, found) = quantise(&float, &Options::default(), 0.0, 1.0);
    let ops: Vec<&str> = quantised.built.graph.nodes.values().map(|n| n.op.name()).collect();
    assert_eq!(ops, operators, "{}", float.name);
    assert!(found > decibels, "{}: {found:.1} dB after {:?}", float.name, quantised.stages);
    assert!(quantised.diagnostics.0.is_empty(), "{}: {}", float.name, quantised.diagnostics);
    // Choices compare this; without it, there is none.
    assert!(quantised.stages.iter().all(|stage| stage.1.is_finite()), "{:?}", quantised.stages);
    quantised
}

#[test]
fn an_output_of_parts_that_are_stored_alike() {
    let text = "graph @parts {
        in x: f32[2,6]
        const w: f32[4,6] = seeded(1)
        const b: f32[4] = seeded(2)
        d = dense x, w, b : f32[2,4]
        const w2: f32[3,6] = seeded(3)
        const b2: f32[3] = seeded(4)
        e = dense x, w2, b2 : f32[2,3]
        y = concat d, e {axis=1} : f32[2,7]
        out y
    }";
    check(text, 25.0, &["dense", "dense", "concat"]);
}

#[test]
fn a_residual_block_with_pools_and_softmax() {
    let text = "graph @residual {
        in x: f32[1,8,8,4]
        const w1: f32[8,3,3,4] = seeded(1)
        const b1: f32[8] = seeded(2)
        c1 = conv2d x, w1, b1 {pads=[1,1,1,1]} : f32[1,8,8,8]
        r1 = clamp c1 {act=relu6} : f32[1,8,8,8]
        const w2: f32[8,3,3,1] = seeded(3)
        const b2: f32[8] = seeded(4)
        c2 = conv2d r1, w2, b2 {pads=[1,1,1,1], groups=8} : f32[1,8,8,8]
        sum = add r1, c2 : f32[1,8,8,8]
        r2 = clamp sum {act=relu} : f32[1,8,8,8]
        pool = max_pool2d r2 {kernel=[2,2], strides=[2,2]} : f32[1,4,4,8]
        mean = avg_pool2d pool {kernel=[4,4], strides=[4,4]} : f32[1,1,1,8]
        flat = reshape mean {shape=[1,8]} : f32[1,8]
        const w3: f32[5,8] = seeded(5)
        const b3: f32[5] = seeded(6)
        d = dense flat, w3, b3 : f32[1,5]
        s = softmax d : f32[1,5]
        out s
    }";
    let operators = ["conv2d", "conv2d", "add", "max_pool2d", "avg_pool2d", "reshape", "dense", "softmax"];
    let quantised = check(text, 24.0, &operators);
    let built = &quantised.built.graph;
    // The range of ReLU6 ends at 6, and a softmax has steps of 1/256.
    let output = built.ty(built.outputs[0]).quant.clone().unwrap();
    assert_eq!(output.tensor_wide(), Some((1.0 / 256.0, -128)));
    let first = built.ty(built.nodes.values().next().unwrap().outputs[0]).quant.clone().unwrap();
    assert!(first.scale(0) <= 6.0 / 255.0 * 1.001, "{first}");
    assert_eq!(built.values[built.outputs[0]].name, "s");
    assert_eq!(built.values[built.inputs[0]].name, "x");
}

#[test]
fn heads_of_sigmoids_and_tables_of_hard_swish() {
    let text = "graph @heads {
        in x: f32[2,6]
        const w: f32[8,6] = seeded(1)
        const b: f32[8] = seeded(2)
        d = dense x, w, b : f32[2,8]
        h = map d {f=(x0 * min(max(x0 + 3.0f32, 0.0f32), 6.0f32) / 6.0f32)} : f32[2,8]
        const w2: f32[3,8] = seeded(3)
        const b2: f32[3] = seeded(4)
        e = dense h, w2, b2 : f32[2,3]
        p = map e {f=(sigmoid(x0))} : f32[2,3]
        t = map e {f=(tanh(x0))} : f32[2,3]
        out p, t
    }";
    let table = ["map", "reshape", "gather", "reshape"];
    let operators = [&["dense"], &table[..], &["dense"], &table[..], &table[..]].concat();
    let quantised = check(text, 30.0, &operators);
    let built = &quantised.built.graph;
    let scales: Vec<_> =
        built.outputs.iter().map(|&v| built.ty(v).quant.clone().unwrap().tensor_wide()).collect();
    assert_eq!(scales, [Some((1.0 / 256.0, -128)), Some((1.0 / 128.0, 0))]);
}

#[test]
fn parts_of_different_ranges_are_joined() {
    let text = "graph @join {
        in x: f32[1,6,6,2]
        const w1: f32[4,1,1,2] = seeded(1)
        const b1: f32[4] = splat(0.0)
        a = conv2d x, w1, b1 : f32[1,6,6,4]
        const large: f32[1] = [40.0]
        b = mul a, large : f32[1,6,6,4]
        j = concat a, b {axis=3} : f32[1,6,6,8]
        const w2: f32[3,3,3,8] = seeded(3)
        const b2: f32[3] = seeded(4)
        c = conv2d j, w2, b2 : f32[1,4,4,3]
        out c
    }";
    check(text, 25.0, &["conv2d", "mul", "requantize", "concat", "conv2d"]);
}

#[test]
fn attention_multiplies_integers() {
    let text = "graph @attention {
        in x: f32[4,8]
        const wq: f32[8,8] = seeded(1)
        const wk: f32[8,8] = seeded(2)
        const b: f32[8] = splat(0.0)
        q = dense x, wq, b : f32[4,8]
        k = dense x, wk, b : f32[4,8]
        q3 = reshape q {shape=[1,4,8]} : f32[1,4,8]
        t = transpose k {perm=[1,0]} : f32[8,4]
        k3 = reshape t {shape=[1,8,4]} : f32[1,8,4]
        m = matmul q3, k3 : f32[1,4,4]
        s = softmax m : f32[1,4,4]
        v = reshape x {shape=[1,4,8]} : f32[1,4,8]
        y = matmul s, v : f32[1,4,8]
        y2 = reshape y {shape=[4,8]} : f32[4,8]
        const wo: f32[3,8] = seeded(3)
        const bo: f32[3] = seeded(4)
        o = dense y2, wo, bo : f32[4,3]
        out o
    }";
    let float = graph(text);
    let (quantised, found) = quantise(&float, &Options::default(), 0.0, 1.0);
    assert!(found > 25.0, "{found} {:?}", quantised.stages);
    let built = &quantised.built.graph;
    let count = |name: &str| built.nodes.values().filter(|n| n.op.name() == name).count();
    assert_eq!((count("dense"), count("matmul"), count("softmax")), (3, 2, 1));
    assert!(built.values.values().all(|v| !v.ty.dtype.is_float()));
}

#[test]
fn zero_channels_outliers_and_affine_steps_behind_a_clamp() {
    let zero = "0, 0, 0, 0, 0, 0, 0, 0, 0";
    let text = format!(
        "graph @odd {{
        in x: f32[1,6,6,1]
        const w1: f32[3,3,3,1] = [0.5, -0.25, 0.125, 1, 0.75, -0.5, 0.25, 0.1, -0.3, {zero}, 1e-9, 0, 0, 0, 0, 0, 0, 0, 0]
        const b1: f32[3] = [0.1, 0.0, 2.5]
        c = conv2d x, w1, b1 {{pads=[1,1,1,1]}} : f32[1,6,6,3]
        r = clamp c {{act=relu}} : f32[1,6,6,3]
        const scale: f32[3] = [0.5, 3.0, 1.25]
        const shift: f32[3] = [-0.2, 0.7, 0.0]
        m = mul r, scale : f32[1,6,6,3]
        n = add m, shift : f32[1,6,6,3]
        const w2: f32[2,3,3,3] = seeded(3)
        const b2: f32[2] = seeded(4)
        y = conv2d n, w2, b2 : f32[1,4,4,2]
        out y
    }}"
    );
    check(&text, 30.0, &["conv2d", "mul", "add", "conv2d"]);
    // One number in a thousand is a hundred times the others: clipping it would be the worse choice or the better one, as measured.
    let float = graph(&text);
    let mut fit = samples(&float, 24, 1, 0.0, 1.0);
    let Data::F32(values) = &mut fit[3][0].data else { unreachable!() };
    values[7] = 900.0;
    let select = samples(&float, 8, 2, 0.0, 1.0);
    let quantised = calibrate(&float, &fit, &select, &Options::default(), &Evaluator).unwrap();
    let found = sqnr(&float, &quantised, &samples(&float, 8, 3, 0.0, 1.0));
    assert!(found > 22.0, "{found} {:?}", quantised.stages);
    let plain = Options { methods: vec![Method::MinMax], ..Options::default() };
    let plain = calibrate(&float, &fit, &select, &plain, &Evaluator).unwrap();
    let worse = sqnr(&float, &plain, &samples(&float, 8, 3, 0.0, 1.0));
    assert!(worse < found - 10.0, "{worse} {found}");
}

#[test]
fn constant_inputs_have_a_range() {
    let text = "graph @constant {
        in x: f32[1,4]
        const w: f32[3,4] = seeded(1)
        const b: f32[3] = seeded(2)
        y = dense x, w, b : f32[1,3]
        out y
    }";
    for value in [0.0, 3.0, -2.0, 1e-20, 1e20] {
        let float = graph(text);
        let (_, found) = quantise(&float, &Options::default(), value, 0.0);
        // An input below the least legal step is taken for zero, which is not far off.
        assert!(found > 30.0, "{value}: {found}");
    }
}

const CHAIN: &str = "graph @chain {
    in x: f32[1,8]
    const w1: f32[16,8] = seeded(1)
    const b1: f32[16] = seeded(2)
    a = dense x, w1, b1 : f32[1,16] @ \"first\"
    r = clamp a {act=relu} : f32[1,16]
    const w2: f32[16,16] = seeded(3)
    const b2: f32[16] = seeded(4)
    c = dense r, w2, b2 : f32[1,16] @ \"second\"
    s = clamp c {act=relu} : f32[1,16]
    const w3: f32[4,16] = seeded(5)
    const b3: f32[4] = seeded(6)
    y = dense s, w3, b3 : f32[1,4] @ \"third\"
    out y
}";

#[test]
fn each_precision_does_what_it_says() {
    let float = graph(CHAIN);
    let with = |precision: Precision| {
        let options = Options { precision: Some(precision), ..Options::default() };
        let (quantised, found) = quantise(&float, &options, 0.0, 1.0);
        let built = &quantised.built.graph;
        let node = built.nodes.values().find(|n| n.origin.name == "second").unwrap();
        let types = (built.ty(node.inputs[0]).dtype, built.ty(node.inputs[1]).dtype);
        (found, types)
    };
    let (int8, types) = with(Precision::Int8);
    assert_eq!(types, (DType::I8, DType::I8));
    let (int16, types) = with(Precision::Int16);
    assert_eq!(types, (DType::I16, DType::I8));
    let (int4, types) = with(Precision::Int4);
    assert_eq!(types, (DType::I8, DType::I4));
    assert!(int16 > int8 && int8 > int4 + 6.0 && int4 > 12.0, "{int16} {int8} {int4}");
    let mut options = Options::default();
    options.precisions.insert("second".into(), Precision::Float);
    let (quantised, found) = quantise(&float, &options, 0.0, 1.0);
    assert!(found > int8 - 1.0);
    let built = &quantised.built.graph;
    let floats =
        built.nodes.values().filter(|n| built.ty(n.outputs[0]).dtype == DType::F32 && n.op.name() == "dense");
    assert_eq!(floats.count(), 1);
    options.precisions.insert("fourth".into(), Precision::Float);
    let fit = samples(&float, 4, 1, 0.0, 1.0);
    let refused = calibrate(&float, &fit, &fit, &options, &Evaluator).err().unwrap();
    assert!(refused.to_string().contains("first, second, third"), "{refused}");
}

/// The evaluator on so many threads.
struct Threads(usize);

impl Runner for Threads {
    fn prepare<'r>(&self, graph: &'r Graph) -> Run<'r> {
        Evaluator.prepare(graph)
    }

    fn threads(&self) -> usize {
        self.0
    }
}

#[test]
fn weights_are_rounded_the_same_way_by_any_number_of_threads() {
    let float = graph(CHAIN);
    let options = Options { precision: Some(Precision::Int4), ..Options::default() };
    let (fit, select) = (samples(&float, 24, 1, 0.0, 1.0), samples(&float, 8, 2, 0.0, 1.0));
    let made = |threads: usize| calibrate(&float, &fit, &select, &options, &Threads(threads)).unwrap();
    let (one, three) = (made(1), made(3));
    assert!(one.stages.iter().any(|(name, _)| name == "weights rounded adaptively"), "{:?}", one.stages);
    assert_eq!(one.stages, three.stages);
    assert_eq!(one.parameters.layers, three.parameters.layers);
}

#[test]
fn channels_of_unlike_reach_are_equalised() {
    // The first channel of the middle reaches a hundred times as far as the others, and counts for as much.
    let text = "graph @unlike {
        in x: f32[1,6,6,2]
        const w1: f32[4,1,1,2] = [90.0, 60.0, 0.5, -0.7, 0.9, 0.3, -0.4, 0.8]
        const b1: f32[4] = [3.0, 0.1, 0.2, 0.0]
        a = conv2d x, w1, b1 {act=relu} : f32[1,6,6,4]
        const w2: f32[4,3,3,1] = seeded(1)
        const b2: f32[4] = splat(0.0)
        d = conv2d a, w2, b2 {groups=4, act=relu} : f32[1,4,4,4]
        p = max_pool2d d {kernel=[2,2], strides=[2,2]} : f32[1,2,2,4]
        const w3: f32[3,1,1,4] = [0.01, 0.9, -0.8, 1.0, -0.01, 0.5, 0.7, -0.6, 0.02, -0.4, 0.9, 0.3]
        const b3: f32[3] = seeded(4)
        y = conv2d p, w3, b3 : f32[1,2,2,3]
        out y
    }";
    let float = graph(text);
    let (quantised, found) = quantise(&float, &Options::default(), 0.0, 1.0);
    let (first, equalised) = (&quantised.stages[0], &quantised.stages[1]);
    assert!(equalised.0.contains("equalised") && equalised.1 < first.1 / 4.0, "{:?}", quantised.stages);
    assert!(found > 17.0, "{found} {:?}", quantised.stages);
    // The equalised float graph computes the same bits.
    for sample in samples(&float, 4, 9, 0.0, 1.0) {
        assert_eq!(
            eval(&float, &sample).outputs(&float),
            eval(&quantised.float, &sample).outputs(&quantised.float)
        );
    }
}

#[test]
fn a_mixture_is_built_from_the_ranges_that_were_chosen() {
    let float = graph(CHAIN);
    let (fit, select) = (samples(&float, 16, 1, 0.0, 1.0), samples(&float, 8, 2, 0.0, 1.0));
    let options = Options::default();
    let calibration = Calibration::new(&float, &fit, &select, &options, &Evaluator).unwrap();
    let whole = calibration.finish(calibration.draft(&Precisions::new()));
    let alone = |precision: Precision| -> Vec<Draft> {
        let units = calibration.units.iter().filter(|unit| unit.candidates.contains(&precision));
        units.map(|unit| calibration.draft(&unit.precisions(precision).collect())).collect()
    };
    assert_eq!(calibration.units.len(), 3);
    let narrow = alone(Precision::Int4);
    assert!(narrow.iter().all(|draft| draft.loss > calibration.loss), "four bits lose");
    for float_layer in alone(Precision::Float) {
        let floats = float_layer.built.graph.nodes.values();
        let layers = floats.filter(|n| matches!(n.op, Op::Conv2d(_) | Op::Dense(_)));
        let types: Vec<DType> = layers.map(|n| float_layer.built.graph.ty(n.inputs[1]).dtype).collect();
        assert_eq!(types.iter().filter(|&&ty| ty == DType::F32).count(), 1, "{types:?}");
    }
    // What is not changed stays as it was; but weights are rounded for what they read.
    let one: Precisions = calibration.units[0].precisions(Precision::Int4).collect();
    let mixed = calibration.finish(calibration.draft(&one));
    assert_eq!(mixed.parameters.groups, whole.parameters.groups);
    assert_eq!(mixed.parameters.layers[0].dtype, DType::I4);
    assert_eq!(mixed.parameters.layers[1].dtype, DType::I8);
}

#[test]
fn what_is_asked_for_is_not_chosen() {
    let float = graph(CHAIN);
    let all = samples(&float, 8, 1, 0.0, 1.0);
    let units = |options: &Options| -> Vec<usize> {
        let calibration = Calibration::new(&float, &all, &all, options, &Evaluator).unwrap();
        calibration.units.iter().map(|unit| unit.candidates.len()).collect()
    };
    let free = units(&Options::default());
    assert!(free.iter().all(|&count| count >= 3), "{free:?}");
    let asked = Options { precision: Some(Precision::Int8), ..Options::default() };
    assert_eq!(units(&asked), vec![1; free.len()]);
}

#[test]
fn floats_outside_are_converted_inside() {
    let float = graph(CHAIN);
    let options = Options { integer_face: false, ..Options::default() };
    let (quantised, found) = quantise(&float, &options, 0.0, 1.0);
    let built = &quantised.built.graph;
    let ops: Vec<&str> = built.nodes.values().map(|n| n.op.name()).collect();
    assert_eq!(ops, ["quantize", "dense", "dense", "dense", "dequantize"]);
    assert_eq!(built.values[built.outputs[0]].name, "y");
    assert!(found > 35.0, "{found}");
}

#[test]
fn what_is_not_finite_is_refused() {
    let float = graph(CHAIN);
    let mut fit = samples(&float, 8, 1, 0.0, 1.0);
    let Data::F32(values) = &mut fit[3][0].data else { unreachable!() };
    values[2] = f32::NAN;
    let refused = calibrate(&float, &fit, &fit, &Options::default(), &Evaluator).err().unwrap();
    assert!(refused.to_string().contains("\"x\" is not finite"), "{refused}");
    let none = graph("graph @none { in x: f32[4] y = clamp x {act=relu} : f32[4] out y }");
    let fit = samples(&none, 4, 1, 0.0, 1.0);
    let refused = calibrate(&none, &fit, &fit, &Options::default(), &Evaluator).err().unwrap();
    assert_eq!(refused.0[0].code, 421);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    struct Threads(usize);
    impl tinyc_passes::quantize::runner::Runner for Threads {
        fn prepare<'r>(&self, graph: &'r Graph) -> tinyc_passes::quantize::runner::Run<'r> {
            Evaluator.prepare(graph)
        }
        fn threads(&self) -> usize {
            self.0
        }
    }
    let float = graph(CHAIN);
    let (fit, select) = (samples(&float, 50, 1, 0.0, 1.0), samples(&float, 10, 2, 0.0, 1.0));
    let texts: Vec<String> = [1, 2, 7]
        .map(|n| calibrate(&float, &fit, &select, &Options::default(), &Threads(n)).unwrap())
        .iter()
        .map(|q| tinyc_ir::text::print_graph(&q.built.graph))
        .collect();
    assert!(texts[0] == texts[1] && texts[1] == texts[2]);
}
