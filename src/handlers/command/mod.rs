//! `[[type]]` with `command`: a job's payload goes to a program, and what the program says comes back.
//!
//! ```text
//!   payload ──stdin──▶ program ──stdout──▶ result
//!                         │ └────stderr──▶ the attempt's log
//!                         ▼
//!              exit code or signal ──▶ success, retry, or the end
//! ```
//!
//! The words of the command line are fixed by the operator; nothing of a job gets into them, and no shell reads them. The
//! program leads a [`group`] of its own, which ends with it: at the deadline, when the job is cancelled, when it says
//! too much, and also when the program itself has ended and left something behind. What leaves the group (`setsid`) is
//! not waited for; it loses the pipes.

mod group;
mod talk;
#[cfg(test)]
mod tests;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};
use std::time::Instant;

use serde_json::value::{RawValue, to_raw_value};

use super::{Context, Failure, described};
use crate::clock::{Clock, SystemClock};
use group::Group;
use talk::{Cut, GRACE, Said};

/// The environment of every program, beside what it is told of its job.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("LANG", "C.UTF-8"),
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
];

/// EX_DATAERR of sysexits.h: the payload is wrong, and will be wrong next time.
const FOR_GOOD: i32 = 65;

/// Runs a program.
pub(super) struct Command {
    argv: Vec<String>,
    directory: PathBuf,
    result_max: usize,
    clock: SystemClock,
}

impl Command {
    /// Runs `argv` in `directory`; at most `result_max` bytes of its output are taken.
    pub(super) fn new(argv: &[String], directory: &Path, result_max: usize) -> Self {
        Self {
            argv: argv.to_vec(),
            directory: directory.to_owned(),
            result_max,
            clock: SystemClock,
        }
    }

    /// Runs the program once, to its end or the attempt's.
    pub(super) fn run(
        &self,
        payload: &RawValue,
        context: &Context,
    ) -> Result<Box<RawValue>, Failure> {
        let limit = context.remaining();
        // The group is gone by the deadline: an attempt that ends later costs the daemon a thread.
        let grace = GRACE.min(limit / 10);
        let until = Instant::now() + limit.saturating_sub(grace);
        let (group, pipes) = Group::start(self.prepare(context, until))
            .map_err(|err| Failure::retry(format!("{} cannot be started: {err}", self.name())))?;
        let limits = talk::Limits {
            until,
            grace,
            // And a line break at its end.
            stdout_max: self.result_max.saturating_add(2),
        };
        let said = talk::talk(group, pipes, payload.get().as_bytes(), &limits, context)
            .map_err(|err| Failure::retry(format!("{} cannot be heard: {err}", self.name())))?;
        match said.end {
            Ok(status) => self.judge(status, &said),
            Err(Cut::Cancelled) => Err(Failure::cancelled()),
            Err(Cut::Deadline) => Err(described::timeout(limit)),
            Err(Cut::TooMuch) => Err(Failure::permanent(format!(
                "{} wrote more than {} bytes (RESULTMAX) to its standard output; let it write large results to a \
                 file, and its messages to standard error",
                self.name(),
                self.result_max
            ))),
        }
    }

    fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    fn prepare(&self, context: &Context, until: Instant) -> process::Command {
        let left = until.saturating_duration_since(Instant::now());
        let deadline = (self.clock.now() + left).as_micros() / 1_000_000;
        let mut command = process::Command::new(self.name());
        command
            .args(self.argv.iter().skip(1))
            .current_dir(&self.directory)
            .env_clear()
            .envs(ENVIRONMENT)
            .env("WINDLASS_JOB_ID", context.id().to_string())
            .env("WINDLASS_ATTEMPT", context.attempt().to_string())
            .env("WINDLASS_DEADLINE", deadline.to_string());
        command
    }

    fn judge(&self, status: ExitStatus, said: &Said) -> Result<Box<RawValue>, Failure> {
        let name = self.name();
        let last = match said.last_line.as_str() {
            "" => String::new(),
            line => format!(": {line}"),
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => result(&said.stdout),
            (Some(FOR_GOOD), _) => Err(Failure::permanent(format!(
                "{name} ended with exit code {FOR_GOOD}, which means for good{last}"
            ))),
            (Some(code), _) => Err(Failure::retry(format!(
                "{name} ended with exit code {code}{last}"
            ))),
            (None, Some(signal)) => Err(Failure::retry(format!(
                "{name} was killed by signal {signal} ({}){last}",
                signal_name(signal)
            ))),
            (None, None) => Err(Failure::retry(format!("{name} ended: {status}{last}"))),
        }
    }
}

/// The result in an output: JSON as it is, nothing as null, and any other text as a JSON string without the line break at
/// its end, since it is the exit code that tells success.
fn result(stdout: &[u8]) -> Result<Box<RawValue>, Failure> {
    let text = String::from_utf8_lossy(stdout);
    let made = if text.trim().is_empty() {
        to_raw_value(&())
    } else if let Some(json) = described::json(&text) {
        Ok(json)
    } else {
        to_raw_value(text.trim_end_matches(['\n', '\r']))
    };
    made.map_err(|err| Failure::permanent(format!("the output cannot be written as JSON: {err}")))
}

/// The usual name of a signal on Linux.
fn signal_name(signal: i32) -> &'static str {
    const NAMES: [&str; 32] = [
        "?", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
        "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
        "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    usize::try_from(signal)
        .ok()
        .and_then(|signal| NAMES.get(signal))
        .copied()
        .unwrap_or("a real-time signal")
}
