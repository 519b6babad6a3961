//! Unrolled recurrent layers, as the importer writes them: integers throughout, one state, one copy of each step's code.

use super::{graph, same_in_loops, samples, sqnr};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tinyc_ir::{DType, Graph, Op};
use tinyc_passes::quantize::calibrate::{Options, Quantised, calibrate};
use tinyc_passes::quantize::loss::stored_inputs;
use tinyc_passes::quantize::runner::Evaluator;

const STEPS: usize = 7;
const HIDDEN: usize = 8;

/// The projection of all inputs, the steps, and a layer on the last state. A step reads `a{t}`, `h{t}` (and `c{t}`) and makes those of
/// `t + 1`.
fn unrolled(name: &str, gates: usize, state: &str, step: impl Fn(usize) -> String) -> Graph {
    let columns = gates * HIDDEN;
    let mut text = format!(
        "graph @{name} {{
        in x: f32[{STEPS},1,5]
        x1 = reshape x {{shape=[1,{STEPS},5]}} : f32[1,{STEPS},5]
        const w: f32[1,5,{columns}] = seeded(1)
        p = matmul x1, w : f32[1,{STEPS},{columns}]
        const wb: f32[1,1,{columns}] = seeded(2)
        s = map p, wb {{f=(x0 + x1)}} : f32[1,{STEPS},{columns}]
        rows = reshape s {{shape=[{STEPS},{columns}]}} : f32[{STEPS},{columns}]
        {state}
"
    );
    for t in 0..STEPS {
        let offset = t * columns;
        writeln!(text, "a{t} = strided rows {{shape=[1,{columns}], strides=[{columns},1], offset={offset}}} : f32[1,{columns}]")
            .unwrap();
        text += &step(t);
    }
    write!(
        text,
        "const wo: f32[3,{HIDDEN}] = seeded(8)
        const bo: f32[3] = seeded(9)
        y = dense h{STEPS}, wo, bo : f32[1,3]
        out y
    }}"
    )
    .unwrap();
    graph(&text)
}

/// `{to} = {from} · {matrix}` with as many columns, each step with a constant of its own, as importers make them.
fn product(t: usize, from: &str, to: &str, columns: usize, seed: usize) -> String {
    format!(
        "const r{to}{t}: f32[1,{HIDDEN},{columns}] = seeded({seed})
        {to}{t}_x = reshape {from} {{shape=[1,1,{HIDDEN}]}} : f32[1,1,{HIDDEN}]
        {to}{t}_p = matmul {to}{t}_x, r{to}{t} : f32[1,1,{columns}]
        {to}{t} = reshape {to}{t}_p {{shape=[1,{columns}]}} : f32[1,{columns}]
"
    )
}

fn part(t: usize, of: &str, to: &str, width: usize, at: usize, count: usize) -> String {
    let (offset, count) = (at * HIDDEN, count * HIDDEN);
    format!(
        "{to}{t} = strided {of}{t} {{shape=[1,{count}], strides=[{width},1], offset={offset}}} : f32[1,{count}]\n"
    )
}

fn zeros(name: &str) -> String {
    format!("const {name}: f32[1,{HIDDEN}] = splat(0.0)\n")
}

/// No floats; each kind of step once; states in 16 bits, all of one scale.
fn check(float: &Graph, decibels: f64, layers: usize) -> Quantised {
    // More samples than elsewhere: what is rare is rare in states, too.
    let draw = |count, seed| samples(float, count, seed, 0.0, 1.0);
    let quantised = calibrate(float, &draw(160, 1), &draw(32, 2), &Options::default(), &Evaluator).unwrap();
    let unseen = draw(32, 3);
    let found = sqnr(float, &quantised, &unseen);
    same_in_loops(&quantised.built.graph, &stored_inputs(float, &quantised.built.graph, &unseen[..2]));
    assert!(found > decibels, "{}: {found:.1} dB, {:?}", float.name, quantised.stages);
    let built = &quantised.built.graph;
    let floats = built.values.values().filter(|v| v.ty.dtype.is_float());
    assert_eq!(floats.map(|v| v.name.as_str()).collect::<Vec<_>>(), [""; 0]);
    // Kernels differ by operator, types of arguments and result, and weights.
    let weights = built.nodes.values().filter(|n| matches!(n.op, Op::Dense(_))).map(|n| n.inputs[1]);
    assert_eq!(weights.collect::<BTreeSet<_>>().len(), layers);
    let kinds = |wanted: fn(&Op) -> bool| {
        let nodes = built.nodes.values().filter(|n| wanted(&n.op));
        let types = nodes.map(|n| format!("{:?} {}", n.op, built.ty(n.outputs[0])));
        types.collect::<BTreeSet<_>>()
    };
    let maps = kinds(|op| matches!(op, Op::Map(_)));
    assert!(maps.len() <= 5, "{maps:#?}");
    let group = quantised.plan.group(quantised.float.nodes.values().last().unwrap().inputs[0]).unwrap();
    assert_eq!(quantised.plan.groups[group].dtype, DType::I16);
    quantised
}

#[test]
fn an_lstm_is_integers_inside() {
    let width = 4 * HIDDEN;
    let state = format!("{}{}const rb: f32[1,{width}] = seeded(4)", zeros("h0"), zeros("c0"));
    let float = unrolled("lstm", 4, &state, |t| {
        let gates: String =
            ["i", "o", "f", "z"].iter().enumerate().map(|(at, to)| part(t, "g", to, width, at, 1)).collect();
        let next = t + 1;
        product(t, &format!("h{t}"), "m", width, 3)
            + &format!("g{t} = map a{t}, m{t}, rb {{f=(x0 + x1 + x2)}} : f32[1,{width}]\n{gates}")
            + &format!(
                "c{next} = map i{t}, f{t}, z{t}, c{t} {{f=(sigmoid(x1) * x3 + sigmoid(x0) * tanh(x2))}} : f32[1,{HIDDEN}]
                h{next} = map o{t}, c{next} {{f=(sigmoid(x0) * tanh(x1))}} : f32[1,{HIDDEN}]
"
            )
    });
    check(&float, 30.0, 3);
}

#[test]
fn a_gru_is_integers_inside() {
    let (width, two) = (3 * HIDDEN, 2 * HIDDEN);
    let state =
        format!("{}const bg: f32[1,{two}] = seeded(4)\nconst bn: f32[1,{HIDDEN}] = seeded(5)", zeros("h0"));
    for before in [false, true] {
        let float = unrolled("gru", 3, &state, |t| {
            let new = match before {
                true => {
                    product(t, &format!("h{t}"), "k", HIDDEN, 6)
                        + &format!(
                            "n{t} = map xn{t}, k{t}, bn, r{t} {{f=(tanh(x0 + x3 * (x1 + x2)))}} : f32[1,{HIDDEN}]\n"
                        )
                }
                false => {
                    format!("kept{t} = map r{t}, h{t} {{f=(x0 * x1)}} : f32[1,{HIDDEN}]\n")
                        + &product(t, &format!("kept{t}"), "k", HIDDEN, 6)
                        + &format!(
                            "n{t} = map xn{t}, k{t}, bn {{f=(tanh(x0 + x1 + x2))}} : f32[1,{HIDDEN}]\n"
                        )
                }
            };
            let next = t + 1;
            part(t, "a", "xg", width, 0, 2)
                + &part(t, "a", "xn", width, 2, 1)
                + &product(t, &format!("h{t}"), "m", two, 3)
                + &format!("g{t} = map xg{t}, m{t}, bg {{f=(sigmoid(x0 + x1 + x2))}} : f32[1,{two}]\n")
                + &part(t, "g", "u", two, 0, 1)
                + &part(t, "g", "r", two, 1, 1)
                + &new
                + &format!(
                    "h{next} = map u{t}, n{t}, h{t} {{f=((1.0f32 - x0) * x1 + x0 * x2)}} : f32[1,{HIDDEN}]\n"
                )
        });
        check(&float, 32.0, 4);
    }
}

#[test]
fn a_plain_recurrent_layer_is_integers_inside() {
    let state = format!("{}const rb: f32[1,{HIDDEN}] = seeded(4)", zeros("h0"));
    let float = unrolled("rnn", 1, &state, |t| {
        let next = t + 1;
        product(t, &format!("h{t}"), "m", HIDDEN, 3)
            + &format!("h{next} = map a{t}, m{t}, rb {{f=(tanh(x0 + x1 + x2))}} : f32[1,{HIDDEN}]\n")
    });
    check(&float, 30.0, 3);
}
