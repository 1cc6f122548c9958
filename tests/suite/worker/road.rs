//! Jobs whose handlers behave, fail, panic, or say too much; workers that stop.

use std::sync::Arc;
use std::time::Duration;

use windlass::job::{ErrorKind, Found, Outcome, Record, State};
use windlass::threads::Stop;

use super::shop::{Shop, timed};
use crate::support::flaky::{Flaky, Lost};
use crate::support::wait::{PATIENCE, wait_until};

fn record(found: Found) -> Record {
    match found {
        Found::Ended(record) => record,
        Found::Live(live) => panic!("the job lives: {live:?}"),
    }
}

#[test]
fn a_panic_is_a_failed_attempt_and_its_thread_works_on() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.act(r#"{"do":"panic"}"#);
    let Found::Live(live) = shop.until(id, State::Retrying) else {
        panic!("retrying jobs live")
    };
    assert_eq!(live.attempts[0].outcome, Outcome::Failed);
    let error = live.attempts[0].error.as_ref().expect("an error");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Panic, "as it was told")
    );
    shop.until(shop.act(r#"{"do":"answer","bytes":3}"#), State::Succeeded);
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn a_result_above_its_bound_is_a_permanent_failure_and_nul_is_replaced() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let dead = record(shop.until(shop.act(r#"{"do":"answer","bytes":300000}"#), State::Dead));
    assert!(dead.error.expect("an error").message.contains("RESULTMAX"));
    let clean = record(shop.until(shop.act(r#"{"do":"nul"}"#), State::Succeeded));
    assert_eq!(
        clean.result.expect("a result").get(),
        "{\"text\":\"a\\ufffdb\"}"
    );
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn log_lines_stay_with_the_attempt_and_progress_is_seen_while_it_runs() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.act(r#"{"do":"chat"}"#);
    wait_until("the progress is seen", PATIENCE, || match shop.find(id) {
        Found::Live(live) => match &live.progress {
            Some(progress) if progress.note == "half way" => Ok(()),
            other => Err(format!("{other:?}")),
        },
        Found::Ended(_) => Err("it has ended".to_owned()),
    });
    shop.gate.open();
    let Found::Live(live) = shop.until(id, State::Retrying) else {
        panic!("retrying jobs live")
    };
    assert_eq!(live.attempts[0].log, ["first line", "second line"]);
    assert_eq!(live.progress, None, "progress goes with the lease");
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn a_cancel_reaches_the_running_handler() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.act(r#"{"do":"wait"}"#);
    shop.until_waiting(1);
    shop.queue.cancel(id).expect("the queue answers");
    let cancelled = record(shop.until(id, State::Cancelled));
    assert_eq!(cancelled.attempts[0].outcome, Outcome::Cancelled);
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn a_job_of_an_unknown_type_is_handed_back_uncounted() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.submit("unheard-of", "{}", |_| {});
    let Found::Live(live) = shop.until(id, State::Scheduled) else {
        panic!("scheduled jobs live")
    };
    assert_eq!((live.attempt, live.attempts.len()), (0, 0));
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

/// The worker runs through quick jobs until its forecast is high, takes many, and is stopped by a long one.
#[test]
fn taken_jobs_that_do_not_start_go_back_and_another_worker_runs_them() {
    let shop = Shop::new(1);
    for _ in 0..2_000 {
        shop.submit("noop", "{}", |_| {});
    }
    let long = shop.act(r#"{"do":"wait"}"#);
    let quick: Vec<_> = (0..200)
        .map(|_| shop.submit("noop", "{}", |_| {}))
        .collect();
    let stuck = shop.hire("stuck");
    shop.until_waiting(1);
    wait_until("what does not start is back in its line", PATIENCE, || {
        let states = shop.states(&quick);
        if states.get(&State::Queued) == Some(&quick.len()) {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    });
    let free = shop.hire("free");
    for id in &quick {
        let quick = record(shop.until(*id, State::Succeeded));
        assert_eq!(
            (quick.attempt, quick.attempts.len()),
            (1, 1),
            "a give-back is not counted"
        );
    }
    shop.gate.open();
    shop.until(long, State::Succeeded);
    assert_eq!(stuck.dismiss(PATIENCE) + free.dismiss(PATIENCE), 0);
}

#[test]
fn a_drain_lets_running_jobs_finish() {
    let shop = Shop::new(2);
    let hired = shop.hire("a");
    let ids = [shop.act(r#"{"do":"wait"}"#), shop.act(r#"{"do":"wait"}"#)];
    shop.until_waiting(2);
    shop.gate.open();
    assert_eq!(hired.dismiss(PATIENCE), 0);
    for id in ids {
        assert_eq!(shop.find(id).state(), State::Succeeded);
    }
}

#[test]
fn a_drain_gives_back_uncounted_what_does_not_finish() {
    let shop = Shop::new(1);
    let hired = shop.hire("a");
    let id = shop.act(r#"{"do":"stubborn"}"#);
    shop.until_waiting(1);
    let waiting = shop.act(r#"{"do":"wait"}"#);
    let (cut, took) = timed(|| hired.dismiss(Duration::from_millis(300)));
    assert_eq!(cut, 1);
    assert!(took < Duration::from_secs(4), "the drain took {took:?}");
    let Found::Live(live) = shop.find(id) else {
        panic!("it lives")
    };
    assert_eq!((live.state, live.attempt), (State::Queued, 0));
    assert_eq!(live.attempts[0].outcome, Outcome::Released);
    assert_eq!(shop.find(waiting).state(), State::Queued);
}

/// The answer that lends the job is lost, then the queue is out of reach until the poller waits longest; in that pause it
/// is stopped.
#[test]
fn a_drain_gives_back_what_was_lent_without_its_knowing() {
    let mut shop = Shop::new(1);
    shop.config.lease = Duration::from_secs(60);
    let line = Arc::new(Flaky::new(Arc::clone(&shop.queue)));
    shop.queue = Arc::<Flaky>::clone(&line);
    let id = shop.act(r#"{"do":"wait"}"#);
    line.lose("reserve", Lost::Reply);
    for _ in 0..5 {
        line.lose("reserve", Lost::Request);
    }
    let hired = shop.hire("a");
    wait_until("the queue is within reach again", PATIENCE, || {
        line.is_spent().then_some(()).ok_or("it is not")
    });
    assert_eq!(shop.find(id).state(), State::Running);
    assert_eq!(hired.dismiss(PATIENCE), 0);
    let Found::Live(live) = shop.find(id) else {
        panic!("it lives")
    };
    assert_eq!((live.state, live.attempt), (State::Queued, 0));
    assert!(live.attempts.is_empty(), "{:?}", live.attempts);
}

/// Both jobs have killed a process; two threads are free, and yet they run one after the other.
#[test]
fn suspects_run_one_at_a_time_and_innocents_beside_them() {
    let shop = Shop::new(4);
    let suspects = [shop.act(r#"{"do":"wait"}"#), shop.act(r#"{"do":"wait"}"#)];
    shop.die_with_everything("dead");
    let hired = shop.hire("a");
    shop.until_waiting(1);
    let innocents = [shop.act(r#"{"do":"wait"}"#), shop.act(r#"{"do":"wait"}"#)];
    shop.until_waiting(3);
    assert_eq!(shop.states(&suspects).get(&State::Running), Some(&1));
    shop.gate.open();
    for id in suspects.iter().chain(&innocents) {
        shop.until(*id, State::Succeeded);
    }
    assert_eq!(hired.dismiss(PATIENCE), 0);
    assert_eq!(
        record(shop.find(suspects[0])).attempts[0].outcome,
        Outcome::Crashed
    );
}

/// While one suspect runs, the other waits in a line from which nobody may take it, with idle threads beside it: the poller
/// asks less and less often, not on and on.
fn a_suspect_that_waits_costs_few_calls(mut shop: Shop) {
    let line = Arc::new(Flaky::new(Arc::clone(&shop.queue)));
    shop.queue = Arc::<Flaky>::clone(&line);
    let suspects = [shop.act(r#"{"do":"wait"}"#), shop.act(r#"{"do":"wait"}"#)];
    shop.die_with_everything("dead");
    let hired = shop.hire("a");
    shop.until_waiting(1);
    let before = line.calls("reserve") + line.calls("wait");
    // A look that takes its time: what is counted are the calls in it.
    assert!(!Stop::new().wait(Duration::from_secs(1)));
    let calls = line.calls("reserve") + line.calls("wait") - before;
    assert!(calls < 100, "{calls} calls in a second");
    assert_eq!(shop.states(&suspects).get(&State::Queued), Some(&1));
    shop.gate.open();
    for id in suspects {
        shop.until(id, State::Succeeded);
    }
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

#[test]
fn a_suspect_that_waits_in_a_file_costs_few_calls() {
    a_suspect_that_waits_costs_few_calls(Shop::new(4));
}

#[test]
fn a_suspect_that_waits_in_redis_costs_few_calls() {
    a_suspect_that_waits_costs_few_calls(Shop::on_redis(4));
}

#[test]
fn a_job_that_killed_three_processes_is_quarantined_and_tells_of_each() {
    let shop = Shop::new(1);
    let id = shop.act(r#"{"do":"answer","bytes":1}"#);
    for node in ["first", "second", "third"] {
        shop.die_with_everything(node);
    }
    let quarantined = record(shop.find(id));
    assert_eq!(quarantined.state, State::Quarantined);
    let nodes: Vec<_> = quarantined
        .attempts
        .iter()
        .map(|a| (a.outcome, a.node.as_str()))
        .collect();
    let crashed = Outcome::Crashed;
    assert_eq!(
        nodes,
        [(crashed, "first"), (crashed, "second"), (crashed, "third")]
    );
}
