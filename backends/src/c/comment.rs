//! Comments in C: prose wrapped to the line width.

use super::doc::WIDTH;
use crate::text::comment::harmless;

/// The head of a part of the file.
pub(super) fn section(title: &str) -> String {
    format!("/* ---- {title} {} */\n\n", "-".repeat(80usize.saturating_sub(title.chars().count() + 11)))
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
    fn long_prose_is_wrapped() {
        let text = block(&"word ".repeat(50), 4);
        assert!(text.lines().all(|l| l.len() <= WIDTH && l.starts_with("    ")), "{text}");
        assert!(text.ends_with(" */\n"));
    }
}
