//! The suite: everything that is tested from outside, in one binary, since linking is what costs time.
//!
//! - `contract`: the guarantees Q1 … Q14 and S1 … S6, each against every engine.
//! - `protocol`: every history of a small world, searched through: the rules themselves, not the engines.
//! - `property`: random scripts of queue calls against a model of the queue, and against every engine.
//! - `tidy`: rules about the sources themselves (who imports whom, how long files are, which licences).
//! - `cli`: the client commands, against daemons, against servers that are none, and on terminals.
//! - `command`: job types that run a program, through the built program.
//! - `cron`: when cron entries fire, compared with other implementations.
//! - `data`: the data handler on files and rows, and on SQL that means no good.
//! - `email`: the email handler against a mail server, on its good and its bad days.
//! - `image`: the image handler on pictures of every kind, and on files that are none.
//! - `queue_redis`: what only Redis can do wrong: scripts forgotten, servers that hang, a full memory.
//! - `readme`: the README's tables and commands, compared with the code.
//! - `scheduler`: schedulers on an engine whose clock only the test moves.
//! - `storage_postgres`: what only PostgreSQL can do wrong: partitions that come and go, servers that stop in mid-call.
//! - `library`: a program that has the daemon in itself: its own types, submitting and asking without HTTP.
//! - `process`: the built program as a child process, with real servers.
//! - `webhook`: job types that post to a URL, through the built program, against a server of the test's.
//! - `worker`: the worker on the embedded engine, with handlers that behave and handlers that do not.
//! - `http`: the API in the test's own process, every route and refusal.
//! - `support`: private servers, the bench that drives an engine, the program under test as a child process.
//!
//! One test or one theme: `cargo test --test suite contract::redis::lease`. Everything needs `redis-server` (7.0 or
//! newer), PostgreSQL's server programs and Python 3 (with venv) on this machine; each test process starts its own servers,
//! in temporary folders, and none touches a server that runs already. What is missing fails the test, with the command
//! that installs it.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod command;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod cron;
#[cfg(test)]
mod data;
#[cfg(test)]
mod email;
#[cfg(test)]
mod http;
#[cfg(test)]
mod image;
#[cfg(test)]
mod library;
#[cfg(test)]
mod process;
#[cfg(test)]
mod property;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod queue_redis;
mod readme;
#[cfg(test)]
mod scheduler;
#[cfg(test)]
mod storage_postgres;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod webhook;
#[cfg(test)]
mod worker;
