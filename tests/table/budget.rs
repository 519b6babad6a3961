//! What limits make of float models on a Cortex-M4: precisions, and what they cost and lose.

use crate::subject;
use std::fmt::Write as _;
use tinyc::budget::face_bytes;
use tinyc::pipeline::{self, Compiled, Emit, Options};
use tinyc::quantize::{self, Latency, Limits, Metric, Native, QuantReport, Sets};
use tinyc::wording::grouped;

/// One network within one limit.
pub(crate) struct BudgetRow {
    title: String,
    limit: String,
    /// What came of it; `None` where nothing keeps the limit.
    found: Option<(QuantReport, Costs)>,
}

/// What the compiled model takes.
struct Costs {
    cycles: u64,
    flash: u64,
    ram: u64,
}

const LEGEND: &str = "Objects for a Cortex-M4, zero wait states. *Right*: of the half of the samples that `tinyc quantize` keeps for the measurement, float \
    and integer; dB: signal over noise of the outputs on them. Limits are parts of what the model takes with 8 bits everywhere.";

/// Networks that are shown.
const SHOWN: [&str; 3] = ["KWS", "gestures", "digits"];

/// Quantises within limits; says on standard error what it is doing.
pub(crate) fn rows() -> Vec<BudgetRow> {
    let mut rows = Vec::new();
    for (title, file, labelled) in subject::floats().into_iter().filter(|s| SHOWN.contains(&&*s.0)) {
        let model = pipeline::load(&file, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
        let (inputs, labels) = labelled.calibration(&model.reference);
        let sets = quantize::split(inputs, Some(labels), None);
        let (report, int8) =
            within(&model, &sets, &Limits::default()).expect("it is compiled without limits");
        let part = |whole: u64, percent: u64| whole * percent / 100;
        let limits = [
            (
                format!("flash {} B", grouped(part(int8.flash, 90))),
                Limits { flash: Some(part(int8.flash, 90)), ..Limits::default() },
            ),
            (
                format!("latency {} cycles", grouped(part(int8.cycles, 130))),
                Limits { latency: Some(Latency::Cycles(part(int8.cycles, 130) as f64)), ..Limits::default() },
            ),
            (
                format!("latency {} cycles", grouped(part(int8.cycles, 250))),
                Limits { latency: Some(Latency::Cycles(part(int8.cycles, 250) as f64)), ..Limits::default() },
            ),
            (
                format!(
                    "latency {} cycles, flash {} B",
                    grouped(part(int8.cycles, 130)),
                    grouped(int8.flash)
                ),
                Limits {
                    latency: Some(Latency::Cycles(part(int8.cycles, 130) as f64)),
                    flash: Some(int8.flash),
                    ..Limits::default()
                },
            ),
            ("accuracy drop 1 %".into(), Limits { drop: Some(0.01), ..Limits::default() }),
        ];
        rows.push(BudgetRow { title: title.clone(), limit: "-".into(), found: Some((report, int8)) });
        for (limit, limits) in limits {
            eprintln!("{title}: {limit}");
            let found = within(&model, &sets, &limits);
            rows.push(BudgetRow { title: title.clone(), limit, found });
        }
    }
    rows
}

fn within(model: &pipeline::Model, sets: &Sets, limits: &Limits) -> Option<(QuantReport, Costs)> {
    let target = tinyc_targets::find("cortex-m4").expect("a core of the catalogue");
    let options = Options { emit: [Emit::Obj].into(), ..Options::new(target) };
    let all = quantize::Options::default();
    let found =
        quantize::quantise_within(model, sets, &all, (limits, Some(&options)), Some(Metric::Top1), &Native);
    let (integer, report) = found.inspect_err(|why| eprintln!("{why}")).ok()?;
    let compiled = pipeline::compile_model(integer, &options).unwrap_or_else(|e| panic!("{e}"));
    Some((report.expect("the model is one of floats"), costs(&compiled)))
}

fn costs(compiled: &Compiled) -> Costs {
    let total = compiled.object.as_ref().and_then(|object| object.total);
    Costs {
        cycles: total.expect("the core has machine code and a timing").cycles,
        flash: compiled.constant_bytes + compiled.code_bytes(),
        ram: u64::from(compiled.memory.arena_bytes) + face_bytes(&compiled.program),
    }
}

impl BudgetRow {
    /// Limits that some precisions must keep, and did not.
    pub(crate) fn missed(&self) -> Option<String> {
        let may = self.limit.starts_with("latency") && !self.limit.contains("flash");
        (may && self.found.is_none()).then(|| format!("{}: nothing within {}", self.title, self.limit))
    }
}

/// The table.
pub(crate) fn markdown(rows: &[BudgetRow]) -> String {
    let mut out = String::from(
        "| network | limit | precisions | right: float, integer | dB | cycles | flash | RAM |\n\
         |---|---|---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let Some((report, costs)) = &row.found else {
            writeln!(out, "| {} | {} | nothing fits | | | | | |", row.title, row.limit)
                .expect("strings take what is written");
            continue;
        };
        let chosen = report.budget.as_ref().and_then(|budget| budget.front.iter().find(|row| row.chosen));
        let name = chosen.map_or("all int8", |row| &row.name);
        let (float, integer) = report.scores.correct.expect("samples have labels");
        let noise = report.scores.sqnr_db.map_or("no noise".into(), |db| format!("{db:.1}"));
        writeln!(
            out,
            "| {} | {} | {name} | {float}, {integer} of {} | {noise} | {} | {} | {} |",
            row.title,
            row.limit,
            report.scores.samples,
            grouped(costs.cycles),
            grouped(costs.flash),
            grouped(costs.ram),
        )
        .expect("strings take what is written");
    }
    out + "\n" + LEGEND + "\n"
}
