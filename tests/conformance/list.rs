//! The list of tests that are refused, each with its reason, and its agreement with what happens.
//!
//! A row is `subject<TAB>reason`. The subject is a test's name, a pattern with `*`, or `op:Name` for all tests with an
//! operator that is not implemented. Lines with `#` are comments. Refusals can be listed, and results in half floats that are a few
//! steps off; another wrong result never.

use crate::outcome::{Failure, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A reason that a person has yet to write begins so.
const UNREASONED: &str = "WHY?";

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) subject: String,
    pub(crate) reason: String,
}

/// The list as it is in the repository.
pub(crate) struct List {
    /// Comments at the top.
    head: String,
    pub(crate) rows: Vec<Row>,
}

impl List {
    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> Self {
        let is_comment = |line: &&str| line.starts_with('#');
        let head = text.lines().take_while(is_comment).map(|line| format!("{line}\n")).collect();
        let row = |line: &str| {
            let (subject, reason) = line.split_once('\t').unwrap_or((line, ""));
            Row { subject: subject.trim().into(), reason: reason.trim().into() }
        };
        let rows = text.lines().filter(|line| !line.is_empty() && !is_comment(line)).map(row).collect();
        Self { head, rows }
    }

    /// The row that excuses a refused test.
    pub(crate) fn row(&self, outcome: &Outcome<'_>) -> Option<&Row> {
        let excusable = matches!(outcome.failure, Some(Failure::Refused(_) | Failure::Steps(_)));
        excusable.then(|| self.rows.iter().find(|row| row.covers(outcome))).flatten()
    }

    /// Every disagreement with what happened; `whole` if all tests ran.
    pub(crate) fn faults(&self, outcomes: &[Outcome<'_>], supported: &[String], whole: bool) -> Vec<String> {
        let mut faults = Vec::new();
        for outcome in outcomes {
            let name = &outcome.entry.name;
            match &outcome.failure {
                None => {}
                Some(Failure::Wrong(what)) => faults.push(format!("{name}: {what}")),
                Some(_) if self.row(outcome).is_some() => {}
                Some(Failure::Refused(what)) => {
                    faults.push(format!("{name} is refused and not listed: {what}"))
                }
                Some(Failure::Steps(what)) => {
                    faults.push(format!("{name} is a few steps off and not listed: {what}"))
                }
            }
        }
        for row in &self.rows {
            let subject = &row.subject;
            if row.reason.is_empty() || row.reason.starts_with(UNREASONED) {
                faults.push(format!("row {subject}: write a reason that would convince a user"));
            }
            if row.is_stale(supported) {
                faults.push(format!("row {subject}: the operator is implemented; remove the row"));
            }
            for outcome in outcomes.iter().filter(|o| o.passed() && row.covers(o)) {
                faults
                    .push(format!("row {subject}: {} passes; remove or narrow the row", outcome.entry.name));
            }
            if whole && !outcomes.iter().any(|o| self.row(o) == Some(row)) {
                faults.push(format!("row {subject} excuses no test; remove it"));
            }
        }
        faults
    }

    /// The text of the list with rows that are right kept, others narrowed or dropped, and candidates for what is missing.
    pub(crate) fn blessed(&self, outcomes: &[Outcome<'_>], supported: &[String]) -> String {
        let is_right =
            |row: &&Row| !row.is_stale(supported) && !outcomes.iter().any(|o| o.passed() && row.covers(o));
        let mut kept =
            Self { head: self.head.clone(), rows: self.rows.iter().filter(is_right).cloned().collect() };
        let mut missing: BTreeMap<String, String> = BTreeMap::new();
        for outcome in outcomes {
            let Some(Failure::Refused(what) | Failure::Steps(what)) = &outcome.failure else { continue };
            if kept.row(outcome).is_some() {
                continue;
            }
            let unknown = outcome.operators.iter().find(|o| !supported.contains(o));
            let old = self.row(outcome).filter(|row| !row.is_stale(supported));
            match (unknown, old) {
                (Some(operator), _) => {
                    missing.insert(format!("op:{operator}"), "not implemented yet".into());
                }
                (None, Some(old)) => drop(missing.insert(outcome.entry.name.clone(), old.reason.clone())),
                (None, None) => {
                    drop(missing.insert(outcome.entry.name.clone(), format!("{UNREASONED} {what}")));
                }
            }
        }
        kept.rows.extend(missing.into_iter().map(|(subject, reason)| Row { subject, reason }));
        // What an earlier row takes, a later one need not name.
        let used: BTreeSet<&str> =
            outcomes.iter().filter_map(|o| kept.row(o)).map(|row| row.subject.as_str()).collect();
        let mut rows: Vec<&Row> =
            kept.rows.iter().filter(|row| used.contains(row.subject.as_str())).collect();
        rows.sort_by_key(|row| (!row.subject.starts_with("op:"), row.subject.as_str()));
        let mut text = kept.head.clone();
        rows.iter().for_each(|row| _ = writeln!(text, "{}\t{}", row.subject, row.reason));
        text
    }
}

impl Row {
    fn covers(&self, outcome: &Outcome<'_>) -> bool {
        match self.subject.strip_prefix("op:") {
            Some(operator) => outcome.operators.contains(operator),
            None => matches(&self.subject, &outcome.entry.name),
        }
    }

    /// Whether this is a row for an operator that is implemented by now.
    fn is_stale(&self, supported: &[String]) -> bool {
        self.subject.strip_prefix("op:").is_some_and(|operator| supported.iter().any(|s| s == operator))
    }
}

/// Whether a name is like a pattern, whose `*` stands for any characters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, middle) = parts.split_last().expect("splitting leaves a part");
    for part in middle {
        let Some((_, behind)) = name.split_once(part) else { return false };
        name = behind;
    }
    name.ends_with(last)
}

#[test]
fn stars_stand_for_anything() {
    for (pattern, name) in [
        ("a", "a"),
        ("a*", "a"),
        ("a*", "abc"),
        ("*c", "abc"),
        ("a*c*e", "abcde"),
        ("*", ""),
        ("a*b*b", "abb"),
    ] {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [("a", "ab"), ("a*", "ba"), ("*c", "cb"), ("a*c*e", "ace_"), ("a*ab*b", "aab")] {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Entry;

    fn outcome<'a>(entry: &'a Entry, operator: &str, failure: Option<Failure>) -> Outcome<'a> {
        let operators = BTreeSet::from([operator.to_owned()]);
        Outcome { entry, operators, reached: None, folded: false, failure, lowered: None }
    }

    fn entry(name: &str) -> Entry {
        let (class, operator) = ("core".into(), String::new());
        Entry { name: name.into(), class, operator, expanded: false, relative: 0.0, absolute: 0.0 }
    }

    #[test]
    fn the_list_and_the_tests_must_agree() {
        let entries = ["good", "refused", "wrong"].map(entry);
        let refused = || Some(Failure::Refused("no".into()));
        let outcomes = [
            outcome(&entries[0], "Old", None),
            outcome(&entries[1], "New", refused()),
            outcome(&entries[2], "Old", Some(Failure::Wrong("1 instead of 2".into()))),
        ];
        let supported = ["Old".to_owned()];
        let faults = |text: &str| List::parse(text).faults(&outcomes, &supported, true);
        let wrong = ["wrong: 1 instead of 2"];
        assert_eq!(faults("# head\nop:New\tbecause\n"), wrong);
        assert_eq!(faults("refu*\tbecause\n"), wrong);
        // A wrong result cannot be excused; an excuse for what passes, for nothing, or without a reason is a fault.
        assert_eq!(faults("op:New\tbecause\nwrong\tbecause\n").len(), 2);
        assert_eq!(faults("").len(), 2);
        let steps = [outcome(&entries[0], "Old", Some(Failure::Steps("2 steps".into())))];
        assert_eq!(List::parse("good\tbecause\n").faults(&steps, &supported, true), Vec::<String>::new());
        assert_eq!(List::parse("").faults(&steps, &supported, true).len(), 1);
        assert_eq!(faults("refused\tWHY? no\n").len(), 2);
        assert_eq!(faults("refused\n").len(), 2);
        assert_eq!(faults("refused\tbecause\ngood\tbecause\n").len(), 3);
        assert_eq!(faults("refused\tbecause\nop:Old\tbecause\n").len(), 4);
    }

    #[test]
    fn blessing_narrows_and_proposes() {
        let entries = ["a_good", "a_bad", "b"].map(entry);
        let refused = || Some(Failure::Refused("no".into()));
        let outcomes = [
            outcome(&entries[0], "Old", None),
            outcome(&entries[1], "Old", refused()),
            outcome(&entries[2], "New", refused()),
        ];
        let blessed = |text: &str| List::parse(text).blessed(&outcomes, &["Old".to_owned()]);
        assert_eq!(
            blessed("# head\na_*\tbecause\n"),
            "# head\nop:New\tnot implemented yet\na_bad\tbecause\n"
        );
        assert_eq!(blessed("op:Old\told\nb\twhy not\n"), "a_bad\tWHY? no\nb\twhy not\n");
    }
}
