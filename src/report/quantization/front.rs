//! Cost against worth: the choices that were there, and the one that was taken.

use super::Front;
use super::chart::{Scale, at, escaped, line, number, text};
use std::fmt::Write;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 48.0;

/// The figure of a front.
pub(super) fn write(out: &mut String, front: &Front) {
    let ends = |values: &dyn Fn() -> Vec<f64>| {
        let values: Vec<f64> = values().into_iter().filter(|v| v.is_finite()).collect();
        let (least, greatest) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
        let room = (greatest - least).max(greatest.abs() * 1e-3).max(1e-9) * 0.08;
        (least - room, greatest + room)
    };
    let x = Scale::new(ends(&|| front.points.iter().map(|p| p.cost).collect()), (LEFT, WIDTH - RIGHT));
    let y = Scale::new(ends(&|| front.points.iter().map(|p| p.worth).collect()), (HEIGHT - BOTTOM, TOP));
    let label = escaped(&format!("{} against {}", front.worth, front.cost));
    let _ = writeln!(
        out,
        "<svg class=\"front\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">"
    );
    for tick in y.ticks(5) {
        line(out, "grid", (LEFT, y.at(tick)), (WIDTH - RIGHT, y.at(tick)));
        text(out, "tick stop", (LEFT - 8.0, y.at(tick) + 4.0), &number(tick));
    }
    for tick in x.ticks(6) {
        line(out, "axis", (x.at(tick), HEIGHT - BOTTOM), (x.at(tick), HEIGHT - BOTTOM + 4.0));
        text(out, "tick middle", (x.at(tick), HEIGHT - BOTTOM + 18.0), &number(tick));
    }
    line(out, "axis", (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM));
    text(out, "name start", (8.0, 16.0), &front.worth);
    text(out, "name stop", (WIDTH - RIGHT, HEIGHT - 8.0), &front.cost);
    let places: Vec<(f64, f64)> = front.points.iter().map(|p| (x.at(p.cost), y.at(p.worth))).collect();
    // What can be had for a cost is what the last cheaper choice is worth.
    let mut path = String::new();
    for (i, (x, y)) in places.iter().enumerate() {
        let _ = if i == 0 {
            write!(path, "M{} {}", at(*x), at(*y))
        } else {
            write!(path, "H{}V{}", at(*x), at(*y))
        };
    }
    let _ = writeln!(out, "<path class=\"step\" d=\"{path}\"/>");
    for (point, (x, y)) in front.points.iter().zip(&places) {
        let (class, radius) = if point.chosen { ("dot chosen", 6.5) } else { ("dot", 4.0) };
        let title = escaped(&format!("{}: {} for {}", point.name, number(point.worth), number(point.cost)));
        let _ = writeln!(
            out,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"><title>{title}</title></circle>",
            at(*x),
            at(*y)
        );
    }
    if let Some((point, (x, y))) = front.points.iter().zip(&places).find(|(point, _)| point.chosen) {
        // On the side where there is room, above the line or below where the top is near.
        let (class, x) = if *x > WIDTH / 2.0 { ("name stop", x - 4.0) } else { ("name start", x + 4.0) };
        let y = if *y < TOP + 24.0 { y + 22.0 } else { y - 13.0 };
        text(out, class, (x, y), &point.name);
    }
    let _ = writeln!(out, "</svg>");
}
