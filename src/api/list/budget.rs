//! What one page may cost: how many jobs it looks at, and how much of them it reads.

use std::ops::ControlFlow;

use crate::job::{Found, JobId};
use crate::queue::{Engine, QueueError};

/// Most jobs that a page looks at.
pub const LOOKED_MAX: usize = 10_000;

/// Most bytes of jobs that a page reads: the queue keeps a job with its payload and its attempts.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many jobs that are passed over unread cost as much as one that is looked at.
const PASSED_FOR_ONE: usize = 10;

/// Bytes that one question should bring, and how many jobs are asked for at first, when nothing is known of their size.
const BYTES_PER_FIND: usize = 2 * 1024 * 1024;
const FIRST_FIND: usize = 16;
const FIND_MAX: usize = 500;

/// What a page has cost so far.
pub struct Budget {
    looked: usize,
    bytes: usize,
}

impl Budget {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            looked: 0,
            bytes: 0,
        }
    }

    /// How many more jobs may be looked at.
    pub fn left(&self) -> usize {
        LOOKED_MAX.saturating_sub(self.looked)
    }

    /// Whether nothing more may be looked at.
    pub fn is_spent(&self) -> bool {
        self.left() == 0 || self.bytes >= BYTES_MAX
    }

    /// Counts jobs that were passed over without being read.
    pub fn pass_over(&mut self, jobs: usize) {
        self.looked += jobs.div_ceil(PASSED_FOR_ONE);
    }

    /// Reads jobs in turn, a few at a time, and shows each with its position to `see`, until that breaks off or the
    /// budget is spent; tells where it ended in that case.
    pub fn read(
        &mut self,
        queue: &dyn Engine,
        ids: &[JobId],
        mut see: impl FnMut(usize, Option<Found>) -> ControlFlow<()>,
    ) -> Result<Option<Stop>, QueueError> {
        let (mut at, mut few, mut bytes) = (0, FIRST_FIND, 0);
        while at < ids.len() {
            let some = &ids[at..ids.len().min(at + few)];
            for found in queue.find(some)? {
                let size = found.as_ref().map_or(0, size);
                (self.looked, self.bytes) = (self.looked + 1, self.bytes + size);
                bytes += size;
                if see(at, found).is_break() {
                    return Ok(Some(Stop::Seen));
                }
                if self.is_spent() {
                    return Ok(Some(Stop::Spent(at)));
                }
                at += 1;
            }
            few = (BYTES_PER_FIND / (bytes / at.max(1)).max(1)).clamp(1, FIND_MAX);
        }
        Ok(None)
    }
}

/// Why a reading ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Enough was seen.
    Seen,
    /// The budget is spent; the job at this position was the last one shown.
    Spent(usize),
}

/// How many bytes a job is, nearly.
fn size(found: &Found) -> usize {
    let result = found.result().map_or(0, |result| result.get().len());
    let attempts = found.attempts().iter().map(|attempt| {
        let error = attempt.error.as_ref().map_or(0, |e| e.message.len());
        error + attempt.log.iter().map(String::len).sum::<usize>()
    });
    found.job().payload.get().len() + result + attempts.sum::<usize>()
}
