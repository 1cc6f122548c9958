//! What an answer means for the job.

use std::time::Duration;

use chrono::DateTime;
use serde_json::value::{RawValue, to_raw_value};
use ureq::http::header::{DATE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderName, StatusCode};

use super::client::Answer;
use crate::handlers::{Context, Failure, described};
use crate::job::{Timestamp, fit};

/// The longest Retry-After that is obeyed; a longer one is cut to it.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// The shortest: a server that says "now" is not asked in a circle.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Most bytes of a server's words in a message.
const WORDS_MAX: usize = 300;

/// The result in an answer, or why the job goes on or ends; `now` is when the request was sent.
pub(super) fn judge(
    answer: &Answer,
    origin: &str,
    now: Timestamp,
    context: &Context,
) -> Result<Box<RawValue>, Failure> {
    let status = answer.status;
    if status.is_success() {
        return result(answer, context);
    }
    let said = said(answer, origin);
    if status.is_redirection() {
        let location = header(&answer.headers, &LOCATION).unwrap_or("nowhere");
        let location = fit(location, WORDS_MAX);
        return Err(Failure::permanent(format!(
            "{origin} answered {status}, a redirect to {location}, and redirects are not followed; write that URL \
             into the entry if it is right"
        )));
    }
    if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
        return Err(match retry_after(&answer.headers, now) {
            Some(delay) => Failure::retry_in(delay, said),
            None => Failure::retry(said),
        });
    }
    Err(Failure::permanent(said))
}

/// The body, if it is JSON. The server has done its part in any case, so no body makes a failure of a success.
fn result(answer: &Answer, context: &Context) -> Result<Box<RawValue>, Failure> {
    let text = answer.body.as_deref().map(String::from_utf8_lossy);
    if text.is_none() {
        context
            .log("the body of the answer is not kept: it is larger than RESULTMAX, or broke off");
    }
    let json = text.and_then(|text| described::json(&text));
    match json {
        Some(json) => Ok(json),
        None => to_raw_value(&()).map_err(|err| Failure::permanent(err.to_string())),
    }
}

fn said(answer: &Answer, origin: &str) -> String {
    let words = answer.body.as_deref().map(String::from_utf8_lossy);
    let words = words.unwrap_or_default();
    let words = fit(words.trim(), WORDS_MAX);
    let status: StatusCode = answer.status;
    match words.as_str() {
        "" => format!("{origin} answered {status}"),
        words => format!("{origin} answered {status}: {words}"),
    }
}

/// How long the server wants to be left alone: a number of seconds, or a date, by the server's own clock if it shows it.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = header(headers, &RETRY_AFTER)?.trim();
    let delay = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let here = header(headers, &DATE).and_then(date).unwrap_or(now);
            date(value)?.since(here)
        }
    };
    Some(delay.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

/// An HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`).
fn date(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(Timestamp::from_micros(date.timestamp_micros()))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    fn delay(headers: &[(HeaderName, &'static str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        // 1994-11-06T08:49:37Z.
        let now = Timestamp::from_micros(784_111_777_000_000);
        retry_after(&headers, now).map(|delay| delay.as_secs())
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_kept_within_bounds() {
        let date = |text| delay(&[(RETRY_AFTER, text)]);
        assert_eq!(date("120"), Some(120));
        assert_eq!(date(" 0 "), Some(1));
        assert_eq!(date("99999999"), Some(24 * 3600));
        assert_eq!(date("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(date("Sun, 06 Nov 1994 08:00:00 GMT"), Some(1), "long past");
        assert_eq!(date("soon"), None);
        assert_eq!(delay(&[]), None);
    }

    /// Its clock is ten minutes ahead of ours.
    #[test]
    fn a_date_is_read_by_the_clock_of_whoever_wrote_it() {
        let headers = [
            (RETRY_AFTER, "Sun, 06 Nov 1994 09:00:37 GMT"),
            (DATE, "Sun, 06 Nov 1994 08:59:37 GMT"),
        ];
        assert_eq!(delay(&headers), Some(60));
    }
}
