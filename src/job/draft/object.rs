//! An object that is read member by member: what is wrong with it is gathered, each thing where it stands.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields;
use super::strict::{Key, escaped};
use super::{NOTED_MAX, Sort, Wrong, Wrongs, fit};
use crate::near::near;

/// The longest name of an unknown field that is pointed at, in bytes; of a longer one its object is, and how it begins.
const NAME_BYTES_MAX: usize = 200;

/// An object that is being read.
pub struct Object<'e, 'w> {
    at: &'e str,
    members: Vec<(Cow<'e, str>, &'e RawValue)>,
    wrongs: &'w mut Wrongs,
}

impl<'e, 'w> Object<'e, 'w> {
    /// Opens `raw`, to which the pointer `at` leads; members that are not among `known` are wrong. `None`: it is no object,
    /// which is noted with the `form` it should have.
    pub fn open(
        raw: &'e RawValue,
        at: &'e str,
        form: &str,
        known: &[&str],
        wrongs: &'w mut Wrongs,
    ) -> Option<Self> {
        let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(raw.get()) else {
            let wrong = Wrong::new(at, format!("must be an object: {form}"));
            wrongs.push((Sort::Invalid, wrong));
            return None;
        };
        let mut object = Self {
            at,
            members,
            wrongs,
        };
        object.refuse_unknown(known);
        Some(object)
    }

    /// Notes that the member `field` (a pointer into the object) is wrong.
    pub fn wrong(&mut self, field: &str, detail: impl Into<String>) {
        self.wrong_of(Sort::Invalid, field, detail);
    }

    /// The same of another sort.
    pub fn wrong_of(&mut self, sort: Sort, field: &str, detail: impl Into<String>) {
        let pointer = format!("{}{field}", self.at);
        self.wrongs.push((sort, Wrong::new(pointer, detail)));
    }

    /// The wrong fields found so far, here and before.
    pub fn wrongs(&mut self) -> &mut Wrongs {
        self.wrongs
    }

    /// The value of a member, be it null; `None` when it is missing.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&'e RawValue> {
        let found = self.members.iter().find(|(key, _)| key == name);
        found.map(|(_, raw)| *raw)
    }

    /// The value of a member; `None` when it is missing or null.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&'e RawValue> {
        self.given(name).filter(|raw| raw.get() != "null")
    }

    /// A member as `read` reads it; `None` when it is missing, null or wrong.
    pub fn field<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&RawValue) -> Result<T, fields::Wrongs>,
    ) -> Option<T> {
        match read(self.member(name)?) {
            Ok(value) => Some(value),
            Err(wrongs) => {
                for (below, detail) in wrongs {
                    self.wrong(&format!("/{name}{below}"), detail);
                }
                None
            }
        }
    }

    fn refuse_unknown(&mut self, known: &[&str]) {
        let unknown: Vec<Cow<'e, str>> = self
            .members
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !known.contains(&name.as_ref()))
            .take(NOTED_MAX)
            .collect();
        for name in unknown {
            let (below, detail) = unknown_field(&name, known);
            self.wrong(&below, detail);
        }
    }
}

/// What is wrong with a member that is not among `known`: where in its object, and what may have been meant.
pub fn unknown_field(name: &str, known: &[&str]) -> (String, String) {
    let hint = near(name, known.iter().copied()).map_or_else(
        || format!("known are {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    if name.len() > NAME_BYTES_MAX {
        let begin = fit(name, 60);
        return (String::new(), format!("unknown field `{begin}`; {hint}"));
    }
    let below = format!("/{}", escaped(name));
    (below, format!("unknown field; {hint}"))
}

/// The members of an object, each value as it stands.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
