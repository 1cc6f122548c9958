//! `windlass schedules`: make, show, change, run and delete.

use serde_json::{Value, json};

use super::mask::masked;
use super::operator::{fine, run, run_with};
use crate::support::daemon::Daemon;

const PUT: &[&str] = &[
    "schedules",
    "put",
    "nightly",
    "--cron",
    "30 2 * * *",
    "--time-zone",
    "Europe/Berlin",
    "--type",
    "noop",
    "--queue",
    "night",
    "--payload",
    r#"{"n":12345678901234567890}"#,
    "--catch-up",
    "last",
    "--overlap",
    "skip",
];

#[test]
fn a_schedule_is_made_of_flags_or_of_a_document() {
    let daemon = Daemon::embedded(&[]);
    let expected = "nightly  enabled
cron        30 2 * * *
time zone   Europe/Berlin
catch up    last
overlap     skip
source      api
next        <instant>
job
  {\"type\":\"noop\",\"payload\":{\"n\":12345678901234567890},\"queue\":\"night\"}
";
    assert_eq!(masked(&fine(&daemon, PUT)), expected);
    assert_eq!(
        masked(&fine(&daemon, &["schedules", "show", "nightly"])),
        expected
    );
    let document = r#"{"cron": "@every 90s", "job": {"type": "noop"}, "enabled": false}"#;
    let ran = run_with(&daemon, &["schedules", "put", "often", "-"], document);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<String> = masked(&fine(&daemon, &["schedules"]))
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "NAME CRON TIME ZONE TYPE NEXT LAST SOURCE STATUS",
            "nightly 30 2 * * * Europe/Berlin noop <instant> - api enabled",
            "often @every 90s UTC noop - - api disabled",
        ]
    );
    let document: Value =
        serde_json::from_str(&fine(&daemon, &["schedules", "show", "often", "--json"]))
            .expect("JSON");
    assert_eq!(document["name"], "often");
    let ran = run(
        &daemon,
        &[
            "schedules",
            "put",
            "wrong",
            "--cron",
            "61 * * * *",
            "--type",
            "nop",
        ],
    );
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.contains("\n  /cron: ") && ran.err.contains("\n  /job/type: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_schedule_is_disabled_and_enabled_and_all_else_stays() {
    let daemon = Daemon::embedded(&[]);
    let before = fine(&daemon, PUT);
    let disabled = fine(&daemon, &["schedules", "disable", "nightly"]);
    assert!(disabled.starts_with("nightly  disabled\n"), "{disabled}");
    assert!(
        disabled.contains("12345678901234567890"),
        "digit for digit: {disabled}"
    );
    assert_eq!(fine(&daemon, &["schedules", "enable", "nightly"]), before);
    // An entry of the file belongs to the file, but can be kept from firing.
    let file = "[[schedule]]\nname = \"tidy\"\ncron = \"@daily\"\njob = { type = \"noop\" }\n";
    let folder = crate::support::children::folder("config");
    let path = folder.path().join("windlass.toml");
    std::fs::write(&path, file).expect("a fresh folder takes a file");
    let daemon = Daemon::embedded(&[("WINDLASS_CONFIG", path.to_str().expect("a plain path"))]);
    assert!(fine(&daemon, &["schedules", "disable", "tidy"]).starts_with("tidy  disabled\n"));
    assert!(fine(&daemon, &["schedules", "enable", "tidy"]).contains("source      file\n"));
    let ran = run(&daemon, &["schedules", "delete", "tidy"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("(409)"), "{}", ran.err);
}

#[test]
fn a_schedule_is_run_previewed_and_deleted() {
    let daemon = Daemon::embedded(&[]);
    fine(&daemon, PUT);
    let preview = [
        "schedules",
        "preview",
        "nightly",
        "--count",
        "3",
        "--from",
        "2027-03-26T12:00:00Z",
    ];
    // Half past two does not exist on the day when the clocks go forward.
    assert_eq!(
        fine(&daemon, &preview),
        "2027-03-27T01:30:00.000000Z\n2027-03-28T01:00:00.000000Z\n2027-03-29T00:30:00.000000Z\n"
    );
    let out = fine(&daemon, &["schedules", "run", "nightly"]);
    assert_eq!(masked(&out), "<id>  queued  night\n");
    let id = out.split(' ').next().expect("an id");
    assert_eq!(
        daemon.get(&format!("/jobs/{id}")).expect(200).json()["queue"],
        json!("night")
    );
    assert_eq!(
        fine(&daemon, &["schedules", "delete", "nightly"]),
        "nightly  deleted\n"
    );
    let ran = run(&daemon, &["schedules", "show", "nightly"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("nightly"), "{}", ran.err);
}
