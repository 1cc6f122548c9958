//! Workers whose terms change while they work, and that are told to be quiet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass::config::Config;
use windlass::job::{Found, State};

use super::shop::Shop;
use crate::support::flaky::Flaky;
use crate::support::wait::{PATIENCE, wait_until};

fn limited(to: u32) -> BTreeMap<String, u32> {
    BTreeMap::from([("default".to_owned(), to)])
}

/// A full queue rings for nobody, so the poller waits for longer and longer, up to five seconds. A raised limit rings as
/// little.
#[test]
fn a_poller_that_waits_for_long_looks_at_once_when_the_terms_change() {
    let mut shop = Shop::new(2);
    let line = Arc::new(Flaky::new(Arc::clone(&shop.queue)));
    shop.queue = Arc::<Flaky>::clone(&line);
    shop.config.lease = Duration::from_secs(600);
    shop.config.limits = limited(1);
    let hired = shop.hire("a");
    shop.act(r#"{"do":"wait"}"#);
    shop.until_waiting(1);
    shop.act(r#"{"do":"wait"}"#);
    let before = line.calls("reserve");
    wait_until("it looks every five seconds only", PATIENCE, || {
        match line.calls("reserve") - before {
            looks if looks >= 9 => Ok(()),
            looks => Err(format!("it has looked {looks} times")),
        }
    });
    let new = Config {
        limits: limited(2),
        ..shop.config.clone()
    };
    let raised = Instant::now();
    hired.terms.reload(&new).expect("a good configuration");
    shop.until_waiting(2);
    let took = raised.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    shop.gate.open();
    assert_eq!(hired.dismiss(PATIENCE), 0);
}

/// Many quick jobs make the worker take many at once; then a long one holds its only thread, and it is told to be quiet.
#[test]
fn a_quiet_worker_gives_back_what_has_not_started() {
    let shop = Shop::new(1);
    for _ in 0..1_000 {
        shop.submit("noop", "{}", |_| {});
    }
    let long = shop.act(r#"{"do":"wait"}"#);
    let behind: Vec<_> = (0..300)
        .map(|_| shop.submit("noop", "{}", |_| {}))
        .collect();
    let hired = shop.hire("a");
    shop.until_waiting(1);
    assert!(hired.worker.set_quiet(true), "that is news");
    assert!(!hired.worker.set_quiet(true) && (hired.worker.status())().quiet);
    wait_until("what has not started is back", PATIENCE, || {
        let states = shop.states(&behind);
        let all = states.get(&State::Queued) == Some(&behind.len());
        all.then_some(()).ok_or(format!("{states:?}"))
    });
    assert_eq!(shop.line(), behind, "the line is as it was");
    shop.gate.open();
    shop.until(long, State::Succeeded);
    for id in &behind {
        let Found::Live(live) = shop.find(*id) else {
            panic!("a quiet worker has run it")
        };
        assert_eq!((live.state, live.attempt), (State::Queued, 0));
    }
    assert!(hired.worker.set_quiet(false), "that is news");
    for id in behind {
        shop.until(id, State::Succeeded);
    }
    assert_eq!(hired.dismiss(PATIENCE), 0);
}
