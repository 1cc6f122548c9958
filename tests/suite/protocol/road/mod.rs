//! The road of two jobs, as a model: an engine, a storage, a submitter, two workers, two recorders, and a network that
//! loses requests and replies and brings some late.
//!
//! ```text
//!   submitter ──enqueue──▶ engine ◀──reserve, renew, settle, release, take_over── worker ×2
//!                            │ ◀──collect, stored── recorder ×2 ──store──▶ storage
//! ```
//!
//! Time is not counted: whatever needs time to pass may happen at any moment. A caller whose call is not answered yet
//! stands in that step; a lost request is one that has not arrived so far. A frozen worker is one whose lease ends.
//! Numbers of tickets and calls grow without end, but only their order matters: [`State::canonical`] renumbers them, and
//! gives workers and recorders their names by what they are about (so names change within a printed history).

mod actors;
mod canonical;
mod engine;
mod laws;
mod recorders;
mod workers;

use std::cell::Cell;

use windlass::job;

/// How many jobs there are.
pub const JOBS: usize = 2;

/// The rules of the protocol, each of which can be broken to see that the search notices.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// A ticket that goes back to its line gets a new number.
    pub release_raises_n: bool,
    /// The engine keeps the number of a poller's last reserve and what it granted.
    pub reserve_is_repeatable: bool,
    /// Any number of a reserve up to the last is a repeat, not only the last itself.
    pub old_reserves_are_repeats: bool,
    /// Any number of a batch up to the last is a repeat, not only the last itself.
    pub old_batches_are_repeats: bool,
    /// The engine keeps the number of a submitter's last batch; else it only looks whether the id is there.
    pub enqueue_is_numbered: bool,
    /// An Idempotency-Key is kept in the step that accepts its jobs.
    pub keys_are_kept: bool,
    /// Settling needs the exact ticket that is leased.
    pub settle_is_fenced: bool,
    /// A job that ends enters the outbox in that very step.
    pub outbox_in_one_step: bool,
    /// The recorder tells the engine to forget only what is in storage.
    pub store_before_acknowledge: bool,
    /// Storage keeps the first record of an id and drops any other.
    pub store_has_conflict_rule: bool,
    /// A claim on the outbox runs out.
    pub claims_run_out: bool,
    /// A unique key goes in the step that ends its job.
    pub unique_goes_with_end: bool,
    /// A unique key is kept as long as its job lives.
    pub unique_stays_till_end: bool,
    /// Reserve drops a ticket that is not its job's current one.
    pub stale_tickets_are_dropped: bool,
    /// Only what is due is moved to its line.
    pub due_is_awaited: bool,
    /// After the engine was away, every lease gets one more length.
    pub absence_has_grace: bool,
    /// A release counts nothing.
    pub release_is_free: bool,
    /// A successor takes over only leases that are older than itself.
    pub take_over_is_fenced: bool,
    /// What waits is counted when it enters and leaves, not by the length of the line.
    pub ready_is_counted: bool,
}

impl Rules {
    /// The rules as they are.
    pub const KEPT: Self = Self {
        release_raises_n: true,
        reserve_is_repeatable: true,
        old_reserves_are_repeats: true,
        old_batches_are_repeats: true,
        enqueue_is_numbered: true,
        keys_are_kept: true,
        settle_is_fenced: true,
        outbox_in_one_step: true,
        store_before_acknowledge: true,
        store_has_conflict_rule: true,
        claims_run_out: true,
        unique_goes_with_end: true,
        unique_stays_till_end: true,
        stale_tickets_are_dropped: true,
        due_is_awaited: true,
        absence_has_grace: true,
        release_is_free: true,
        take_over_is_fenced: true,
        ready_is_counted: true,
    };
}

/// What is there to be tried.
#[derive(Debug, Clone)]
pub struct Road {
    /// The rules that the engine, the workers and the recorders follow.
    pub rules: Rules,
    /// Both jobs have the same unique key.
    pub unique: bool,
    /// Both jobs come in one batch.
    pub together: bool,
    /// A submitter that died is followed by one that repeats the request with the same Idempotency-Key.
    pub keyed: bool,
    /// The second job is for later.
    pub scheduled: bool,
    /// Workers also give jobs back for later.
    pub give_back_later: bool,
    /// The second job must begin in time.
    pub expires: bool,
    /// A request may arrive long after its caller has repeated it and gone on.
    pub late: bool,
    /// The small bounds: failed attempts that are followed by another, and lost leases that quarantine.
    pub max_retries: u8,
    /// See `max_retries`.
    pub max_crashes: u8,
    /// The moves of the life cycle that the search has seen, as bits in the order of the table.
    pub moves: Cell<u32>,
}

impl Default for Road {
    /// Two plain jobs, one after the other, and every rule kept.
    fn default() -> Self {
        Self {
            rules: Rules::KEPT,
            unique: false,
            together: false,
            keyed: false,
            scheduled: false,
            give_back_later: false,
            expires: false,
            late: false,
            max_retries: 1,
            max_crashes: 2,
            moves: Cell::new(0),
        }
    }
}

/// Who holds a lease: a worker's process, or one of its former ones that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    pub worker: u8,
    pub gone: bool,
}

/// Whether a lease's time is over, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Time {
    Left,
    Over,
    OverWhileAway,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    pub holder: Holder,
    pub time: Time,
}

/// A job: what the engine holds of it, what storage holds, and what really happened to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// How the engine says it stands; `None`: it does not hold it.
    pub state: Option<job::State>,
    pub n: u8,
    pub failures: u8,
    pub crashes: u8,
    pub cancel: bool,
    /// The tickets of it that stand in the line, one bit a number.
    pub line: u8,
    /// Whether its ticket waits for its time, and whether that has come.
    pub later: bool,
    pub due: bool,
    pub overdue: bool,
    pub lease: Option<Lease>,
    /// Whether it is in the outbox, and whether somebody has claimed it.
    pub outbox: Option<bool>,
    /// Records in storage.
    pub rows: u8,
    /// What really happened: it was accepted, it ended so, this ticket was lent last, and this much was to be counted.
    pub created: bool,
    pub ended: Option<job::State>,
    pub lent: u8,
    pub failed: u8,
    pub lost: u8,
}

/// A ticket in somebody's hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pub job: u8,
    pub n: u8,
}

/// What a worker is about. Each of these but `Working` and `Dead` is a call that is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Reserving,
    Working(Ticket),
    Settling(Ticket, Answer),
    Releasing(Ticket, Back),
    Dead,
    TakingOver,
}

/// What a handler says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    Good,
    Bad,
}

/// Where a released job goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Back {
    ToItsLine,
    ForLater,
}

/// The numbers of a caller's calls: its present one, and the last that the engine knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Calls {
    pub number: u8,
    pub last: u8,
}

impl Calls {
    /// A caller that has not called yet. Not from 1: numbers that lie before the present one keep their distance.
    pub const FRESH: Self = Self { number: 3, last: 2 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Worker {
    pub step: Step,
    pub calls: Calls,
    /// What the engine remembers to have granted to its last reserve.
    pub granted: Option<Ticket>,
}

/// What a recorder is about; the jobs in its hand are bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorder {
    Collecting,
    Storing(u8),
    Acknowledging(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Submitter {
    /// Which batch it submits.
    pub batch: u8,
    pub calls: Calls,
}

/// A request that has not arrived yet although its caller has long given up waiting for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    Enqueue { batch: u8, number: u8, gone: bool },
    Reserve { who: Holder, number: u8 },
    Settle(Holder, Ticket, Answer),
    Release(Holder, Ticket, Back),
    TakeOver { who: Holder },
}

/// What the engine counts as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    pub ready: u8,
    pub running: u8,
    pub scheduled: u8,
    pub outbox: u8,
    pub ended: u8,
}

/// Everything at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub jobs: [Job; JOBS],
    pub workers: [Worker; 2],
    pub recorders: [Recorder; 2],
    pub submitter: Submitter,
    pub late: Option<Request>,
    pub unique: Option<u8>,
    pub counts: Counts,
    /// The engine was away and nobody has called since.
    pub hole: bool,
}

/// What can happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    ReplyLost,
    /// It will arrive later; the caller waits and repeats it meanwhile.
    Late,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Enqueue(Fate),
    SubmitterDies,
    /// A worker's reserve; the second is the job at the head of the lines, if any stands there.
    Reserve(u8, Option<u8>, Fate),
    /// Some daemon's reserve for nothing, which keeps the queue going.
    Heartbeat,
    Renew(u8),
    HandlerAnswers(u8, Answer),
    Settle(u8, Fate),
    GiveUp(u8, Back),
    Release(u8, Fate),
    WorkerDies(u8),
    WorkerStarts(u8),
    TakeOver(u8, Fate),
    LateRequestArrives(Option<u8>),
    LeaseEnds(u8),
    EngineWasAway,
    TimeComes(u8),
    TimeIsOver(u8),
    Cancel(u8),
    Collect(u8, Fate),
    Store(u8, Fate),
    Acknowledge(u8, Fate),
    RecorderDies(u8),
    ClaimEnds(u8),
}
