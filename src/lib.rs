//! Windlass runs background jobs: give it work over HTTP, it runs it on a pool of threads, retries what fails, and keeps
//! every result.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod handlers;
pub mod health;
pub mod job;
pub mod logging;
pub mod queue;
pub mod recorder;
pub mod sqlite;
pub mod storage;
pub mod threads;
pub mod worker;
