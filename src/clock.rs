//! Where "now" comes from.
//!
//! Redis' own clock rules the queue on Redis; everything else that needs the time asks a [`Clock`], so that tests can
//! move it. Nothing outside this file reads the system's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use crate::job::Timestamp;

/// A source of the present instant.
pub trait Clock: Send + Sync + 'static {
    /// The present instant. It may go backwards, as a host's clock may.
    fn now(&self) -> Timestamp;
}

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one door to the system's clock"
        )]
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is a host without a clock; the epoch is as good an answer as any.
        Timestamp::from_micros(
            since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

/// A clock that stands still until it is moved; for tests, also those of embedding programs.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_micros()))
    }

    /// Shows `now` from here on; it may lie before what was shown.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: std::time::Duration) {
        self.set(self.now() + by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
