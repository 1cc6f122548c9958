//! The API's documents as the commands read them. What a newer daemon adds is passed over; payloads and results stay text.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::job::State;

/// A job, in whichever of the API's forms: what a form leaves out is as if it were null.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    pub id: String,
    #[serde(rename = "type", default)]
    pub kind: String,
    pub queue: Option<String>,
    pub state: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub payload: Option<Box<RawValue>>,
    pub created_at: Option<String>,
    pub run_at: Option<String>,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    #[serde(default)]
    pub attempt: u32,
    #[serde(default)]
    pub max_retries: u32,
    pub result: Option<Box<RawValue>>,
    pub error: Option<JobError>,
    pub progress: Option<Progress>,
    pub retry_of: Option<String>,
    pub retried_as: Option<String>,
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// Why a job or an attempt of it failed.
#[derive(Debug, Deserialize)]
pub(super) struct JobError {
    pub kind: String,
    #[serde(default)]
    pub message: String,
}

/// How far a job has come.
#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    pub done: Option<Box<RawValue>>,
    pub total: Option<Box<RawValue>>,
    pub note: Option<String>,
}

/// One attempt at a job.
#[derive(Debug, Deserialize)]
pub(super) struct Attempt {
    pub attempt: u32,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub outcome: String,
    pub error: Option<JobError>,
    #[serde(default)]
    pub node: String,
    #[serde(default)]
    pub log: Vec<String>,
}

impl Job {
    /// Whether it has ended; one in a state that we do not know has not.
    pub fn has_ended(&self) -> bool {
        self.known_state().is_some_and(State::is_ended)
    }

    /// Whether it has ended well.
    pub fn has_succeeded(&self) -> bool {
        self.known_state() == Some(State::Succeeded)
    }

    /// Its state, `-` while that is not known.
    pub fn state(&self) -> &str {
        self.state.as_deref().unwrap_or("-")
    }

    /// Its queue, `-` while that is not known.
    pub fn queue(&self) -> &str {
        self.queue.as_deref().unwrap_or("-")
    }

    fn known_state(&self) -> Option<State> {
        self.state.as_ref()?.parse().ok()
    }
}
