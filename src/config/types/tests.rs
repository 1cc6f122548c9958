//! Entries that are right, and all that can be wrong with them.

use std::fs;
use std::path::PathBuf;

use serde_json::value::RawValue;
use tempfile::TempDir;

use super::*;
use crate::config::{Config, Loaded, Problem, Sources};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn sources(&self, file: &str) -> Sources {
        Sources {
            file: Some(self.write("windlass.toml", file)),
            ..Sources::none()
        }
    }

    #[track_caller]
    fn load(&self, file: &str) -> Loaded {
        Config::load(&self.sources(file)).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// The problems, without the folder's name.
    #[track_caller]
    fn problems(&self, file: &str) -> Vec<String> {
        let here = format!("{}/", self.0.path().display());
        let problems = Config::load(&self.sources(file)).unwrap_err();
        let texts = problems.all().iter().map(Problem::to_string);
        texts.map(|text| text.replace(&here, "")).collect()
    }
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn entries_are_read_with_all_they_say() {
    let folder = Folder::new();
    folder.write("secret", &format!("{SECRET}\n"));
    folder.write("order.json", r#"{"type": "object"}"#);
    let loaded = folder.load(
        "worker_count = 3

[[type]]
name = \"thumbnail\"
command = [\"/bin/sh\", \"-c\", \"cat\"]
directory = \"/tmp\"
timeout = 90
queue = \"slow\"
payload_schema = \"order.json\"

[[type]]
name = \"notify\"
url = \"https://example.com/hook?token=abc\"
secret_file = \"secret\"
headers = { Authorization = \"Bearer abc\" }

[type.payload_schema]
required = [\"a\"]
properties.a = { minimum = 1, multipleOf = 0.5, const = true }
",
    );
    assert_eq!((loaded.config.worker_count, loaded.warnings.len()), (3, 0));
    let [thumbnail, notify] = loaded.config.types.as_slice() else {
        panic!("{:?}", loaded.config.types)
    };
    assert!(
        thumbnail
            .place
            .to_string()
            .ends_with("windlass.toml line 3")
    );
    assert_eq!(
        thumbnail.shown(),
        [
            ("command", "[\"/bin/sh\", \"-c\", \"cat\"]".to_owned()),
            ("directory", "/tmp".to_owned()),
            ("payload_schema", "{\"type\":\"object\"}".to_owned()),
            ("timeout", "90s".to_owned()),
            ("queue", "slow".to_owned()),
        ]
    );
    let Action::Webhook {
        url,
        secret,
        headers,
    } = &notify.action
    else {
        panic!("{notify:?}")
    };
    assert_eq!(url.as_str(), "https://example.com/hook?token=abc");
    assert_eq!(secret.as_ref().map(|key| key.bytes().len()), Some(24));
    assert_eq!(headers[0].1.reveal(), "Bearer abc");
    assert_eq!(
        notify.payload_schema.as_ref().unwrap().document(),
        &serde_json::json!({"required": ["a"], "properties": {"a": {"minimum": 1, "multipleOf": 0.5, "const": true}}})
    );
    let shown = format!("{:?} {notify:?}", notify.shown());
    assert!(shown.contains("/hook?token=***") && shown.contains("Authorization: ***"));
    assert!(
        !shown.contains("Bearer abc") && !shown.contains("MfKQ"),
        "{shown}"
    );
}

/// Everything that an entry can have wrong.
const WRONG: &str = "worker_cout = 1
[[type]]
name = \"email\"
comand = [\"/bin/true\"]
[[type]]
name = \"a b\"
command = \"/bin/true\"
url = \"https://example.com\"
[[type]]
name = \"one\"
command = [\"true\"]
secret = \"x\"
timeout = \"0s\"
queue = \"\"
[[type]]
name = \"two\"
url = \"https://user:pw@example.com\"
secret = \"whsec_short\"
directory = \"/\"
headers = { \"a b\" = \"x\", Host = \"x\", X = 1, Y = \"ü\" }
payload_schema = \"broken.json\"
[[type]]
name = \"three\"
url = \"ftp://example.com\"
secret_file = \"absent\"
payload_schema = \"wrong.json\"
[[type]]
name = \"four\"
command = [\"/bin/true\"]
payload_schema = { type = \"object\",
  properties = { a = {
    minimum = \"1\" } } }
[[type]]
command = []
payload_schema = { const = 2020-01-01 }
[[type]]
name = \"five\"
command = [\"/bin/true\"]
payload_schema = { \"$ref\" = \"https://example.com/schema\" }
[[type]]
name = \"six\"
command = [\"/bin/true\"]
[[type]]
name = \"six\"
command = [\"/bin/true\"]
";

/// How the problems of [`WRONG`] begin.
const TOLD: [&str; 27] = [
    "windlass.toml line 1: unknown key `worker_cout`; did you mean `worker_count`?",
    "windlass.toml line 4: unknown key `comand` in an entry of a type; did you mean `command`?",
    "windlass.toml line 3: name: `email` is the name of a built-in type",
    "windlass.toml line 2: the entry of a type has neither a `command` nor a `url`",
    "windlass.toml line 6: name: `a b` is not a name",
    "windlass.toml line 7: the entry of a type has a `command` and a `url`",
    "windlass.toml line 12: `secret` has no meaning beside `command`",
    "windlass.toml line 11: command: does not begin with an absolute path",
    "windlass.toml line 13: timeout: `0s` is shorter than 1s",
    "windlass.toml line 14: queue: `` is not a name",
    "windlass.toml line 19: `directory` has no meaning beside `url`",
    "windlass.toml line 17: url: the value (not shown) holds a login",
    "windlass.toml line 18: secret: the value (not shown) is not base64",
    "windlass.toml line 20: headers: `Host` is set by windlass itself",
    "windlass.toml line 20: headers: `X` is not a text in quotes",
    "windlass.toml line 20: headers: `Y` has a value (not shown)",
    "windlass.toml line 20: headers: `a b` is no name of a header",
    "windlass.toml line 21: payload_schema: broken.json is not JSON: EOF",
    "windlass.toml line 24: url: the value (not shown) is neither an http://",
    "windlass.toml line 25: secret_file: cannot read absent: No such file",
    "windlass.toml line 26: payload_schema: wrong.json is no JSON Schema (2020-12): at `/type`",
    "windlass.toml line 32: payload_schema: is no JSON Schema (2020-12): at `/properties/a/minimum`",
    "windlass.toml line 33: the entry of a type has no `name`",
    "windlass.toml line 34: command: is empty",
    "windlass.toml line 35: payload_schema: holds a value that is a date",
    "windlass.toml line 39: payload_schema: is no JSON Schema (2020-12): ",
    "windlass.toml line 43: the type `six` stands at windlass.toml line 40, too",
];

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line() {
    let folder = Folder::new();
    folder.write("broken.json", "{\"type\": ");
    folder.write("wrong.json", "{\"type\": \"objekt\"}");
    let problems = folder.problems(WRONG);
    for (problem, beginning) in problems.iter().zip(TOLD) {
        assert!(problem.starts_with(beginning), "{problem}\n{beginning}");
    }
    assert_eq!(problems.len(), TOLD.len(), "{problems:#?}");
}

#[test]
fn brackets_that_are_wrong_are_told() {
    let folder = Folder::new();
    for (text, told) in [
        (
            "[type]\nname = \"a\"\n",
            "begin each with `[[type]]`, in two brackets",
        ),
        ("type = [1]\n", "an entry of `type` is a table"),
        (
            "[[types]]\nname = \"a\"\n",
            "unknown key `types`; did you mean `[[type]]`?",
        ),
    ] {
        let problems = folder.problems(text);
        assert!(
            problems.len() == 1 && problems[0].contains(told),
            "{problems:?}"
        );
    }
}

#[test]
fn a_program_that_is_not_there_is_odd_but_may_come() {
    let loaded = Folder::new().load("[[type]]\nname = \"a\"\ncommand = [\"/nowhere/thing\"]\n");
    let warnings: Vec<_> = loaded.warnings.iter().map(Problem::to_string).collect();
    assert!(
        warnings.len() == 1
            && warnings[0].contains("line 3: command: `/nowhere/thing` is not there"),
        "{warnings:?}"
    );
}

fn check(schema: serde_json::Value, payload: &str) -> Vec<(String, String)> {
    let schema = PayloadSchema::new(schema).unwrap();
    let payload = RawValue::from_string(payload.to_owned()).unwrap();
    schema.check(&payload).err().unwrap_or_default()
}

#[test]
fn every_wrong_field_of_a_payload_is_told_without_its_value() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["to", "a/b"],
        "properties": {
            "to": {"type": "string", "format": "email"},
            "a/b": {},
            "n": {"type": "array", "items": {"maximum": 3}}
        },
        "additionalProperties": false
    });
    let mut wrong = check(
        schema.clone(),
        r#"{"to": "HIDDEN", "n": [1, 99], "more": 1}"#,
    );
    wrong.sort();
    let pointers: Vec<_> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/a~1b", "/more", "/n/1", "/to"], "{wrong:?}");
    assert!(
        wrong
            .iter()
            .all(|(_, why)| !why.contains("HIDDEN") && !why.contains("99")),
        "{wrong:?}"
    );
    assert_eq!(wrong[0].1, "is missing");
    assert_eq!(check(schema, r#"{"to": "a@example.com", "a/b": null}"#), []);
}

#[test]
fn a_pattern_that_goes_wild_refuses_the_text_and_ends() {
    let schema = serde_json::json!({"pattern": "^(a|a)*(?=x)\\1$"});
    let text = format!("\"{}\"", "a".repeat(5_000));
    assert_eq!(check(schema, &text).len(), 1);
}

#[test]
fn a_schema_fetches_nothing() {
    for reference in ["https://example.com/a", "file:///etc/hostname"] {
        let schema = serde_json::json!({"$ref": reference});
        assert!(PayloadSchema::new(schema).is_err(), "{reference}");
    }
}
