//! The table that a run ends with.

use crate::archive::CLASSES;
use crate::list::List;
use crate::outcome::{Level, Outcome};
use std::fmt::Write as _;

/// Counts of a class of tests.
struct Counts {
    class: &'static str,
    total: usize,
    /// Those that fold away; they count nowhere else.
    folded: usize,
    /// Those that the list excuses.
    listed: usize,
    /// Those with a run-time input that pass each level.
    passed: [usize; Level::ALL.len()],
}

/// Each class, and all together.
fn counts(outcomes: &[Outcome<'_>], list: &List) -> Vec<Counts> {
    let classes = CLASSES.iter().map(|class| (*class, Some(*class))).chain([("all", None)]);
    let counts = classes.map(|(class, only)| {
        let members: Vec<_> =
            outcomes.iter().filter(|o| only.is_none_or(|only| o.entry.class == only)).collect();
        let count = |is: &dyn Fn(&Outcome<'_>) -> bool| members.iter().filter(|o| is(o)).count();
        Counts {
            class,
            total: members.len(),
            folded: count(&|o| o.passed() && o.folded),
            listed: count(&|o| list.row(o).is_some()),
            passed: Level::ALL.map(|level| count(&|o| o.reached >= Some(level) && !(o.passed() && o.folded))),
        }
    });
    counts.collect()
}

/// The table as text.
pub(crate) fn table(outcomes: &[Outcome<'_>], list: &List) -> String {
    let mut text = format!("node tests  {:>6}{:>8}{:>8}", "total", "folded", "listed");
    Level::ALL.iter().for_each(|level| _ = write!(text, "{:>11}", level.name()));
    text.push('\n');
    for row in counts(outcomes, list) {
        let _ = write!(text, "  {:<10}{:>6}{:>8}{:>8}", row.class, row.total, row.folded, row.listed);
        row.passed.iter().for_each(|passed| _ = write!(text, "{passed:>11}"));
        text.push('\n');
    }
    let _ = writeln!(text, "  {} rows in the list", list.rows.len());
    text
}

/// The table as Markdown.
pub(crate) fn markdown(outcomes: &[Outcome<'_>], list: &List) -> String {
    let names = Level::ALL.map(Level::name).join(" | ");
    let mut text = format!(
        "| class | tests | folded away | listed with a reason | {names} |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for row in counts(outcomes, list) {
        let passed = row.passed.map(|passed| passed.to_string()).join(" | ");
        let _ =
            writeln!(text, "| {} | {} | {} | {} | {passed} |", row.class, row.total, row.folded, row.listed);
    }
    text
}
