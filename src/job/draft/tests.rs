//! What is wrong with an entry, found all at once and named where it stands.

use super::*;

/// Two types are run here and one elsewhere.
struct Known;

impl Types for Known {
    fn look(&self, kind: &str, payload: Option<&RawValue>) -> Looked {
        match kind {
            "sleep" if payload.is_some_and(|p| p.get().contains('-')) => {
                Looked::Wrong(vec![Wrong::new("/seconds", "must not be negative")])
            }
            "noop" | "sleep" | "theirs" => Looked::Fits,
            _ => Looked::Unknown(None),
        }
    }

    fn queue(&self, kind: &str) -> Option<String> {
        (kind == "theirs").then(|| "far".to_owned())
    }
}

/// What is wrong with `json`, by pointer, and the sort of it.
fn wrongs(json: &str) -> Vec<(Sort, String)> {
    found(json).err().unwrap_or_default()
}

fn found(json: &str) -> Result<Job, Vec<(Sort, String)>> {
    let rules = Rules {
        payload_max: 1000,
        max_retries: 5,
        types: &Known,
        now: Timestamp::from_micros(1_795_506_126_000_000),
    };
    let raw = RawValue::from_string(json.to_owned()).expect("JSON");
    let mut wrongs = Vec::new();
    let draft = read(&raw, "", &rules, &mut wrongs).expect("JSON that can be kept");
    match draft {
        Some(draft) => Ok(draft.into_job(JobId::mint(rules.now, 1))),
        None => Err(wrongs.into_iter().map(|(s, w)| (s, w.pointer)).collect()),
    }
}

fn invalid(pointers: &[&str]) -> Vec<(Sort, String)> {
    let pointers = pointers.iter();
    pointers.map(|p| (Sort::Invalid, (*p).to_owned())).collect()
}

#[test]
fn what_is_left_out_is_as_by_default_and_null_is_left_out() {
    for json in [
        r#"{"type": "noop"}"#,
        r#"{"type": "noop", "payload": {}, "queue": null, "delay": null, "unique": null}"#,
    ] {
        let job = found(json).expect("a job");
        assert_eq!((job.queue.as_str(), job.payload.get()), ("default", "{}"));
        assert_eq!((job.max_retries, job.run_at), (5, None));
        assert!(job.backoff.is_default() && job.tags.is_empty());
    }
}

#[test]
fn what_is_relative_counts_from_the_creation() {
    let job = found(
        r#"{"type": "noop", "delay": "10s", "expires_in": "1m", "unique": {"key": "k", "for": 5}}"#,
    )
    .expect("a job");
    let after = |seconds| Some(job.created_at() + Duration::from_secs(seconds));
    assert_eq!(job.run_at, after(10));
    assert_eq!(job.expires_at, after(60));
    assert_eq!(job.unique_until, after(5));
}

#[test]
fn a_payload_is_kept_digit_for_digit() {
    let payload = r#"{"n": 12345678901234567890.10, "e": [], "t": "\u00e4"}"#;
    let job = found(&format!("{{\"type\":\"noop\",\"payload\":{payload}}}"));
    assert_eq!(job.expect("a job").payload.get(), payload);
}

#[test]
fn all_wrong_fields_are_told_at_once() {
    assert_eq!(
        wrongs(
            r#"{"type": "sleep", "payload": {"seconds": -1}, "queue": "a b", "delay": "1s",
                "run_at": "x", "max_retries": 1000, "tags": [""], "paylod": 1, "backoff": {"factor": 0}}"#
        ),
        invalid(&[
            "/paylod",
            "/payload/seconds",
            "/run_at",
            "/run_at",
            "/queue",
            "/max_retries",
            "/backoff/factor",
            "/tags/0",
        ])
    );
    assert_eq!(wrongs("[]"), invalid(&[""]));
    assert_eq!(wrongs("{}"), invalid(&["/type"]));
    assert_eq!(
        wrongs(r#"{"type": "noop", "type": "sleep"}"#),
        invalid(&["/type"])
    );
    assert_eq!(
        wrongs(r#"{"type": "noop", "payload": {"a": "\u0000"}}"#),
        invalid(&["/payload/a"])
    );
    assert_eq!(
        wrongs(r#"{"type": "noop", "delay": "2m", "expires_in": "1m"}"#),
        invalid(&["/expires_in"])
    );
}

#[test]
fn a_type_must_be_known_to_somebody() {
    assert_eq!(
        wrongs(r#"{"type": "nope"}"#),
        [(Sort::UnknownType, "/type".to_owned())]
    );
    assert!(found(r#"{"type": "theirs", "payload": [1]}"#).is_ok());
}

#[test]
fn a_queue_that_is_named_comes_before_the_types_own() {
    let queue = |json: &str| found(json).expect("a job").queue;
    assert_eq!(queue(r#"{"type": "theirs"}"#), "far");
    assert_eq!(queue(r#"{"type": "theirs", "queue": "near"}"#), "near");
}

#[test]
fn a_large_payload_is_a_sort_of_its_own() {
    let json = format!(r#"{{"type": "noop", "payload": "{}"}}"#, "x".repeat(1000));
    assert_eq!(wrongs(&json), [(Sort::TooLarge, "/payload".to_owned())]);
}

#[test]
fn a_refusal_does_not_send_back_what_was_sent() {
    let long = "x".repeat(1_000_000);
    let wrong = Wrong::new("/to", format!("`{long}` is no address"));
    assert!(wrong.detail.len() <= Wrong::DETAIL_BYTES_MAX);
    assert!(wrong.detail.starts_with("`xxx") && wrong.detail.ends_with('…'));
}
