//! JSON: an array of objects, or one object a line. Both are read row by row; no more than one row is ever held.
//!
//! A value is taken as it is written, so a number keeps every digit until its column's type is known; an object or array
//! within a row becomes its text, for SQLite's JSON functions.

use std::cell::Cell as Slot;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::column::Cell;
use super::table::Sink;
use super::trouble::{Halt, Place};
use super::{ROW_BYTES_MAX, bom};

/// Brings the objects of an array to `sink`.
pub(super) fn read_array(mut input: impl BufRead, sink: &mut dyn Sink) -> Result<(), Halt> {
    bom(&mut input)?;
    let meter = Meter::default();
    let line = || Place::Line(meter.line.get() + 1);
    let mut json = serde_json::Deserializer::from_reader(Metered {
        input,
        meter: &meter,
    });
    let mut rows = Rows {
        sink,
        halt: None,
        meter: Some(&meter),
        count: 0,
    };
    let read = rows.deserialize_all(&mut json);
    rows.conclude(read, line)
}

/// Brings the objects of an array that is in memory to `sink`; places are rows.
pub(super) fn read_rows(text: &str, sink: &mut dyn Sink) -> Result<(), Halt> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut rows = Rows {
        sink,
        halt: None,
        meter: None,
        count: 0,
    };
    let read = rows.deserialize_all(&mut json);
    let row = Place::Row(rows.count + 1);
    rows.conclude(read, || row)
}

/// Brings the objects of `input`, one a line, to `sink`. Blank lines are passed over.
pub(super) fn read_lines(mut input: impl BufRead, sink: &mut dyn Sink) -> Result<(), Halt> {
    bom(&mut input)?;
    let limit = u64::try_from(ROW_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let size = (&mut input).take(limit + 1).read_until(b'\n', &mut text)?;
        if size == 0 {
            break;
        }
        let line = || Place::Line(number);
        if size > ROW_BYTES_MAX {
            return Err(too_long().at(line()));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut rows = Rows {
            sink: &mut *sink,
            halt: None,
            meter: None,
            count: 0,
        };
        let mut json = serde_json::Deserializer::from_slice(&text);
        let read = Row(&mut rows)
            .deserialize(&mut json)
            .and_then(|()| json.end());
        rows.conclude(read, line)?;
    }
    Ok(())
}

fn too_long() -> Halt {
    Halt::bad(format!("the row has more than {ROW_BYTES_MAX} bytes"))
}

/// What has gone through a [`Metered`] reader.
#[derive(Debug, Default)]
struct Meter {
    line: Slot<u64>,
    /// Since the last row ended.
    bytes: Slot<usize>,
    over: Slot<bool>,
}

/// Counts lines, and stops within a row that has too many bytes.
struct Metered<'a, R> {
    input: R,
    meter: &'a Meter,
}

impl<R: BufRead> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.input.read(into)?;
        let lines = into[..size].iter().filter(|byte| **byte == b'\n').count();
        let meter = self.meter;
        meter.line.set(meter.line.get() + lines as u64);
        meter.bytes.set(meter.bytes.get() + size);
        if meter.bytes.get() > ROW_BYTES_MAX {
            meter.over.set(true);
            return Err(io::Error::other("the row is too long"));
        }
        Ok(size)
    }
}

/// The rows of one input, on their way to the sink.
struct Rows<'a> {
    sink: &'a mut dyn Sink,
    /// Why the sink wants no more: the parser's errors cannot carry it.
    halt: Option<Halt>,
    meter: Option<&'a Meter>,
    count: u64,
}

impl Rows<'_> {
    fn deserialize_all<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        json: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        json.deserialize_seq(Array(self))?;
        json.end()
    }

    /// The result of a reading, with the place of what was wrong.
    fn conclude(self, read: serde_json::Result<()>, place: impl Fn() -> Place) -> Result<(), Halt> {
        let Err(err) = read else {
            return Ok(());
        };
        if self.meter.is_some_and(|meter| meter.over.get()) {
            return Err(too_long().at(place()));
        }
        let halt = match self.halt {
            Some(halt) => halt,
            None if err.is_io() => Halt::Read(err.into()),
            None => {
                let message = err.to_string();
                // The parser counts lines from where it began, which is not where the reader of a line began.
                Halt::bad(message.split(" at line ").next().unwrap_or_default())
            }
        };
        Err(halt.at(place()))
    }

    fn stop<E: serde::de::Error>(&mut self, halt: Halt) -> E {
        self.halt = Some(halt);
        E::custom("stopped")
    }
}

struct Array<'a, 'b>(&'a mut Rows<'b>);

impl<'de> Visitor<'de> for Array<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

struct Row<'a, 'b>(&'a mut Rows<'b>);

impl<'de> DeserializeSeed<'de> for Row<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object for each row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.0;
        while let Some(key) = map.next_key::<String>()? {
            let value: Box<RawValue> = map.next_value()?;
            let taken = take(rows.sink, &key, value.get());
            taken.map_err(|halt| rows.stop::<A::Error>(halt))?;
        }
        let ended = rows.sink.end_row();
        ended.map_err(|halt| rows.stop::<A::Error>(halt))?;
        rows.count += 1;
        if let Some(meter) = rows.meter {
            meter.bytes.set(0);
        }
        Ok(())
    }
}

/// Brings one value, as it is written, to the sink.
fn take(sink: &mut dyn Sink, key: &str, value: &str) -> Result<(), Halt> {
    let column = sink.column(key)?;
    let within = value
        .get(1..value.len().saturating_sub(1))
        .unwrap_or_default();
    match value.as_bytes().first() {
        Some(b'n') => sink.cell(column, Cell::Null),
        Some(b't') => sink.cell(column, Cell::Bool(true)),
        Some(b'f') => sink.cell(column, Cell::Bool(false)),
        Some(b'"') if !within.contains('\\') => sink.cell(column, Cell::Text(within)),
        Some(b'"') => {
            let text: String = serde_json::from_str(value)
                .map_err(|err| Halt::bad(format!("the text of `{key}` cannot be read: {err}")))?;
            sink.cell(column, Cell::Text(&text))
        }
        Some(b'{' | b'[') => sink.cell(column, Cell::Text(value)),
        _ => sink.cell(column, Cell::Plain(value)),
    }
}
