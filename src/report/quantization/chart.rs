//! What charts are made of: escaped text, numbers as short as they may be, axes with round steps.

use std::fmt::Write;

/// Text inside of HTML and SVG, attributes included.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A number with four digits at most, without zeros behind the point.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { "–".into() };
    }
    let size = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&size) {
        return format!("{value:.2e}").replace('-', "−");
    }
    let places = (3.0 - size).clamp(0.0, 7.0) as usize;
    let mut text = format!("{value:.places$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text.replace('-', "−")
}

/// A place in a drawing: hundredths of a pixel are enough. What is no number is drawn at 0.
pub(super) fn at(value: f64) -> String {
    let mut text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    text
}

/// Where numbers lie on a line of pixels.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    least: f64,
    greatest: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Numbers between two on pixels between two; a single number lies in the middle.
    pub(super) fn new((least, greatest): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (least, greatest) = match greatest > least && (greatest - least).is_finite() {
            true => (least, greatest),
            false if least.abs() < 1e300 => (least - 1.0, least + 1.0),
            false => (-1.0, 1.0),
        };
        Self { least, greatest, from, to }
    }

    /// The pixel of a number; what is beyond the ends lies at them, and what is no number at the first.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = (value - self.least) / (self.greatest - self.least);
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.from + share * (self.to - self.from)
    }

    /// Round numbers between the ends, about so many.
    pub(super) fn ticks(self, count: usize) -> Vec<f64> {
        let rough = (self.greatest - self.least) / count.max(1) as f64;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * unit).into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let first = (self.least / step).ceil();
        (0..=2 * count).map(|i| (first + i as f64) * step).take_while(|t| *t <= self.greatest).collect()
    }
}

/// A text at a place.
pub(super) fn text(out: &mut String, class: &str, (x, y): (f64, f64), text: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>", at(x), at(y), escaped(text));
}

/// A line between two places.
pub(super) fn line(out: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(at);
    let _ = writeln!(out, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
}
