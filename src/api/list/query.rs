//! The parameters of a list, each checked; all that is wrong is told at once.

use super::cursor::{Cursor, Seal, Stage};
use crate::api::checks::{Checks, instant, whole};
use crate::api::routes::Incoming;
use crate::job::{JobId, State, Timestamp, is_name};
use crate::near::near;
use crate::queue::Place;
use crate::storage::Filter;

/// How many jobs a page has, if nothing is said.
pub const LIMIT: usize = 50;

/// Most jobs of one page.
pub const LIMIT_MAX: usize = 1_000;

/// Longest tag that is looked for, in bytes; no job has a longer one.
const TAG_BYTES_MAX: usize = 255;

/// What `state` may be beside the states: any ended one, any live one.
const ENDED: &str = "ended";
const LIVE: &str = "live";

/// What `state` may be.
pub fn states() -> impl Iterator<Item = &'static str> {
    let states = State::ALL.into_iter().map(State::as_str);
    [ENDED, LIVE].into_iter().chain(states)
}

/// What is asked for.
pub struct Query {
    /// Of which jobs.
    pub which: Which,
    /// What must match. The state is here for ended jobs and for live ones alike.
    pub filter: Filter,
    /// How many a page holds.
    pub limit: usize,
    /// The list that its cursors are bound to.
    pub seal: Seal,
}

/// Jobs that have ended, or jobs that live; and after which one the page begins.
pub enum Which {
    /// Those that have ended: after this id.
    Ended(Option<JobId>),
    /// Those that live: in this line, after this place.
    Live(Option<(Stage, Place)>),
}

impl Query {
    /// Reads the parameters; or says, for each that is wrong, why.
    pub fn of(incoming: &Incoming<'_>) -> Result<Self, String> {
        let mut checks = Checks::of(incoming);
        let state = checks
            .value("state", state)
            .unwrap_or(Standing::Ended(None));
        let filter = Filter {
            state: state.of(),
            kind: checks.value("type", name),
            queue: checks.value("queue", name),
            tag: checks.value("tag", tag),
            since: checks.value("since", instant),
            until: checks.value("until", instant),
        };
        let limit = checks.value("limit", limit).unwrap_or(LIMIT);
        let seal = seal(state, &filter);
        let after = checks.value("after", |text| Cursor::read(text, &seal));
        let which = match (state, after) {
            (Standing::Ended(_), None) => Which::Ended(None),
            (Standing::Ended(_), Some(Cursor::Ended(id))) => Which::Ended(Some(id)),
            (Standing::Live(_), None) => Which::Live(None),
            (Standing::Live(_), Some(Cursor::Live(stage, place))) => {
                Which::Live(Some((stage, place)))
            }
            // The seal says the same list, so whoever wrote this did not take it from an answer.
            (_, Some(_)) => {
                checks.wrong("after", "is not a cursor; take it as it is from `next`");
                Which::Ended(None)
            }
        };
        checks.finish()?;
        Ok(Self {
            which,
            filter,
            limit,
            seal,
        })
    }
}

/// What `state` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Ended(Option<State>),
    Live(Option<State>),
}

impl Standing {
    fn of(self) -> Option<State> {
        let (Self::Ended(state) | Self::Live(state)) = self;
        state
    }
}

/// Stands for the list: what is asked for, however it is written.
fn seal(state: Standing, filter: &Filter) -> Seal {
    let state = match state {
        Standing::Ended(None) => ENDED,
        Standing::Live(None) => LIVE,
        Standing::Ended(Some(state)) | Standing::Live(Some(state)) => state.as_str(),
    };
    let micros = |at: Option<Timestamp>| at.map(|at| at.as_micros().to_string());
    Seal::of(&[
        Some(state),
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        filter.tag.as_deref(),
        micros(filter.since).as_deref(),
        micros(filter.until).as_deref(),
    ])
}

fn state(text: &str) -> Result<Standing, String> {
    match text {
        ENDED => return Ok(Standing::Ended(None)),
        LIVE => return Ok(Standing::Live(None)),
        _ => {}
    }
    match text.parse::<State>() {
        Ok(state) if state.is_ended() => Ok(Standing::Ended(Some(state))),
        Ok(state) => Ok(Standing::Live(Some(state))),
        Err(_) => Err(match near(text, states()) {
            Some(near) => format!("is no state; did you mean `{near}`?"),
            None => {
                let known: Vec<_> = states().collect();
                format!("is no state; known are: {}", known.join(", "))
            }
        }),
    }
}

fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err(
        "is no name: 1 to 64 of a-z, A-Z, 0-9, `_`, `.` and `-`, beginning with a letter or a digit"
            .to_owned(),
    )
}

fn tag(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > TAG_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!(
            "is no tag: 1 to {TAG_BYTES_MAX} bytes without control characters"
        ));
    }
    Ok(text.to_owned())
}

fn limit(text: &str) -> Result<usize, String> {
    whole(text, LIMIT_MAX)
        .ok_or_else(|| format!("is no number of 1 to {LIMIT_MAX}; more come page by page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(parameters: &[(&str, &str)]) -> Result<Query, String> {
        let incoming = Incoming {
            segments: Vec::new(),
            query: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: &[],
            body: &[],
        };
        Query::of(&incoming)
    }

    #[test]
    fn without_parameters_ended_jobs_are_asked_for() {
        let query = query(&[]).expect("a query");
        assert!(matches!(query.which, Which::Ended(None)));
        assert_eq!((query.filter, query.limit), (Filter::default(), LIMIT));
    }

    #[test]
    fn every_state_is_known_as_live_or_ended() {
        for name in states() {
            let query = query(&[("state", name)]).expect("a state");
            let state = name.parse::<State>().ok();
            let live = state.map_or(name == LIVE, |state| !state.is_ended());
            assert_eq!(matches!(query.which, Which::Live(_)), live, "{name}");
            assert_eq!(query.filter.state, state);
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_what_would_do() {
        let wrong = query(&[
            ("state", "deed"),
            ("type", "a b"),
            ("tag", ""),
            ("since", "yesterday"),
            ("until", "2026-11-24T07:42:06 01:00"),
            ("limit", "0"),
            ("after", "x"),
        ]);
        let Err(wrong) = wrong else {
            panic!("nothing of it is right");
        };
        for (name, what) in [
            ("state", "did you mean `dead`?"),
            ("type", "is no name"),
            ("tag", "is no tag"),
            ("since", "RFC 3339"),
            ("until", "%2B"),
            ("limit", "1 to 1000"),
            ("after", "from `next`"),
        ] {
            let told = wrong
                .split("; query")
                .find(|part| part.contains(&format!("`{name}`")));
            assert!(
                told.is_some_and(|told| told.contains(what)),
                "{name}: {wrong}"
            );
        }
        let Err(wrong) = query(&[("state", "no such thing")]) else {
            panic!("it is no state");
        };
        assert!(wrong.contains("ended, live, scheduled"), "{wrong}");
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_however_that_is_written() {
        let id = JobId::mint(Timestamp::from_micros(1_795_000_000_000_000), 7);
        let first = query(&[("since", "2026-11-24T07:42:06Z")]).expect("a query");
        let cursor = Cursor::Ended(id).written(&first.seal);
        let again = [
            ("state", "ended"),
            ("since", "2026-11-24T08:42:06.000+01:00"),
            ("limit", "7"),
            ("after", &cursor),
        ];
        let again = query(&again).expect("the same list");
        assert!(matches!(again.which, Which::Ended(Some(after)) if after == id));
        for other in [("type", "noop"), ("state", "dead"), ("state", "live")] {
            let refused = query(&[("since", "2026-11-24T07:42:06Z"), other, ("after", &cursor)]);
            let refused = refused.err().expect("another list");
            assert!(refused.contains("`after` is of another list"), "{refused}");
        }
        let live = query(&[("state", "live")]).expect("a query");
        let forged = Cursor::Ended(id).written(&live.seal);
        assert!(query(&[("state", "live"), ("after", &forged)]).is_err());
    }
}
