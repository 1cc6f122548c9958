//! Which job types some daemon runs: this one's handlers, and what the other daemons say of themselves.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use crate::job::draft::{Looked, Types};
use crate::near::near;
use crate::queue::{Engine, QueueError};
use crate::terms::Present;

/// For how long what the nodes say is believed. Also how often whoever asks for unknown types makes us ask.
const BELIEVED_FOR: Duration = Duration::from_secs(3);

/// The types that other daemons announce, as last heard.
pub struct Elsewhere {
    queue: Arc<dyn Engine>,
    /// This daemon: what it said of itself before a reload counts no more.
    node: String,
    heard: Mutex<Option<(Instant, BTreeSet<String>)>>,
}

impl Elsewhere {
    /// What the nodes of `queue` say, but for `node`, which is this one.
    #[must_use]
    pub fn new(queue: Arc<dyn Engine>, node: &str) -> Self {
        Self {
            queue,
            node: node.to_owned(),
            heard: Mutex::default(),
        }
    }

    /// These types and those that this daemon runs at present.
    #[must_use]
    pub fn beside<'a>(&'a self, present: &'a Present) -> AllTypes<'a> {
        AllTypes {
            present,
            elsewhere: self,
        }
    }

    /// Whether some other live node knows `kind`. One that was not heard of `within` is gone.
    fn knows(&self, kind: &str, within: Duration) -> Result<bool, QueueError> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((at, types)) = heard.as_ref()
            && now.duration_since(*at) < BELIEVED_FOR
        {
            return Ok(types.contains(kind));
        }
        let mut nodes = self.queue.nodes(within)?;
        nodes.retain(|node| node.node != self.node);
        let types: BTreeSet<String> = nodes.into_iter().flat_map(|node| node.types).collect();
        let knows = types.contains(kind);
        *heard = Some((now, types));
        Ok(knows)
    }
}

/// The job types that some daemon runs.
pub struct AllTypes<'a> {
    present: &'a Present,
    elsewhere: &'a Elsewhere,
}

impl Types for AllTypes<'_> {
    fn look(&self, kind: &str, payload: Option<&RawValue>) -> Looked {
        let registry = &self.present.registry;
        if let Some(handler) = registry.get(kind) {
            return match payload.map(|payload| handler.check(payload)) {
                Some(Err(wrongs)) => Looked::Wrong(wrongs),
                Some(Ok(())) | None => Looked::Fits,
            };
        }
        // A node beats several times a lease; one that missed two leases is gone.
        match self.elsewhere.knows(kind, self.present.config.lease * 2) {
            Ok(true) => Looked::Fits,
            Ok(false) => {
                let ours = registry.iter().map(|(kind, _)| kind);
                Looked::Unknown(near(kind, ours).map(str::to_owned))
            }
            Err(err) => Looked::Away(err.to_string()),
        }
    }

    fn queue(&self, kind: &str) -> Option<String> {
        self.present.registry.get(kind)?.queue().map(str::to_owned)
    }
}
