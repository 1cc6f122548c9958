//! Ended jobs, newest id first: those that storage has, and those that have yet to get there.
//!
//! The outbox is looked at before storage, which commits before the queue forgets: whatever had ended before the look is
//! in one of them, or in both. Pages go by id, so whoever reads them all gets each job once.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use super::Page;
use super::budget::{Budget, LOOKED_MAX, Stop};
use super::cursor::Cursor;
use super::query::Query;
use crate::api::Services;
use crate::api::problem::ApiError;
use crate::health::Part;
use crate::job::{Found, JobId, Summary};
use crate::queue::{Line, Place};
use crate::storage::{Filter, Page as Stored};

/// One page, from below `after`.
pub fn page(services: &Services, query: &Query, after: Option<JobId>) -> Result<Page, ApiError> {
    let (filter, limit) = (&query.filter, query.limit);
    let storage = services.storage.as_deref();
    if let Some(storage) = storage.filter(|_| services.health.is_missing(Part::Storage)) {
        // The outbox may be long by now; it is of no use while storage is away.
        storage.page(filter, after, 1)?;
    }
    let waiting = waiting(services, filter, after, limit)?;
    let stored = match storage {
        Some(storage) => storage.page(filter, after, limit)?,
        None => Stored {
            jobs: Vec::new(),
            next: None,
        },
    };
    Ok(merge(waiting, stored, limit))
}

/// What the outbox has, as storage would answer it.
fn waiting(
    services: &Services,
    filter: &Filter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Stored, ApiError> {
    let all = Filter {
        since: filter.since,
        until: filter.until,
        ..Filter::default()
    };
    let until = filter.until.map(|until| JobId::mint(until, 0));
    let below = match (after, until) {
        (Some(after), Some(until)) => Some(after.min(until)),
        (after, until) => after.or(until),
    };
    let want = if *filter == all {
        limit + 1
    } else {
        LOOKED_MAX
    };
    let place = below.map(|id| Place { at: 0, id, n: 0 });
    let listed = services.queue.list(Line::Ended, place, want)?;
    let since = filter.since.map(|since| JobId::mint(since, 0));
    let mut ids: Vec<JobId> = listed.places.iter().map(|place| place.id).collect();
    let young = ids.partition_point(|id| since.is_none_or(|since| *id >= since));
    let whole = young < ids.len() || listed.next.is_none();
    ids.truncate(young);

    let mut jobs: Vec<Summary> = Vec::new();
    let stop = Budget::new().read(services.queue.as_ref(), &ids, |_, found| {
        // One that is not there any more has got to storage meanwhile.
        if let Some(found @ Found::Ended(_)) = found {
            let job = Summary::of(&found);
            if filter.matches(&job) {
                jobs.push(job);
            }
        }
        if jobs.len() > limit {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let next = match stop {
        Some(Stop::Seen) => {
            jobs.truncate(limit);
            jobs.last().map(|job| job.id)
        }
        Some(Stop::Spent(at)) => ids.get(at).copied(),
        None if whole => None,
        None => ids.last().copied(),
    };
    Ok(Stored { jobs, next })
}

/// One page of two: as far down as both of them reach.
fn merge(waiting: Stored, stored: Stored, limit: usize) -> Page {
    let floor = waiting.next.max(stored.next);
    let mut jobs = stored.jobs;
    jobs.extend(waiting.jobs);
    jobs.retain(|job| floor.is_none_or(|floor| job.id >= floor));
    jobs.sort_by_key(|job| Reverse(job.id));
    jobs.dedup_by_key(|job| job.id);
    let next = if jobs.len() > limit {
        jobs.truncate(limit);
        jobs.last().map(|job| job.id)
    } else {
        floor
    };
    Page {
        partial: next.is_some() && jobs.len() < limit,
        next: next.map(Cursor::Ended),
        jobs,
    }
}
