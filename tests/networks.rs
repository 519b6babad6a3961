//! Whole networks: the reference graph agrees with ONNX Runtime's stored outputs, and the optimised graph, the loop
//! program, the emitted C and, for some networks, the emitted Rust with the reference graph, bit for bit.
//!
//! `TINYC_SAMPLES=8` takes that many samples of each network instead of few.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::host::{self, Host, tool};
use support::models::{self, ALLOWANCES, Model};
use support::proof::{Forms, same};
use support::rust_host::{self, RustHost};
use support::vectors::Vectors;
use tinyc::pipeline::{Compiled, compile};
use tinyc_ir::{DType, Data, Graph};

#[test]
fn own_models() {
    prove("own", &models::own());
}

#[test]
fn keyword_spotting() {
    let forms = [
        "f32_b1",
        "f32_dyn",
        "int8_qdq_b1",
        "ort_qdq_s8s8_perchan",
        "ort_qdq_u8u8",
        "ort_qop_std_u8s8",
        "ort_qop_u8s8",
        "ort_qop_s8s8_perchan",
        "ort_dynquant",
    ];
    prove("kws", &models::mlperf("kws_dscnn", &forms));
}

#[test]
fn image_classification() {
    let forms =
        ["f32_b1", "f32_dyn", "int8_qdq_b1", "ort_qdq_s8s8_perchan", "ort_qop_u8s8", "ort_qop_s8s8_perchan"];
    prove("ic", &models::mlperf("ic_resnet8", &forms));
}

#[test]
fn visual_wake_words() {
    prove("vww", &models::mlperf("vww_mobilenet", &["f32_b1", "int8_qdq_b1", "ort_qdq_s8s8_perchan"]));
}

#[test]
fn anomaly_detection_and_streaming_wake_words() {
    let mut all = models::mlperf("ad_autoencoder", &["f32_b1", "int8_qdq_b1", "ort_dynquant"]);
    all.extend(models::mlperf("sww_1dcnn", &["f32_b1", "int8_qdq_b1"]));
    prove("ad_sww", &all);
}

#[test]
fn small_networks() {
    let names = [
        "armkws_lstm",
        "cct_1_16_16_8",
        "hello_world_float",
        "hello_world_int8",
        "keypoint_classifier",
        "kws_micronet_m_int8",
        "magic_wand",
        "mcunet_vww_int8",
        "micro_kws_m_qoperator_add_shape",
        "micro_kws_m_static_fp32",
        "micro_kws_m_static_qdq",
        "micro_speech_int8",
        "mnist14_atmega",
        "mnist8",
        "silero_vad_16k",
        "tinyvit_demo",
        "tract_qtdnn",
        "ultraface_slim320",
        "yolo_fastest_face_int8",
    ];
    prove("small", &models::small(&names));
}

fn compiled(model: &Model) -> Compiled {
    compile(&model.file, &model.options()).unwrap_or_else(|e| panic!("{}:\n{e}", model.name))
}

/// How many samples of a network to run: the interpreter takes a second for some five million multiplications.
fn sample_count(macs: u64, stored: usize) -> usize {
    let asked = std::env::var("TINYC_SAMPLES").ok().map(|n| n.parse().expect("TINYC_SAMPLES is a number"));
    asked.unwrap_or((1_500_000 / macs.max(1)).clamp(1, 8) as usize).min(stored)
}

/// Networks of others that are proven in Rust too: rustc takes long for large ones. Our own all are.
const IN_RUST: [&str; 5] = [
    "kws_dscnn_int8_qdq_b1",
    "ad_autoencoder_ort_dynquant",
    "armkws_lstm",
    "hello_world_float",
    "micro_kws_m_static_qdq",
];

/// Everything that this file says, of some models.
fn prove(group: &str, models: &[Model]) {
    if models.is_empty() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("networks").join(group);
    let all: Vec<Compiled> = models.iter().map(compiled).collect();
    let programs: Vec<_> = all.iter().map(|c| &c.program).collect();
    // All of a group's networks in one program: their names may not clash.
    let host = Host::build(&folder, &programs, host::STRICT);
    let in_rust = |model: &Model| group == "own" || IN_RUST.contains(&model.name.as_str());
    let rust_models: Vec<usize> = (0..models.len()).filter(|&i| in_rust(&models[i])).collect();
    let rust_programs: Vec<_> = rust_models.iter().map(|&i| programs[i]).collect();
    let build =
        || RustHost::build(&folder, &rust_programs, rust_host::FAST).unwrap_or_else(|e| panic!("{e}"));
    let rust = (!rust_programs.is_empty()).then(build);
    for (i, (model, compiled)) in models.iter().zip(&all).enumerate() {
        let name = &model.name;
        let forms = Forms {
            reference: &compiled.model.reference,
            optimised: &compiled.optimised,
            program: &compiled.program,
        };
        forms.verify().unwrap_or_else(|e| panic!("{name}: {e}"));
        forms.round_trip().unwrap_or_else(|e| panic!("{name}: {e}"));
        let vectors = Vectors::read(&model.vectors);
        let count = sample_count(compiled.reference_macs, vectors.count());
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for sample in 0..count {
            let input = vectors.inputs(forms.reference, sample);
            let output = forms.outputs(&input).unwrap_or_else(|e| panic!("{name}, sample {sample}: {e}"));
            if model.answered {
                let stored = vectors.outputs(forms.reference, sample);
                close(name, forms.reference, &output, &stored)
                    .unwrap_or_else(|e| panic!("{name}, sample {sample}: {e}"));
            }
            inputs.push(input.into_iter().map(|t| t.data).collect::<Vec<Data>>());
            outputs.push(output);
        }
        let mut runs = vec![("C", host.run(i, &inputs))];
        let position = rust_models.iter().position(|&model| model == i);
        if let Some((position, rust)) = position.zip(rust.as_ref()) {
            runs.push(("Rust", rust.run(position, &inputs)));
        }
        for (language, ran) in runs {
            let ran = ran.unwrap_or_else(|e| panic!("{name} in {language}: {e}"));
            for (sample, (got, want)) in ran.iter().zip(&outputs).enumerate() {
                for (got, want) in got.iter().zip(want) {
                    same(got, want).unwrap_or_else(|e| panic!("{name} in {language}, sample {sample}: {e}"));
                }
            }
        }
        println!("{name}: {count} of {} samples, {} calls", vectors.count(), compiled.program.calls.len());
    }
}

/// Whether outputs are as close to those of ONNX Runtime as was promised.
fn close(name: &str, graph: &Graph, got: &[Data], stored: &[Data]) -> Result<(), String> {
    let allowance = ALLOWANCES.iter().find(|(model, ..)| *model == name);
    for (i, (got, stored)) in got.iter().zip(stored).enumerate() {
        let (got, stored) = (got.to_reals(), stored.to_reals());
        let largest = stored.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
        let rounding = match graph.ty(graph.outputs[i]).dtype {
            // One step below 1.
            DType::F16 => largest / 2048.0,
            dtype if dtype.is_float() => 1e-5 * largest,
            _ => 0.0,
        };
        let limit = rounding + allowance.map_or(0.0, |(_, steps, scale, _)| steps * scale);
        let differences = got.iter().zip(&stored).map(|(a, b)| (a - b).abs());
        // A NaN fails, too.
        let far = differences.clone().filter(|d| d.partial_cmp(&limit).is_none_or(|o| o.is_gt())).count();
        if far > 0 || got.len() != stored.len() {
            let most = differences.fold(0.0, f64::max);
            return Err(format!(
                "output {i}: {far} of {} elements differ from ONNX Runtime by more than {limit}, up to {most}",
                stored.len()
            ));
        }
    }
    Ok(())
}

#[test]
fn integer_networks_have_no_float_instruction() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("networks/disassembly");
    std::fs::create_dir_all(&folder).unwrap();
    let mut models = models::own();
    models.extend(models::mlperf("kws_dscnn", &["int8_qdq_b1"]));
    models.extend(models::mlperf("vww_mobilenet", &["int8_qdq_b1"]));
    models.extend(models::mlperf("ic_resnet8", &["int8_qdq_b1"]));
    models.extend(models::mlperf("ad_autoencoder", &["int8_qdq_b1"]));
    models.extend(models::mlperf("sww_1dcnn", &["int8_qdq_b1"]));
    models.extend(models::small(&["hello_world_int8", "kws_micronet_m_int8", "micro_speech_int8"]));
    let (mut integer, mut float) = (Vec::new(), Vec::new());
    for model in &models {
        let compiled = compiled(model);
        let graph = &compiled.model.reference;
        let mut faces = graph.inputs.iter().chain(&graph.outputs);
        let is_integer = faces.all(|&v| !graph.ty(v).dtype.is_float());
        let found = float_instructions(&folder, &compiled);
        if is_integer {
            assert!(found.is_empty(), "{}: {}", model.name, found.join("\n"));
            integer.push(model.name.as_str());
        } else {
            // The search finds what there is to find.
            assert!(!found.is_empty(), "{} computes with floats", model.name);
            float.push(model.name.as_str());
        }
    }
    assert!(
        ["digits_int8_io", "dw_stack_qdq", "residual_qdq", "matmul_chain_qdq", "qop_mix"]
            .iter()
            .all(|name| integer.contains(name))
    );
    println!("no float instruction: {}", integer.join(", "));
}

/// Lines of a Cortex-M4F's disassembly, or calls of the float library, that have to do with floats.
fn float_instructions(folder: &PathBuf, compiled: &Compiled) -> Vec<String> {
    for file in &compiled.files {
        std::fs::write(folder.join(&file.name), &file.text).unwrap();
    }
    let (source, object) = (&compiled.files[0].name, "network.o");
    let machine = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-std=c99", "-O2"];
    let package = "gcc-arm-none-eabi";
    let mut gcc = Command::new("arm-none-eabi-gcc");
    tool(gcc.current_dir(folder).args(machine).args(["-c", source, "-o", object]), package);
    let mut objdump = Command::new("arm-none-eabi-objdump");
    let text = tool(objdump.current_dir(folder).args(["-dr", "--no-show-raw-insn", object]), package);
    let is_float = |line: &&str| {
        let mut words = line.split_whitespace();
        // `  1c:	vadd.f32 s0, s1, s2`: on this core, every instruction with a v is the FPU's.
        let of_fpu = words.next().is_some_and(|w| w.ends_with(':'))
            && words.next().is_some_and(|w| w.starts_with('v'));
        of_fpu
            || ["__aeabi_f", "__aeabi_d", "__aeabi_i2f", "__aeabi_ui2f", "__aeabi_l2f"]
                .iter()
                .any(|f| line.contains(f))
    };
    text.lines().filter(is_float).map(str::to_owned).collect()
}
