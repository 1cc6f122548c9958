//! Mails all the way: over HTTP into the program, and out of it to a mail server.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::mime::Part;
use crate::support::servers::{Postgres, Redis};
use crate::support::smtp::{Act, SmtpServer, authority};
use crate::support::wait::{PATIENCE, wait_until};

/// The README's first job, byte for byte.
const SEED: &str = r#"{"type":"email","payload":{"to":"user@example.com","subject":"Hello","body":"This is a sample email."}}"#;

const SENDER: (&str, &str) = ("MAILFROM", "Windlass <windlass@example.org>");

/// Waits until the daemon lacks nothing.
#[track_caller]
fn await_ready(daemon: &Daemon) {
    wait_until("the daemon is ready", PATIENCE, || {
        match daemon.get("/readyz") {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.text()),
        }
    });
}

/// A daemon on one file that sends through `url`.
fn embedded(url: &str) -> Daemon {
    let daemon = Daemon::embedded(&[("SMTPURL", url), SENDER]);
    await_ready(&daemon);
    daemon
}

fn submit_seed(daemon: &Daemon) -> String {
    let json = [("Content-Type", "application/json")];
    let answer = daemon.request("POST", "/submit", &json, Some(SEED.as_bytes()));
    let job = answer.expect(202).json();
    job["id"].as_str().expect("an id").to_owned()
}

/// Submits the seed example, and checks the mail that the server receives and the job that is on record.
fn the_seed_example_arrives(daemon: &Daemon, server: &SmtpServer) {
    let id = submit_seed(daemon);
    let job = daemon.await_state(&id, "succeeded");
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(
        (mails[0].from.as_str(), &mails[0].to[..]),
        ("windlass@example.org", &["user@example.com".to_owned()][..])
    );
    let part = Part::read(&mails[0].text);
    assert_eq!(part.header("Subject"), "Hello");
    assert_eq!(part.header("To"), "user@example.com");
    assert_eq!(part.text().trim_end(), "This is a sample email.");
    assert_eq!(part.header("Message-ID"), format!("<{id}@example.org>"));
    assert_eq!(
        job["result"],
        json!({"message_id": format!("<{id}@example.org>"), "accepted": ["user@example.com"], "response": "250 2.0.0 queued as 4711"})
    );
}

#[test]
fn the_seed_example_is_received_by_a_mail_server() {
    let (redis, server) = (Redis::start(), SmtpServer::start());
    let daemon = Daemon::start(&[
        ("REDISADDR", &redis.addr()),
        ("DATABASEURL", &Postgres::shared().fresh_database()),
        ("SMTPURL", &server.url()),
        SENDER,
    ]);
    await_ready(&daemon);
    the_seed_example_arrives(&daemon, &server);
    let server = SmtpServer::start();
    the_seed_example_arrives(&embedded(&server.url()), &server);
}

/// The daemon is told to trust one authority: who is vouched for by it gets the mail, encrypted either way.
#[test]
fn mails_go_encrypted_to_a_server_that_is_vouched_for() {
    let authority = authority().display().to_string();
    for (server, url) in [
        (SmtpServer::start_encrypted(), "smtps://localhost:PORT"),
        (
            SmtpServer::start_with(&["STARTTLS"]),
            "smtp://localhost:PORT?tls=required",
        ),
    ] {
        let url = url.replace("PORT", &server.addr().port().to_string());
        let daemon = Daemon::embedded(&[("SMTPURL", &url), SENDER, ("SSL_CERT_FILE", &authority)]);
        await_ready(&daemon);
        the_seed_example_arrives(&daemon, &server);
    }
}

#[test]
fn a_451_is_tried_again_in_five_minutes_at_least() {
    let server = SmtpServer::start();
    server.rule("RCPT", usize::MAX, Act::Say("451 4.7.1 greylisted"));
    let daemon = embedded(&server.url());
    let job = daemon.await_state(&submit_seed(&daemon), "retrying");
    let instant = |value: &Value| -> DateTime<Utc> {
        value
            .as_str()
            .expect("an instant")
            .parse()
            .expect("RFC 3339")
    };
    let wait = instant(&job["run_at"]) - instant(&job["attempts"][0]["ended_at"]);
    let wait = wait.to_std().expect("after the attempt");
    // The engine makes the due time when it hears of the end, a moment later.
    assert!(
        wait >= Duration::from_secs(300) && wait < Duration::from_secs(400),
        "{job}"
    );
    assert_eq!(job["attempts"][0]["outcome"], "failed");
    assert_eq!(job["error"]["kind"], "failed");
    let message = job["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("user@example.com: 451 4.7.1 greylisted"),
        "{job}"
    );
    assert!(server.mails().is_empty());
}

#[test]
fn a_550_ends_the_job_at_once_and_names_the_address() {
    let server = SmtpServer::start();
    server.rule("RCPT", usize::MAX, Act::Say("550 5.1.1 no such user"));
    let daemon = embedded(&server.url());
    let job = daemon.await_state(&submit_seed(&daemon), "dead");
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1), "{job}");
    assert_eq!(job["error"]["kind"], "permanent");
    let message = job["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("refused the recipient user@example.com: 550 5.1.1 no such user"),
        "{job}"
    );
    assert!(server.mails().is_empty());
}

#[test]
fn a_wrong_mail_is_refused_at_the_door_with_every_fault() {
    let server = SmtpServer::start();
    let daemon = embedded(&server.url());
    let answer = daemon
        .post("/submit", &json!({"type": "email", "payload": {"to": "nobody", "subject": "a\r\nBcc: b@example.org"}}))
        .expect(422)
        .json();
    let errors = answer["errors"].as_array().expect("errors");
    let mut pointers: Vec<_> = errors
        .iter()
        .filter_map(|e| e["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        ["/payload/body", "/payload/subject", "/payload/to"]
    );
    assert!(server.lines().is_empty());
}

#[test]
fn a_daemon_without_a_mail_server_says_so_at_the_door() {
    let daemon = Daemon::embedded(&[]);
    await_ready(&daemon);
    let json = [("Content-Type", "application/json")];
    let answer = daemon
        .request("POST", "/submit", &json, Some(SEED.as_bytes()))
        .expect(422);
    assert!(answer.text().contains("SMTPURL"), "{}", answer.text());
}

#[test]
fn mails_are_written_into_a_folder_where_smtpurl_names_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = embedded(&format!("file://{}/mails", folder.path().display()));
    let id = submit_seed(&daemon);
    daemon.await_state(&id, "succeeded");
    let path = folder.path().join(format!("mails/{id}.eml"));
    let text = std::fs::read_to_string(&path).expect("the mail");
    assert_eq!(Part::read(&text).header("Subject"), "Hello");
}
