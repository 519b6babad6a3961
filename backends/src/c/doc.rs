//! Text that knows where it may be broken: lays out one statement within the line width. Knows no C.

/// The widest line that is emitted, tables of numbers aside.
pub(super) const WIDTH: usize = 100;

/// A piece of text with optional breaks.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without a break.
    Text(String),
    /// A space, or a new line if the enclosing group does not fit.
    Line,
    /// Nothing, or a new line if the enclosing group does not fit.
    Soft,
    /// One after the other.
    Cat(Vec<Doc>),
    /// On one line if it fits; else all its own breaks become new lines, one step further in.
    Group(Vec<Doc>),
}

impl Doc {
    /// `open`, the items separated by commas, `close`.
    pub(super) fn list(open: impl Into<String>, items: Vec<Self>, close: &str) -> Self {
        let mut parts = vec![Self::Soft];
        let last = items.len();
        for (i, item) in items.into_iter().enumerate() {
            parts.push(item);
            if i + 1 < last {
                parts.push(Self::Text(",".into()));
                parts.push(Self::Line);
            }
        }
        Self::Cat(vec![Self::Text(open.into()), Self::Group(parts), Self::Text(close.into())])
    }

    /// Columns on one line.
    fn width(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Line => 1,
            Self::Soft => 0,
            Self::Cat(parts) | Self::Group(parts) => parts.iter().map(Self::width).sum(),
        }
    }

    /// Adds the columns up to the first place where a line may end; false if there is one.
    fn lead(&self, broken: bool, columns: &mut usize) -> bool {
        match self {
            Self::Line | Self::Soft if broken => false,
            Self::Cat(parts) => parts.iter().all(|p| p.lead(broken, columns)),
            Self::Group(parts) => parts.iter().all(|p| p.lead(true, columns)),
            other => {
                *columns += other.width();
                true
            }
        }
    }

    /// The text, its first line starting at column `indent`; the first line is not indented here.
    pub(super) fn render(&self, indent: usize) -> String {
        let mut page = Page { out: String::new(), column: indent };
        // Broken lines lose their trailing space, and the text closes with a semicolon or a brace.
        page.put(self, indent, false, 2);
        page.out
    }
}

impl From<&str> for Doc {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Doc {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

struct Page {
    out: String,
    column: usize,
}

impl Page {
    /// `after` is the width of what must follow on the same line.
    fn put(&mut self, doc: &Doc, indent: usize, broken: bool, after: usize) {
        match doc {
            Doc::Text(text) => {
                self.out.push_str(text);
                self.column += text.chars().count();
            }
            Doc::Line | Doc::Soft if broken => {
                self.out.push('\n');
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.column = indent;
            }
            Doc::Line => {
                self.out.push(' ');
                self.column += 1;
            }
            Doc::Soft => {}
            Doc::Cat(parts) => self.sequence(parts, indent, broken, after),
            Doc::Group(parts) => {
                let fits = self.column + doc.width() + after <= WIDTH;
                self.sequence(parts, indent + 4, !fits, after);
            }
        }
    }

    fn sequence(&mut self, parts: &[Doc], indent: usize, broken: bool, after: usize) {
        for (i, part) in parts.iter().enumerate() {
            let mut tail = 0;
            let open = parts[i + 1..].iter().all(|p| p.lead(broken, &mut tail));
            self.put(part, indent, broken, tail + if open { after } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_only_what_does_not_fit() {
        let word = |n: usize| Doc::from("x".repeat(n));
        assert_eq!(Doc::list("f(", vec![word(10), word(10)], ")").render(0), "f(xxxxxxxxxx, xxxxxxxxxx)");
        let inner = Doc::list("g(", vec![word(40), word(40)], ")");
        let text = Doc::list("f(", vec![word(30), inner], ")").render(4);
        assert_eq!(
            text,
            format!("f(\n        {},\n        g({}, {}))", "x".repeat(30), "x".repeat(40), "x".repeat(40))
        );
        assert!(text.lines().all(|l| l.len() <= WIDTH));
    }
}
