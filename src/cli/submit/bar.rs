//! How far a load has come, on a terminal: a bar where the length of the file is known, counters in any case.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is shown; nothing where standard error is no terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar for a source of so many bytes, if that is known.
    pub fn new(bytes: Option<u64>) -> Self {
        let shape = match bytes {
            Some(_) => "{bar:24} {percent:>3} %  {msg}  {bytes_per_sec}, {eta} left",
            None => "{spinner} {msg}  {bytes}, {bytes_per_sec}",
        };
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        // The shapes above are right; were one not, the usual one would do.
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    /// Shows that so many bytes have been read, and what became of the lines in them.
    pub fn show(&self, bytes: u64, accepted: u64, refused: u64) {
        self.0.set_position(bytes);
        self.0.set_message(match refused {
            0 => format!("{accepted} accepted"),
            _ => format!("{accepted} accepted, {refused} refused"),
        });
    }

    /// Writes past the bar.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
