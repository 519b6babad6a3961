//! "Did you mean": names near to what was typed. Knows nothing of targets.

/// Folds what users vary without meaning: case, and `_` or blanks for `-`.
pub(crate) fn fold(name: &str) -> String {
    name.trim().chars().map(|c| if c == '_' || c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// At most three of `names` that look like `wanted`, best first, ties in the order of `names`.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = fold(wanted);
    // A long string is not a slip of the finger, and the distance is quadratic.
    if wanted.is_empty() || wanted.len() > 64 {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, &str)> = names
        .filter_map(|name| {
            // A part number with package letters (stm32f407vgt6), or a family name (stm32f4): as good as one slip.
            let related = wanted.starts_with(name) || (wanted.len() >= 3 && name.contains(wanted.as_str()));
            let distance = if related { 1 } else { edit_distance(&wanted, name) };
            (distance <= 1 + wanted.chars().count() / 5).then_some((distance, name))
        })
        .collect();
    ranked.sort_by_key(|&(distance, _)| distance);
    ranked.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_slips() {
        assert_eq!(edit_distance("cortex-m4", "cortex-m4"), 0);
        assert_eq!(edit_distance("cotrex-m4", "cortex-m4"), 1);
        assert_eq!(edit_distance("cortxm4", "cortex-m4"), 2);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", ""), 3);
    }

    #[test]
    fn nearest_is_short_and_stable() {
        let names = ["stm32f407", "stm32f411", "stm32f746", "stm32l4r5", "cortex-m4"];
        assert_eq!(nearest("STM32F407VGT6", names.into_iter()), ["stm32f407"]);
        assert_eq!(nearest("stm32f", names.into_iter()), ["stm32f407", "stm32f411", "stm32f746"]);
        assert_eq!(nearest("stm32f417", names.into_iter())[..2], ["stm32f407", "stm32f411"]);
        assert!(nearest("z80", names.into_iter()).is_empty());
        assert!(nearest(&"x".repeat(1 << 20), names.into_iter()).is_empty());
    }
}
