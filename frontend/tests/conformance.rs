//! ONNX's own node tests: what is imported evaluates to what ONNX says; what is not is refused with a message.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use prost::Message;
use std::path::{Path, PathBuf};
use tinyc_frontend::onnx::{self, Options, proto};
use tinyc_ir::{DType, Data, Tensor, eval};

/// The folder of unpacked node tests.
fn unpacked() -> Option<PathBuf> {
    let archive = common::shared()?.join("models/onnx_node_tests/node_tests.tar.zst");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node_tests");
    std::fs::create_dir_all(&folder).unwrap();
    let mut tar = std::process::Command::new("tar");
    let status = tar.arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(&folder).status();
    assert!(status.is_ok_and(|s| s.success()), "tar and zstd are needed: apt-get install tar zstd");
    Some(folder.join("node"))
}

fn stored(path: &Path) -> proto::TensorProto {
    proto::TensorProto::decode(&*std::fs::read(path).unwrap()).unwrap()
}

/// The tensor of a message with raw data, in the types that operators here have.
fn tensor(proto: &proto::TensorProto) -> Option<Tensor> {
    let dims: Vec<usize> = proto.dims.iter().map(|&d| d as usize).collect();
    let types = [
        (1, DType::F32),
        (2, DType::U8),
        (3, DType::I8),
        (5, DType::I16),
        (6, DType::I32),
        (7, DType::I64),
        (9, DType::Bool),
    ];
    let dtype = types.iter().find(|(number, _)| *number == proto.data_type())?.1;
    let data = Data::from_le_bytes(dtype, proto.raw_data())?;
    (data.len() == dims.iter().product::<usize>()).then(|| Tensor::new(dims, data))
}

fn close(a: &Tensor, b: &Tensor) -> bool {
    a.shape == b.shape
        && match (&a.data, &b.data) {
            (Data::F32(a), Data::F32(b)) => {
                a.iter().zip(b).all(|(a, b)| a == b || (a - b).abs() <= 1e-6 + 1e-3 * b.abs())
            }
            (a, b) => a == b,
        }
}

#[test]
fn nodes_mean_what_onnx_says() {
    let Some(folder) = unpacked() else { return };
    let names: Vec<&str> = onnx::supported_ops().iter().map(|info| info.name).collect();
    let mut tests: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    tests.sort();
    let (mut equal, mut refused) = (0, 0);
    for test in tests {
        let mut model = proto::ModelProto::decode(&*std::fs::read(test.join("model.onnx")).unwrap()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        if graph.node.iter().any(|n| !names.contains(&n.op_type())) {
            continue;
        }
        let set = test.join("test_data_set_0");
        // Scales, axes, shapes and weights are inputs in these tests; here they are constants, as in real models.
        for (i, input) in graph.input.iter().enumerate().skip(1) {
            let constant = stored(&set.join(format!("input_{i}.pb")));
            graph.initializer.push(proto::TensorProto { name: input.name.clone(), ..constant });
        }
        let Some(x) =
            (!graph.input.is_empty()).then(|| stored(&set.join("input_0.pb"))).as_ref().and_then(tensor)
        else {
            continue;
        };
        match onnx::import(&model.encode_to_vec(), &Options::default()) {
            Err(diagnostics) => {
                refused += 1;
                assert!(
                    diagnostics.0.iter().all(|d| (200..500).contains(&d.code)),
                    "{}: {diagnostics}",
                    test.display()
                );
            }
            Ok(imported) => {
                let found = eval::eval(&imported.graph, &[x]).outputs(&imported.graph);
                let expected = tensor(&stored(&set.join("output_0.pb"))).unwrap();
                assert!(close(&found[0], &expected), "{}: {:?}, not {expected:?}", test.display(), found[0]);
                equal += 1;
            }
        }
    }
    println!("{equal} node tests equal, {refused} refused");
    assert!(equal >= 130, "only {equal} node tests were compared");
}
