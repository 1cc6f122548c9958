//! What every client command begins with (the daemon's address, the screen) and ends with (an exit code).

use std::fmt;
use std::io;

use clap::Args;
use serde::Serialize;

use super::client::address::{Address, NoAddress};
use super::client::trouble::Trouble;
use super::client::{Answer, Asked, Client};
use super::terminal::{self, Screen, json, text};
use super::{Exit, complain};
use crate::config::{Problems, Sources};

/// How the daemon is asked; the same for every client command.
#[derive(Debug, Clone, Args)]
pub(super) struct Asking {
    /// Ask the daemon at this address (host:port, or a URL) instead of at APIADDR.
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        help_heading = "Options of every client command"
    )]
    addr: Option<String>,
    /// Print the API's own documents, each on one line, for programs.
    #[arg(long, global = true, help_heading = "Options of every client command")]
    json: bool,
}

/// A command under way.
pub(super) struct Session {
    /// The way to the daemon.
    pub client: Client,
    /// Where its answers are shown.
    pub screen: Screen,
    /// Whether documents are printed as they came.
    pub json: bool,
}

/// Why a command stops before its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// The daemon does not answer, or says no.
    Trouble(Trouble),
    /// Whoever read the output has gone, as `head` does once it has enough.
    ReaderGone,
    /// The output cannot be written.
    Unwritable(io::Error),
    /// The command line makes no sense, though its words do.
    Usage(String),
    /// The settings are wrong.
    Configuration(Problems),
    /// Anything else, in words.
    Failed(String),
}

/// Runs a client command to its end.
pub(super) fn run(
    asking: &Asking,
    sources: &Sources,
    command: impl FnOnce(&Session) -> Result<Exit, Halt>,
) -> Exit {
    Session::open(asking, sources)
        .and_then(|session| command(&session))
        .unwrap_or_else(Halt::told)
}

impl Session {
    fn open(asking: &Asking, sources: &Sources) -> Result<Self, Halt> {
        let address = Address::find(asking.addr.as_deref(), sources)?;
        Ok(Self {
            client: Client::new(address).map_err(Halt::Failed)?,
            screen: Screen::of_process(),
            json: asking.json,
        })
    }

    /// Asks the daemon, and prints its document or, for people, what `show` makes of it.
    pub fn show(
        &self,
        asked: &Asked<'_>,
        show: impl FnOnce(&Answer) -> Result<String, Halt>,
    ) -> Result<Exit, Halt> {
        let answer = self.client.ask(asked)?;
        self.shown(&answer, show)?;
        Ok(Exit::Fine)
    }

    /// Prints a document or, for people, what `show` makes of it.
    pub fn shown(
        &self,
        answer: &Answer,
        show: impl FnOnce(&Answer) -> Result<String, Halt>,
    ) -> Result<(), Halt> {
        if self.json {
            self.document(&answer.text)
        } else {
            self.print(&show(answer)?)
        }
    }

    /// Prints a document on one line.
    pub fn document(&self, document: &str) -> Result<(), Halt> {
        let mut line = json::one_line(document);
        if self.screen.is_terminal() {
            line = text::json(&line).into_owned();
        }
        line.push('\n');
        self.print(&line)
    }

    /// Prints a document of our own.
    pub fn say(&self, document: &impl Serialize) -> Result<(), Halt> {
        let text = serde_json::to_string(document);
        self.document(&text.map_err(|err| Halt::Failed(err.to_string()))?)
    }

    /// Prints text for people.
    pub fn print(&self, text: &str) -> Result<(), Halt> {
        terminal::write_out(text).map_err(|err| match err.kind() {
            io::ErrorKind::BrokenPipe => Halt::ReaderGone,
            _ => Halt::Unwritable(err),
        })
    }
}

/// Says on standard error what is worth knowing beside the answer.
pub(super) fn note(what: &dyn fmt::Display) {
    complain(what);
}

impl Halt {
    /// Says why, and ends.
    pub fn told(self) -> Exit {
        match self {
            Self::ReaderGone => return Exit::Fine,
            Self::Trouble(trouble) => complain(&trouble),
            Self::Unwritable(err) => {
                complain(&format_args!("cannot write to standard output: {err}"));
            }
            Self::Failed(what) => complain(&what),
            Self::Usage(what) => {
                complain(&what);
                return Exit::Usage;
            }
            Self::Configuration(problems) => {
                complain(&problems);
                return Exit::Configuration;
            }
        }
        Exit::Failed
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<NoAddress> for Halt {
    fn from(err: NoAddress) -> Self {
        match err {
            NoAddress::Useless(what) => Self::Usage(what),
            NoAddress::Wrong(problems) => Self::Configuration(problems),
        }
    }
}
