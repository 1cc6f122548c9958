//! Payloads that are wrong, for every type: refused at the door with field and reason, or dead with them.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::children;
use crate::support::daemon::Daemon;

/// A daemon that knows all the types: the built-in ones, and a program and a URL with a schema.
fn daemon() -> (tempfile::TempDir, Daemon) {
    let folder = children::folder("door");
    let entries = "
        [[type]]
        name = \"report\"
        command = [\"/bin/true\"]
        payload_schema = { type = \"object\", required = [\"month\"], additionalProperties = false, properties = { month = { type = \"integer\", minimum = 1, maximum = 12 } } }
        [[type]]
        name = \"notify\"
        url = \"http://127.0.0.1:9/\"
        payload_schema = { type = \"object\", required = [\"order\"], additionalProperties = false, properties = { order = { type = \"string\" } } }
    ";
    let file = folder.path().join("windlass.toml");
    fs::write(&file, entries).expect("written");
    fs::create_dir(folder.path().join("files")).expect("made");
    symlink("/etc", folder.path().join("files/etc")).expect("a link");
    let daemon = Daemon::embedded(&[
        ("WINDLASS_CONFIG", &file.display().to_string()),
        (
            "FILEROOT",
            &folder.path().join("files").display().to_string(),
        ),
        ("SMTPURL", "smtp://127.0.0.1:9"),
        ("MAILFROM", "shop@example.com"),
    ]);
    (folder, daemon)
}

/// A type, a payload, the field that is wrong with it, and words of the reason.
type Case = (&'static str, Value, &'static str, &'static str);

fn wrong_types() -> Vec<Case> {
    vec![
        ("sleep", json!({"seconds": "5"}), "/seconds", "expected f64"),
        (
            "email",
            json!({"to": 7, "subject": "s", "body": "b"}),
            "/to",
            "expected a string or an array of strings",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subject": ["s"]}),
            "/subject",
            "invalid type: sequence, expected a string",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": {}}),
            "/outputs",
            "expected a sequence",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": [{"path": "b.png", "width": "8"}]}),
            "/outputs/0/width",
            "expected u32",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": [{"path": "b.png", "quality": -1}]}),
            "/outputs/0/quality",
            "-1",
        ),
        (
            "data",
            json!({"steps": "SELECT 1", "outputs": []}),
            "/steps",
            "expected a sequence",
        ),
        (
            "data",
            json!({"inputs": {"t": {"rows": {}}}, "outputs": [{"select": "SELECT 1", "to": {"result": "r"}}]}),
            "/inputs/t/rows",
            "array",
        ),
        ("report", json!({"month": "May"}), "/month", "not of type"),
        (
            "report",
            json!({"month": 13}),
            "/month",
            "greater than the maximum",
        ),
        ("notify", json!({"order": 17}), "/order", "not of type"),
    ]
}

fn missing_fields() -> Vec<Case> {
    vec![
        ("sleep", json!({}), "", "missing field `seconds`"),
        (
            "email",
            json!({"subject": "s", "body": "b"}),
            "",
            "missing field `to`",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subject": "s"}),
            "/body",
            "is needed",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subject": "s", "body": "b", "attachments": [{}]}),
            "/attachments/0",
            "missing field `filename`",
        ),
        (
            "image",
            json!({"outputs": [{"path": "b.png"}]}),
            "",
            "missing field `source`",
        ),
        (
            "image",
            json!({"source": {}, "outputs": [{"path": "b.png"}]}),
            "/source",
            "`path`",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": []}),
            "/outputs",
            "1 to 32",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "operations": [{"op": "crop", "x": 1}], "outputs": [{"path": "b.png"}]}),
            "/operations/0",
            "missing field `y`",
        ),
        ("data", json!({}), "", "missing field `outputs`"),
        (
            "data",
            json!({"outputs": [{"select": "SELECT 1"}]}),
            "/outputs/0",
            "missing field `to`",
        ),
        (
            "data",
            json!({"outputs": [{"select": "SELECT 1", "to": {}}]}),
            "/outputs/0/to",
            "`path` or `result`",
        ),
        ("report", json!({}), "/month", "is missing"),
        ("notify", json!({}), "/order", "is missing"),
    ]
}

fn unknown_fields() -> Vec<Case> {
    vec![
        (
            "sleep",
            json!({"second": 2}),
            "/second",
            "did you mean `seconds`?",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subjet": "s", "body": "b"}),
            "/subjet",
            "did you mean `subject`?",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subject": "s", "attachments": [{"filename": "a", "base46": ""}]}),
            "/attachments/0/base46",
            "did you mean `base64`?",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": [{"path": "b.png", "widht": 8}]}),
            "/outputs/0/widht",
            "did you mean `width`?",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "outputs": [{"path": "b.png", "fit": "covers"}]}),
            "/outputs/0/fit",
            "did you mean `cover`?",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "operations": [{"op": "rotat", "degrees": 90}], "outputs": [{"path": "b.png"}]}),
            "/operations/0/op",
            "did you mean `rotate`?",
        ),
        (
            "image",
            json!({"source": {"path": "a.png"}, "operations": [{"op": "blur", "sigmas": 90}], "outputs": [{"path": "b.png"}]}),
            "/operations/0",
            "did you mean `sigma`?",
        ),
        (
            "data",
            json!({"step": [], "outputs": []}),
            "/step",
            "did you mean `steps`?",
        ),
        (
            "data",
            json!({"outputs": [{"select": "SELECT 1", "to": {"results": "r"}}]}),
            "/outputs/0/to/results",
            "did you mean `result`?",
        ),
        (
            "report",
            json!({"month": 5, "year": 2026}),
            "/year",
            "unknown field",
        ),
        (
            "notify",
            json!({"order": "a", "oder": 1}),
            "/oder",
            "unknown field",
        ),
    ]
}

fn paths_that_leave() -> Vec<Case> {
    let mail = |path: &str| json!({"to": "a@example.com", "subject": "s", "body": "b", "attachments": [{"filename": "a", "path": path}]});
    let image = |from: &str, over: &str, to: &str| json!({"source": {"path": from}, "operations": [{"op": "overlay", "path": over}], "outputs": [{"path": to}]});
    let data = |from: &str, to: &str| json!({"inputs": {"t": {"path": from}}, "outputs": [{"select": "SELECT 1", "to": {"path": to}}]});
    vec![
        ("email", mail("../secret"), "/attachments/0/path", "`..`"),
        (
            "email",
            mail("/etc/passwd"),
            "/attachments/0/path",
            "outside of FILEROOT",
        ),
        (
            "image",
            image("../a.png", "b.png", "c.png"),
            "/source/path",
            "`..`",
        ),
        (
            "image",
            image("a.png", "/b.png", "c.png"),
            "/operations/0/path",
            "outside of FILEROOT",
        ),
        (
            "image",
            image("a.png", "b.png", "x/../../c.png"),
            "/outputs/0/path",
            "`..`",
        ),
        ("data", data("../a.csv", "b.csv"), "/inputs/t/path", "`..`"),
        (
            "data",
            data("a.csv", "/tmp/b.csv"),
            "/outputs/0/to/path",
            "outside of FILEROOT",
        ),
        (
            "data",
            data("a.csv", ""),
            "/outputs/0/to/path",
            "must not be empty",
        ),
    ]
}

/// Each is refused with 422, names the field as a JSON Pointer into the job, and the reason; nothing is enqueued.
#[test]
fn what_is_wrong_is_refused_at_the_door_with_field_and_reason() {
    let (_folder, daemon) = daemon();
    let cases = [
        wrong_types(),
        missing_fields(),
        unknown_fields(),
        paths_that_leave(),
    ]
    .concat();
    let mut amiss = Vec::new();
    for (kind, payload, field, words) in &cases {
        let answer = daemon.post("/submit", &json!({"type": kind, "payload": payload}));
        let pointer = format!("/payload{field}");
        let fits = |error: &Value| {
            let detail = error["detail"].as_str().unwrap_or_default();
            error["pointer"] == pointer.as_str() && detail.contains(words)
        };
        let errors = answer.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if answer.status != 422 || !errors.iter().any(fits) {
            amiss.push(format!(
                "{kind} {payload}: {pointer}, {words}: {}",
                answer.text()
            ));
        }
    }
    assert!(
        amiss.is_empty(),
        "{}",
        amiss.join(
            "
"
        )
    );
    let jobs = daemon.get("/jobs").expect(200).json();
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(0), "{jobs}");
}

/// What only shows when the job runs: a link out of FILEROOT, SQL that reaches outside. Dead after one attempt.
#[test]
fn what_shows_only_when_it_runs_is_dead_with_its_reason() {
    let (folder, daemon) = daemon();
    let out = folder.path().join("out.db").display().to_string();
    let sql = |statement: &str| json!({"steps": [statement.replace("OUT", &out)], "outputs": [{"select": "SELECT 1", "to": {"path": "out.csv"}}]});
    for (kind, payload, words) in [
        (
            "image",
            json!({"source": {"path": "etc/passwd"}, "outputs": [{"path": "b.png"}]}),
            "`etc/passwd` cannot be read: it leads outside of FILEROOT",
        ),
        (
            "image",
            json!({"source": {"base64": "QUJD"}, "outputs": [{"path": "b.png"}]}),
            "`base64`",
        ),
        (
            "data",
            json!({"inputs": {"t": {"path": "etc/passwd", "format": "csv"}}, "outputs": [{"select": "SELECT 1", "to": {"result": "r"}}]}),
            "it leads outside of FILEROOT",
        ),
        (
            "data",
            json!({"outputs": [{"select": "SELECT 1", "to": {"path": "etc/out.csv"}}]}),
            "it leads outside of FILEROOT",
        ),
        ("data", sql("ATTACH 'OUT' AS other"), "step 1: ATTACH"),
        ("data", sql("VACUUM INTO 'OUT'"), "step 1: ATTACH"),
        (
            "data",
            sql("SELECT load_extension('x.so')"),
            "step 1: the function `load_extension`",
        ),
        (
            "data",
            sql("PRAGMA temp_store_directory = '/etc'"),
            "step 1: PRAGMA temp_store_directory",
        ),
        (
            "email",
            json!({"to": "a@example.com", "subject": "s", "body": "b", "attachments": [{"filename": "a", "path": "etc/passwd"}]}),
            "it leads outside of FILEROOT",
        ),
    ] {
        let id = daemon.submit(&json!({"type": kind, "payload": payload}));
        let job = daemon.await_state(&id, "dead");
        let message = job["error"]["message"].as_str().expect("a reason");
        assert_eq!(
            (&job["error"]["kind"], &job["attempt"]),
            (&json!("permanent"), &json!(1)),
            "{message}"
        );
        assert!(message.contains(words), "{kind} {payload}: {message}");
    }
    let files = fs::read_dir(folder.path().join("files"))
        .expect("a folder")
        .count();
    assert_eq!(files, 1, "only the link is there");
    assert!(!folder.path().join("out.db").exists());
}
