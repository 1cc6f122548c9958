//! Schedules as the API shows them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::view::Instant;
use crate::job::{JobId, Timestamp};
use crate::queue::Passed;
use crate::schedule::Source;
use crate::scheduler::book::Shown;

/// A schedule as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
pub struct ScheduleView<'a> {
    /// Its name.
    name: &'a str,
    /// When it fires.
    cron: &'a str,
    /// Whose clocks that reads.
    time_zone: &'static str,
    /// The job that each tick brings, as it would be submitted.
    #[schemars(with = "crate::api::submit::NewJob")]
    job: &'a RawValue,
    /// What becomes of ticks that nobody was there for: none, last or all of them bring their job.
    catch_up: &'static str,
    /// Whether its job may run beside the last one: allow, or skip the tick.
    overlap: &'static str,
    /// Whether it fires.
    enabled: bool,
    /// Where it comes from.
    source: Source,
    /// Whether it comes from a file that no daemon has any more: it is kept, and does not fire.
    orphaned: bool,
    /// When it was made.
    created_at: Instant,
    /// Its next tick.
    next_at: Option<Instant>,
    /// The last tick that brought a job, or when it last ran out of turn, if that is later.
    last_at: Option<Instant>,
    /// The job of that time.
    last_job: Option<JobId>,
    /// The last tick that brought no job, and why.
    last_skip: Option<Skip<'a>>,
}

/// A tick that brought no job.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduleSkip")]
struct Skip<'a> {
    /// The tick.
    at: Instant,
    /// Why.
    reason: &'a str,
}

/// Schedules, by name.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Schedules")]
pub struct ScheduleViews<'a> {
    /// The schedules.
    pub schedules: Vec<ScheduleView<'a>>,
}

impl<'a> ScheduleView<'a> {
    /// A schedule as it stands now.
    #[must_use]
    pub fn of(shown: &'a Shown, now: Timestamp) -> Self {
        let (entry, definition) = (&shown.entry, &shown.kept.definition);
        let skip = |passed: &'a Passed| Skip {
            at: Instant(passed.tick),
            reason: &passed.why,
        };
        Self {
            name: &entry.name,
            cron: definition.rule.cron.as_str(),
            time_zone: definition.rule.zone.name(),
            job: &definition.job,
            catch_up: definition.catch_up.as_str(),
            overlap: definition.overlap.as_str(),
            enabled: shown.is_enabled(),
            source: shown.kept.source,
            orphaned: shown.is_orphan,
            created_at: Instant(entry.created_at),
            next_at: shown.next_at(now).map(Instant),
            last_at: entry.last_at.map(Instant),
            last_job: entry.last_job,
            last_skip: entry.passed.as_ref().map(skip),
        }
    }
}
