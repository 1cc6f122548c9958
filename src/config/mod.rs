//! What the daemon is told: environment over `.env` over file over default.

mod settings;

pub use settings::{Backend, Config, LogFormat, QueueWeight, Queues, Secret};
