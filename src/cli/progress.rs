//! A progress line on the terminal for work that lasts longer than a second; nothing anywhere else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Work that is under way. The line disappears when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    waiting: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Work of unknown length.
    pub(crate) fn spinner(what: &'static str) -> Self {
        Self::start(ProgressBar::no_length(), "{spinner} {msg} {elapsed}", what)
    }

    /// Work of known length.
    pub(crate) fn bar(what: &'static str, steps: u64) -> Self {
        Self::start(ProgressBar::new(steps), "{msg} {wide_bar} {pos}/{len} {eta}", what)
    }

    fn start(bar: ProgressBar, template: &str, what: &'static str) -> Self {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if !std::io::stderr().is_terminal() {
            return Self { bar, waiting: None };
        }
        bar.set_style(ProgressStyle::with_template(template).expect("our templates are well formed"));
        bar.set_message(what);
        let (sender, receiver) = mpsc::channel();
        let shown = bar.clone();
        let thread = std::thread::spawn(move || {
            // Quick work ends before this times out, and is never seen.
            if receiver.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, waiting: Some((sender, thread)) }
    }

    /// Says what is being done now.
    pub(crate) fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Says what the next runs are for.
    pub(crate) fn stage(&self, what: &str) {
        self.bar.set_prefix(format!("{what}, "));
        self.count(0);
    }

    /// So many more runs are done, of work whose length nobody knows.
    pub(crate) fn count(&self, runs: u64) {
        self.bar.inc(runs);
        self.bar.set_message(format!("calibrating: {}{} runs", self.bar.prefix(), self.bar.position()));
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.waiting.take() {
            drop(sender);
            // The thread does nothing that panics; and if it did, the work is done all the same.
            thread.join().ok();
        }
        self.bar.finish_and_clear();
    }
}
