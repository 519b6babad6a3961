//! The table that a run ends with.

use crate::archive::CLASSES;
use crate::list::List;
use crate::outcome::{Level, Outcome};
use std::fmt::Write as _;

/// Counts per class: all tests, those that fold away, those that the list excuses, and those with a run-time input that
/// pass each level.
pub(crate) fn table(outcomes: &[Outcome<'_>], list: &List) -> String {
    let mut text = format!("node tests  {:>6}{:>8}{:>8}", "total", "folded", "listed");
    Level::ALL.iter().for_each(|level| _ = write!(text, "{:>11}", level.name()));
    text.push('\n');
    let classes = CLASSES.iter().map(|class| (*class, Some(*class))).chain([("all", None)]);
    for (name, class) in classes {
        let members: Vec<_> =
            outcomes.iter().filter(|o| class.is_none_or(|class| o.entry.class == class)).collect();
        let count = |is: &dyn Fn(&Outcome<'_>) -> bool| members.iter().filter(|o| is(o)).count();
        let folded = count(&|o| o.passed() && o.folded);
        let listed = count(&|o| list.row(o).is_some());
        let _ = write!(text, "  {name:<10}{:>6}{folded:>8}{listed:>8}", members.len());
        for level in Level::ALL {
            // A test that folds away counts nowhere else.
            let passed = count(&|o| o.reached >= Some(level) && !(o.passed() && o.folded));
            let _ = write!(text, "{passed:>11}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "  {} rows in the list", list.rows.len());
    text
}
