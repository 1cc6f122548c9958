//! One request and its answer: read whole, answered once.
//!
//! # What tiny_http makes necessary
//!
//! - A request whose body was not read to its end must not be dropped: tiny_http then allocates the rest at once, which
//!   aborts the process when a client declares a huge Content-Length. So a body is read to its end before anything else
//!   is done, within [`Limits`]; where it cannot be (it is too long even to be thrown away, or comes too slowly), the
//!   answer asks the client to close, and the connection's reader is given up, not dropped: that costs a thread and
//!   two descriptors until the process ends.
//! - A read cannot be interrupted. A client that declares a body and then sends nothing holds one of the extra threads
//!   (see [`super::doorway`]) until its connection ends; one that drips is told 408.
//!
//! Both remain until connections are ours from the first byte on.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tiny_http::{HTTPVersion, Header, Method, Request, Response, StatusCode};

use super::answer::{After, Answer};
use super::body::{Body, DRAINED_BYTES_MAX, End, Framing, Limits, Reading};
use super::doorway::Doorway;
use super::problem::ApiError;

/// Up to this length tiny_http itself reads a body before it hands out the request.
const READY_BYTES: usize = 1024;

/// Answers larger than this are not written on a thread that others wait for.
const LARGE_ANSWER_BYTES: usize = 64 * 1024;

/// One request and the duty to answer it. Dropping it without an answer answers 500.
#[derive(Debug)]
pub struct Exchange {
    request: Option<Request>,
    doorway: Arc<Doorway>,
    id: String,
    /// Whether dropping the request is harmless: nothing of its body is left to be read.
    is_read: bool,
}

impl Exchange {
    /// Takes charge of a request.
    #[must_use]
    pub fn new(request: Request, doorway: Arc<Doorway>) -> Self {
        let id = request_id(&request);
        Self {
            is_read: is_ready(&request),
            request: Some(request),
            doorway,
            id,
        }
    }

    /// The other end of the connection.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.request.as_ref().and_then(|r| r.remote_addr().copied())
    }

    /// The request itself.
    ///
    /// # Panics
    ///
    /// Never while the exchange can be held: only answering, which consumes it, takes the request out.
    #[must_use]
    pub fn request(&self) -> &Request {
        self.request
            .as_ref()
            .expect("a request that has yet to be answered")
    }

    /// Whether reading the body may take a while, and so belongs on an extra thread.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        !self.is_read
    }

    /// Where extra threads are to be had.
    #[must_use]
    pub fn doorway(&self) -> &Arc<Doorway> {
        &self.doorway
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// The refusal to answer with; [`Exchange::answer`] then deals with what could not be read.
    pub fn read_body(&mut self, limits: Limits) -> Result<Body, ApiError> {
        let Some(request) = self.request.as_mut() else {
            return Ok(Body::default());
        };
        let framing = Framing::of(request);
        let too_large = || {
            ApiError::TooLarge(
                format!(
                    "the body is larger than {} bytes (BODYMAX); send it in several requests",
                    limits.body_max
                ),
                Vec::new(),
            )
        };
        let declared = framing.length.unwrap_or(0);
        // Who asks whether to send a body is told no before it is sent.
        let asks = header(request.headers(), "Expect").is_some();
        if declared > DRAINED_BYTES_MAX.max(limits.body_max) || (asks && declared > limits.body_max)
        {
            return Err(too_large());
        }
        let deadline = Instant::now() + limits.time;
        let mut reading = Reading::new(limits.body_max);
        let end = reading.run(request.as_reader(), &framing, deadline, &self.doorway);
        // Where the client has gone or sends what is no body, there is nothing left that reading on would help.
        self.is_read = matches!(end, End::Whole | End::Broken(_));
        match end {
            End::Whole if reading.seen <= limits.body_max => {}
            End::Whole | End::TooLong => return Err(too_large()),
            End::TooSlow => {
                let detail = format!("the body did not come within {:?}", limits.time);
                return Err(ApiError::TooSlow(detail));
            }
            End::Broken(reason) => {
                return Err(ApiError::Malformed(format!(
                    "the body cannot be read: {reason}"
                )));
            }
        }
        if let Some(complaint) = framing.complaint {
            return Err(complaint);
        }
        if reading.no_memory {
            return Err(ApiError::Busy(
                "too many large bodies at once; try again".to_owned(),
            ));
        }
        match framing.length {
            Some(length) if length != reading.seen => Err(ApiError::Malformed(format!(
                "the body ended after {} of {length} bytes",
                reading.seen
            ))),
            _ => Ok(reading.body),
        }
    }

    /// Sends the answer. A large one goes out on an extra thread, so that nobody else waits for a slow reader.
    pub fn answer(self, answer: Answer) {
        if answer.body.len() <= LARGE_ANSWER_BYTES || !self.doorway.has_room() {
            return self.answer_here(&answer);
        }
        let doorway = Arc::clone(&self.doorway);
        doorway.aside(move || self.answer_here(&answer));
    }

    /// Answers with a refusal.
    pub fn refuse(self, error: &ApiError) {
        match error {
            ApiError::Internal(_) => log::error!("request {}: {error}", self.id),
            ApiError::OutcomeUnknown(..) | ApiError::Unanswered(_) => {
                log::warn!("request {}: {error}", self.id);
            }
            _ => log::debug!("request {}: {error}", self.id),
        }
        self.answer(error.answer());
    }

    fn answer_here(mut self, answer: &Answer) {
        self.send(answer);
    }

    fn send(&mut self, answer: &Answer) {
        let Some(request) = self.request.take() else {
            return;
        };
        let peer = request.remote_addr().copied();
        if self.is_read {
            let head_only = *request.method() == Method::Head;
            let bytes = answer.bytes(&self.id, head_only, after(&request));
            let mut writer = request.into_writer();
            // A client that has gone needs no answer.
            writer.write_all(&bytes).and_then(|()| writer.flush()).ok();
        } else {
            give_up(request, answer, &self.id);
        }
        if let Some(peer) = peer {
            self.doorway.leave(peer);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.request.is_some() {
            let error = ApiError::Internal("a request was dropped without an answer".to_owned());
            log::error!("request {}: {error}", self.id);
            self.send(&error.answer());
        }
    }
}

/// Answers a request whose body cannot be read to its end, and asks the client to close the connection.
///
/// `upgrade` is the only way to a request's writer that leaves its reader alone. It writes an interim answer first, which
/// clients pass over: 100 (or 102 for those who wait for a 100 before they send).
fn give_up(request: Request, answer: &Answer, id: &str) {
    let rest = request.body_length().unwrap_or(usize::MAX);
    let asks = header(request.headers(), "Expect").is_some();
    let interim = if asks { 102 } else { 100 };
    let head_only = *request.method() == Method::Head;
    let bytes = answer.bytes(id, head_only, After::Close);
    let mut stream = request.upgrade("close", Response::empty(StatusCode(interim)));
    stream.write_all(&bytes).and_then(|()| stream.flush()).ok();
    if rest > DRAINED_BYTES_MAX {
        log::warn!("request {id}: its body is too long to be read; its connection is given up");
        std::mem::forget(stream);
    }
    // Otherwise dropping the stream reads what the client still sends, until it closes.
}

/// The value of a header, if it is there.
#[must_use]
pub fn header<'a>(headers: &'a [Header], name: &'static str) -> Option<&'a str> {
    headers
        .iter()
        .find(|h| h.field.equiv(name))
        .map(|h| h.value.as_str())
}

/// Whether nothing of the body is left to be read from the connection.
fn is_ready(request: &Request) -> bool {
    let headers = request.headers();
    let waits = header(headers, "Expect").is_some() || is_upgrade(headers);
    match request.body_length() {
        _ if header(headers, "Transfer-Encoding").is_some() => false,
        Some(length) => length == 0 || (length <= READY_BYTES && !waits),
        None => true,
    }
}

/// Whether the client offers another protocol, with which tiny_http hands out the bare connection.
#[must_use]
pub fn is_upgrade(headers: &[Header]) -> bool {
    header(headers, "Connection").is_some_and(|v| v.to_ascii_lowercase().contains("upgrade"))
}

fn after(request: &Request) -> After {
    let connection = header(request.headers(), "Connection").map(str::to_ascii_lowercase);
    let says = |word| connection.as_ref().is_some_and(|c| c.contains(word));
    let old = *request.http_version() < HTTPVersion(1, 1);
    if says("close") || says("upgrade") || (old && !says("keep-alive")) {
        After::Close
    } else if old {
        After::StaySaid
    } else {
        After::Stay
    }
}

/// The client's request id if it sent a sane one, else a new one.
fn request_id(request: &Request) -> String {
    let is_sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
    };
    header(request.headers(), "X-Request-Id")
        .filter(is_sane)
        .map_or_else(|| format!("{:016x}", fastrand::u64(..)), str::to_owned)
}
