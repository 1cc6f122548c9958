//! What runs jobs: one handler a type.
//!
//! A [`Handler`] names its type and its payload and output, and runs. The [`Registry`] knows all handlers of a daemon.
//! A handler sees its payload and its [`Context`], neither the queue nor storage.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use windlass::handlers::{Context, Failure, Handler, Registry};
//!
//! /// What the job is given.
//! #[derive(Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Sum {
//!     numbers: Vec<i64>,
//! }
//!
//! struct Adder;
//!
//! impl Handler for Adder {
//!     const TYPE: &'static str = "sum";
//!     type Payload = Sum;
//!     type Output = i64;
//!
//!     fn run(&self, payload: Sum, _: &Context) -> Result<i64, Failure> {
//!         payload.numbers.iter().try_fold(0i64, |sum, n| sum.checked_add(*n)).ok_or_else(|| Failure::permanent("the sum is too large"))
//!     }
//! }
//!
//! let mut registry = Registry::new();
//! registry.add(Adder);
//! assert!(registry.get("sum").is_some());
//! ```

mod command;
mod context;
pub mod data;
mod described;
mod either;
pub mod email;
pub mod files;
pub mod image;
pub mod probe;
mod registry;
mod webhook;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Config;
pub use crate::job::Failure;
use crate::job::NewJob;
pub use crate::job::draft::Wrong;
pub use context::{Cancellation, Context};
pub(crate) use described::with_types;
pub use registry::{Registered, Registry};

/// Runs the jobs of one type.
///
/// `run` is called on a worker thread, for several jobs at once; a panic in it is caught and counts as a failed attempt.
/// A job may run twice (delivery is at least once), so what `run` does should bear repeating.
pub trait Handler: Send + Sync + 'static {
    /// The type of job that it runs; see [`crate::job::is_name`].
    const TYPE: &'static str;

    /// What a job is given. Derive `Deserialize` and `JsonSchema`, with `#[serde(deny_unknown_fields)]`.
    type Payload: DeserializeOwned + JsonSchema;

    /// What a job answers.
    type Output: Serialize + JsonSchema;

    /// A job of this type with this payload, to be submitted: see [`crate::client::Client::submit`].
    #[must_use]
    fn job(payload: &Self::Payload) -> NewJob<Self::Output>
    where
        Self: Sized,
        Self::Payload: Serialize,
    {
        NewJob::of_type(Self::TYPE, payload)
    }

    /// Looks a payload over when it is submitted; what it finds wrong refuses the job with 422.
    ///
    /// For what the types cannot say: an address that is none, two fields that exclude each other. It must not be slow,
    /// and touches nothing outside.
    ///
    /// # Errors
    ///
    /// Every wrong field at once, each as a JSON Pointer into the payload and a reason.
    fn check(&self, payload: &Self::Payload) -> Result<(), Vec<Wrong>> {
        let _ = payload;
        Ok(())
    }

    /// Does the job.
    ///
    /// # Errors
    ///
    /// [`Failure::retry`] or [`Failure::retry_in`] when another attempt may succeed, [`Failure::permanent`] when none can,
    /// [`Failure::cancelled`] when it stopped because [`Context::cancelled`] said so.
    fn run(&self, payload: Self::Payload, context: &Context) -> Result<Self::Output, Failure>;
}

/// The handlers that come with Windlass: `noop`, `sleep`, `email`, `image` and `data`. Those of `config`'s `[[type]]`
/// entries are made by the daemon itself.
///
/// # Errors
///
/// Which setting of `config` is wrong for the handler that needs it, and what is expected there.
pub fn builtin(config: &Config) -> Result<Registry, String> {
    let mut registry = Registry::new();
    registry
        .add(probe::Noop)
        .add(probe::Sleep)
        .add(email::Email::new(config)?)
        .add(image::Image::new(config)?)
        .add(data::Data::new(config)?);
    Ok(registry)
}
