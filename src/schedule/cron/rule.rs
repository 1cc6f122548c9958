//! An expression in a time zone: the instants at which it fires.

use std::iter;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime};

use crate::job::Timestamp;

use super::zone::{Mapped, naive};
use super::{Civil, Cron, Kind, TimeZone};

const DAY: i64 = 24 * 3600;

/// Civil times fire from 1970 on.
const BEGIN: i64 = 0;

/// Civil times fire before 2100: there the tables of the time zones end, and show one offset for ever.
const END: i64 = 4_102_444_800;

/// When an entry fires: an expression in a time zone.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The expression.
    pub cron: Cron,
    /// Whose clocks it reads. `@every` reads none.
    pub zone: TimeZone,
}

/// One fire of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// When.
    pub at: Timestamp,
    /// What a change of the clock has to do with it.
    pub note: Option<Note>,
}

/// What a change of the clock did to a fire. Times are what the clocks of the zone show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It stands for a time that a jump forward skipped.
    Moved {
        /// The first time that was skipped.
        from: NaiveDateTime,
    },
    /// The clocks show this time twice; this is the first time, and the second does not fire.
    Once,
    /// The clocks show this time twice, and it fires twice; this is the second.
    Again,
    /// A jump forward skipped times at which an interval would have fired; they are not made up.
    After {
        /// The first time that was skipped.
        skipped: NaiveDateTime,
    },
}

impl Rule {
    /// The first fire after the instant `after`, of an entry created at `created_at`.
    ///
    /// The creation matters to `@every` alone, which counts from there, so that it does not drift. The work is bounded,
    /// however seldom the expression fires.
    ///
    /// ```
    /// use windlass::job::Timestamp;
    /// use windlass::schedule::cron::{Cron, Rule, TimeZone};
    ///
    /// let rule = Rule { cron: Cron::parse("@hourly").unwrap(), zone: TimeZone::UTC };
    /// let start = Timestamp::from_micros(1_500_000);
    /// assert_eq!(rule.next_after(start, start), Some(Timestamp::from_micros(3_600_000_000)));
    /// ```
    ///
    /// `None`: never again, or not before 2100.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, created_at: Timestamp) -> Option<Timestamp> {
        self.next_fire(after, created_at).map(|fire| fire.at)
    }

    /// The same, with what daylight saving has to do with it.
    #[must_use]
    pub fn next_fire(&self, after: Timestamp, created_at: Timestamp) -> Option<Fire> {
        let civil = match &self.cron.kind {
            Kind::Every(length) => {
                let at = next_multiple(*length, after, created_at)?;
                return Some(Fire { at, note: None });
            }
            Kind::Civil(civil) => civil,
        };
        // Fires lie on whole seconds, so what is later than a part of a second is later than its beginning.
        let after = after.as_micros().div_euclid(1_000_000);
        let after = after.clamp(BEGIN - 1, END);
        let (at, note) = if civil.interval {
            next_of_interval(civil, self.zone, after)?
        } else {
            next_of_fixed(civil, self.zone, after)?
        };
        (at < END).then(|| Fire {
            at: Timestamp::from_micros(at * 1_000_000),
            note,
        })
    }

    /// The fires after `after`, one after the other.
    pub fn fires(&self, after: Timestamp, created_at: Timestamp) -> Fires<'_> {
        Fires {
            rule: self,
            after,
            created_at,
        }
    }

    /// What the clocks of the zone show at an instant.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> DateTime<FixedOffset> {
        let utc = DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
        utc.with_timezone(&self.zone.offset_of(utc))
    }
}

/// The fires of a rule; see [`Rule::fires`].
#[derive(Debug, Clone)]
pub struct Fires<'a> {
    rule: &'a Rule,
    after: Timestamp,
    created_at: Timestamp,
}

impl Iterator for Fires<'_> {
    type Item = Fire;

    fn next(&mut self) -> Option<Fire> {
        let fire = self.rule.next_fire(self.after, self.created_at)?;
        self.after = fire.at;
        Some(fire)
    }
}

impl iter::FusedIterator for Fires<'_> {}

/// The first of `created_at` + 1 × `length`, + 2 × `length`, … after `after`.
fn next_multiple(length: Duration, after: Timestamp, created_at: Timestamp) -> Option<Timestamp> {
    let length = i64::try_from(length.as_micros()).ok()?;
    let gone = after.as_micros().checked_sub(created_at.as_micros())?;
    let count = gone.div_euclid(length).max(0).checked_add(1)?;
    let at = length
        .checked_mul(count)?
        .checked_add(created_at.as_micros())?;
    Some(Timestamp::from_micros(at))
}

/// The next fire of an entry at fixed times: each civil time that matches, mapped to its one instant.
///
/// Later civil times never map to earlier instants, so the first that maps to one after `after` is the answer.
fn next_of_fixed(civil: &Civil, zone: TimeZone, after: i64) -> Option<(i64, Option<Note>)> {
    let mut wall = zone.wall(after);
    loop {
        wall = civil.next_wall(wall)?;
        match zone.map(wall) {
            Mapped::Once(at) if at > after => return Some((at, None)),
            Mapped::Twice { first, .. } if first > after => return Some((first, Some(Note::Once))),
            Mapped::Never { jump } if jump > after => {
                let from = naive(wall);
                return Some((jump, Some(Note::Moved { from })));
            }
            Mapped::Twice { first, second } => {
                // All that comes twice here has come once: on to the first time that comes but once.
                let change = zone.change(first, second)?;
                wall = change + zone.offset(first) - 1;
            }
            Mapped::Once(_) | Mapped::Never { .. } => {}
        }
    }
}

/// The next fire of an interval: the first instant at which the clocks show a time that matches.
///
/// Between two changes of the clock, civil time is an instant plus a constant. So it is asked for in pieces that end at
/// the next change, a day at most; a stretch in which nothing matches, whatever the clocks do, is jumped over.
fn next_of_interval(civil: &Civil, zone: TimeZone, after: i64) -> Option<(i64, Option<Note>)> {
    let mut begin = after;
    let mut wall = zone.wall(begin);
    let mut skipped = None;
    loop {
        let offset = zone.offset(begin);
        let matched = civil.next_wall(wall)?;
        let at = matched - offset;
        let end = at.min(begin + DAY);
        if let Some(change) = zone.change(begin, end) {
            let jumped_to = zone.wall(change);
            if (change + offset..jumped_to).contains(&matched) {
                skipped = Some(naive(matched));
            }
            begin = change;
            wall = jumped_to - 1;
            continue;
        }
        if end == at {
            let note = match zone.map(matched) {
                Mapped::Twice { second, .. } if second == at => Some(Note::Again),
                _ => skipped.map(|skipped| Note::After { skipped }),
            };
            return Some((at, note));
        }
        // No change moves the clock by more than a day, so up to two days before `at` nothing matches.
        begin = end.max(at - 2 * DAY);
        skipped = None;
        wall = zone.wall(begin);
    }
}
