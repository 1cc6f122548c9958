//! Attachments that lie in files beneath FILEROOT.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{config, context, payload, with, wrong};
use crate::config::Config;
use crate::handlers::Handler;
use crate::handlers::email::Email;
use crate::job::ErrorKind;

/// A folder for the mails and the files, and a handler that uses it.
fn house() -> (tempfile::TempDir, Email) {
    let house = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}/mails", house.path().display());
    let config = Config {
        file_root: Some(house.path().join("files")),
        ..config(Some(&url))
    };
    std::fs::create_dir(house.path().join("files")).expect("made");
    (house, Email::new(&config).expect("an email handler"))
}

#[test]
fn attachments_come_from_files() {
    let (house, email) = house();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(house.path().join("files").join(name), bytes).expect("written");
    };
    file("a.bin", b"\xff\0from a file");
    let context = context();
    let mail = with(json!({"attachments": [
        {"filename": "one.bin", "path": "a.bin"},
        {"filename": "two.txt", "base64": STANDARD.encode(b"\xff\0inline")},
    ]}));
    assert_eq!(email.check(&payload(mail.clone())), Ok(()));
    email.run(payload(mail), &context).expect("sent");
    let path = house.path().join(format!("mails/{}.eml", context.id()));
    let text = std::fs::read_to_string(path).expect("the mail's file");
    assert!(
        text.contains(&STANDARD.encode(b"\xff\0from a file")),
        "{text}"
    );
    assert!(text.contains(&STANDARD.encode(b"\xff\0inline")), "{text}");
    assert!(text.contains("filename=\"one.bin\""), "{text}");
    // Together they must fit a mail, whatever each has alone.
    file("b.bin", &vec![0; 18 * 1024 * 1024 - 5]);
    for (more, fits) in [("YWJjZGU=", true), ("YWJjZGVm", false)] {
        let mail = with(json!({"attachments": [
            {"filename": "b.bin", "path": "b.bin"}, {"filename": "c.bin", "base64": more},
        ]}));
        let answer = email.run(payload(mail), &context);
        assert_eq!(answer.is_ok(), fits, "{answer:?}");
        if let Err(failure) = answer {
            assert_eq!(failure.error().kind, ErrorKind::Permanent);
            assert!(failure.error().message.contains("`b.bin`"), "{failure:?}");
        }
    }
}

#[test]
fn files_that_are_missing_or_outside_stop_a_mail() {
    let (house, email) = house();
    let file = |attachment: Value| with(json!({"attachments": [attachment]}));
    for (attachment, pointer, words) in [
        (
            json!({"filename": "a", "path": "../a"}),
            "/attachments/0/path",
            "`..`",
        ),
        (
            json!({"filename": "a", "path": "/etc/passwd"}),
            "/attachments/0/path",
            "outside",
        ),
        (
            json!({"filename": "a", "path": ""}),
            "/attachments/0/path",
            "empty",
        ),
        (
            json!({"filename": "a", "path": "a", "base64": ""}),
            "/attachments/0/path",
            "not both",
        ),
        (json!({"filename": "a"}), "/attachments/0", "`path`"),
    ] {
        let found = email.check(&payload(file(attachment))).expect_err(words);
        assert_eq!(found[0].pointer, pointer, "{found:?}");
        assert!(found[0].detail.contains(words), "{found:?}");
    }
    std::os::unix::fs::symlink("/etc/passwd", house.path().join("files/link")).expect("a link");
    for (path, words) in [("missing", "no such file"), ("link", "outside of FILEROOT")] {
        let mail = payload(file(json!({"filename": "a", "path": path})));
        let failure = email.run(mail, &context()).expect_err(path);
        assert_eq!(failure.error().kind, ErrorKind::Permanent);
        assert!(failure.error().message.contains(words), "{failure:?}");
    }
    assert!(!house.path().join("mails").exists(), "nothing was sent");
    // A daemon without files refuses such a mail at its door, and leaves one that came in elsewhere to others.
    let email = Email::new(&config(Some("smtp://localhost"))).expect("an email handler");
    let mail = payload(file(json!({"filename": "a", "path": "a.pdf"})));
    let failure = email.run(mail, &context()).expect_err("no files");
    assert_eq!(failure.error().kind, ErrorKind::Failed);
    let found = wrong(file(json!({"filename": "a", "path": "a.pdf"})));
    assert!(found[0].detail.contains("FILEROOT is not set"), "{found:?}");
}
