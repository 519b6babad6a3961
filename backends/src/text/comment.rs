//! The user's names in comments, made harmless and short enough; numbers for reading.

/// Text that can stand in a comment: it cannot end it, hide code or reorder what a reader sees.
pub(crate) fn harmless(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() { c } else { '?' })
        .collect();
    // `*/` ends a comment, `/*` and trigraphs are warned about.
    let mut text = visible.replace("*/", "* /").replace("/*", "/ *");
    while text.contains("??") {
        text = text.replace("??", "? ?");
    }
    text
}

/// A name of the user's, short enough for a line: of names joined by `;`, as converters write them for fused layers,
/// the first, and without its middle.
pub(crate) fn short(name: &str) -> String {
    cut(name, 48)
}

/// As [`short`], with at most so many columns; at least 16.
pub(crate) fn cut(name: &str, most: usize) -> String {
    let most = most.max(16);
    let name = harmless(name);
    if name.chars().count() <= most {
        return name;
    }
    let (first, more) = match name.split_once(';') {
        Some((first, _)) if !first.is_empty() => (first, ";..."),
        _ => (name.as_str(), ""),
    };
    let length = first.chars().count();
    if length + more.len() <= most {
        return format!("{first}{more}");
    }
    let keep = most - more.len() - 3;
    let head: String = first.chars().take(keep / 2).collect();
    let tail: String = first.chars().skip(length - (keep - keep / 2)).collect();
    format!("{head}...{tail}{more}")
}

/// The text with a full stop, unless it ends so.
pub(crate) fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.into() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_name_cannot_leave_the_comment() {
        assert_eq!(harmless("a*/b/*c??/\nd\u{202e}e"), "a* /b/ *c? ?/?d?e");
        assert_eq!(harmless("???/"), "? ? ?/");
        assert_eq!(harmless("*/*/"), "* / * /");
        assert!(!harmless("**//").contains("*/"));
    }

    #[test]
    fn a_long_name_is_cut_where_it_says_least() {
        assert_eq!(short("/conv1/Conv"), "/conv1/Conv");
        assert_eq!(short(&format!("net/relu;{}", "x".repeat(90))), "net/relu;...");
        let path = short(&format!("{}/conv", "x".repeat(90)));
        assert!(path.contains("x...x") && path.ends_with("x/conv") && path.len() == 48, "{path}");
        assert_eq!(short(&format!("{};b", "x".repeat(90))).len(), 48);
    }
}
