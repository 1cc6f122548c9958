//! TSTP and CONT: a daemon that takes no more jobs for a while, on each engine.

use std::time::Duration;

use serde_json::json;

use crate::support::daemon::Daemon;

use super::house::{House, await_readiness, embedded};
use super::stage::Stage;

/// Starts a daemon with these settings.
type Start<'a> = &'a dyn Fn(&[(&str, &str)]) -> Daemon;

/// A job whose time comes meanwhile is moved to its line, which shows that the daemon keeps the queue going, and stays there.
fn a_quiet_daemon_takes_nothing_until_it_gets_cont(start: Start<'_>) {
    let stage = Stage::new(&Stage::gate());
    // The poller calls the engine at least once in a third of the lease.
    let mut daemon = start(&[stage.file(), ("WORKERCOUNT", "2"), ("LEASE", "1s")]);
    let running = daemon.submit(&json!({"type": "gate"}));
    stage.await_at_gate();
    daemon.tstp();
    let addr = daemon.addr();
    daemon.await_notice(&format!(
        "STATUS=quiet on {addr}: takes no more jobs until it gets CONT"
    ));
    await_readiness(&daemon, 200, "\"part\":\"work\"");
    let waiting = daemon.submit(&json!({"type": "noop"}));
    let due = daemon.submit(&json!({"type": "noop", "delay": "300ms"}));
    daemon.await_state(&due, "queued");
    stage.open_gate();
    daemon.await_state(&running, "succeeded");
    for id in [&waiting, &due] {
        assert_eq!(daemon.await_state(id, "queued")["attempt"], 0);
    }
    daemon.forget_notices();
    daemon.cont();
    daemon.await_notice(&format!("STATUS=serving on {addr}"));
    for id in [&waiting, &due] {
        assert_eq!(daemon.await_state(id, "succeeded")["attempt"], 1);
    }
    await_readiness(&daemon, 200, "\"degraded\":[]");
    let log = daemon.log();
    assert_eq!(log.matches("quiet: no more jobs are taken").count(), 1);
    assert_eq!(log.matches("resumed: jobs are taken again").count(), 1);
}

fn term_while_quiet_drains_as_ever(start: Start<'_>) {
    let stage = Stage::new(&Stage::gate());
    let mut daemon = start(&[stage.file(), ("WORKERTIMEOUT", "60s")]);
    let running = daemon.submit(&json!({"type": "gate"}));
    stage.await_at_gate();
    daemon.tstp();
    await_readiness(&daemon, 200, "\"part\":\"work\"");
    let waiting = daemon.submit(&json!({"type": "noop"}));
    daemon.term();
    daemon.await_notice("STOPPING=1");
    stage.open_gate();
    let status = daemon.await_exit(Duration::from_secs(30));
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    daemon.restart();
    let ended = daemon.await_state(&running, "succeeded");
    assert_eq!(ended["attempts"].as_array().map(Vec::len), Some(1));
    // Quiet is what a process was told; the next one was not.
    daemon.await_state(&waiting, "succeeded");
}

mod redis {
    use super::*;

    #[test]
    fn a_quiet_daemon_takes_nothing_until_it_gets_cont() {
        let house = House::new();
        super::a_quiet_daemon_takes_nothing_until_it_gets_cont(&|settings| house.daemon(settings));
    }

    #[test]
    fn term_while_quiet_drains_as_ever() {
        let house = House::new();
        super::term_while_quiet_drains_as_ever(&|settings| house.daemon(settings));
    }
}

mod embedded {
    use super::*;

    #[test]
    fn a_quiet_daemon_takes_nothing_until_it_gets_cont() {
        super::a_quiet_daemon_takes_nothing_until_it_gets_cont(&embedded);
    }

    #[test]
    fn term_while_quiet_drains_as_ever() {
        super::term_while_quiet_drains_as_ever(&embedded);
    }
}
