//! What is sent back: status, headers, body, and how they become bytes.

use std::cell::RefCell;
use std::io::Write;

use chrono::DateTime;
use serde::Serialize;

use crate::clock::{Clock, SystemClock};

/// An answer that has yet to be sent.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    caching: &'static str,
    /// Its body.
    pub body: Vec<u8>,
}

/// What the connection does after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It stays open, as is usual in HTTP/1.1.
    Stay,
    /// It stays open, which HTTP/1.0 wants to be told.
    StaySaid,
    /// It is closed.
    Close,
}

impl Answer {
    /// An answer whose body is `value` as JSON.
    #[must_use]
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        // Nothing that we answer with has keys that are not strings, the one thing that JSON cannot say.
        let body = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
        Self::of_bytes(status, "application/json", body)
    }

    /// An answer with a body of this type.
    #[must_use]
    pub fn of_bytes(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            caching: "no-store",
            body,
        }
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::of_bytes(status, "", Vec::new())
    }

    /// The same with another content type.
    #[must_use]
    pub fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// The same with one header more. Control characters, which would end the header, are left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.chars().filter(|c| !c.is_control()).collect();
        self.headers.push((name, value));
        self
    }

    /// The same as something that may be kept under this name, if it is asked for before each use whether it still holds.
    #[must_use]
    pub fn cached_as(mut self, etag: &str) -> Self {
        self.caching = "no-cache";
        self.with("ETag", etag)
    }

    /// The whole answer as bytes, so that it goes out in one write. Without the body for a `HEAD`, whose
    /// Content-Length is nevertheless that of the body.
    #[must_use]
    pub fn bytes(&self, request_id: &str, head_only: bool, after: After) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.body.len());
        let (status, reason) = (self.status, reason(self.status));
        // Writing to a Vec cannot fail.
        let mut line = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).ok();
        };
        line(format_args!("HTTP/1.1 {status} {reason}\r\n"));
        with_date(|date| line(format_args!("Date: {date}\r\n")));
        if !self.content_type.is_empty() {
            line(format_args!("Content-Type: {}\r\n", self.content_type));
        }
        // These two have no body, and the length of one is that of what is not sent: RFC 9110, section 8.6.
        if !matches!(status, 204 | 304) {
            line(format_args!("Content-Length: {}\r\n", self.body.len()));
        }
        let caching = self.caching;
        line(format_args!(
            "Cache-Control: {caching}\r\nX-Request-Id: {request_id}\r\n"
        ));
        for (name, value) in &self.headers {
            line(format_args!("{name}: {value}\r\n"));
        }
        match after {
            After::Stay => {}
            After::StaySaid => line(format_args!("Connection: keep-alive\r\n")),
            After::Close => line(format_args!("Connection: close\r\n")),
        }
        line(format_args!("\r\n"));
        if !head_only {
            out.extend_from_slice(&self.body);
        }
        out
    }
}

/// Calls `with` with the present instant as the Date header writes it; made anew only when the second has changed.
fn with_date(with: impl FnOnce(&str)) {
    thread_local! {
        static LAST: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
    }
    let second = SystemClock.now().as_micros().div_euclid(1_000_000);
    LAST.with_borrow_mut(|(last, text)| {
        if *last != second || text.is_empty() {
            *last = second;
            *text = http_date(second);
        }
        with(text);
    });
}

fn http_date(second: i64) -> String {
    let instant = DateTime::from_timestamp(second, 0).unwrap_or_default();
    instant.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn reason(status: u16) -> &'static str {
    tiny_http::StatusCode(status).default_reason_phrase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_block_of_bytes_with_what_every_answer_carries() {
        let answer = Answer::json(200, &[1, 2]).with("Allow", "GET");
        let text = String::from_utf8(answer.bytes("r1", false, After::Stay)).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("an empty line");
        assert_eq!(body, "[1,2]");
        let mut lines: Vec<_> = head.split("\r\n").collect();
        assert!(lines.remove(1).starts_with("Date: "));
        assert_eq!(
            lines,
            [
                "HTTP/1.1 200 OK",
                "Content-Type: application/json",
                "Content-Length: 5",
                "Cache-Control: no-store",
                "X-Request-Id: r1",
                "Allow: GET",
            ]
        );
    }

    #[test]
    fn a_head_has_the_length_of_what_it_leaves_out() {
        let bytes = Answer::json(200, &[1, 2]).bytes("r1", true, After::Close);
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains("Content-Length: 5\r\n") && text.ends_with("close\r\n\r\n"));
    }

    #[test]
    fn an_answer_without_content_has_no_length() {
        let bytes = Answer::empty(204).bytes("r1", false, After::Stay);
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.ends_with("\r\nX-Request-Id: r1\r\n\r\n") && !text.contains("Length"));
    }

    #[test]
    fn a_header_cannot_bring_another() {
        let answer = Answer::empty(200).with("Location", "/a\r\nSet-Cookie: x=1");
        let text = String::from_utf8(answer.bytes("r", false, After::Stay)).expect("UTF-8");
        assert!(text.contains("Location: /aSet-Cookie: x=1\r\n"));
    }

    #[test]
    fn the_date_is_written_as_http_wants_it() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
