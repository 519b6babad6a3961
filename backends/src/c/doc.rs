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
    /// One after the other.
    Cat(Vec<Doc>),
    /// On one line if it fits; else all its own breaks become new lines, one step further in.
    Group(Vec<Doc>),
    /// What opens it, items between commas, what closes it: on one line if that fits, else the items on a line of
    /// their own, else each item on its own line.
    List(String, Vec<Doc>, String),
    /// A head and what belongs to it, `y[i] =` and a value: broken between them before it is broken anywhere else.
    Hang(Box<Doc>, Box<Doc>),
}

impl Doc {
    /// `open`, the items separated by commas, `close`.
    pub(super) fn list(open: impl Into<String>, items: Vec<Self>, close: &str) -> Self {
        Self::List(open.into(), items, close.into())
    }

    /// `head value`, preferably broken between the two.
    pub(super) fn hang(head: impl Into<Self>, value: impl Into<Self>) -> Self {
        Self::Hang(Box::new(head.into()), Box::new(value.into()))
    }

    /// As one group; a group stays what it is, so that it is indented once.
    pub(super) fn grouped(self) -> Self {
        match self {
            group @ Self::Group(_) => group,
            other => Self::Group(vec![other]),
        }
    }

    /// The same on one line, whatever its length.
    pub(super) fn flat(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Line => " ".into(),
            Self::Cat(parts) | Self::Group(parts) => parts.iter().map(Self::flat).collect(),
            Self::List(open, items, close) => format!("{open}{}{close}", join(items)),
            Self::Hang(head, value) => format!("{} {}", head.flat(), value.flat()),
        }
    }

    /// Columns on one line.
    fn width(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Line => 1,
            Self::Cat(parts) | Self::Group(parts) => parts.iter().map(Self::width).sum(),
            Self::List(..) | Self::Hang(..) => self.flat().chars().count(),
        }
    }

    /// Adds the columns up to the first place where a line may end; false if there is one.
    fn lead(&self, broken: bool, columns: &mut usize) -> bool {
        match self {
            Self::Line if broken => false,
            Self::Cat(parts) => parts.iter().all(|p| p.lead(broken, columns)),
            Self::Group(parts) => parts.iter().all(|p| p.lead(true, columns)),
            Self::List(open, items, _) if !items.is_empty() => {
                *columns += open.chars().count();
                false
            }
            Self::Hang(head, _) => {
                *columns += head.width();
                false
            }
            other => {
                *columns += other.width();
                true
            }
        }
    }

    /// Whether its first break is inside a list, so that a line may well end with the list's beginning.
    fn opens_list(&self) -> bool {
        match self {
            Self::List(_, items, _) => !items.is_empty(),
            Self::Group(parts) | Self::Cat(parts) => {
                parts.iter().find(|p| !matches!(p, Self::Text(_))).is_some_and(Self::opens_list)
            }
            _ => false,
        }
    }

    /// The text, its first line starting at column `indent`; the first line is not indented here.
    pub(super) fn render(&self, indent: usize) -> String {
        let mut page = Page { out: String::new(), column: indent };
        page.put(self, indent, false, 0);
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

fn join(items: &[Doc]) -> String {
    items.iter().map(Doc::flat).collect::<Vec<_>>().join(", ")
}

struct Page {
    out: String,
    column: usize,
}

impl Page {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn new_line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// `after` is the width of what must follow on the same line.
    fn put(&mut self, doc: &Doc, indent: usize, broken: bool, after: usize) {
        match doc {
            Doc::Text(text) => self.text(text),
            Doc::Line if broken => self.new_line(indent),
            Doc::Line => self.text(" "),
            Doc::Cat(parts) => self.sequence(parts, indent, broken, after),
            Doc::Group(parts) => {
                let fits = self.column + doc.width() + after <= WIDTH;
                self.sequence(parts, indent + 4, !fits, after);
            }
            Doc::List(open, items, close) => self.list(open, items, close, indent, after),
            Doc::Hang(head, value) => {
                let first = self.column + head.width();
                self.put(head, indent, false, 0);
                let width = value.width() + after;
                let mut opening = 0;
                value.lead(false, &mut opening);
                let on_this_line = first + 1 + width <= WIDTH
                    || (indent + 4 + width > WIDTH && value.opens_list() && first + 1 + opening <= WIDTH);
                if on_this_line {
                    self.text(" ");
                    self.put(value, indent, false, after);
                    return;
                }
                self.new_line(indent + 4);
                match &**value {
                    // The chain's own indentation has just been made.
                    Doc::Group(parts) => self.sequence(parts, indent + 4, indent + 4 + width > WIDTH, after),
                    value => self.put(value, indent + 4, false, after),
                }
            }
        }
    }

    fn list(&mut self, open: &str, items: &[Doc], close: &str, indent: usize, after: usize) {
        let flat = join(items);
        let (width, end) = (flat.chars().count(), close.chars().count() + after);
        self.text(open);
        if items.is_empty() || self.column + width + end <= WIDTH {
            self.text(&flat);
        } else if indent + 4 + width + end <= WIDTH {
            self.new_line(indent + 4);
            self.text(&flat);
        } else {
            for (i, item) in items.iter().enumerate() {
                let last = i + 1 == items.len();
                self.new_line(indent + 4);
                self.put(item, indent + 4, false, if last { end } else { 1 });
                if !last {
                    self.text(",");
                }
            }
        }
        self.text(close);
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

    fn word(n: usize) -> Doc {
        "x".repeat(n).into()
    }

    #[test]
    fn a_list_is_broken_as_little_as_possible() {
        let x = |n: usize| "x".repeat(n);
        assert_eq!(Doc::list("f(", vec![word(10), word(10)], ")").render(0), "f(xxxxxxxxxx, xxxxxxxxxx)");
        let two = Doc::list("function(", vec![word(40), word(45)], ")").render(4);
        assert_eq!(two, format!("function(\n        {}, {})", x(40), x(45)));
        let inner = Doc::list("g(", vec![word(40), word(40)], ")");
        let text = Doc::list("f(", vec![word(30), inner], ")").render(4);
        assert_eq!(text, format!("f(\n        {},\n        g({}, {}))", x(30), x(40), x(40)));
        assert!(text.lines().all(|l| l.len() <= WIDTH));
    }

    #[test]
    fn an_assignment_breaks_behind_its_sign_first() {
        let x = |n: usize| "x".repeat(n);
        let text = Doc::hang(word(50), Doc::list("f(", vec![word(20), word(40)], ")")).render(0);
        assert_eq!(text, format!("{}\n    f({}, {})", x(50), x(20), x(40)));
        // A value that needs several lines anyway begins on the first.
        let text = Doc::hang("y =", Doc::list("f(", vec![word(60), word(60)], ")")).render(0);
        assert_eq!(text, format!("y = f(\n    {},\n    {})", x(60), x(60)));
        let sum = Doc::Group(vec![word(60), Doc::Line, word(60)]);
        assert_eq!(Doc::hang("y =", sum).render(0), format!("y =\n    {}\n    {}", x(60), x(60)));
    }
}
