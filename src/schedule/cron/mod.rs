//! When a cron expression fires: text and time zone in, instants out; pure.
//!
//! ```text
//!  "30 2 * * 1-5" ──[`Cron::parse`]──▶ sets of numbers ──▶ the `cron` crate: civil times, one after the other
//!  "Europe/Berlin" ─[`TimeZone::parse`]──────────────────▶ instants, by the rules below: [`Rule::next_after`]
//! ```
//!
//! # Expressions
//!
//! Five fields (minute, hour, day of month, month, day of week) or six (second first), each a list of `*`, numbers, names
//! and ranges, with steps; `@daily` and its like; `@every 90s`. A range may run over the end of its field (`22-4`,
//! `Fri-Mon`). When neither day field starts with `*`, a day that matches either fires; else both must match. 0 and 7 are
//! Sunday.
//!
//! # Daylight saving
//!
//! - An entry at fixed times: a time that a jump forward skips fires once, at the first instant after the jump; a time
//!   that comes twice fires the first time only.
//! - An interval (minute or hour field starts with `*`) fires whenever the clock shows a time that matches: skipped times
//!   are not made up, repeated ones fire again.
//!
//! The `cron` crate is asked about civil time only, dressed as UTC: given a zone, it skips what a jump skips and yields
//! what comes twice out of order.
//!
//! # Where it ends
//!
//! Before the year 2100: the tables of the time zones end there. `@every` needs none and goes on.

mod error;
mod field;
mod parse;
mod rule;
#[cfg(test)]
mod tests;
mod words;
mod zone;

use std::fmt;
use std::time::Duration;

use ::cron::Schedule;
use chrono::{DateTime, Utc};

pub use error::CronError;
pub use field::Field;
pub use rule::{Fire, Fires, Note, Rule};
pub use zone::{TimeZone, UnknownZone};

use field::Values;

/// A cron expression that was understood and fires at some time.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    kind: Kind,
}

/// The two kinds of expression.
#[derive(Debug, Clone)]
enum Kind {
    /// `@every`: this long after each other, from the creation of the entry.
    Every(Duration),
    Civil(Civil),
}

/// An expression in civil time.
#[derive(Debug, Clone)]
struct Civil {
    /// What each field allows, in the order of [`Field::ALL`].
    fields: [Values; 6],
    /// Whether the minute or the hour starts with `*`.
    interval: bool,
    /// One, or two of which either may fire: one with each of the day fields.
    schedules: Vec<Schedule>,
}

impl Cron {
    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is an interval or has fixed times, for which days of change have different rules; `None` for `@every`,
    /// which reads no clock.
    #[must_use]
    pub fn is_interval(&self) -> Option<bool> {
        match &self.kind {
            Kind::Every(_) => None,
            Kind::Civil(civil) => Some(civil.interval),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Civil {
    /// The first civil time after `wall` that matches; both in seconds, as if they were UTC.
    fn next_wall(&self, wall: i64) -> Option<i64> {
        let wall: DateTime<Utc> = DateTime::from_timestamp(wall, 0)?;
        self.schedules
            .iter()
            .filter_map(|schedule| schedule.after(&wall).next())
            .min()
            .map(|next| next.timestamp())
    }
}
