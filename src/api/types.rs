//! Which job types other daemons know: a job may be submitted here that only they can run.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Services;
use super::problem::ApiError;

/// For how long what the nodes say is believed. Also how often a client that submits unknown types makes us ask.
const BELIEVED_FOR: Duration = Duration::from_secs(3);

/// The types that live nodes announce, as last heard.
#[derive(Debug, Default)]
pub struct Types(Mutex<Option<(Instant, BTreeSet<String>)>>);

impl Types {
    /// Whether some other live node knows `kind`. What this one said of itself before a reload counts no more.
    ///
    /// # Errors
    ///
    /// 503 when the queue cannot be asked; nothing was enqueued.
    pub fn know(&self, services: &Services, kind: &str) -> Result<bool, ApiError> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((at, types)) = heard.as_ref()
            && now.duration_since(*at) < BELIEVED_FOR
        {
            return Ok(types.contains(kind));
        }
        // A node beats several times a lease; one that missed two leases is gone.
        let lease = services.terms.present().config.lease;
        let mut nodes = services.queue.nodes(lease * 2)?;
        nodes.retain(|node| node.node != services.node);
        let types: BTreeSet<String> = nodes.into_iter().flat_map(|node| node.types).collect();
        let knows = types.contains(kind);
        *heard = Some((now, types));
        Ok(knows)
    }
}
