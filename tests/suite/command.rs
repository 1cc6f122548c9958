//! Job types that run a program, through the built program; what programs can do wrong is tested beside the handler.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::children;
use crate::support::daemon::{Daemon, run};
use crate::support::wait::{PATIENCE, wait_until};

const README: &str = include_str!("../../README.md");

/// A folder with a configuration file of this text.
fn folder_with(text: &str) -> (TempDir, String) {
    let folder = children::folder("command");
    let file = folder.path().join("windlass.toml");
    fs::write(&file, text).expect("a fresh folder takes a file");
    let file = file.display().to_string();
    (folder, file)
}

/// The first block of this language after the heading.
fn block(heading: &str, language: &str) -> String {
    let fence = format!("```{language}");
    README
        .lines()
        .skip_while(|line| *line != heading)
        .skip_while(|line| *line != fence)
        .skip(1)
        .take_while(|line| *line != "```")
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_entries_of_the_readme_are_two_types() {
    let (folder, file) = folder_with(&block("### Without Rust", "toml"));
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    fs::write(folder.path().join("order-paid.secret"), secret).expect("a file");
    let schema = r#"{"type": "object"}"#;
    fs::write(folder.path().join("order-paid.schema.json"), schema).expect("a file");

    let shown = run(&["config", "--config", &file], &[]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.contains("[[type]] word-count"), "{}", shown.out);
    assert!(
        shown.out.contains("secret") && !shown.out.contains("whsec_"),
        "{}",
        shown.out
    );
    let shown = run(&["config", "--json", "--config", &file], &[]);
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    assert_eq!(shown["types"][0]["name"], "word-count");
    assert_eq!(shown["types"][1]["secret"], "***");

    let daemon = Daemon::embedded(&[("WINDLASS_CONFIG", &file)]);
    let job: Value = serde_json::from_str(block("### Without Rust", "json").trim()).expect("JSON");
    let id = daemon.submit(&job);
    let done = daemon.await_state(&id, "succeeded");
    assert_eq!(done["result"], 6);
    let refused = daemon
        .post("/submit", &json!({"type": "word-count", "payload": 7}))
        .expect(422)
        .text();
    assert!(
        refused.contains("\"/payload\"") && refused.contains("is not of type"),
        "{refused}"
    );
    let waiting = daemon
        .post("/submit", &json!({"type": "order-paid"}))
        .expect(202)
        .json();
    assert_eq!(waiting["queue"], "hooks", "nobody serves it here");
    let own = json!({"type": "word-count", "payload": "", "queue": "own"});
    assert_eq!(
        daemon.post("/submit", &own).expect(202).json()["queue"],
        "own"
    );
}

/// The template's examples of entries, with their `# ` taken away.
#[test]
fn the_examples_of_the_template_are_entries() {
    let template = run(&["config", "--template", "toml"], &[]).out;
    let mut examples = String::new();
    for paragraph in template.split("\n\n") {
        for line in paragraph.lines().skip_while(|l| !l.starts_with("# [[")) {
            examples += line.trim_start_matches("# ");
            examples += "\n";
        }
    }
    let (_folder, file) = folder_with(&examples);
    let shown = run(&["config", "--config", &file], &[]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    for kind in ["[[type]]", "[[schedule]]"] {
        assert!(shown.out.contains(kind), "{}", shown.out);
    }
}

#[test]
fn wrong_entries_refuse_the_start_with_all_their_lines() {
    let (_folder, file) = folder_with(
        "[[type]]\nname = \"noop\"\ncomand = [\"/bin/true\"]\n[[type]]\nname = \"a\"\nurl = \"gopher://h\"\n",
    );
    let ran = run(&["--config", &file], &[]);
    assert_eq!(ran.code, 78);
    for told in [
        "windlass.toml line 2: name: `noop` is the name of a built-in type",
        "windlass.toml line 3: unknown key `comand` in an entry of a type; did you mean `command`?",
        "windlass.toml line 6: url: the value (not shown) is neither",
    ] {
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}

const WAITERS: &str = "
[[type]]
name = \"wait\"
command = [\"/bin/sh\", \"-c\", \"echo $$ > \\\"$(cut -d '\\\"' -f 2)\\\"; trap '' TERM; while :; do sleep 600; done\"]
timeout = \"2s\"
";

/// Submits a job that writes its process' number into a file and stays, and answers with both.
fn waiting(daemon: &Daemon, folder: &TempDir, timeout: Option<&str>) -> (String, Pid) {
    let file = folder.path().join("pid");
    let mut job = json!({"type": "wait", "payload": file.display().to_string(), "max_retries": 0});
    if let Some(timeout) = timeout {
        job["timeout"] = json!(timeout);
    }
    let id = daemon.submit(&job);
    let pid = wait_until("the program runs", PATIENCE, || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.trim().parse().map_err(|_| text)
    });
    (id, Pid::from_raw(pid).expect("a number"))
}

#[track_caller]
fn await_end(pid: Pid) {
    wait_until(
        "the program has ended",
        PATIENCE,
        || match test_kill_process(pid) {
            Ok(()) => Err("it lives"),
            Err(_) => Ok(()),
        },
    );
}

#[test]
fn the_timeout_of_the_type_ends_the_program_and_keeps_the_thread() {
    let (folder, file) = folder_with(WAITERS);
    let daemon = Daemon::embedded(&[("WINDLASS_CONFIG", &file)]);
    let (id, pid) = waiting(&daemon, &folder, None);
    let lost = daemon.await_state(&id, "dead");
    assert_eq!(lost["error"]["kind"], "timeout");
    await_end(pid);
    assert!(!daemon.log().contains("given up"), "no thread was lost");
}

#[test]
fn a_cancelled_job_ends_its_program() {
    let (folder, file) = folder_with(WAITERS);
    let daemon = Daemon::embedded(&[("WINDLASS_CONFIG", &file)]);
    let (id, pid) = waiting(&daemon, &folder, Some("1h"));
    daemon.post(&format!("/jobs/{id}/cancel"), &json!({}));
    daemon.await_state(&id, "cancelled");
    await_end(pid);
}

#[test]
fn a_daemon_that_stops_leaves_no_program_behind() {
    let (folder, file) = folder_with(WAITERS);
    let mut daemon = Daemon::embedded(&[("WINDLASS_CONFIG", &file), ("WORKERTIMEOUT", "0")]);
    let (_, pid) = waiting(&daemon, &folder, Some("1h"));
    daemon.term();
    assert_eq!(daemon.await_exit(Duration::from_secs(20)).code(), Some(0));
    await_end(pid);
}
