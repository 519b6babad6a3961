//! Why a run ended early: a [`Fault`] inside a kernel, and the [`Trap`] that reports it with its place.

use std::fmt;

/// A run that ended early: a fault of the lowering or the memory plan, or the user's data refused by a `fail`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trap {
    /// Position in `Program::calls`; `None` before the first call (inputs or memory plan).
    pub call: Option<usize>,
    /// The kernel's name; empty before the first call.
    pub kernel: String,
    /// What happened, and the counters of the loops around it.
    pub message: String,
    /// The code, if the kernel ran a `fail` statement.
    pub fail: Option<u8>,
}

impl Trap {
    pub(super) fn before_calls(message: String) -> Self {
        Self { call: None, kernel: String::new(), message, fail: None }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = self.call {
            write!(f, "call {call}, kernel {}: ", self.kernel)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trap {}

/// What went wrong inside a kernel. Boxed, because results of this kind are passed for every expression.
#[derive(Debug)]
pub(crate) struct Fault(Box<Content>);

#[derive(Debug)]
struct Content {
    message: String,
    fail: Option<u8>,
    /// `name = counter`, innermost first.
    loops: Vec<String>,
}

impl Fault {
    #[cold]
    pub(super) fn new(message: String) -> Self {
        Self(Box::new(Content { message, fail: None, loops: Vec::new() }))
    }

    #[cold]
    pub(super) fn fail(code: u8) -> Self {
        let message = format!("fail {code}");
        Self(Box::new(Content { message, fail: Some(code), loops: Vec::new() }))
    }

    /// Adds the loop that it passes on its way out.
    #[cold]
    pub(super) fn within(mut self, name: &str, counter: i64) -> Self {
        self.0.loops.push(format!("{name} = {counter}"));
        self
    }

    pub(super) fn at(mut self, call: usize, kernel: &str) -> Trap {
        let mut message = std::mem::take(&mut self.0.message);
        if !self.0.loops.is_empty() {
            self.0.loops.reverse();
            message.push_str(&format!(" (at {})", self.0.loops.join(", ")));
        }
        Trap { call: Some(call), kernel: kernel.to_owned(), message, fail: self.0.fail }
    }
}
