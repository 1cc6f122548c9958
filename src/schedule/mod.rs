//! What a schedule is: when it fires, and what it makes; pure, no I/O, no clock.
//!
//! [`cron`] says when an expression fires.

pub mod cron;
