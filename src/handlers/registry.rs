//! All handlers of a daemon, by the type that they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::{Schema, schema_for};
use serde_json::value::RawValue;

use super::{Context, Handler};
use crate::job::draft::Wrong;
use crate::job::{Failure, is_name};
use crate::near::near;

/// A handler with its payload and output types forgotten: JSON text goes in, JSON text comes out.
pub trait Registered: Send + Sync {
    /// Looks a payload over without running anything.
    ///
    /// # Errors
    ///
    /// Every wrong field that can be told.
    fn check(&self, payload: &RawValue) -> Result<(), Vec<Wrong>>;

    /// Runs a job.
    ///
    /// # Errors
    ///
    /// What the handler answers; a payload that does not fit (any more) is permanent.
    fn run(&self, payload: &RawValue, context: &Context) -> Result<Box<RawValue>, Failure>;

    /// JSON Schema (2020-12) of the payload.
    fn payload_schema(&self) -> Schema;

    /// JSON Schema (2020-12) of the output.
    fn output_schema(&self) -> Schema;

    /// The queue of jobs of this type that name none; `None`: that of all others.
    fn queue(&self) -> Option<&str> {
        None
    }

    /// How long an attempt may take, for jobs that do not say themselves; `None`: JOBTIMEOUT.
    fn timeout(&self) -> Option<Duration> {
        None
    }
}

struct Typed<H>(H);

impl<H: Handler> Registered for Typed<H> {
    fn check(&self, payload: &RawValue) -> Result<(), Vec<Wrong>> {
        self.0
            .check(&parse::<H>(payload).map_err(|wrong| vec![wrong])?)
    }

    fn run(&self, payload: &RawValue, context: &Context) -> Result<Box<RawValue>, Failure> {
        let payload = parse::<H>(payload).map_err(|w| {
            Failure::permanent(format!(
                "the payload does not fit the type: at `{}`: {}",
                w.pointer, w.detail
            ))
        })?;
        let output = self.0.run(payload, context)?;
        serde_json::value::to_raw_value(&output).map_err(|err| {
            Failure::permanent(format!("the output cannot be written as JSON: {err}"))
        })
    }

    fn payload_schema(&self) -> Schema {
        schema_for!(H::Payload)
    }

    fn output_schema(&self) -> Schema {
        // As it is written, which differs from how it would be read: a member with a default is always there.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        settings
            .into_generator()
            .into_root_schema_for::<H::Output>()
    }
}

fn parse<H: Handler>(payload: &RawValue) -> Result<H::Payload, Wrong> {
    // serde reads an array for a struct too, its items in the order of the members, which no schema tells.
    let is_array = payload.get().starts_with('[');
    if is_array && schema_for!(H::Payload).get("type") == Some(&"object".into()) {
        return Err(Wrong::new("", "invalid type: sequence, expected an object"));
    }
    let mut json = serde_json::Deserializer::from_str(payload.get());
    serde_path_to_error::deserialize(&mut json).map_err(|err| {
        let pointer = pointer(err.path());
        // The position would be one in our copy of the payload, which the sender never saw.
        let detail = err.inner().to_string();
        let detail = detail.split(" at line ").next().unwrap_or_default();
        let detail = match meant(detail) {
            Some(meant) => format!("{detail}; did you mean `{meant}`?"),
            None => detail.to_owned(),
        };
        Wrong::new(pointer, detail)
    })
}

/// Which of the names that serde lists was meant by one that it does not know (``unknown field `a`, expected one of `b`,
/// `c` ``).
fn meant(detail: &str) -> Option<&str> {
    let given =
        (detail.strip_prefix("unknown field `")).or(detail.strip_prefix("unknown variant `"))?;
    let (given, known) = given.split_once("`, expected ")?;
    near(given, known.split('`').skip(1).step_by(2))
}

/// The path of a wrong field as a JSON Pointer (RFC 6901).
pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .fold(String::new(), |pointer, segment| match segment {
            Segment::Seq { index } => format!("{pointer}/{index}"),
            Segment::Map { key } => {
                format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Enum { variant } => format!("{pointer}/{variant}"),
            Segment::Unknown => pointer,
        })
}

/// All handlers of a daemon.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Arc<dyn Registered>>);

impl Registry {
    /// A registry without any handler.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler; one of the same type that was there before is replaced.
    ///
    /// # Panics
    ///
    /// When [`Handler::TYPE`] is no name ([`crate::job::is_name`]): a mistake in the program, not in its input.
    pub fn add<H: Handler>(&mut self, handler: H) -> &mut Self {
        assert!(
            is_name(H::TYPE),
            "`{}` cannot be the name of a job type",
            H::TYPE
        );
        self.0.insert(H::TYPE.to_owned(), Arc::new(Typed(handler)));
        self
    }

    /// Adds a handler whose type is known only when the program runs; one of the same type that was there before is
    /// replaced.
    ///
    /// # Panics
    ///
    /// When `kind` is no name ([`crate::job::is_name`]): who reads it from somewhere checks it there.
    pub fn add_dynamic(&mut self, kind: &str, handler: Arc<dyn Registered>) -> &mut Self {
        assert!(is_name(kind), "`{kind}` cannot be the name of a job type");
        self.0.insert(kind.to_owned(), handler);
        self
    }

    /// The handler of a type.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Registered>> {
        self.0.get(kind)
    }

    /// All types and their handlers, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Registered>)> {
        self.0
            .iter()
            .map(|(kind, handler)| (kind.as_str(), handler))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
