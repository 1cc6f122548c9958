//! When a failed job is tried again.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the wait between attempts grows: `base × factor^(k−1)` before attempt k+1, at most `cap`, of which a random 50
/// to 100 % is waited, so that what failed together does not return together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// The wait after the first failure, in microseconds.
    base: u64,
    /// By how much each further wait is longer; at least 1.
    factor: f64,
    /// The longest wait, in microseconds.
    cap: u64,
}

impl Backoff {
    /// The longest wait that may be asked for.
    pub const CAP_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

    /// By how much each further wait may be longer.
    pub const FACTORS: RangeInclusive<f64> = 1.0..=100.0;

    /// A backoff of these figures, or what is wrong with them (the field's name, the reason).
    ///
    /// # Errors
    ///
    /// The name of the wrong figure (`base`, `factor` or `cap`) and what it should be.
    pub fn new(
        base: Duration,
        factor: f64,
        cap: Duration,
    ) -> Result<Self, (&'static str, &'static str)> {
        if !Self::FACTORS.contains(&factor) {
            return Err(("factor", "must be a number from 1 to 100"));
        }
        if cap > Self::CAP_MAX {
            return Err(("cap", "must be at most 7d"));
        }
        if base > cap {
            return Err(("base", "must not be longer than cap"));
        }
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        Ok(Self {
            base: micros(base),
            factor,
            cap: micros(cap),
        })
    }

    /// How long to wait after the `failures`-th failure (from 1). `jitter` in `[0, 1)` chooses within the random half.
    ///
    /// ```
    /// use std::time::Duration;
    /// use windlass::job::Backoff;
    /// let backoff = Backoff::default();
    /// assert_eq!(backoff.delay(1, 0.0), Duration::from_millis(7_500)); // half of 15 s
    /// assert!(backoff.delay(2, 0.999) < Duration::from_secs(60)); // 15 s × 4
    /// assert!(backoff.delay(50, 0.999) < Duration::from_secs(3600)); // the cap
    /// ```
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        #[expect(
            clippy::cast_precision_loss,
            reason = "waits are far below 2^52 microseconds"
        )]
        let full = (self.base as f64 * self.factor.powi(exponent)).min(self.cap as f64);
        Duration::from_secs_f64(full * (0.5 + jitter.clamp(0.0, 1.0) / 2.0) / 1e6)
    }

    /// Whether it is [`Backoff::default`].
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Backoff {
    /// 15 s, four times longer each time, at most 1 h: five retries reach 40 to 80 minutes.
    fn default() -> Self {
        Self {
            base: 15_000_000,
            factor: 4.0,
            cap: 3_600_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_retries_reach_from_forty_to_eighty_minutes() {
        let total = |jitter| {
            (1..=5)
                .map(|k| Backoff::default().delay(k, jitter))
                .sum::<Duration>()
                .as_secs_f64()
                / 60.0
        };
        assert!(
            (40.0..42.0).contains(&total(0.0)),
            "shortest: {} min",
            total(0.0)
        );
        assert!(
            (80.0..84.0).contains(&total(1.0)),
            "longest: {} min",
            total(1.0)
        );
    }

    proptest! {
        #[test]
        fn a_wait_lies_between_half_and_all_of_its_length_and_never_above_the_cap(
            base in 0u64..1 << 40, factor in 1.0f64..100.0, cap in 0u64..600_000_000_000, failures in 0u32.., jitter in 0.0f64..1.0
        ) {
            let cap = Duration::from_micros(cap.max(base).min(600_000_000_000));
            let base = Duration::from_micros(base.min(600_000_000_000)).min(cap);
            let backoff = Backoff::new(base, factor, cap).expect("figures within bounds");
            let delay = backoff.delay(failures, jitter);
            prop_assert!(delay <= cap + Duration::from_micros(1));
            prop_assert!(delay + Duration::from_micros(1) >= base / 2);
            prop_assert!(backoff.delay(failures.saturating_add(1), jitter) >= delay, "waits never shrink");
        }
    }
}
