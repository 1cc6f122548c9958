//! What the reader takes, in pieces of any size, and what it refuses.

use super::*;
use proptest::prelude::*;
use std::io::BufReader;

/// Keeps all rows, with the line where each began.
#[derive(Default)]
struct Rows {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    row: Vec<Option<String>>,
}

impl Sink for Rows {
    fn column(&mut self, key: &str) -> Result<usize, Halt> {
        self.names.push(key.to_owned());
        Ok(self.names.len() - 1)
    }

    fn cell(&mut self, _: usize, cell: Cell<'_>) -> Result<(), Halt> {
        self.row.push(match cell {
            Cell::Plain(text) => Some(text.to_owned()),
            _ => None,
        });
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Halt> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

/// The names of the columns, and the rows.
type Read = (Vec<String>, Vec<Vec<Option<String>>>);

/// What is read, whatever the size of the pieces that it comes in.
fn rows(text: &[u8]) -> Result<Read, String> {
    let read = |capacity| {
        let mut sink = Rows::default();
        match read(BufReader::with_capacity(capacity, text), &mut sink) {
            Ok(()) => Ok((sink.names, sink.rows)),
            Err(halt) => Err(halt.failure("it").error().message.clone()),
        }
    };
    let whole = read(1 << 16);
    for capacity in 3..9 {
        assert_eq!(read(capacity), whole, "in pieces of {capacity}");
    }
    whole
}

fn table(text: &str) -> Vec<Vec<String>> {
    let (names, rows) = rows(text.as_bytes()).expect("good CSV");
    let rows = rows.into_iter().map(|row| {
        row.into_iter()
            .map(|cell| cell.unwrap_or("NULL".to_owned()))
            .collect()
    });
    std::iter::once(names).chain(rows).collect()
}

#[test]
fn quotes_line_breaks_and_every_end_of_line() {
    for end in ["\n", "\r\n", "\r"] {
        let text =
            "id,text\n1,\"a,b\"\n2,\"say \"\"hi\"\"\"\n3,5\" pipe\n4,\"\"\n".replace('\n', end);
        let expected = [
            ["id", "text"],
            ["1", "a,b"],
            ["2", "say \"hi\""],
            ["3", "5\" pipe"],
            ["4", "NULL"],
        ];
        assert_eq!(table(&text), expected, "{end:?}");
        // The last line need not end.
        assert_eq!(table(text.trim_end()), expected, "{end:?}");
    }
    assert_eq!(
        table("a,b\n\"x\r\ny\",\" z \"\n,\n"),
        [["a", "b"], ["x\r\ny", " z "], ["NULL", "NULL"]]
    );
}

#[test]
fn a_byte_order_mark_and_blank_lines_are_passed_over() {
    assert_eq!(
        table("\u{feff}\"id\",b\n\n1,2\r\n\r\n"),
        [["id", "b"], ["1", "2"]]
    );
    assert_eq!(table("a\n\"\"\n\nx\n"), [["a"], ["NULL"], ["x"]]);
}

#[test]
fn names_are_trimmed_and_told_apart() {
    assert_eq!(table("id, id ,,ID\n"), [["id", "id_2", "column_3", "ID_3"]]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "a,b\n\n1,\"x\ny\"\n1\n".replace('\n', end);
        // A CR alone within quotes is text, and no line to the editors of today.
        let line = if end == "\r" { 4 } else { 5 };
        assert_eq!(
            line_of(&text),
            format!("it, line {line}: the row has 1 field, but the first line names 2 columns")
        );
    }
    assert!(line_of("a,b\n1,2\n1,2,3\n").starts_with("it, line 3: the row has 3 fields"));
    assert!(line_of("a\n1\n\"x\n\n").starts_with("it, line 3: a quote is opened"));
    assert!(line_of("a,b\n1,\"x\"y\n").starts_with("it, line 2: in field 2, text follows"));
    assert!(line_of("").contains("it is empty"));
    let latin = rows(b"a\n1\nM\xfcller\n").expect_err("Latin-1");
    assert!(
        latin.starts_with("it, line 3: the row is not UTF-8"),
        "{latin}"
    );
    let wide = rows(b"\xff\xfea\0\n\0").expect_err("UTF-16");
    assert!(wide.contains("UTF-16"), "{wide}");
}

fn line_of(text: &str) -> String {
    rows(text.as_bytes()).expect_err("bad CSV")
}

#[test]
fn a_quote_that_is_never_closed_takes_no_more_than_a_row_may_have() {
    let text = format!("a\n\"{}", "x".repeat(ROW_BYTES_MAX + 1));
    let mut sink = Rows::default();
    let halt = read(BufReader::new(text.as_bytes()), &mut sink).expect_err("too long");
    let message = halt.failure("it").error().message.clone();
    assert!(
        message.starts_with("it, line 2: the row has more than"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(fields in proptest::collection::vec("[a,\"\r\n x]{1,6}", 1..5)) {
        let mut text = b"".to_vec();
        let header: Vec<_> = (0..fields.len()).map(|i| format!("c{i}")).collect();
        text.extend(header.join(",").bytes());
        text.push(b'\n');
        for (i, field) in fields.iter().enumerate() {
            if i > 0 {
                text.push(b',');
            }
            write_field(&mut text, field).unwrap();
        }
        let (_, rows) = rows(&text).unwrap();
        let read: Vec<_> = rows[0].iter().map(|cell| cell.clone().unwrap()).collect();
        prop_assert_eq!(read, fields);
    }
}
