//! A program with job types of its own, run as a whole: this test program itself, as a child that is told to be a daemon.

use std::convert::Infallible;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass::config::process_variable;
use windlass::handlers::{Context, Failure, Handler};
use windlass::threads::Stop;

use crate::support::daemon::Daemon;
use crate::support::wait::PATIENCE;

/// What tells the child what it is.
const ROLE: &str = "WINDLASS_TEST_IS_A_DAEMON";

/// Heeds neither its deadline nor a cancel.
struct Stubborn;

#[derive(Serialize, Deserialize, JsonSchema)]
struct Nothing {}

impl Handler for Stubborn {
    const TYPE: &'static str = "stubborn";
    type Payload = Nothing;
    type Output = Nothing;

    fn run(&self, _: Nothing, _: &Context) -> Result<Nothing, Failure> {
        Stop::new().wait(Duration::from_secs(3600));
        Ok(Nothing {})
    }
}

/// Is the daemon, if this process is the child.
fn be_the_daemon() -> Option<Infallible> {
    process_variable(ROLE)?;
    let exit = windlass::cli::run(["windlass".into(), "serve".into()], |_, registry| {
        registry.add(Stubborn);
        Ok(())
    });
    std::process::exit(exit.code().into());
}

/// Two jobs hold two threads of a daemon that may give up one. The next daemon finds what became of them.
#[test]
fn a_daemon_with_no_more_threads_to_give_up_ends_with_70_and_counts_what_it_had_in_hand() {
    be_the_daemon();
    let own = std::env::current_exe().expect("a running program knows where it lies");
    let this = "process::own::a_daemon_with_no_more_threads_to_give_up_ends_with_70_and_counts_what_it_had_in_hand";
    let settings = [(ROLE, "yes"), ("BACKEND", "embedded"), ("WORKERCOUNT", "1")];
    let mut daemon = Daemon::spawn_program(&own, &["--exact", this, "--nocapture"], &settings);
    daemon.await_notice("READY=1");
    let job =
        json!({"type": "stubborn", "timeout": "100ms", "backoff": {"base": "1h", "cap": "1h"}});
    let ids = [daemon.submit(&job), daemon.submit(&job)];
    let status = daemon.await_exit(PATIENCE);
    assert_eq!(status.code(), Some(70), "{}", daemon.log());
    let why = "stopping: 2 handlers overran and hold their threads";
    assert!(daemon.log().contains(why), "{}", daemon.log());

    daemon.restart();
    for id in &ids {
        let job = daemon.await_state(id, "retrying");
        let outcomes: Vec<_> = job["attempts"]
            .as_array()
            .expect("attempts")
            .iter()
            .collect();
        assert_eq!(outcomes.len(), 1, "{job}");
        assert_eq!(outcomes[0]["outcome"], "timed_out", "{job}");
    }
    daemon.term();
    assert_eq!(daemon.await_exit(PATIENCE).code(), Some(0));
}
