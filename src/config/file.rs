//! The configuration file: TOML, one key a setting, and entries of job types and schedules, each with the line on which it
//! stands.

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::entries::Listed;
use super::schedules::Schedule;
use super::types::JobType;

/// A key, its value as text, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: usize,
    pub key: String,
    /// The value as it would be written in the environment, or what is wrong with it.
    pub value: Result<String, &'static str>,
    /// Whether it is a table, or an array of them.
    pub is_table: bool,
}

/// A value of any shape, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub tree: Tree,
}

/// A value of any shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Boolean(bool),
    /// A date, a time, or a number that no integer of ours holds.
    Other(&'static str),
    Array(Vec<Node>),
    Table(Members),
}

/// The members of a table in the order of their lines.
pub(super) type Members = Vec<Member>;

/// A member of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub key: String,
    /// The line of the key.
    pub line: usize,
    pub value: Node,
}

/// What stands in the file.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// The keys in the order of their lines.
    pub entries: Vec<Entry>,
    /// The value of the key `type`: all `[[type]]`.
    pub types: Option<Node>,
    /// The value of the key `schedule`: all `[[schedule]]`.
    pub schedules: Option<Node>,
}

impl Node {
    /// The value as JSON, which has no dates; or what is in the way, and on which line.
    pub fn json(&self) -> Result<Value, (usize, String)> {
        let object = |members: &Members| {
            let members = members
                .iter()
                .map(|m| m.value.json().map(|v| (m.key.clone(), v)));
            members.collect::<Result<Map<_, _>, _>>()
        };
        Ok(match &self.tree {
            Tree::Text(text) => Value::String(text.clone()),
            Tree::Whole(number) => Value::from(*number),
            Tree::Decimal(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Tree::Boolean(truth) => Value::Bool(*truth),
            Tree::Other(what) => return Err((self.line, format!("holds a value that {what}"))),
            Tree::Array(nodes) => {
                Value::Array(nodes.iter().map(Self::json).collect::<Result<_, _>>()?)
            }
            Tree::Table(members) => Value::Object(object(members)?),
        })
    }
}

impl Member {
    /// The line of what a JSON Pointer leads to, or of the last thing on the way there.
    pub fn line_of(&self, pointer: &str) -> usize {
        let (mut line, mut node) = (self.line, &self.value);
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &node.tree {
                Tree::Table(members) => members
                    .iter()
                    .find(|m| m.key == part)
                    .map(|m| (m.line, &m.value)),
                Tree::Array(nodes) => part
                    .parse::<usize>()
                    .ok()
                    .and_then(|i| nodes.get(i))
                    .map(|n| (n.line, n)),
                _ => None,
            };
            let Some(next) = next else { break };
            (line, node) = next;
        }
        line
    }
}

/// Reads the file.
///
/// # Errors
///
/// The first place that is no TOML, as line and message. What a parser says after its first mistake is noise.
pub(super) fn parse(text: &str) -> Result<Parsed, (usize, String)> {
    let table = DeTable::parse(text).map_err(|err| {
        let at = err.span().map_or(0, |span| span.start);
        (line_at(text, at), err.message().to_owned())
    })?;
    let mut parsed = Parsed::default();
    for (key, value) in table.get_ref().iter() {
        let line = line_at(text, key.span().start);
        let list = match key.get_ref().as_ref() {
            JobType::HEAD => Some(&mut parsed.types),
            Schedule::HEAD => Some(&mut parsed.schedules),
            _ => None,
        };
        if let Some(list) = list {
            *list = Some(Node {
                line,
                ..node(text, value)
            });
            continue;
        }
        parsed.entries.push(Entry {
            line,
            key: key.get_ref().to_string(),
            value: plain(value.get_ref()),
            is_table: is_table(value.get_ref()),
        });
    }
    parsed
        .entries
        .sort_by(|a, b| (a.line, &a.key).cmp(&(b.line, &b.key)));
    Ok(parsed)
}

fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(array) => array.iter().any(|value| value.get_ref().is_table()),
        _ => false,
    }
}

fn plain(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(_) => Err("is not a decimal number"),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(_) => Err("is true or false; write a text in quotes, or a number"),
        DeValue::Datetime(_) => Err("is a date; write a text in quotes, or a number"),
        DeValue::Array(_) => Err("is an array; write one text in quotes, with commas in it"),
        DeValue::Table(_) => Err("is a table; write one text in quotes, or a number"),
    }
}

fn node(text: &str, value: &toml::Spanned<DeValue<'_>>) -> Node {
    let tree = match value.get_ref() {
        DeValue::String(text) => Tree::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Tree::Other("is a number that is too large"), Tree::Whole),
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Tree::Decimal(number),
            _ => Tree::Other("is not a finite number"),
        },
        DeValue::Boolean(truth) => Tree::Boolean(*truth),
        DeValue::Datetime(_) => Tree::Other("is a date; write a text in quotes"),
        DeValue::Array(array) => Tree::Array(array.iter().map(|v| node(text, v)).collect()),
        DeValue::Table(table) => Tree::Table(members(text, table)),
    };
    Node {
        line: line_at(text, value.span().start),
        tree,
    }
}

fn members(text: &str, table: &DeTable<'_>) -> Members {
    let mut members: Members = table
        .iter()
        .map(|(key, value)| Member {
            key: key.get_ref().to_string(),
            line: line_at(text, key.span().start),
            value: node(text, value),
        })
        .collect();
    members.sort_by(|a, b| (a.line, &a.key).cmp(&(b.line, &b.key)));
    members
}

/// The line, from 1, of the byte `at`.
fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_come_with_their_lines_and_the_text_of_their_values() {
        let text =
            "# head\nworker_count = 1_000\n\nlease = \"20s\"\njob_timeout = 2.5\nlimits = [1]\n";
        let read: Vec<_> = parse(text)
            .unwrap()
            .entries
            .into_iter()
            .map(|entry| (entry.line, entry.key, entry.value.ok()))
            .collect();
        assert_eq!(
            read,
            [
                (2, "worker_count".to_owned(), Some("1000".to_owned())),
                (4, "lease".to_owned(), Some("20s".to_owned())),
                (5, "job_timeout".to_owned(), Some("2.5".to_owned())),
                (6, "limits".to_owned(), None),
            ]
        );
    }

    #[test]
    fn a_table_stands_where_its_head_stands() {
        let entries = parse("node = \"a\"\n\n[worker]\ncount = 1\n")
            .unwrap()
            .entries;
        assert_eq!((entries[1].line, entries[1].key.as_str()), (3, "worker"));
        assert!(entries[1].value.is_err() && entries[1].is_table);
    }

    #[test]
    fn entries_of_types_keep_every_line() {
        let text = "[[type]]\nname = \"a\"\n\n[[type]]\nname = \"b\"\ntimeout = 0x10\nheaders = { x = 1.5,\n  y = true }\n";
        let types = parse(text).unwrap().types.unwrap();
        let Tree::Array(types) = types.tree else {
            panic!("{types:?}")
        };
        let Tree::Table(second) = &types[1].tree else {
            panic!("{types:?}")
        };
        assert_eq!((types[0].line, types[1].line), (1, 4));
        let lines: Vec<_> = second.iter().map(|m| (m.key.as_str(), m.line)).collect();
        assert_eq!(lines, [("name", 5), ("timeout", 6), ("headers", 7)]);
        assert_eq!(second[1].value.tree, Tree::Whole(16));
        let Tree::Table(headers) = &second[2].value.tree else {
            panic!("{second:?}")
        };
        assert_eq!(headers[1].line, 8);
    }

    #[test]
    fn the_first_place_that_is_no_toml_is_told() {
        let (line, message) = parse("a = 1\nb = = 2\nc 3\n").unwrap_err();
        assert_eq!(line, 2, "{message}");
        let (line, message) = parse("a = 1\nb = 2\na = 3\n").unwrap_err();
        assert_eq!(line, 3, "{message}");
    }

    proptest! {
        #[test]
        fn no_text_is_a_reason_to_panic(text in "([a-z_]{1,6} ?= ?|[0-9\"'.\\[\\]{}\n#=é-]|.){0,60}") {
            let lines = text.matches('\n').count() + 1;
            match parse(&text) {
                Ok(parsed) => prop_assert!(parsed.entries.iter().all(|e| (1..=lines).contains(&e.line))),
                Err((line, _)) => prop_assert!((1..=lines).contains(&line)),
            }
        }
    }
}
