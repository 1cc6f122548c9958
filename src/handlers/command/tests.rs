//! What programs do, good and bad, and what becomes of their jobs.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::handlers::Failure;
use crate::job::{ErrorKind, JobId, Timestamp};
use crate::threads::{pause, spawn};

/// Far longer than anything here takes; what waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(30);

const RESULT_MAX: usize = 256 * 1024;

fn context(limit: Duration) -> Context {
    let id = JobId::mint(Timestamp::from_micros(1), 1);
    Context::new(id, 3, Instant::now() + limit)
}

fn sh(script: &str) -> Command {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned);
    Command::new(&argv, Path::new("/"), RESULT_MAX)
}

fn run_in(context: &Context, script: &str) -> Result<String, Failure> {
    let payload = RawValue::from_string("{\"n\": 1.10}".to_owned()).unwrap();
    let result = sh(script).run(&payload, context)?;
    Ok(result.get().to_owned())
}

fn run(script: &str) -> Result<String, Failure> {
    run_in(&context(PATIENCE), script)
}

fn failure(script: &str) -> (ErrorKind, String) {
    let error = run(script).unwrap_err().error().clone();
    (error.kind, error.message)
}

/// Whether a process is there and not only waiting to be told of.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

#[track_caller]
fn await_death(pid: &str) {
    let until = Instant::now() + PATIENCE;
    while lives(pid) {
        assert!(Instant::now() < until, "process {pid} lives on");
        pause(Duration::from_millis(2));
    }
}

#[test]
fn the_payload_goes_in_as_it_is_and_what_comes_out_is_the_result() {
    for (script, result) in [
        ("cat", "{\"n\": 1.10}"),
        ("true", "null"),
        ("echo; echo", "null"),
        ("echo 12", "12"),
        ("printf 'two\\nlines\\n\\n'", "\"two\\nlines\""),
        ("printf '{\"half\": '", "\"{\\\"half\\\": \""),
        ("printf 'a\\377b'", "\"a\u{fffd}b\""),
        ("pwd", "\"/\""),
    ] {
        assert_eq!(run(script).unwrap(), result, "{script}");
    }
}

#[test]
fn exit_codes_and_signals_decide() {
    for (script, kind, told) in [
        (
            "exit 1",
            ErrorKind::Failed,
            "/bin/sh ended with exit code 1",
        ),
        (
            "exit 75",
            ErrorKind::Failed,
            "/bin/sh ended with exit code 75",
        ),
        (
            "exit 65",
            ErrorKind::Permanent,
            "/bin/sh ended with exit code 65, which means for good",
        ),
        (
            "echo '{}'; echo first >&2; echo why >&2; exit 9",
            ErrorKind::Failed,
            "/bin/sh ended with exit code 9: why",
        ),
        (
            "kill -SEGV $$",
            ErrorKind::Failed,
            "/bin/sh was killed by signal 11 (SEGV)",
        ),
        (
            "kill -KILL $$",
            ErrorKind::Failed,
            "/bin/sh was killed by signal 9 (KILL)",
        ),
    ] {
        assert_eq!(failure(script), (kind, told.to_owned()), "{script}");
    }
}

#[test]
fn a_program_that_is_not_there_is_waited_for() {
    let argv = ["/nowhere/thing".to_owned()];
    let command = Command::new(&argv, Path::new("/"), RESULT_MAX);
    let payload = RawValue::from_string("1".to_owned()).unwrap();
    let failure = command.run(&payload, &context(PATIENCE)).unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Failed);
    let told = &failure.error().message;
    assert!(
        told.starts_with("/nowhere/thing cannot be started: No such file"),
        "{told}"
    );
}

#[test]
fn the_environment_is_what_is_named_and_no_more() {
    let argv = ["/usr/bin/env".to_owned(), "-0".to_owned()];
    let command = Command::new(&argv, Path::new("/"), RESULT_MAX);
    let payload = RawValue::from_string("1".to_owned()).unwrap();
    let context = context(Duration::from_secs(100));
    let result = command.run(&payload, &context).unwrap();
    let text: String = serde_json::from_str(result.get()).unwrap();
    let mut variables: Vec<_> = text.split_terminator('\0').collect();
    variables.sort_unstable();
    let deadline: i64 = variables[3]
        .strip_prefix("WINDLASS_DEADLINE=")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        variables,
        [
            "LANG=C.UTF-8",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "WINDLASS_ATTEMPT=3",
            &format!("WINDLASS_DEADLINE={deadline}"),
            &format!("WINDLASS_JOB_ID={}", context.id()),
        ]
    );
    let left = deadline - SystemClock.now().as_micros() / 1_000_000;
    assert!((50..=100).contains(&left), "{left} s left");
}

#[test]
fn standard_error_is_the_log() {
    let context = context(PATIENCE);
    let script = "printf 'one\\r\\n\\ntwo' >&2; printf x; printf ' more\\nthree\\377' >&2";
    assert_eq!(run_in(&context, script).unwrap(), "\"x\"");
    assert_eq!(context.log_lines(), ["one", "two more", "three\u{fffd}"]);
}

#[test]
fn a_flood_of_messages_is_bounded_and_does_not_stop_the_program() {
    let context = context(PATIENCE);
    let script = "yes 'a message' | head -c 5000000 >&2; head -c 300000 /dev/zero >&2; echo 1";
    assert_eq!(run_in(&context, script).unwrap(), "1");
    let lines = context.log_lines();
    let bytes: usize = lines.iter().map(String::len).sum();
    assert!(bytes < 17 * 1024, "{bytes}");
    assert!(lines.last().unwrap().contains("more lines had no room"));
}

#[test]
fn too_much_output_ends_the_program_and_the_job() {
    let (kind, told) = failure("echo $$ >&2; yes");
    assert_eq!(kind, ErrorKind::Permanent);
    assert!(
        told.contains("wrote more than 262144 bytes (RESULTMAX)"),
        "{told}"
    );
    // And so when it ends by itself.
    let (kind, _) = failure("head -c 263000 /dev/zero");
    assert_eq!(kind, ErrorKind::Permanent);
    // As much as is allowed, and the line break that programs write.
    let result = run("printf '\"'; head -c 262142 /dev/zero | tr '\\0' x; echo '\"'").unwrap();
    assert_eq!(result.len(), RESULT_MAX);
}

#[test]
fn a_program_need_not_read_a_large_payload() {
    let payload = RawValue::from_string(format!("\"{}\"", "x".repeat(1_000_000))).unwrap();
    for script in ["true", "exec 0<&-; echo null"] {
        let result = sh(script).run(&payload, &context(PATIENCE)).unwrap();
        assert_eq!(result.get(), "null");
    }
    let result = sh("cat >/dev/null; echo 1").run(&payload, &context(PATIENCE));
    assert_eq!(result.unwrap().get(), "1");
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let pid = run("sleep 600 & echo \"\\\"$!\\\"\"").unwrap();
    await_death(pid.trim_matches('"'));
}

/// The sleeper is in a session of its own and holds both pipes open.
#[test]
fn what_detaches_itself_cannot_hold_the_worker() {
    let began = Instant::now();
    // The leader waits at the pipe until the other has left.
    let script =
        "p=$(mktemp -u) && mkfifo $p && { setsid sh -c \"echo gone > $p; exec sleep 600\" & }
        read -r gone < $p; rm $p; echo \"\\\"$!\\\"\"";
    let pid = run(script).unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    let pid = pid.trim_matches('"');
    assert!(lives(pid), "it is no member of the group");
    std::process::Command::new("/bin/kill")
        .args(["-KILL", pid])
        .status()
        .unwrap();
}

/// The first line of the log, once it is there.
fn first_line(context: &Context) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(line) = context.log_lines().first() {
            return line.clone();
        }
        assert!(Instant::now() < until, "the program says nothing");
        pause(Duration::from_millis(2));
    }
}

#[test]
fn a_program_that_ignores_term_is_killed_by_the_deadline_with_its_children() {
    let context = context(Duration::from_secs(2));
    let script = "trap '' TERM; sleep 600 & echo $! >&2; while :; do wait; sleep 1; done";
    let failure = run_in(&context, script).unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Timeout);
    assert_eq!(failure.error().message, "it did not end within 2s");
    await_death(&first_line(&context));
}

/// It obeys and says that all is well: that is no success.
#[test]
fn what_a_program_answers_to_term_does_not_count() {
    let script = "trap 'exit 0' TERM; sleep 600 & wait";
    let failure = run_in(&context(Duration::from_secs(1)), script).unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Timeout);
}

#[test]
fn a_cancelled_job_ends_its_program_at_once_and_lets_it_tidy_up() {
    let context = context(PATIENCE * 10);
    let asked = context.clone();
    let run = spawn("test-command", move || {
        run_in(
            &asked,
            "trap 'echo tidy >&2; exit 0' TERM; echo $$ >&2; sleep 600 & wait",
        )
    })
    .unwrap();
    let pid = first_line(&context);
    let began = Instant::now();
    context.cancel();
    let failure = run.join().unwrap().unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Cancelled);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!(context.log_lines()[1..], ["tidy"]);
    await_death(&pid);
}

#[test]
fn a_cancelled_job_kills_what_ignores_term() {
    let context = context(PATIENCE * 10);
    let asked = context.clone();
    let run = spawn("test-command", move || {
        run_in(
            &asked,
            "trap '' TERM; echo $$ >&2; while :; do sleep 600; done",
        )
    })
    .unwrap();
    let pid = first_line(&context);
    context.cancel();
    let failure = run.join().unwrap().unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Cancelled);
    await_death(&pid);
}
