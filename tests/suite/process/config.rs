//! `windlass config`, and what every command does about wrong settings.

use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::children;
use crate::support::daemon::{program, run};

/// No configuration file of this machine's own.
const NO_FILE: (&str, &str) = ("WINDLASS_CONFIG", "");

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Runs the program in `folder`, with the files that stand there.
fn run_in(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

#[test]
fn every_setting_is_shown_with_its_value_and_its_source() {
    let ran = run(&["config"], &[NO_FILE, ("WORKER_COUNT", "3")]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let settings = windlass::config::Config::reference().len();
    assert_eq!(ran.out.lines().count(), settings);
    let row = |setting: &str| {
        let line = ran
            .out
            .lines()
            .find(|line| line.starts_with(setting))
            .expect(setting);
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        row("worker_count"),
        ["worker_count", "3", "WORKER_COUNT in the environment"]
    );
    assert_eq!(
        row("redis_addr"),
        ["redis_addr", "127.0.0.1:6379", "default"]
    );
    assert_eq!(row("api_addr"), ["api_addr", "127.0.0.1:8080", "default"]);
    assert_eq!(row("max_retries"), ["max_retries", "5", "default"]);
    assert_eq!(row("worker_timeout"), ["worker_timeout", "10s", "default"]);
    assert_eq!(row("smtp_url"), ["smtp_url", "(not set)", "default"]);
}

#[test]
fn json_is_for_programs_and_shows_no_secret() {
    let ran = run(
        &["config", "--json"],
        &[
            NO_FILE,
            ("REDISADDR", "rediss://me:SECRET@redis.example.com:6380/2"),
        ],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(!ran.out.contains("SECRET"), "{}", ran.out);
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    let settings = answer["settings"].as_array().expect("a list");
    let row = |name: &str| {
        settings
            .iter()
            .find(|row| row["setting"] == name)
            .expect(name)
    };
    assert_eq!(
        row("redis_addr")["value"],
        "rediss://me:***@redis.example.com:6380/2"
    );
    assert_eq!(row("redis_addr")["source"], "REDISADDR in the environment");
    assert_eq!(row("smtp_url")["value"], Value::Null);
    assert_eq!(row("lease")["variable"], "LEASE");
    assert_eq!(answer["warnings"], serde_json::json!([]));
}

#[test]
fn the_sources_of_a_real_folder_are_read_in_their_order() {
    let folder = children::folder("config");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    write(
        ".env",
        "WORKERCOUNT=2 # two\nMAXRETRIES='7'\nWORKERTIMOUT=1\n",
    );
    write("my.toml", "worker_count = 9\nlease = \"20s\"\n");
    let ran = run_in(folder.path(), &["--config", "my.toml", "config"]);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{err}");
    assert_eq!(
        err,
        "windlass: WORKERTIMOUT in .env line 3: no setting of windlass; did you mean WORKERTIMEOUT?\n"
    );
    let has = |setting: &str, value: &str, source: &str| {
        let line = out
            .lines()
            .find(|line| line.starts_with(setting))
            .expect(setting);
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            (cells[1], cells[2..].join(" ").as_str()),
            (value, source),
            "{line}"
        );
    };
    has("worker_count", "2", "WORKERCOUNT in .env line 1");
    has("max_retries", "7", "MAXRETRIES in .env line 2");
    has("lease", "20s", "my.toml line 2");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_the_end_is_78() {
    let folder = children::folder("config");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    write(".env", "LEASE=soon\n");
    write(
        "windlass.toml",
        "# mine\nworker_cout = 3\nbackend = \"redsi\"\n",
    );
    let ran = Command::new(program())
        .args(["config", "--config", "windlass.toml"])
        .env_clear()
        .env("WORKERCOUNT", "0")
        .env("DATABASEURL", "mysql://u:SECRET@h")
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(78));
    assert_eq!(text(&ran.stdout), "");
    assert_eq!(
        text(&ran.stderr),
        include_str!("../../golden/config-problems.txt")
    );
}

#[test]
fn templates_are_the_files_of_the_package() {
    for (kind, file) in [
        ("toml", include_str!("../../../config/windlass.toml")),
        ("env", include_str!("../../../config/windlass.env")),
    ] {
        // Even with settings that are wrong: this is where one begins to mend them.
        let ran = run(
            &["config", "--template", kind],
            &[NO_FILE, ("WORKERCOUNT", "0")],
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert_eq!(ran.out, file);
    }
}

#[test]
fn a_file_that_is_named_and_absent_is_a_wrong_configuration() {
    for (arguments, settings) in [
        (
            &["config", "--config", "/nowhere/windlass.toml"][..],
            &[NO_FILE][..],
        ),
        (
            &["config"][..],
            &[("WINDLASS_CONFIG", "/nowhere/windlass.toml")][..],
        ),
    ] {
        let ran = run(arguments, settings);
        assert_eq!(ran.code, 78);
        assert!(
            ran.err
                .contains("/nowhere/windlass.toml: cannot read it: No such file"),
            "{}",
            ran.err
        );
    }
}

/// The table of settings knows the bound of a queue's calls only as a number: it may not look up to the queue.
#[test]
fn a_request_takes_as_many_jobs_as_one_call_of_a_queue() {
    let most = windlass::queue::TICKETS_PER_CALL_MAX;
    let code = |jobs: usize| {
        let jobs = jobs.to_string();
        run(&["config"], &[NO_FILE, ("SUBMITMAX", &jobs)]).code
    };
    assert_eq!((code(most), code(most + 1)), (0, 78));
}

#[test]
fn help_is_fine_and_a_slip_is_a_usage_error() {
    for arguments in [&["--help"][..], &["config", "--help"], &["--version"]] {
        let ran = run(arguments, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(!ran.out.is_empty());
    }
    for arguments in [
        &["confg"][..],
        &["config", "--jsn"],
        &["config", "--template", "yaml"],
    ] {
        let ran = run(arguments, &[]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn output_that_goes_nowhere_is_a_failure_and_a_reader_that_left_is_none() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let ran = Command::new(program())
        .args(["config", "--template", "toml"])
        .env_clear()
        .stdout(full)
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("cannot write to standard output"));

    let (reader, writer) = std::io::pipe().expect("room for a pipe");
    drop(reader);
    let ran = Command::new(program())
        .args(["config", "--template", "toml"])
        .env_clear()
        .stdout(writer)
        .output()
        .expect("the program starts");
    assert_eq!(
        (ran.status.code(), text(&ran.stderr).as_str()),
        (Some(0), "")
    );
}
