//! When jobs are due that nobody submits: cron entries.
//!
//! [`cron`] says when an expression fires: pure, no I/O.

pub mod cron;
