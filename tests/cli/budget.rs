//! Limits on time, energy, memory and accuracy: precisions of layers that keep them, and what is said where none do.

use crate::program::{Ran, folder, tinyc};
use crate::{SAMPLES, json};
use serde_json::Value;

const FLOAT: &str = "examples/models/digits/digits_f32.onnx";
const CORE: &str = "cortex-m4";
const CHIP: &str = "nucleo-l4r5zi";

fn compile(target: &str, more: &[&str]) -> Ran {
    let out = folder("budget");
    let out = out.to_str().unwrap();
    let args =
        [&["compile", FLOAT, "--target", target, "--out", out, "--calibrate", SAMPLES, "--json"], more]
            .concat();
    tinyc(&args)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// What was chosen.
fn chosen(report: &Value) -> &Value {
    let front = report["quantization"]["budget"]["front"].as_array().unwrap();
    let mut chosen = front.iter().filter(|row| row["chosen"] == true);
    let one = chosen.next().unwrap();
    assert!(chosen.next().is_none(), "one is chosen");
    one
}

#[test]
fn what_is_chosen_is_what_is_compiled() {
    let page = folder("budget_page").join("page.html");
    let ran = compile(CORE, &["--emit", "obj", "--flash", "8000", "--report", page.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = json(&ran.out);
    let flash = number(&report["flash"]["constant_bytes"]) + number(&report["flash"]["code_bytes"]);
    assert!(flash <= 8000.0, "{flash}");
    let one = chosen(&report);
    assert_eq!((number(&one["flash_bytes"]), &one["cycles"]), (flash, &report["time"]["cycles"]));
    let ram = ["arena_bytes", "input_bytes", "output_bytes", "state_bytes"];
    let ram: f64 = ram.iter().map(|part| number(&report["ram"][*part])).sum();
    assert_eq!(number(&one["ram_bytes"]), ram);
    // With eight bits everywhere it does not fit; that is a choice of the front, too, and loses less.
    let front = report["quantization"]["budget"]["front"].as_array().unwrap();
    let int8 = front.iter().find(|row| row["name"] == "all int8").unwrap();
    assert!(number(&int8["flash_bytes"]) > 8000.0 && number(&int8["noise_db"]) > number(&one["noise_db"]));
    for pair in front.windows(2) {
        assert!(number(&pair[0]["flash_bytes"]) <= number(&pair[1]["flash_bytes"]), "{pair:?}");
        assert!(number(&pair[0]["noise_db"]) < number(&pair[1]["noise_db"]), "{pair:?}");
    }
    let picture = std::fs::read_to_string(page).unwrap();
    assert!(picture.contains("class=\"front\"") && picture.contains("class=\"dot chosen\""));
    // The same samples, the same bytes.
    assert_eq!(compile(CORE, &["--emit", "obj", "--flash", "8000"]).out, ran.out);
}

#[test]
fn time_that_is_allowed_is_spent_on_accuracy() {
    let noise = |latency: &str| {
        let ran = compile(CHIP, &["--emit", "obj", "--latency", latency]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let report = json(&ran.out);
        let one = chosen(&report);
        // Time is that of the chip, waiting for its flash.
        assert_eq!(one["cycles"], report["time"]["on_chip"]["cycles"]);
        let limit: f64 = latency.trim_end_matches("ms").parse().unwrap();
        assert!(number(&one["microseconds"]) <= limit * 1e3, "{one}");
        one["noise_db"].as_f64().unwrap_or(f64::INFINITY)
    };
    let (some, more) = (noise("1.5ms"), noise("4ms"));
    assert!(more > some + 2.0, "{some} {more}");
}

#[test]
fn accuracy_that_may_be_lost_saves_time() {
    let run = |drop: &str| {
        let ran = compile(CORE, &["--emit", "obj", "--metric", "sqnr", "--max-accuracy-drop", drop]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let report = json(&ran.out);
        let db = report["quantization"]["scores"]["sqnr_db"].as_f64().unwrap_or(f64::INFINITY);
        (number(&report["time"]["cycles"]), db)
    };
    let ((coarse, low), (fine, high)) = (run("1%"), run("0.001%"));
    assert!(low >= 20.0 && high >= 50.0, "{low} {high}");
    assert!(coarse < fine, "{coarse} {fine}");
}

/// The options behind "fits with", each alternative with all its options.
fn offered(err: &str) -> Vec<Vec<String>> {
    let line = err.lines().find(|line| line.contains("fits with")).unwrap_or_else(|| panic!("{err}"));
    let ways = line.split('`').skip(1).step_by(2);
    ways.map(|way| way.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn what_is_offered_fits() {
    let cases: [(&str, &[&str], usize); 4] = [
        (CORE, &["--emit", "obj", "--flash", "5000"], 1),
        (CHIP, &["--energy", "40uJ"], 1),
        (CORE, &["--flash", "5000", "--latency", "60kcycles", "--ram", "100"], 1),
        (CORE, &["--metric", "sqnr", "--weight-budget", "60%", "--max-accuracy-drop", "0.01%"], 2),
    ];
    for (target, asked, ways) in cases {
        let ran = compile(target, asked);
        assert_eq!(ran.code, 1, "{asked:?}: {}", ran.out);
        assert!(ran.err.contains("E0428") && ran.err.contains("needed") || ran.err.contains("at least"));
        let offered = offered(&ran.err);
        assert_eq!(offered.len(), ways, "{}", ran.err);
        for way in offered {
            let mut options: Vec<&str> = asked.to_vec();
            for pair in way.chunks(2) {
                let at = options.iter().position(|option| *option == pair[0]).unwrap();
                options[at + 1] = &pair[1];
            }
            let again = compile(target, &options);
            assert_eq!(again.code, 0, "{options:?}: {}{}", ran.err, again.err);
        }
    }
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    for (more, why) in
        [(["--latency", "1ms"], "has no clock"), (["--energy", "1mJ"], "nothing is known of the energy")]
    {
        let ran = compile(CORE, &more);
        assert_eq!(ran.code, 1, "{}", ran.out);
        assert!(
            ran.err.contains("E0432") && ran.err.contains(why) && ran.err.contains("help"),
            "{}",
            ran.err
        );
    }
    let out = folder("budget_quantize").join("x.onnx");
    let quantize = |more: &[&str]| {
        tinyc(
            &[&["quantize", FLOAT, "--calibrate", SAMPLES, "-o", out.to_str().unwrap(), "--json"], more]
                .concat(),
        )
    };
    let ran = quantize(&["--latency", "80kcycles"]);
    assert!(ran.code == 1 && ran.err.contains("without a target"), "{}", ran.err);
    assert_eq!(quantize(&["--flash", "8K"]).code, 2);
    // With a target they mean something, and weights always do.
    let ran = quantize(&["--latency", "80kcycles", "--target", CORE]);
    assert!(number(&chosen(&json(&ran.out))["cycles"]) <= 80e3, "{}", ran.err);
    let ran = quantize(&["--weight-budget", "50%"]);
    assert_eq!(number(&chosen(&json(&ran.out))["weight_bytes"]), 1416.0);
}
