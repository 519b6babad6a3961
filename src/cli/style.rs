//! Colours, and diagnostics in them. The streams drop them where the output is not a terminal or `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::io::{self, Write};
use tinyc_ir::Diagnostics;

/// Titles of sections.
pub(crate) const TITLE: Style = Style::new().bold();
/// What can be skipped at a first reading.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints messages as their one renderer spells them; only colour is added.
pub(crate) fn diagnostics(err: &mut dyn Write, messages: &Diagnostics) -> io::Result<()> {
    for message in &messages.0 {
        writeln!(err, "{}\n", coloured(&message.to_string()))?;
    }
    Ok(())
}

/// Colours the word before the first colon, arrows and help lines. Names from a model may hold control characters,
/// which a terminal must not obey.
fn coloured(text: &str) -> String {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = harmless(line);
        let style = if line.starts_with("   = help: ") { HELP } else { Style::new() };
        lines.push(match line.split_once(": ") {
            Some((head, rest)) if index == 0 => {
                let style = if head.starts_with("error") { ERROR } else { WARNING };
                format!("{}: {}", paint(style, head), paint(TITLE, rest))
            }
            _ if line.starts_with("  --> ") || style == Style::new() => line,
            _ => paint(style, line),
        });
    }
    lines.join("\n")
}

/// Replaces control characters by their escapes.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        if c.is_control() {
            safe.extend(c.escape_debug())
        } else {
            safe.push(c)
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::Diagnostic;

    #[test]
    fn colour_adds_nothing_else() {
        let message = Diagnostic::error(204, "no: never").at("a.onnx").note("fact").help("do it");
        let plain = anstream::adapter::strip_str(&coloured(&message.to_string())).to_string();
        assert_eq!(plain, message.to_string());
    }

    #[test]
    fn control_characters_of_a_model_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\u{7}"), "a\\u{1b}[31mb\\u{7}");
    }
}
