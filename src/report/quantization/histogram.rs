//! A tensor's numbers as bars, with the range that is stored.

use super::Range;
use super::chart::{Scale, at, escaped, line, number, text};
use std::fmt::Write;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 96.0;
/// Where bars stand.
const BASE: f64 = 70.0;
const TOP: f64 = 6.0;

/// The figure of a tensor.
pub(super) fn write(out: &mut String, tensor: &Range) {
    let (seen, range) = (wide(tensor.seen), wide(tensor.range));
    let x = Scale::new((seen.0.min(range.0), seen.1.max(range.1)), (6.0, WIDTH - 6.0));
    let bars: f64 = tensor.histogram.len() as f64;
    // Roots, so that rare numbers are seen beside the many around zero.
    let most = tensor.histogram.iter().copied().fold(0.0f64, f64::max).sqrt();
    let name = escaped(&tensor.name);
    let label = format!(
        "numbers of {name} from {} to {}, stored from {} to {}",
        number(seen.0),
        number(seen.1),
        number(range.0),
        number(range.1)
    );
    let _ = writeln!(out, "<figure class=\"tensor\">\n<figcaption><code>{name}</code></figcaption>");
    let _ = writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">");
    let (left, right) = (x.at(range.0), x.at(range.1));
    let _ = writeln!(
        out,
        "<rect class=\"kept\" x=\"{}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/>",
        at(left),
        at(right - left),
        at(BASE - TOP)
    );
    let mut path = String::new();
    for (i, count) in tensor.histogram.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        let edge = |i: f64| x.at(seen.0 + (seen.1 - seen.0) * i / bars);
        let from = edge(i as f64);
        let to = edge(i as f64 + 1.0).max(from + 1.0);
        let height = (count.sqrt() / most * (BASE - TOP - 4.0)).max(0.8);
        let _ = write!(path, "M{} {BASE}V{}H{}V{BASE}z", at(from), at(BASE - height), at(to));
    }
    if !path.is_empty() {
        let _ = writeln!(out, "<path class=\"bar\" d=\"{path}\"/>");
    }
    line(out, "axis", (6.0, BASE), (WIDTH - 6.0, BASE));
    for end in [left, right] {
        line(out, "end", (end, TOP), (end, BASE + 4.0));
    }
    let place = |end: f64| end.clamp(6.0, WIDTH - 6.0);
    text(out, "tick start", (place(left), BASE + 17.0), &number(range.0));
    text(out, "tick stop", (place(right), BASE + 17.0), &number(range.1));
    if x.at(0.0) > left + 55.0 && x.at(0.0) < right - 55.0 {
        line(out, "axis", (x.at(0.0), BASE), (x.at(0.0), BASE + 4.0));
        text(out, "tick middle", (x.at(0.0), BASE + 17.0), "0");
    }
    let _ = writeln!(out, "</svg>");
    let method = if tensor.method.is_empty() { "known beforehand" } else { &tensor.method };
    let _ = writeln!(
        out,
        "<p class=\"note\">{}, {}; scale {}, zero point {}; seen {} to {}</p>\n</figure>",
        escaped(&tensor.dtype),
        escaped(method),
        number(tensor.scale.into()),
        number(tensor.zero_point.into()),
        number(seen.0),
        number(seen.1)
    );
}

fn wide((least, greatest): (f32, f32)) -> (f64, f64) {
    (least.into(), greatest.into())
}
