//! CSV as RFC 4180 has it, and as programs write it: BOM, CRLF, LF or CR, blank lines between rows.
//!
//! Our own reader rather than the `csv` crate, which reads on where this one stops: a quote that is never closed takes the
//! rest of the file, without bound, for one field; text after a closing quote is joined to it; and with CRLF the line it
//! names is one too low.

#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};

use super::column::{Cell, unique};
use super::table::{COLUMNS_MAX, Sink};
use super::trouble::{Halt, Place};
use super::{ROW_BYTES_MAX, bom};

/// One row of fields, whose memory is used again for the next.
#[derive(Debug, Default)]
struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Whether any quote was opened: `""` alone on its line is a row, nothing at all is none.
    quoted: bool,
}

/// Where the reader is within a field.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Start,
    Bare,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of two that stand for one.
    Closed,
}

struct Reader<R> {
    input: R,
    record: Record,
    state: State,
    /// The line that is being read, from 1, and the one where the record began.
    line: u64,
    began: u64,
    /// The last record ended in CR: an LF that comes next belongs to it.
    after_return: bool,
}

/// Brings all rows of `input` to `sink`. The first names the columns.
pub(super) fn read(input: impl BufRead, sink: &mut dyn Sink) -> Result<(), Halt> {
    let mut reader = Reader::new(input)?;
    let columns = reader.header(sink).map_err(|halt| reader.at(halt))?;
    while reader.next()? {
        reader.row(columns, sink).map_err(|halt| reader.at(halt))?;
    }
    Ok(())
}

impl<R: BufRead> Reader<R> {
    fn new(mut input: R) -> Result<Self, Halt> {
        bom(&mut input)?;
        Ok(Self {
            input,
            record: Record::default(),
            state: State::Start,
            line: 1,
            began: 1,
            after_return: false,
        })
    }

    fn at(&self, halt: Halt) -> Halt {
        halt.at(Place::Line(self.began))
    }

    /// Reads the names of the columns, and tells how many there are.
    fn header(&mut self, sink: &mut dyn Sink) -> Result<usize, Halt> {
        if !self.next()? {
            return Err(Halt::bad(
                "it is empty: a first line with the names of the columns is expected",
            ));
        }
        let mut names = Vec::new();
        for field in self.record.fields() {
            names.push(text(field)?.trim());
        }
        for name in unique(&names) {
            sink.column(&name)?;
        }
        Ok(names.len())
    }

    fn row(&self, columns: usize, sink: &mut dyn Sink) -> Result<(), Halt> {
        let found = self.record.ends.len();
        if found != columns {
            let s = if found == 1 { "" } else { "s" };
            return Err(Halt::bad(format!(
                "the row has {found} field{s}, but the first line names {columns} columns"
            )));
        }
        for (column, field) in self.record.fields().enumerate() {
            let cell = match text(field)? {
                "" => Cell::Null,
                text => Cell::Plain(text),
            };
            sink.cell(column, cell)?;
        }
        sink.end_row()
    }

    /// Reads the next record that is no blank line; false at the end.
    fn next(&mut self) -> Result<bool, Halt> {
        loop {
            self.record.clear();
            self.state = State::Start;
            self.began = self.line;
            let more = self.record().map_err(|halt| self.at(halt))?;
            if !more {
                return Ok(false);
            }
            if !self.record.is_blank() {
                return Ok(true);
            }
        }
    }

    /// Reads up to the end of a record, or of the input.
    fn record(&mut self) -> Result<bool, Halt> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return self.end();
            }
            let mut at = 0;
            if std::mem::take(&mut self.after_return) && buffer[0] == b'\n' {
                at = 1;
            }
            let mut ended = false;
            while at < buffer.len() && !ended {
                let rest = &buffer[at..];
                let used;
                (used, ended) = step(&mut self.state, rest, &mut self.record, &mut self.line)?;
                at += used;
            }
            self.after_return = ended && buffer[at - 1] == b'\r';
            self.input.consume(at);
            if ended {
                return Ok(true);
            }
        }
    }

    /// The input is at its end; whether that ended a record.
    fn end(&mut self) -> Result<bool, Halt> {
        match self.state {
            State::Quoted => Err(Halt::bad("a quote is opened in this row and never closed")),
            State::Start if self.record.ends.is_empty() => Ok(false),
            _ => {
                self.record.end_field()?;
                Ok(true)
            }
        }
    }
}

/// Takes a run of bytes that mean the same, and tells how many they are, and whether the record ended with them.
fn step(
    state: &mut State,
    rest: &[u8],
    record: &mut Record,
    line: &mut u64,
) -> Result<(usize, bool), Halt> {
    match *state {
        State::Start if rest[0] == b'"' => {
            *state = State::Quoted;
            record.quoted = true;
            Ok((1, false))
        }
        State::Start | State::Bare => {
            let run = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'\n' | b'\r'));
            record.push(&rest[..run.unwrap_or(rest.len())])?;
            match run {
                None => {
                    *state = State::Bare;
                    Ok((rest.len(), false))
                }
                Some(run) => Ok((run + 1, end_field(state, rest[run], record, line)?)),
            }
        }
        State::Quoted => {
            let quote = rest.iter().position(|byte| *byte == b'"');
            let run = &rest[..quote.unwrap_or(rest.len())];
            record.push(run)?;
            *line += run
                .iter()
                .map(|byte| u64::from(*byte == b'\n'))
                .sum::<u64>();
            if quote.is_some() {
                *state = State::Closed;
            }
            Ok((run.len() + usize::from(quote.is_some()), false))
        }
        State::Closed => match rest[0] {
            b'"' => {
                record.push(b"\"")?;
                *state = State::Quoted;
                Ok((1, false))
            }
            byte @ (b',' | b'\n' | b'\r') => Ok((1, end_field(state, byte, record, line)?)),
            _ => Err(Halt::bad(format!(
                "in field {}, text follows the closing quote: a quote within quotes is written twice",
                record.ends.len() + 1
            ))),
        },
    }
}

/// Ends a field at `byte`, and tells whether that ends the record.
fn end_field(
    state: &mut State,
    byte: u8,
    record: &mut Record,
    line: &mut u64,
) -> Result<bool, Halt> {
    record.end_field()?;
    *state = State::Start;
    let ended = byte != b',';
    *line += u64::from(ended);
    Ok(ended)
}

impl Record {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.quoted = false;
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        if self.bytes.len() + bytes.len() > ROW_BYTES_MAX {
            return Err(Halt::bad(format!(
                "the row has more than {ROW_BYTES_MAX} bytes; is a quote not closed?"
            )));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), Halt> {
        if self.ends.len() == COLUMNS_MAX {
            return Err(Halt::bad(format!(
                "the row has more than {COLUMNS_MAX} fields"
            )));
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn is_blank(&self) -> bool {
        self.ends.len() == 1 && self.bytes.is_empty() && !self.quoted
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, end)| &self.bytes[begin..*end])
    }
}

fn text(field: &[u8]) -> Result<&str, Halt> {
    std::str::from_utf8(field)
        .map_err(|_| Halt::bad("the row is not UTF-8: convert the file to UTF-8 first"))
}

/// Writes a field, in quotes where it would be read as something else without.
pub(super) fn write_field(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    let plain = |byte: u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
    // A blank at the ends is cut off by many readers unless it is quoted.
    let trimmed = text.len() == text.trim().len();
    if !text.is_empty() && trimmed && text.bytes().all(plain) {
        return out.write_all(text.as_bytes());
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}
