//! What happened in the scripts, so that it can be told whether they went everywhere.

use std::collections::BTreeMap;

/// What happened, by name, and how often.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, usize>);

impl Seen {
    pub fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        for (what, times) in other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    pub fn has(&self, what: &str) -> bool {
        self.0.contains_key(what)
    }
}
