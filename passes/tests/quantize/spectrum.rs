//! What is made of squares, and layers whose channels have weights of very different sizes.

use super::{check, graph, quantise, samples, sqnr};
use tinyc_ir::eval::eval;
use tinyc_ir::{DType, Diagnostics, Graph, Op};
use tinyc_passes::quantize::calibrate::{Options, calibrate};
use tinyc_passes::quantize::plan::{Precision, squares};
use tinyc_passes::quantize::runner::Evaluator;

/// Half of what a layer makes are real parts, half imaginary ones, of numbers of very different sizes.
fn spectrum(root: &str) -> String {
    format!(
        "graph @spectrum {{
        in x: f32[1,16]
        const basis: f32[16,16] = seeded(1)
        const zeros: f32[16] = splat(0.0)
        both = dense x, basis, zeros : f32[1,16]
        re = strided both {{shape=[1,8], strides=[16,1]}} : f32[1,8]
        im = strided both {{shape=[1,8], strides=[16,1], offset=8}} : f32[1,8]
        re2 = map re {{f=(x0 * x0)}} : f32[1,8]
        im2 = map im {{f=(x0 * x0)}} : f32[1,8]
        power = add re2, im2 : f32[1,8]
        {root}
        const w: f32[4,8] = seeded(3)
        const b: f32[4] = seeded(4)
        y = dense s, w, b : f32[1,4]
        out y
    }}"
    )
}

#[test]
fn nothing_is_stored_between_squares_and_their_root() {
    let text = spectrum("s = map power {f=(sqrt(x0))} : f32[1,8]");
    let float = graph(&text);
    let one = squares::run(&float);
    let maps: Vec<String> = one
        .nodes
        .values()
        .filter_map(|n| if let Op::Map(m) = &n.op { Some(m.f.to_string()) } else { None })
        .collect();
    assert_eq!(maps, ["sqrt(x0 * x0 + x1 * x1)"]);
    for x in samples(&float, 8, 5, 0.0, 3.0) {
        assert_eq!(eval(&one, &x).outputs(&one), eval(&float, &x).outputs(&float), "no bit changes");
    }
    let ops = ["dense", "strided", "strided", "dequantize", "dequantize", "map", "quantize", "dense"];
    check(&text, 30.0, &ops);
}

#[test]
fn a_power_is_integers_of_sixteen_bits() {
    let (quantised, found) =
        quantise(&graph(&spectrum("s = clamp power {act=relu6} : f32[1,8]")), &Options::default(), 0.0, 1.0);
    assert!(found > 30.0, "{found:.1} dB, {:?}", quantised.stages);
    let built = &quantised.built.graph;
    assert!(built.values.values().all(|v| !v.ty.dtype.is_float()));
    let map = built.nodes.values().find(|n| matches!(n.op, Op::Map(_))).unwrap();
    assert_eq!(map.inputs.iter().map(|&v| built.ty(v).dtype).collect::<Vec<_>>(), [DType::I16; 2]);
}

#[test]
fn what_else_reads_a_square_keeps_it() {
    let shared = graph(&spectrum("s = mul power, re2 : f32[1,8]"));
    let one = squares::run(&shared);
    let maps = |graph: &Graph| graph.nodes.values().filter(|n| matches!(n.op, Op::Map(_))).count();
    // Of `re2` two things are made.
    assert_eq!(maps(&one), 2, "{one}");
    let alone = graph(
        "graph @alone {
        in x: f32[1,8]
        s = map x {f=(x0 * x0)} : f32[1,8]
        const w: f32[4,8] = seeded(3)
        const b: f32[4] = seeded(4)
        y = dense s, w, b : f32[1,4]
        out y
    }",
    );
    assert_eq!(squares::run(&alone).to_string(), alone.to_string());
}

/// A channel with weights of two hundred times the others must not make their steps so much larger.
#[test]
fn a_channel_with_large_weights_leaves_others_their_bits() {
    let text = "graph @uneven {
        in x: f32[1,12]
        const small: f32[31,12] = seeded(1)
        const large: f32[1,12] = splat(200.0)
        const bias: f32[32] = splat(0.0)
        w = concat small, large {axis=0} : f32[32,12]
        d = dense x, w, bias : f32[1,32]
        r = clamp d {act=relu6} : f32[1,32]
        const w2: f32[5,32] = seeded(6)
        const b2: f32[5] = seeded(7)
        y = dense r, w2, b2 : f32[1,5]
        out y
    }";
    let float = tinyc_passes::graph::to_reference(&graph(text), &mut Diagnostics::default());
    let options = Options { precision: Some(Precision::Int16), ..Options::default() };
    let (fit, select) = (samples(&float, 48, 1, 0.0, 1.0), samples(&float, 16, 2, 0.0, 1.0));
    let quantised = calibrate(&float, &fit, &select, &options, &Evaluator).unwrap();
    let group = quantised.plan.group(quantised.plan.layers[1].input).unwrap();
    let stored = quantised.parameters.groups[group];
    assert_eq!(stored.dtype, DType::I16);
    assert!(stored.scale < 12.0 / 32_767.0 * 2.0, "{stored:?}");
    let found = sqnr(&float, &quantised, &samples(&float, 16, 3, 0.0, 1.0));
    assert!(found > 36.0, "{found:.1} dB, {:?}", quantised.stages);
}
