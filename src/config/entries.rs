//! What the entries of the file have in common: `[[type]]` and `[[schedule]]`, as many of each as there are.

use std::path::{Path, PathBuf};

use super::file::{Members, Node, Tree};
use super::problem::{Place, Problem};

/// An entry of the file.
pub trait Listed {
    /// How its head is written between the brackets.
    const HEAD: &'static str;

    /// Its name, which no other entry with the same head has.
    fn name(&self) -> &str;

    /// Where it stands.
    fn place(&self) -> &Place;

    /// Its other keys and their values, for people: secrets, and whatever may be one, are masked.
    fn shown(&self) -> Vec<(&'static str, String)>;

    /// Whether another entry says the same, wherever it stands.
    fn is_same(&self, other: &Self) -> bool;

    /// The whole entry in one line, for people.
    fn summary(&self) -> String {
        let shown = self.shown().into_iter();
        let keys: Vec<_> = shown.map(|(key, value)| format!("{key} {value}")).collect();
        keys.join(", ")
    }
}

/// What is found while a file is read.
pub(super) struct Found<'f> {
    /// The file.
    pub path: &'f Path,
    pub problems: &'f mut Vec<Problem>,
    /// What is odd, though not wrong.
    pub warnings: &'f mut Vec<Problem>,
}

impl Found<'_> {
    pub fn place(&self, line: usize) -> Place {
        Place::File {
            path: self.path.to_owned(),
            line,
        }
    }

    pub fn wrong(&mut self, line: usize, what: impl Into<String>) {
        let place = self.place(line);
        self.problems.push(Problem::new(place, what));
    }

    /// A path as an entry writes it: what is not absolute counts from the folder of the file.
    pub fn path(&self, written: &str) -> PathBuf {
        self.path
            .parent()
            .unwrap_or(Path::new(""))
            .join(Path::new(written))
    }
}

/// Reads all entries with the same head, each by `read`, which tells what is wrong and answers `None` if something is.
pub(super) fn read_all<E: Listed>(
    entries: Node,
    found: &mut Found<'_>,
    mut read: impl FnMut(usize, Members, &mut Found<'_>) -> Option<E>,
) -> Vec<E> {
    let head = E::HEAD;
    let Tree::Array(entries) = entries.tree else {
        let what =
            format!("`{head}` is one entry of many: begin each with `[[{head}]]`, in two brackets");
        found.wrong(entries.line, what);
        return Vec::new();
    };
    let mut all: Vec<E> = Vec::new();
    for entry in entries {
        let line = entry.line;
        let Tree::Table(members) = entry.tree else {
            let what = format!("an entry of `{head}` is a table: begin each with `[[{head}]]`");
            found.wrong(line, what);
            continue;
        };
        let Some(entry) = read(line, members, found) else {
            continue;
        };
        match all.iter().find(|other| other.name() == entry.name()) {
            Some(other) => {
                let (name, place) = (other.name(), other.place());
                found.wrong(line, format!("the {head} `{name}` stands at {place}, too"));
            }
            None => all.push(entry),
        }
    }
    all
}
