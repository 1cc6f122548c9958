//! A client that knows nothing but `/openapi.json`: schemathesis, which makes requests of it that it allows and others that
//! it forbids, some thousands of each, and follows the ids in the answers. No answer may be a 5xx, none may be untold by
//! the document, and nothing that it forbids may be accepted. `schemathesis.toml` says which of its checks are made.
//!
//! And the document itself, held against the schema that the OpenAPI Initiative gives for OpenAPI 3.1.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::children;
use crate::support::daemon::Daemon;
use crate::support::python::python;
use crate::support::run::{Ran, run_within};
use crate::support::wait::PATIENCE;

use super::house::{House, embedded};

/// Where this file lies.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/process");

/// How long a run may take; it takes half a minute where little else runs.
const RUN: Duration = Duration::from_secs(300);

/// Runs a module of the Python environment.
#[track_caller]
fn module(patience: Duration, arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let python = python();
    let given = python.get_args().map(|one| one.to_str().expect("UTF-8"));
    // With nothing in its environment Python would take its output for ASCII.
    let all: Vec<_> = given
        .chain(["-X", "utf8", "-m"])
        .chain(arguments.iter().copied())
        .collect();
    run_within(
        patience,
        Path::new(python.get_program()),
        &all,
        settings,
        "",
    )
}

/// A daemon whose jobs end soon and send nothing out of this machine, with the folder that they use.
fn daemon(start: impl FnOnce(&[(&str, &str)]) -> Daemon) -> (tempfile::TempDir, Daemon) {
    let home = children::folder("schemathesis");
    let make = |name: &str| {
        let folder = home.path().join(name);
        fs::create_dir(&folder).expect("a fresh folder takes another");
        folder.display().to_string()
    };
    let mails = format!("file://{}", make("mails"));
    let daemon = start(&[
        ("SMTPURL", mails.as_str()),
        ("MAILFROM", "jobs@example.com"),
        ("FILEROOT", make("files").as_str()),
        ("JOBTIMEOUT", "1s"),
        ("LOGLEVEL", "info"),
    ]);
    (home, daemon)
}

/// How many operations a document tells.
fn operations(document: &Value) -> usize {
    let paths = document["paths"].as_object().expect("paths").values();
    paths
        .map(|path| path.as_object().expect("methods").len())
        .sum()
}

/// Lets schemathesis loose on a daemon.
#[track_caller]
fn finds_nothing(daemon: &mut Daemon) {
    let configuration = format!("{HERE}/schemathesis.toml");
    let hooks = format!("{HERE}/schemathesis.py");
    let document = format!("http://{}/openapi.json", daemon.addr());
    let ran = module(
        RUN,
        &[
            "schemathesis.cli",
            "--config-file",
            &configuration,
            "run",
            &document,
        ],
        &[("SCHEMATHESIS_HOOKS", &hooks)],
    );
    let said = format!("{}\n{}", ran.out, ran.err);
    assert_eq!(ran.code, 0, "{said}");
    // A run that asks little finds nothing either. The document itself is the one thing that it does not ask for again.
    let known = operations(&daemon.get("/openapi.json").expect(200).json()) - 1;
    assert!(said.contains(&format!("Tested: {known}\n")), "{said}");
    let cases = said.lines().find_map(|line| {
        let (cases, rest) = line.trim().split_once(" generated, ")?;
        rest.ends_with(" passed")
            .then(|| cases.parse::<usize>().ok())?
    });
    assert!(cases.is_some_and(|cases| cases > 2_000), "{said}");

    assert!(daemon.is_running(), "{}", daemon.log());
    let log = daemon.log();
    let mut errors = log.lines().filter(|line| line.contains("[ERROR"));
    assert_eq!(errors.next(), None, "it met with a fault of its own");
}

#[test]
fn a_client_made_from_the_document_finds_no_fault_with_the_embedded_engine() {
    let (_home, mut daemon) = daemon(embedded);
    finds_nothing(&mut daemon);
}

#[test]
fn a_client_made_from_the_document_finds_no_fault_with_redis_and_postgres() {
    let house = House::new();
    let (_home, mut daemon) = daemon(|settings| house.daemon(settings));
    finds_nothing(&mut daemon);
}

#[test]
fn the_document_is_what_openapi_allows() {
    let (home, daemon) = daemon(embedded);
    let path = home.path().join("openapi.json");
    let path = path.display().to_string();
    let mut document = daemon.get("/openapi.json").expect(200).json();
    let mut check = || {
        fs::write(&path, document.to_string()).expect("it can be written");
        let ran = module(
            PATIENCE * 2,
            &["openapi_spec_validator", "--schema", "3.1", &path],
            &[],
        );
        document["components"]["schemas"]["Job"]["type"] = "no such type".into();
        ran
    };
    let right = check();
    assert_eq!(right.code, 0, "{}\n{}", right.out, right.err);
    // It looks into the schemas too.
    let wrong = check();
    assert_ne!(wrong.code, 0, "{}", wrong.out);
}
