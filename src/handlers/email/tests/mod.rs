//! The door and the text, seen from outside: payloads go in, answers and `.eml` files come out.

mod attachments;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Email, EmailPayload};
use crate::config::{Config, Secret};
use crate::handlers::{Context, Handler, Registry, Wrong, builtin};
use crate::job::{ErrorKind, JobId, Timestamp};
use crate::threads::spawn;

fn config(url: Option<&str>) -> Config {
    Config {
        smtp_url: url.map(Secret::new),
        mail_from: Some("Windlass <windlass@example.org>".to_owned()),
        ..Config::default()
    }
}

fn payload(value: Value) -> EmailPayload {
    serde_json::from_value(value).expect("a payload of the right types")
}

/// The seed example with `more` on top; a null takes a field away.
fn with(more: Value) -> Value {
    let mut value =
        json!({"to": "user@example.com", "subject": "Hello", "body": "This is a sample email."});
    let (Value::Object(fields), Value::Object(more)) = (&mut value, more) else {
        panic!("objects");
    };
    for (key, field) in more {
        if field.is_null() {
            fields.remove(&key);
        } else {
            fields.insert(key, field);
        }
    }
    value
}

/// What the door finds wrong: pointers and reasons.
fn wrong(value: Value) -> Vec<Wrong> {
    let email = Email::new(&config(Some("smtp://localhost"))).expect("an email handler");
    email.check(&payload(value)).err().unwrap_or_default()
}

fn pointers(value: Value) -> Vec<String> {
    wrong(value).into_iter().map(|w| w.pointer).collect()
}

fn context() -> Context {
    let id = JobId::mint(Timestamp::from_micros(1_764_000_000_000_000), 7);
    Context::new(id, 1, Instant::now() + Duration::from_secs(60))
}

/// The text of the mail that a payload becomes.
fn written(value: Value) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}/mails", folder.path().display());
    let email = Email::new(&config(Some(&url))).expect("an email handler");
    email
        .check(&payload(value.clone()))
        .expect("a mail without fault");
    let context = context();
    email
        .run(payload(value), &context)
        .expect("a mail in the folder");
    let path = folder.path().join(format!("mails/{}.eml", context.id()));
    std::fs::read_to_string(path).expect("the mail's file")
}

/// The lines of one header, unfolded.
fn header(text: &str, name: &str) -> Vec<String> {
    let head = text
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .replace("\r\n ", " ");
    head.split("\r\n")
        .filter_map(|line| {
            line.strip_prefix(name)?
                .strip_prefix(": ")
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn the_seed_example_passes_the_door_and_becomes_a_mail() {
    assert_eq!(wrong(with(json!({}))), []);
    let text = written(with(json!({})));
    assert_eq!(header(&text, "To"), ["user@example.com"]);
    assert_eq!(header(&text, "From"), ["Windlass <windlass@example.org>"]);
    assert_eq!(header(&text, "Subject"), ["Hello"]);
    assert_eq!(header(&text, "MIME-Version"), ["1.0"]);
    assert_eq!(header(&text, "Date").len(), 1);
    let id = format!("<{}@example.org>", context().id());
    assert_eq!(header(&text, "Message-ID"), [id]);
    assert!(text.contains("\r\n\r\nThis is a sample email."), "{text}");
}

#[test]
fn all_wrong_fields_are_named_at_once() {
    let found = pointers(json!({
        "to": ["a@example.org", "b", "c@"],
        "cc": "nobody",
        "bcc": [""],
        "reply_to": "x y",
        "from": "me",
        "subject": "Hello\r\nBcc: victim@example.org",
        "attachments": [
            {"filename": "a/b", "base64": "!"},
            {"filename": "ok.txt", "content_type": "nonsense", "base64": ""},
            {"filename": "ok.txt"},
            {"filename": "ok.txt", "path": "/etc/passwd"}
        ],
        "headers": {"X-A\r\nBcc": "v@example.org", "Bcc": "v@example.org", "X-B": "a\nb", "X-Ok": "fine"}
    }));
    let expected = [
        "/to/1",
        "/to/2",
        "/cc",
        "/bcc/0",
        "/reply_to",
        "/from",
        "/subject",
        "/body",
        "/attachments/0/filename",
        "/attachments/0/base64",
        "/attachments/1/content_type",
        "/attachments/2",
        "/attachments/3/path",
        "/headers/Bcc",
        "/headers/X-A\r\nBcc",
        "/headers/X-B",
    ];
    let mut found_sorted = found.clone();
    found_sorted.sort();
    let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(found_sorted, expected);
}

/// Each of these would, if it got through, write a header or a mail that its sender did not declare.
#[test]
fn nothing_can_be_smuggled_into_a_mail() {
    for (field, value) in [
        ("subject", json!("a\r\nBcc: v@example.org")),
        ("subject", json!("a\nBcc: v@example.org")),
        ("subject", json!("a\u{0}b")),
        ("to", json!("a@example.org\r\nBcc: v@example.org")),
        ("to", json!("A\r\n <a@example.org>")),
        ("to", json!("a@example.org>\r\nDATA")),
        ("from", json!("\"A\nB\" <a@example.org>")),
        ("reply_to", json!("a@example.org\u{0}")),
        ("body", json!("a\u{0}b")),
        ("headers", json!({"X-A\r\nBcc": "v@example.org"})),
        ("headers", json!({"X-A\nBcc": "v@example.org"})),
        ("headers", json!({"X A": "v"})),
        ("headers", json!({"X-A:": "v"})),
        ("headers", json!({"X-Ä": "v"})),
        ("headers", json!({"": "v"})),
        ("headers", json!({"X-A": "v\r\nBcc: v@example.org"})),
        ("headers", json!({"X-A": "v\u{85}b"})),
        ("headers", json!({"BCC": "v@example.org"})),
        ("headers", json!({"content-type": "text/html"})),
        ("headers", json!({"Content-Transfer-Encoding": "8bit"})),
        ("headers", json!({"message-id": "<x@y>"})),
        ("headers", json!({"Resent-To": "v@example.org"})),
        ("headers", json!({"X-A": "1", "x-a": "2"})),
        (
            "attachments",
            json!([{"filename": "a\r\nBcc: b", "base64": ""}]),
        ),
        (
            "attachments",
            json!([{"filename": "a", "content_type": "text/plain\r\nBcc: b", "base64": ""}]),
        ),
        (
            "attachments",
            json!([{"filename": "a", "content_type": "multipart/mixed; boundary=b", "base64": ""}]),
        ),
    ] {
        let found = wrong(with(json!({field: value.clone()})));
        assert!(!found.is_empty(), "{field}: {value} passed the door");
        assert!(
            found[0].pointer.starts_with(&format!("/{field}")),
            "{field}: {found:?}"
        );
    }
}

#[test]
fn bounds_are_kept_and_said() {
    let many: Vec<_> = (0..101).map(|i| format!("u{i}@example.org")).collect();
    let found = wrong(with(json!({"to": many[..60], "cc": many[60..]})));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].detail.contains("101 recipients"), "{found:?}");
    assert_eq!(
        wrong(with(json!({"to": many[..60], "cc": many[60..100]}))),
        []
    );
    assert_eq!(pointers(with(json!({"to": []}))), ["/to"]);
    assert_eq!(
        pointers(with(json!({"subject": "x".repeat(901)}))),
        ["/subject"]
    );
    let file = json!({"filename": "a", "base64": ""});
    assert_eq!(
        pointers(with(json!({"attachments": vec![file; 51]}))),
        ["/attachments"]
    );
}

#[test]
fn bcc_goes_into_no_header() {
    let text = written(with(
        json!({"bcc": ["secret@example.org"], "cc": "Open <open@example.org>"}),
    ));
    assert!(
        !text.contains("secret@") && !text.to_lowercase().contains("bcc"),
        "{text}"
    );
    assert_eq!(header(&text, "Cc"), ["Open <open@example.org>"]);
}

/// No line may pass 998 bytes (RFC 5322, 2.1.1), and the text stays ASCII, so that every server takes it.
#[test]
fn the_text_keeps_to_ascii_and_to_its_line_length() {
    let text = written(with(json!({
        "to": "\"Müller, Jörg\" <joerg@bücher.example>",
        "from": format!("{} <a@example.org>", "名".repeat(100)),
        "subject": "ü".repeat(450),
        "body": "x".repeat(3000),
        "html": format!("<p>{}</p>", "ß".repeat(3000)),
        "headers": {"X-Long": "y".repeat(900), "X-Words": "a b ".repeat(225), "In-Reply-To": "<1@example.org>"},
        "attachments": [{"filename": format!("{}.txt", "ж".repeat(120)), "content_type": "text/plain; charset=utf-8", "base64": "aMOp"}]
    })));
    assert!(text.is_ascii(), "{text}");
    for line in text.split("\r\n") {
        assert!(line.len() <= 998, "a line of {} bytes: {line}", line.len());
        assert!(!line.contains(['\r', '\n']), "a lone CR or LF: {line:?}");
    }
    assert_eq!(header(&text, "In-Reply-To"), ["<1@example.org>"]);
    assert!(
        header(&text, "To")[0].ends_with("<joerg@xn--bcher-kva.example>"),
        "{text}"
    );
}

#[test]
fn names_that_look_odd_survive_as_senders() {
    for name in [
        "A. B.",
        "\"x@y, z\"",
        "Jörg (Büro)",
        "O'Brien",
        "\"quote \\\" and \\\\\"",
    ] {
        let text = written(with(json!({"from": format!("{name} <a@example.org>")})));
        assert!(
            header(&text, "From")[0].ends_with("<a@example.org>"),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_repeat_takes_the_place_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", folder.path().display());
    let email = Email::new(&config(Some(&url))).expect("an email handler");
    for _ in 0..2 {
        let output = email
            .run(payload(with(json!({}))), &context())
            .expect("written");
        assert_eq!(output.accepted, ["user@example.com"]);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
}

#[test]
fn without_a_server_the_door_says_what_to_set_and_a_job_is_kept_for_others() {
    let email = Email::new(&config(None)).expect("an email handler");
    let found = email
        .check(&payload(with(json!({}))))
        .expect_err("no server");
    assert!(found[0].detail.contains("SMTPURL"), "{found:?}");
    let failure = email
        .run(payload(with(json!({}))), &context())
        .expect_err("no server");
    assert_eq!(failure.error().kind, ErrorKind::Failed);
}

#[test]
fn a_mail_without_a_sender_is_refused_when_the_daemon_has_none() {
    let config = Config {
        mail_from: None,
        ..config(Some("smtp://localhost"))
    };
    let email = Email::new(&config).expect("an email handler");
    let found = email
        .check(&payload(with(json!({}))))
        .expect_err("no sender");
    assert_eq!(found[0].pointer, "/from");
    assert!(
        email
            .check(&payload(with(json!({"from": "a@example.org"}))))
            .is_ok()
    );
}

#[test]
fn wrong_settings_are_named() {
    for (url, from, named) in [
        ("smtp:/nowhere?x", "a@example.org", "SMTPURL"),
        ("smtp://localhost", "not an address", "MAILFROM"),
    ] {
        let config = Config {
            mail_from: Some(from.to_owned()),
            ..config(Some(url))
        };
        let err = builtin(&config)
            .map(|r: Registry| format!("{r:?}"))
            .expect_err(url);
        assert!(err.starts_with(named), "{err}");
    }
}

#[test]
fn a_cancelled_job_leaves_a_silent_server_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("smtp://{}", listener.local_addr().expect("bound"));
    let email = Email::new(&config(Some(&url))).expect("an email handler");
    let context = context();
    let running = context.clone();
    let run = spawn("email", move || {
        email.run(payload(with(json!({}))), &running)
    });
    let silent = listener.accept().expect("the handler connects");
    context.cancel();
    let answer = run.expect("a thread").join().expect("no panic");
    drop(silent);
    let failure = answer.expect_err("cancelled");
    assert_eq!(failure.error().kind, ErrorKind::Cancelled);
    assert!(context.remaining() > Duration::from_secs(30));
}
