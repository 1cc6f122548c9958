//! What a job is and every decision about it: pure, no I/O, no clock, no chance.
//!
//! - [`JobId`], [`Ticket`]: names. [`Timestamp`]: instants on an engine's clock.
//! - [`Job`]: what was accepted. [`Live`] and [`Record`]: how it stands while it lives and once it has ended. [`Summary`]:
//!   what lists tell of either.
//! - [`State`] and [`MOVES`]: the life cycle. [`retry`]: when to try again. [`judge`]: what follows from an attempt.
//! - `draft`: a job as somebody asks for it. [`NewJob`]: one that a program asks for. [`duration`]: lengths of time as people write them.
//!
//! This module knows no other of the house but the one that says which known name is near to another.

mod attempt;
mod body;
pub(crate) mod draft;
pub mod duration;
mod id;
mod new;
mod record;
pub mod retry;
mod state;
mod summary;
mod time;
mod verdict;

pub(crate) use attempt::fit;
pub use attempt::{Attempt, ErrorKind, JobError, Outcome, Progress};
pub use body::{Job, QUEUE_NAME_MAX, TYPE_NAME_MAX, is_name};
pub use id::{JobId, NotAJobId, NotATicket, Ticket};
pub use new::NewJob;
pub use record::{Found, Live, Record};
pub use retry::Backoff;
pub use state::{Event, MOVES, NotAState, State};
pub use summary::Summary;
pub use time::Timestamp;
pub use verdict::{Failure, Verdict, judge};
