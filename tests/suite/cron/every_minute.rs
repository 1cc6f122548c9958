//! Random expressions against all minutes of a few days in a random zone, mostly around a change of its clocks; and what
//! holds for any expression, and any text.

use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use windlass::job::Timestamp;
use windlass::schedule::cron::{Cron, Rule, TimeZone};

use super::random::{Expression, expression, place, wall};
use super::{seconds_of, timestamp};

/// The fires in `(begin, end]` by looking at every `step` seconds.
///
/// An interval fires whenever the clocks show a time that matches. Anything else fires when they show a time that they
/// have not shown before and that matches, or when they jump past such a time.
fn by_looking(expression: &Expression, zone: Tz, begin: i64, end: i64, step: i64) -> Vec<i64> {
    // What was shown for the first time is known only from what was shown before.
    let early = begin - 6 * 3600;
    let mut shown = wall(zone, early);
    let mut fires = Vec::new();
    for at in (early + step..=end).step_by(step as usize) {
        let now = wall(zone, at);
        let fire = if expression.is_interval() {
            expression.matches(now)
        } else {
            let mut unseen = (shown + step..=now).step_by(step as usize);
            unseen.any(|wall| expression.matches(wall))
        };
        if fire && at > begin {
            fires.push(at);
        }
        shown = shown.max(now);
    }
    fires
}

fn rule_of(expression: &Expression, zone: Tz) -> Rule {
    let text = expression.text();
    Rule {
        cron: Cron::parse(&text).unwrap_or_else(|err| panic!("{text}: {err}")),
        zone: TimeZone::parse(zone.name()).expect("a name of the database"),
    }
}

fn by_rule(rule: &Rule, begin: i64, end: i64) -> Vec<i64> {
    let fires = rule.fires(timestamp(begin), timestamp(begin));
    let seconds = fires.map(seconds_of);
    seconds.take_while(|at| *at <= end).collect()
}

/// `cases` random expressions, each at a place of its own, for `hours` of it.
fn compare(cases: u32, six: bool, hours: i64, step: i64) {
    let (mut fires, mut changes) = (0, 0);
    let mut runner = TestRunner::new(Config::default());
    let all = (expression(six), place(hours * 60));
    for _ in 0..cases {
        let (expression, (zone, begin)) = all.new_tree(&mut runner).unwrap().current();
        if !expression.has_a_day() {
            assert!(
                Cron::parse(&expression.text()).is_err(),
                "{}",
                expression.text()
            );
            continue;
        }
        let end = begin + hours * 3600;
        let found = by_rule(&rule_of(&expression, zone), begin, end);
        let expected = by_looking(&expression, zone, begin, end, step);
        assert_eq!(
            found,
            expected,
            "`{}` in {zone} from {begin} (left: ours, right: by looking)",
            expression.text()
        );
        fires += found.len();
        changes += usize::from(wall(zone, end) - end != wall(zone, begin) - begin);
    }
    assert!(fires > cases as usize * 5, "only {fires} fires");
    assert!(
        changes > cases as usize / 10,
        "only {changes} changes of a clock"
    );
}

#[test]
fn every_minute_of_days_of_change_is_as_the_rules_say() {
    compare(1_000, false, 3 * 24, 60);
}

#[test]
fn every_second_is_as_the_rules_say() {
    compare(300, true, 6, 1);
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(2_000) })]

    #[test]
    fn the_next_fire_is_later_and_nothing_fires_before_it(
        expression in any::<bool>().prop_flat_map(expression),
        (zone, begin) in place(3 * 24 * 60),
        part in 0..1_000_000_i64,
        between in 0.0..1.0_f64,
    ) {
        prop_assume!(expression.has_a_day());
        let rule = rule_of(&expression, zone);
        let after = Timestamp::from_micros(begin * 1_000_000 + part);
        let Some(next) = rule.next_after(after, after) else {
            return Ok(());
        };
        prop_assert!(next > after);
        let gap = (next.as_micros() - after.as_micros()) as f64;
        let later = Timestamp::from_micros(after.as_micros() + (gap * between) as i64);
        prop_assume!(later < next);
        prop_assert_eq!(rule.next_after(later, later), Some(next));
        let following = rule.next_after(next, next);
        prop_assert!(following.is_none_or(|following| following > next));
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in ".{0,40}") {
        prop_assert!(Cron::parse(&text).is_err() || !text.is_empty());
    }

    #[test]
    fn no_text_that_looks_like_an_expression_is_a_reason_to_panic(
        text in "@?([0-9*,/-]{1,6}|[a-zA-Z#?]{1,4}|every|[0-9]{1,25}[smhd]?)( ([0-9*,/LW-]{1,6}|Mon|jan|99)){0,6}",
    ) {
        if let Ok(cron) = Cron::parse(&text) {
            prop_assert!(!cron.explain().is_empty());
            let rule = Rule { cron, zone: TimeZone::UTC };
            let start = timestamp(1_800_000_000);
            if let Some(next) = rule.next_after(start, start) {
                prop_assert!(next > start);
            }
        }
    }

    #[test]
    fn every_counts_from_the_creation(
        seconds in 1..10_000_000_i64,
        created in 0..4_000_000_000_000_000_i64,
        later in 0..1_000_000_000_000_000_i64,
    ) {
        let rule = Rule { cron: Cron::parse(&format!("@every {seconds}s")).unwrap(), zone: TimeZone::UTC };
        let created = Timestamp::from_micros(created);
        let after = Timestamp::from_micros(created.as_micros() + later);
        let next = rule.next_after(after, created).expect("it goes on");
        let since = next.as_micros() - created.as_micros();
        prop_assert_eq!(since % (seconds * 1_000_000), 0);
        prop_assert!(next > after && next.as_micros() - seconds * 1_000_000 <= after.as_micros());
    }
}
