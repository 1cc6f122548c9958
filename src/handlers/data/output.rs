//! Rows on their way out: each is written as soon as SQLite has it.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::cage::Cage;
use super::column::unique;
use super::csv::write_field;
use super::trouble::Halt;
use super::watch::Watch;
use super::{Failure, Format};

/// Why not all rows were written.
#[derive(Debug)]
pub(super) enum Cut {
    /// The statement failed, or the job is over.
    Failed(Failure),
    /// The rows cannot be written.
    Write(io::Error),
}

/// Writes all rows of `select` to `out`, and tells how many they are.
pub(super) fn write(
    cage: &Cage,
    watch: &Watch,
    (what, select): (&str, &str),
    format: Format,
    out: &mut impl Write,
) -> Result<u64, Cut> {
    let mut statement = cage.prepare(what, select).map_err(Cut::Failed)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(Cut::Failed(Failure::permanent(format!(
            "{what}: a SELECT is expected; what changes tables is a step"
        ))));
    }
    let names: Vec<_> = statement.column_names().collect();
    let names = unique(&names);
    let keys: Vec<_> = names.iter().map(|name| json_text(name)).collect();
    if format == Format::Csv {
        for (index, name) in names.iter().enumerate() {
            separate(out, index, ",")?;
            write_field(out, name)?;
        }
        out.write_all(b"\n")?;
    }
    let failed = |err| Cut::Failed(cage.failure(what, &err));
    let mut rows = statement.raw_query();
    let mut count = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        match format {
            Format::Csv => csv_row(out, row, keys.len())?,
            Format::Ndjson => {
                json_row(out, row, &keys)?;
                out.write_all(b"\n")?;
            }
            Format::Json => {
                out.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
                json_row(out, row, &keys)?;
            }
        }
        count += 1;
        watch.row().map_err(|halt| match halt {
            Halt::Failed(failure) => Cut::Failed(failure),
            other => Cut::Failed(other.failure(what)),
        })?;
    }
    if format == Format::Json {
        out.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" })?;
    }
    out.flush()?;
    Ok(count)
}

impl From<io::Error> for Cut {
    fn from(err: io::Error) -> Self {
        Self::Write(err)
    }
}

fn separate(out: &mut impl Write, index: usize, separator: &str) -> io::Result<()> {
    if index > 0 {
        out.write_all(separator.as_bytes())?;
    }
    Ok(())
}

fn csv_row(out: &mut impl Write, row: &Row<'_>, columns: usize) -> io::Result<()> {
    for index in 0..columns {
        separate(out, index, ",")?;
        match value(row, index)? {
            // Alone on its line, nothing would be a blank line, which is no row.
            ValueRef::Null if columns == 1 => out.write_all(b"\"\"")?,
            ValueRef::Null => {}
            ValueRef::Integer(number) => write!(out, "{number}")?,
            ValueRef::Real(number) if number.is_finite() => json(out, &number)?,
            ValueRef::Real(number) => write!(out, "{}", if number > 0.0 { "Inf" } else { "-Inf" })?,
            ValueRef::Text(text) => write_field(out, &String::from_utf8_lossy(text))?,
            ValueRef::Blob(bytes) => write_field(out, &STANDARD.encode(bytes))?,
        }
    }
    out.write_all(b"\n")
}

fn json_row(out: &mut impl Write, row: &Row<'_>, keys: &[String]) -> io::Result<()> {
    out.write_all(b"{")?;
    for (index, key) in keys.iter().enumerate() {
        separate(out, index, ",")?;
        write!(out, "{key}:")?;
        match value(row, index)? {
            ValueRef::Null => out.write_all(b"null")?,
            ValueRef::Integer(number) => write!(out, "{number}")?,
            // JSON has no infinity; this writes null.
            ValueRef::Real(number) => json(out, &number)?,
            ValueRef::Text(text) => json(out, &*String::from_utf8_lossy(text))?,
            ValueRef::Blob(bytes) => json(out, &STANDARD.encode(bytes))?,
        }
    }
    out.write_all(b"}")
}

fn value<'a>(row: &'a Row<'_>, index: usize) -> io::Result<ValueRef<'a>> {
    row.get_ref(index).map_err(io::Error::other)
}

fn json<T: serde::Serialize + ?Sized>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Memory for rows, of which no more than `bytes_max` bytes are taken.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) bytes: Vec<u8>,
    pub(super) bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
