//! Bad input of each kind, on each route: refused with the field and the reason, and nothing is enqueued.
//!
//! A test gathers all that is amiss before it fails, so that one run shows every row of its table that does not hold.

mod bytes;
mod options;
mod queries;
mod schedules;
mod table;

use serde_json::Value;

use super::House;
use crate::support::http::Response;

/// A number of thirty digits: far beyond every integer that a program reads.
const NINES: &str = "999999999999999999999999999999";

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

impl House {
    /// Sends bytes as JSON.
    fn send(&self, method: &str, target: &str, body: &[u8]) -> Response {
        self.ask(method, target, &JSON, Some(body))
    }

    /// Asserts that nothing came in, neither a job nor a schedule.
    #[track_caller]
    fn is_empty(&self) {
        assert_eq!(self.waiting(), 0);
        let schedules = self.get("/schedules").expect(200).json();
        assert_eq!(schedules["schedules"], serde_json::json!([]));
    }
}

/// What `answer` lacks of a refusal with `status` that points at `pointer` and says `words`.
fn lacks(answer: &Response, status: u16, pointer: &str, words: &str) -> Option<String> {
    let json = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fits =
        |error: &Value| error["pointer"] == pointer && text(&error["detail"]).contains(words);
    let errors = json["errors"].as_array().cloned().unwrap_or_default();
    // Whoever reads the sentence alone must be told the same.
    let detail = text(&json["detail"]);
    let is_told = detail.contains(pointer) && detail.contains(words);
    let fits = answer.status == status && errors.iter().any(fits) && is_told;
    (!fits).then(|| {
        format!(
            "not {status} {pointer:?} {words:?}: {} {json}",
            answer.status
        )
    })
}

/// What `answer` lacks of a 400 whose sentence has all of `words`.
fn lacks_words(answer: &Response, words: &[&str]) -> Option<String> {
    let json = answer.json();
    let detail = json["detail"].as_str().unwrap_or_default();
    let fits = answer.status == 400 && words.iter().all(|word| detail.contains(word));
    (!fits).then(|| format!("not 400 {words:?}: {} {json}", answer.status))
}

#[track_caller]
fn assert_none(amiss: &[String]) {
    assert!(
        amiss.is_empty(),
        "{} amiss:\n{}",
        amiss.len(),
        amiss.join("\n")
    );
}
