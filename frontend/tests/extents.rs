//! Results whose size depends on data: their greatest size, a count beside each output, and what may follow them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use prost::Message;
use tinyc_frontend::onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto,
    ValueInfoProto, tensor_shape_proto::Dimension, tensor_shape_proto::dimension, type_proto,
};
use tinyc_frontend::onnx::{self, Options};
use tinyc_ir::{Data, Tensor, eval};

/// Nodes as lines `y = Op a b {axis=1}`, between the input `x: f32[2,3]` and outputs.
fn model(lines: &[&str], outputs: &[&str], constants: &[(&str, &[i64])]) -> Vec<u8> {
    let node = |line: &&str| {
        let (line, attributes) = line.split_once(" {").unwrap_or((line, "}"));
        let (y, call) = line.split_once(" = ").unwrap();
        let mut words = call.split(' ').map(str::to_owned);
        let attribute = |text: &str| {
            let (name, value) = text.split_once('=').unwrap();
            let ints = value.split(',').map(|v| v.parse().unwrap()).collect::<Vec<i64>>();
            let list = ["perm", "axes"].contains(&name);
            AttributeProto {
                name: Some(name.into()),
                r#type: Some(if list { 7 } else { 2 }),
                i: Some(ints[0]),
                ints: if list { ints } else { vec![] },
                ..AttributeProto::default()
            }
        };
        NodeProto {
            op_type: words.next(),
            input: words.collect(),
            output: y.split(' ').map(str::to_owned).collect(),
            attribute: attributes.trim_end_matches('}').split_whitespace().map(attribute).collect(),
            ..NodeProto::default()
        }
    };
    let tensor = |&(name, values): &(&str, &[i64])| TensorProto {
        name: Some(name.into()),
        data_type: Some(7),
        dims: vec![values.len() as i64],
        int64_data: values.to_vec(),
        ..TensorProto::default()
    };
    let sizes =
        [2, 3].map(|n| Dimension { value: Some(dimension::Value::DimValue(n)), ..Dimension::default() });
    let shape = tinyc_frontend::onnx::proto::TensorShapeProto { dim: sizes.to_vec() };
    let ty = type_proto::Tensor { elem_type: Some(1), shape: Some(shape) };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(ty)), ..TypeProto::default() };
    let info =
        |name: &str, ty| ValueInfoProto { name: Some(name.into()), r#type: ty, ..ValueInfoProto::default() };
    let graph = GraphProto {
        node: lines.iter().map(node).collect(),
        input: vec![info("x", Some(ty))],
        output: outputs.iter().map(|name| info(name, None)).collect(),
        initializer: constants.iter().map(tensor).collect(),
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { domain: Some(String::new()), version: Some(13) };
    let model = ModelProto {
        ir_version: Some(7),
        graph: Some(graph),
        opset_import: vec![opset],
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

const CONSTANTS: &[(&str, &[i64])] = &[
    ("zero", &[0]),
    ("one", &[1]),
    ("two", &[2]),
    ("six", &[6]),
    ("three", &[3]),
    ("whole", &[1, 2, 3, 4, 5, 6]),
];

/// Names and results for `x = [0, 1, 0, -2, 3, 0]`, whose elements that are not zero are at (0, 1), (1, 0) and (1, 1).
fn run(lines: &[&str], outputs: &[&str]) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    let bytes = model(lines, outputs, CONSTANTS);
    let graph = onnx::import(&bytes, &Options::default()).unwrap_or_else(|e| panic!("{e}")).graph;
    tinyc_ir::verify::verify(&graph).unwrap();
    let x = Tensor::f32([2, 3], vec![0.0, 1.0, 0.0, -2.0, 3.0, 0.0]);
    let results = eval::eval(&graph, &[x]).outputs(&graph);
    let numbers = |data: &Data| match data {
        Data::F32(v) => v.iter().map(|&v| f64::from(v)).collect(),
        ints => ints.to_ints().unwrap().iter().map(|&v| v as f64).collect(),
    };
    let name = |i: usize| graph.values[graph.outputs[i]].name.clone();
    results.iter().enumerate().map(|(i, t)| (name(i), t.shape.to_vec(), numbers(&t.data))).collect()
}

/// The first message for a model that must be refused.
fn refusal(lines: &[&str]) -> String {
    match onnx::import(&model(lines, &["y"], CONSTANTS), &Options::default()) {
        Ok(_) => panic!("{lines:?} is accepted"),
        Err(diagnostics) => diagnostics.0[0].to_string(),
    }
}

const WHERE: &str = "at = NonZero x";

#[test]
fn an_output_comes_with_its_count() {
    let results = run(&[WHERE], &["at"]);
    assert_eq!(results[0], ("at".into(), vec![2, 6], vec![0., 1., 1., 0., 0., 0., 1., 0., 1., 0., 0., 0.]));
    assert_eq!(results[1], ("at_count".into(), vec![1], vec![3.0]));
}

#[test]
fn what_is_computed_from_it_counts_as_much_and_ends_in_zeros() {
    let lines = [
        WHERE,
        "t = Transpose at {perm=1,0}",
        "picked = GatherND x t",
        "more = Add picked picked",
        "column = Gather t one {axis=-1}",
        "flat = Reshape column six",
        "next = Add flat one",
        "both = Concat column column {axis=1}",
        "most = ReduceMax t {axes=1 keepdims=0}",
        "first = Slice most zero two zero",
        "pairs = Unsqueeze next zero",
    ];
    let outputs = ["more", "both", "most", "first", "pairs"];
    let results = run(&lines, &outputs);
    let counts: Vec<(&str, f64)> = results[5..].iter().map(|r| (r.0.as_str(), r.2[0])).collect();
    let expected = [
        ("more_count", 3.),
        ("both_count", 3.),
        ("most_count", 3.),
        ("first_count", 2.),
        ("pairs_count", 3.),
    ];
    assert_eq!(counts, expected);
    assert_eq!(results[0].2, [2., -4., 6., 0., 0., 0.]);
    assert_eq!(results[1].2, [1., 1., 0., 0., 1., 1., 0., 0., 0., 0., 0., 0.]);
    assert_eq!(results[2].2, [1., 1., 1., 0., 0., 0.]);
    assert_eq!(results[3].2, [1., 1.]);
    assert_eq!(
        (results[4].1.as_slice(), results[4].2.as_slice()),
        (&[1, 6][..], &[2., 1., 2., 0., 0., 0.][..])
    );
}

#[test]
fn positions_behind_the_count_are_never_looked_up() {
    // 9 is outside, but not meant.
    let lines =
        [WHERE, "row = Gather at zero", "far = Reshape row six", "nine = Sub far nines", "y = Gather x far"];
    let constants = [CONSTANTS, &[("nines", &[9][..])]].concat();
    let bytes = model(&lines, &["y", "nine"], &constants);
    let graph = onnx::import(&bytes, &Options::default()).unwrap_or_else(|e| panic!("{e}")).graph;
    let x = Tensor::f32([2, 3], vec![0.0, 0.0, 0.0, 0.0, 7.0, 8.0]);
    let results = eval::eval(&graph, &[x]).outputs(&graph);
    let want = [[0.0, 7.0, 8.0], [0.0, 7.0, 8.0]].concat();
    assert_eq!(results[0].data.as_f32().unwrap()[..6], want);
    assert!(results[0].data.as_f32().unwrap()[6..].iter().all(|&v| v == 0.0));
    assert_eq!(results[1].data.to_ints().unwrap(), [-8, -8, 0, 0, 0, 0]);
}

#[test]
fn selections_of_selections() {
    let lines = [
        WHERE,
        "t = Transpose at {perm=1,0}",
        "picked = GatherND x t",
        "again = NonZero picked",
        "large = Greater picked ones",
        "y = Compress picked large {axis=0}",
        "ones = Cast one {to=1}",
    ];
    let results = run(&lines, &["again", "y"]);
    assert_eq!(results[0].2, [0., 1., 2., 0., 0., 0.]);
    assert_eq!(results[1].2, [3., 0., 0., 0., 0., 0.]);
    assert_eq!((results[2].2[0], results[3].2[0]), (3.0, 1.0));
}

#[test]
fn half_floats_are_counted_too() {
    let lines = [
        WHERE,
        "t = Transpose at {perm=1,0}",
        "picked = GatherND x t",
        "half = Cast picked {to=10}",
        "sum = Add half half",
        "y = Cast sum {to=1}",
    ];
    let results = run(&lines, &["y"]);
    assert_eq!(results[0].2, [2., -4., 6., 0., 0., 0.]);
    assert_eq!((results[1].0.as_str(), results[1].2.as_slice()), ("y_count", &[3.0][..]));
}

#[test]
fn whatever_would_see_what_is_not_meant_is_refused() {
    let lines = [
        "y = Shape at",
        "y = Gather at whole {axis=1}",
        "y = Reshape at whole",
        "y = ReduceSum at one",
        "y = CumSum at one",
        "y = Add at whole",
        "y = Concat at at {axis=1}",
        "y = Slice at one six one",
        "y = Unique at {axis=0}",
        "y = MatMul at whole",
    ];
    for line in lines {
        let text = refusal(&[WHERE, line]);
        let other = line.contains("Reshape") || line.contains("MatMul");
        assert!(text.starts_with("error[E0306]") || other && text.starts_with("error["), "{line}: {text}");
        assert!(
            other || text.contains("size depends on data") && text.contains("= help: "),
            "{line}: {text}"
        );
    }
}

#[test]
fn known_data_have_a_known_size() {
    let results = run(&["at = NonZero whole", "y = Gather whole at", "z = Add y y"], &["z"]);
    assert_eq!((results.len(), results[0].1.as_slice()), (1, &[1, 6][..]));
}
