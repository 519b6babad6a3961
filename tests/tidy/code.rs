//! The numbers of messages: each is used for one thing and has one row in `docs/diagnostics.md`.

use super::Faults;
use super::source::{after, arguments, bracketed, code, files, line};
use std::collections::BTreeMap;

/// The page that lists the codes, in rows that begin with `| E0101 |`.
const PAGE: &str = "docs/diagnostics.md";
/// Functions that take a code among their arguments.
const REPORTERS: [&str; 6] = ["error(", "warning(", "error_at(", "report(", "refuse(", "fault("];
/// Codes in use have three digits: the hundreds say the area.
const CODES: std::ops::RangeInclusive<u16> = 101..=799;

/// Codes that are used and not listed, listed and not used, listed twice, or named twice.
pub(crate) fn documented() -> Faults {
    let mut faults = Faults::new();
    let (used, named) = used();
    for (code, names) in &named {
        if let [first, second, ..] = names.as_slice() {
            faults.push(format!("{second}: code {code} is taken by {first}; choose a free one"));
        }
    }
    let mut listed: BTreeMap<u16, usize> = BTreeMap::new();
    let page = files("docs", &["diagnostics.md"]);
    for (i, row) in page.iter().flat_map(|file| file.text.lines()).enumerate() {
        let Some(number) = row.strip_prefix("| E").or(row.strip_prefix("| W")) else { continue };
        let Some(code) = number.get(..4).and_then(|digits| digits.parse().ok()) else { continue };
        if listed.insert(code, i + 1).is_some() {
            faults.push(format!("{PAGE}:{}: {code} is listed twice; keep one row", i + 1));
        }
    }
    for (code, place) in &used {
        if !listed.contains_key(code) {
            faults.push(format!("{place}: add a row for code {code:04} to {PAGE}"));
        }
    }
    for (code, row) in &listed {
        if !used.contains_key(code) {
            faults.push(format!("{PAGE}:{row}: nothing reports {code:04}; drop the row"));
        }
    }
    faults
}

/// Codes with the first place that uses each, and codes with the constants that name them.
fn used() -> (BTreeMap<u16, String>, BTreeMap<u16, Vec<String>>) {
    let (mut used, mut named) = (BTreeMap::new(), BTreeMap::<u16, Vec<String>>::new());
    let folders = ["ir/src", "frontend/src", "passes/src", "backends/src", "targets/src", "src"];
    for file in folders.iter().flat_map(|folder| files(folder, &[".rs"])) {
        if file.path.contains("test") || file.path.ends_with("onnx/proto.rs") {
            continue;
        }
        let text = code(&file.text);
        for (at, equals) in text.match_indices(": u16 = ") {
            let digits = text[at + equals.len()..].split(';').next().unwrap_or_default();
            if let Some(code) = number(digits) {
                let place = format!("{}:{}", file.path, line(&text, at));
                used.entry(code).or_insert_with(|| place.clone());
                named.entry(code).or_default().push(place);
            }
        }
        for reporter in REPORTERS {
            for at in after(&text, reporter) {
                for code in arguments(bracketed(&text, at)).into_iter().filter_map(number) {
                    let place = format!("{}:{}", file.path, line(&text, at));
                    used.entry(code).or_insert(place);
                }
            }
        }
    }
    (used, named)
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| CODES.contains(code))
}
