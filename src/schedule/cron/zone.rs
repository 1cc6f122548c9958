//! Time zones: their names, and how civil time and instants map onto each other.
//!
//! Everything here is in whole seconds: instants since 1970, and civil ("wall") times dressed as UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use thiserror::Error;

use crate::near;

/// No offset is farther from UTC than this.
const OFFSET_SECONDS_MAX: i64 = 16 * 3600;

/// A zone of the IANA database. The default is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TimeZone(Tz);

/// A name that is no time zone's; the text says so, with the near name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UnknownZone(String);

/// What a civil time is in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapped {
    /// It comes once, at this instant.
    Once(i64),
    /// It comes twice.
    Twice { first: i64, second: i64 },
    /// A jump forward skips it; the first instant after the jump.
    Never { jump: i64 },
}

impl TimeZone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone with this name, such as `Europe/Berlin`; capitals count.
    ///
    /// ```
    /// use windlass::schedule::cron::TimeZone;
    ///
    /// assert_eq!(TimeZone::parse("Europe/Berlin").unwrap().name(), "Europe/Berlin");
    /// let err = TimeZone::parse("europe/berlin").unwrap_err();
    /// assert_eq!(err.to_string(), "no time zone is called `europe/berlin`; did you mean `Europe/Berlin`?");
    /// ```
    ///
    /// # Errors
    ///
    /// A sentence with the near name, if there is one.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        if let Ok(zone) = name.parse() {
            return Ok(Self(zone));
        }
        // Names have fewer than forty characters; what is longer need not be repeated.
        let shown: String = name.chars().take(40).collect();
        Err(UnknownZone(match near_name(name) {
            Some(near) => format!("no time zone is called `{shown}`; did you mean `{near}`?"),
            None => format!(
                "no time zone is called `{shown}`; write a name of the IANA database, such as UTC or Europe/Berlin"
            ),
        }))
    }

    /// The name in the IANA database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// How far the clocks are ahead of UTC at an instant.
    pub(super) fn offset_of(self, instant: DateTime<Utc>) -> FixedOffset {
        self.0.offset_from_utc_datetime(&instant.naive_utc()).fix()
    }

    /// Seconds that the civil time is ahead of UTC at an instant.
    pub(super) fn offset(self, instant: i64) -> i64 {
        let instant = naive(instant).and_utc();
        i64::from(self.offset_of(instant).local_minus_utc())
    }

    /// What the clocks show at an instant.
    pub(super) fn wall(self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    /// When the clocks show `wall`.
    pub(super) fn map(self, wall: i64) -> Mapped {
        match self.0.offset_from_local_datetime(&naive(wall)) {
            MappedLocalTime::Single(offset) => Mapped::Once(wall - seconds(&offset)),
            MappedLocalTime::Ambiguous(a, b) => {
                let (a, b) = (wall - seconds(&a), wall - seconds(&b));
                Mapped::Twice {
                    first: a.min(b),
                    second: a.max(b),
                }
            }
            MappedLocalTime::None => Mapped::Never {
                jump: first(
                    wall - OFFSET_SECONDS_MAX,
                    wall + OFFSET_SECONDS_MAX,
                    |instant| self.wall(instant) > wall,
                ),
            },
        }
    }

    /// The first instant after `from`, up to `to`, at which the offset is another; `to` must be less than the shortest
    /// time between two changes away (a few days).
    pub(super) fn change(self, from: i64, to: i64) -> Option<i64> {
        let offset = self.offset(from);
        (self.offset(to) != offset)
            .then(|| first(from, to, |instant| self.offset(instant) != offset))
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TimeZone {
    type Err = UnknownZone;
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::parse(name)
    }
}

/// The first instant in `(from, to]` for which `holds`, which it does for `to`, and from then on.
fn first(mut from: i64, mut to: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while to - from > 1 {
        let middle = from + (to - from) / 2;
        if holds(middle) {
            to = middle;
        } else {
            from = middle;
        }
    }
    to
}

/// The same second as chrono has it. Callers stay within a few centuries of 1970.
pub(super) fn naive(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .naive_utc()
}

fn seconds(offset: &impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc())
}

/// The zone that was probably meant: other capitals, a slip, or the city alone.
fn near_name(name: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let spaced = name.replace(' ', "_");
    let city = |zone: &&&str| {
        zone.rsplit_once('/')
            .is_some_and(|(_, city)| city.eq_ignore_ascii_case(&spaced))
    };
    near::word(&spaced, &names).or_else(|| names.iter().find(city).copied())
}
