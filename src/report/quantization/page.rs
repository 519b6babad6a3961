//! The page around the charts: summary, front, layers, tensors.

use super::chart::{at, escaped, number};
use super::{Layer, Quantization, front, histogram};
use crate::wording::grouped;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// Of so many layers one is named as the worst, up to [`WORST`].
const LAYERS_FOR_ONE: usize = 4;
const WORST: usize = 3;

/// The whole page.
pub(super) fn write(data: &Quantization) -> String {
    let mut out = String::new();
    let model = escaped(&data.model);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"tinyc {}\">\n<title>{model} on integers</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(out, "<h1>{model} on integers</h1>");
    summary(&mut out, data);
    if let Some(choices) = data.front.as_ref().filter(|front| !front.points.is_empty()) {
        let _ = writeln!(out, "<section>\n<h2>Choices</h2>");
        let _ = writeln!(
            out,
            "<p class=\"note\">Each point is one choice of precisions; none is better than another in both respects.</p>"
        );
        front::write(&mut out, choices);
        let _ = writeln!(out, "</section>");
    }
    layers(&mut out, data);
    tensors(&mut out, data);
    out.push_str("</body>\n</html>\n");
    out
}

fn summary(out: &mut String, data: &Quantization) {
    let samples = match data.samples {
        1 => "1 sample".to_owned(),
        n => format!("{} samples", grouped(n as u64)),
    };
    let _ = writeln!(
        out,
        "<p class=\"lead\">{} on {samples}, {}.</p>\n<div class=\"score\">",
        escaped(&capital(&data.metric)),
        if data.unseen {
            "which were used for nothing else"
        } else {
            "which served for calibration, too, as they are few"
        }
    );
    for (name, value) in [("float", &data.float), ("integer", &data.integer)] {
        if !value.is_empty() {
            let _ = writeln!(out, "<div><b>{}</b><span>{name}</span></div>", escaped(value));
        }
    }
    let _ = writeln!(out, "</div>");
    if !data.facts.is_empty() {
        let _ = writeln!(out, "<dl>");
        for (name, value) in &data.facts {
            let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
        }
        let _ = writeln!(out, "</dl>");
    }
    if !data.stages.is_empty() {
        let _ = writeln!(
            out,
            "<section>\n<h2>What was done</h2>\n<div class=\"wide\"><table>\n\
             <tr><th>step</th><th class=\"n\">signal over noise of the outputs, dB</th></tr>"
        );
        for (step, noise) in &data.stages {
            let noise = noise.map_or("no noise".into(), decibels);
            let _ = writeln!(out, "<tr><td>{}</td><td class=\"n\">{noise}</td></tr>", escaped(step));
        }
        let _ = writeln!(out, "</table></div>\n</section>");
    }
}

fn layers(out: &mut String, data: &Quantization) {
    if data.layers.is_empty() {
        return;
    }
    let _ = writeln!(out, "<section>\n<h2>Layers</h2>");
    let worst = data.worst((data.layers.len() / LAYERS_FOR_ONE).min(WORST));
    if !worst.is_empty() {
        let names: Vec<String> = worst
            .iter()
            .map(|layer| {
                format!(
                    "<code>{}</code> ({} dB)",
                    escaped(&layer.name),
                    layer.sqnr_db.map_or_else(String::new, decibels)
                )
            })
            .collect();
        let _ = writeln!(out, "<p class=\"note\">Most noise: {}.</p>", names.join(", "));
    }
    let cycles = data.layers.iter().any(|layer| layer.cycles.is_some());
    let methods = data.layers.iter().any(|layer| !layer.method.is_empty());
    let head = |shown: bool, text: &str| if shown { text.to_owned() } else { String::new() };
    let _ = writeln!(
        out,
        "<div class=\"wide\"><table>\n<tr><th>layer</th><th>precision</th>{}<th class=\"n\">signal over noise, dB</th><th></th>\
         <th class=\"n\">weights, bytes</th>{}</tr>",
        head(methods, "<th>range by</th>"),
        head(cycles, "<th class=\"n\">cycles</th>")
    );
    let best = data.layers.iter().filter_map(|layer| layer.sqnr_db).fold(1.0f64, f64::max);
    for layer in &data.layers {
        let poor = worst.iter().any(|other| std::ptr::eq(*other, layer));
        let method = format!("<td>{}</td>", escaped(&layer.method));
        let spent = layer.cycles.map_or_else(|| "–".into(), grouped);
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td>{}<td class=\"n\">{}</td><td class=\"meter\">{}</td><td class=\"n\">{}</td>{}</tr>",
            escaped(&layer.name),
            escaped(&layer.precision),
            head(methods, &method),
            layer.sqnr_db.map_or_else(|| "no noise".into(), decibels),
            meter(layer, best, poor),
            grouped(layer.weight_bytes),
            head(cycles, &format!("<td class=\"n\">{spent}</td>"))
        );
    }
    let _ = writeln!(out, "</table></div>\n</section>");
}

/// Signal over noise as the length of a bar.
fn meter(layer: &Layer, best: f64, poor: bool) -> String {
    let share = layer.sqnr_db.map_or(1.0, |db| (db / best).clamp(0.0, 1.0));
    let class = if poor { "poor" } else { "bar" };
    format!(
        "<svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"rail\" width=\"100\" height=\"8\"/>\
         <rect class=\"{class}\" width=\"{}\" height=\"8\"/></svg>",
        at(share * 100.0)
    )
}

fn tensors(out: &mut String, data: &Quantization) {
    if data.tensors.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<section>\n<h2>Ranges</h2>\n<p class=\"note\">The numbers of each tensor on the calibration samples. Between the two upright \
         lines lies what is stored; what is beyond them becomes the nearest that is. Heights are square roots of counts.</p>\n</section>\n\
         <div class=\"tensors\">"
    );
    for tensor in &data.tensors {
        histogram::write(out, tensor);
    }
    let _ = writeln!(out, "</div>");
}

/// Decibels with one digit behind the point.
fn decibels(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}").replace('-', "−") } else { number(value) }
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
