//! Which job types other daemons know: a job may be submitted here that only they can run.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::problem::ApiError;
use crate::config::Config;
use crate::queue::Engine;

/// For how long what the nodes say is believed. Also how often a client that submits unknown types makes us ask.
const BELIEVED_FOR: Duration = Duration::from_secs(3);

/// The types that live nodes announce, as last heard.
#[derive(Debug, Default)]
pub struct Types(Mutex<Option<(Instant, BTreeSet<String>)>>);

impl Types {
    /// Whether some live node knows `kind`.
    ///
    /// # Errors
    ///
    /// 503 when the queue cannot be asked; nothing was enqueued.
    pub fn knows(&self, queue: &dyn Engine, kind: &str, config: &Config) -> Result<bool, ApiError> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((at, types)) = heard.as_ref()
            && now.duration_since(*at) < BELIEVED_FOR
        {
            return Ok(types.contains(kind));
        }
        // A node beats several times a lease; one that missed two leases is gone.
        let nodes = queue.nodes(config.lease * 2)?;
        let types: BTreeSet<String> = nodes.into_iter().flat_map(|node| node.types).collect();
        let knows = types.contains(kind);
        *heard = Some((now, types));
        Ok(knows)
    }
}
