//! What other daemons say of themselves: which job types they run, which schedules their files name.

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

/// What other daemons say of themselves, as last heard.
pub struct Elsewhere {
    queue: Arc<dyn Engine>,
    /// This daemon: what it said of itself before a reload counts no more.
    node: String,
    heard: Mutex<Option<(Instant, Arc<Heard>)>>,
}

/// What the live nodes say together.
#[derive(Default)]
struct Heard {
    types: BTreeSet<String>,
    schedules: BTreeSet<String>,
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

    /// The job types of other daemons, and those that this one runs at present.
    #[must_use]
    pub fn beside<'a>(&'a self, present: &'a Present) -> AllTypes<'a> {
        AllTypes {
            present,
            elsewhere: self,
        }
    }

    /// Whether the file of this daemon or of another live one names a schedule.
    ///
    /// # Errors
    ///
    /// The queue cannot be asked.
    pub fn is_in_a_file(&self, schedule: &str, present: &Present) -> Result<bool, QueueError> {
        let mut ours = present.config.schedules.iter();
        if ours.any(|own| own.name == schedule) {
            return Ok(true);
        }
        Ok(self.heard(present)?.schedules.contains(schedule))
    }

    fn heard(&self, present: &Present) -> Result<Arc<Heard>, QueueError> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((at, heard)) = heard.as_ref()
            && now.duration_since(*at) < BELIEVED_FOR
        {
            return Ok(Arc::clone(heard));
        }
        // A node beats several times a lease; one that missed two leases is gone.
        let mut nodes = self.queue.nodes(present.config.lease * 2)?;
        nodes.retain(|node| node.node != self.node);
        let mut all = Heard::default();
        for node in nodes {
            all.types.extend(node.types);
            all.schedules.extend(node.schedules);
        }
        let all = Arc::new(all);
        *heard = Some((now, Arc::clone(&all)));
        Ok(all)
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
        match self.elsewhere.heard(self.present) {
            Ok(heard) if heard.types.contains(kind) => Looked::Fits,
            Ok(_) => {
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
