//! The rounds of the scheduler: look at the calendar, have the ticks that have come, wait for the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::elsewhere::Elsewhere;
use crate::job::draft::{Refused, Rules, Wrongs};
use crate::job::{JobId, Timestamp};
use crate::queue::{AHEAD_MAX, Accepted, Claim, Engine, Entry, Fired, QueueError, Turn};
use crate::schedule::{Definition, Due, Kept, LATE_MAX, Overlap, Passing, Source, Watch, due};
use crate::terms::{Present, Terms};
use crate::threads::Stop;

use super::sync::sync;

/// The shortest wait for a tick, so that a clock that is a little off costs no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// How far the engine's clock must go back before what was computed is computed anew.
const BACK_MIN: Duration = Duration::from_secs(1);

/// The state of the thread.
pub(super) struct Rounds {
    queue: Arc<dyn Engine>,
    terms: Terms,
    elsewhere: Elsewhere,
    period: Duration,
    stop: Stop,
    /// The entries that this daemon fires.
    known: Vec<Known>,
    /// The version of the calendar in which they stand so.
    version: Option<u64>,
    /// The terms whose file the calendar agrees with.
    synced: Option<Arc<Present>>,
    /// Since when this daemon watches without a break, and when it last did.
    since: Timestamp,
    seen: Option<Timestamp>,
    /// Whether the last round failed, which has been said.
    failed: bool,
}

/// An entry that this daemon fires.
struct Known {
    entry: Entry,
    definition: Definition,
    /// Its first tick that has not been dealt with.
    next: Option<Timestamp>,
}

impl Known {
    /// Finds the first tick that has not been dealt with, at the time `now`.
    ///
    /// After a clock that was set back far, the entry was dealt with up to a future that may never come. Then it begins anew
    /// now, as the engine lets it.
    fn look_ahead(&mut self, now: Timestamp) {
        if self.entry.done > now + AHEAD_MAX {
            self.entry.done = now;
        }
        let rule = &self.definition.rule;
        self.next = rule.next_after(self.entry.done, self.entry.created_at);
    }
}

impl Rounds {
    pub fn new(
        queue: Arc<dyn Engine>,
        terms: Terms,
        elsewhere: Elsewhere,
        period: Duration,
        stop: Stop,
    ) -> Self {
        Self {
            queue,
            terms,
            elsewhere,
            period,
            stop,
            known: Vec::new(),
            version: None,
            synced: None,
            since: Timestamp::default(),
            seen: None,
            failed: false,
        }
    }

    pub fn run(mut self) {
        // Nothing is written to a queue that may not be one that we know.
        while let Err(err) = self.queue.check() {
            self.complain(&err);
            if self.stop.wait(self.period) {
                return;
            }
        }
        loop {
            let wait = match self.round() {
                Ok(wait) => {
                    self.failed = false;
                    wait
                }
                Err(err) => {
                    self.complain(&err);
                    self.period
                }
            };
            if self.stop.wait(wait) {
                return;
            }
        }
    }

    /// One round; tells how long to wait before the next.
    fn round(&mut self) -> Result<Duration, QueueError> {
        self.read()?;
        let begun = Instant::now();
        let now = self.queue.now();
        self.mind_the_clock(now);
        for i in 0..self.known.len() {
            if self.known[i].next.is_some_and(|next| next <= now) {
                self.deal_with(i, now)?;
            }
        }
        // A clock that was set forward during this round must still be noticed by the next: nobody watched what it left out.
        let watched = now + begun.elapsed();
        let now = self.queue.now();
        self.seen = Some(now.min(watched));
        let next = self.known.iter().filter_map(|known| known.next).min();
        let wait = next.map_or(self.period, |next| next.since(now));
        Ok(wait.clamp(WAIT_MIN, self.period))
    }

    /// Brings the calendar into line with the file, and reads what has changed.
    fn read(&mut self) -> Result<(), QueueError> {
        let present = self.terms.present();
        let is_synced = self
            .synced
            .as_ref()
            .is_some_and(|p| Arc::ptr_eq(p, &present));
        let version = self.queue.version()?;
        if is_synced && self.version == Some(version) {
            return Ok(());
        }
        if !is_synced {
            sync(&*self.queue, &present, &self.elsewhere)?;
        }
        // No tick up to here has yet to be found.
        let now = self.queue.now();
        let looked = self.seen.map_or(now, |seen| seen.min(now));
        let ours = |name: &str| present.config.schedules.iter().any(|own| own.name == name);
        self.known.clear();
        for entry in self.queue.entries()? {
            let definition = match Kept::of_text(&entry.definition) {
                Ok(kept) if kept.source == Source::Api || ours(&entry.name) => kept.definition,
                Ok(_) => continue,
                Err(reason) => {
                    log::error!("schedule {} does not fire here: {reason}", entry.name);
                    continue;
                }
            };
            if entry.enabled {
                let mut known = Known {
                    entry,
                    definition,
                    next: None,
                };
                known.look_ahead(looked);
                self.known.push(known);
            }
        }
        // What changed since is found in the next round.
        self.version = Some(version);
        self.synced = Some(present);
        Ok(())
    }

    /// Notices when nobody was here, and when the engine's clock was set.
    fn mind_the_clock(&mut self, now: Timestamp) {
        match self.seen {
            Some(seen) if now.since(seen) <= LATE_MAX => {
                self.since = self.since.min(now);
                if seen.since(now) > BACK_MIN {
                    self.known
                        .iter_mut()
                        .for_each(|known| known.look_ahead(now));
                }
            }
            // A start, a stalled process, an engine that was away, a clock set forward: the ticks of that time were missed.
            Some(_) | None => self.since = now,
        }
        self.seen = Some(now);
    }

    /// Deals with the ticks of an entry that have come.
    fn deal_with(&mut self, i: usize, now: Timestamp) -> Result<(), QueueError> {
        let present = self.terms.present();
        let mut due = self.due(i, now, &present);
        if due.passing.is_some() {
            // Before ticks are given up, what others have had of them is looked up.
            if !self.refresh(i, now)? {
                return Ok(());
            }
            due = self.due(i, now, &present);
        }
        if let Some(passing) = &due.passing {
            self.let_pass(i, passing)?;
        }
        for tick in due.ticks {
            if self.stop.is_stopped() || self.version.is_none() {
                return Ok(());
            }
            // Others may have come farther meanwhile.
            if tick > self.known[i].entry.done {
                self.have(i, tick, &present)?;
            }
        }
        self.known[i].look_ahead(now);
        Ok(())
    }

    fn due(&self, i: usize, now: Timestamp, present: &Present) -> Due {
        let known = &self.known[i];
        let watch = Watch {
            created_at: known.entry.created_at,
            done: known.entry.done,
            since: self.since,
            now,
        };
        let definition = &known.definition;
        let max = present.config.catch_up_max;
        due(&definition.rule, watch, definition.catch_up, max)
    }

    /// Reads an entry again; tells whether it is the same still.
    fn refresh(&mut self, i: usize, now: Timestamp) -> Result<bool, QueueError> {
        let known = &mut self.known[i].entry;
        match self.queue.entry(&known.name)? {
            Some(entry) if entry.revision == known.revision => {
                if entry.done <= now + AHEAD_MAX {
                    known.done = entry.done;
                }
                Ok(true)
            }
            _ => {
                self.version = None;
                Ok(false)
            }
        }
    }

    /// Has one tick: its job is enqueued, unless that is refused, or must not be because of the last one.
    fn have(&mut self, i: usize, tick: Timestamp, present: &Present) -> Result<(), QueueError> {
        let Known {
            entry, definition, ..
        } = &self.known[i];
        let name = entry.name.clone();
        let mut wrongs = Vec::new();
        let rules = Rules {
            payload_max: present.config.payload_max,
            max_retries: present.config.max_retries,
            types: &self.elsewhere.beside(present),
            now: self.queue.now(),
        };
        let job = match definition.draft(&rules, &mut wrongs) {
            Ok(Some(draft)) => Ok(draft.into_job(JobId::mint(rules.now, fastrand::u64(..)))),
            Ok(None) => Err(refusal(&wrongs)),
            Err(Refused::NotJson(reason)) => Err(reason),
            Err(Refused::Away(cause)) => return Err(QueueError::unavailable("fire", cause)),
        };
        let why = job
            .as_ref()
            .err()
            .map(|reason| format!("the job was refused: {reason}"));
        let turn = match (job, &why) {
            (Ok(job), _) => Turn::Job {
                job: Arc::new(job),
                alone: definition.overlap == Overlap::Skip,
            },
            (Err(_), why) => Turn::Pass(why.as_deref().unwrap_or_default()),
        };
        match self.claim(i, tick, turn)? {
            Fired::Enqueued(Accepted::New(id, _)) => {
                log::debug!(
                    "schedule {name}: the tick of {} brought job {id}",
                    tick.to_rfc3339()
                );
            }
            Fired::Enqueued(Accepted::Existing(id)) => log::info!(
                "schedule {name}: the tick of {} met job {id}, which holds its unique key",
                tick.to_rfc3339()
            ),
            Fired::StillLive(id) => log::info!(
                "schedule {name}: the tick of {} passes, since job {id} is still live",
                tick.to_rfc3339()
            ),
            Fired::Passed => log::error!(
                "schedule {name}: the tick of {} passes: {}",
                tick.to_rfc3339(),
                why.unwrap_or_default()
            ),
            Fired::Taken(_) | Fired::Early | Fired::Changed => {}
        }
        Ok(())
    }

    /// Lets missed ticks pass.
    fn let_pass(&mut self, i: usize, passing: &Passing) -> Result<(), QueueError> {
        let known = &self.known[i];
        let count = passing
            .count
            .map_or_else(|| "very many".to_owned(), |count| count.to_string());
        let why = format!(
            "missed, as were {count} ticks from {} on (catch_up is {})",
            passing.first.to_rfc3339(),
            known.definition.catch_up
        );
        let name = known.entry.name.clone();
        if self.claim(i, passing.last, Turn::Pass(&why))? == Fired::Passed {
            log::warn!(
                "schedule {name}: {count} ticks were missed from {} to {} and pass",
                passing.first.to_rfc3339(),
                passing.last.to_rfc3339()
            );
        }
        Ok(())
    }

    fn claim(&mut self, i: usize, tick: Timestamp, turn: Turn<'_>) -> Result<Fired, QueueError> {
        let entry = &mut self.known[i].entry;
        let fired = self.queue.fire(&Claim {
            name: &entry.name,
            revision: entry.revision,
            tick: Some(tick),
            turn,
        })?;
        match fired {
            Fired::Enqueued(_) | Fired::StillLive(_) | Fired::Passed => entry.done = tick,
            Fired::Taken(done) => entry.done = done,
            // The engine's clock is known exactly now, and the tick is waited for.
            Fired::Early => {}
            Fired::Changed => self.version = None,
        }
        Ok(fired)
    }

    fn complain(&mut self, err: &QueueError) {
        match err {
            // The poller says it loudly.
            QueueError::Unavailable { .. } | QueueError::Unfit { .. } => {
                log::debug!("the scheduler cannot reach the queue: {err}");
            }
            QueueError::Full { .. } | QueueError::Broken { .. } => {
                if !self.failed {
                    log::error!("the jobs of schedules cannot be enqueued at present: {err}");
                }
            }
        }
        self.failed = true;
    }
}

/// What is wrong with a job, in a line.
pub(super) fn refusal(wrongs: &Wrongs) -> String {
    let each = wrongs
        .iter()
        .map(|(_, wrong)| format!("{}: {}", wrong.pointer, wrong.detail));
    each.collect::<Vec<_>>().join("; ")
}
