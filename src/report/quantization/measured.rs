//! The page's data from what the quantiser measured and, if it was compiled, from what the compiler counted.

use super::{Front, Layer, Point, Quantization, Range};
use crate::quantize::budget::{Budgeted, FrontRow, Kind};
use crate::quantize::{Metric, QuantReport};
use crate::report::Report;
use crate::wording::grouped;

impl Quantization {
    /// What was measured of a model's file. Seconds are left out: the same model and samples give the same page.
    pub fn measured(model: &str, report: &QuantReport) -> Self {
        let scores = &report.scores;
        let value = |value: f64| scores.metric.spelled(value);
        let tensors: Vec<Range> = report
            .tensors
            .iter()
            .map(|row| Range {
                name: row.name.clone(),
                dtype: row.dtype.clone(),
                method: row.method.clone().unwrap_or_default(),
                scale: row.scale,
                zero_point: row.zero_point,
                seen: row.seen,
                range: row.range,
                histogram: row.histogram.clone(),
            })
            .collect();
        let layers = report.layers.iter().map(|row| Layer {
            name: row.name.clone(),
            precision: row.precision.replace(" x ", " × "),
            method: row.tensor.and_then(|at| tensors.get(at)).map(|t| t.method.clone()).unwrap_or_default(),
            sqnr_db: row.sqnr_db,
            weight_bytes: row.weight_bytes,
            cycles: None,
        });
        Self {
            model: model.to_owned(),
            metric: metric(scores.metric).to_owned(),
            float: scores.float.map(value).unwrap_or_default(),
            integer: value(scores.integer),
            samples: scores.samples,
            unseen: !report.split.shared,
            facts: facts(report),
            // The quantiser gives noise over signal.
            stages: report
                .stages
                .iter()
                .map(|(name, noise)| (name.clone(), (*noise > 0.0).then(|| -10.0 * noise.log10())))
                .collect(),
            layers: layers.collect(),
            tensors,
            front: report.budget.as_ref().map(front),
        }
    }

    /// Adds cycles of layers and what the compiled model takes.
    pub fn add_compiled(&mut self, report: &Report) {
        for layer in &mut self.layers {
            let own = report.layers.iter().filter(|other| other.name == layer.name);
            let cycles: Vec<u64> = own.filter_map(|other| Some(other.time.as_ref()?.cycles)).collect();
            layer.cycles = (!cycles.is_empty()).then(|| cycles.iter().sum());
        }
        self.facts.push(("compiled for".into(), report.target.name.clone()));
        if let Some(time) = &report.time {
            self.facts.push(("cycles".into(), grouped(time.cost.cycles)));
        }
        self.facts.push(("weights and tables".into(), format!("{} B", grouped(report.flash.constant_bytes))));
    }
}

/// Choices by what they cost and how little noise they make.
fn front(budgeted: &Budgeted) -> Front {
    let cost = match budgeted.cost {
        Kind::Latency | Kind::Energy if budgeted.on_chip => "cycles, waiting for flash",
        Kind::Latency | Kind::Energy => "cycles",
        Kind::Flash => "flash, bytes",
        Kind::Ram => "RAM, bytes",
        Kind::Weights | Kind::Drop => "weights, bytes",
    };
    let point = |row: &FrontRow| {
        Some(Point {
            name: row.name.clone(),
            cost: row.cost(budgeted.cost)? as f64,
            worth: row.noise_db?,
            chosen: row.chosen,
        })
    };
    let points = budgeted.front.iter().filter_map(point).collect();
    Front { cost: cost.into(), worth: "signal over noise on the samples for choices, dB".into(), points }
}

fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Top1 => "top-1 accuracy",
        Metric::Mse => "mean square error",
        Metric::Mae => "mean absolute error",
        Metric::Sqnr => "signal over noise",
    }
}

fn facts(report: &QuantReport) -> Vec<(String, String)> {
    let (scores, split) = (&report.scores, &report.split);
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.into(), value));
    if let Some((float, integer)) = scores.correct {
        add("right answers", format!("float {}, integer {}", grouped(float as u64), grouped(integer as u64)));
    }
    if let Some(same) = scores.same_top1 {
        add(
            "same answer as float",
            format!("{} of {}", grouped(same as u64), grouped(scores.samples as u64)),
        );
    }
    let noise = scores.sqnr_db.map_or("no noise".into(), |db| format!("{db:.1} dB"));
    add("signal over noise of the outputs", noise);
    add("samples for ranges", grouped(split.fit as u64));
    let choices = report.budget.as_ref().map_or(split.select, |budget| budget.samples);
    add("samples for choices", grouped(choices as u64));
    add("weights", format!("{} B", grouped(report.weight_bytes)));
    for held in report.budget.iter().flat_map(|budget| &budget.limits) {
        add(&format!("{} (of {})", held.kind, held.limit), held.value.clone());
    }
    if !report.float_operators.is_empty() {
        add("computed on floats", report.float_operators.join(", "));
    }
    facts
}
