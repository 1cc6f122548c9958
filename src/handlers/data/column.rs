//! What a column holds: its type, inferred from every value or stated, and its name.

use std::borrow::Cow;
use std::collections::HashSet;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use schemars::JsonSchema;
use serde::Deserialize;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers of 64 bits.
    Integer,
    /// Floating point numbers of 64 bits.
    Real,
    /// Text in UTF-8.
    Text,
}

impl ColumnType {
    /// Its name in SQL.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
        }
    }
}

/// A value as a reader finds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Null,
    /// A number of JSON, or a field of CSV, whose type its text tells.
    Plain(&'a str),
    /// A text, whatever it looks like.
    Text(&'a str),
    /// 1 or 0 among numbers; `true` or `false` among texts.
    Bool(bool),
}

/// The kinds of values that a column was seen to hold.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    integers: bool,
    /// Integers that a floating point number cannot hold exactly.
    wide: bool,
    reals: bool,
    texts: bool,
}

impl Seen {
    /// Sees one more value.
    pub(super) fn add(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => {}
            Cell::Bool(_) => self.integers = true,
            Cell::Text(_) => self.texts = true,
            Cell::Plain(_) if self.texts => {}
            Cell::Plain(text) => match form(text) {
                Form::Integer(number) => {
                    self.integers = true;
                    self.wide |= number.unsigned_abs() > 1 << 53;
                }
                Form::Real(_) => self.reals = true,
                Form::Text => self.texts = true,
            },
        }
    }

    /// The narrowest type that holds all of them without losing a digit of an integer; text where there was nothing.
    pub(super) fn narrowest(self) -> ColumnType {
        match self {
            Self { texts: true, .. } => ColumnType::Text,
            Self {
                reals: true,
                wide: true,
                ..
            } => ColumnType::Text,
            Self { reals: true, .. } => ColumnType::Real,
            Self { integers: true, .. } => ColumnType::Integer,
            _ => ColumnType::Text,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Form {
    Integer(i64),
    Real(f64),
    Text,
}

/// What the text of a value says about its type. A leading zero or plus, a blank, an integer beyond 64 bits or a number
/// beyond the range of floating point makes it a text: as a number it would not come out as it went in.
fn form(text: &str) -> Form {
    let unsigned = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let (whole, rest) = digits(unsigned);
    if whole > 1 && unsigned[0] == b'0' {
        return Form::Text;
    }
    if rest.is_empty() && whole > 0 && text != "-0" {
        return text.parse().map_or(Form::Text, Form::Integer);
    }
    if !ends_a_real(whole, rest) {
        return Form::Text;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Form::Real(number),
        _ => Form::Text,
    }
}

/// How many digits the text begins with, and what follows them.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
    (count, &text[count..])
}

/// Whether `rest` after `whole` digits is what may follow them in a number: a fraction, an exponent, both, none.
fn ends_a_real(whole: usize, rest: &[u8]) -> bool {
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        _ => (0, rest),
    };
    let exponent = match rest {
        [] => return whole + fraction > 0,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => exponent,
        _ => return false,
    };
    whole + fraction > 0 && !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit)
}

/// A value as it goes into the database.
#[derive(Debug, PartialEq)]
pub(super) enum Bound<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Bound::Null => ToSqlOutput::Owned(Value::Null),
            Bound::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Bound::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Bound::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The value as the column takes it; `None` when it does not fit.
///
/// A stated type is a wish to have the value read as that, so blanks around it, a plus and leading zeros are taken.
pub(super) fn bind<'a>(kind: ColumnType, stated: bool, cell: Cell<'a>) -> Option<Bound<'a>> {
    let text = match cell {
        Cell::Null => return Some(Bound::Null),
        Cell::Bool(yes) => {
            return Some(match kind {
                ColumnType::Integer => Bound::Integer(i64::from(yes)),
                ColumnType::Real => Bound::Real(f64::from(u8::from(yes))),
                ColumnType::Text => Bound::Text(if yes { "true" } else { "false" }),
            });
        }
        Cell::Plain(text) | Cell::Text(text) => text,
    };
    if kind == ColumnType::Text {
        return Some(Bound::Text(text));
    }
    if stated {
        let text = text.trim();
        return match kind {
            ColumnType::Integer => text.parse().ok().map(Bound::Integer),
            _ => text
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Bound::Real),
        };
    }
    match (kind, cell, form(text)) {
        (ColumnType::Integer, Cell::Plain(_), Form::Integer(number)) => {
            Some(Bound::Integer(number))
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a column with an integer that would lose a digit is of text"
        )]
        (ColumnType::Real, Cell::Plain(_), Form::Integer(number)) => {
            Some(Bound::Real(number as f64))
        }
        (ColumnType::Real, Cell::Plain(_), Form::Real(number)) => Some(Bound::Real(number)),
        _ => None,
    }
}

/// The names of columns as SQL can tell them apart: one that is empty becomes `column_<n>`, one that was there before
/// (in whatever case) gets `_2`, `_3` and so on, and U+0000, which SQL cannot write, becomes U+FFFD.
pub(super) fn unique<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut unique = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let name: Cow<'_, str> = match name.as_ref() {
            "" => format!("column_{}", index + 1).into(),
            name if name.contains('\0') => name.replace('\0', "\u{fffd}").into(),
            name => name.into(),
        };
        let mut candidate = name.to_string();
        let mut count = 1;
        while !taken.insert(candidate.to_ascii_lowercase()) {
            count += 1;
            candidate = format!("{name}_{count}");
        }
        unique.push(candidate);
    }
    unique
}

/// A name as it stands in SQL, whatever it holds.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_a_number_only_if_it_comes_out_as_it_went_in() {
        let integers = [
            ("0", 0),
            ("-7", -7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ];
        for (text, number) in integers {
            assert_eq!(form(text), Form::Integer(number), "{text}");
        }
        let reals = [
            ("1.5", 1.5),
            ("-0.25", -0.25),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("2.5E-1", 0.25),
            ("-0", -0.0),
        ];
        for (text, number) in reals {
            assert_eq!(form(text), Form::Real(number), "{text}");
        }
        let texts = [
            "",
            "-",
            ".",
            "-.",
            "e5",
            ".e5",
            "1e",
            "1e+",
            "007",
            "+5",
            "-01",
            "00.5",
            " 1",
            "1 ",
            "1,5",
            "0x10",
            "NaN",
            "inf",
            "1e999",
            "1_000",
            "9223372036854775808",
            "١",
            "1.2.3",
            "--1",
        ];
        for text in texts {
            assert_eq!(form(text), Form::Text, "{text:?}");
        }
    }

    fn seen(texts: &[&str]) -> ColumnType {
        let mut seen = Seen::default();
        for text in texts {
            seen.add(if text.is_empty() {
                Cell::Null
            } else {
                Cell::Plain(text)
            });
        }
        seen.narrowest()
    }

    #[test]
    fn the_whole_column_decides_its_type() {
        assert_eq!(seen(&["1", "", "3"]), ColumnType::Integer);
        assert_eq!(seen(&["1", "2.5", ""]), ColumnType::Real);
        assert_eq!(seen(&["1", "2.5", "x"]), ColumnType::Text);
        assert_eq!(seen(&["1", "02"]), ColumnType::Text);
        assert_eq!(seen(&["", ""]), ColumnType::Text);
        // A real column would make 9007199254740992 of it.
        assert_eq!(seen(&["9007199254740993"]), ColumnType::Integer);
        assert_eq!(seen(&["9007199254740993", "0.5"]), ColumnType::Text);
    }

    #[test]
    fn names_are_told_apart() {
        assert_eq!(
            unique(&["id", "", "ID", "id_2", "id", ""]),
            ["id", "column_2", "ID_2", "id_2_2", "id_3", "column_6"]
        );
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn a_stated_type_reads_what_inference_leaves_alone() {
        let bound = |kind, text| bind(kind, true, Cell::Plain(text));
        assert_eq!(bound(ColumnType::Integer, "+007"), Some(Bound::Integer(7)));
        assert_eq!(bound(ColumnType::Real, " 7 "), Some(Bound::Real(7.0)));
        assert_eq!(bound(ColumnType::Text, "007"), Some(Bound::Text("007")));
        for text in ["1.5", "x", "9223372036854775808"] {
            assert_eq!(bound(ColumnType::Integer, text), None, "{text}");
        }
        for text in ["NaN", "inf", "1e999", "one"] {
            assert_eq!(bound(ColumnType::Real, text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_seen_fits_the_type_that_follows(texts in proptest::collection::vec("[-+]?[0-9]{0,20}(\\.[0-9]{0,3})?(e[0-9]{1,3})?", 1..8)) {
            let cells: Vec<_> = texts.iter().map(|text| Cell::Plain(text)).collect();
            let mut seen = Seen::default();
            cells.iter().for_each(|cell| seen.add(*cell));
            for cell in cells {
                prop_assert!(bind(seen.narrowest(), false, cell).is_some(), "{cell:?}");
            }
        }

        #[test]
        fn names_are_never_the_same(names in proptest::collection::vec("[aA]?(_[123])?", 0..8)) {
            let unique = unique(&names);
            let apart: HashSet<_> = unique.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(apart.len(), names.len());
        }
    }
}
