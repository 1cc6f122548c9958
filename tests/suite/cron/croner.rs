//! Random expressions against croner, a third implementation.
//!
//! Its rules are ours but for what it takes for an interval on a day of change: each expression with a list, a range or a
//! step in its time, where ours goes by a `*` at the beginning, as Debian's cron does. Such expressions are compared on
//! the other days.

use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use croner::parser::CronParser;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

use super::random::{Expression, expression, place, wall};
use super::{fires, rule};

const DAY: i64 = 24 * 3600;

/// The next fires as croner has them.
fn by_croner(expression: &Expression, zone: Tz, begin: i64, count: usize) -> Vec<i64> {
    let parser = CronParser::builder().dom_and_dow(expression.wants_both());
    let cron = parser.build().parse(&expression.plain());
    let cron = cron.unwrap_or_else(|err| panic!("{}: {err}", expression.plain()));
    let begin: DateTime<Tz> = zone.timestamp_opt(begin, 0).unwrap();
    let fires = cron.iter_after(begin).map(|fire| fire.timestamp());
    fires.take(count).collect()
}

/// Whether both have the same days of change: fixed times are single numbers, intervals begin with `*`.
fn is_told_apart_alike(expression: &Expression) -> bool {
    let [second, minute, hour, ..] = &expression.fields;
    let single = [second, minute, hour]
        .iter()
        .all(|field| field.allowed.len() == 1 && !field.starred);
    single || expression.is_interval()
}

/// Whether the clocks change within a day of the instant.
fn is_near_a_change(zone: Tz, at: i64) -> bool {
    let offset = |at: i64| wall(zone, at) - at;
    offset(at - DAY) != offset(at) || offset(at) != offset(at + DAY)
}

#[test]
fn random_expressions_fire_when_croner_says() {
    let (mut compared, mut around_changes) = (0, 0);
    let mut runner = TestRunner::new(Config::default());
    let all = (
        proptest::bool::weighted(0.2).prop_flat_map(expression),
        place(2 * 24 * 60),
    );
    for _ in 0..1_500 {
        let (expression, (zone, begin)) = all.new_tree(&mut runner).unwrap().current();
        if !expression.has_a_day() {
            continue;
        }
        let mut ours = fires(&rule(&expression.text(), zone.name()), begin, 80);
        let mut theirs = by_croner(&expression, zone, begin, 80);
        // Where one of them has more to tell, only what both have told is compared.
        let until = ours.last().min(theirs.last()).copied().unwrap_or(i64::MAX);
        for fires in [&mut ours, &mut theirs] {
            fires.retain(|at| *at <= until);
            if !is_told_apart_alike(&expression) {
                fires.retain(|at| !is_near_a_change(zone, *at));
            }
        }
        let (text, plain) = (expression.text(), expression.plain());
        assert_eq!(
            ours, theirs,
            "`{text}` (`{plain}`) in {zone} from {begin} (left: ours)"
        );
        compared += ours.len();
        around_changes += ours
            .iter()
            .filter(|at| is_near_a_change(zone, **at))
            .count();
    }
    assert!(compared > 30_000, "only {compared} fires were compared");
    assert!(
        around_changes > 3_000,
        "only {around_changes} near a change"
    );
}
