//! Starts that are refused, and starts that wait.

use std::time::Duration;

use crate::support::daemon::run;

use super::house::{House, await_readiness, await_ready};

#[test]
fn wrong_settings_are_refused_all_at_once() {
    let ran = run(
        &["serve"],
        &[
            ("WORKERCOUNT", "many"),
            ("REDISADDR", "redis://"),
            ("LEASE", "0s"),
            ("APIADDR", "nowhere"),
        ],
    );
    assert_eq!(ran.code, 78, "{}", ran.err);
    for setting in ["WORKERCOUNT", "REDISADDR", "LEASE", "APIADDR"] {
        assert!(
            ran.err.contains(setting),
            "{setting} is not named:\n{}",
            ran.err
        );
    }
}

#[test]
fn a_second_daemon_of_the_same_name_is_refused() {
    let house = House::new();
    let first = house.daemon(&[("NODE", "twin")]);
    let folder = first.home().join("run").display().to_string();
    let mut second = house.spawn(&[("NODE", "twin"), ("RUNTIMEDIR", &folder)]);
    let status = second.await_exit(Duration::from_secs(10));
    assert_eq!(status.code(), Some(78), "{}", second.log());
    assert!(
        second.log().contains("NODE"),
        "it does not say what to do:\n{}",
        second.log()
    );
    first.get("/healthz").expect(200);
}

#[test]
fn a_daemon_waits_for_redis_and_says_so() {
    let mut house = House::durable();
    house.redis.kill();
    let mut daemon = house.spawn(&[]);
    daemon.await_notice("READY=1");
    daemon.get("/healthz").expect(200);
    await_readiness(&daemon, 503, "\"part\":\"queue\"");
    house.redis.restart();
    await_ready(&daemon);
    daemon.get("/readyz").expect(200);
}

#[test]
fn a_daemon_without_postgres_is_ready_and_degraded() {
    let mut house = House::with_own_postgres();
    house.postgres().kill();
    let daemon = house.spawn(&[]);
    await_readiness(&daemon, 200, "\"part\":\"storage\"");
    house.postgres().restart();
    await_ready(&daemon);
}
