//! Lowered programs compute what `eval` computes, bit for bit: hand-picked shapes of every kernel.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use tinyc_ir::loops::Program;
use tinyc_ir::loops::interpret::{self, Interpreter};
use tinyc_ir::op::{
    Add, AvgPool2d, Conv2d, Dense, MaxPool2d, Mul, Pad, Quantize, Requantize, Softmax, Strided, Transpose,
    window::Window,
};
use tinyc_ir::{Activation, DType, Data, Graph, Op, Origin, Quant, Tensor, TensorType, Value, eval::eval};
use tinyc_passes::lower::state::Kept;
use tinyc_passes::lower::{Features, lower, lower_with_states};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
    fn tensor(&mut self, ty: &TensorType) -> Tensor {
        let n = ty.shape.elements();
        let data = if ty.dtype == DType::F32 {
            Data::F32((0..n).map(|_| (self.next() % 4001) as f32 / 1000.0 - 2.0).collect())
        } else {
            Data::from_ints(ty.dtype, (0..n).map(|_| self.next() as i64 - 77_777))
        };
        Tensor::new(ty.shape.clone(), data)
    }
}

fn q(dtype: DType, shape: &[usize], scale: f32, zero: i32) -> TensorType {
    TensorType::quantized(dtype, shape.to_vec(), Quant::per_tensor(scale, zero).unwrap())
}

fn check(graph: &Graph, random: &mut Random) {
    for (saturate, dsp) in [(false, false), (true, false), (true, true)] {
        let lowered = lower(graph, Features { saturate, dsp, registers: 14 }).unwrap();
        let faults = tinyc_ir::loops::verify(&lowered.program).err().unwrap_or_default();
        assert!(faults.is_empty(), "{}: {faults:#?}", graph.name);
        for _ in 0..3 {
            let inputs: Vec<Tensor> = graph.inputs.iter().map(|&v| random.tensor(graph.ty(v))).collect();
            let expected = eval(graph, &inputs).outputs(graph);
            let data: Vec<Data> = inputs.iter().map(|t| t.data.clone()).collect();
            let run = interpret::run(&lowered.program, &data).unwrap_or_else(|t| panic!("{t}"));
            for (got, want) in run.outputs.iter().zip(&expected) {
                assert_eq!(got.to_le_bytes(), want.data.to_le_bytes(), "{graph:?}", graph = graph.name);
            }
        }
    }
}

fn one(
    op: impl Into<Op>,
    inputs: &[TensorType],
    constants: &[TensorType],
    output: Option<TensorType>,
    random: &mut Random,
) {
    let op = op.into();
    let mut graph = Graph::new(op.name());
    let mut args: Vec<Value> =
        inputs.iter().enumerate().map(|(i, t)| graph.input(format!("x{i}"), t.clone())).collect();
    for (i, ty) in constants.iter().enumerate() {
        let mut tensor = random.tensor(ty);
        if ty.dtype == DType::I32 {
            tensor.data =
                Data::I32(tensor.data.to_ints().unwrap().iter().map(|v| (v % 5000) as i32).collect());
        }
        args.push(graph.constant(format!("c{i}"), ty.clone(), tensor));
    }
    let y = match output {
        Some(ty) => graph.node_typed(op, &args, "y", ty, Origin::default()).unwrap(),
        None => graph.node(op, &args, "y", Origin::default()).unwrap(),
    };
    graph.outputs.push(y);
    check(&graph, random);
}

#[test]
fn every_kernel_equals_eval() {
    let mut r = Random(7);
    let act = Activation::RELU;
    for (strides, pads, dilations, groups, c, o) in [
        ([1, 1], [0; 4], [1, 1], 1, 5, 6),
        ([1, 1], [1; 4], [1, 1], 1, 3, 9),
        ([2, 1], [1, 0, 2, 1], [1, 1], 1, 4, 4),
        ([1, 2], [2, 2, 2, 2], [2, 2], 1, 2, 5),
        ([1, 1], [1; 4], [1, 1], 6, 6, 6),
        ([2, 2], [0, 0, 1, 1], [1, 1], 6, 6, 12),
        ([1, 1], [1; 4], [1, 1], 2, 6, 10),
        ([1, 1], [0; 4], [2, 1], 3, 6, 3),
    ] {
        let conv = Conv2d { strides, pads, dilations, groups, act };
        let x = TensorType::f32([1, 7, 8, c]);
        let w = TensorType::f32([o, 3, 3, c / groups]);
        let y = conv_shape(&conv, &x, &w, o);
        one(conv.clone(), &[x], &[w, TensorType::f32([o])], None, &mut r);
        for (xd, zx, wd, zw, scale) in [
            (DType::I8, -3, DType::I8, 0, 0.01),
            (DType::U8, 120, DType::U8, 131, 0.4),
            (DType::I16, 0, DType::I8, 0, 0.0001),
        ] {
            let x = q(xd, &[1, 7, 8, c], 0.05, zx);
            let w = q(wd, &[o, 3, 3, c / groups], scale, zw);
            let w = if zw == 0 {
                let scales = (0..o).map(|i| scale * (i + 1) as f32 * 0.37).collect();
                TensorType { quant: Some(Quant::per_axis(0, scales, vec![0; o]).unwrap()), ..w }
            } else {
                w
            };
            let bias = TensorType::new(DType::I32, [o]);
            one(conv.clone(), &[x], &[w, bias], Some(q(xd, &y, 0.7, zx / 2)), &mut r);
        }
    }
}

/// A layer of four-bit weights on a tensor in the arena; whether a core with products of halves takes them out of whole words.
fn four_bits(op: impl Into<Op>, xs: &[usize], zero: i32, ws: &[usize], r: &mut Random) -> bool {
    let op = op.into();
    let mut graph = Graph::new("four_bits");
    let input = graph.input("input", q(DType::I8, xs, 0.04, 3));
    let ty = q(if zero == 128 { DType::U8 } else { DType::I8 }, xs, 0.05, zero);
    let requantize = Requantize { act: Activation::NONE };
    let x = graph.node_typed(requantize, &[input], "x", ty, Origin::default()).unwrap();
    let scales = (0..ws[0]).map(|i| 0.02 * (i + 1) as f32 * 0.37).collect();
    let quant = Quant::per_axis(0, scales, vec![0; ws[0]]).unwrap();
    let wt = TensorType::quantized(DType::I4, ws.to_vec(), quant.clone());
    let scales: Vec<f32> = quant.scales().iter().map(|s| s * 0.05).collect();
    let bt = TensorType::quantized(DType::I32, [ws[0]], Quant::per_axis(0, scales, vec![0; ws[0]]).unwrap());
    let weights = r.tensor(&wt);
    let w = graph.constant("w", wt, weights);
    let b = graph.constant(
        "b",
        bt,
        Tensor::new([ws[0]], Data::I32((0..ws[0] as i32).map(|i| i * 97 - 300).collect())),
    );
    let inferred = op.infer(&[graph.ty(x), graph.ty(w), graph.ty(b)]).unwrap();
    let ty = q(DType::I8, &inferred.shape, 0.3, -7);
    let y = graph.node_typed(op, &[x, w, b], "y", ty, Origin::default()).unwrap();
    graph.outputs.push(y);
    check(&graph, r);
    let features = Features { saturate: true, dsp: true, registers: 14 };
    lower(&graph, features).unwrap().program.to_string().contains("unpack_signed")
}

#[test]
fn weights_of_four_bits_equal_eval() {
    let mut r = Random(5);
    let act = Activation::RELU;
    for zero in [-128, 0, 3, 128] {
        for (rows, depth, outputs) in [(1, 8, 4), (1, 12, 7), (3, 8, 5), (2, 9, 6), (5, 16, 1), (4, 4, 3)] {
            assert!(four_bits(Dense { act }, &[rows, depth], zero, &[outputs, depth], &mut r));
        }
        for (channels, outputs, pads) in [(3, 5, [1; 4]), (4, 8, [0; 4]), (8, 6, [1, 0, 1, 0])] {
            let conv = Conv2d { strides: [1; 2], pads, dilations: [1; 2], groups: 1, act };
            assert!(four_bits(conv, &[1, 5, 6, channels], zero, &[outputs, 3, 3, channels], &mut r));
        }
        for channels in [4, 6, 8, 12, 24] {
            for strides in [[1, 1], [2, 2]] {
                let conv = Conv2d { strides, pads: [1; 4], dilations: [1; 2], groups: channels, act };
                let words = four_bits(conv, &[1, 5, 6, channels], zero, &[channels, 3, 3, 1], &mut r);
                assert_eq!(words, zero != 3 && channels % 4 == 0);
            }
        }
    }
}

fn conv_shape(conv: &Conv2d, x: &TensorType, w: &TensorType, o: usize) -> Vec<usize> {
    let op: Op = conv.clone().into();
    op.infer(&[x, w, &TensorType::f32([o])]).unwrap().shape.to_vec()
}

#[test]
fn rows_and_elements_equal_eval() {
    let mut r = Random(11);
    let act = Activation { lo: -1.0, hi: 3.5 };
    for (m, k, n) in [(1, 10, 4), (3, 7, 5), (2, 1, 1), (5, 12, 11)] {
        let bias = TensorType::new(DType::I32, [n]);
        one(
            Dense { act },
            &[TensorType::f32([m, k])],
            &[TensorType::f32([n, k]), TensorType::f32([n])],
            None,
            &mut r,
        );
        let x = q(DType::I8, &[m, k], 0.1, 5);
        one(
            Dense { act },
            &[x],
            &[q(DType::I8, &[n, k], 0.02, 0), bias],
            Some(q(DType::I8, &[m, n], 0.3, -9)),
            &mut r,
        );
    }
    for (sa, sb, sy) in [(0.5, 0.25, 0.25), (0.1, 0.37, 0.2), (1.0, 1.0, 1.0), (0.003, 0.9, 0.01)] {
        let (a, b) = (q(DType::I8, &[2, 3, 4], sa, 3), q(DType::I8, &[2, 3, 4], sb, -128));
        one(Add { act }, &[a.clone(), b.clone()], &[], Some(q(DType::I8, &[2, 3, 4], sy, 1)), &mut r);
        one(Mul { act }, &[a, b], &[], Some(q(DType::U8, &[2, 3, 4], sy, 1)), &mut r);
        let (a, b) = (q(DType::I16, &[2, 3, 4], sa, 3), q(DType::U8, &[3, 1], sb, 12));
        one(
            Add { act: Activation::NONE },
            &[a.clone(), b.clone()],
            &[],
            Some(q(DType::I16, &[2, 3, 4], sy, 1)),
            &mut r,
        );
        one(Requantize { act }, &[a], &[], Some(q(DType::I8, &[2, 3, 4], sy, 1)), &mut r);
        one(Requantize { act }, &[b], &[], Some(q(DType::I8, &[3, 1], sy, 1)), &mut r);
    }
    one(Add { act }, &[TensorType::f32([2, 3]), TensorType::f32([3])], &[], None, &mut r);
    one(Quantize, &[TensorType::f32([9, 9])], &[], Some(q(DType::I8, &[9, 9], 0.013, 4)), &mut r);
    for (scale, ys, yd) in
        [(0.1, 1.0 / 256.0, DType::I8), (0.02, 0.0039, DType::U8), (1.0, 1.0 / 32768.0, DType::I16)]
    {
        one(Softmax, &[q(DType::I8, &[3, 12], scale, 0)], &[], Some(q(yd, &[3, 12], ys, 0)), &mut r);
    }
    one(Softmax, &[TensorType::f32([3, 12])], &[], None, &mut r);
    one(Transpose { perm: vec![2, 0, 1] }, &[TensorType::f32([2, 3, 4])], &[], None, &mut r);
    one(
        Pad { before: vec![1, 0], after: vec![2, 3], value: 0.7 },
        &[q(DType::I8, &[2, 3], 0.1, 3)],
        &[],
        None,
        &mut r,
    );
}

#[test]
fn pools_equal_eval() {
    let mut r = Random(13);
    for (kernel, strides, pads) in [
        ([2, 2], [2, 2], [0; 4]),
        ([3, 3], [1, 2], [1; 4]),
        ([6, 7], [1, 1], [0; 4]),
        ([3, 2], [2, 1], [0, 0, 2, 1]),
    ] {
        let window = Window { kernel, strides, pads };
        for count_include_pad in [false, true] {
            let op = AvgPool2d { window: window.clone(), count_include_pad, act: Activation::NONE };
            one(op.clone(), &[TensorType::f32([1, 6, 7, 5])], &[], None, &mut r);
            for (sx, sy) in [(1.0, 1.0), (0.5, 0.25), (0.13, 0.094)] {
                let x = q(DType::I8, &[1, 6, 7, 5], sx, -7);
                let o: Op = op.clone().into();
                let y = q(DType::I8, &o.infer(&[&x]).unwrap().shape, sy, 2);
                one(op.clone(), &[x], &[], Some(y), &mut r);
            }
        }
        one(MaxPool2d { window: window.clone() }, &[q(DType::I8, &[1, 6, 7, 5], 1.0, 0)], &[], None, &mut r);
        one(MaxPool2d { window }, &[TensorType::f32([1, 6, 7, 5])], &[], None, &mut r);
    }
}

#[test]
fn a_requantize_joins_the_weighted_sum_before_it() {
    let mut r = Random(17);
    for (kept, calls) in [(false, 1), (true, 2)] {
        let mut graph = Graph::new("region");
        let x = graph.input("x", q(DType::U8, &[1, 5, 6, 4], 0.05, 7));
        let w_type = q(DType::I8, &[6, 3, 3, 4], 0.01, 0);
        let w = graph.constant("w", w_type.clone(), r.tensor(&w_type));
        let b = graph.constant(
            "b",
            TensorType::new(DType::I32, [6]),
            Tensor::new([6], Data::I32(vec![9, -800, 70, 0, 3000, -5])),
        );
        let conv =
            Conv2d { strides: [1, 1], pads: [1; 4], dilations: [1, 1], groups: 1, act: Activation::NONE };
        let ty = q(DType::U8, &[1, 5, 6, 6], 0.11, 120);
        let sum = graph.node_typed(conv, &[x, w, b], "sum", ty, Origin::default()).unwrap();
        let ty = q(DType::I8, &[1, 5, 6, 6], 0.07, -128);
        let relu = Requantize { act: Activation::RELU };
        let y = graph.node_typed(relu, &[sum], "y", ty, Origin::default()).unwrap();
        graph.outputs.push(y);
        if kept {
            graph.outputs.push(sum);
        }
        check(&graph, &mut r);
        assert_eq!(lower(&graph, Features::default()).unwrap().program.calls.len(), calls);
    }
}

/// Adds a node of f32 to a graph.
fn float(graph: &mut Graph, op: impl Into<Op>, inputs: &[Value], shape: &[usize], name: &str) -> Value {
    let ty = TensorType::f32(shape.to_vec());
    graph.node_typed(op, inputs, name, ty, Origin::default()).unwrap()
}

#[test]
fn steps_of_a_sequence_share_their_kernels_and_copy_nothing() {
    let mut graph = Graph::new("steps");
    let x = graph.input("x", TensorType::f32([6, 4]));
    let add = || Add { act: Activation::NONE };
    let twice = float(&mut graph, add(), &[x, x], &[6, 4], "twice");
    let step = |graph: &mut Graph, t: usize| {
        let op = Strided { shape: vec![1, 4], strides: vec![4, 1], offset: 4 * t };
        float(graph, op, &[twice], &[1, 4], &format!("step{t}"))
    };
    let mut h = step(&mut graph, 0);
    for t in 1..6 {
        let input = step(&mut graph, t);
        h = float(&mut graph, add(), &[h, input], &[1, 4], &format!("h{t}"));
    }
    // A part outlives the whole's last reader, which would else be written over it.
    let last = step(&mut graph, 5);
    let whole = float(&mut graph, add(), &[twice, twice], &[6, 4], "whole");
    let end = float(&mut graph, add(), &[last, h], &[1, 4], "end");
    graph.outputs.extend([whole, end]);
    check(&graph, &mut Random(3));
    let program = lower(&graph, Features::default()).unwrap().program;
    // One call for each sum; a sum of the input cannot be written over it, one of the arena can.
    let names: Vec<&str> = program.calls.iter().map(|call| &*program.kernels[call.kernel].name).collect();
    assert_eq!(names, ["add_24", "add_4", "add_4", "add_4", "add_4", "add_4", "add_24_2", "add_4"]);
    assert_eq!(program.kernels.len(), 3);
}

/// Runs a graph several times with its state, and compares every run with `eval`; gives the program.
fn check_sequence(graph: &Graph, kept: &[Kept]) -> Program {
    let program = lower_with_states(graph, Features::default(), kept).unwrap().program;
    let faults = tinyc_ir::loops::verify(&program).err().unwrap_or_default();
    assert!(faults.is_empty(), "{}: {faults:#?}", graph.name);
    let mut interpreter = Interpreter::new(&program).unwrap();
    let mut random = Random(29);
    let mut state: Vec<Tensor> = kept
        .iter()
        .map(|k| {
            let shape = graph.ty(graph.inputs[k.input]).shape.clone();
            Tensor::f32(shape.clone(), vec![0.0; shape.elements()])
        })
        .collect();
    for run in 0..4 {
        let mut supplied = Vec::new();
        let inputs: Vec<Tensor> = (0..graph.inputs.len())
            .map(|i| match kept.iter().position(|k| k.input == i) {
                Some(at) => state[at].clone(),
                None => {
                    let tensor = random.tensor(graph.ty(graph.inputs[i]));
                    supplied.push(tensor.data.clone());
                    tensor
                }
            })
            .collect();
        let all = eval(graph, &inputs).outputs(graph);
        let is_kept = |i: &usize| kept.iter().any(|k| k.output == *i);
        let want: Vec<Data> = (0..all.len()).filter(|i| !is_kept(i)).map(|i| all[i].data.clone()).collect();
        assert_eq!(interpreter.run(&supplied).unwrap().outputs, want, "{}, run {run}", graph.name);
        state = kept.iter().map(|k| all[k.output].clone()).collect();
    }
    program
}

#[test]
fn a_state_is_updated_in_place_where_nothing_reads_it_later() {
    let add = || Add { act: Activation::NONE };
    let mut graph = Graph::new("in_place");
    let x = graph.input("x", TensorType::f32([1, 4]));
    let old = graph.input("sum", TensorType::f32([1, 4]));
    let new = float(&mut graph, add(), &[old, x], &[1, 4], "sum_next");
    let y = float(&mut graph, add(), &[new, new], &[1, 4], "y");
    graph.outputs.extend([y, new]);
    let kept = [Kept { input: 1, output: 1 }];
    assert_eq!(check_sequence(&graph, &kept).calls.len(), 2, "nothing is copied");
    // The old value is read after the new one is known.
    let mut graph = Graph::new("read_later");
    let x = graph.input("x", TensorType::f32([1, 4]));
    let old = graph.input("sum", TensorType::f32([1, 4]));
    let new = float(&mut graph, add(), &[old, x], &[1, 4], "sum_next");
    let y = float(&mut graph, add(), &[new, old], &[1, 4], "y");
    graph.outputs.extend([y, new]);
    assert_eq!(check_sequence(&graph, &kept).calls.len(), 3, "copied at the end");
}

#[test]
fn states_that_become_each_other_do_not_overwrite_each_other() {
    let add = || Add { act: Activation::NONE };
    // A chain: c ← b, b ← a, a ← x + c.
    let mut graph = Graph::new("chain");
    let names = ["x", "a", "b", "c"];
    let [x, a, b, c] = names.map(|name| graph.input(name, TensorType::f32([1, 4])));
    let next = float(&mut graph, add(), &[x, c], &[1, 4], "a_next");
    graph.outputs.extend([c, next, a, b]);
    let kept = [1, 2, 3].map(|i| Kept { input: i, output: i });
    check_sequence(&graph, &kept);
    // a ← b, b ← c, c ← x + a, which the user receives too.
    let mut graph = Graph::new("received");
    let [x, a, b, c] = names.map(|name| graph.input(name, TensorType::f32([1, 4])));
    let mixed = float(&mut graph, add(), &[x, a], &[1, 4], "mixed");
    graph.outputs.extend([mixed, b, c, mixed, a]);
    let kept = [(1, 1), (2, 2), (3, 3)].map(|(input, output)| Kept { input, output });
    check_sequence(&graph, &kept);
    // A circle: a ← b, b ← a.
    let mut graph = Graph::new("swap");
    let [x, a, b, c] = names.map(|name| graph.input(name, TensorType::f32([1, 4])));
    let y = float(&mut graph, add(), &[x, c], &[1, 4], "y");
    let c_next = float(&mut graph, add(), &[a, x], &[1, 4], "c_next");
    graph.outputs.extend([y, b, a, c_next]);
    check_sequence(&graph, &kept);
}
