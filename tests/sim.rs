//! Emitted code on simulated machines: the models of this repository on every family of cores, and what `verify` says
//! when something is wrong. Needs the cross compilers and QEMU; without them it fails with the way to get them.

#![cfg(feature = "verify")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tinyc::pipeline::{self, Compiled};
use tinyc::verify::{self, Options, Side, Verification};
use tinyc_ir::{DType, Data, Diagnostics, Graph, Tensor};
use tinyc_targets::Target;

/// Dimensions of inputs that a model leaves open, by the input's name.
type Shapes = &'static [(&'static str, &'static [usize])];

/// Models of this repository.
const MODELS: &[(&str, Shapes)] = &[
    ("digits/digits_f16", &[]),
    ("digits/digits_f32", &[]),
    ("digits/digits_int4_qdq", &[]),
    ("digits/digits_int8_io", &[]),
    ("digits/digits_int8_qdq", &[]),
    ("digits/digits_int8_qop", &[]),
    ("twins/attention_mix", &[]),
    ("twins/boxes", &[]),
    ("twins/conv1d", &[]),
    ("twins/dw_stack_qdq", &[]),
    ("twins/dyn_dims", &[("input", &[1, 3, 9, 7])]),
    ("twins/float_mix", &[]),
    ("twins/matmul_chain_qdq", &[]),
    ("twins/old_style", &[]),
    ("twins/qop_mix", &[]),
    ("twins/residual_qdq", &[]),
    ("twins/runtime_attention", &[]),
    ("twins/sampling", &[]),
    ("twins/selection", &[]),
    ("twins/spectrum", &[]),
    ("twins/stream", &[]),
    ("twins/stream_qdq", &[]),
    ("twins/two_inputs", &[]),
    ("twins/u8u8_qdq", &[]),
];

/// A generator of test inputs: the same on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Seeded inputs: integers over the whole range of their type, floats from -2 to 2.
fn samples(graph: &Graph, count: usize) -> Vec<Vec<Tensor>> {
    let mut random = Random(1);
    let mut tensor = |value| {
        let ty = graph.ty(value);
        let elements = ty.shape.elements();
        let data = match ty.dtype {
            DType::F32 => {
                Data::F32((0..elements).map(|_| (random.next() % 4001) as f32 / 1000.0 - 2.0).collect())
            }
            dtype => {
                let size = dtype.bytes_of(elements).expect("a small tensor");
                let bytes: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
                Data::from_le_bytes(dtype, elements, &bytes).expect("a whole number of elements")
            }
        };
        Tensor::new(ty.shape.clone(), data)
    };
    (0..count).map(|_| graph.inputs.iter().map(|&value| tensor(value)).collect()).collect()
}

fn target(core: &str) -> Target {
    tinyc_targets::find(core).expect("the core is in the catalogue")
}

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/models/{name}.onnx"))
}

fn compile(path: &Path, core: &str, shapes: Shapes) -> Result<Compiled, Diagnostics> {
    let mut options = pipeline::Options::new(target(core));
    options.shapes =
        shapes.iter().map(|(name, dims)| (name.to_string(), dims.to_vec())).collect::<BTreeMap<_, _>>();
    pipeline::compile(path, &options)
}

fn check(
    compiled: &Compiled,
    core: &str,
    count: usize,
    options: &Options,
) -> Result<Verification, Diagnostics> {
    let samples = samples(&compiled.model.reference, count);
    verify::verify(compiled, &target(core), &samples, options, &mut |_| {})
}

/// Every model on one core; all failures are told at once.
fn all_models_on(core: &str) {
    let mut failures = Vec::new();
    for (name, shapes) in MODELS {
        let result =
            compile(&model(name), core, shapes).and_then(|c| check(&c, core, 3, &Options::default()));
        match result {
            Ok(found) if found.is_proof() && found.tensors_compared > 0 && found.instructions.first > 0 => {
                println!(
                    "{core:<12} {name:<26} {:>9} instructions {:>5} stack {:>6} code {:>6} constants {:>6} ms",
                    found.instructions.first,
                    found.stack_bytes,
                    found.flash.code,
                    found.flash.constants,
                    found.milliseconds,
                );
            }
            Ok(found) => failures.push(format!("{name} on {core}: {found}")),
            Err(problems) => failures.push(format!("{name} on {core}: {problems}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

macro_rules! every_model_on {
    ($($test:ident: $core:literal,)*) => {
        $(
            #[test]
            fn $test() {
                all_models_on($core);
            }
        )*
    };
}

every_model_on! {
    models_on_cortex_m0: "cortex-m0",
    models_on_cortex_m3: "cortex-m3",
    models_on_cortex_m4: "cortex-m4",
    models_on_cortex_m7: "cortex-m7",
    models_on_cortex_m33: "cortex-m33",
    models_on_cortex_m55: "cortex-m55",
    models_on_rv32imc: "rv32imc",
}

/// The first weight of the first constant array of integers gets another value.
fn spoil_a_weight(compiled: &mut Compiled) {
    let source = &mut compiled.files[0].text;
    let array = source.find("static const int8_t ").expect("an int8 network has int8 weights");
    let first = array + source[array..].find("= {").expect("an array has numbers") + 3;
    let digit = first + source[first..].find(|c: char| c.is_ascii_digit()).expect("an array has numbers");
    let other = if source.as_bytes()[digit] == b'9' { "8" } else { "9" };
    source.replace_range(digit..=digit, other);
}

/// What `verify` says of a network whose emitted code is not what the compiler made.
fn check_spoiled(spoil: impl Fn(&mut Compiled)) -> Result<Verification, Diagnostics> {
    let mut compiled = compile(&model("digits/digits_int8_io"), "cortex-m4", &[]).expect("it compiles");
    spoil(&mut compiled);
    check(&compiled, "cortex-m4", 2, &Options::default())
}

/// Puts a statement before the first layer.
fn begin_with(compiled: &mut Compiled, statement: &str) {
    let source = &mut compiled.files[0].text;
    let layer = source.find("    /* Layer 0").expect("each layer has a comment");
    source.insert_str(layer, statement);
}

#[test]
fn a_changed_weight_is_found_where_it_acts_first() {
    let found = check_spoiled(spoil_a_weight).expect("it runs all the same");
    assert!(!found.is_proof());
    let mismatch = found.mismatch.as_ref().expect("a weight was changed");
    // The first layer is the first convolution, with its weights first of all constants.
    assert_eq!(mismatch.layer, "/conv1/Conv", "{found}");
    assert_eq!((mismatch.expected_by, mismatch.got_by), (Side::Optimised, Side::Machine));
    assert!(mismatch.different_elements > 0 && mismatch.expected != mismatch.got, "{found}");
    let text = found.to_string();
    assert!(text.starts_with("NOT EQUAL") && text.contains(&mismatch.tensor), "{text}");
}

#[test]
fn a_fault_names_the_function() {
    let fault = |compiled: &mut Compiled| {
        begin_with(compiled, "    *(volatile int *)0xa0000000u = 1;\n");
    };
    let problems = check_spoiled(fault).expect_err("nothing is at that address");
    let text = problems.to_string();
    assert!(text.contains("E0523") && text.contains("faulted in digits_int8_io_run"), "{text}");
}

#[test]
fn a_write_outside_of_the_arena_is_found() {
    let stray = |compiled: &mut Compiled| {
        begin_with(compiled, "    ((volatile uint8_t *)arena)[DIGITS_INT8_IO_ARENA_BYTES] = 1;\n");
    };
    let text = check_spoiled(stray).expect_err("the margin of the arena was written").to_string();
    assert!(text.contains("wrote outside of its arena"), "{text}");
}

#[test]
fn a_firmware_without_end_is_stopped() {
    let mut compiled = compile(&model("digits/digits_int8_io"), "cortex-m4", &[]).expect("it compiles");
    begin_with(&mut compiled, "    for (;;) {\n    }\n");
    let options = Options { timeout: std::time::Duration::from_millis(500), ..Options::default() };
    let text = check(&compiled, "cortex-m4", 1, &options).expect_err("it never ends").to_string();
    assert!(text.contains("E0524"), "{text}");
}

#[test]
fn code_that_the_compiler_refuses_is_shown() {
    let broken = |compiled: &mut Compiled| begin_with(compiled, "    int x = not_defined;\n");
    let text = check_spoiled(broken).expect_err("it does not compile").to_string();
    assert!(text.contains("E0521") && text.contains("not_defined"), "{text}");
}

#[test]
fn a_network_larger_than_the_machine_is_refused() {
    let large = |compiled: &mut Compiled| {
        let source = &mut compiled.files[0].text;
        source.push_str("\nconst uint8_t large[8000000] = {1};\n");
        begin_with(
            compiled,
            "    extern const uint8_t large[];\n    __asm__ volatile(\"\" : : \"r\"(large));\n",
        );
    };
    let text = check_spoiled(large).expect_err("the machine has 4 MiB").to_string();
    assert!(text.contains("E0522") && text.contains("flash"), "{text}");
}

#[test]
fn a_missing_tool_comes_with_the_way_to_get_it() {
    let compiled = compile(&model("digits/digits_int8_io"), "cortex-m4", &[]).expect("it compiles");
    let options = Options { path: Some("/nowhere".into()), ..Options::default() };
    let text = check(&compiled, "cortex-m4", 1, &options).expect_err("no tool is there").to_string();
    assert!(text.contains("E0520") && text.contains("apt-get install gcc-arm-none-eabi"), "{text}");
}

#[test]
fn samples_must_fit() {
    let compiled = compile(&model("digits/digits_int8_io"), "cortex-m4", &[]).expect("it compiles");
    let verify = |samples: &[Vec<Tensor>]| {
        verify::verify(&compiled, &target("cortex-m4"), samples, &Options::default(), &mut |_| {})
            .expect_err("the samples do not fit")
            .to_string()
    };
    assert!(verify(&[]).contains("E0708"));
    assert!(verify(&[vec![]]).contains("sample 0 has 0 inputs, the model 1 input"));
    let text = verify(&[vec![Tensor::f32([2], vec![0.0; 2])]]);
    assert!(text.contains("the sample has f32[2]"), "{text}");
}

#[test]
fn files_are_kept_on_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keep = folder.path().join("firmware");
    let compiled = compile(&model("twins/two_inputs"), "rv32imc", &[]).expect("it compiles");
    let options = Options { keep: Some(keep.clone()), ..Options::default() };
    let found = check(&compiled, "rv32imc", 1, &options).expect("it runs");
    assert!(found.is_proof(), "{found}");
    for file in ["plain.elf", "traced.elf", "main_plain.c", "two_inputs.c", "plain.outputs"] {
        assert!(keep.join(file).exists(), "{file}");
    }
}

/// The folder of files that are not part of this repository, where it exists.
fn shared(inside: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("TINYC_SHARED").map_or_else(beside, PathBuf::from).join(inside);
    if !folder.exists() {
        println!("SKIPPED: {} not found", folder.display());
    }
    folder.exists().then_some(folder)
}

#[test]
fn an_independent_count_of_instructions_agrees() {
    let Some(bench) = shared("bench") else { return };
    let compiled = compile(&model("digits/digits_int8_io"), "cortex-m4", &[]).expect("it compiles");
    let figures = verify::shared_bench::measure(
        &compiled,
        verify::shared_bench::Form::C("-O2"),
        &target("cortex-m4").core,
        &bench,
    )
    .expect("it measures");
    let found = check(&compiled, "cortex-m4", 1, &Options::default()).expect("it runs");
    println!("{figures:?} and {:?}, stack {}", found.instructions, found.stack_bytes);
    assert!(figures.cycles.is_some_and(|cycles| cycles > figures.instructions));
    // Another input, another moment of measuring, a clock that resolves 40: near, not equal.
    assert!(figures.instructions.abs_diff(found.instructions.first) < figures.instructions / 50);
    assert!(figures.stack.abs_diff(found.stack_bytes) <= 64);
}

#[test]
fn shared_networks_on_cortex_m4() {
    let Some(models) = shared("models/mlperf_tiny") else { return };
    let networks = ["ad_autoencoder", "ic_resnet8", "kws_dscnn", "sww_1dcnn", "vww_mobilenet"];
    let forms = ["int8_qdq_b1", "f32_b1"];
    for name in networks.iter().flat_map(|network| forms.map(|form| format!("{network}/{network}_{form}"))) {
        let path = models.join(format!("{name}.onnx"));
        assert!(path.exists(), "{}", path.display());
        let compiled = compile(&path, "cortex-m4", &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = check(&compiled, "cortex-m4", 1, &Options::default());
        let found = found.unwrap_or_else(|e| panic!("{name}: {e}"));
        println!("{found}");
        assert!(found.is_proof(), "{found}");
    }
}
