//! How a command ends.

use std::process::ExitCode;

/// How a command ends, as its exit code tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Fine = 0,
    /// It failed; the message says why.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// The daemon is broken inside; a new one may do better (EX_SOFTWARE).
    Broken = 70,
    /// The configuration is wrong; starting again does not help (EX_CONFIG).
    Configuration = 78,
}

impl Exit {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
