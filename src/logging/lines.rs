//! Collects the pieces of a line and writes it whole.

use std::cell::Cell;
use std::io::{self, Write};

use log::Level;

thread_local! {
    /// The level of the line that this thread is writing. The writer behind simplelog is not told.
    static LEVEL: Cell<Level> = const { Cell::new(Level::Info) };
}

/// Runs `write` so that lines that begin meanwhile, on this thread, have the priority of `level`.
pub(super) fn with_level(level: Level, write: impl FnOnce()) {
    LEVEL.set(level);
    write();
}

/// A writer that passes lines on, each in one write.
pub(super) struct Lines<W> {
    out: W,
    journal: bool,
    line: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// `journal`: each line begins with its priority.
    pub(super) fn new(out: W, journal: bool) -> Self {
        Self {
            out,
            journal,
            line: Vec::new(),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.journal {
            self.line.extend_from_slice(priority(LEVEL.get()));
        }
        self.line.extend_from_slice(bytes);
        if self.line.ends_with(b"\n") {
            // The line goes whether or not it can be written: it must not become the beginning of the next.
            let written = self.out.write_all(&self.line);
            self.line.clear();
            written?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The prefix by which the journal knows a line's priority (sd-daemon(3)).
fn priority(level: Level) -> &'static [u8] {
    match level {
        Level::Error => b"<3>",
        Level::Warn => b"<4>",
        Level::Info => b"<6>",
        Level::Debug | Level::Trace => b"<7>",
    }
}
