//! The body of a request: how it is delimited, and how it is read within bounds.

use std::io::{ErrorKind, Read};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tiny_http::Request;

use super::doorway::{Doorway, TakenBytes};
use super::exchange::{header, is_upgrade};
use super::problem::ApiError;

/// Up to this length a body that is too large is read and thrown away, so that its sender gets an answer and keeps its
/// connection.
pub const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What bounds the reading of a body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// BODYMAX: largest body, in bytes.
    pub body_max: usize,
    /// How long a body may take to come.
    pub time: Duration,
}

/// A body that was read whole.
#[derive(Debug, Default)]
pub struct Body {
    bytes: Vec<u8>,
    taken: Vec<TakenBytes>,
}

impl Deref for Body {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// How the body is delimited.
pub struct Framing {
    /// Its declared length.
    pub length: Option<usize>,
    has_body: bool,
    /// Why the request is refused once its body is out of the way.
    pub complaint: Option<ApiError>,
}

impl Framing {
    /// How the body of `request` is delimited.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let headers = request.headers();
        let count = |name| headers.iter().filter(|h| h.field.equiv(name)).count();
        let length = request.body_length();
        let lengths = count("Content-Length");
        let coding = header(headers, "Transfer-Encoding");
        let complaint = match coding {
            Some(coding) if !coding.eq_ignore_ascii_case("chunked") => {
                Some(ApiError::NotImplemented(
                    "the only transfer coding that is done is `chunked`".to_owned(),
                ))
            }
            Some(_) if lengths > 0 || is_upgrade(headers) => Some(ApiError::Malformed(
                "Transfer-Encoding goes neither with Content-Length nor with an upgrade".to_owned(),
            )),
            None if lengths > 1 || (lengths == 1 && length.is_none()) => Some(ApiError::Malformed(
                "exactly one Content-Length, a number, is expected".to_owned(),
            )),
            _ => None,
        };
        Self {
            length,
            // With an upgrade tiny_http's reader is the bare connection, which has no end of its own.
            has_body: length.is_some_and(|n| n > 0) || (coding.is_some() && !is_upgrade(headers)),
            complaint,
        }
    }
}

/// How the reading of a body ended.
pub enum End {
    /// At its end, or with the end of the connection.
    Whole,
    /// Beyond what is read even to be thrown away.
    TooLong,
    /// With the time that it had.
    TooSlow,
    /// It cannot be read any further.
    Broken(String),
}

/// A body that is being read.
pub struct Reading {
    /// What was read and kept.
    pub body: Body,
    /// How much was read, in bytes.
    pub seen: usize,
    max: usize,
    /// Whether it was thrown away because other bodies took the memory.
    pub no_memory: bool,
}

impl Reading {
    /// A body of which at most `max` bytes are kept.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            body: Body::default(),
            seen: 0,
            max,
            no_memory: false,
        }
    }

    /// Reads to the end of the body. What exceeds a bound is read and thrown away.
    pub fn run(
        &mut self,
        from: &mut dyn Read,
        framing: &Framing,
        deadline: Instant,
        doorway: &Arc<Doorway>,
    ) -> End {
        if !framing.has_body {
            return End::Whole;
        }
        let mut piece = vec![0; framing.length.unwrap_or(usize::MAX).min(64 * 1024)];
        while framing.length.is_none_or(|length| self.seen < length) {
            let left = framing.length.map_or(usize::MAX, |n| n - self.seen);
            let room = left.min(piece.len());
            let read = match from.read(&mut piece[..room]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(err) if err.kind() == ErrorKind::Interrupted => continue,
                Err(err) => return End::Broken(err.to_string()),
            };
            self.seen += read;
            self.keep(&piece[..read], doorway);
            if self.seen > DRAINED_BYTES_MAX.max(self.max) {
                return End::TooLong;
            }
            if Instant::now() > deadline && framing.length != Some(self.seen) {
                return End::TooSlow;
            }
        }
        End::Whole
    }

    fn keep(&mut self, piece: &[u8], doorway: &Arc<Doorway>) {
        if self.seen > self.max || self.no_memory {
            self.body = Body::default();
            return;
        }
        match doorway.take_bytes(piece.len()) {
            Some(taken) => {
                self.body.taken.push(taken);
                self.body.bytes.extend_from_slice(piece);
            }
            None => self.no_memory = true,
        }
    }
}
