//! Where a page ended, as text that a client brings back: opaque to it, checked here, and good for the same list only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::job::{JobId, State, is_name};
use crate::queue::{Line, Place};

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// After this id.
    Ended(JobId),
    /// In this line, after this place.
    Live(Stage, Place),
}

/// The lines of live jobs in the order in which they are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Jobs that run.
    Running,
    /// Jobs of a queue that are ready; first the suspects (`false`), then the others.
    Queued(String, bool),
    /// Jobs that wait for their time.
    Waiting,
}

impl Stage {
    /// The line, of one queue and in one state if they are asked for.
    pub fn line<'a>(&'a self, queue: Option<&'a str>, state: Option<State>) -> Line<'a> {
        match self {
            Self::Running => Line::Running(queue),
            Self::Queued(name, false) => Line::Suspects(name),
            Self::Queued(name, true) => Line::Ready(name),
            Self::Waiting => Line::Waiting(queue, state),
        }
    }
}

/// Stands for all that makes a list the one it is; a cursor is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal(String);

impl Seal {
    /// The seal of a list that is asked for by these words, in this order.
    pub fn of(words: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        for word in words {
            hash.update([u8::from(word.is_some())]);
            hash.update(word.unwrap_or_default().as_bytes());
            hash.update([0]);
        }
        let seal = hash.finalize();
        Self(seal[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Cursor {
    /// The cursor as text.
    pub fn written(&self, seal: &Seal) -> String {
        let Seal(seal) = seal;
        let text = match self {
            Self::Ended(id) => format!("e {seal} {id}"),
            Self::Live(stage, Place { at, id, n }) => {
                let (letter, queue) = match stage {
                    Stage::Running => ('r', ""),
                    Stage::Queued(queue, false) => ('s', queue.as_str()),
                    Stage::Queued(queue, true) => ('q', queue.as_str()),
                    Stage::Waiting => ('w', ""),
                };
                format!("{letter} {seal} {id} {at} {n} {queue}")
            }
        };
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads a cursor of the list with this seal.
    pub fn read(text: &str, seal: &Seal) -> Result<Self, String> {
        let (theirs, cursor) = Self::parse(text)
            .ok_or("is not a cursor; take it as it is from `next` of the page before")?;
        if theirs != *seal {
            return Err(
                "is of another list: state, type, queue, tag, since and until have to be those of \
                 the page that it came with"
                    .to_owned(),
            );
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<(Seal, Self)> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let words: Vec<&str> = text.split(' ').collect();
        let cursor = match words[..] {
            ["e", _, id] => Self::Ended(id.parse().ok()?),
            [letter, _, id, at, n, queue] => {
                let stage = match (letter, queue) {
                    ("r", "") => Stage::Running,
                    ("w", "") => Stage::Waiting,
                    ("s", queue) if is_name(queue) => Stage::Queued(queue.to_owned(), false),
                    ("q", queue) if is_name(queue) => Stage::Queued(queue.to_owned(), true),
                    _ => return None,
                };
                let place = Place {
                    at: at.parse().ok()?,
                    id: id.parse().ok()?,
                    n: n.parse().ok()?,
                };
                Self::Live(stage, place)
            }
            _ => return None,
        };
        Some((Seal((*words.get(1)?).to_owned()), cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    #[test]
    fn a_cursor_survives_its_text_and_is_bound_to_its_list() {
        let id = JobId::mint(Timestamp::from_micros(1_795_000_000_000_000), 7);
        let place = Place { at: -5, id, n: 3 };
        let seal = Seal::of(&[Some("dead"), None]);
        let other = Seal::of(&[None, Some("dead")]);
        for cursor in [
            Cursor::Ended(id),
            Cursor::Live(Stage::Running, place),
            Cursor::Live(Stage::Queued("a.b-c".to_owned(), false), place),
            Cursor::Live(Stage::Queued("q".to_owned(), true), place),
            Cursor::Live(Stage::Waiting, place),
        ] {
            let text = cursor.written(&seal);
            assert_eq!(Cursor::read(&text, &seal), Ok(cursor));
            let refused = Cursor::read(&text, &other).expect_err("another list");
            assert!(refused.contains("another list"), "{refused}");
            for wrong in [&text[1..], &text[..text.len() - 2], "", "nonsense", "ü"] {
                assert!(Cursor::read(wrong, &seal).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn the_lines_are_listed_in_the_order_of_their_stages() {
        let queued = |name: &str, ready| Stage::Queued(name.to_owned(), ready);
        let stages = [
            Stage::Running,
            queued("a", false),
            queued("a", true),
            queued("b", false),
            queued("b", true),
            Stage::Waiting,
        ];
        assert!(stages.is_sorted());
    }
}
