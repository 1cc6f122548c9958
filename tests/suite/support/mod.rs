//! What the tests stand on: servers, benches, the program as a child, and ways to wait.

pub mod children;
pub mod daemon;
pub mod http;
pub mod mime;
pub mod servers;
pub mod smtp;
pub mod wait;
