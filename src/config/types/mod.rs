//! Job types without Rust: the `[[type]]` entries of the configuration file, each a program to run or a URL to post to.
//!
//! An entry is wholly checked when it is read, its schema and its secret included, so that what is left can be used as
//! it is; all that is wrong is reported together with the other problems of the file. Paths in an entry that do not
//! begin with `/` count from the folder of the file.

mod read;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::entries::Listed;
use super::mask;
use super::problem::Place;
use super::settings::Secret;
use crate::job::duration::written;

pub(super) use read::read;
pub use windlass_schemas::PayloadSchema;

/// The job types that are built in, or will be: no entry may take their names.
pub const BUILTIN_TYPES: [&str; 7] = [
    "command", "data", "email", "image", "noop", "sleep", "webhook",
];

/// A job type that an entry of the file describes.
#[derive(Debug, Clone, PartialEq)]
pub struct JobType {
    /// Its name, which is no other type's.
    pub name: String,
    /// Where the entry stands.
    pub place: Place,
    /// What a job of the type does.
    pub action: Action,
    /// What payloads must look like; `None`: any will do.
    pub payload_schema: Option<PayloadSchema>,
    /// How long an attempt may take, for jobs that do not say themselves.
    pub timeout: Option<Duration>,
    /// The queue of jobs that name none.
    pub queue: Option<String>,
}

/// What a job of a described type does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It runs a program.
    Command {
        /// The program (an absolute path) and its arguments.
        argv: Vec<String>,
        /// Its working directory.
        directory: PathBuf,
    },
    /// It posts its payload.
    Webhook {
        /// To where: http or https, without a login.
        url: Url,
        /// What the request is signed with.
        secret: Option<SigningKey>,
        /// Further headers, by name.
        headers: Vec<(String, Secret)>,
    },
}

/// The key of a webhook's signature; not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads `whsec_` and the key in base64, as Standard Webhooks writes secrets: 24 to 64 bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, to continue a sentence; without the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "write `whsec_` and 24 to 64 random bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints";
        let Some(encoded) = text.strip_prefix("whsec_") else {
            return Err(format!("does not begin with `whsec_`; {EXPECTED}"));
        };
        match STANDARD.decode(encoded) {
            Ok(key) if (24..=64).contains(&key.len()) => Ok(Self(key)),
            Ok(key) => Err(format!("holds a key of {} bytes; {EXPECTED}", key.len())),
            Err(_) => Err(format!("is not base64 after `whsec_`; {EXPECTED}")),
        }
    }

    /// The key itself; not for logs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Listed for JobType {
    const HEAD: &'static str = "type";

    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn is_same(&self, other: &Self) -> bool {
        let moved = Self {
            place: self.place.clone(),
            ..other.clone()
        };
        *self == moved
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        const HIDDEN: &str = "***";
        let mut shown = Vec::new();
        match &self.action {
            Action::Command { argv, directory } => {
                shown.push(("command", format!("{argv:?}")));
                shown.push(("directory", directory.display().to_string()));
            }
            Action::Webhook {
                url,
                secret,
                headers,
            } => {
                shown.push(("url", mask::url(url.as_str())));
                if secret.is_some() {
                    shown.push(("secret", HIDDEN.to_owned()));
                }
                if !headers.is_empty() {
                    let headers: Vec<_> = headers
                        .iter()
                        .map(|(name, _)| format!("{name}: {HIDDEN}"))
                        .collect();
                    shown.push(("headers", headers.join(", ")));
                }
            }
        }
        if let Some(schema) = &self.payload_schema {
            shown.push(("payload_schema", schema.document().to_string()));
        }
        if let Some(timeout) = self.timeout {
            shown.push(("timeout", written(timeout).to_string()));
        }
        if let Some(queue) = &self.queue {
            shown.push(("queue", queue.clone()));
        }
        shown
    }
}
