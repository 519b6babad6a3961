//! A place in a token stream with the small parsers that both grammars share: words, numbers, strings, lists.

use super::lexer::{Kind, MOST_MESSAGES, Token, lex};
use crate::{Diagnostic, Diagnostics};
use std::str::FromStr;

/// Something could not be read, and the reason has been reported.
#[derive(Debug)]
pub(super) struct Reported;

/// The result of reading a piece of text.
pub(super) type Parse<T> = Result<T, Reported>;

/// A reader of tokens that collects what is wrong.
pub(super) struct Cursor<'a> {
    file: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    diagnostics: Diagnostics,
    /// Bytes that `splat` and `seeded` may still make: they are the only way for a short text to ask for much memory.
    pub(super) budget: usize,
}

/// Bytes that all `splat` and `seeded` constants of one file may have together.
pub(super) const LARGEST: usize = 64 << 20;

/// The greatest number of elements of a tensor or buffer.
pub(super) const MOST_ELEMENTS: usize = i32::MAX as usize;

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let mut diagnostics = Diagnostics::default();
        let tokens = lex(file, text, &mut diagnostics);
        Self { file, tokens, at: 0, diagnostics, budget: LARGEST }
    }

    /// The result, unless something was reported.
    pub(super) fn finish<T>(self, result: Option<T>) -> Result<T, Diagnostics> {
        match result {
            Some(result) if !self.diagnostics.has_errors() => Ok(result),
            _ => Err(self.diagnostics),
        }
    }

    pub(super) fn peek(&self) -> &Kind<'a> {
        &self.tokens[self.at].kind
    }

    /// The token behind the next one.
    pub(super) fn peek_second(&self) -> &Kind<'a> {
        self.peek_at(1)
    }

    /// The token so many behind the next one; the end, beyond it.
    pub(super) fn peek_at(&self, skip: usize) -> &Kind<'a> {
        &self.tokens[(self.at + skip).min(self.tokens.len() - 1)].kind
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    /// The number of tokens read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether the next token starts a line.
    pub(super) fn at_line_start(&self) -> bool {
        self.tokens[self.at].first
    }

    /// Skips to the start of the next line that does not begin inside this statement, for recovery from an error.
    /// At least one token is skipped after `start`.
    pub(super) fn skip_line(&mut self, start: usize) {
        if self.at == start {
            self.advance();
        }
        while !self.at_line_start() {
            self.advance();
        }
    }

    /// Reports an error at the next token.
    pub(super) fn error(&mut self, code: u16, message: impl Into<String>) -> Reported {
        self.error_at(self.at, code, message)
    }

    /// Reports an error at the token with the given position.
    pub(super) fn error_at(&mut self, position: usize, code: u16, message: impl Into<String>) -> Reported {
        let token = &self.tokens[position.min(self.tokens.len() - 1)];
        let place = format!("{}:{}:{}", self.file, token.line, token.column);
        if self.diagnostics.0.len() < MOST_MESSAGES {
            self.diagnostics.push(Diagnostic::error(code, message).at(place));
        }
        Reported
    }

    /// Adds a way out to the last report.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.diagnostics.0.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Reports that something else was expected at the next token.
    pub(super) fn expected(&mut self, what: &str) -> Reported {
        let found = match self.peek() {
            Kind::Word(text) | Kind::Number(text) => format!("`{text}`"),
            Kind::Text(text) => format!("{text:?}"),
            Kind::Mark(mark) => format!("`{mark}`"),
            Kind::End => "the end of the file".into(),
        };
        self.error(602, format!("expected {what}, found {found}"))
    }

    pub(super) fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Kind::Mark(m) if *m == mark)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(w) if *w == word)
    }

    /// Takes a mark if it is next.
    pub(super) fn eat(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        if found {
            self.advance();
        }
        found
    }

    /// Takes a word if it is next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn mark(&mut self, mark: &str) -> Parse<()> {
        if self.eat(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    pub(super) fn keyword(&mut self, word: &str) -> Parse<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    pub(super) fn word(&mut self, what: &str) -> Parse<&'a str> {
        match *self.peek() {
            Kind::Word(word) => {
                self.advance();
                Ok(word)
            }
            _ => Err(self.expected(what)),
        }
    }

    pub(super) fn text(&mut self, what: &str) -> Parse<String> {
        match self.text_if() {
            Some(text) => Ok(text),
            None => Err(self.expected(what)),
        }
    }

    /// Takes a string if it is next.
    pub(super) fn text_if(&mut self) -> Option<String> {
        let Kind::Text(text) = self.peek() else { return None };
        let text = text.clone();
        self.advance();
        Some(text)
    }

    /// `@name` or `@"any name"`.
    pub(super) fn symbol(&mut self) -> Parse<String> {
        self.mark("@")?;
        match self.text_if() {
            Some(text) => Ok(text),
            None => self.word("a name").map(str::to_string),
        }
    }

    /// A sign, if there is one; true for minus.
    pub(super) fn minus(&mut self) -> bool {
        self.eat("-")
    }

    /// An integer, with its sign, of a type that may be narrower.
    pub(super) fn int<T: TryFrom<i128>>(&mut self, what: &str) -> Parse<T> {
        let start = self.at;
        let negative = self.minus();
        let Kind::Number(text) = *self.peek() else { return Err(self.expected(what)) };
        let magnitude = match text.strip_prefix("0x") {
            Some(digits) => i128::from_str_radix(digits, 16),
            None => i128::from_str(text),
        };
        self.advance();
        let value = magnitude.ok().map(|m| if negative { -m } else { m });
        match value.and_then(|v| T::try_from(v).ok()) {
            Some(value) => Ok(value),
            None => {
                let sign = if negative { "-" } else { "" };
                Err(self.error_at(start, 605, format!("`{sign}{text}` is not {what} that fits")))
            }
        }
    }

    pub(super) fn f32(&mut self) -> Parse<f32> {
        self.float(|b| u32::try_from(b).ok().map(f32::from_bits), |x| -x, f32::is_infinite)
    }

    pub(super) fn f64(&mut self) -> Parse<f64> {
        self.float(|b| Some(f64::from_bits(b)), |x| -x, f64::is_infinite)
    }

    /// `0.5`, `-3`, `inf`, `-inf`, `nan` (quiet, positive) or `nan(0x7fc00001)`, a NaN by its bits.
    pub(super) fn float<T: FromStr + Copy>(
        &mut self,
        from_bits: impl Fn(u64) -> Option<T>,
        negate: impl Fn(T) -> T,
        is_infinite: impl Fn(T) -> bool,
    ) -> Parse<T> {
        let start = self.at;
        let negative = self.minus();
        let parsed = match *self.peek() {
            Kind::Word("nan") if matches!(self.peek_second(), Kind::Mark("(")) => {
                self.advance();
                self.advance();
                let bits = self.int::<u64>("the bits of a NaN")?;
                self.mark(")")?;
                return from_bits(bits).ok_or_else(|| self.error_at(start, 605, "the NaN's bits do not fit"));
            }
            Kind::Word(word @ ("nan" | "inf")) => T::from_str(word).ok(),
            Kind::Number(text) => T::from_str(text).ok().filter(|&x| !is_infinite(x)),
            _ => return Err(self.expected("a number")),
        };
        self.advance();
        match parsed {
            Some(value) => Ok(if negative { negate(value) } else { value }),
            None => Err(self.error_at(start, 605, "the number is not a float that fits")),
        }
    }

    /// `[a, b, …]`, a comma behind the last allowed.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        self.mark("[")?;
        self.items("]", &mut item)
    }

    /// Items separated by commas up to a closing mark, which is taken.
    pub(super) fn items<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Parse<T>,
    ) -> Parse<Vec<T>> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(item(self)?);
            if !self.eat(",") {
                self.mark(close)?;
                break;
            }
        }
        Ok(items)
    }
}
