//! The life cycle of a job, as one table from which every engine decides.
//!
//! ```text
//!   submit ─▶ queued ──reserve──▶ running ──▶ succeeded
//!     │        ▲  │                │ │ └────▶ dead (no retry left, or a permanent failure)
//!     ▼ later  │  │ cancel, expire │ └──────▶ quarantined (it keeps killing its process)
//!   scheduled ─┘  ▼                │
//!     ▲   cancelled · expired ◀────┤ cancel
//!     └────────── retrying ◀───────┘ failed, retries left
//! ```
//!
//! A job that waits for its time (scheduled, retrying) can be cancelled and can expire as a queued one can. A running
//! job that is given back early (a release) is queued again, or scheduled when it is to come back later.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for its time; it has not failed.
    Scheduled,
    /// Stands in its queue's line, ready to run.
    Queued,
    /// Lent to a worker.
    Running,
    /// Failed, and waits for its next attempt.
    Retrying,
    /// Ended well.
    Succeeded,
    /// Ended badly: no retry was left, or the failure was permanent.
    Dead,
    /// Ended because somebody asked for it.
    Cancelled,
    /// Ended because it had not begun in the time it was given.
    Expired,
    /// Ended because the process that ran it died too often.
    Quarantined,
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It is accepted, to run now.
    Submit,
    /// It is accepted, to run later.
    SubmitLater,
    /// Its time has come.
    Due,
    /// It is lent to a worker.
    Reserve,
    /// Its attempt succeeded.
    Succeed,
    /// Its attempt failed and it has retries left.
    Fail,
    /// Its attempt failed for good.
    FailForGood,
    /// Its worker gave it back, uncounted.
    Release,
    /// Its worker gave it back, uncounted, not to be tried again before a while.
    ReleaseLater,
    /// Its lease ran out: the worker is taken for dead.
    Lapse,
    /// Its lease ran out once too often.
    LapseForGood,
    /// Somebody asked for its end. For a running job: its worker has stopped it.
    Cancel,
    /// The time in which it should have begun is over.
    Expire,
}

/// Every move there is: from where (nowhere, for a new job), by what, to where. What is not here does not happen.
pub const MOVES: &[(Option<State>, Event, State)] = &[
    (None, Event::Submit, State::Queued),
    (None, Event::SubmitLater, State::Scheduled),
    (Some(State::Scheduled), Event::Due, State::Queued),
    (Some(State::Retrying), Event::Due, State::Queued),
    (Some(State::Queued), Event::Reserve, State::Running),
    (Some(State::Running), Event::Succeed, State::Succeeded),
    (Some(State::Running), Event::Fail, State::Retrying),
    (Some(State::Running), Event::FailForGood, State::Dead),
    (Some(State::Running), Event::Release, State::Queued),
    (Some(State::Running), Event::ReleaseLater, State::Scheduled),
    (Some(State::Running), Event::Lapse, State::Queued),
    (
        Some(State::Running),
        Event::LapseForGood,
        State::Quarantined,
    ),
    (Some(State::Running), Event::Cancel, State::Cancelled),
    (Some(State::Scheduled), Event::Cancel, State::Cancelled),
    (Some(State::Queued), Event::Cancel, State::Cancelled),
    (Some(State::Retrying), Event::Cancel, State::Cancelled),
    (Some(State::Scheduled), Event::Expire, State::Expired),
    (Some(State::Queued), Event::Expire, State::Expired),
    (Some(State::Retrying), Event::Expire, State::Expired),
];

impl State {
    /// All states, live ones first.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Succeeded,
        Self::Dead,
        Self::Cancelled,
        Self::Expired,
        Self::Quarantined,
    ];

    /// Where `event` leads from `from` (`None`: the job is new); `None` when it does not apply there.
    ///
    /// ```
    /// use windlass::job::{Event, State};
    /// assert_eq!(State::after(Some(State::Running), Event::Succeed), Some(State::Succeeded));
    /// assert_eq!(State::after(Some(State::Succeeded), Event::Cancel), None); // ended is final
    /// ```
    #[must_use]
    pub fn after(from: Option<Self>, event: Event) -> Option<Self> {
        MOVES
            .iter()
            .find(|(state, by, _)| *state == from && *by == event)
            .map(|(_, _, to)| *to)
    }

    /// Whether the job has ended; an ended job never lives again under the same id.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Dead | Self::Cancelled | Self::Expired | Self::Quarantined
        )
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state of a job")]
pub struct NotAState(pub String);

impl FromStr for State {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| NotAState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_is_final_and_every_live_state_has_a_way_on() {
        for state in State::ALL {
            let ways = MOVES
                .iter()
                .filter(|(from, ..)| *from == Some(state))
                .count();
            assert_eq!(ways == 0, state.is_ended(), "{state}: {ways} ways on");
        }
    }

    #[test]
    fn no_event_leads_to_two_places() {
        for (i, (from, by, _)) in MOVES.iter().enumerate() {
            assert!(
                !MOVES[..i].iter().any(|(f, b, _)| f == from && b == by),
                "{from:?} by {by:?} stands twice"
            );
        }
    }

    #[test]
    fn every_state_can_be_reached() {
        let mut seen: Vec<State> = MOVES
            .iter()
            .filter(|(from, ..)| from.is_none())
            .map(|m| m.2)
            .collect();
        for _ in State::ALL {
            for (from, _, to) in MOVES {
                if from.is_some_and(|f| seen.contains(&f)) && !seen.contains(to) {
                    seen.push(*to);
                }
            }
        }
        assert_eq!(seen.len(), State::ALL.len(), "reached: {seen:?}");
    }

    /// The drawing names each state and the events by which a job ends; it would be wrong if one were missing.
    #[test]
    fn the_drawing_names_every_state_of_the_table() {
        let source = include_str!("state.rs");
        let drawing: String = source
            .lines()
            .skip_while(|l| *l != "//! ```text")
            .skip(1)
            .take_while(|l| *l != "//! ```")
            .collect();
        for state in State::ALL {
            assert!(
                drawing.contains(state.as_str()),
                "the drawing does not show {state}"
            );
        }
        for word in [
            "submit",
            "later",
            "reserve",
            "cancel",
            "expire",
            "failed",
            "no retry left",
            "killing",
        ] {
            assert!(drawing.contains(word), "the drawing does not show `{word}`");
        }
    }
}
