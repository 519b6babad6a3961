//! Lowered programs compute what `eval` computes, bit for bit: hand-picked shapes of every kernel.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use tinyc_ir::loops::interpret;
use tinyc_ir::op::{
    Add, AvgPool2d, Conv2d, Dense, MaxPool2d, Mul, Pad, Quantize, Requantize, Softmax, Transpose,
    window::Window,
};
use tinyc_ir::{Activation, DType, Data, Graph, Op, Origin, Quant, Tensor, TensorType, Value, eval::eval};
use tinyc_passes::lower::{Features, lower};

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
        let lowered = lower(graph, Features { saturate, dsp }).unwrap();
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
