//! Which ticks of a schedule are to be had now, and which have passed.
//!
//! ```text
//!            done           since                now
//!   ──────────┼──t──t──t──t──┼─────t─────────t────┼──────▶
//!    dealt    │ missed, when │ on time: each      │
//!    with     │ nobody was   │ brings its job     │
//!             │ there: as    │
//!             │ catch_up says│
//! ```

use std::time::Duration;

use super::cron::Rule;
use super::definition::CatchUp;
use crate::job::Timestamp;

/// How late a tick may be had and still count as on time: a daemon that is started again within that time has missed
/// nothing.
pub const LATE_MAX: Duration = Duration::from_secs(5);

/// Most ticks that are had in one go.
const AT_ONCE_MAX: usize = 1_000;

/// Most ticks that are counted, for whoever wants to know how many have passed.
const COUNTED_MAX: usize = 1_000;

/// The shortest time between two ticks of anything.
const SPACING_MIN: Duration = Duration::from_secs(1);

/// How far a schedule was dealt with, and how far it can be.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// When the schedule was made.
    pub created_at: Timestamp,
    /// Every tick up to here was dealt with.
    pub done: Timestamp,
    /// Since when somebody watches without a break.
    pub since: Timestamp,
    /// The present.
    pub now: Timestamp,
}

/// What there is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Ticks that pass, before all that are to be had.
    pub passing: Option<Passing>,
    /// Ticks that are to be had, in order. There may be more after these.
    pub ticks: Vec<Timestamp>,
}

/// Ticks that pass without a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// How many they are; `None`: more than anybody counts.
    pub count: Option<usize>,
}

/// What there is to do for a schedule, `catch_up_max` being the most ticks that are caught up with.
#[must_use]
pub fn due(rule: &Rule, watch: Watch, catch_up: CatchUp, catch_up_max: usize) -> Due {
    let ticks = Ticks {
        rule,
        created_at: watch.created_at,
    };
    let Some(first) = ticks.after(watch.done).next().filter(|t| *t <= watch.now) else {
        return Due::default();
    };
    if watch.since.since(first) <= LATE_MAX {
        let ticks = ticks.within(watch.done, watch.now).take(AT_ONCE_MAX);
        return Due {
            passing: None,
            ticks: ticks.collect(),
        };
    }
    let had = ticks.latest(
        watch.done,
        watch.since,
        match catch_up {
            CatchUp::None => 0,
            CatchUp::Last => 1,
            CatchUp::All => catch_up_max,
        },
    );
    let end = had.first().map_or(watch.since, |had| *had - TICK);
    let last = ticks.latest(watch.done, end, 1).pop();
    let passing = last.map(|last| {
        let count = ticks.within(watch.done, last).take(COUNTED_MAX + 1).count();
        Passing {
            first,
            last,
            count: Some(count).filter(|count| *count <= COUNTED_MAX),
        }
    });
    Due {
        passing,
        ticks: had,
    }
}

/// The smallest step of time.
const TICK: Duration = Duration::from_micros(1);

struct Ticks<'r> {
    rule: &'r Rule,
    created_at: Timestamp,
}

impl Ticks<'_> {
    fn after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.rule.fires(after, self.created_at).map(|fire| fire.at)
    }

    /// The ticks later than `after`, up to `end`.
    fn within(&self, after: Timestamp, end: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.after(after).take_while(move |tick| *tick <= end)
    }

    /// The latest `count` ticks later than `after`, up to `end`, in order; all of them if there are no more.
    ///
    /// How long ago that begins is found by halving, for there may be millions of ticks in between.
    fn latest(&self, after: Timestamp, end: Timestamp, count: usize) -> Vec<Timestamp> {
        let are_enough = |after| self.within(after, end).take(count).count() == count;
        if count == 0 {
            return Vec::new();
        }
        let mut after = after;
        if are_enough(after) {
            // There are enough after `after`, and too few after `too_late`.
            let mut too_late = end;
            while too_late.since(after) > SPACING_MIN {
                let middle = after + too_late.since(after) / 2;
                if are_enough(middle) {
                    after = middle;
                } else {
                    too_late = middle;
                }
            }
        }
        self.within(after, end).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schedule::cron::{Cron, TimeZone};

    /// Some minute of 2026, in seconds.
    const START: i64 = 1_795_506_120;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((START + seconds) * 1_000_000)
    }

    fn rule(cron: &str) -> Rule {
        Rule {
            cron: Cron::parse(cron).expect("an expression"),
            zone: TimeZone::UTC,
        }
    }

    /// What is due of a schedule, in seconds after the start.
    fn found(cron: &str, watch: (i64, i64, i64), catch_up: CatchUp, max: usize) -> Due {
        let (done, since, now) = watch;
        let watch = Watch {
            created_at: at(0),
            done: at(done),
            since: at(since),
            now: at(now),
        };
        due(&rule(cron), watch, catch_up, max)
    }

    fn ticks(ticks: impl IntoIterator<Item = i64>) -> Vec<Timestamp> {
        ticks.into_iter().map(at).collect()
    }

    #[test]
    fn ticks_on_time_are_had_whatever_is_caught_up_with() {
        for catch_up in [CatchUp::None, CatchUp::Last, CatchUp::All] {
            let due = found("* * * * * *", (10, 5, 13), catch_up, 1);
            assert_eq!((due.passing, due.ticks), (None, ticks(11..=13)));
            // Away for five seconds: that is only late.
            let due = found("* * * * * *", (10, 16, 16), catch_up, 1);
            assert_eq!((due.passing, due.ticks), (None, ticks(11..=16)));
            assert_eq!(found("@hourly", (10, 20, 30), catch_up, 1), Due::default());
        }
    }

    #[test]
    fn missed_ticks_are_caught_up_with_as_the_schedule_says() {
        let missed = |catch_up, max| found("* * * * * *", (10, 20, 23), catch_up, max);
        let passing = |first, last| {
            Some(Passing {
                first: at(first),
                last: at(last),
                count: usize::try_from(last - first + 1).ok(),
            })
        };
        let due = missed(CatchUp::None, 5);
        assert_eq!((due.passing, due.ticks), (passing(11, 20), ticks([])));
        let due = missed(CatchUp::Last, 5);
        assert_eq!((due.passing, due.ticks), (passing(11, 19), ticks([20])));
        let due = missed(CatchUp::All, 5);
        assert_eq!((due.passing, due.ticks), (passing(11, 15), ticks(16..=20)));
        let due = missed(CatchUp::All, 10);
        assert_eq!((due.passing, due.ticks), (None, ticks(11..=20)));
    }

    #[test]
    fn one_missed_tick_passes_or_is_had() {
        let missed = |catch_up| found("@every 60s", (0, 70, 75), catch_up, 100);
        let due = missed(CatchUp::Last);
        assert_eq!((due.passing, due.ticks), (None, ticks([60])));
        let due = missed(CatchUp::None);
        assert!(due.ticks.is_empty() && due.passing.is_some_and(|p| p.first == at(60)));
    }

    /// Counting all of them would take minutes.
    #[test]
    fn a_year_of_seconds_is_no_more_work_than_an_hour() {
        let year = 365 * 24 * 3600;
        let due = found("* * * * * *", (0, year, year), CatchUp::All, 3);
        assert_eq!(due.ticks, ticks(year - 2..=year));
        let passing = due.passing.expect("most of them pass");
        assert_eq!((passing.first, passing.last), (at(1), at(year - 3)));
        assert_eq!(passing.count, None);
    }

    proptest! {
        /// However a schedule is caught up with: what passes and what is had are all its missed ticks, in order, and doing
        /// it in steps leads to the same.
        #[test]
        fn nothing_is_left_out_and_nothing_comes_twice(
            cron in prop_oneof![Just("* * * * * *"), Just("*/7 * * * * *"), Just("* * * * *"), Just("@every 3s"), Just("5,9 */2 * * * *")],
            created in -100i64..0, gone in 0i64..400, watched in 0i64..20, max in 1usize..20, catch_up in 0usize..3,
        ) {
            let rule = rule(cron);
            let (created_at, since, now) = (at(created), at(gone), at(gone + watched));
            let catch_up = [CatchUp::None, CatchUp::Last, CatchUp::All][catch_up];
            let all = |done, end| -> Vec<Timestamp> {
                rule.fires(done, created_at).map(|f| f.at).take_while(|t| *t <= end).collect()
            };
            let (mut done, mut had) = (at(0), Vec::new());
            for _ in 0..3 {
                let due = due(&rule, Watch { created_at, done, since, now }, catch_up, max);
                if let Some(passing) = &due.passing {
                    let passed = all(done, passing.last);
                    prop_assert_eq!(passed.first(), Some(&passing.first));
                    prop_assert_eq!(passed.last(), Some(&passing.last));
                    prop_assert_eq!(Some(passed.len()), passing.count);
                    done = passing.last;
                }
                if let Some(last) = due.ticks.last() {
                    prop_assert_eq!(&all(done, *last), &due.ticks);
                    done = *last;
                    had.extend(due.ticks);
                }
            }
            prop_assert!(all(done, now).is_empty());
            let missed = all(at(0), since);
            let is_gap = missed.first().is_some_and(|first| since.since(*first) > LATE_MAX);
            let wanted = match catch_up {
                _ if !is_gap => missed.len(),
                CatchUp::None => 0,
                CatchUp::Last => 1,
                CatchUp::All => missed.len().min(max),
            };
            prop_assert_eq!(had, all(*missed.iter().rev().nth(wanted).unwrap_or(&at(0)), now));
        }
    }
}
