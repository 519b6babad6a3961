//! Comments in emitted code: the user's names made harmless, prose wrapped to the line width.

use super::doc::WIDTH;

/// Text that can stand in a comment: it cannot end it, hide code or reorder what a reader sees.
pub(super) fn harmless(text: &str) -> String {
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

/// A comment at the given indentation: one line if it fits, else wrapped between words.
pub(super) fn block(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let text = harmless(text);
    if indent + text.chars().count() + 6 <= WIDTH {
        return format!("{pad}/* {text} */\n");
    }
    let mut out = String::new();
    let mut line = format!("{pad}/*");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = format!("{pad} *");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.chars().count() + 3 > WIDTH {
        out.push_str(&line);
        out.push('\n');
        line = pad;
    }
    out.push_str(&line);
    out.push_str(" */\n");
    out
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
    fn long_prose_is_wrapped() {
        let text = block(&"word ".repeat(50), 4);
        assert!(text.lines().all(|l| l.len() <= WIDTH && l.starts_with("    ")), "{text}");
        assert!(text.ends_with(" */\n"));
    }
}
