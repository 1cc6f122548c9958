//! Where settings may be written; the one door to the process' environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Config;

/// The configuration file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "/etc/windlass/windlass.toml";

/// The variable that names the configuration file.
pub(super) const FILE_VARIABLE: &str = "WINDLASS_CONFIG";

/// The sources of one load, strongest first.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The variables of the environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// The `.env` file, read if it is there; `None`: not looked for.
    pub dot_env: Option<PathBuf>,
    /// The configuration file that the command line names. It must be there.
    pub file: Option<PathBuf>,
    /// The file that is read, if it is there, when neither the command line nor `WINDLASS_CONFIG` names one
    /// (an empty `WINDLASS_CONFIG` means: no file); `None`: not looked for.
    pub default_file: Option<PathBuf>,
    /// What holds for whatever is written nowhere.
    pub defaults: Config,
}

impl Sources {
    /// No source at all but the defaults; for tests and embedding programs, which add what they need.
    #[must_use]
    pub fn none() -> Self {
        Self {
            environment: BTreeMap::new(),
            dot_env: None,
            file: None,
            default_file: None,
            defaults: Config::default(),
        }
    }

    /// The sources of this process: its environment, `.env` in its working directory, and `file`, or else the file
    /// that `WINDLASS_CONFIG` names, or else [`DEFAULT_FILE`].
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self {
            environment: std::env::vars_os().collect(),
            dot_env: Some(PathBuf::from(".env")),
            file,
            default_file: Some(PathBuf::from(DEFAULT_FILE)),
            defaults: Config::default(),
        }
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(variable.into(), value.into());
        self
    }

    /// The value of a variable of the environment, unless it is empty.
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment
            .get(std::ffi::OsStr::new(name))
            .filter(|value| !value.is_empty())
    }
}

/// A variable of the process' environment that is no setting but what a supervisor tells, such as `JOURNAL_STREAM`.
#[must_use]
pub fn process_variable(name: &str) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one door to the environment"
    )]
    std::env::var_os(name)
}
