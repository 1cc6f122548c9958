//! The conversation with a program: feeds it, hears it out, and ends it when its time is up. Never waits for anything
//! but a moment, so that nothing a program does or leaves behind can hold the worker.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use super::group::{Group, Pipes};
use crate::handlers::Context;
use crate::job::{Attempt, fit};

/// The longest time between TERM and KILL: enough to put a file away, and less than a stopping daemon waits.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How often a silent program's job is asked whether it was cancelled.
const SLICE: Duration = Duration::from_millis(100);

/// How long a killed leader may take to be gone; then the worker leaves it to others.
const GONE: Duration = Duration::from_millis(200);

/// How long the pipes of an ended program are emptied. Only a process that left the group can hold them open.
const EMPTYING: Duration = Duration::from_millis(500);

/// Most bytes of an error message's last line.
const LAST_LINE_MAX: usize = 500;

/// What holds for one run.
pub(super) struct Limits {
    /// When the group is told to end.
    pub until: Instant,
    /// How long is left then until the deadline, by which it is killed.
    pub grace: Duration,
    /// Most bytes of standard output.
    pub stdout_max: usize,
}

/// Why a program was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Cancelled,
    Deadline,
    TooMuch,
}

/// What came of it.
pub(super) struct Said {
    /// How it ended, or why it was ended; whatever it answered to that does not count.
    pub end: Result<ExitStatus, Cut>,
    pub stdout: Vec<u8>,
    /// The last line of its standard error that was not empty.
    pub last_line: String,
}

/// Talks with a program to its end.
///
/// # Errors
///
/// The system's; the group has been killed.
pub(super) fn talk(
    group: Group,
    pipes: Pipes,
    payload: &[u8],
    limits: &Limits,
    context: &Context,
) -> io::Result<Said> {
    let mut talk = Talk {
        pipes,
        payload,
        limits,
        context,
        stdout: Vec::new(),
        errors: Lines::default(),
        cut: None,
        told: false,
        kill_at: None,
    };
    let status = if talk.until_exit(&group)? {
        Some(group.reap()?)
    } else {
        None
    };
    talk.empty()?;
    let Talk {
        cut,
        stdout,
        mut errors,
        ..
    } = talk;
    errors.flush(context);
    let end = match (cut, status) {
        (Some(cut), _) => Err(cut),
        (None, Some(status)) => Ok(status),
        // Only what was told to end is ever given up.
        (None, None) => Err(Cut::Deadline),
    };
    Ok(Said {
        end,
        stdout,
        last_line: errors.last,
    })
}

struct Talk<'t> {
    pipes: Pipes,
    /// What is yet to be fed.
    payload: &'t [u8],
    limits: &'t Limits,
    context: &'t Context,
    stdout: Vec<u8>,
    errors: Lines,
    cut: Option<Cut>,
    /// Whether the group was told to end.
    told: bool,
    kill_at: Option<Instant>,
}

/// What is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    Exit,
    Stdin,
    Stdout,
    Stderr,
}

impl Talk<'_> {
    /// Talks until the leader has ended; false if it was killed and does not end.
    fn until_exit(&mut self, group: &Group) -> io::Result<bool> {
        let mut gone_by = None;
        loop {
            let now = Instant::now();
            self.cut_if_due(now, group);
            if self.kill_at.is_some_and(|at| now >= at) {
                self.kill_at = None;
                group.signal(Signal::KILL);
                gone_by = Some(now + GONE);
            }
            if gone_by.is_some_and(|by| now >= by) {
                return Ok(false);
            }
            let next = [Some(now + SLICE), self.kill_at, gone_by]
                .into_iter()
                .flatten()
                .chain(self.cut.is_none().then_some(self.limits.until))
                .min()
                .unwrap_or(now);
            let ready = self.wait(next, true)?;
            self.serve(&ready);
            if ready.contains(&Ready::Exit) {
                return Ok(true);
            }
        }
    }

    /// Tells the group to end once there is a reason.
    fn cut_if_due(&mut self, now: Instant, group: &Group) {
        if self.cut.is_none() {
            self.cut = if self.context.cancelled() {
                Some(Cut::Cancelled)
            } else if now >= self.limits.until {
                Some(Cut::Deadline)
            } else {
                None
            };
        }
        if self.cut.is_some() && !self.told {
            self.told = true;
            group.signal(Signal::TERM);
            // Killed before the deadline, whatever the reason is: that takes a moment, too.
            let last = self.limits.until + self.limits.grace * 3 / 4;
            self.kill_at = Some(last.min(now + GRACE));
        }
    }

    /// Takes what an ended program left in its pipes.
    fn empty(&mut self) -> io::Result<()> {
        self.pipes.stdin = None;
        let by = (Instant::now() + EMPTYING).min(self.limits.until + self.limits.grace);
        while self.pipes.stdout.is_some() || self.pipes.stderr.is_some() {
            let ready = self.wait(by, false)?;
            if ready.is_empty() && Instant::now() >= by {
                break;
            }
            self.serve(&ready);
        }
        Ok(())
    }

    /// Waits until something is ready, at most until `by`.
    fn wait(&self, by: Instant, for_exit: bool) -> io::Result<Vec<Ready>> {
        let Pipes {
            stdin,
            stdout,
            stderr,
            exit,
        } = &self.pipes;
        let mut asked = Vec::with_capacity(4);
        if for_exit {
            asked.push((Ready::Exit, PollFd::new(exit, PollFlags::IN)));
        }
        if let Some(pipe) = stdin {
            asked.push((Ready::Stdin, PollFd::new(pipe, PollFlags::OUT)));
        }
        if let Some(pipe) = stdout {
            asked.push((Ready::Stdout, PollFd::new(pipe, PollFlags::IN)));
        }
        if let Some(pipe) = stderr {
            asked.push((Ready::Stderr, PollFd::new(pipe, PollFlags::IN)));
        }
        let (whose, mut fds): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let left = by.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
        Ok(whose
            .into_iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(ready, _)| ready)
            .collect())
    }

    fn serve(&mut self, ready: &[Ready]) {
        for ready in ready {
            match ready {
                Ready::Exit => {}
                Ready::Stdin => self.feed(),
                Ready::Stdout => self.hear_output(),
                Ready::Stderr => {
                    let (errors, context) = (&mut self.errors, self.context);
                    hear(&mut self.pipes.stderr, |bytes| errors.take(bytes, context));
                }
            }
        }
    }

    fn feed(&mut self) {
        let Some(stdin) = &mut self.pipes.stdin else {
            return;
        };
        match stdin.write(self.payload) {
            Ok(fed) => self.payload = &self.payload[fed..],
            Err(err) if is_for_now(&err) => {}
            // A program need not read its payload.
            Err(_) => self.payload = &[],
        }
        if self.payload.is_empty() {
            self.pipes.stdin = None;
        }
    }

    fn hear_output(&mut self) {
        let (stdout, cut, max) = (&mut self.stdout, &mut self.cut, self.limits.stdout_max);
        hear(&mut self.pipes.stdout, |bytes| {
            if cut.is_some() {
                // Nobody will read it; it is taken all the same, so that the program can go on to its end.
            } else if stdout.len() + bytes.len() > max {
                *cut = Some(Cut::TooMuch);
            } else {
                stdout.extend_from_slice(bytes);
            }
        });
    }
}

/// Hears what a pipe has to say now; one that has come to its end is closed.
fn hear(pipe: &mut Option<impl Read>, take: impl FnOnce(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    let Some(open) = pipe else {
        return;
    };
    match open.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(heard) => take(&buffer[..heard]),
        Err(err) if is_for_now(&err) => {}
        Err(_) => *pipe = None,
    }
}

fn is_for_now(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Cuts what a program says into the lines of the log.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    last: String,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], context: &Context) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // No log holds a longer line; the rest of it is dropped.
            let room = Attempt::LOG_BYTES_MAX.saturating_sub(self.partial.len());
            self.partial
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.flush(context);
            }
        }
    }

    fn flush(&mut self, context: &Context) {
        let line = String::from_utf8_lossy(&self.partial);
        let line = line.trim_end();
        if !line.is_empty() {
            context.log(line);
            self.last = fit(line, LAST_LINE_MAX);
        }
        self.partial.clear();
    }
}
