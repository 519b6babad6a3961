//! Broken files are refused with messages; nothing panics, hangs or allocates without end.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::examples;
use prost::Message;
use tinyc_frontend::onnx::{self, Options, proto};

/// The messages for a file of the folder of broken models.
fn refusal(name: &str) -> String {
    match onnx::import_file(&examples().join("bad").join(name), &Options::default()) {
        Ok(_) => panic!("{name} is accepted"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

/// Checks that a file is refused with messages of exactly these codes, and that `parts` occur in them.
fn refused(name: &str, codes: &[u16], parts: &[&str]) {
    let text = refusal(name);
    let found: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("error[")).map(|l| &l[..5]).collect();
    let wanted: Vec<String> = codes.iter().map(|c| format!("E{c:04}")).collect();
    assert_eq!(found, wanted, "{name}:\n{text}");
    assert!(text.matches("\n  --> ").count() == codes.len(), "{name}: a message has no place:\n{text}");
    for part in parts {
        assert!(text.contains(part), "{name}: {part:?} is not in\n{text}");
    }
}

#[test]
fn files_that_are_no_models() {
    refused("truncated.onnx", &[102], &["truncated.onnx", "cut short"]);
    refused("empty.onnx", &[102], &["empty"]);
    refused("not_onnx.onnx", &[102], &["= help: "]);
    let missing = onnx::import_file(&examples().join("bad/none.onnx"), &Options::default());
    assert_eq!(missing.err().unwrap().0[0].code, 101);
    let folder = onnx::import_file(&examples(), &Options::default());
    assert_eq!(folder.err().unwrap().0[0].code, 101);
}

#[test]
fn all_problems_are_told_at_once() {
    refused(
        "unsupported.onnx",
        &[201, 204],
        &["RandomNormalLike", "training_mode", "opset 15)", "has type f32["],
    );
}

#[test]
fn broken_structure() {
    refused("cyclic.onnx", &[109], &["the cycle is", " → "]);
    refused("defined_twice.onnx", &[107], &["\"output\" is made twice", "= first by "]);
    refused("missing_initializer.onnx", &[108], &["which nothing makes"]);
    refused("wrong_rank.onnx", &[301], &["node 0", "(Conv, opset "]);
    refused("wrong_channels.onnx", &[301], &["channels"]);
}

#[test]
fn broken_quantisation() {
    refused("zero_scale.onnx", &[401], &["scale 0", "(QuantizeLinear, opset "]);
    refused("nan_scale.onnx", &[401], &["scale NaN"]);
}

#[test]
fn broken_tensor_data() {
    refused("huge_dims.onnx", &[304], &["initializer", "is larger than"]);
    refused("short_data.onnx", &[106], &["bytes, but "]);
    refused("external_escape.onnx", &[104], &["not inside the model's folder"]);
    refused("external_absolute.onnx", &[104], &["not inside the model's folder"]);
    refused("external_missing.onnx", &[105], &["cannot be read"]);
    refused("external_huge.onnx", &[105], &[]);
}

/// A model of a few bytes: nodes of one operator, each on the numbers behind it.
fn small_model(nodes: &[(&str, &[i64])]) -> Vec<u8> {
    let mut graph = proto::GraphProto::default();
    for (i, (op, numbers)) in nodes.iter().enumerate() {
        let operands: Vec<String> = match *op {
            "Range" => (0..3).map(|k| format!("n{i}_{k}")).collect(),
            _ => vec![format!("n{i}")],
        };
        let scalars = operands.len() > 1;
        for (k, name) in operands.iter().enumerate() {
            let own = if scalars { &numbers[k..=k] } else { numbers };
            graph.initializer.push(proto::TensorProto {
                name: Some(name.clone()),
                data_type: Some(7),
                dims: if scalars { vec![] } else { vec![own.len() as i64] },
                int64_data: own.to_vec(),
                ..Default::default()
            });
        }
        let output = format!("y{i}");
        graph.output.push(proto::ValueInfoProto { name: Some(output.clone()), ..Default::default() });
        graph.node.push(proto::NodeProto {
            name: Some(format!("made_{i}")),
            op_type: Some((*op).into()),
            input: operands,
            output: vec![output],
            ..Default::default()
        });
    }
    let opset = proto::OperatorSetIdProto { domain: Some(String::new()), version: Some(13) };
    let model = proto::ModelProto {
        ir_version: Some(7),
        graph: Some(graph),
        opset_import: vec![opset],
        ..Default::default()
    };
    model.encode_to_vec()
}

#[test]
fn constants_that_operators_make_have_a_limit_together() {
    let refusal = |nodes: &[(&str, &[i64])]| {
        let refused = onnx::import(&small_model(nodes), &Options::default()).err();
        refused.map(|messages| messages.to_string()).unwrap_or_default()
    };
    // 32 MiB of floats, and as many again of 64-bit integers.
    let (floats, integers): (&[i64], &[i64]) = (&[8, 1024, 1024], &[0, 4 << 20, 1]);
    assert_eq!(refusal(&[("ConstantOfShape", floats), ("Range", integers)]), "");
    let text = refusal(&[("ConstantOfShape", floats), ("Range", integers), ("ConstantOfShape", &[1])]);
    for part in ["error[E0304]", "f32[1] of 4 bytes", "\"made_2\"", "67,108,864 of which others have"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let text = refusal(&[("ConstantOfShape", &[1 << 20, 500])]);
    assert!(text.contains("f32[1048576, 500] of 2,097,152,000 bytes"), "{text}");
}

#[test]
fn open_dimensions_are_asked_for_by_name() {
    let path = examples().join("twins/dyn_dims.onnx");
    let text = onnx::import_file(&path, &Options::default()).err().unwrap().to_string();
    assert!(text.contains("dimension 2 (\"H\") of input \"input\" is not known"), "{text}");
    assert!(text.contains("--shape input=1,3,?,?"), "{text}");
    let with = |name: &str, shape: &[usize]| {
        let mut options = Options::default();
        options.shapes.insert(name.into(), shape.to_vec());
        onnx::import_file(&path, &options).map_err(|d| d.to_string())
    };
    let graph = with("input", &[2, 3, 9, 7]).unwrap().graph;
    assert_eq!(graph.ty(graph.inputs[0]).shape.dims(), [2, 3, 9, 7]);
    assert!(with("input", &[1, 4, 9, 7]).err().unwrap().contains("error[E0303]"));
    assert!(with("input", &[1, 3, 9]).err().unwrap().contains("the model declares f32[N,3,H,W]"));
    assert!(with("image", &[1, 3, 9, 7]).err().unwrap().contains("the inputs are \"input\""));
}

/// Small files that between them use most importers.
fn small_models() -> Vec<Vec<u8>> {
    let names = ["twins/conv1d", "twins/two_inputs", "twins/qop_mix", "twins/old_style", "bad/unsorted_ok"];
    names.iter().map(|n| std::fs::read(examples().join(n).with_extension("onnx")).unwrap()).collect()
}

#[test]
fn every_truncation_is_answered() {
    for model in small_models() {
        let step = 1 + model.len() / 4000;
        for end in (0..model.len()).step_by(step) {
            let answer = onnx::import(&model[..end], &Options::default());
            assert!(answer.is_err() || end > 0);
        }
    }
}

/// A small generator of numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn flipped_bytes_are_answered() {
    let mut random = Random(7);
    for model in small_models() {
        for _ in 0..1500 {
            let mut broken = model.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(broken.len());
                broken[at] = random.below(256) as u8;
            }
            let _ = onnx::import(&broken, &Options::default());
        }
    }
}

/// Changes numbers and names where they mean something, which flipped bytes seldom reach.
#[test]
fn changed_attributes_and_shapes_are_answered() {
    let mut random = Random(11);
    let extremes = [0, 1, -1, 2, 3, i64::MAX, i64::MIN, i64::from(i32::MAX), 1 << 32, 1000];
    for model in small_models() {
        let good = proto::ModelProto::decode(&*model).unwrap();
        for _ in 0..2000 {
            let mut broken = good.clone();
            let graph = broken.graph.as_mut().unwrap();
            let count = graph.node.len();
            let node = &mut graph.node[random.below(count)];
            match random.below(6) {
                0 if !node.attribute.is_empty() => {
                    let count = node.attribute.len();
                    let attribute = &mut node.attribute[random.below(count)];
                    attribute.i = attribute.i.map(|_| extremes[random.below(extremes.len())]);
                    for v in &mut attribute.ints {
                        *v = extremes[random.below(extremes.len())];
                    }
                }
                1 if !node.attribute.is_empty() => {
                    let count = node.attribute.len();
                    node.attribute[random.below(count)].ints.pop();
                }
                2 => {
                    let infos = onnx::supported_ops();
                    let info = &infos[random.below(infos.len())];
                    node.op_type = Some(info.name.into());
                    node.domain = Some(info.domain.into());
                }
                3 if !graph.initializer.is_empty() => {
                    let count = graph.initializer.len();
                    let tensor = &mut graph.initializer[random.below(count)];
                    tensor.dims =
                        (0..random.below(5)).map(|_| extremes[random.below(extremes.len())]).collect();
                }
                4 => {
                    let inputs = node.input.len();
                    if inputs > 0 {
                        let (a, b) = (random.below(inputs), random.below(inputs));
                        node.input.swap(a, b);
                    }
                }
                _ => broken.opset_import[0].version = Some(extremes[random.below(extremes.len())]),
            }
            let _ = onnx::import(&broken.encode_to_vec(), &Options::default());
        }
    }
}
