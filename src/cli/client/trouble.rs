//! Why there is no answer, or one that says no; in words that say what to do next.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::{Error, Timeout};

use super::address::Address;
use crate::cli::terminal::text;
use crate::job::duration::written;

/// Most columns of what is said of one wrong field.
const DETAIL_MAX: usize = 400;

/// Why a request did not do what it should.
#[derive(Debug)]
pub(in crate::cli) enum Trouble {
    /// Nobody is there; nothing was sent.
    Unreachable { address: Address, why: String },
    /// It was sent, and no answer came in time.
    Late { base: String, patience: Duration },
    /// It was sent, as a whole or in part, and the connection broke.
    Broken { base: String, why: String },
    /// What answers is no daemon, or one that we do not understand.
    Strange { base: String, what: String },
    /// The daemon says no.
    Refused(Box<Refusal>),
}

/// A problem document, and what came with it.
#[derive(Debug)]
pub(in crate::cli) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The document as it came.
    pub text: String,
    /// What it says.
    pub problem: Problem,
    /// After how long the daemon wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// What a problem document says.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Problem {
    /// Its stable name.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    #[serde(default)]
    pub detail: String,
    /// The wrong fields.
    #[serde(default)]
    pub errors: Vec<Pointed>,
}

/// One wrong field.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Pointed {
    /// Where it stands in what was sent (JSON Pointer).
    pub pointer: String,
    pub detail: String,
}

impl Trouble {
    /// What ureq's errors mean for who asked.
    pub(super) fn of(err: Error, address: &Address, patience: Duration) -> Self {
        let unreachable = |why: &str| Self::Unreachable {
            address: address.clone(),
            why: why.to_owned(),
        };
        let base = address.base.clone();
        match err {
            Error::HostNotFound => unreachable("the name is not known"),
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                unreachable("no answer from there")
            }
            Error::ConnectionFailed => unreachable("no connection"),
            Error::Timeout(_) => Self::Late { base, patience },
            Error::Io(err) if is_before_sending(err.kind()) => unreachable(&plain(&err)),
            Error::Io(err) => Self::Broken {
                base,
                why: plain(&err),
            },
            Error::Tls(why) => unreachable(why),
            Error::Rustls(why) => unreachable(&why.to_string()),
            err => Self::strange(&base, err.to_string(), ""),
        }
    }

    /// An answer that no daemon of ours gives.
    pub(super) fn strange(base: &str, what: impl Into<String>, body: &str) -> Self {
        let mut what = what.into();
        if let Some(first) = body.lines().find(|line| !line.trim().is_empty()) {
            what.push_str(": ");
            what.push_str(&text::cut(&text::one_line(first.trim()), 100));
        }
        Self::Strange {
            base: base.to_owned(),
            what,
        }
    }

    /// The daemon's own refusal, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether it is open if the request did what it should.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Late { .. } | Self::Broken { .. } => true,
            Self::Refused(refusal) => refusal.problem.kind == "urn:windlass:outcome-unknown",
            Self::Unreachable { .. } | Self::Strange { .. } => false,
        }
    }

    /// Whether the same request may do better in a while.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } | Self::Broken { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 503),
            Self::Strange { .. } => false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, why } => write!(
                f,
                "no daemon answers at {} ({why})\n  \
                 is it running? `systemctl status windlass` tells, `windlass dev` starts one for trying things out\n  \
                 is it elsewhere? that address is from: {}; set APIADDR, or give --addr HOST:PORT",
                address.base, address.source
            ),
            Self::Late { base, patience } => write!(
                f,
                "the daemon at {base} took the request and did not answer within {}\n  \
                 `curl {base}/readyz` tells what it misses; its log says more",
                written(*patience)
            ),
            Self::Broken { base, why } => write!(
                f,
                "the connection to the daemon at {base} broke before it answered ({why})\n  \
                 was it stopped? `systemctl status windlass` tells"
            ),
            Self::Strange { base, what } => write!(
                f,
                "what answers at {base} does not speak as a daemon of this version does: {what}\n  \
                 is another server there, or one between? set APIADDR, or give --addr HOST:PORT"
            ),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl Refusal {
    /// Reads a problem document; gives the text back if it is none.
    pub(super) fn read(
        status: u16,
        text: String,
        retry_after: Option<Duration>,
    ) -> Result<Self, String> {
        match serde_json::from_str(&text) {
            Ok(problem) => Ok(Self {
                status,
                text,
                problem,
                retry_after,
            }),
            Err(_) => Err(text),
        }
    }
}

impl fmt::Display for Refusal {
    /// The reason, and every wrong field on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            title,
            detail,
            errors,
            ..
        } = &self.problem;
        f.write_str(&text::one_line(title))?;
        // Of wrong fields, the detail is only their beginning once more.
        if !errors
            .first()
            .is_some_and(|first| detail.contains(&first.detail))
        {
            write!(f, ": {}", text::one_line(detail))?;
        }
        write!(f, " ({})", self.status)?;
        errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl fmt::Display for Pointed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", text::one_line(&self.pointer))?;
        }
        // Some quote what was sent, which may be long.
        f.write_str(&text::cut(&text::one_line(&self.detail), DETAIL_MAX))
    }
}

/// Whether nothing can have been sent before such an error.
fn is_before_sending(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    )
}

/// The system's words without its number.
fn plain(err: &std::io::Error) -> String {
    let text = err.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Refusal {
        Refusal::read(422, text.to_owned(), None).expect("a problem document")
    }

    #[test]
    fn a_refusal_shows_every_wrong_field_once() {
        let shown = refusal(
            r#"{"type":"urn:windlass:invalid","title":"Some fields are wrong","status":422,
                "detail":"/payload/to: is missing; /tags/0: is empty",
                "errors":[{"pointer":"/payload/to","detail":"is missing"},{"pointer":"/tags/0","detail":"is \u001b empty"}]}"#,
        );
        assert_eq!(
            shown.to_string(),
            "Some fields are wrong (422)\n  /payload/to: is missing\n  /tags/0: is \\u001b empty"
        );
        let shown = refusal(r#"{"type":"x","title":"Not found","detail":"there is no job 1"}"#);
        assert_eq!(shown.to_string(), "Not found: there is no job 1 (422)");
        assert!(Refusal::read(502, "<html>".to_owned(), None).is_err());
    }

    #[test]
    fn whoever_finds_nobody_is_told_where_the_address_came_from() {
        let address = Address {
            base: "http://127.0.0.1:1".to_owned(),
            source: "APIADDR in the environment".to_owned(),
        };
        let refused = std::io::Error::from_raw_os_error(111);
        let trouble = Trouble::of(Error::Io(refused), &address, Duration::from_secs(1));
        assert!(!trouble.is_unknown() && trouble.may_pass());
        let text = trouble.to_string();
        for part in [
            "http://127.0.0.1:1 (connection refused)",
            "APIADDR in the environment",
            "systemctl status windlass",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_told_from_what_was_refused() {
        let unknown = r#"{"type":"urn:windlass:outcome-unknown","title":"t","detail":"d"}"#;
        let mut refusal = refusal(unknown);
        refusal.status = 503;
        let trouble = Trouble::Refused(Box::new(refusal));
        assert!(trouble.is_unknown() && trouble.may_pass());
        let trouble = Trouble::strange("http://x", "502 Bad Gateway", "\n<html>\x1b\n");
        assert!(!trouble.may_pass());
        assert!(
            trouble
                .to_string()
                .contains("502 Bad Gateway: <html>\\u001b"),
            "{trouble}"
        );
    }
}
