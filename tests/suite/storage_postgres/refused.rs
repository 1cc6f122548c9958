//! Records that PostgreSQL refuses, among many that it takes (S2).

use std::time::Duration;

use windlass::job::{Record, State, Timestamp};
use windlass::storage::{Storage, Stored};

use super::{NOW, count, fresh, json, put, record, records};
use crate::support::servers::Postgres;

/// Stores 1,000 records of which `spoil` changes the one at 617; answers what became of that one. The others are checked.
fn among_999(spoil: impl FnOnce(&mut Record)) -> (Stored, Record, String) {
    let (storage, url) = fresh();
    let mut batch = records(NOW, 1_000);
    spoil(&mut batch[617]);
    let answers = storage.store(&batch).expect("the server answers");
    let others = answers.iter().enumerate().filter(|(i, _)| *i != 617);
    assert!(others.into_iter().all(|(_, answer)| *answer == Stored::New));
    assert_eq!(count(&url, "SELECT count(*) FROM jobs"), 1_000);
    assert_eq!(count(&url, "SELECT sum(jobs)::bigint FROM minutes"), 1_000);
    let again = storage.store(&batch).expect("the server answers");
    assert!(again.iter().all(|answer| *answer == Stored::Known), "S1");
    let found = storage
        .find(&[batch[617].job.id])
        .expect("the server answers");
    let found = found[0].clone().expect("it is stored");
    (answers[617].clone(), found, url)
}

/// The record is kept without what was refused, and says why; its bytes are in `raw`.
fn assert_explained(spoil: impl FnOnce(&mut Record), reason: &str, in_raw: &str) {
    let (answer, found, url) = among_999(spoil);
    let Stored::Defective(said) = answer else {
        panic!("{answer:?}, but {reason} was to be refused");
    };
    assert!(said.contains(reason), "{said}");
    assert_eq!(found.job.payload.get(), "null");
    assert!(found.result.is_none());
    let error = found.error.expect("an explanation").message;
    assert!(error.contains(&said), "{error}");
    let row = Postgres::shared()
        .client(&url)
        .query_one(
            "SELECT convert_from(raw, 'UTF8') FROM jobs WHERE payload IS NULL AND result IS NULL",
            &[],
        )
        .expect("one such row");
    assert!(row.get::<_, String>(0).contains(in_raw));
}

#[test]
fn a_nul_in_the_payload() {
    let spoil = |r: &mut Record| r.job.payload = json(r#"{"text":"a\u0000b"}"#);
    assert_explained(spoil, r"\u0000 cannot be converted to text", r"a\u0000b");
}

#[test]
fn a_nul_in_the_result() {
    let spoil = |r: &mut Record| r.result = Some(json(r#"["\u0000"]"#));
    assert_explained(
        spoil,
        r"\u0000 cannot be converted to text",
        r#"["\u0000"]"#,
    );
}

#[test]
fn a_nul_in_names_and_texts() {
    let spoil = |r: &mut Record| {
        r.job.kind = "no\0op".to_owned();
        r.job.tags = vec!["t\0".to_owned()];
        r.attempts[0].node = "n\0".to_owned();
        r.attempts[0].log = vec!["l\0".to_owned()];
    };
    assert_explained(spoil, "invalid byte sequence", r"no\u0000op");
}

#[test]
fn half_a_character() {
    let spoil = |r: &mut Record| r.result = Some(json(r#""\ud800""#));
    assert_explained(spoil, "surrogate", r"\ud800");
}

#[test]
fn a_number_beyond_all_numbers() {
    let spoil = |r: &mut Record| r.result = Some(json("1e200000"));
    assert_explained(spoil, "numeric", "1e200000");
}

#[test]
fn json_nested_too_deeply() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let spoil = |r: &mut Record| r.result = Some(json(&deep));
    assert_explained(spoil, "stack depth", "[[[[");
}

#[test]
fn values_of_a_wrong_type() {
    let spoil = |r: &mut Record| r.attempt = u32::MAX;
    assert_explained(spoil, "4294967295", "4294967295");
    let spoil = |r: &mut Record| r.ended_at = Timestamp::from_micros(i64::MAX);
    assert_explained(spoil, "no instant", "9223372036854775807");
    let spoil = |r: &mut Record| r.ended_at = Timestamp::from_micros(-8_000_000_000_000_000_000);
    assert_explained(spoil, "out of range", "-8000000000000000000");
}

#[test]
fn a_name_too_long_for_its_index() {
    // Not compressible: an index key may be long if it shrinks enough.
    let noise: String = (0..20_000)
        .scan(7_u64, |state, _| {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from_u32(0x4e00 + (*state >> 50) as u32)
        })
        .collect();
    let spoil = |r: &mut Record| r.job.kind.clone_from(&noise);
    assert_explained(spoil, "index row", &noise[..300]);
}

/// Ten megabytes are much, and still stored as they are.
#[test]
fn a_result_of_10_mb() {
    let large = format!("\"{}\"", "x".repeat(10_000_000));
    let (answer, found, _) = among_999(|r| r.result = Some(json(&large)));
    assert_eq!(answer, Stored::New);
    assert_eq!(found.result.expect("a result").get(), large);
}

#[test]
fn a_job_that_comes_twice_in_one_call_is_stored_once() {
    let (storage, url) = fresh();
    let (one, mut two) = (record(NOW, 1), record(NOW, 1));
    two.state = State::Dead;
    let answers = storage.store(&[one, two]).expect("the server answers");
    assert_eq!(answers, [Stored::New, Stored::Known]);
    assert_eq!(
        count(&url, "SELECT count(*) FROM jobs WHERE state = 'succeeded'"),
        1
    );
}

#[test]
fn a_call_of_nothing_is_answered() {
    let (storage, _) = fresh();
    assert!(storage.store(&[]).expect("nothing to do").is_empty());
    assert!(storage.find(&[]).expect("nothing to find").is_empty());
}

/// A refused record of a day that is met for the first time finds its partition as any other does.
#[test]
fn a_refused_record_alone_in_its_day() {
    let (storage, url) = fresh();
    let mut bad = record(NOW - Duration::from_secs(400 * 24 * 3600), 1);
    bad.job.payload = json(r#""\u0000""#);
    let answers = storage.store(&[bad]).expect("the server answers");
    assert!(
        matches!(&answers[..], [Stored::Defective(_)]),
        "{answers:?}"
    );
    put(&storage, &record(NOW, 2));
    assert_eq!(
        count(&url, "SELECT count(*) FROM jobs WHERE raw IS NOT NULL"),
        1
    );
}
