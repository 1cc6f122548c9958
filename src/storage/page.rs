//! What can be asked of many records at once.
//!
//! No page costs more than so much: where no index leads straight to what a filter names, the rows along one that fits are
//! looked at, [`LOOKED_MAX`] of them, and the page tells how far that went.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::job::{JobId, Record, State, Summary, Timestamp};

/// Which records to list; every given part must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Ended in this state.
    pub state: Option<State>,
    /// Of this type.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<String>,
    /// With this tag among its tags.
    pub tag: Option<String>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a job is among what is listed.
    #[must_use]
    pub fn matches(&self, job: &Summary) -> bool {
        let created_at = job.id.created_at();
        self.state.is_none_or(|state| state == job.state)
            && self.kind.as_ref().is_none_or(|kind| *kind == job.kind)
            && self.queue.as_ref().is_none_or(|queue| *queue == job.queue)
            && self.tag.as_ref().is_none_or(|tag| job.tags.contains(tag))
            && self.since.is_none_or(|since| created_at >= since)
            && self.until.is_none_or(|until| created_at < until)
    }

    /// The parts that are given and have an index, those first that are likely to name few.
    pub(super) fn parts(&self) -> Vec<Part> {
        let succeeded = self.state == Some(State::Succeeded);
        [
            (Part::Tag, self.tag.is_some()),
            (Part::State, self.state.is_some() && !succeeded),
            (Part::Kind, self.kind.is_some()),
            (Part::Queue, self.queue.is_some()),
            (Part::State, succeeded),
        ]
        .into_iter()
        .filter_map(|(part, given)| given.then_some(part))
        .collect()
    }
}

/// A part of a filter along whose index records can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    State,
    Kind,
    Queue,
    Tag,
}

/// Most records that are looked at along one index to fill a page.
pub(super) const LOOKED_MAX: usize = 10_000;

/// Most records of one page, whatever is asked for.
pub(super) const PAGE_MAX: usize = 1_000;

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, newest id first.
    pub jobs: Vec<Summary>,
    /// After which id the next page begins: every record before it that matches is in this page or an earlier one. `None`:
    /// this was the last page. A page that is not full and has a next one was broken off for the sake of its cost.
    pub next: Option<JobId>,
}

/// The best of several ways to the same page: the first that fills it or comes to the end, else the one that came
/// furthest.
pub(super) fn best<Way, Row, E>(
    ways: impl IntoIterator<Item = Way>,
    limit: usize,
    mut go: impl FnMut(Way) -> Result<Found<Row>, E>,
) -> Result<Found<Row>, E> {
    let mut best: Option<Found<Row>> = None;
    for way in ways {
        let found = go(way)?;
        if found.next.is_none() || found.rows.len() >= limit {
            return Ok(found);
        }
        if best.as_ref().is_none_or(|best| found.next < best.next) {
            best = Some(found);
        }
    }
    Ok(best.unwrap_or(Found {
        rows: Vec::new(),
        next: None,
    }))
}

/// What one way found.
#[derive(Debug)]
pub(super) struct Found<Row> {
    /// What matches, newest id first.
    pub rows: Vec<Row>,
    /// As [`Page::next`].
    pub next: Option<JobId>,
}

/// How many buckets a [`Minute`]'s histogram has.
pub const MINUTE_BUCKETS: usize = 16;

/// What ended within one minute, for one type, queue and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// The minute's first instant.
    pub minute: Timestamp,
    /// The type.
    pub kind: String,
    /// The queue.
    pub queue: String,
    /// The state.
    pub state: State,
    /// How many jobs.
    pub jobs: u64,
    /// For how long they waited, in all, in milliseconds: from being due to the start of the last attempt.
    pub wait_ms: u64,
    /// For how long they ran, in all, in milliseconds: the last attempts alone.
    pub run_ms: u64,
    /// Run times: bucket `i` counts those of at least `2^(i-1)` and less than `2^i` milliseconds (0: below 1 ms; the last
    /// one is open).
    pub histogram: [u64; MINUTE_BUCKETS],
}

impl Minute {
    /// What `records` add to the counts, one entry a minute, type, queue and state. Every engine counts by this, so that
    /// all tell the same.
    ///
    /// A retry is due when the attempt before it ended: its delay is not part of the record, so the wait of a retried job
    /// holds its backoff. A job that ended without an attempt adds to `jobs` alone.
    #[must_use]
    pub fn tally<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Self> {
        let mut minutes = BTreeMap::new();
        for record in records {
            let minute = Timestamp::from_micros(
                record.ended_at.as_micros().div_euclid(MINUTE_MICROS) * MINUTE_MICROS,
            );
            let key = (minute, &record.job.kind, &record.job.queue, record.state);
            minutes
                .entry(key)
                .or_insert_with(|| Self {
                    minute,
                    kind: record.job.kind.clone(),
                    queue: record.job.queue.clone(),
                    state: record.state,
                    jobs: 0,
                    wait_ms: 0,
                    run_ms: 0,
                    histogram: [0; MINUTE_BUCKETS],
                })
                .count(record);
        }
        minutes.into_values().collect()
    }

    /// Puts together what was counted for the same minute, type, queue and state.
    pub(super) fn merge<'a>(minutes: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let mut merged: BTreeMap<_, Self> = BTreeMap::new();
        for minute in minutes {
            merged
                .entry((minute.minute, &minute.kind, &minute.queue, minute.state))
                .and_modify(|sum| sum.add(minute))
                .or_insert_with(|| minute.clone());
        }
        merged.into_values().collect()
    }

    /// Adds what was counted elsewhere for the same minute, type, queue and state.
    pub(super) fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.wait_ms += other.wait_ms;
        self.run_ms += other.run_ms;
        for (mine, theirs) in self.histogram.iter_mut().zip(other.histogram) {
            *mine += theirs;
        }
    }

    fn count(&mut self, record: &Record) {
        self.jobs += 1;
        let Some((last, before)) = record.attempts.split_last() else {
            return;
        };
        let due = [
            record.job.run_at,
            before.last().map(|attempt| attempt.ended_at),
        ]
        .into_iter()
        .flatten()
        .fold(record.job.created_at(), Timestamp::max);
        let run_ms = millis(last.ended_at.since(last.started_at));
        self.wait_ms += millis(last.started_at.since(due));
        self.run_ms += run_ms;
        self.histogram[bucket(run_ms)] += 1;
    }
}

const MINUTE_MICROS: i64 = 60_000_000;

/// The bucket of a run time: the position of its highest bit, counted from 1; see [`Minute::histogram`].
fn bucket(run_ms: u64) -> usize {
    (u64::BITS - run_ms.leading_zeros()).min(MINUTE_BUCKETS as u32 - 1) as usize
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Attempt, Job, Outcome};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn attempt(start: i64, end: i64) -> Attempt {
        Attempt {
            attempt: 1,
            outcome: Outcome::Failed,
            started_at: at(start),
            ended_at: at(end),
            node: "n".to_owned(),
            error: None,
            log: Vec::new(),
        }
    }

    fn record(created: i64, attempts: Vec<Attempt>, ended: i64) -> Record {
        let payload = RawValue::from_string("1".to_owned()).unwrap();
        Record {
            job: Job::new(JobId::mint(at(created), 7), "noop", "q", payload),
            state: State::Succeeded,
            ended_at: at(ended),
            attempt: 1,
            attempts,
            result: None,
            error: None,
        }
    }

    #[test]
    fn the_last_attempt_counts_and_the_minute_is_that_of_the_end() {
        let first = record(60_000, vec![attempt(60_100, 60_103)], 60_103);
        let retried = record(
            60_000,
            vec![attempt(60_100, 60_200), attempt(61_200, 61_200)],
            119_999,
        );
        let never = record(60_000, Vec::new(), 120_000);
        let minutes = Minute::tally([&first, &retried, &never]);
        assert_eq!(minutes.len(), 2);
        assert_eq!((minutes[0].minute, minutes[0].jobs), (at(60_000), 2));
        assert_eq!((minutes[0].wait_ms, minutes[0].run_ms), (100 + 1000, 3));
        assert_eq!(minutes[0].histogram[..3], [1, 0, 1]);
        assert_eq!((minutes[1].minute, minutes[1].jobs), (at(120_000), 1));
        assert_eq!(minutes[1].histogram.iter().sum::<u64>(), 0);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_powers_of_two(ms: u64) {
            let i = bucket(ms);
            prop_assert!(i == 0 || ms >= 1 << (i - 1));
            prop_assert!(i == MINUTE_BUCKETS - 1 || ms < 1 << i);
        }
    }
}
