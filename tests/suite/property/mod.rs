//! Random scripts, run on an engine and on a model of the queue, compared after each step.
//!
//! - [`model`]: the queue as it should be. [`script`]: what may happen. [`play`]: the two side by side,
//!   [`compare`]d after each step.
//!
//! After each step every job stands where the model has it (so none vanished, and none that ended lives), the
//! counters equal what they count, no ticket was ever lent twice, and no job was recorded twice.

mod acts;
mod compare;
mod ends;
mod model;
mod play;
mod script;
mod seen;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::cell::RefCell;

use crate::support::bench::Bench;
use crate::support::engines;
use play::Play;
use seen::Seen;

/// So many scripts of so many steps each an engine.
const SCRIPTS: u32 = 300;
const STEPS: usize = 60;

/// Everything that has to have happened in some script, or the scripts would prove less than they seem to.
const OUTCOMES: &[&str] = &[
    "enqueue: new",
    "enqueue: scheduled",
    "enqueue: existing",
    "enqueue: replayed",
    "enqueue: key reused",
    "enqueue: request lost",
    "enqueue: reply lost",
    "reserve: some",
    "reserve: none",
    "reserve: a suspect",
    "reserve: lapsed",
    "reserve: spared by grace",
    "reserve: request lost",
    "reserve: reply lost",
    "renew: Held",
    "renew: CancelRequested",
    "renew: Lost",
    "settle: Now(Succeeded)",
    "settle: Now(Retrying)",
    "settle: Now(Dead)",
    "settle: Now(Cancelled)",
    "settle: NotOurs",
    "settle: request lost",
    "settle: reply lost",
    "release: Now(Queued)",
    "release: Now(Scheduled)",
    "release: Now(Cancelled)",
    "release: NotOurs",
    "release: request lost",
    "release: reply lost",
    "cancel: Ended",
    "cancel: Requested",
    "cancel: TooLate",
    "cancel: Unknown",
    "collect: some",
    "collect: none",
    "collect: reply lost",
    "stored",
    "make due: Now",
    "make due: Queued",
    "make due: Running",
    "make due: TooLate",
    "make due: Unknown",
    "make_due: request lost",
    "make_due: reply lost",
    "retry: new",
    "retry: existing",
    "retry: key held",
    "purge: some",
    "purge: none",
    "purge: request lost",
    "purge: reply lost",
    "pause",
    "resume",
    "take over: some",
    "clock: forward",
    "clock: back",
    "reopen",
    "ended: expired",
    "ended: quarantined",
];

fn every_script_agrees(open: fn() -> Bench) {
    let config = Config {
        cases: SCRIPTS,
        failure_persistence: None,
        ..Config::default()
    };
    // Always the same scripts: a failure here is a failure everywhere.
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let seen = RefCell::new(Seen::default());
    let outcome = TestRunner::new_with_rng(config, chance).run(&script::scripts(STEPS), |script| {
        let mut play = Play::new(open());
        for (step, op) in script.iter().enumerate() {
            play.step(op)
                .map_err(|what| TestCaseError::fail(format!("step {step}, {op:?}: {what}")))?;
        }
        seen.borrow_mut().add(play.seen);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("engine and model disagree: {failure}");
    }
    let seen = seen.into_inner();
    let missing: Vec<_> = OUTCOMES.iter().filter(|o| !seen.has(o)).collect();
    assert!(
        missing.is_empty(),
        "no script ever saw {missing:?}; seen: {seen:?}"
    );
}

/// Q1 … Q11, Q14 and Q15 at once, in thousands of steps that nobody thought of.
#[test]
fn sqlite_agrees_with_the_model() {
    every_script_agrees(engines::sqlite_queue);
}

/// The same for Redis.
#[test]
fn redis_agrees_with_the_model() {
    every_script_agrees(engines::redis_queue);
}
