//! Rows of integer models as Markdown, and what they miss in words.

use crate::quantize::{Ours, Quality, QuantRow};
use std::fmt::Write as _;
use tinyc::wording::grouped;

/// What the columns are.
const LEGEND: &str = "Right answers (*top-1*), or the mean square error of reconstruction (AD). Both halves of the labelled samples, divided by the shuffle of \
    `tinyc quantize`, take turns: models calibrated on one are measured on the other, and figures are of both turns together, so each sample counts once, \
    for a model that has not seen it. In brackets: samples whose first class is another than the float model's, which depends less on chance than right answers do. *TFLite* is \
    the 8-bit model of MLPerf Tiny, calibrated with the training's own data; *ONNX Runtime* its static quantisation (QDQ, per channel, calibrated with the \
    same samples, the best of six settings by the error on a quarter of them; an LSTM stays on floats; `tests/peers/quantize.py`). *int8* and *half* are ours: 8-bit \
    weights, and 8 and 4-bit weights in half the bytes. dB: signal over noise of the outputs over both turns. *Seconds* for *int8* in one turn, on the machine that made this \
    table.";

/// The aim in words.
const AIM: &str = "at most one sample or 0.3 points below float, whichever is more (AD: 0.3 % more error), and no peer ahead";

/// The table.
pub(crate) fn markdown(rows: &[QuantRow]) -> String {
    let mut out = String::from(
        "| network | calibrated on | measured on | float | TFLite | ONNX Runtime | dB | int8 | dB | half | dB | weights: int8, half | seconds |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let [first, second] = row.calibrating;
        let quality = |own: Option<Quality>| match own {
            Some(Quality { figure, changed: Some(changed), .. }) => {
                format!("{} ({changed})", row.spelled(figure))
            }
            Some(own) => row.spelled(own.figure),
            None => "-".into(),
        };
        let noise = |own: Option<Quality>| match own.and_then(|own| own.decibels) {
            Some(db) if db.is_finite() => format!("{db:.1}"),
            Some(_) => "no noise".into(),
            None => "-".into(),
        };
        let [tflite, ort] = ["tflite", "ort"].map(|name| row.peers.get(name).copied());
        let (int8, half) = (Some(row.int8.quality), row.half.as_ref().map(|half| half.quality));
        let bytes = |ours: Option<&Ours>| ours.map_or("-".into(), |ours| grouped(ours.weight_bytes));
        let cells = [
            row.title.clone(),
            if first == second { first.to_string() } else { format!("{first}, {second}") },
            row.evaluated.to_string(),
            row.spelled(row.float),
            quality(tflite),
            quality(ort),
            noise(ort),
            quality(int8),
            noise(int8),
            quality(half),
            noise(half),
            format!("{}; {}", bytes(Some(&row.int8)), bytes(row.half.as_ref())),
            format!("{:.1}", row.int8.seconds),
        ];
        writeln!(out, "| {} |", cells.join(" | ")).expect("strings take what is written");
    }
    [out, LEGEND.into(), misses(rows) + " " + &together(rows)].join("\n") + "\n"
}

/// Which rows miss the aim.
fn misses(rows: &[QuantRow]) -> String {
    let int8: Vec<String> = rows.iter().filter_map(QuantRow::missed).collect();
    let half: Vec<String> = rows.iter().filter_map(QuantRow::half_is_far).collect();
    let int8 = match int8.as_slice() {
        [] => "no network misses with int8".into(),
        some => format!("missed with int8 by {}", some.join("; ")),
    };
    let half = match half.as_slice() {
        [] => "Half the bytes are as near to float everywhere.".into(),
        some => format!("Half the bytes are further from float than that in {}.", some.join("; ")),
    };
    format!("\nThe aim, {AIM}: {int8}. {half}")
}

/// Sums over all networks with classes that ONNX Runtime was measured on as well.
fn together(rows: &[QuantRow]) -> String {
    let (mut samples, mut float, mut theirs, mut int8, mut half) = (0, 0.0, (0.0, 0), (0.0, 0), (0.0, 0));
    let add = |sum: &mut (f64, usize), own: &Quality| {
        *sum = (sum.0 + own.figure, sum.1 + own.changed.unwrap_or_default());
    };
    for row in rows.iter().filter(|row| row.counts) {
        let (Some(ort), Some(smaller)) = (row.peers.get("ort"), &row.half) else { continue };
        (samples, float) = (samples + row.evaluated, float + row.float);
        add(&mut theirs, ort);
        add(&mut int8, &row.int8.quality);
        add(&mut half, &smaller.quality);
    }
    let words = |(right, changed): (f64, usize)| format!("{} ({changed})", grouped(right as u64));
    format!(
        "All {} samples with classes that ONNX Runtime was measured on, together: float {}, ONNX Runtime {}, int8 {}, half {}.",
        grouped(samples as u64),
        grouped(float as u64),
        words(theirs),
        words(int8),
        words(half),
    )
}
