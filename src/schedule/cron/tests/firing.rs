//! `@every`, parts of seconds, fires that are far away, and where time ends.

use crate::job::Timestamp;
use crate::schedule::cron::{Cron, Rule, TimeZone};

#[track_caller]
fn rule(cron: &str, zone: &str) -> Rule {
    Rule {
        cron: Cron::parse(cron).unwrap_or_else(|err| panic!("{cron}: {err}")),
        zone: TimeZone::parse(zone).unwrap_or_else(|err| panic!("{err}")),
    }
}

fn at(text: &str) -> Timestamp {
    let instant = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    Timestamp::from_micros(instant.timestamp_micros())
}

#[test]
fn every_counts_from_the_creation_and_does_not_drift() {
    let rule = rule("@every 90s", "UTC");
    let created = at("2026-01-01T00:00:00.25Z");
    let next = |after: &str| rule.next_after(at(after), created);
    assert_eq!(
        next("2026-01-01T00:00:00.25Z"),
        Some(at("2026-01-01T00:01:30.25Z"))
    );
    assert_eq!(
        next("2026-01-01T00:01:30.24Z"),
        Some(at("2026-01-01T00:01:30.25Z"))
    );
    assert_eq!(
        next("2026-01-01T00:01:30.25Z"),
        Some(at("2026-01-01T00:03:00.25Z"))
    );
    assert_eq!(
        next("2026-01-01T00:01:31Z"),
        Some(at("2026-01-01T00:03:00.25Z"))
    );
    // Whoever asks from before the creation gets the first.
    assert_eq!(
        next("2020-01-01T00:00:00Z"),
        Some(at("2026-01-01T00:01:30.25Z"))
    );
}

#[test]
fn every_reads_no_clock_and_does_not_end() {
    let rule = rule("@every 1h", "Europe/Berlin");
    let created = at("2026-03-29T00:30:00Z");
    let fires: Vec<_> = rule.fires(created, created).take(2).collect();
    assert_eq!(fires[0].at, at("2026-03-29T01:30:00Z"));
    assert!(fires.iter().all(|fire| fire.note.is_none()));
    assert_eq!(
        rule.next_after(at("2500-01-01T00:00:00Z"), created),
        Some(at("2500-01-01T00:30:00Z"))
    );
    let last = Timestamp::from_micros(i64::MAX);
    assert_eq!(rule.next_after(last, created), None);
    assert_eq!(
        rule.next_after(last, Timestamp::from_micros(i64::MIN)),
        None
    );
}

#[test]
fn a_fire_is_later_than_what_it_follows_by_a_part_of_a_second_too() {
    let rule = rule("0 9 * * *", "UTC");
    let day = |text: &str| rule.next_after(at(text), at(text));
    assert_eq!(
        day("2026-01-01T08:59:59.999999Z"),
        Some(at("2026-01-01T09:00:00Z"))
    );
    assert_eq!(
        day("2026-01-01T09:00:00Z"),
        Some(at("2026-01-02T09:00:00Z"))
    );
    assert_eq!(
        day("2026-01-01T09:00:00.000001Z"),
        Some(at("2026-01-02T09:00:00Z"))
    );
}

#[test]
fn what_is_seldom_is_found() {
    let start = at("2026-03-01T00:00:00Z");
    for (cron, zone, next) in [
        ("0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z"),
        ("0 0 29 2 */7", "UTC", "2032-02-29T00:00:00Z"),
        ("*/30 12 29 2 */7", "Europe/Berlin", "2032-02-29T11:00:00Z"),
        ("0 9 13 * */5", "America/New_York", "2026-03-13T13:00:00Z"),
    ] {
        let found = rule(cron, zone).next_after(start, start);
        assert_eq!(found, Some(at(next)), "{cron}");
    }
}

/// The trap: it matches only in the hour that the clocks skip, every year up to the end.
#[test]
fn what_its_zone_never_shows_never_fires() {
    let rule = rule("* 2 25-31 3 */7", "Europe/Berlin");
    let start = at("1981-01-01T00:00:00Z");
    assert_eq!(rule.next_after(start, start), None);
}

#[test]
fn civil_time_fires_from_1970_on_and_before_2100() {
    let yearly = rule("@yearly", "Europe/Berlin");
    let first = at("1970-12-31T23:00:00Z");
    for start in [i64::MIN, -1, 0].map(Timestamp::from_micros) {
        assert_eq!(yearly.next_after(start, start), Some(first), "from {start}");
    }
    let last = at("2098-12-31T23:00:00Z");
    assert_eq!(
        yearly.next_after(at("2098-06-01T00:00:00Z"), last),
        Some(last)
    );
    // The next is an hour before 2100 in UTC.
    assert_eq!(
        yearly.next_after(last, last),
        Some(at("2099-12-31T23:00:00Z"))
    );
    for start in [at("2099-12-31T23:00:00Z"), Timestamp::from_micros(i64::MAX)] {
        assert_eq!(yearly.next_after(start, start), None, "from {start}");
    }
    let minutely = rule("* * * * *", "America/New_York");
    assert_eq!(minutely.fires(at("2099-12-31T23:57:00Z"), last).count(), 2);
}
