//! The client commands as their users run them: in scripts, and on terminals.
//!
//! - `operator`: runs commands against a daemon. `mask`: what differs from run to run, made the same.
//! - `submit`, `load`: jobs from flags, documents and files with a job a line. `jobs`: what became of them.
//! - `terminal`: colours, widths, questions, and what no job may do to its operator's screen.
//! - `trouble`: no daemon, another server, wrong settings, and readers that go away.

mod jobs;
mod load;
mod mask;
mod operator;
mod submit;
mod terminal;
mod trouble;
