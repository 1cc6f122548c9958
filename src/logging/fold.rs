//! Makes one finished string of a record, before any lock is taken.

use std::fmt::{self, Write};

use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use simplelog::{Config, SharedLogger};

use super::{is_guest, lines};

/// Longest text of a line. What is longer is somebody's data, and belongs in the job's own log.
pub(super) const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A logger that hands finished, one-line messages on to another.
pub(super) struct Fold(Box<dyn SharedLogger>);

impl Fold {
    pub(super) fn around(inner: Box<dyn SharedLogger>) -> Self {
        Self(inner)
    }
}

impl Log for Fold {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_guest(metadata.target()) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // A `Display` that panics does so here, where nothing is locked.
        let text = folded(record);
        lines::with_level(record.level(), || {
            self.0
                .log(&record.to_builder().args(format_args!("{text}")).build());
        });
    }

    fn flush(&self) {
        self.0.flush();
    }
}

impl SharedLogger for Fold {
    fn level(&self) -> LevelFilter {
        self.0.level()
    }

    fn config(&self) -> Option<&Config> {
        self.0.config()
    }

    fn as_log(self: Box<Self>) -> Box<dyn Log> {
        Box::new(*self)
    }
}

/// The message and its key-values as one line: `cannot reach Redis queue=mail attempt=3`.
fn folded(record: &Record<'_>) -> String {
    let mut line = OneLine::default();
    // OneLine takes everything; an error can only come from a `Display` that gives up half-way.
    let mut whole = line.write_fmt(*record.args()).is_ok();
    whole &= record.key_values().visit(&mut Pairs(&mut line)).is_ok();
    if !whole {
        line.push_str(" (a part could not be written)");
    }
    line.0
}

/// The text of `args` without control characters, and not too long.
pub(super) fn one_line(args: fmt::Arguments<'_>) -> String {
    let mut line = OneLine::default();
    if line.write_fmt(args).is_err() {
        line.push_str(" (a part could not be written)");
    }
    line.0
}

/// Text in which control characters are escaped; what is too long ends in `…`.
#[derive(Default)]
struct OneLine(String);

impl OneLine {
    fn push_str(&mut self, text: &str) {
        for c in text.chars() {
            if self.0.len() >= TEXT_BYTES_MAX {
                if !self.0.ends_with('…') {
                    self.0.push('…');
                }
                return;
            }
            if c.is_control() {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
    }
}

impl Write for OneLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

struct Pairs<'a>(&'a mut OneLine);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = value.to_string();
        let bare = |c: char| !c.is_whitespace() && !matches!(c, '"' | '=' | '\\');
        if !value.is_empty() && value.chars().all(bare) {
            write!(self.0, " {key}={value}")?;
        } else {
            write!(self.0, " {key}={value:?}")?;
        }
        Ok(())
    }
}
