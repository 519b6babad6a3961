//! Parts of the runtime's sources as text for an emitted module: the wanted functions and what they call.

use std::collections::BTreeSet;

/// One function or constant of a source.
struct Item<'t> {
    name: &'t str,
    text: &'t str,
}

/// The functions and constants of a formatted source: each begins behind an empty line, at the first column.
fn items(source: &str) -> Vec<Item<'_>> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut start = 0;
    let ends = source.match_indices("\n\n").map(|(at, _)| at + 1);
    let ends: Vec<usize> =
        ends.filter(|&at| !source[at + 1..].starts_with([' ', '\n'])).chain([source.len()]).collect();
    for end in ends {
        let text = source[start..end].trim_matches('\n');
        start = end;
        // `const NAN: …` and the next line may be one block.
        let name = |line: &'_ str| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("const "))?;
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(|end| rest[..end].len())
        };
        let mut begin = 0;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let stripped = line.strip_prefix("pub ").unwrap_or(line);
            let keyword = ["fn ", "const "].into_iter().find(|k| stripped.starts_with(k));
            if let (Some(keyword), Some(len)) = (keyword, name(line)) {
                let whole = if keyword == "fn " || !line.trim_end().ends_with(';') {
                    text.len()
                } else {
                    at + line.len()
                };
                let from = line.len() - stripped.len() + keyword.len();
                found.push(Item { name: &line[from..from + len], text: text[begin..whole].trim_end() });
                begin = whole;
                if whole == text.len() {
                    break;
                }
            }
            at += line.len();
        }
    }
    found
}

/// The wanted functions and everything that they use, in the order of the sources.
pub(super) fn closure(sources: &[&str], wanted: &BTreeSet<String>) -> Vec<String> {
    let items: Vec<Item<'_>> = sources.iter().flat_map(|s| items(s)).collect();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(name) = waiting.pop() {
        let Some(item) = items.iter().find(|i| i.name == name) else { continue };
        if taken.insert(item.name) {
            let code = item.text.lines().filter(|l| !l.trim_start().starts_with("//"));
            let words = code.flat_map(|l| l.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')));
            waiting.extend(words.filter(|w| items.iter().any(|i| i.name == *w)));
        }
    }
    let used = items.iter().filter(|i| taken.contains(i.name));
    used.map(|i| i.text.replace("\npub fn ", "\npub(super) fn ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_runtime::source::{MATH, PACKED};

    fn names(sources: &[&str], wanted: &str) -> Vec<String> {
        let wanted = BTreeSet::from([wanted.to_owned()]);
        let texts = closure(sources, &wanted);
        let first = |text: &String| {
            let head = text.lines().find(|l| !l.starts_with(['/', '#'])).unwrap();
            let head = head.strip_prefix("pub(super) ").unwrap_or(head);
            head.split(['(', ':', '<']).next().unwrap().rsplit(' ').next().unwrap().to_owned()
        };
        texts.iter().map(first).collect()
    }

    #[test]
    fn a_function_comes_with_what_it_uses() {
        assert_eq!(names(MATH, "round_ties_even"), ["NAN", "round_ties_even"]);
        assert_eq!(names(MATH, "tanh"), ["NAN", "INFINITY", "LN2_HIGH", "LN2_LOW", "exp", "tanh"]);
        assert_eq!(names(MATH, "cos"), ["NAN", "TWO_OVER_PI", "cos", "sin_quadrant", "reduce"]);
        assert_eq!(names(PACKED, "dot2"), ["dot2"]);
    }
}
