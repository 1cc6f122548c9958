//! The email handler against a mail server that takes mails, and one that does what servers do on their bad days.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::config::{Config, Secret};
use windlass::handlers::email::{Email, EmailOutput};
use windlass::handlers::{Context, Failure, Handler};
use windlass::job::{ErrorKind, Job, JobId, Timestamp, Verdict, judge};
use windlass::threads::spawn;

use crate::support::mime::Part;
use crate::support::smtp::{Act, SmtpServer};

const ALWAYS: usize = usize::MAX;

fn handler(url: &str) -> Email {
    Email::new(&Config {
        smtp_url: Some(Secret::new(url)),
        mail_from: Some("Windlass <windlass@example.org>".to_owned()),
        ..Config::default()
    })
    .expect("good settings")
}

fn context(limit: Duration) -> Context {
    let id = JobId::mint(Timestamp::from_micros(1_764_000_000_000_000), 7);
    Context::new(id, 1, Instant::now() + limit)
}

fn send(email: &Email, mail: &Value) -> Result<EmailOutput, Failure> {
    send_within(email, mail, Duration::from_secs(60))
}

fn send_within(email: &Email, mail: &Value, limit: Duration) -> Result<EmailOutput, Failure> {
    let payload = |value: &Value| serde_json::from_value(value.clone()).expect("the right types");
    email.check(&payload(mail)).expect("a mail without fault");
    email.run(payload(mail), &context(limit))
}

fn hello() -> Value {
    json!({"to": "user@example.com", "subject": "Hello", "body": "This is a sample email."})
}

/// The delay that a failure asks for, when it is one to be tried again.
fn delay_of(failure: &Failure) -> Duration {
    let payload = serde_json::value::to_raw_value(&hello()).expect("JSON");
    let id = context(Duration::ZERO).id();
    let job = Job::new(id, "email", "default", payload);
    match judge(&job, 0, Some(failure), false, 0.0) {
        Verdict::Retry { delay, .. } => delay,
        end @ Verdict::End { .. } => panic!("it ends: {end:?}"),
    }
}

/// Text, HTML and two files go in; the reader's program gets out the same.
#[test]
fn a_mail_arrives_as_it_was_written() {
    let server = SmtpServer::start();
    let body = ".\r\n..two dots\nGrüße, 世界\n\n.\nFrom here on";
    let binary: Vec<u8> = (0..=255).collect();
    let mail = json!({
        "to": ["\"Müller, Jörg\" <joerg@bücher.example>", "plain@example.org"],
        "cc": "Café <cafe@example.org>",
        "reply_to": ["a@example.org", "B <b@example.org>"],
        "from": "Ünïcode Sender <sender@example.net>",
        "subject": "Prüfung: 漢字 und ein langer Betreff, der gefaltet werden muss, weil er nicht in eine Zeile passt",
        "body": body,
        "html": "<p>Grüße</p>",
        "attachments": [
            {"filename": "bytes.bin", "base64": base64(&binary)},
            {"filename": "Übersicht für März – 漢字.txt", "content_type": "text/plain; charset=utf-8", "base64": base64("ä\n".as_bytes())}
        ],
        "headers": {"X-Campaign": "März", "List-Unsubscribe": "<mailto:off@example.org>"}
    });
    let output = send(&handler(&server.url()), &mail).expect("delivered");
    assert_eq!(output.response, "250 2.0.0 queued as 4711");
    let recipients = [
        "joerg@xn--bcher-kva.example",
        "plain@example.org",
        "cafe@example.org",
    ];
    assert_eq!(output.accepted, recipients);

    let mails = server.await_mails(1);
    assert_eq!(mails[0].from, "sender@example.net");
    assert_eq!(mails[0].to, recipients);
    let part = Part::read(&mails[0].text);
    assert_eq!(part.header("Subject"), mail["subject"]);
    assert_eq!(part.header("From"), "Ünïcode Sender <sender@example.net>");
    assert_eq!(
        part.header("To"),
        "Müller, Jörg <joerg@xn--bcher-kva.example>, plain@example.org"
    );
    assert_eq!(part.header("Cc"), "Café <cafe@example.org>");
    assert_eq!(part.header("Reply-To"), "a@example.org, B <b@example.org>");
    assert_eq!(part.header("X-Campaign"), "März");
    assert_eq!(part.header("List-Unsubscribe"), "<mailto:off@example.org>");
    assert_eq!(part.header("Message-ID"), output.message_id);

    let [both, bytes, text] = &part.parts[..] else {
        panic!("three parts: {part:?}");
    };
    let [plain, html] = &both.parts[..] else {
        panic!("two alternatives: {both:?}");
    };
    assert_eq!(
        plain.text().replace("\r\n", "\n").trim_end(),
        body.replace("\r\n", "\n")
    );
    assert_eq!(html.text().trim_end(), "<p>Grüße</p>");
    assert!(html.header("Content-Type").starts_with("text/html"));
    assert_eq!(bytes.body, binary);
    assert_eq!(bytes.header("Content-Type"), "application/octet-stream");
    assert_eq!(bytes.filename().as_deref(), Some("bytes.bin"));
    assert_eq!(text.body, "ä\n".as_bytes());
    assert_eq!(
        text.filename().as_deref(),
        Some("Übersicht für März – 漢字.txt")
    );
}

#[test]
fn the_message_id_holds_the_job_and_bcc_is_in_the_envelope_alone() {
    let server = SmtpServer::start();
    let mut mail = hello();
    mail["bcc"] = json!(["secret@example.org", "user@example.com"]);
    let output = send(&handler(&server.url()), &mail).expect("delivered");
    let id = context(Duration::ZERO).id();
    assert_eq!(output.message_id, format!("<{id}@example.org>"));
    let mails = server.await_mails(1);
    assert_eq!(mails[0].to, ["user@example.com", "secret@example.org"]);
    assert!(!mails[0].text.contains("secret"), "{}", mails[0].text);
    assert_eq!(Part::read(&mails[0].text).all("Bcc"), [""; 0]);
}

#[test]
fn a_refusal_for_good_names_the_address_and_nobody_gets_the_mail() {
    let server = SmtpServer::start();
    server.rule(
        "RCPT TO:<b@example.org>",
        ALWAYS,
        Act::Say("550-5.1.1 no\r\n550 5.1.1 such user"),
    );
    let mut mail = hello();
    mail["to"] = json!(["a@example.org", "b@example.org", "c@example.org"]);
    let failure = send(&handler(&server.url()), &mail).expect_err("refused");
    assert_eq!(failure.error().kind, ErrorKind::Permanent);
    let message = &failure.error().message;
    assert!(
        message.contains("refused the recipient b@example.org: 550 5.1.1 no 5.1.1 such user"),
        "{message}"
    );
    assert!(server.mails().is_empty());
    assert!(
        !server.lines().iter().any(|l| l == "DATA"),
        "{:?}",
        server.lines()
    );
}

#[test]
fn a_refusal_for_now_is_tried_again_after_five_minutes_at_least_and_then_delivered() {
    let server = SmtpServer::start();
    server.rule(
        "RCPT TO:<user@example.com>",
        2,
        Act::Say("451 4.7.1 greylisted"),
    );
    let email = handler(&server.url());
    for _ in 0..2 {
        let failure = send(&email, &hello()).expect_err("not yet");
        assert_eq!(failure.error().kind, ErrorKind::Failed);
        assert!(
            failure
                .error()
                .message
                .contains("user@example.com: 451 4.7.1 greylisted")
        );
        let delay = delay_of(&failure);
        assert!(
            delay >= Duration::from_secs(300) && delay <= Duration::from_secs(360),
            "{delay:?}"
        );
    }
    send(&email, &hello()).expect("delivered");
    assert_eq!(server.await_mails(1).len(), 1);
}

/// Whatever step the server falls silent at, the worker is free again by the job's deadline, and the error says where.
#[test]
fn a_server_that_hangs_or_drips_holds_no_worker_past_the_deadline() {
    // At 20 ms a byte this answer takes twice as long as the job may.
    let drip = Act::Drip(
        "250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
         xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    );
    let cases = [
        ("CONNECT", Act::Hang, "the greeting"),
        ("EHLO", Act::Hang, "the greeting"),
        ("EHLO", drip, "the greeting"),
        ("MAIL", Act::Hang, "the sender windlass@example.org"),
        ("RCPT", drip, "the recipient user@example.com"),
        ("DATA", Act::Hang, "the text of the mail"),
        (".", Act::Hang, "same Message-ID"),
        (".", drip, "same Message-ID"),
    ];
    let runs = cases.map(|(at, act, named)| {
        let run = move || {
            let server = SmtpServer::start();
            server.rule(at, ALWAYS, act);
            let limit = Duration::from_secs(2);
            let began = Instant::now();
            let failure = send_within(&handler(&server.url()), &hello(), limit).expect_err(at);
            let took = began.elapsed();
            assert!(took < limit * 2, "{at}: {took:?}");
            assert_eq!(failure.error().kind, ErrorKind::Failed, "{at}");
            let message = &failure.error().message;
            assert!(message.contains(named), "{at}: {message}");
        };
        spawn(at, run).expect("room for one more thread")
    });
    for run in runs {
        run.join().expect("the case of this name holds");
    }
}

#[test]
fn a_connection_that_breaks_is_tried_again_after_the_usual_backoff() {
    for (at, act) in [
        ("CONNECT", Act::HangUp),
        ("TEXT", Act::HangUp),
        (".", Act::HangUp),
        ("EHLO", Act::Say("hello?")),
    ] {
        let server = SmtpServer::start();
        server.rule(at, ALWAYS, act);
        let failure = send(&handler(&server.url()), &hello()).expect_err(at);
        assert_eq!(failure.error().kind, ErrorKind::Failed, "{at}");
        assert!(delay_of(&failure) < Duration::from_secs(60), "{at}");
    }
    let gone = SmtpServer::start().url();
    let failure = send(&handler(&gone), &hello()).expect_err("nobody is there");
    assert!(
        failure.error().message.contains("the connection"),
        "{failure:?}"
    );
}

#[test]
fn a_connection_is_used_again_and_one_that_the_server_closed_is_replaced() {
    let server = SmtpServer::start();
    let email = handler(&server.url());
    send(&email, &hello()).expect("delivered");
    send(&email, &hello()).expect("delivered");
    assert_eq!(server.connections(), 1);
    server.rule("MAIL", 1, Act::HangUp);
    send(&email, &hello()).expect("delivered over a second connection");
    server.rule("MAIL", 1, Act::Say("421 4.4.2 idle for too long"));
    send(&email, &hello()).expect("delivered over a third connection");
    assert_eq!((server.connections(), server.mails().len()), (3, 4));
}

#[test]
fn user_and_password_are_given_by_plain_or_login() {
    for (offer, said) in [
        ("AUTH PLAIN LOGIN", base64(b"\0us@er\0p:ss")),
        ("auth login", base64(b"p:ss")),
    ] {
        let server = SmtpServer::start_with(&[offer]);
        let url = format!("smtp://us%40er:p%3Ass@{}", server.addr());
        send(&handler(&url), &hello()).expect("delivered");
        let lines = server.lines();
        assert!(lines.iter().any(|l| l.ends_with(&said)), "{lines:?}");
    }
}

/// It is the daemon that is set up wrongly, not the mail: the job waits for the setting to be mended.
#[test]
fn a_wrong_password_does_not_cost_the_job() {
    let server = SmtpServer::start_with(&["AUTH PLAIN"]);
    server.rule("AUTH", ALWAYS, Act::Say("535 5.7.8 no"));
    server.rule("MAIL", ALWAYS, Act::Say("530 5.7.0 log in first"));
    for url in [format!("smtp://u:secret@{}", server.addr()), server.url()] {
        let failure = send(&handler(&url), &hello()).expect_err("refused");
        assert_eq!(failure.error().kind, ErrorKind::Failed);
        assert!(delay_of(&failure) >= Duration::from_secs(300));
        assert!(!failure.error().message.contains("secret"), "{failure:?}");
    }
}

#[test]
fn no_mail_and_no_password_goes_in_the_clear_where_tls_was_asked_for() {
    let server = SmtpServer::start_with(&["AUTH PLAIN"]);
    for url in [
        format!("smtp://{}?tls=required", server.addr()),
        format!("smtp://u:p@{}?tls=opportunistic", server.addr()),
    ] {
        let failure = send(&handler(&url), &hello()).expect_err(&url);
        assert!(failure.error().message.contains("STARTTLS"), "{failure:?}");
    }
    assert!(server.mails().is_empty());
    assert!(
        server.lines().iter().all(|l| l.starts_with("EHLO")),
        "{:?}",
        server.lines()
    );
    let url = format!("smtp://{}?tls=opportunistic", server.addr());
    send(&handler(&url), &hello()).expect("without a password, in the clear if need be");
}

#[test]
fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let mut mail = hello();
    mail["to"] = json!("jörg@example.org");
    let server = SmtpServer::start();
    send(&handler(&server.url()), &mail).expect("delivered");
    assert_eq!(server.await_mails(1)[0].to, ["jörg@example.org"]);
    assert!(
        server
            .lines()
            .iter()
            .any(|l| l.starts_with("MAIL") && l.ends_with("SMTPUTF8"))
    );
    let server = SmtpServer::start_with(&["8BITMIME"]);
    let failure = send(&handler(&server.url()), &mail).expect_err("cannot be said to it");
    assert_eq!(failure.error().kind, ErrorKind::Permanent);
    assert!(
        failure.error().message.contains("jörg@example.org"),
        "{failure:?}"
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
