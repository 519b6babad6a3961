//! Characters to tokens, for both IRs. Knows no grammar.

use crate::{Diagnostic, Diagnostics};

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind<'a> {
    /// A letter or underscore, then letters, digits and underscores.
    Word(&'a str),
    /// An unsigned number as it is written, suffix included: `12`, `0.5`, `1e-45f32`, `0x7f`.
    Number(&'a str),
    /// The contents of a quoted string, escapes resolved.
    Text(String),
    /// Anything else: `{`, `==`, `..`.
    Mark(&'static str),
    /// The end of the file.
    End,
}

/// A token and where it starts.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Counted from 1.
    pub(super) line: usize,
    /// Characters from the line's start, counted from 1.
    pub(super) column: usize,
    /// Whether it is the first on its line.
    pub(super) first: bool,
}

/// Marks, longest first, so that the first match is the right one.
const MARKS: &[&str] = &[
    "...", "..", "==", "!=", "<=", "<<", ">>", "+%", "-%", "*%", "{", "}", "(", ")", "[", "]", ",", ":", "=",
    "@", "+", "-", "*", "/", "%", "&", "|", "^", "<", "!", ".",
];

/// All tokens of a text, the last of which is [`Kind::End`]. What is no token is reported and skipped.
pub(super) fn lex<'a>(file: &str, text: &'a str, diagnostics: &mut Diagnostics) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut number = 0;
    for line in text.split('\n') {
        number += 1;
        let mut rest = line.trim_end_matches('\r');
        let mut column = 1;
        let mut first = true;
        while let Some(character) = rest.chars().next() {
            let place = (number, column);
            let (kind, length) = match character {
                ';' => break,
                ' ' | '\t' => (None, 1),
                'a'..='z' | 'A'..='Z' | '_' => {
                    let length = word_length(rest);
                    (Some(Kind::Word(&rest[..length])), length)
                }
                '0'..='9' => {
                    let length = number_length(rest);
                    (Some(Kind::Number(&rest[..length])), length)
                }
                '"' => match quoted(rest) {
                    Ok((text, length)) => (Some(Kind::Text(text)), length),
                    Err((message, length)) => {
                        report(file, place, message, diagnostics);
                        (None, length)
                    }
                },
                _ => match MARKS.iter().find(|m| rest.starts_with(**m)) {
                    Some(mark) => (Some(Kind::Mark(mark)), mark.len()),
                    None => {
                        report(
                            file,
                            place,
                            format!("character {character:?} has no meaning here"),
                            diagnostics,
                        );
                        (None, character.len_utf8())
                    }
                },
            };
            if let Some(kind) = kind {
                tokens.push(Token { kind, line: number, column, first });
                first = false;
            }
            column += rest[..length].chars().count();
            rest = &rest[length..];
        }
    }
    tokens.push(Token { kind: Kind::End, line: number, column: 1, first: true });
    tokens
}

/// Messages beyond this number tell the user nothing new, and a hostile file could make millions.
pub(super) const MOST_MESSAGES: usize = 100;

fn report(file: &str, (line, column): (usize, usize), message: String, diagnostics: &mut Diagnostics) {
    if diagnostics.0.len() < MOST_MESSAGES {
        diagnostics.push(Diagnostic::error(601, message).at(format!("{file}:{line}:{column}")));
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// Digits, a fraction, an exponent with its sign, and letters behind; `0..4` stops before the dots.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if text.starts_with("0x") {
        return word_length(text);
    }
    let skip = |mut at: usize| {
        while digit(at) {
            at += 1;
        }
        at
    };
    let mut at = skip(0);
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at = skip(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digit(at + 1 + sign) {
            at = skip(at + 1 + sign);
        }
    }
    at + word_length(&text[at..])
}

/// The contents of the string at the start of `text` and its length with quotes; or what is wrong and how much to skip.
fn quoted(text: &str) -> Result<(String, usize), (String, usize)> {
    let mut contents = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        let escape = match character {
            '"' => return Ok((contents, at + 1)),
            '\\' => characters.next().map(|(_, c)| c),
            _ => {
                contents.push(character);
                continue;
            }
        };
        contents.push(match escape {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some(same @ ('\\' | '"' | '\'')) => same,
            Some('u') => {
                let digits = text[at + 2..].strip_prefix('{').and_then(|t| t.split_once('}')).map(|(d, _)| d);
                let code = digits.filter(|d| d.len() <= 6).and_then(|d| u32::from_str_radix(d, 16).ok());
                let (Some(digits), Some(character)) = (digits, code.and_then(char::from_u32)) else {
                    return Err(("`\\u{…}` names no character".into(), text.len()));
                };
                // The braces and digits are ASCII, so characters and bytes agree.
                characters.nth(digits.len() + 1);
                character
            }
            Some(other) => return Err((format!("escape `\\{other}` is not known"), text.len())),
            None => break,
        });
    }
    Err(("string is not closed on its line".into(), text.len()))
}
