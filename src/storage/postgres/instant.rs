//! Our instants as the driver knows them.

use chrono::{DateTime, Utc};

use crate::job::Timestamp;

/// 9999-12-31T23:59:59Z in microseconds: as far as every reader of a timestamptz can count.
const LAST_MICROS: i64 = 253_402_300_799_000_000;

/// The same instant; `None` when it lies beyond what the driver can write.
pub(super) fn exact(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(at.as_micros())
}

/// The same instant, or the nearest one between 1970 and the year 9999.
pub(super) fn clamped(at: Timestamp) -> DateTime<Utc> {
    exact(within_reach(at)).unwrap_or_default()
}

/// The nearest instant between 1970 and the year 9999.
pub(super) fn within_reach(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros().clamp(0, LAST_MICROS))
}

/// What was read.
pub(super) fn read(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(at.timestamp_micros())
}
