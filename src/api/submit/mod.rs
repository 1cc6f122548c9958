//! `POST /submit`: from a body to jobs in the queue.
//!
//! [`crate::job::draft`] reads one job, [`one_or_many`] submits an object or an array, [`bulk`] loads NDJSON, and
//! [`super::submitter`] does the enqueueing; a [`receipt`] says what was accepted. [`schema`] tells programs what a job
//! may be.

mod bulk;
mod one_or_many;
mod receipt;
mod schema;

use serde_json::value::RawValue;
use tiny_http::Header;

use super::exchange::header;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;
use crate::job::draft::{Rules, strict};
pub use bulk::LineAnswer;
pub use one_or_many::{drafts_of, named};
pub use receipt::{Receipt, Receipts, accepted};
pub use schema::{NewJob, NewJobs};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// An object, or an array of them.
    Json,
    /// An object a line.
    Lines,
}

/// Answers `POST /submit`.
///
/// # Errors
///
/// 400, 413, 415, 422, 429, 503; nothing was enqueued then, unless the answer says that this is unknown.
pub fn submit(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    match content(incoming.headers)? {
        Content::Json => one_or_many::submit(shared, incoming),
        Content::Lines => bulk::submit(shared, incoming),
    }
}

/// What jobs are measured by, now.
pub fn with_rules<T>(shared: &Shared, run: impl FnOnce(&Rules<'_>) -> T) -> T {
    let services = &shared.services;
    let present = services.terms.present();
    run(&Rules {
        payload_max: present.config.payload_max,
        max_retries: present.config.max_retries,
        types: &shared.elsewhere.beside(&present),
        now: services.queue.now(),
    })
}

fn content(headers: &[Header]) -> Result<Content, ApiError> {
    if lone_header(headers, "Content-Encoding")?
        .is_some_and(|v| !v.eq_ignore_ascii_case("identity"))
    {
        return Err(ApiError::MediaType(
            "compressed bodies are not supported; leave Content-Encoding out".to_owned(),
        ));
    }
    let given = lone_header(headers, "Content-Type")?.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let content = match media.as_str() {
        "application/json" => Content::Json,
        "application/x-ndjson" => Content::Lines,
        _ => {
            let seen = if given.is_empty() {
                "the Content-Type is missing"
            } else {
                "that Content-Type is not supported"
            };
            return Err(ApiError::MediaType(format!(
                "{seen}; add the header `Content-Type: application/json` (or \
                 `application/x-ndjson` for a job a line)"
            )));
        }
    };
    for parameter in parts.filter(|p| !p.is_empty()) {
        let lower = parameter.to_ascii_lowercase().replace('"', "");
        if !matches!(lower.as_str(), "charset=utf-8" | "charset=utf8") {
            return Err(ApiError::MediaType(
                "the only charset is utf-8; add the header `Content-Type: application/json`"
                    .to_owned(),
            ));
        }
    }
    Ok(content)
}

/// The value of a header that says one thing: where it stands twice, each program would take another one.
fn lone_header<'a>(headers: &'a [Header], name: &'static str) -> Result<Option<&'a str>, ApiError> {
    if headers.iter().filter(|h| h.field.equiv(name)).count() > 1 {
        let detail = format!("the header {name} stands twice; send it once");
        return Err(ApiError::Malformed(detail));
    }
    Ok(header(headers, name))
}

/// A body that is one JSON value.
///
/// # Errors
///
/// 400, 415.
pub fn json_body<'a>(incoming: &'a Incoming<'_>) -> Result<&'a RawValue, ApiError> {
    if content(incoming.headers)? == Content::Lines {
        return Err(ApiError::MediaType(
            "NDJSON is for POST /submit; add the header `Content-Type: application/json`"
                .to_owned(),
        ));
    }
    let body = text(incoming.body)?;
    serde_json::from_str(body).map_err(|err| not_json("the body", body, &err))
}

/// Refuses a text, which `what` is, that was split up to the error `err`. A walk over it stops at the same place, and
/// knows in which field that is.
fn not_json(what: &str, text: &str, err: &serde_json::Error) -> ApiError {
    ApiError::Malformed(match strict::walk(text, "", &mut Vec::new()) {
        Err(unkept) => format!("{what} is not JSON: {unkept}"),
        Ok(()) => format!("{what} is not JSON: {err}"),
    })
}

/// The body as text.
fn text(body: &[u8]) -> Result<&str, ApiError> {
    let other = match body {
        [0xef, 0xbb, 0xbf, ..] => Some("begins with a byte order mark; leave it out"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("is UTF-16 or UTF-32; encode it"),
        // JSON begins with ASCII, which these pad with zeros.
        _ if body.iter().take(4).any(|byte| *byte == 0) => Some("is UTF-16 or UTF-32; encode it"),
        _ => None,
    };
    if let Some(other) = other {
        let detail = format!("the body {other}: what is taken is UTF-8 without a mark");
        return Err(ApiError::Malformed(detail));
    }
    std::str::from_utf8(body).map_err(|err| {
        ApiError::Malformed(format!("the body is not UTF-8: {err}; encode it as UTF-8"))
    })
}
