//! What a schedule is: when it fires, and what it makes; pure, no I/O, no clock.
//!
//! [`cron`] says when an expression fires, [`Definition`] is what somebody writes, [`Kept`] what the calendar keeps of it,
//! [`due()`] decides what becomes of the ticks up to now.

pub mod cron;
mod definition;
mod due;
mod kept;

pub use definition::{CatchUp, Definition, FIELDS, Overlap};
pub use due::{Due, LATE_MAX, Passing, Watch, due};
pub use kept::{Kept, Source};
