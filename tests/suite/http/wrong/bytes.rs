//! Bodies that are no JSON, not in UTF-8, too deep, or made to take up memory.

use super::super::{House, pointers, problem};
use super::{NINES, assert_none, lacks_words};

const JOB: &str = r#"{"type":"noop","payload":{"name":"größer"}}"#;

/// Where JSON is taken.
const DOORS: [(&str, &str); 2] = [("POST", "/submit"), ("PUT", "/schedules/x")];

/// `text` in another encoding, a unit at a time.
fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn latin1(text: &str) -> Vec<u8> {
    let latin = |c: char| u8::try_from(u32::from(c)).expect("a letter of Latin-1");
    text.chars().map(latin).collect()
}

#[test]
fn other_encodings_are_refused_with_the_one_that_is_taken() {
    let house = House::open();
    let marked = format!("\u{feff}{JOB}");
    let utf32: Vec<u8> = JOB
        .chars()
        .flat_map(|c| u32::from(c).to_be_bytes())
        .collect();
    let mut amiss = Vec::new();
    for (what, body, words) in [
        ("a mark", marked.clone().into_bytes(), "byte order mark"),
        ("UTF-16, little", utf16(JOB, u16::to_le_bytes), "UTF-16"),
        ("UTF-16, big", utf16(JOB, u16::to_be_bytes), "UTF-16"),
        (
            "UTF-16 with a mark, little",
            utf16(&marked, u16::to_le_bytes),
            "UTF-16",
        ),
        (
            "UTF-16 with a mark, big",
            utf16(&marked, u16::to_be_bytes),
            "UTF-16",
        ),
        ("UTF-32", utf32, "UTF-32"),
        ("Latin-1", latin1(JOB), "not UTF-8"),
        (
            "half a letter",
            JOB.as_bytes()[..JOB.len() - 8].to_vec(),
            "",
        ),
        (
            "a letter too long",
            b"{\"type\":\"\xc0\xaf\"}".to_vec(),
            "not UTF-8",
        ),
        (
            "a surrogate",
            b"{\"type\":\"\xed\xa0\x80\"}".to_vec(),
            "not UTF-8",
        ),
    ] {
        let lines = [("Content-Type", "application/x-ndjson")];
        let loaded = house.ask("POST", "/submit", &lines, Some(&body));
        let answers = DOORS.map(|(method, target)| house.send(method, target, &body));
        for answer in answers
            .iter()
            .chain([&loaded].into_iter().filter(|_| !words.is_empty()))
        {
            let lacks = lacks_words(answer, &["UTF-8", words]);
            let lacks = lacks.filter(|_| !words.is_empty() || answer.status != 400);
            amiss.extend(lacks.map(|lacks| format!("{what}: {lacks}")));
        }
    }
    assert_none(&amiss);
    house.is_empty();
}

/// What is no JSON is refused with the field at which it ceases to be, which in one long line is easier to find than a
/// column.
#[test]
fn what_is_no_json_is_refused_with_its_place() {
    let house = House::open();
    let deep = "[".repeat(100_000);
    let closed = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let mut amiss = Vec::new();
    for (value, words) in [
        ("1e400", "number out of range"),
        ("-1e400", "number out of range"),
        ("NaN", "expected value"),
        ("Infinity", "expected value"),
        ("-Infinity", "invalid number"),
        ("+1", "expected value"),
        ("01", "invalid number"),
        ("1.", "EOF"),
        (".5", "expected value"),
        ("0x10", "expected"),
        ("1_000", "expected"),
        ("'10s'", "expected value"),
        ("None", "expected"),
        ("\"a\tb\"", "control character"),
        (r#""\ud800""#, "hex escape"),
        (r#""\x""#, "invalid escape"),
        (&format!("{NINES}{NINES}e{NINES}"), "number out of range"),
        (&deep, "recursion limit"),
        (&closed, "recursion limit"),
    ] {
        for field in ["delay", "max_retries", "timeout", "payload", "tags"] {
            let body = format!(r#"{{"type":"noop","{field}":{value}}}"#);
            let put = format!(r#"{{"cron":"@daily","job":{body}}}"#);
            let both = [("POST", "/submit", body), ("PUT", "/schedules/x", put)];
            for (method, target, body) in both {
                let answer = house.send(method, target, body.as_bytes());
                assert!(answer.body.len() < 2_000, "{}", answer.text());
                let lacks = lacks_words(&answer, &[field, words]);
                let lacks = lacks.filter(|_| !(value == "1." && answer.status == 400));
                amiss.extend(lacks.map(|lacks| format!("{body:.60}: {lacks}")));
            }
        }
    }
    assert_none(&amiss);
    house.is_empty();
}

/// Nesting is walked over on the stack of the thread, so it has a bound; up to that it is the payload's own affair.
#[test]
fn nesting_is_taken_up_to_its_bound() {
    let house = House::open();
    let nested = |open: &str, close: &str, depth: usize| {
        let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        house.submit(&format!(r#"{{"type":"noop","payload":{{"in":{inner}}}}}"#))
    };
    nested("[", "]", 125).expect(202);
    nested(r#"{"a":"#, "}", 125).expect(202);
    for answer in [nested("[", "]", 126), nested(r#"{"a":"#, "}", 126)] {
        let lacks = lacks_words(&answer, &["recursion limit", "/payload/in"]);
        assert_eq!(lacks, None);
    }
    assert_eq!(house.waiting(), 2);
}

/// Each wrong field takes memory for its pointer, so that of many at the end of a long path a body of some megabytes
/// would make terabytes.
#[test]
fn what_is_noted_of_a_wrong_body_is_bounded() {
    let house = House::open();
    let long = "k".repeat(1_000_000);
    let nuls = vec![r#""\u0000""#; 100_000].join(",");
    let twice = vec![r#""a":1"#; 500_000].join(",");
    let unknown: Vec<_> = (0..300_000).map(|n| format!(r#""{n}":1"#)).collect();
    let unknown = unknown.join(",");
    for (what, body) in [
        (
            "nul below a long key",
            format!(r#"{{"type":"noop","payload":{{"{long}":[{nuls}]}}}}"#),
        ),
        (
            "doubled keys",
            format!(r#"{{"type":"noop","payload":{{{twice}}}}}"#),
        ),
        ("unknown fields", format!(r#"{{"type":"noop",{unknown}}}"#)),
        (
            "unknown members",
            format!(r#"{{"type":"noop","backoff":{{{unknown}}}}}"#),
        ),
        (
            "a long unknown field",
            format!(r#"{{"type":"noop","{long}":1}}"#),
        ),
        (
            "a long unknown member",
            format!(r#"{{"type":"noop","unique":{{"{long}":1}}}}"#),
        ),
    ] {
        let answer = house.submit(&body).expect(422);
        assert!(
            answer.body.len() < 100_000,
            "{what}: {} bytes",
            answer.body.len()
        );
        let told = pointers(&answer);
        assert!((1..=100).contains(&told.len()), "{what}: {}", told.len());
    }
    house.is_empty();
}

#[test]
fn a_header_that_stands_twice_is_not_guessed_at() {
    let house = House::open();
    for (name, one, other) in [
        ("Idempotency-Key", "a", "b"),
        ("Content-Type", "application/x-ndjson", "text/plain"),
    ] {
        let mut headers = vec![(name, one), (name, other)];
        if name != "Content-Type" {
            headers.push(("Content-Type", "application/json"));
        }
        let answer = house.ask("POST", "/submit", &headers, Some(br#"{"type":"noop"}"#));
        assert_eq!(problem(&answer.clone().expect(400)), "malformed");
        assert_eq!(lacks_words(&answer, &[name, "twice"]), None);
    }
    house.is_empty();
}
