//! Sends one submission, and repeats it under the same Idempotency-Key for as long as that may help.

use std::fmt;
use std::time::{Duration, Instant};

use crate::cli::client::trouble::Trouble;
use crate::cli::client::{Answer, Asked};
use crate::cli::session::Session;
use crate::threads::pause;

/// For how long one submission is repeated: a daemon that is being restarted is back by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pauses between two tries where the daemon names none.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is worth a second try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Only a submission of which it is unknown whether it was accepted.
    Unknown,
    /// Also one that was refused for a reason that passes: much depends on it.
    WhateverMayPass,
}

/// Why a submission was given up.
#[derive(Debug)]
pub(super) struct GivenUp {
    /// What the last try came to.
    pub trouble: Trouble,
    /// Whether one of the tries may have been accepted all the same.
    pub is_unknown: bool,
}

/// One submission.
pub(super) struct Submission<'a> {
    /// The jobs.
    pub body: &'a str,
    /// The name under which they are accepted once.
    pub key: &'a str,
    /// How long the answer may wait for the end of the job.
    pub wait: Duration,
    /// What is worth a second try.
    pub repeat: Repeat,
}

impl Submission<'_> {
    /// Sends it. `say` is told of every repetition.
    pub fn send(
        &self,
        session: &Session,
        say: impl Fn(&dyn fmt::Display),
    ) -> Result<Answer, GivenUp> {
        let began = Instant::now();
        let mut is_unknown = false;
        let mut usual = PAUSE_MIN;
        loop {
            let mut asked = Asked::post(&["submit"])
                .body(self.body)
                .header("Idempotency-Key", self.key);
            if !self.wait.is_zero() {
                asked = asked.waiting(self.wait);
            }
            let trouble = match session.client.ask(&asked) {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            is_unknown |= trouble.is_unknown();
            let asked_for = trouble.refusal().and_then(|refusal| refusal.retry_after);
            let length = asked_for.unwrap_or(usual);
            // Once a try may have been accepted, only an answer tells, whatever becomes of the tries after it.
            let helps = trouble.is_unknown()
                || (trouble.may_pass() && (is_unknown || self.repeat == Repeat::WhateverMayPass));
            if !helps || began.elapsed() + length > PATIENCE {
                return Err(GivenUp {
                    trouble,
                    is_unknown,
                });
            }
            say(&format_args!(
                "{trouble}\n  trying again, under the same Idempotency-Key"
            ));
            pause(length);
            usual = (usual * 2).min(PAUSE_MAX);
        }
    }
}

/// A key that nobody has used.
pub(super) fn fresh_key() -> String {
    format!("cli-{:032x}", fastrand::u128(..))
}
