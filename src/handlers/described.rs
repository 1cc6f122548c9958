//! Job types that the configuration describes: a `[[type]]` entry becomes a handler that runs a program or posts to a URL.

use std::sync::Arc;
use std::time::Duration;

use schemars::Schema;
use serde_json::Value;
use serde_json::value::RawValue;

use super::command::Command;
use super::webhook::{Client, Webhook};
use super::{Context, Failure, Registered, Registry, Wrong};
use crate::config::{Action, Config, JobType, Listed as _, PayloadSchema};

/// The handlers of `own` and one for each `[[type]]` entry of `config`.
///
/// An entry that stands in `before` as it does now keeps its handler, and with it the connections that it has open.
///
/// # Errors
///
/// An entry has the name of a type of `own`'s, or what a webhook lacks on this host, and how to get it.
pub(crate) fn with_types(
    own: &Registry,
    config: &Config,
    before: Option<(&Config, &Registry)>,
) -> Result<Registry, String> {
    let mut registry = own.clone();
    let mut client = None;
    for entry in &config.types {
        if own.get(&entry.name).is_some() {
            return Err(format!(
                "{}: the type `{}` is this program's own; give the entry another name",
                entry.place, entry.name
            ));
        }
        let kept = before.and_then(|(config, registry)| {
            let known = config.types.iter().any(|known| known.is_same(entry));
            registry.get(&entry.name).filter(|_| known).cloned()
        });
        let handler = match kept {
            Some(handler) => handler,
            None => Arc::new(Described::new(entry, runs(entry, config, &mut client)?)),
        };
        registry.add_dynamic(&entry.name, handler);
    }
    Ok(registry)
}

/// What runs the jobs of an entry. All webhooks share one `client`, and so its connections.
fn runs(
    entry: &JobType,
    config: &Config,
    client: &mut Option<Arc<Client>>,
) -> Result<Runs, String> {
    Ok(match &entry.action {
        Action::Command { argv, directory } => {
            Runs::Command(Command::new(argv, directory, config.result_max))
        }
        Action::Webhook {
            url,
            secret,
            headers,
        } => {
            let client = match client {
                Some(client) => Arc::clone(client),
                None => Arc::clone(client.insert(Arc::new(Client::new(config)?))),
            };
            Runs::Webhook(Webhook::new(client, url, secret.as_ref(), headers))
        }
    })
}

enum Runs {
    Command(Command),
    Webhook(Webhook),
}

struct Described {
    runs: Runs,
    schema: Option<PayloadSchema>,
    queue: Option<String>,
    timeout: Option<Duration>,
}

impl Described {
    fn new(entry: &JobType, runs: Runs) -> Self {
        let usual = match runs {
            Runs::Command(_) => None,
            Runs::Webhook(_) => Some(Webhook::TIMEOUT),
        };
        Self {
            runs,
            schema: entry.payload_schema.clone(),
            queue: entry.queue.clone(),
            timeout: entry.timeout.or(usual),
        }
    }
}

impl Registered for Described {
    fn check(&self, payload: &RawValue) -> Result<(), Vec<Wrong>> {
        let Some(schema) = &self.schema else {
            return Ok(());
        };
        schema.check(payload).map_err(|wrong| {
            wrong
                .into_iter()
                .map(|(pointer, detail)| Wrong::new(pointer, detail))
                .collect()
        })
    }

    fn run(&self, payload: &RawValue, context: &Context) -> Result<Box<RawValue>, Failure> {
        // It may have come in at another daemon, with another file or none.
        self.check(payload).map_err(|wrong| {
            let wrong: Vec<_> = wrong
                .iter()
                .map(|w| format!("at `{}`: {}", w.pointer, w.detail))
                .collect();
            let wrong = wrong.join("; ");
            Failure::permanent(format!("the payload does not fit the type: {wrong}"))
        })?;
        match &self.runs {
            Runs::Command(command) => command.run(payload, context),
            Runs::Webhook(webhook) => webhook.run(payload, context),
        }
    }

    fn payload_schema(&self) -> Schema {
        let document = self.schema.as_ref().map(|schema| schema.document().clone());
        // An entry's schema is an object, which every such document is.
        document
            .and_then(|document| Schema::try_from(document).ok())
            .unwrap_or_default()
    }

    fn output_schema(&self) -> Schema {
        // Whatever the program or the server answers.
        Schema::default()
    }

    fn queue(&self) -> Option<&str> {
        self.queue.as_deref()
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

/// What a program or a server said, if it is JSON that can be kept: one value, of a sane depth, without halves of
/// characters.
pub(super) fn json(text: &str) -> Option<Box<RawValue>> {
    serde_json::from_str::<Value>(text).ok()?;
    RawValue::from_string(text.trim().to_owned()).ok()
}

/// The failure of an attempt that had `limit` when it reached its handler, told in tenths of a second: the moments that
/// the way there took are nobody's concern.
pub(super) fn timeout(limit: Duration) -> Failure {
    const TENTH: u64 = 100;
    let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let tenths = millis.saturating_add(TENTH - 1) / TENTH;
    Failure::timeout(Duration::from_millis(tenths.max(1).saturating_mul(TENTH)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BUILTIN_TYPES;
    use crate::handlers::builtin;

    #[test]
    fn no_entry_can_take_the_name_of_a_built_in_type() {
        let registry = builtin(&Config::default()).unwrap();
        let free: Vec<_> = registry
            .iter()
            .map(|(kind, _)| kind)
            .filter(|kind| !BUILTIN_TYPES.contains(kind))
            .collect();
        assert!(free.is_empty(), "add {free:?} to BUILTIN_TYPES");
    }

    #[test]
    fn only_what_can_be_kept_is_taken_for_json() {
        let taken = |text: &str| json(text).map(|json| json.get().to_owned());
        assert_eq!(taken(" {\"n\": 1.10}\n").as_deref(), Some("{\"n\": 1.10}"));
        for text in ["", "ok", "{} {}", "\"\\ud800\"", "1e999", &"[".repeat(200)] {
            assert_eq!(taken(text), None, "{text}");
        }
    }
}
