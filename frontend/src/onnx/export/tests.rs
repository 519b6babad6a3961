//! What a small quantised network looks like in the file, and what is refused.

use super::super::proto::ModelProto;
use super::export;
use prost::Message;
use tinyc_ir::op::window::Window;
use tinyc_ir::op::{Conv2d, Dense, Dequantize, Matmul, MaxPool2d, Quantize, Reshape, Transpose};
use tinyc_ir::text::parse_graph;
use tinyc_ir::{Activation, DType, Data, Graph, Origin, Quant, Tensor, TensorType, Value};

fn q8(shape: impl Into<tinyc_ir::Shape>, scale: f32, zero_point: i32) -> TensorType {
    TensorType::quantized(DType::I8, shape, Quant::per_tensor(scale, zero_point).unwrap())
}

fn at(name: &str) -> Origin {
    Origin::onnx(name, 0)
}

fn constant(graph: &mut Graph, name: &str, ty: TensorType) -> Value {
    let numbers = (0..ty.shape.elements() as i64).map(|i| i % 7 - 3);
    let tensor = Tensor::new(ty.shape.clone(), Data::from_ints(ty.dtype, numbers));
    graph.constant(name, ty, tensor)
}

/// A channels-first image through a convolution with ReLU, a pool, and a layer on what is left, with weights of a type.
fn network(weights: DType) -> Graph {
    let mut graph = Graph::new("small");
    let x = graph.input("image", q8([1, 2, 4, 4], 0.5, -3));
    let image =
        graph.node(Transpose { perm: vec![0, 2, 3, 1] }, &[x], "image/nhwc", Origin::default()).unwrap();
    let per_axis = Quant::per_axis(0, vec![0.25, 0.125, 0.5], vec![0; 3]).unwrap();
    let w = constant(&mut graph, "conv.weight", TensorType::quantized(weights, [3, 3, 3, 2], per_axis));
    let b = constant(&mut graph, "conv.bias", TensorType::new(DType::I32, [3]));
    let conv = Conv2d { strides: [1, 1], pads: [1; 4], dilations: [1, 1], groups: 1, act: Activation::RELU };
    let y = graph
        .node_typed(conv, &[image, w, b], "conv/nhwc", q8([1, 4, 4, 3], 0.75, -128), at("conv"))
        .unwrap();
    let window = Window { kernel: [4, 4], strides: [4, 4], pads: [0; 4] };
    let y = graph.node(MaxPool2d { window }, &[y], "pool/nhwc", at("pool")).unwrap();
    let y = graph.node(Reshape { shape: vec![1, 3] }, &[y], "flat", at("flatten")).unwrap();
    let w = constant(&mut graph, "fc.weight", q8([2, 3], 0.125, 0));
    let b = constant(&mut graph, "fc.bias", TensorType::new(DType::I32, [2]));
    let dense = Dense { act: Activation::NONE };
    let y = graph.node_typed(dense, &[y, w, b], "scores", q8([1, 2], 0.5, 0), at("fc")).unwrap();
    graph.outputs = vec![y];
    graph
}

fn written(graph: &Graph) -> ModelProto {
    ModelProto::decode(export(graph).unwrap().bytes.as_slice()).unwrap()
}

/// `name: Op inputs → outputs` for each node.
fn nodes(model: &ModelProto) -> Vec<String> {
    let nodes = &model.graph.as_ref().unwrap().node;
    let line = |node: &super::super::proto::NodeProto| {
        format!("{}: {} {} → {}", node.name(), node.op_type(), node.input.join(", "), node.output.join(", "))
    };
    nodes.iter().map(line).collect()
}

#[test]
fn layers_stand_between_quantisations() {
    let model = written(&network(DType::I8));
    assert_eq!(
        nodes(&model),
        [
            "image/real/DequantizeLinear: DequantizeLinear image, image/nhwc/scale, image/nhwc/zero_point → image/real",
            "conv.weight/real/DequantizeLinear: DequantizeLinear conv.weight, conv.weight/scale, conv.weight/zero_point → conv.weight/real",
            "conv.bias/real/DequantizeLinear: DequantizeLinear conv.bias, conv.bias/scale → conv.bias/real",
            "conv: Conv image/real, conv.weight/real, conv.bias/real → conv/sum",
            "conv/Relu: Relu conv/sum → conv/float",
            "conv/QuantizeLinear: QuantizeLinear conv/float, conv/nhwc/scale, conv/nhwc/zero_point → conv",
            "conv/real/DequantizeLinear: DequantizeLinear conv, conv/nhwc/scale, conv/nhwc/zero_point → conv/real",
            "pool: MaxPool conv/real → pool/float",
            "pool/QuantizeLinear: QuantizeLinear pool/float, pool/nhwc/scale, pool/nhwc/zero_point → pool",
            "pool/real/DequantizeLinear: DequantizeLinear pool, pool/nhwc/scale, pool/nhwc/zero_point → pool/real",
            "flatten: Reshape pool/real, flat/shape → flat/float",
            "flat/QuantizeLinear: QuantizeLinear flat/float, flat/scale, flat/zero_point → flat",
            "flat/real/DequantizeLinear: DequantizeLinear flat, flat/scale, flat/zero_point → flat/real",
            "fc.weight/real/DequantizeLinear: DequantizeLinear fc.weight, fc.weight/scale, fc.weight/zero_point → fc.weight/real",
            "fc.bias/real/DequantizeLinear: DequantizeLinear fc.bias, fc.bias/scale → fc.bias/real",
            "fc: Gemm flat/real, fc.weight/real, fc.bias/real → scores/float",
            "scores/QuantizeLinear: QuantizeLinear scores/float, scores/scale, scores/zero_point → scores",
        ]
    );
    let graph = model.graph.as_ref().unwrap();
    let initializer = |name: &str| graph.initializer.iter().find(|t| t.name() == name).unwrap();
    // Channels first, and the bias in steps of the product of scales.
    assert_eq!(initializer("conv.weight").dims, [3, 2, 3, 3]);
    let scales: Vec<u8> = [0.125f32, 0.0625, 0.25].iter().flat_map(|s| s.to_le_bytes()).collect();
    assert_eq!(initializer("conv.bias/scale").raw_data(), scales);
    assert_eq!((graph.input[0].name(), graph.output[0].name()), ("image", "scores"));
    assert_eq!((model.producer_name(), model.producer_version()), ("tinyc", env!("CARGO_PKG_VERSION")));
}

#[test]
fn weights_that_steps_share_are_stored_once() {
    let mut graph = Graph::new("steps");
    let x = graph.input("x", TensorType::new(DType::F32, [1, 2, 8]));
    let weights =
        |graph: &mut Graph, name: &str| constant(graph, name, TensorType::new(DType::F32, [1, 8, 8]));
    let mut state = x;
    for step in ["first", "second"] {
        let w = weights(&mut graph, &format!("{step}.weight"));
        state = graph.node(Matmul, &[state, w], step, at(step)).unwrap();
    }
    graph.outputs.push(state);
    let model = written(&graph);
    let stored = &model.graph.as_ref().unwrap().initializer;
    assert_eq!(stored.iter().map(|t| t.name()).collect::<Vec<_>>(), ["first.weight"]);
}

#[test]
fn the_operator_set_is_as_old_as_it_can_be() {
    let versions = |model: &ModelProto| (model.opset_import[0].version(), model.ir_version());
    assert_eq!(versions(&written(&network(DType::I8))), (18, 8));
    let narrow = written(&network(DType::I4));
    assert_eq!(versions(&narrow), (21, 10));
    let weights =
        narrow.graph.as_ref().unwrap().initializer.iter().find(|t| t.name() == "conv.weight").unwrap();
    assert_eq!((weights.data_type(), weights.raw_data().len()), (22, 27));
    // 2 bits are new in operator set 25; the numbers fit 4.
    let narrower = written(&network(DType::I2));
    let weights =
        narrower.graph.as_ref().unwrap().initializer.iter().find(|t| t.name() == "conv.weight").unwrap();
    assert_eq!((weights.data_type(), weights.raw_data().len()), (22, 27));
}

#[test]
fn formulas_are_chains_of_nodes() {
    let text = "graph @g {\n  in v0: i32[2,3] \"x\"\n  in v1: i32[3] \"n\"\n  \
                v2 = map v0, v1 {f=((x0 >> 3) +% (x0 / x1))} : i32[2,3] \"y\" @ \"f\" onnx:0\n  out v2\n}\n";
    let graph = parse_graph("g.tir", text).unwrap();
    let ops: Vec<String> =
        written(&graph).graph.unwrap().node.iter().map(|n| n.op_type().to_owned()).collect();
    let shift = ["Cast", "BitShift", "BitShift", "BitwiseXor", "Sub", "Cast", "Identity"];
    let quotient = ["Equal", "Where", "Equal", "Where", "Div", "Sub", "Where", "Where"];
    assert_eq!(ops, [&shift[..], &quotient, &["Add"]].concat());
}

#[test]
fn every_problem_is_told_at_once() {
    let mut graph = Graph::new("g");
    let x = graph.input("x", TensorType::f32([2]));
    let quant = || Quant::per_tensor(0.5, 0).unwrap();
    let wide = TensorType::quantized(DType::I32, [2], quant());
    let a = graph.node_typed(Quantize, &[x], "a", wide, at("first")).unwrap();
    let a = graph.node(Dequantize, &[a], "b", at("second")).unwrap();
    let narrow = TensorType::quantized(DType::I2, [2], quant());
    let c = graph.node_typed(Quantize, &[a], "c", narrow, at("third")).unwrap();
    graph.outputs = vec![c];
    let problems = export(&graph).unwrap_err();
    let told: Vec<(u16, &str)> = problems.0.iter().map(|d| (d.code, d.place.as_str())).collect();
    assert_eq!(told, [(209, "g, tensor \"c\""), (209, "g, node \"first\" (quantize)")]);
}
