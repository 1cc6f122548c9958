//! What the tests stand on: servers, benches, the program as a child, and ways to wait.

pub mod bench;
pub mod children;
pub mod daemon;
pub mod engines;
pub mod flaky;
pub mod hooks;
pub mod http;
pub mod mime;
pub mod openapi;
pub mod python;
pub mod run;
pub mod servers;
pub mod shelf;
pub mod smtp;
pub mod wait;
