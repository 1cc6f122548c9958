//! A walk over JSON that finds what parsers let pass: keys that stand twice, and strings with U+0000.
//!
//! Of two equal keys each program takes another one, so that what was checked would not be what is run; U+0000 is what
//! PostgreSQL's jsonb refuses.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{NOTED_MAX, Wrong};

/// The longest pointer, in bytes. What lies deeper is told by the value around it: a body may have a key of megabytes, and
/// a million wrong strings beneath it.
const POINTER_BYTES_MAX: usize = 300;

/// Why a text is no JSON that we can keep, and in which value.
#[derive(Debug)]
pub struct Unkept {
    pointer: String,
    cause: serde_json::Error,
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        write!(f, "{}", self.cause)
    }
}

/// Walks over `json`, which is valid but for what is found; pointers begin with `at`.
///
/// # Errors
///
/// What makes it no JSON that we can keep: a number beyond all bounds, half a surrogate pair, nesting too deep.
pub fn walk(json: &str, at: &str, wrongs: &mut Vec<Wrong>) -> Result<(), Unkept> {
    let mut walk = Walk {
        at,
        path: Vec::new(),
        wrongs,
        noted: 0,
    };
    let mut json = serde_json::Deserializer::from_str(json);
    let walked = (&mut walk).deserialize(&mut json);
    walked.and_then(|()| json.end()).map_err(|cause| Unkept {
        pointer: walk.pointer(),
        cause,
    })
}

/// `name` as a segment of a JSON Pointer (RFC 6901).
#[must_use]
pub fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

enum Segment<'de> {
    Key(Cow<'de, str>),
    Index(usize),
}

struct Walk<'w, 'de> {
    at: &'w str,
    path: Vec<Segment<'de>>,
    wrongs: &'w mut Vec<Wrong>,
    noted: usize,
}

impl Walk<'_, '_> {
    fn wrong(&mut self, detail: &str) {
        if self.noted < NOTED_MAX {
            self.noted += 1;
            self.wrongs.push(Wrong::new(self.pointer(), detail));
        }
    }

    /// Where the walk is.
    fn pointer(&self) -> String {
        let mut pointer = self.at.to_owned();
        for segment in &self.path {
            let segment = match segment {
                Segment::Key(key) => escaped(key),
                Segment::Index(index) => Cow::Owned(index.to_string()),
            };
            if pointer.len() + segment.len() >= POINTER_BYTES_MAX {
                break;
            }
            pointer.push('/');
            pointer.push_str(&segment);
        }
        pointer
    }

    fn look_at(&mut self, text: &str) {
        if text.contains('\0') {
            self.wrong("holds U+0000, which no text may hold");
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.look_at(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for index in 0.. {
            self.path.push(Segment::Index(index));
            let more = seq.next_element_seed(&mut *self)?;
            self.path.pop();
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        let depth = self.path.len();
        loop {
            // Where no key follows, the path still leads to the member before: the nearest place that has a name.
            let next = map.next_key()?;
            self.path.truncate(depth);
            let Some(Key(key)) = next else {
                return Ok(());
            };
            let is_new = seen.add(key.clone());
            self.path.push(Segment::Key(key.clone()));
            self.look_at(&key);
            if !is_new {
                self.wrong("stands twice in its object");
            }
            map.next_value_seed(&mut *self)?;
        }
    }
}

/// The keys of one object so far. Most objects have few, for which a list is quicker than a set.
#[derive(Default)]
struct Seen<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Seen<'de> {
    const FEW: usize = 16;

    /// Adds a key; tells whether it is new.
    fn add(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

/// A key, borrowed from the text where it stands there without escapes.
pub struct Key<'de>(pub Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pointers(json: &str) -> Vec<String> {
        let mut wrongs = Vec::new();
        walk(json, "/3", &mut wrongs).expect("JSON that can be kept");
        wrongs.into_iter().map(|w| w.pointer).collect()
    }

    #[test]
    fn doubled_keys_and_nul_are_found_wherever_they_are() {
        assert_eq!(pointers(r#"{"a": 1, "b": [{"a": 1, "c": "x"}]}"#), [""; 0]);
        assert_eq!(
            pointers(r#"{"a": 1, "b": [0, {"x/y": 1, "x\/y": "\u0000"}], "a": 2}"#),
            ["/3/b/1/x~1y", "/3/b/1/x~1y", "/3/a"]
        );
        assert_eq!(pointers(r#"{"\u0000": 1}"#).len(), 1);
        assert_eq!(pointers(r#""a\u0000""#), ["/3"]);
    }

    #[test]
    fn what_cannot_be_kept_is_an_error() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for json in [deep.as_str(), "1e999", r#""\ud800""#] {
            assert!(walk(json, "", &mut Vec::new()).is_err(), "{json:.20}");
        }
        for (json, place) in [
            (
                r#"{"a": 1, "b": {"c": 1e999}}"#,
                "/b/c: number out of range",
            ),
            (r#"{"a": 1_0}"#, "/a: expected `,` or `}`"),
            (r#"{"a": {"b": 1}, "c"}"#, "/c: expected `:`"),
            (r#"{"a": [0, NaN]}"#, "/a/1: expected value"),
            ("NaN", "expected value"),
        ] {
            let unkept = walk(json, "", &mut Vec::new()).expect_err("no JSON");
            let told = unkept.to_string();
            assert!(told.starts_with(place), "{json}: {told}");
        }
    }

    #[test]
    fn what_is_noted_is_bounded_in_number_and_length() {
        let key = "k".repeat(10_000);
        let many = vec![r#""\u0000""#; 1_000].join(",");
        let found = pointers(&format!(r#"{{"a": {{"{key}": [{many}]}}}}"#));
        assert_eq!(found, vec!["/3/a"; NOTED_MAX]);
    }

    proptest! {
        /// A set of many keys is another code path than a list of few; both must count alike.
        #[test]
        fn exactly_the_doubled_keys_are_found(keys in proptest::collection::vec(0u8..60, 0..80)) {
            let members: Vec<String> = keys.iter().map(|k| format!("\"k{k}\":{k}")).collect();
            let distinct: HashSet<_> = keys.iter().collect();
            let found = pointers(&format!("{{{}}}", members.join(",")));
            prop_assert_eq!(found.len(), keys.len() - distinct.len());
        }
    }
}
