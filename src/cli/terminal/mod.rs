//! What the client commands show: text for people goes out through one [`Screen`], which knows whether a person looks.
//!
//! On a terminal there are colours (unless NO_COLOR or TERM=dumb), times are relative and tables keep to its width.
//! Elsewhere the same text comes plain and whole, with instants as the API gives them. In either case nothing that
//! a job brought (payloads, errors, logs, tags) reaches the output with its control characters: see [`text`].

pub(super) mod ask;
pub(super) mod json;
pub(super) mod table;
pub(super) mod text;
pub(super) mod when;

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Effects, Style};

use crate::clock::{Clock, SystemClock};
use crate::job::{State, Timestamp};

/// Columns of a terminal that does not tell how many it has.
const WIDTH_USUAL: usize = 80;

/// Standard output as its reader sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Columns of the terminal; `None` when it is none.
    width: Option<usize>,
    colour: bool,
    /// The present, where a test says it; `None`: what the clock says.
    now: Option<Timestamp>,
}

/// What a piece of text is, which says how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// Names columns and parts.
    Heading,
    /// Matters less than its neighbours.
    Faint,
    Good,
    Busy,
    Warning,
    Bad,
}

impl Screen {
    /// The screen of this process.
    pub fn of_process() -> Self {
        let out = io::stdout();
        Self {
            width: out.is_terminal().then(|| width_of(&out)),
            colour: anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never,
            now: None,
        }
    }

    /// Columns, when somebody looks at them.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether a person looks.
    pub fn is_terminal(&self) -> bool {
        self.width.is_some()
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(|| SystemClock.now())
    }

    /// `text` as it looks here.
    pub fn paint(&self, text: &str, look: Look) -> String {
        let style = look.style();
        if self.colour && !text.is_empty() && style != Style::new() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

impl Look {
    /// How a state of a job looks.
    pub fn of_state(state: &str) -> Self {
        match state.parse() {
            Ok(State::Succeeded) => Self::Good,
            Ok(State::Running) => Self::Busy,
            Ok(State::Retrying) => Self::Warning,
            Ok(State::Dead | State::Quarantined) => Self::Bad,
            Ok(State::Cancelled | State::Expired) => Self::Faint,
            Ok(State::Scheduled | State::Queued) | Err(_) => Self::Plain,
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().effects(Effects::BOLD),
            Self::Faint => Style::new().effects(Effects::DIMMED),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Busy => AnsiColor::Cyan.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// Writes to standard output, to the end.
pub(super) fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn width_of(out: &io::Stdout) -> usize {
    match rustix::termios::tcgetwinsize(out) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => WIDTH_USUAL,
    }
}

#[cfg(test)]
impl Screen {
    /// A terminal without colours, at this instant.
    pub fn plain(width: usize, now: Timestamp) -> Self {
        Self {
            width: Some(width),
            colour: false,
            now: Some(now),
        }
    }

    /// No terminal, as a pipe or a file.
    pub fn pipe() -> Self {
        Self {
            width: None,
            colour: false,
            now: Some(Timestamp::from_micros(0)),
        }
    }

    /// The same with colours.
    pub fn coloured(self) -> Self {
        Self {
            colour: true,
            ..self
        }
    }
}
