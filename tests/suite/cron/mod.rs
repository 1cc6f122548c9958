//! When cron entries fire: against a second implementation, against a third, against all minutes of the days, and on the
//! days of change against what was written out by hand.
//!
//! - `expressions`: expressions of every form in ten zones, compared with cronsim (Python), run live.
//! - `changes`: both changes of the clock of each zone, written out.
//! - `command`: `windlass cron explain`, and the README.
//! - `croner`: random expressions, compared with croner.
//! - `every_minute`: random expressions, compared with a look at every minute; what holds for any expression and any text.
//! - `random`: what these two draw from.

mod changes;
mod command;
mod croner;
mod every_minute;
mod expressions;
mod random;

use chrono::DateTime;
use windlass::job::Timestamp;
use windlass::schedule::cron::{Cron, Fire, Rule, TimeZone};

/// The rule of an expression in a zone.
#[track_caller]
fn rule(cron: &str, zone: &str) -> Rule {
    let cron = Cron::parse(cron).unwrap_or_else(|err| panic!("{cron}: {err}"));
    let zone = TimeZone::parse(zone).unwrap_or_else(|err| panic!("{err}"));
    Rule { cron, zone }
}

/// An instant as RFC 3339 has it, in seconds since 1970.
#[track_caller]
fn seconds(text: &str) -> i64 {
    let instant = DateTime::parse_from_rfc3339(text);
    instant
        .unwrap_or_else(|err| panic!("{text}: {err}"))
        .timestamp()
}

fn seconds_of(fire: Fire) -> i64 {
    fire.at.as_micros() / 1_000_000
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// The next `count` fires, in seconds since 1970.
fn fires(rule: &Rule, from: i64, count: usize) -> Vec<i64> {
    let fires = rule.fires(timestamp(from), timestamp(from));
    fires.map(seconds_of).take(count).collect()
}
