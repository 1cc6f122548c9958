//! Schedules: the `[[schedule]]` entries of the configuration file, each a job and when it is submitted.
//!
//! An entry is read as the body of `PUT /schedules/{name}` is, by the same reader, and all that is wrong is reported with its
//! line, together with the other problems of the file. Whether its job's type takes the payload is looked at when the
//! handlers are known (`terms`).

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

use super::entries::{Found, Listed, read_all};
use super::file::{Member, Members, Node, Tree};
use super::parse;
use super::problem::{Place, Problem, quoted};
use crate::clock::{Clock, SystemClock};
use crate::job::draft::{Looked, Refused, Rules, Types, Wrong};
use crate::schedule::Definition;

/// A schedule that an entry of the file describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name, which is no other schedule's.
    pub name: String,
    /// Where the entry stands.
    pub place: Place,
    /// What it does and when.
    pub definition: Definition,
    /// The lines of all that stands in the entry, by the JSON Pointers to it.
    lines: BTreeMap<String, usize>,
}

impl Schedule {
    /// A schedule that stands in no file, for programs that make their configuration themselves.
    #[must_use]
    pub fn new(name: &str, definition: Definition) -> Self {
        Self {
            name: name.to_owned(),
            place: Place::Default,
            definition,
            lines: BTreeMap::new(),
        }
    }

    /// What is wrong with the schedule, where it stands in the file.
    #[must_use]
    pub fn problem(&self, wrong: &Wrong) -> Problem {
        let place = match &self.place {
            Place::File { path, line } => Place::File {
                path: path.clone(),
                line: line_of(&self.lines, &wrong.pointer).unwrap_or(*line),
            },
            other => other.clone(),
        };
        Problem::new(place, said(wrong))
    }
}

impl Listed for Schedule {
    const HEAD: &'static str = "schedule";

    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let definition = &self.definition;
        vec![
            ("cron", definition.rule.cron.to_string()),
            ("time_zone", definition.rule.zone.to_string()),
            ("job", definition.job.get().to_owned()),
            ("catch_up", definition.catch_up.to_string()),
            ("overlap", definition.overlap.to_string()),
            ("enabled", definition.enabled.to_string()),
        ]
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.definition == other.definition
    }
}

/// Reads all entries, the value of the file's key `schedule`.
pub(super) fn read(schedules: Node, found: &mut Found<'_>) -> Vec<Schedule> {
    read_all(schedules, found, read_one)
}

fn read_one(line: usize, mut members: Members, found: &mut Found<'_>) -> Option<Schedule> {
    let name = name(line, &mut members, found);
    let node = Node {
        line,
        tree: Tree::Table(members),
    };
    let raw = node.json().and_then(|value| {
        let raw = to_raw_value(&value);
        raw.map_err(|err| (line, format!("cannot be written as JSON: {err}")))
    });
    let raw = raw
        .map_err(|(line, what)| found.wrong(line, format!("the schedule {what}")))
        .ok()?;
    let lines = lines(&node);
    let definition = definition(&raw, line, &lines, found);
    Some(Schedule {
        name: name?,
        place: found.place(line),
        definition: definition?,
        lines,
    })
}

/// Takes the name out of the members.
fn name(line: usize, members: &mut Members, found: &mut Found<'_>) -> Option<String> {
    let Some(at) = members.iter().position(|member| member.key == "name") else {
        found.wrong(line, "the entry of a schedule has no `name`");
        return None;
    };
    let Member { line, value, .. } = members.remove(at);
    let Tree::Text(text) = value.tree else {
        found.wrong(line, "name: is not a text in quotes");
        return None;
    };
    parse::name(&text)
        .map_err(|what| found.wrong(line, format!("name: {} {what}", quoted(&text))))
        .ok()
}

/// Reads the rest, but for what only the type of the job can tell.
fn definition(
    raw: &RawValue,
    line: usize,
    lines: &BTreeMap<String, usize>,
    found: &mut Found<'_>,
) -> Option<Definition> {
    let rules = Rules {
        // The file itself is not larger; PAYLOADMAX may not be known yet.
        payload_max: usize::MAX,
        max_retries: 0,
        types: &NotKnownYet,
        now: SystemClock.now(),
    };
    let mut wrongs = Vec::new();
    let definition = match Definition::read(raw, &rules, &mut wrongs) {
        Ok(definition) => definition,
        Err(Refused::NotJson(what) | Refused::Away(what)) => {
            found.wrong(line, what);
            None
        }
    };
    for (_, wrong) in wrongs {
        let line = line_of(lines, &wrong.pointer).unwrap_or(line);
        found.wrong(line, said(&wrong));
    }
    definition
}

/// A wrong field as the problems of the file are written: by its keys.
fn said(wrong: &Wrong) -> String {
    match wrong.pointer.trim_start_matches('/').replace('/', ".") {
        keys if keys.is_empty() => format!("the schedule {}", wrong.detail),
        keys => format!("{keys}: {}", wrong.detail),
    }
}

/// The line of what a JSON Pointer leads to, or of the last thing on the way there.
fn line_of(lines: &BTreeMap<String, usize>, pointer: &str) -> Option<usize> {
    let mut pointer = pointer;
    loop {
        if let Some(line) = lines.get(pointer) {
            return Some(*line);
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}

/// The line of every value beneath `node`.
fn lines(node: &Node) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    let mut waiting = vec![(String::new(), node)];
    while let Some((pointer, node)) = waiting.pop() {
        match &node.tree {
            Tree::Table(members) => {
                for member in members {
                    let key = member.key.replace('~', "~0").replace('/', "~1");
                    let pointer = format!("{pointer}/{key}");
                    lines.insert(pointer.clone(), member.line);
                    waiting.push((pointer, &member.value));
                }
            }
            Tree::Array(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    lines.insert(pointer.clone(), node.line);
                    waiting.push((pointer, node));
                }
            }
            Tree::Text(_)
            | Tree::Whole(_)
            | Tree::Decimal(_)
            | Tree::Boolean(_)
            | Tree::Other(_) => {}
        }
    }
    lines
}

/// While the file is read, nobody knows the job types.
struct NotKnownYet;

impl Types for NotKnownYet {
    fn look(&self, _: &str, _: Option<&RawValue>) -> Looked {
        Looked::Fits
    }

    fn queue(&self, _: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;
