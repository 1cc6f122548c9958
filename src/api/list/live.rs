//! Live jobs in the order in which they will run: what runs, then each queue's line, then what waits for its time.
//!
//! State and queue choose the lines; all else is looked at job by job, as far as the budget of a page goes. Lines move
//! while they are read: a job that changes lines between two pages may be seen twice or not at all.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::Page;
use super::budget::{Budget, Stop};
use super::cursor::{Cursor, Stage};
use super::query::Query;
use crate::api::Services;
use crate::api::problem::ApiError;
use crate::job::{Found, JobId, State, Summary};
use crate::queue::{Place, QueueError, TICKETS_PER_CALL_MAX};
use crate::storage::Filter;

/// One page, from after `after`.
pub fn page(
    services: &Services,
    query: &Query,
    after: Option<&(Stage, Place)>,
) -> Result<Page, ApiError> {
    let mut walk = Walk {
        services,
        filter: &query.filter,
        limit: query.limit,
        budget: Budget::new(),
        found: Vec::new(),
        seen: HashSet::new(),
        spent: None,
    };
    for stage in stages(services, &query.filter)? {
        let place = match after {
            Some((begun, _)) if stage < *begun => continue,
            Some((begun, place)) if stage == *begun => Some(*place),
            _ => None,
        };
        if walk.along(&stage, place)?.is_break() {
            break;
        }
    }
    Ok(walk.page())
}

/// The lines in which such jobs can stand, in their order.
fn stages(services: &Services, filter: &Filter) -> Result<Vec<Stage>, QueueError> {
    let wanted = |states: &[State]| filter.state.is_none_or(|state| states.contains(&state));
    let mut stages = Vec::new();
    if wanted(&[State::Running]) {
        stages.push(Stage::Running);
    }
    if wanted(&[State::Queued]) {
        let names = match &filter.queue {
            Some(name) => vec![name.clone()],
            None => {
                let queues = services.queue.queues()?.into_iter();
                let waiting = queues.filter(|counts| counts.ready > 0);
                waiting.map(|counts| counts.queue).collect()
            }
        };
        for name in names {
            stages.push(Stage::Queued(name.clone(), false));
            stages.push(Stage::Queued(name, true));
        }
    }
    if wanted(&[State::Scheduled, State::Retrying]) {
        stages.push(Stage::Waiting);
    }
    Ok(stages)
}

/// A walk along the lines until a page is full or has cost enough.
struct Walk<'a> {
    services: &'a Services,
    filter: &'a Filter,
    limit: usize,
    budget: Budget,
    /// What matches, and where it stands; one more than the page holds says that there is a next page.
    found: Vec<(Summary, Stage, Place)>,
    seen: HashSet<JobId>,
    /// Where the budget was spent.
    spent: Option<(Stage, Place)>,
}

impl Walk<'_> {
    /// Walks along one line.
    fn along(
        &mut self,
        stage: &Stage,
        mut after: Option<Place>,
    ) -> Result<ControlFlow<()>, QueueError> {
        let (queue, state) = (self.filter.queue.as_deref(), self.filter.state);
        loop {
            let want = self.want();
            let listed = self
                .services
                .queue
                .list(stage.line(queue, state), after, want)?;
            if self.read(stage, &listed.places)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(next) = listed.next else {
                return Ok(ControlFlow::Continue(()));
            };
            if listed.places.len() < want {
                // So many were looked at in vain: they are of other queues, or gone.
                self.budget
                    .pass_over(TICKETS_PER_CALL_MAX - listed.places.len());
                if self.budget.is_spent() {
                    self.spent = Some((stage.clone(), next));
                    return Ok(ControlFlow::Break(()));
                }
            }
            after = Some(next);
        }
    }

    /// How many jobs to ask for: what is missing, where each is sure to match.
    fn want(&self) -> usize {
        let by_line = Filter {
            state: self.filter.state,
            queue: self.filter.queue.clone(),
            ..Filter::default()
        };
        if *self.filter == by_line {
            self.limit + 1 - self.found.len()
        } else {
            self.budget.left().min(TICKETS_PER_CALL_MAX)
        }
        .clamp(1, TICKETS_PER_CALL_MAX)
    }

    /// Reads what stands at these places, and keeps what matches.
    fn read(&mut self, stage: &Stage, places: &[Place]) -> Result<ControlFlow<()>, QueueError> {
        let ids: Vec<JobId> = places.iter().map(|place| place.id).collect();
        let Self {
            budget,
            found,
            seen,
            filter,
            limit,
            ..
        } = self;
        let stop = budget.read(self.services.queue.as_ref(), &ids, |at, job| {
            // One that has left the line meanwhile is shown as it stands, unless it has ended.
            if let Some(job @ Found::Live(_)) = job {
                let job = Summary::of(&job);
                if filter.matches(&job) && seen.insert(job.id) {
                    found.push((job, stage.clone(), places[at]));
                }
            }
            if found.len() > *limit {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if let Some(Stop::Spent(at)) = stop {
            self.spent = Some((stage.clone(), places[at]));
        }
        Ok(match stop {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    }

    fn page(mut self) -> Page {
        let full = self.found.len() > self.limit;
        self.found.truncate(self.limit);
        let last = self.found.last().filter(|_| full);
        let last = last.map(|(_, stage, place)| (stage.clone(), *place));
        Page {
            partial: !full && self.spent.is_some(),
            next: last
                .or(self.spent)
                .map(|(stage, place)| Cursor::Live(stage, place)),
            jobs: self.found.into_iter().map(|(job, ..)| job).collect(),
        }
    }
}
