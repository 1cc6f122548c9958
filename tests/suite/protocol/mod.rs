//! The protocol, proved on paper that runs: every history of a small world is tried, and none breaks a promise.
//!
//! - `search`: the search itself, which knows nothing of jobs.
//! - `road`: two jobs on their road through two workers and two recorders, with everything that can go wrong.
//! - `bells`: pollers that sleep beside queues, and what wakes them.
//! - `mutants`: each rule left out once. The search must find the history that breaks, or it proves nothing.
//!
//! This is about the rules of `design.md`, not about the engines' code: that answers to the contract suite.

mod bells;
mod mutants;
mod road;
mod search;

use windlass::job::{Event, MOVES};

use road::Road;
use search::search;

/// Searches `road` with at most `faults` faults in a history, and tells which moves of the life cycle it has seen.
#[track_caller]
fn holds(what: &str, road: &Road, faults: usize) -> u32 {
    match search(road, faults) {
        Ok(seen) => println!(
            "{what}, {faults} faults: {} states, {} steps",
            seen.states, seen.steps
        ),
        Err(broken) => panic!("{what}: {broken}"),
    }
    road.moves.get()
}

// Q1 to Q6, Q8 to Q10, Q14.
#[test]
fn two_jobs_come_through_whatever_goes_wrong() {
    holds("two jobs", &Road::default(), 4);
}

// Q6, Q8: an old connection delivers what its caller has long repeated.
#[test]
fn two_jobs_come_through_late_requests() {
    let road = Road {
        late: true,
        keyed: true,
        ..Road::default()
    };
    holds("late requests", &road, 2);
    let road = Road {
        together: true,
        max_retries: 0,
        ..road
    };
    holds("late requests, one batch", &road, 3);
}

// Q7.
#[test]
fn a_unique_key_is_held_by_one_live_job() {
    let road = Road {
        unique: true,
        keyed: true,
        ..Road::default()
    };
    holds("one unique key", &road, 3);
    let road = Road {
        unique: true,
        together: true,
        late: true,
        ..Road::default()
    };
    holds("one unique key in one batch", &road, 3);
}

// Q5.
#[test]
fn a_job_for_later_waits_for_its_time() {
    let road = Road {
        scheduled: true,
        give_back_later: true,
        expires: true,
        ..Road::default()
    };
    holds("one for later", &road, 3);
}

/// A search that never comes to some move says nothing about it.
#[test]
fn every_move_of_the_life_cycle_is_tried() {
    let road = Road {
        scheduled: true,
        give_back_later: true,
        expires: true,
        together: true,
        ..Road::default()
    };
    let seen = holds("one for later, in one batch", &road, 2);
    let missing: Vec<&(_, Event, _)> = (0..)
        .zip(MOVES)
        .filter(|(row, _)| seen & 1 << row == 0)
        .map(|(_, m)| m)
        .collect();
    assert!(missing.is_empty(), "never tried: {missing:?}");
}
