//! The classes of a classifier: from scores to labels and the scores that ONNX wants with them; and `ZipMap`.

use super::scores::Transform;
use super::votes::wrong;
use crate::onnx::context::{Context, Step};
use crate::onnx::{attribute::Attributes, code};
use tinyc_ir::formula::Number;
use tinyc_ir::op::Gather;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Diagnostic, Value};

/// The labels of a classifier.
pub(super) struct Classes {
    /// How many there are.
    pub(super) count: usize,
    /// Integer labels; `None` for strings, which are given by their position.
    labels: Option<Vec<i64>>,
}

/// The labels of an attribute by either of its names, as text, and whether they are integers.
pub(super) fn spelled(
    attributes: Attributes<'_>,
    ints: &str,
    strings: &str,
) -> Step<Option<(Vec<String>, bool)>> {
    if let Some(labels) = attributes.strings(strings)?.filter(|l| !l.is_empty()) {
        return Ok(Some((labels.iter().map(|label| format!("{label:?}")).collect(), false)));
    }
    let labels = attributes.ints(ints)?.filter(|l| !l.is_empty());
    Ok(labels.map(|labels| (labels.iter().map(i64::to_string).collect(), true)))
}

/// `0 is "setosa", 1 is "versicolor"`.
fn listed(labels: &[String]) -> String {
    const MOST: usize = 24;
    let mut text: Vec<String> =
        labels.iter().enumerate().take(MOST).map(|(i, label)| format!("{i} is {label}")).collect();
    if labels.len() > MOST {
        text.push(format!("and so on to {}", labels.len() - 1));
    }
    text.join(", ")
}

impl Classes {
    /// From the attributes `classlabels_…`; strings are warned about.
    pub(super) fn read(cx: &mut Context<'_, '_>) -> Step<Self> {
        let attributes = cx.attributes();
        // SVMClassifier and LinearClassifier spell it `ints`, the others by their type.
        let ints = match attributes.ints("classlabels_ints")? {
            Some(_) => "classlabels_ints",
            None => "classlabels_int64s",
        };
        let Some((labels, is_int)) = spelled(attributes, ints, "classlabels_strings")? else {
            return Err(wrong("the classifier has no labels"));
        };
        if is_int {
            let labels = attributes.ints(ints)?.unwrap_or_default().to_vec();
            return Ok(Self { count: labels.len(), labels: Some(labels) });
        }
        let output = cx.output();
        let message = format!("{output:?} gives the position of a label as i64, because labels are text");
        cx.warn(Diagnostic::warning(code::LABELS, message).note(format!("label {}", listed(&labels))));
        Ok(Self { count: labels.len(), labels: None })
    }

    /// Labels for positions `[N, 1]`, as `[N]`.
    pub(super) fn labels(&self, cx: &mut Context<'_, '_>, positions: Value) -> Step<Value> {
        let rows = cx.dims(positions)[0];
        let Some(labels) = self.labels.as_ref().filter(|l| !l.iter().copied().eq(0..l.len() as i64)) else {
            return cx.reshape(positions, &[rows]);
        };
        let table = cx.ints("labels", DType::I64, &[1, self.count, 1], labels.clone())?;
        let positions = cx.reshape(positions, &[1, rows])?;
        let labels = cx.part("label", Gather, &[table, positions])?;
        cx.reshape(labels, &[rows])
    }

    /// The results for sums of each class: the label of the greatest, the first of equals, and the transformed sums.
    pub(super) fn give(&self, cx: &mut Context<'_, '_>, sums: Value, transform: Transform) -> Step<()> {
        let best = cx.reduce(sums, ReduceKind::ArgMax, &[1])?;
        let label = self.labels(cx, best)?;
        let scores = transform.apply(cx, sums)?;
        cx.give(0, label)?;
        cx.give(1, scores)
    }

    /// The results for one sum `[N, 1]` for two classes: the second wins above the border.
    pub(super) fn give_binary(
        &self,
        cx: &mut Context<'_, '_>,
        sums: Value,
        border: f64,
        other: Other,
        transform: Transform,
    ) -> Step<()> {
        let best = cx.map("best", &[sums], |x| x[0].literal(border).lt(x[0]).to(DType::I64))?;
        let label = self.labels(cx, best)?;
        let scores = both(cx, sums, other, transform)?;
        cx.give(0, label)?;
        cx.give(1, scores)
    }
}

/// The score of the first class beside that of the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Other {
    /// What is left to 1.
    Rest,
    /// The opposite.
    Opposite,
}

/// The scores of two classes from that of the second. As in ONNX Runtime, SOFTMAX does nothing here.
pub(super) fn both(cx: &mut Context<'_, '_>, sums: Value, other: Other, transform: Transform) -> Step<Value> {
    if transform == Transform::Probit {
        let message = "PROBIT of a single score for two classes is not supported";
        return Err(Diagnostic::error(code::ATTRIBUTE, message));
    }
    // One formula for both columns, whose numbers are 0 and 1.
    let columns = cx.floats("columns", &[1, 2], vec![0.0, 1.0])?;
    cx.map("scores", &[sums, columns], |x| match (transform, other) {
        (Transform::Logistic, _) => signed(x).sigmoid(),
        (_, Other::Rest) => x[1].equals(x[1].literal(0.0)).select(x[0].literal(1.0) - x[0], x[0]),
        (_, Other::Opposite) => signed(x),
    })
}

/// The score, negated in the first column.
fn signed<'w>(x: &[Number<'w>]) -> Number<'w> {
    (x[1] * 2.0 - 1.0) * x[0]
}

/// `ZipMap x`: dictionaries from labels to scores. There are none here; the scores are given as they are, with a warning.
pub(crate) fn zip_map(cx: &mut Context<'_, '_>) -> Step<()> {
    let keys = spelled(cx.attributes(), "classlabels_int64s", "classlabels_strings")?;
    let output = cx.output();
    if !cx.build.outputs.contains(output) {
        return Err(Diagnostic::error(
            code::FORM,
            "ZipMap whose dictionaries other nodes read is not supported",
        )
        .help("export with options={'zipmap': False}"));
    }
    let message = format!("{output:?} is the tensor of scores, not dictionaries: ZipMap is left out");
    let columns = keys.map_or_else(String::new, |(labels, _)| listed(&labels));
    let warning = Diagnostic::warning(code::LABELS, message).note(format!("column {columns}"));
    cx.warn(warning.help("to silence this, export with options={'zipmap': False}"));
    cx.pass_on(0)
}
