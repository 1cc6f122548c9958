//! What is known of one setting.

use super::{Config, mask};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the configuration file: `worker_count`.
    pub name: &'static str,
    /// What can be written, with the unit and the bounds.
    pub form: &'static str,
    /// What it is for, in a sentence.
    pub meaning: &'static str,
    /// A value other than the default, for the templates.
    pub example: &'static str,
    /// Whether it may hold a password. It can then also be read from a file or a credential, and is shown masked.
    pub secret: bool,
    /// Whether it may be empty, which then means: not set.
    pub(super) optional: bool,
    /// Puts the meaning of a text into a configuration. An error continues the sentence "`text` …".
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    /// The text that `set` would read as the present value; empty when it is not set.
    pub(super) show: fn(&Config) -> String,
}

impl Setting {
    /// Its name in the environment and in `.env`: `WORKERCOUNT`.
    #[must_use]
    pub fn variable(&self) -> String {
        self.name.replace('_', "").to_ascii_uppercase()
    }

    /// The text of its default; empty when it is not set by default.
    #[must_use]
    pub fn default_text(&self) -> String {
        (self.show)(&Config::default())
    }

    /// Its value for people, with what may be secret masked; empty when it is not set.
    pub(super) fn shown(&self, config: &Config) -> String {
        let text = (self.show)(config);
        if self.secret { mask::url(&text) } else { text }
    }

    /// Its other name in the environment: `WORKER_COUNT`.
    pub(super) fn long_variable(&self) -> String {
        self.name.to_ascii_uppercase()
    }
}
