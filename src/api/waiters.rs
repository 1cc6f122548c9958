//! Parked `?wait` requests and what wakes them: the end of their job, or of their patience.
//!
//! A parked request holds no thread. Jobs that this daemon settles wake theirs at once ([`Waiters::ended`]); the others
//! are found by one look for all of them every 100 ms.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::Services;
use super::answer::Answer;
use super::exchange::Exchange;
use super::problem::ApiError;
use super::read::{Looked, look, shown};
use crate::job::{JobId, State};

/// How often all parked jobs are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a parked request is answered with when its patience is over.
#[derive(Debug)]
pub enum Else {
    /// With the job as it stands then.
    AsItIs,
    /// With what it would have been answered without waiting.
    With(Answer),
}

/// A parked request.
pub struct Waiting {
    id: JobId,
    until: Instant,
    /// Called once, the job having ended or the patience being over.
    answer: Box<dyn FnOnce(Looked) + Send>,
}

impl Waiting {
    /// A request that waits for the end of `id`, at most for `wait`.
    #[must_use]
    pub fn new(exchange: Exchange, id: JobId, wait: Duration, or_else: Else, place: Place) -> Self {
        let answer = move |looked| {
            let answer = match (looked, or_else) {
                (Looked::Found(found), Else::With(answer)) if !found.state().is_ended() => {
                    Ok(answer)
                }
                (Looked::Found(found), _) => Ok(shown(200, &found)),
                (_, Else::With(answer)) => Ok(answer),
                (looked, Else::AsItIs) => looked.found(id).map(|found| shown(200, &found)),
            };
            // Free before the client can ask again.
            drop(place);
            match answer {
                Ok(answer) => exchange.answer(answer),
                Err(error) => exchange.refuse(&error),
            }
        };
        Self {
            id,
            until: Instant::now() + wait,
            answer: Box::new(answer),
        }
    }

    /// A thread of this program that waits, at most a year, and where it is told. It costs nobody a place.
    #[must_use]
    pub fn of_program(id: JobId, wait: Duration) -> (Self, Receiver<Looked>) {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let (tell, told) = bounded(1);
        let answer = move |looked| {
            // Who waits holds the other end.
            tell.send(looked).ok();
        };
        let waiting = Self {
            id,
            until: Instant::now() + wait.min(YEAR),
            answer: Box::new(answer),
        };
        (waiting, told)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} until {:?}", self.id, self.until)
    }
}

/// The parked requests. Clones are the same.
#[derive(Debug, Clone)]
pub struct Waiters(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    board: Mutex<Board>,
    wake: Condvar,
    places: AtomicUsize,
    places_max: usize,
    /// Whether anybody is parked: so that `ended`, which every settled job calls, need not lock to find nobody.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Board {
    parked: HashMap<JobId, Vec<Waiting>>,
    /// Parked since the last look: their job may have ended just before.
    fresh: Vec<JobId>,
    /// Jobs that ended here.
    ended: Vec<JobId>,
    stopping: bool,
}

/// The right to park one request; given back when it is dropped.
#[derive(Debug)]
pub struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Waiters {
    /// Nobody is parked yet; at most `max` (WAITMAX) ever are.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            board: Mutex::default(),
            wake: Condvar::new(),
            places: AtomicUsize::new(0),
            places_max: max,
            any: AtomicBool::new(false),
        }))
    }

    /// Wakes those who wait for these jobs; their states are what they ended in. Called by whoever settles jobs in this
    /// daemon. Costs nothing while nobody waits.
    pub fn ended(&self, jobs: &[(JobId, State)]) {
        if !self.0.any.load(Ordering::Acquire) {
            return;
        }
        let mut board = self.board();
        for (id, _) in jobs {
            if board.parked.contains_key(id) {
                board.ended.push(*id);
            }
        }
        if !board.ended.is_empty() {
            self.0.wake.notify_all();
        }
    }

    /// How many requests wait at present.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.places.load(Ordering::Acquire)
    }

    /// Takes a place to park at.
    ///
    /// # Errors
    ///
    /// 429 when all WAITMAX places are taken.
    pub(super) fn take_place(&self) -> Result<Place, ApiError> {
        let before = self.0.places.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.0));
        if before >= self.0.places_max {
            return Err(ApiError::TooMany(format!(
                "{} requests wait already (WAITMAX); ask without `wait`, or later",
                self.0.places_max
            )));
        }
        Ok(place)
    }

    /// Parks a request until its job ends or its patience does.
    pub(super) fn park(&self, waiting: Waiting) {
        let mut board = self.board();
        if board.stopping {
            drop(board);
            return (waiting.answer)(Looked::QueueAway("the daemon is stopping".to_owned()));
        }
        self.0.any.store(true, Ordering::Release);
        board.fresh.push(waiting.id);
        board.parked.entry(waiting.id).or_default().push(waiting);
        self.0.wake.notify_all();
    }

    /// Has every parked request answered as it stands, and ends [`Waiters::run`].
    pub(super) fn stop(&self) {
        self.board().stopping = true;
        self.0.wake.notify_all();
    }

    /// Answers parked requests until [`Waiters::stop`].
    pub(super) fn run(&self, services: &Services) {
        let mut next_look = Instant::now() + LOOK_EVERY;
        loop {
            let (ids, all, stopping) = self.wait_for_work(next_look);
            let looked = look(services, &ids);
            let now = Instant::now();
            for (id, looked) in ids.into_iter().zip(looked) {
                self.answer(id, looked, now, stopping);
            }
            if stopping {
                return;
            }
            if all {
                next_look = Instant::now() + LOOK_EVERY;
            }
        }
    }

    /// Waits until there is somebody to look for; tells for whom, whether that is everybody, and whether to stop.
    fn wait_for_work(&self, next_look: Instant) -> (Vec<JobId>, bool, bool) {
        let mut board = self.board();
        loop {
            let due = !board.parked.is_empty() && Instant::now() >= next_look;
            if board.stopping || due {
                board.fresh.clear();
                board.ended.clear();
                let ids = board.parked.keys().copied().collect();
                return (ids, true, board.stopping);
            }
            if !board.fresh.is_empty() || !board.ended.is_empty() {
                let mut ids = mem::take(&mut board.fresh);
                ids.append(&mut board.ended);
                ids.sort_unstable();
                ids.dedup();
                return (ids, false, false);
            }
            let timeout = match board.parked.is_empty() {
                true => Duration::from_secs(60),
                false => next_look.saturating_duration_since(Instant::now()),
            };
            board = self
                .0
                .wake
                .wait_timeout(board, timeout)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Answers those who wait for `id` if it has ended, and those among them whose patience is over in any case.
    fn answer(&self, id: JobId, looked: Looked, now: Instant, stopping: bool) {
        let has_ended = matches!(&looked, Looked::Found(found) if found.state().is_ended());
        let mut board = self.board();
        let Some(all) = board.parked.remove(&id) else {
            return;
        };
        let (mut done, mut stay) = (Vec::new(), Vec::new());
        for waiting in all {
            if has_ended || stopping || waiting.until <= now {
                done.push(waiting);
            } else {
                stay.push(waiting);
            }
        }
        if !stay.is_empty() {
            board.parked.insert(id, stay);
        } else if board.parked.is_empty() {
            self.0.any.store(false, Ordering::Release);
        }
        drop(board);
        let Some(last) = done.pop() else {
            return;
        };
        for waiting in done {
            (waiting.answer)(again(&looked));
        }
        (last.answer)(looked);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same finding for another who waits for the same job.
fn again(looked: &Looked) -> Looked {
    match looked {
        Looked::Found(found) => Looked::Found(found.clone()),
        Looked::Nowhere => Looked::Nowhere,
        Looked::QueueAway(cause) => Looked::QueueAway(cause.clone()),
        Looked::StorageAway(cause) => Looked::StorageAway(cause.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_places_and_no_more() {
        let waiters = Waiters::new(2);
        let first = waiters.take_place().expect("a place");
        let _second = waiters.take_place().expect("a place");
        assert!(matches!(waiters.take_place(), Err(ApiError::TooMany(_))));
        drop(first);
        assert!(waiters.take_place().is_ok());
    }
}
