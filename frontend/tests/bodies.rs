//! Bodies of control flow and functions of the model: what they become, and what is refused. The node tests of ONNX show that
//! the numbers are right.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use prost::Message;
use tinyc_frontend::onnx::proto::attribute_proto::AttributeType;
use tinyc_frontend::onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use tinyc_frontend::onnx::{self, Imported, Options};
use tinyc_ir::eval::eval;
use tinyc_ir::{Diagnostics, Tensor};

const FLOAT: i32 = 1;
const INT64: i32 = 7;
const BOOL: i32 = 9;

fn info(name: &str, element: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(size)),
        ..Default::default()
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let ty = type_proto::Tensor { elem_type: Some(element), shape };
    let value = Some(type_proto::Value::TensorType(ty));
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { value, ..Default::default() }),
        ..Default::default()
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let own = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
    NodeProto {
        op_type: Some(op.into()),
        name: Some(format!("node_{}", outputs[0])),
        input: own(inputs),
        output: own(outputs),
        ..Default::default()
    }
}

fn with(mut node: NodeProto, attribute: AttributeProto) -> NodeProto {
    node.attribute.push(attribute);
    node
}

fn body(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Graph as i32),
        g: Some(graph),
        ..Default::default()
    }
}

fn number(name: &str, element: i32, value: i64) -> TensorProto {
    let mut tensor = TensorProto { name: Some(name.into()), data_type: Some(element), ..Default::default() };
    match element {
        INT64 => tensor.int64_data = vec![value],
        BOOL => tensor.int32_data = vec![value as i32],
        _ => tensor.float_data = vec![value as f32],
    }
    tensor
}

/// A model of these nodes from `x` f32[2] and `flag` bool[1] to `y`.
fn import(
    nodes: Vec<NodeProto>,
    stored: Vec<TensorProto>,
    functions: Vec<FunctionProto>,
) -> Result<Imported, Diagnostics> {
    let graph = GraphProto {
        node: nodes,
        input: vec![info("x", FLOAT, &[2]), info("flag", BOOL, &[1])],
        output: vec![info("y", FLOAT, &[2])],
        initializer: stored,
        ..Default::default()
    };
    let opset = |domain: &str| OperatorSetIdProto { domain: Some(domain.into()), version: Some(18) };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![opset(""), OperatorSetIdProto { version: Some(1), ..opset("own") }],
        graph: Some(graph),
        functions,
        ..Default::default()
    };
    onnx::import(&model.encode_to_vec(), &Options::default())
}

fn run(imported: &Imported, x: [f32; 2], flag: bool) -> Vec<f32> {
    let flag = Tensor::new([1], tinyc_ir::Data::Bool(vec![flag]));
    let inputs = [Tensor::f32([2], x.to_vec()), flag];
    let outputs = eval(&imported.graph, &inputs).outputs(&imported.graph);
    outputs[0].data.as_f32().unwrap().to_vec()
}

fn refused(result: Result<Imported, Diagnostics>) -> String {
    result.err().expect("it is refused").to_string()
}

/// `v ← v + x` with x from outside, as often as the trip count says, while a condition holds.
fn adding(condition: Option<NodeProto>) -> GraphProto {
    let mut nodes = vec![node("Add", &["v", "x"], &["v_next"])];
    let go_on = if condition.is_some() { "go_on" } else { "cond" };
    nodes.extend(condition);
    GraphProto {
        node: nodes,
        input: vec![info("i", INT64, &[]), info("cond", BOOL, &[]), info("v", FLOAT, &[2])],
        output: vec![info(go_on, BOOL, &[]), info("v_next", FLOAT, &[2])],
        ..Default::default()
    }
}

#[test]
fn a_loop_sees_what_is_around_it_and_ends_when_it_is_known_to() {
    let stored = || vec![number("n", INT64, 5), number("yes", BOOL, 1), number("two", INT64, 2)];
    let counted = with(node("Loop", &["n", "yes", "x"], &["y"]), body("body", adding(None)));
    assert_eq!(run(&import(vec![counted], stored(), vec![]).unwrap(), [1.0, -2.0], true), [6.0, -12.0]);
    // The condition depends on the number of the iteration only.
    let ended = adding(Some(node("Less", &["i", "two"], &["go_on"])));
    let ended = with(node("Loop", &["", "yes", "x"], &["y"]), body("body", ended));
    assert_eq!(run(&import(vec![ended], stored(), vec![]).unwrap(), [1.0, -2.0], true), [4.0, -8.0]);
    let none = with(node("Loop", &["zero", "", "x"], &["y"]), body("body", adding(None)));
    let stored = vec![number("zero", INT64, 0)];
    assert_eq!(run(&import(vec![none], stored, vec![]).unwrap(), [1.0, -2.0], true), [1.0, -2.0]);
}

#[test]
fn a_condition_of_the_run_stops_the_loop_by_selection() {
    // While the first element is below ten.
    let mut graph = adding(Some(node("Squeeze", &["below"], &["go_on"])));
    graph.node.insert(1, node("ReduceMax", &["v_next"], &["most"]));
    graph.node.insert(2, node("Less", &["most", "ten"], &["below"]));
    let looped = with(node("Loop", &["n", "flag", "x"], &["y"]), body("body", graph));
    let stored = vec![number("n", INT64, 6), number("ten", FLOAT, 10)];
    let imported = import(vec![looped], stored, vec![]).unwrap();
    assert_eq!(run(&imported, [3.0, 1.0], true), [12.0, 4.0]);
    assert_eq!(run(&imported, [1.0, 1.0], true), [7.0, 7.0]);
    assert_eq!(run(&imported, [3.0, 1.0], false), [3.0, 1.0]);
}

#[test]
fn branches_are_taken_or_selected() {
    let branch = |op: &str| GraphProto {
        node: vec![node(op, &["x"], &["r"])],
        output: vec![info("r", FLOAT, &[2])],
        ..Default::default()
    };
    let chosen = |condition: &str| {
        let chosen = with(node("If", &[condition], &["y"]), body("then_branch", branch("Neg")));
        with(chosen, body("else_branch", branch("Abs")))
    };
    let known = import(vec![chosen("no")], vec![number("no", BOOL, 0)], vec![]).unwrap();
    assert_eq!(run(&known, [1.0, -2.0], true), [1.0, 2.0]);
    assert_eq!(known.graph.nodes.len(), 1, "the other branch is not there");
    let open = import(vec![chosen("flag")], vec![], vec![]).unwrap();
    assert_eq!(run(&open, [1.0, -2.0], true), [-1.0, 2.0]);
    assert_eq!(run(&open, [1.0, -2.0], false), [1.0, 2.0]);
}

fn function(name: &str, nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        domain: Some("own".into()),
        name: Some(name.into()),
        input: vec!["a".into()],
        output: vec!["r".into()],
        attribute: vec!["slope".into()],
        node: nodes,
        opset_import: vec![
            OperatorSetIdProto { domain: Some(String::new()), version: Some(18) },
            OperatorSetIdProto { domain: Some("own".into()), version: Some(1) },
        ],
        ..Default::default()
    }
}

fn own(node: NodeProto) -> NodeProto {
    NodeProto { domain: Some("own".into()), ..node }
}

#[test]
fn functions_are_put_in_place_with_their_attributes() {
    let reference = AttributeProto {
        name: Some("alpha".into()),
        ref_attr_name: Some("slope".into()),
        r#type: Some(AttributeType::Float as i32),
        ..Default::default()
    };
    let leaky = function("Leaky", vec![with(node("LeakyRelu", &["a"], &["r"]), reference)]);
    let twice =
        function("Twice", vec![own(node("Leaky", &["a"], &["once"])), own(node("Leaky", &["once"], &["r"]))]);
    let slope = AttributeProto {
        name: Some("slope".into()),
        r#type: Some(AttributeType::Float as i32),
        f: Some(0.5),
        ..Default::default()
    };
    let nodes = vec![with(own(node("Leaky", &["x"], &["m"])), slope), own(node("Twice", &["m"], &["y"]))];
    let imported = import(nodes, vec![], vec![leaky, twice]).unwrap();
    // 0.5 as said, then twice the default of LeakyRelu, 0.01.
    assert_eq!(run(&imported, [4.0, -2.0], true), [4.0, -0.01 * 0.01]);
}

#[test]
fn what_has_no_end_is_refused() {
    let endless = function("Again", vec![own(node("Again", &["a"], &["r"]))]);
    let text = refused(import(vec![own(node("Again", &["x"], &["y"]))], vec![], vec![endless]));
    assert!(text.contains("E0203") && text.contains("nested more than"), "{text}");
    let stored = || vec![number("n", INT64, 1 << 40), number("yes", BOOL, 1)];
    let long = |operands: &[&str]| with(node("Loop", operands, &["y"]), body("body", adding(None)));
    for operands in [["n", "yes", "x"], ["", "yes", "x"], ["", "flag", "x"]] {
        let text = refused(import(vec![long(&operands)], stored(), vec![]));
        assert!(text.contains("E0203") && text.contains("cannot be unrolled"), "{text}");
    }
    let mut unknown = adding(None);
    unknown.node[0].input[1] = "nowhere".into();
    let looped = with(node("Loop", &["two", "yes", "x"], &["y"]), body("body", unknown));
    let stored = vec![number("two", INT64, 2), number("yes", BOOL, 1)];
    let text = refused(import(vec![looped], stored, vec![]));
    assert!(text.contains("E0108") && text.contains("nowhere"), "{text}");
}

#[test]
fn what_is_wrong_inside_is_told_with_its_node() {
    let mut noisy = adding(None);
    noisy.node[0].op_type = Some("RandomNormalLike".into());
    let looped = with(node("Loop", &["two", "yes", "x"], &["y"]), body("body", noisy));
    let stored = vec![number("two", INT64, 2), number("yes", BOOL, 1)];
    let text = refused(import(vec![looped], stored, vec![]));
    assert!(text.contains("E0201") && text.contains("inside of it, in node \"node_v_next\""), "{text}");
}
