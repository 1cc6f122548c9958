//! HUP: what a running daemon makes of a file that has changed, on each engine, at rest and under load.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::threads::Stop;

use crate::support::children::find_program;
use crate::support::daemon::{Daemon, program};
use crate::support::wait::{PATIENCE, wait_until};

use super::house::{House, embedded, within};
use super::ledger::Ledger;
use super::stage::Stage;

/// Starts a daemon with these settings.
type Start<'a> = &'a dyn Fn(&[(&str, &str)]) -> Daemon;

/// An entry of a type that answers `answer` at once, with these further lines.
fn answering(name: &str, answer: &str, more: &str) -> String {
    format!("[[type]]\nname = \"{name}\"\ncommand = [\"/bin/echo\", \"{answer}\"]\n{more}\n")
}

fn types(daemon: &Daemon) -> BTreeSet<String> {
    let answer = daemon.get("/types").expect(200).json();
    let types = answer["types"].as_array().expect("a list").iter();
    let name = |entry: &Value| entry["name"].as_str().expect("a name").to_owned();
    types.map(name).collect()
}

#[track_caller]
fn has_line(daemon: &Daemon, words: &str) {
    assert!(daemon.log().contains(words), "no line says: {words}");
}

fn a_hup_changes_what_can_change_and_names_what_cannot(start: Start<'_>) {
    let old = answering("old", "1", "") + &answering("both", "1", "");
    let stage = Stage::new(&format!("worker_count = 2\nlog_level = \"info\"\n{old}"));
    let mut daemon = start(&[stage.file(), ("LOGLEVEL", "")]);
    let elsewhere = daemon.submit(&json!({"type": "both", "queue": "extra"}));
    let refused = daemon.post("/submit", &json!({"type": "new"}));
    assert_eq!(refused.status, 422, "{}", refused.text());

    let new = answering("both", "2", "queue = \"extra\"") + &answering("new", "1", "");
    stage.write(&format!(
        "worker_count = 4\nlog_level = \"error\"\nqueues = \"default:3,extra:1\"\nlimits = \"extra=2\"\n{new}"
    ));
    let told = daemon.hup();
    let reloading = told.lines().position(|line| line == "RELOADING=1");
    let ready = told.lines().position(|line| line == "READY=1");
    assert!(reloading < ready && reloading.is_some(), "{told}");
    let time = told
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(
        time.is_some_and(|usec| usec.parse::<u64>().is_ok_and(|usec| usec > 0)),
        "{told}"
    );

    // The door and the list know at once.
    let known = types(&daemon);
    assert!(known.contains("new") && !known.contains("old"), "{known:?}");
    let refused = daemon.post("/submit", &json!({"type": "old"}));
    assert_eq!(refused.status, 422, "{}", refused.text());
    let fresh = daemon.submit(&json!({"type": "new"}));
    assert_eq!(daemon.await_state(&fresh, "succeeded")["result"], 1);
    // A changed entry has its new queue and its new command; the queue that was added is served.
    assert_eq!(daemon.await_state(&elsewhere, "succeeded")["result"], 2);
    let again = daemon.submit(&json!({"type": "both"}));
    let again = daemon.await_state(&again, "succeeded");
    assert_eq!(
        (&again["queue"], &again["result"]),
        (&json!("extra"), &json!(2))
    );

    has_line(&daemon, "reloaded: queues: default → default:3,extra:1");
    has_line(&daemon, "reloaded: limits: none → extra=2");
    has_line(&daemon, "reloaded: log_level: info → error");
    has_line(
        &daemon,
        "reloaded: type old: command [\"/bin/echo\", \"1\"], directory / → none",
    );
    has_line(&daemon, "reloaded: type both, queue: none → extra");
    has_line(
        &daemon,
        "reloaded: type new: none → command [\"/bin/echo\", \"1\"], directory /",
    );
    has_line(
        &daemon,
        "changes only when the daemon is started again: worker_count: 2 → 4",
    );
    // What is less than an error is not logged any more.
    daemon.tstp();
    daemon.await_notice(&format!(
        "STATUS=quiet on {}: takes no more jobs until it gets CONT",
        daemon.addr()
    ));
    assert!(!daemon.log().contains("quiet:"), "log_level is error");
}

fn a_wrong_file_is_refused_as_a_whole(start: Start<'_>) {
    let good = answering("kept", "1", "");
    let stage = Stage::new(&good);
    let mut daemon = start(&[stage.file()]);
    let wrong = "queues = \"default,extra\"\nlimits = \"extra=many\"\nworker_cout = 3\n\
                 [[type]]\nname = \"fresh\"\ncommand = \"echo\"\n";
    stage.write(wrong);
    let told = daemon.hup();
    let addr = daemon.addr();
    let status =
        format!("STATUS=serving on {addr}; the last reload was refused, there are 3 problems");
    assert!(told.lines().any(|line| line == status), "{told}");
    for (line, words) in [
        (2, "limits: `extra=many` gives `extra` a limit"),
        (3, "unknown key `worker_cout`; did you mean `worker_count`?"),
        (6, "command:"),
    ] {
        let place = format!("not reloaded: {} line {line}: {words}", stage.path());
        has_line(&daemon, &place);
    }
    assert!(types(&daemon).contains("kept"));
    let kept = daemon.submit(&json!({"type": "kept"}));
    daemon.await_state(&kept, "succeeded");
    let unserved = daemon.submit(&json!({"type": "noop", "queue": "extra"}));

    // Mended, it is taken, and nothing is said of a refusal any more.
    stage.write(&format!("queues = \"default,extra\"\n{good}"));
    let told = daemon.hup();
    let status = format!("STATUS=serving on {addr}");
    assert!(told.lines().any(|line| line == status), "{told}");
    daemon.await_state(&unserved, "succeeded");
}

/// Of two jobs in a queue that is given up, one runs and one waits.
fn what_runs_in_a_queue_that_is_given_up_ends_well(start: Start<'_>) {
    let with = format!(
        "queues = \"default,extra\"\nlimits = \"extra=1\"\n{}",
        Stage::gate()
    );
    let stage = Stage::new(&with);
    let mut daemon = start(&[stage.file()]);
    let job = json!({"type": "gate", "queue": "extra"});
    let running = daemon.submit(&job);
    stage.await_at_gate();
    let waiting = daemon.submit(&job);
    stage.write(&format!("queues = \"default\"\n{}", Stage::gate()));
    daemon.hup();
    stage.open_gate();
    let ended = daemon.await_state(&running, "succeeded");
    assert_eq!(
        ended["attempts"].as_array().map(Vec::len),
        Some(1),
        "{ended}"
    );
    // The place under the limit is free, and this one was taken after it.
    let other = daemon.submit(&json!({"type": "gate"}));
    daemon.await_state(&other, "succeeded");
    daemon.await_state(&waiting, "queued");
    stage.write(&with);
    daemon.hup();
    assert_eq!(daemon.await_state(&waiting, "succeeded")["attempt"], 1);
}

/// Nobody rings when a limit is raised; the poller, which waits longer and longer while nothing comes, is to look at once.
fn a_raised_limit_lets_more_jobs_run_at_once(start: Start<'_>) {
    let limited = |limit: u32| format!("limits = \"default={limit}\"\n{}", Stage::gate());
    let stage = Stage::new(&limited(1));
    let mut daemon = start(&[stage.file(), ("WORKERCOUNT", "2"), ("LEASE", "10m")]);
    let first = daemon.submit(&json!({"type": "gate"}));
    stage.await_at_gate();
    let second = daemon.submit(&json!({"type": "gate"}));
    daemon.await_state(&second, "queued");
    stage.write(&limited(2));
    let raised = Instant::now();
    daemon.hup();
    daemon.await_state(&second, "running");
    within(raised, Duration::from_secs(3));
    stage.open_gate();
    for id in [&first, &second] {
        daemon.await_state(id, "succeeded");
    }
}

/// One thread, held by a job of the very type that goes away; others of it wait.
fn a_type_that_goes_away_ends_what_runs_and_hands_back_what_waits(start: Start<'_>) {
    let stage = Stage::new(&Stage::gate());
    let mut daemon = start(&[stage.file(), ("WORKERCOUNT", "1")]);
    let running = daemon.submit(&json!({"type": "gate"}));
    stage.await_at_gate();
    let waiting: Vec<String> = (0..3)
        .map(|_| daemon.submit(&json!({"type": "gate"})))
        .collect();
    stage.write("");
    daemon.hup();
    stage.open_gate();
    assert_eq!(daemon.await_state(&running, "succeeded")["attempt"], 1);
    for id in &waiting {
        let back = daemon.await_state(id, "scheduled");
        assert_eq!(
            (&back["attempt"], &back["attempts"]),
            (&json!(0), &json!([])),
            "{back}"
        );
    }
    stage.write(&Stage::gate());
    daemon.hup();
    for id in &waiting {
        let ended = daemon.await_state(id, "succeeded");
        assert_eq!(
            ended["attempts"].as_array().map(Vec::len),
            Some(1),
            "{ended}"
        );
    }
}

/// The threads of a process that run jobs, by their number.
fn workers(pid: u32) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    let worker = |task: std::io::Result<fs::DirEntry>| {
        let path = task.ok()?.path();
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let number = path.file_name()?.to_str()?.parse().ok()?;
        name.starts_with("worker-").then_some(number)
    };
    tasks.filter_map(worker).collect()
}

/// Jobs of every queue come in while the daemon reloads again and again: other weights, another limit, a queue more or
/// less, a type that comes and goes.
#[test]
fn reloads_under_load_lose_nothing_count_nothing_and_restart_nobody() {
    let house = House::new();
    let ledger = Ledger::default();
    let files = [
        format!(
            "queues = \"a:1,b:3,default:1\"\nlimits = \"a=1\"\n{}",
            answering("t", "1", "")
        ),
        "queues = \"default,b\"\n".to_owned(),
        format!(
            "queues = \"b:5,a:2\"\nlimits = \"b=3\"\n{}",
            answering("t", "2", "")
        ),
    ];
    let stage = Stage::new(&files[0]);
    let mut daemon = house.daemon(&[stage.file(), ("WORKERCOUNT", "4")]);
    let before = workers(daemon.pid());
    assert_eq!(before.len(), 4);
    let addrs = [daemon.addr()];
    let load: Vec<_> = ["a", "b", "default"]
        .map(|queue| json!({"type": "noop", "queue": queue, "payload": {}}))
        .into_iter()
        .map(|job| ledger.load(&addrs, job, 20))
        .collect();
    for file in files.iter().cycle().take(12) {
        stage.write(file);
        daemon.hup();
        ledger.await_more(300);
    }
    load.into_iter().for_each(super::ledger::Load::end);
    stage.write(&files[0]);
    daemon.hup();
    ledger.close(&house, "HUP under load", Duration::from_secs(60));
    assert_eq!(workers(daemon.pid()), before, "the same threads run jobs");
    let odd = "SELECT count(*) FROM jobs WHERE attempts <> 1 OR jsonb_array_length(history) <> 1";
    let odd: i64 = house
        .sql()
        .query_one(odd, &[])
        .expect("postgres answers")
        .get(0);
    assert_eq!(odd, 0, "each job was begun once");
}

/// Signals come faster than a reload ends; the last file holds.
#[test]
fn many_hups_at_once_end_with_the_last_file() {
    let stage = Stage::new("");
    let mut daemon = Daemon::embedded(&[stage.file()]);
    let pause = Stop::new();
    for number in 0..50 {
        stage.write(&answering(&format!("t{number}"), "1", ""));
        daemon.send_hup();
        assert!(!pause.wait(Duration::from_millis(1)));
    }
    daemon.hup();
    wait_until("the last file holds", PATIENCE, || {
        let known = types(&daemon);
        let last = known.contains("t49") && !known.contains("t48");
        last.then_some(()).ok_or(format!("{known:?}"))
    });
}

/// The HUP of a terminal that is closed is no wish to reload: nobody would ever find the daemon that lives on.
#[test]
fn a_closed_terminal_ends_the_daemon() {
    let script = find_program("script", &[], "bsdutils");
    let line = format!("exec '{}' serve", program().display());
    let arguments = ["--quiet", "--command", &line, "/dev/null"];
    let settings = [("BACKEND", "embedded"), ("SHELL", "/bin/sh")];
    let mut terminal = Daemon::spawn_program(&script, &arguments, &settings);
    terminal.await_notice("READY=1");
    terminal.get("/healthz").expect(200);
    terminal.kill9();
    wait_until("nobody serves any more", PATIENCE, || {
        match terminal.try_request("GET", "/healthz", &[], None) {
            Ok(answer) => Err(format!("{} {}", answer.status, answer.text())),
            Err(_) => Ok(()),
        }
    });
}

mod redis {
    use super::*;

    #[test]
    fn a_raised_limit_lets_more_jobs_run_at_once() {
        let house = House::new();
        super::a_raised_limit_lets_more_jobs_run_at_once(&|s| house.daemon(s));
    }

    #[test]
    fn a_hup_changes_what_can_change_and_names_what_cannot() {
        let house = House::new();
        super::a_hup_changes_what_can_change_and_names_what_cannot(&|s| house.daemon(s));
    }

    #[test]
    fn a_wrong_file_is_refused_as_a_whole() {
        let house = House::new();
        super::a_wrong_file_is_refused_as_a_whole(&|s| house.daemon(s));
    }

    #[test]
    fn what_runs_in_a_queue_that_is_given_up_ends_well() {
        let house = House::new();
        super::what_runs_in_a_queue_that_is_given_up_ends_well(&|s| house.daemon(s));
    }

    #[test]
    fn a_type_that_goes_away_ends_what_runs_and_hands_back_what_waits() {
        let house = House::new();
        super::a_type_that_goes_away_ends_what_runs_and_hands_back_what_waits(&|s| house.daemon(s));
    }
}

mod embedded {
    use super::*;

    #[test]
    fn a_raised_limit_lets_more_jobs_run_at_once() {
        super::a_raised_limit_lets_more_jobs_run_at_once(&embedded);
    }

    #[test]
    fn a_hup_changes_what_can_change_and_names_what_cannot() {
        super::a_hup_changes_what_can_change_and_names_what_cannot(&embedded);
    }

    #[test]
    fn a_wrong_file_is_refused_as_a_whole() {
        super::a_wrong_file_is_refused_as_a_whole(&embedded);
    }

    #[test]
    fn what_runs_in_a_queue_that_is_given_up_ends_well() {
        super::what_runs_in_a_queue_that_is_given_up_ends_well(&embedded);
    }

    #[test]
    fn a_type_that_goes_away_ends_what_runs_and_hands_back_what_waits() {
        super::a_type_that_goes_away_ends_what_runs_and_hands_back_what_waits(&embedded);
    }
}
