//! `[[type]]` with `url`: a job's payload is posted to a server, signed, and what the server answers is the result.
//!
//! The request is what Standard Webhooks asks for: `webhook-id` is the id of the job and so the same for every attempt,
//! by which a receiver knows a repeat; `webhook-timestamp` and `webhook-signature` are the attempt's own.
//!
//! | answer | outcome |
//! | --- | --- |
//! | 2xx | success; the result is the body if it is JSON, else null |
//! | 408, 425, 429, 5xx, and trouble on the way (no answer in time, no connection, a wrong certificate) | retry, after Retry-After if it is given |
//! | 3xx, other 4xx | the end; no redirect is followed |
//!
//! A request that is under way cannot be called back: a cancelled job hangs up at once, and what the server makes of it is
//! the server's affair. Only while it connects, or sends to a server that does not read, it waits.

mod answer;
mod breakable;
mod client;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use url::{Position, Url};

use super::{Context, Failure, described};
use crate::clock::{Clock, SystemClock};
use crate::config::{Secret, SigningKey};

pub(super) use client::Client;

/// Posts payloads to one URL.
pub(super) struct Webhook {
    client: Arc<Client>,
    url: String,
    /// What of the URL may stand in a message: the rest may hold a token.
    origin: String,
    key: Option<SigningKey>,
    headers: Vec<(String, Secret)>,
    clock: SystemClock,
}

impl Webhook {
    /// How long a request may take when neither its type nor its job says. JOBTIMEOUT would be far too long: a server
    /// that never answers holds a worker for all of it.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

    /// Posts to `url` with these further headers, signed with `key` if there is one.
    pub(super) fn new(
        client: Arc<Client>,
        url: &Url,
        key: Option<&SigningKey>,
        headers: &[(String, Secret)],
    ) -> Self {
        Self {
            client,
            url: url.to_string(),
            origin: url[..Position::BeforePath].to_owned(),
            key: key.cloned(),
            headers: headers.to_vec(),
            clock: SystemClock,
        }
    }

    /// Posts once.
    pub(super) fn run(
        &self,
        payload: &RawValue,
        context: &Context,
    ) -> Result<Box<RawValue>, Failure> {
        if context.cancelled() {
            return Err(Failure::cancelled());
        }
        let (limit, body) = (context.remaining(), payload.get());
        let now = self.clock.now();
        let mut headers = sign::headers(self.key.as_ref(), context.id(), now, body);
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.clone(), value.reveal().to_owned())));
        let post = || self.client.post(&self.url, &headers, body, limit);
        match breakable::while_wanted(context, post) {
            Ok(answer) => answer::judge(&answer, &self.origin, now, context),
            Err(_) if context.cancelled() => Err(Failure::cancelled()),
            Err(client::Trouble::Late) => Err(described::timeout(limit)),
            Err(client::Trouble::Other(why)) => {
                Err(Failure::retry(format!("{}: {why}", self.origin)))
            }
        }
    }
}
