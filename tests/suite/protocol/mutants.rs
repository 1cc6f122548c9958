//! Each rule of the protocol left out once: the search must find the history that breaks, and name the right promise.
//!
//! Run with `--nocapture` to read the histories.

use super::road::{Road, Rules};
use super::search::search;

/// Searches `road`, in which a rule is broken, and shows the plainest history that goes wrong; it must break `law`.
#[track_caller]
fn breaks(road: &Road, law: &str) {
    match search(road, 3) {
        Ok(seen) => panic!("all {} states are lawful without the rule", seen.states),
        Err(broken) => {
            println!("{broken}");
            assert!(broken.law.starts_with(law), "not {law}: {}", broken.law);
        }
    }
}

/// Two plain jobs under all rules but those that `break_rule` breaks.
fn without(break_rule: impl FnOnce(&mut Rules)) -> Road {
    let mut road = Road::default();
    break_rule(&mut road.rules);
    road
}

// Q1.
#[test]
fn acknowledging_before_storing_loses_a_record() {
    breaks(&without(|r| r.store_before_acknowledge = false), "Q1:");
}

// Q2.
#[test]
fn a_release_that_keeps_its_number_lends_it_twice() {
    breaks(&without(|r| r.release_raises_n = false), "Q2:");
}

// Q3.
#[test]
fn settling_without_the_ticket_ends_what_another_holds() {
    breaks(&without(|r| r.settle_is_fenced = false), "Q3:");
}

// Q4.
#[test]
fn an_end_without_its_outbox_entry_is_seen() {
    breaks(&without(|r| r.outbox_in_one_step = false), "Q4:");
}

// Q5.
#[test]
fn a_line_that_takes_what_is_not_due_is_early() {
    breaks(&without(|r| r.due_is_awaited = false), "Q5:");
}

// Q6.
#[test]
fn a_reserve_that_cannot_be_repeated_leaves_a_lease_nobody_holds() {
    breaks(
        &without(|r| r.reserve_is_repeatable = false),
        "Q6: job 0 waits for a lease that nobody holds",
    );
}

/// The caller repeated the request on a fresh connection and has gone on; then the first copy arrives.
// Q6.
#[test]
fn a_reserve_of_long_ago_must_not_pass_for_a_new_one() {
    let road = Road {
        late: true,
        ..without(|r| r.old_reserves_are_repeats = false)
    };
    breaks(&road, "Q6:");
}

/// The same with the batches of a submitter.
// Q6.
#[test]
fn a_batch_of_long_ago_must_not_pass_for_a_new_one() {
    let road = Road {
        late: true,
        ..without(|r| r.old_batches_are_repeats = false)
    };
    breaks(&road, "Q6, Q10:");
}

// Q6, Q10.
#[test]
fn an_enqueue_repeated_by_id_only_brings_an_ended_job_back() {
    breaks(&without(|r| r.enqueue_is_numbered = false), "Q6, Q10:");
}

// Q6.
#[test]
fn an_idempotency_key_that_is_not_kept_doubles_the_job() {
    let road = Road {
        keyed: true,
        ..without(|r| r.keys_are_kept = false)
    };
    breaks(&road, "Q6, Q10:");
}

// Q7.
#[test]
fn a_unique_key_that_outlives_its_job_refuses_others_for_nothing() {
    let road = Road {
        unique: true,
        ..without(|r| r.unique_goes_with_end = false)
    };
    breaks(&road, "Q7:");
}

// Q7.
#[test]
fn a_unique_key_given_back_at_a_retry_lets_two_live() {
    let road = Road {
        unique: true,
        ..without(|r| r.unique_stays_till_end = false)
    };
    breaks(&road, "Q7:");
}

// Q8.
#[test]
fn without_grace_jobs_pay_for_the_engines_absence() {
    breaks(&without(|r| r.absence_has_grace = false), "Q8:");
}

// Q8.
#[test]
fn a_release_that_counts_is_seen() {
    breaks(&without(|r| r.release_is_free = false), "Q8:");
}

/// A node starts, asks twice for what its former self left, and goes to work; then the first copy arrives.
// Q8.
#[test]
fn a_take_over_that_comes_late_must_spare_what_was_lent_since() {
    let road = Road {
        late: true,
        ..without(|r| r.take_over_is_fenced = false)
    };
    breaks(&road, "Q8:");
}

// Q9.
#[test]
fn a_claim_that_never_ends_strands_a_record() {
    breaks(&without(|r| r.claims_run_out = false), "Q1, Q9:");
}

// Q10.
#[test]
fn a_stale_ticket_that_is_lent_brings_an_ended_job_back() {
    breaks(&without(|r| r.stale_tickets_are_dropped = false), "Q10:");
}

// Q14.
#[test]
fn the_length_of_the_line_is_no_count_of_what_waits() {
    breaks(&without(|r| r.ready_is_counted = false), "Q14:");
}

// S1.
#[test]
fn a_store_without_a_conflict_rule_records_twice() {
    breaks(&without(|r| r.store_has_conflict_rule = false), "S1:");
}
