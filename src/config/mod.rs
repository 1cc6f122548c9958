//! What the daemon is told: environment over `.env` over file over default.
//!
//! Reading happens in two steps. First *what was written*: each source is searched for the settings of one table, and
//! every setting keeps the text and the place of the source that wins. Then *what it means*: each text is parsed and
//! bounded. Problems of both steps are collected and reported together, each with its place, before anything starts.
//!
//! ```text
//!   environment ─┐
//!   .env ────────┤                 text + place                   Config
//!   file ────────┼──▶ written ─────────────────────▶ meaning ──▶ or Problems
//!   credentials ─┤      ▲                               ▲
//!   defaults ────┘      └────────── the table ──────────┘──▶ reference, templates, `windlass config`
//! ```
//!
//! The setting `worker_count` is `WORKERCOUNT` or `WORKER_COUNT` in the environment and in `.env`, and `worker_count`
//! in the file. A setting that may hold a password can also be read from a file that `DATABASEURLFILE` names, or from
//! a systemd credential called `database_url`. Job types without Rust ([`JobType`]) and schedules
//! ([`Schedule`]) are entries of the file alone.
//!
//! This module is the one place that reads the process' environment.

mod address;
mod dotenv;
mod entries;
mod file;
mod load;
mod mask;
mod names;
mod near;
mod parse;
mod problem;
mod reference;
mod reload;
mod schedules;
mod setting;
mod settings;
mod sources;
mod table;
mod types;
mod written;

pub use entries::Listed;
pub use load::{Loaded, Shown};
pub use problem::{Place, Problem, Problems};
pub use reference::Template;
pub use reload::{Change, Reload};
pub use schedules::Schedule;
pub use setting::Setting;
pub use settings::{Backend, Config, LogFormat, QueueWeight, Queues, Secret};
pub use sources::{DEFAULT_FILE, Sources, process_variable};
pub use types::{Action, BUILTIN_TYPES, JobType, PayloadSchema, SigningKey};
