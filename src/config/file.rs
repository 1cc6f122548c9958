//! The configuration file: TOML, one key a setting, each with the line on which it stands.

use toml::de::{DeTable, DeValue};

/// A key, its value as text, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: usize,
    pub key: String,
    /// The value as it would be written in the environment, or what is wrong with it.
    pub value: Result<String, &'static str>,
}

/// Reads the file's keys in the order of their lines.
///
/// # Errors
///
/// The first place that is no TOML, as line and message. What a parser says after its first mistake is noise.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let table = DeTable::parse(text).map_err(|err| {
        let at = err.span().map_or(0, |span| span.start);
        (line_at(text, at), err.message().to_owned())
    })?;
    let mut entries: Vec<Entry> = table
        .get_ref()
        .iter()
        .map(|(key, value)| Entry {
            line: line_at(text, key.span().start),
            key: key.get_ref().to_string(),
            value: plain(value.get_ref()),
        })
        .collect();
    entries.sort_by(|a, b| (a.line, &a.key).cmp(&(b.line, &b.key)));
    Ok(entries)
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
        let entries = parse("node = \"a\"\n\n[worker]\ncount = 1\n").unwrap();
        assert_eq!((entries[1].line, entries[1].key.as_str()), (3, "worker"));
        assert!(entries[1].value.is_err());
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
                Ok(entries) => prop_assert!(entries.iter().all(|e| (1..=lines).contains(&e.line))),
                Err((line, _)) => prop_assert!((1..=lines).contains(&line)),
            }
        }
    }
}
