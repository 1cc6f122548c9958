//! `windlass submit` of files with a job a line.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Command;

use serde_json::Value;

use super::mask::masked;
use super::operator::{fine, run, run_at, run_with, shell};
use crate::support::children;
use crate::support::daemon::Daemon;
use crate::support::hooks::{Hooks, Reply};

/// So many jobs, a line each, of which `other` may replace some.
fn lines(count: usize, other: impl Fn(usize) -> Option<&'static str>) -> String {
    let line = |number: usize| match other(number) {
        Some(line) => format!("{line}\n"),
        None => format!("{{\"type\":\"noop\",\"payload\":{{\"line\":{number}}}}}\n"),
    };
    (1..=count).map(line).collect()
}

/// What became of each line, as `--json` tells it.
#[track_caller]
fn fates(out: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"));
    out.lines().map(line).collect()
}

#[test]
fn each_line_in_order_is_accepted_and_each_other_told_with_its_number() {
    let daemon = Daemon::embedded(&[]);
    let text = lines(2_500, |number| match number {
        7 => Some("{\"type\":\"noop\""),
        8 => Some(""),
        1_000 => Some("{\"type\":\"nop\"}"),
        1_001 => Some("{\"type\":\"noop\"},{\"type\":\"noop\"}"),
        2_400 => Some("{\"type\":\"sleep\",\"payload\":{\"seconds\":\"x\"},\"tags\":[\"\"]}"),
        _ => None,
    });
    let folder = children::folder("jobs");
    let path = folder.path().join("jobs.ndjson");
    fs::write(&path, &text).expect("a fresh folder takes a file");
    let path = path.to_str().expect("a plain path");
    let ran = run(&daemon, &["submit", path]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        masked(&ran.out),
        "2495 accepted, 4 refused, in <took> (<rate> a second)\n"
    );
    let told: Vec<String> = ran
        .err
        .lines()
        .map(|line| line.replace(path, "FILE"))
        .collect();
    assert_eq!(
        told,
        [
            "windlass: FILE:7: not JSON: EOF while parsing an object at column 14",
            "windlass: FILE:1000: /type: no daemon runs the job type `nop`; did you mean `noop`?",
            "windlass: FILE:1001: not JSON: trailing characters at column 16",
            "windlass: FILE:2400: /payload/seconds: invalid type: string \"x\", expected f64; /tags/0: must be a string of 1 to 64 \
         bytes without control characters",
        ]
    );
    // For programs: a document a line, in order, from a pipe as from a file.
    let ran = run_with(&daemon, &["submit", "--ndjson", "--json"], &text);
    assert_eq!(ran.code, 1);
    let fates = fates(&ran.out);
    assert_eq!(fates.len(), 2_499);
    let refused: Vec<usize> = (0..fates.len())
        .filter(|&at| fates[at]["error"].is_object())
        .collect();
    // The empty line has no fate, so those below it move up by one.
    assert_eq!(refused, [6, 998, 999, 2_398]);
    assert_eq!(fates[998]["error"]["type"], "urn:windlass:unknown-job-type");
    assert_eq!(fates[998]["error"]["errors"][0]["pointer"], "/type");
    assert_eq!(fates[6]["error"]["type"], "urn:windlass:malformed");
    let id = fates[2_498]["id"].as_str().expect("an id");
    let last = daemon.get(&format!("/jobs/{id}")).expect(200).json();
    assert_eq!(last["payload"]["line"], 2_500);
    assert!(
        ran.err.contains("windlass: 2495 accepted, 4 refused, in "),
        "{}",
        ran.err
    );
}

#[test]
fn a_daemon_with_narrow_bounds_gets_smaller_pieces() {
    let daemon = Daemon::embedded(&[
        ("SUBMITMAX", "70"),
        ("BODYMAX", "2KiB"),
        ("PAYLOADMAX", "1KiB"),
    ]);
    let large = Box::leak(
        format!(
            "{{\"type\":\"noop\",\"payload\":{{\"x\":\"{}\"}}}}",
            "x".repeat(1_500)
        )
        .into_boxed_str(),
    );
    let huge = Box::leak(
        format!(
            "{{\"type\":\"noop\",\"payload\":{{\"x\":\"{}\"}}}}",
            "x".repeat(3_000)
        )
        .into_boxed_str(),
    );
    let (large, huge): (&'static str, &'static str) = (large, huge);
    let text = lines(300, move |number| match number {
        100 => Some(large),
        200 => Some(huge),
        _ => None,
    });
    let ran = run_with(&daemon, &["submit", "--ndjson"], &text);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.starts_with("298 accepted, 2 refused, in "),
        "{}",
        ran.out
    );
    assert!(
        ran.err
            .contains("stdin:100: /payload: is 1508 bytes long; at most 1024 (PAYLOADMAX)\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("stdin:200: Too large: "), "{}", ran.err);
}

#[test]
fn the_same_load_under_the_same_key_submits_nothing_twice() {
    let daemon = Daemon::embedded(&[]);
    let text = lines(2_200, |number| {
        (number % 500 == 0).then_some("{\"type\":\"nop\"}")
    });
    let arguments = [
        "submit",
        "--ndjson",
        "--json",
        "--idempotency-key",
        "monday",
    ];
    let once = run_with(&daemon, &arguments, &text);
    let again = run_with(&daemon, &arguments, &text);
    assert_eq!((once.code, again.code), (1, 1));
    let ids = |out: &str| -> Vec<Value> {
        fates(out)
            .into_iter()
            .map(|fate| fate["id"].clone())
            .collect()
    };
    assert_eq!(ids(&once.out), ids(&again.out));
    assert_eq!(fates(&once.out).len(), 2_200);
    // Another load under that key is stopped before it does harm.
    let other = run_with(&daemon, &arguments, &lines(10, |_| None));
    assert_eq!((other.code, other.out.as_str()), (1, ""));
    assert!(
        other
            .err
            .contains("stopped at lines 1 to 10 of stdin: none of them was accepted"),
        "{}",
        other.err
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn a_daemon_that_is_killed_in_between_costs_nothing_but_time() {
    let mut daemon = Daemon::embedded(&[]);
    let folder = children::folder("jobs");
    let (fifo, out, err) = (
        folder.path().join("fifo"),
        folder.path().join("out"),
        folder.path().join("err"),
    );
    let made = Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo starts (coreutils)");
    assert!(made.success());
    let addr = daemon.addr().to_string();
    let arguments = ["submit", "--ndjson", "--json", "-"].map(str::to_owned);
    // Opened for both, so that neither side waits for the other.
    let mut pipe = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&fifo)
        .expect("a pipe");
    let reader = OpenOptions::new().read(true).open(&fifo).expect("a pipe");
    let mut child = children::start(
        None,
        "KILL",
        crate::support::daemon::program(),
        &arguments,
        |command| {
            command
                .env_clear()
                .env("APIADDR", &addr)
                .env("WINDLASS_CONFIG", "")
                .current_dir(folder.path());
            command
                .stdin(reader)
                .stdout(children::log_to(&out))
                .stderr(children::log_to(&err));
        },
    )
    .expect("it starts");
    let seen = || fates(&fs::read_to_string(&out).unwrap_or_default());
    let await_seen = |count: usize| {
        crate::support::wait::wait_until("lines are told", crate::support::wait::PATIENCE, || {
            let (seen, err) = (seen().len(), fs::read_to_string(&err).unwrap_or_default());
            if seen == count {
                Ok(())
            } else {
                Err(format!("{seen} lines; {err}"))
            }
        });
    };
    // What comes down a pipe is not held back until a piece is full.
    pipe.write_all(lines(10, |_| None).as_bytes())
        .expect("room in the pipe");
    await_seen(10);
    daemon.kill9();
    pipe.write_all(lines(20, |_| None).as_bytes())
        .expect("room in the pipe");
    crate::support::wait::wait_until("it has noticed", crate::support::wait::PATIENCE, || {
        let said = fs::read_to_string(&err).unwrap_or_default();
        if said.contains("trying again") {
            Ok(())
        } else {
            Err(said)
        }
    });
    daemon.restart();
    await_seen(30);
    drop(pipe);
    let status = child.wait().expect("it ends");
    assert_eq!(
        status.code(),
        Some(0),
        "{}",
        fs::read_to_string(&err).unwrap_or_default()
    );
    for fate in seen() {
        let id = fate["id"].as_str().expect("an id").to_owned();
        daemon.get(&format!("/jobs/{id}")).expect(200);
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let daemon = Daemon::embedded(&[("WORKERCOUNT", "2")]);
    // 160 MiB of jobs through a process that may not have as much, its program and libraries included.
    let line = "for i in $(seq 160); do printf '{\"type\":\"noop\",\"payload\":{\"x\":\"'; head -c 1040000 /dev/zero | tr '\\0' x; \
                printf '\"}}\\n'; done | (ulimit -v 150000; exec $windlass submit --ndjson)";
    let ran = shell(&daemon, line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.starts_with("160 accepted, 0 refused, in "),
        "{}",
        ran.out
    );
}

#[test]
fn a_file_without_a_job_is_no_success() {
    let daemon = Daemon::embedded(&[]);
    let ran = run_with(&daemon, &["submit", "--ndjson"], "\n\n");
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err, "windlass: stdin holds no job\n");
    let one = "{\"type\":\"noop\"}";
    assert!(
        run_with(&daemon, &["submit", "--ndjson"], one)
            .out
            .starts_with("1 accepted, 0 refused")
    );
    assert!(fine(&daemon, &["submit", "--type", "noop"]).contains("queued"));
}

#[test]
fn an_answer_that_does_not_fit_is_not_taken_for_one() {
    let server =
        Hooks::start(|_, _| Reply::Say("202 Accepted", &[], "{\"jobs\":[{\"id\":\"1\"}]}"));
    let ran = run_at(server.port(), &["submit", "--ndjson"], "{}\n{}\n");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("another number of jobs than was sent"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("lines 1 to 2 of stdin: it is unknown whether they were accepted"),
        "{}",
        ran.err
    );
}
