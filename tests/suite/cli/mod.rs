//! The client commands as their users run them: in scripts, and on terminals.
//!
//! - `operator`: runs commands against a daemon. `mask`: what differs from run to run, made the same.
//! - `submit`, `load`: jobs from flags, documents and files with a job a line. `jobs`, `list`: what became of them.
//! - `queues`, `schedules`, `overview`: what else a daemon knows and does.
//! - `redis`: all of it on the other engine. `readme`: the README's
//!   commands, run as they stand there.
//! - `terminal`: colours, widths, questions, and what no job may do to its operator's screen.
//! - `trouble`: no daemon, another server, wrong settings, and readers that go away.

mod jobs;
mod list;
mod load;
mod mask;
mod operator;
mod overview;
mod queues;
mod readme;
mod redis;
mod schedules;
mod submit;
mod terminal;
mod trouble;
