//! What others may do to schedules: look at them, put, remove and run them.

use std::sync::Arc;

use thiserror::Error;

use crate::elsewhere::Elsewhere;
use crate::job::draft::{Refused, Rules};
use crate::job::{Job, JobId, Timestamp};
use crate::queue::{
    AHEAD_MAX, Accepted, Change, Claim, ENTRIES_MAX, Engine, Entry, Fired, Put, QueueError, Turn,
};
use crate::schedule::{Definition, Kept, Overlap, Source};
use crate::terms::Present;

use super::rounds::refusal;

/// How often an entry that others change at the same time is tried again.
const TRIES_MAX: usize = 5;

/// The schedules, as they stand in the calendar.
pub struct Book<'a> {
    /// Where the calendar is kept.
    pub queue: &'a dyn Engine,
    /// The terms on which this daemon looks at it.
    pub present: &'a Present,
    /// What other daemons say of themselves.
    pub elsewhere: &'a Elsewhere,
}

/// A schedule as it stands.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The entry.
    pub entry: Entry,
    /// What it does and when, and where it comes from.
    pub kept: Kept,
    /// Whether it comes from a file that no live daemon has any more: it is kept, and does not fire.
    pub is_orphan: bool,
}

impl Shown {
    /// Whether it fires at its ticks.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.entry.enabled && !self.is_orphan
    }

    /// Its next tick that has yet to come; `None` when there is none, or it is not enabled.
    #[must_use]
    pub fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        let done = self.entry.done;
        let after = if done > now + AHEAD_MAX {
            now
        } else {
            done.max(now)
        };
        let rule = &self.kept.definition.rule;
        let next = rule.next_after(after, self.entry.created_at);
        next.filter(|_| self.is_enabled())
    }
}

/// Why something cannot be done to a schedule.
#[derive(Debug, Error)]
pub enum BookError {
    /// There is no such schedule.
    #[error("there is no such schedule")]
    NotThere,
    /// It belongs to a file.
    #[error("it belongs to the configuration file ([[schedule]]); change it there and reload")]
    OfFile,
    /// Its last job lives, and no other may run beside it.
    #[error("its job {0} is still live, and it must not overlap (overlap is skip)")]
    StillLive(JobId),
    /// Its job is refused now.
    #[error("its job is refused at present: {0}")]
    JobRefused(String),
    /// There are as many as can be.
    #[error("there are {ENTRIES_MAX} schedules, which is the most")]
    TooMany,
    /// Others change it at the same time.
    #[error("others are changing it at the same time; try again")]
    Busy,
    /// What the calendar keeps of it cannot be read.
    #[error("what is kept of it cannot be read: {0}")]
    Unreadable(String),
    /// The queue did not do it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The job may have been enqueued.
    #[error("the queue did not answer whether job {0} was enqueued: {1}")]
    Unknown(JobId, QueueError),
}

impl Book<'_> {
    /// All schedules, by name, but for those that cannot be read.
    ///
    /// # Errors
    ///
    /// [`BookError::Queue`].
    pub fn all(&self) -> Result<Vec<Shown>, BookError> {
        let mut all = Vec::new();
        for entry in self.queue.entries()? {
            let name = entry.name.clone();
            match self.show(entry) {
                Ok(shown) => all.push(shown),
                Err(BookError::Unreadable(reason)) => {
                    log::error!("schedule {name} is left out of the list: {reason}");
                }
                Err(err) => return Err(err),
            }
        }
        Ok(all)
    }

    /// One schedule.
    ///
    /// # Errors
    ///
    /// [`BookError::NotThere`], [`BookError::Unreadable`], [`BookError::Queue`].
    pub fn get(&self, name: &str) -> Result<Shown, BookError> {
        let entry = self.queue.entry(name)?.ok_or(BookError::NotThere)?;
        self.show(entry)
    }

    /// Adds a schedule or changes one; tells whether it is new. One of a file can only be enabled or not.
    ///
    /// # Errors
    ///
    /// [`BookError::OfFile`], [`BookError::TooMany`], [`BookError::Busy`], [`BookError::Queue`].
    pub fn put(&self, name: &str, definition: &Definition) -> Result<bool, BookError> {
        let kept = Kept {
            source: Source::Api,
            definition: definition.clone(),
        };
        let text = kept.to_text();
        for _ in 0..TRIES_MAX {
            let old = match self.get(name) {
                Ok(old) => Some(old),
                Err(BookError::NotThere) => None,
                // Whatever it was, it is replaced.
                Err(BookError::Unreadable(_)) => None,
                Err(err) => return Err(err),
            };
            let belongs_to_file = old.as_ref().is_some_and(Shown::belongs_to_file);
            let change = match &old {
                Some(old) if belongs_to_file => {
                    if !old.kept.definition.does_like(definition) {
                        return Err(BookError::OfFile);
                    }
                    old.switch(definition.enabled)
                }
                Some(old) => Change {
                    definition: &text,
                    afresh: !old.kept.definition.fires_like(definition)
                        || (definition.enabled && !old.is_enabled()),
                    ..old.switch(definition.enabled)
                },
                None => Change {
                    revision: self.queue.entry(name)?.map(|entry| entry.revision),
                    definition: &text,
                    enabled: definition.enabled,
                    afresh: true,
                },
            };
            let is_new = change.revision.is_none();
            match self.queue.put(name, &change)? {
                Put::Done => return Ok(is_new),
                Put::TooMany => return Err(BookError::TooMany),
                Put::Conflict => {}
            }
        }
        Err(BookError::Busy)
    }

    /// Enables a schedule or disables it, and leaves the rest as it is.
    ///
    /// # Errors
    ///
    /// [`BookError::NotThere`], [`BookError::Busy`], [`BookError::Queue`].
    pub fn enable(&self, name: &str, enabled: bool) -> Result<(), BookError> {
        for _ in 0..TRIES_MAX {
            let old = self.get(name)?;
            if self.queue.put(name, &old.switch(enabled))? == Put::Done {
                return Ok(());
            }
        }
        Err(BookError::Busy)
    }

    /// Removes a schedule.
    ///
    /// # Errors
    ///
    /// [`BookError::NotThere`], [`BookError::OfFile`], [`BookError::Busy`], [`BookError::Queue`].
    pub fn remove(&self, name: &str) -> Result<(), BookError> {
        for _ in 0..TRIES_MAX {
            let entry = self.queue.entry(name)?.ok_or(BookError::NotThere)?;
            let revision = entry.revision;
            match self.show(entry) {
                Ok(shown) if shown.belongs_to_file() => return Err(BookError::OfFile),
                // One that cannot be read can still be removed.
                Ok(_) | Err(BookError::Unreadable(_)) => {}
                Err(err) => return Err(err),
            }
            if self.queue.remove(name, revision)? {
                return Ok(());
            }
        }
        Err(BookError::Busy)
    }

    /// Runs a schedule out of turn, be it enabled or not; its ticks are as before. Answers with the job as it was asked for
    /// and what became of it.
    ///
    /// # Errors
    ///
    /// [`BookError::NotThere`], [`BookError::StillLive`], [`BookError::JobRefused`], [`BookError::Busy`],
    /// [`BookError::Queue`] (nothing was enqueued), [`BookError::Unknown`].
    pub fn run(&self, name: &str) -> Result<(Arc<Job>, Accepted), BookError> {
        for _ in 0..TRIES_MAX {
            let shown = self.get(name)?;
            let job = Arc::new(self.job(&shown.kept.definition)?);
            let claim = Claim {
                name,
                revision: shown.entry.revision,
                tick: None,
                turn: Turn::Job {
                    job: Arc::clone(&job),
                    alone: shown.kept.definition.overlap == Overlap::Skip,
                },
            };
            // A repeat of the very same claim enqueues nothing twice.
            let fired = match self.queue.fire(&claim) {
                Err(QueueError::Unavailable { .. }) => self
                    .queue
                    .fire(&claim)
                    .map_err(|err| BookError::Unknown(job.id, err))?,
                answer => answer?,
            };
            match fired {
                Fired::Enqueued(accepted) => return Ok((job, accepted)),
                Fired::StillLive(id) => return Err(BookError::StillLive(id)),
                Fired::Changed | Fired::Early | Fired::Taken(_) | Fired::Passed => {}
            }
        }
        Err(BookError::Busy)
    }

    fn job(&self, definition: &Definition) -> Result<Job, BookError> {
        let rules = Rules {
            payload_max: self.present.config.payload_max,
            max_retries: self.present.config.max_retries,
            types: &self.elsewhere.beside(self.present),
            now: self.queue.now(),
        };
        let mut wrongs = Vec::new();
        match definition.draft(&rules, &mut wrongs) {
            Ok(Some(draft)) => Ok(draft.into_job(JobId::mint(rules.now, fastrand::u64(..)))),
            Ok(None) => Err(BookError::JobRefused(refusal(&wrongs))),
            Err(Refused::NotJson(reason)) => Err(BookError::JobRefused(reason)),
            Err(Refused::Away(cause)) => Err(QueueError::unavailable("nodes", cause).into()),
        }
    }

    fn show(&self, entry: Entry) -> Result<Shown, BookError> {
        let kept = Kept::of_text(&entry.definition).map_err(BookError::Unreadable)?;
        let is_orphan = kept.source == Source::File
            && !self.elsewhere.is_in_a_file(&entry.name, self.present)?;
        Ok(Shown {
            entry,
            kept,
            is_orphan,
        })
    }
}

impl Shown {
    /// Whether only a file may change it.
    fn belongs_to_file(&self) -> bool {
        self.kept.source == Source::File && !self.is_orphan
    }

    /// The change that does no more than enable it or not. Ticks of the time when it did not fire are forgotten.
    fn switch(&self, enabled: bool) -> Change<'_> {
        Change {
            revision: Some(self.entry.revision),
            definition: &self.entry.definition,
            enabled,
            afresh: enabled && !self.entry.enabled,
        }
    }
}
