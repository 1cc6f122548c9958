//! Handlers that do not end at their deadline: their threads are given up, counted, replaced.

use std::time::Duration;

use windlass::job::{ErrorKind, Found, Job, Outcome, State};
use windlass::worker::Trouble;

use super::shop::Shop;
use crate::support::wait::{PATIENCE, wait_until};

fn within(timeout: Duration) -> impl FnOnce(&mut Job) {
    move |job| job.timeout = Some(timeout)
}

#[test]
fn a_handler_that_heeds_its_deadline_has_timed_out_and_keeps_its_thread() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.submit("act", r#"{"do":"wait"}"#, within(Duration::from_millis(50)));
    let Found::Live(live) = shop.until(id, State::Retrying) else {
        panic!("retrying jobs live")
    };
    assert_eq!(live.attempts[0].outcome, Outcome::TimedOut);
    assert_eq!((hired.worker.status())().given_up, 0);
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn a_handler_that_overruns_costs_one_attempt_and_no_worker() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.submit(
        "act",
        r#"{"do":"stubborn"}"#,
        within(Duration::from_millis(50)),
    );
    let Found::Live(live) = shop.until(id, State::Retrying) else {
        panic!("retrying jobs live")
    };
    assert_eq!(live.attempts[0].outcome, Outcome::TimedOut);
    assert_eq!(
        live.attempts[0].error.as_ref().map(|e| e.kind),
        Some(ErrorKind::Timeout)
    );
    // The only thread still stands at the gate; its replacement runs this.
    shop.until(shop.act(r#"{"do":"answer","bytes":1}"#), State::Succeeded);
    assert_eq!((hired.worker.status())().given_up, 1);

    // What the handler answers after all is not used.
    shop.gate.open();
    wait_until("the thread is back", PATIENCE, || {
        match (hired.worker.status())().given_up {
            0 => Ok(()),
            n => Err(n),
        }
    });
    let Found::Live(live) = shop.find(id) else {
        panic!("it waits for its retry")
    };
    assert_eq!((live.state, live.attempts.len()), (State::Retrying, 1));
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn when_no_more_threads_can_be_given_up_the_daemon_is_told() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    for _ in 0..2 {
        shop.submit(
            "act",
            r#"{"do":"stubborn"}"#,
            within(Duration::from_millis(50)),
        );
    }
    assert_eq!(
        hired.troubles.recv_timeout(PATIENCE),
        Ok(Trouble::ThreadsGivenUp(2))
    );
}
