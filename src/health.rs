//! What the daemon misses at present: written by the threads that find out, read by `/readyz` and the status line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A part of the surroundings that may be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The queue's engine. Without it the daemon is not ready.
    Queue,
    /// Storage. Without it the daemon is ready and degraded: jobs run, their records wait in the outbox.
    Storage,
    /// The outbox, when it is full: nothing is reserved until storage has caught up. Degraded.
    Outbox,
    /// Work, when the daemon was told to take none. Degraded.
    Work,
}

impl Part {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Storage => "storage",
            Self::Outbox => "outbox",
            Self::Work => "work",
        }
    }

    /// Whether the daemon can serve without it.
    #[must_use]
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Queue)
    }
}

/// What is missing, by part, with the reason. Clones are the same board.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<Part, String>>>);

impl Health {
    /// A board on which nothing is missing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a part is missing; tells whether that is news, so that it is logged once.
    pub fn missing(&self, part: Part, reason: impl ToString) -> bool {
        self.board().insert(part, reason.to_string()).is_none()
    }

    /// Notes that a part is there; tells whether that is news.
    pub fn fine(&self, part: Part) -> bool {
        self.board().remove(&part).is_some()
    }

    /// What is missing now.
    #[must_use]
    pub fn all_missing(&self) -> Vec<(Part, String)> {
        self.board()
            .iter()
            .map(|(part, reason)| (*part, reason.clone()))
            .collect()
    }

    /// Whether a part is missing, as far as that has been found out.
    #[must_use]
    pub fn is_missing(&self, part: Part) -> bool {
        self.board().contains_key(&part)
    }

    /// Whether everything that is needed to serve is there.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.board().keys().any(|part| part.is_needed())
    }

    fn board(&self) -> MutexGuard<'_, BTreeMap<Part, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
