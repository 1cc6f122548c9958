//! The built program, started as it would be on a host.

mod config;
mod email;
