//! The submitter takes all submissions that are waiting and enqueues them in one call: a commit is shared by many, and
//! nobody is answered before it.
//!
//! A submission has three ends: accepted, refused (nothing was enqueued), or unknown, after [`ASK_FOR`] of asking. An
//! engine that was asked once and did not answer may have enqueued, so from then on no "refused" of its is believed.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};

use super::Services;
use super::problem::ApiError;
use crate::health::Part;
use crate::job::{Job, JobId};
use crate::queue::{Call, QueueError, Submission, Submitted, TICKETS_PER_CALL_MAX};
use crate::threads::Stop;

/// For how long a call that gets no answer is repeated.
const ASK_FOR: Duration = Duration::from_secs(5);

/// How long somebody waits who asks here. The submitter gives up long before; this is for a long line before him.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The waits between repeats.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Most submissions that wait for the submitter.
const WAITING_MAX: usize = 4_096;

/// Most bytes of payloads that one call carries, unless a single submission is larger.
const BYTES_PER_CALL_MAX: usize = 8 * 1024 * 1024;

/// Why a submission was not accepted.
#[derive(Debug, Clone)]
pub enum Failure {
    /// It may have been. The cause is for the log.
    Unknown(String),
    /// The queue has no room; nothing was enqueued.
    Full(String),
    /// The queue is away; nothing was enqueued.
    Away(String),
    /// The daemon stops; nothing was enqueued.
    Stopping,
}

impl Failure {
    /// The refusal to answer with.
    #[must_use]
    pub fn refusal(self, ids: &[JobId]) -> ApiError {
        match self {
            Self::Unknown(cause) => ApiError::OutcomeUnknown(ids.to_vec(), cause),
            Self::Full(cause) => ApiError::QueueFull(cause),
            Self::Away(cause) => ApiError::QueueAway(cause),
            Self::Stopping => ApiError::Stopping,
        }
    }
}

/// How a submission ended.
pub type Outcome = Result<Submitted, Failure>;

/// A submission that waits, and whom to tell how it ended.
pub struct Pending {
    /// What is submitted.
    pub submission: Submission,
    /// Told once, on a thread that answers requests.
    pub reply: Box<dyn FnOnce(Outcome) + Send>,
}

impl Pending {
    fn bytes(&self) -> usize {
        let jobs = self.submission.jobs.iter();
        jobs.map(|job| job.payload.get().len()).sum()
    }
}

/// How a submission ended, and whom to tell.
pub type Told = (Box<dyn FnOnce(Outcome) + Send>, Outcome);

/// Where submissions go in.
#[derive(Clone)]
pub struct Desk(Sender<Pending>);

impl Desk {
    /// Hands a submission over; its reply is called in any case.
    pub fn submit(&self, pending: Pending) {
        let (pending, failure) = match self.0.try_send(pending) {
            Ok(()) => return,
            Err(TrySendError::Full(pending)) => {
                let cause = format!("{WAITING_MAX} submissions wait already");
                (pending, Failure::Full(cause))
            }
            Err(TrySendError::Disconnected(pending)) => (pending, Failure::Stopping),
        };
        (pending.reply)(Err(failure));
    }

    /// Hands jobs over that are accepted together or not at all, and waits for the end of that.
    pub fn ask(&self, jobs: Vec<Arc<Job>>) -> Outcome {
        let (sender, receiver) = bounded(1);
        self.submit(Pending {
            submission: Submission {
                jobs,
                idempotency: None,
            },
            reply: Box::new(move |outcome| {
                // Nobody listens any more only when the time below is over.
                sender.send(outcome).ok();
            }),
        });
        receiver
            .recv_timeout(ANSWER_WITHIN)
            .unwrap_or_else(|err| Err(Failure::Unknown(err.to_string())))
    }
}

/// The thread's own half.
pub struct Submitter {
    services: Arc<Services>,
    waiting: Receiver<Pending>,
    replies: Sender<Vec<Told>>,
    call: Call,
    /// Whether the last call got no answer. Then the engine is tried with something harmless before the next.
    doubtful: bool,
    stop: Stop,
    quit: Receiver<()>,
}

impl Submitter {
    /// A submitter, and where submissions go in. Ends of submissions come out at `replies`. When the other end of
    /// `quit` is dropped it enqueues what waits, and ends; once `stop` is given too, it repeats nothing any more.
    #[must_use]
    pub fn new(
        services: Arc<Services>,
        replies: Sender<Vec<Told>>,
        stop: Stop,
        quit: Receiver<()>,
    ) -> (Self, Desk) {
        let (sender, waiting) = bounded(WAITING_MAX);
        let submitter = Self {
            services,
            waiting,
            replies,
            call: Call::first("submit"),
            doubtful: false,
            stop,
            quit,
        };
        (submitter, Desk(sender))
    }

    /// Enqueues until told to quit.
    pub fn run(mut self) {
        let mut carried = None;
        loop {
            let first = match carried.take() {
                Some(pending) => Some(pending),
                None => select! {
                    recv(self.waiting) -> pending => pending.ok(),
                    // Nobody submits any more; what was handed over before is still enqueued.
                    recv(self.quit) -> _ => self.waiting.try_recv().ok(),
                },
            };
            let Some(first) = first else {
                return;
            };
            let batch = self.gather(first, &mut carried);
            self.enqueue(batch);
        }
    }

    /// `first` and all that wait behind it, as far as one call holds them.
    fn gather(&self, first: Pending, carried: &mut Option<Pending>) -> Vec<Pending> {
        let (mut jobs, mut bytes) = (first.submission.jobs.len(), first.bytes());
        let mut batch = vec![first];
        while let Ok(next) = self.waiting.try_recv() {
            jobs += next.submission.jobs.len();
            bytes += next.bytes();
            if jobs > TICKETS_PER_CALL_MAX || bytes > BYTES_PER_CALL_MAX {
                *carried = Some(next);
                break;
            }
            batch.push(next);
        }
        batch
    }

    fn enqueue(&mut self, mut batch: Vec<Pending>) {
        let submissions: Vec<Submission> = batch
            .iter_mut()
            .map(|pending| Submission {
                jobs: mem::take(&mut pending.submission.jobs),
                idempotency: pending.submission.idempotency.take(),
            })
            .collect();
        let outcome = self.ask(&submissions);
        let told = match outcome {
            Ok(answers) if answers.len() == batch.len() => batch
                .into_iter()
                .zip(answers)
                .map(|(pending, answer)| (pending.reply, Ok(answer)))
                .collect(),
            Ok(answers) => {
                let cause = format!("{} answers to {} submissions", answers.len(), batch.len());
                all(batch, &Failure::Unknown(cause))
            }
            Err(failure) => all(batch, &failure),
        };
        // Only a panic of every answering thread ends the other side; dropping the replies then answers 500.
        self.replies.send(told).ok();
    }

    /// Asks the engine to enqueue, again and again while it is unknown whether it did.
    fn ask(&mut self, submissions: &[Submission]) -> Result<Vec<Submitted>, Failure> {
        let missing = self.services.health.all_missing();
        if self.doubtful || missing.iter().any(|(part, _)| *part == Part::Queue) {
            // Nothing has been sent yet, so this answer is sure.
            if let Err(err) = self.services.queue.check() {
                return Err(Failure::Away(err.to_string()));
            }
        }
        let deadline = Instant::now() + ASK_FOR;
        let mut pause = PAUSE_FIRST;
        let mut in_doubt = false;
        loop {
            let err = match self.services.queue.enqueue(&self.call, submissions) {
                Ok(answers) => {
                    self.call.advance();
                    self.doubtful = false;
                    return Ok(answers);
                }
                Err(err) => err,
            };
            match &err {
                // The engine refused before it looked at the number of the call, so this says nothing about the first.
                QueueError::Full { .. } | QueueError::Unfit { .. } if in_doubt => {}
                QueueError::Full { .. } => {
                    self.call.advance();
                    return Err(Failure::Full(err.to_string()));
                }
                QueueError::Unfit { .. } => return Err(Failure::Away(err.to_string())),
                QueueError::Unavailable { .. } | QueueError::Broken { .. } => in_doubt = true,
            }
            if Instant::now() + pause > deadline || self.stop.wait(pause) {
                // The number is spent: who comes next must not be answered with what this one may have done.
                self.call.advance();
                self.doubtful = true;
                return Err(Failure::Unknown(err.to_string()));
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

fn all(batch: Vec<Pending>, failure: &Failure) -> Vec<Told> {
    batch
        .into_iter()
        .map(|pending| (pending.reply, Err(failure.clone())))
        .collect()
}
