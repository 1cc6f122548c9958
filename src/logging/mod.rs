//! Log lines: from `log`'s macros to standard error, one whole line a write.
//!
//! simplelog writes the text lines; `Fold` and `Lines` stand around it, because alone it leaves line breaks in
//! messages (so that whoever names a job could forge a line), leaves key-values out, writes a line in two dozen pieces,
//! and lets a panicking `Display` poison its lock, after which every log call of the process panics.
//!
//! ```text
//!   log::info! ──▶ Fold: one string, escaped ──▶ simplelog: time, level, thread ──▶ Lines: one write ──▶ stderr
//!             └──▶ Json: one object (LOGFORMAT=json) ─────────────────────────────▶ Lines ─────────────┘
//! ```
//!
//! Under systemd (`JOURNAL_STREAM`) a text line begins with its priority (`<4>`) and has neither time nor level, which
//! the journal keeps itself.

mod fold;
mod json;
mod lines;

use std::io::{self, Write};

use log::LevelFilter;
use simplelog::{
    CombinedLogger, ConfigBuilder, LevelPadding, SharedLogger, ThreadLogMode, WriteLogger,
};

use crate::config::{LogFormat, process_variable};

use fold::Fold;
use json::Json;
use lines::Lines;

/// Crates whose lines are left out: what matters of them comes back as an error and is logged where it is handled.
const GUESTS: [&str; 5] = ["postgres", "r2d2", "rustls", "tokio_postgres", "mio"];

/// There is a logger already, this one's or an embedding program's. It stays, with its level; nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a logger is already running in this process; log lines go where it sends them")]
pub struct AlreadyRunning;

/// Starts logging to standard error, for the rest of the process' life.
///
/// # Errors
///
/// [`AlreadyRunning`] when there is a logger. A program that embeds the daemon can ignore it: its own goes on.
pub fn start(level: LevelFilter, format: LogFormat) -> Result<(), AlreadyRunning> {
    let logger = match format {
        LogFormat::Text => text(io::stderr(), stderr_is_the_journal()),
        LogFormat::Json => json(io::stderr()),
    };
    // simplelog changes the level before it finds out that there is a logger.
    let before = log::max_level();
    if CombinedLogger::init(vec![logger]).is_err() {
        log::set_max_level(before);
        return Err(AlreadyRunning);
    }
    log::set_max_level(level);
    Ok(())
}

/// Changes the level of the running logger.
pub fn set_level(level: LevelFilter) {
    log::set_max_level(level);
}

/// Lines for people, or for the journal. Built for every level: `log`'s own maximum decides, and can change.
fn text(out: impl Write + Send + 'static, journal: bool) -> Box<dyn SharedLogger> {
    let mut config = ConfigBuilder::new();
    config
        .set_time_format_rfc3339()
        .set_level_padding(LevelPadding::Right)
        .set_thread_level(LevelFilter::Error)
        .set_thread_mode(ThreadLogMode::Names)
        .set_target_level(LevelFilter::Debug)
        .set_location_level(LevelFilter::Off);
    if journal {
        config
            .set_time_level(LevelFilter::Off)
            .set_max_level(LevelFilter::Off);
    }
    let lines = Lines::new(out, journal);
    let writer = WriteLogger::new(LevelFilter::Trace, config.build(), lines);
    Box::new(Fold::around(writer))
}

/// One JSON object a line.
fn json(out: impl Write + Send + 'static) -> Box<dyn SharedLogger> {
    Box::new(Json::new(Lines::new(out, false)))
}

/// Whether a line comes from a crate whose lines are left out.
fn is_guest(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    GUESTS.contains(&name)
}

/// Whether what is written to standard error goes to the journal. The variable alone does not say so: it is inherited,
/// also by a process whose standard error goes elsewhere.
fn stderr_is_the_journal() -> bool {
    let named = process_variable("JOURNAL_STREAM");
    let Some((device, inode)) = named
        .as_deref()
        .and_then(|named| named.to_str()?.split_once(':'))
    else {
        return false;
    };
    let Ok(here) = rustix::fs::fstat(io::stderr()) else {
        return false;
    };
    device.parse() == Ok(here.st_dev) && inode.parse() == Ok(here.st_ino)
}

#[cfg(test)]
mod tests;
