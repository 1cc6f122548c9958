//! A file with a job a line, cut into pieces of bounded size: what is in memory does not grow with the file.

use std::io::{self, BufRead, BufReader, Read};

use serde::de::IgnoredAny;

/// Most lines of one piece: most jobs of one request, as the daemon has it by default.
pub(super) const PIECE_LINES_MAX: usize = 1_000;

/// A piece ends with the line that reaches this size; a request of the default BODYMAX (16 MiB) holds any such.
const PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest line: as long as the largest payload that a daemon may be set to take.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Room for what one read brings.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A line that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// A whole JSON value, or what is wrong with it.
    pub text: Result<String, String>,
}

/// The pieces of a file.
pub(super) struct Pieces<R> {
    reader: BufReader<R>,
    number: u64,
    bytes: u64,
    /// Whether a piece ends where reading on would have to wait: what comes down a pipe is not held back.
    is_prompt: bool,
}

impl<R: Read> Pieces<R> {
    pub fn new(source: R, is_prompt: bool) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, source),
            number: 0,
            bytes: 0,
            is_prompt,
        }
    }

    /// How much has been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many lines have been read.
    pub fn lines(&self) -> u64 {
        self.number
    }

    /// The next piece; empty at the end.
    pub fn next(&mut self) -> io::Result<Vec<Line>> {
        let (mut piece, mut size) = (Vec::new(), 0);
        while piece.len() < PIECE_LINES_MAX && size < PIECE_BYTES_MAX {
            if self.is_prompt && !piece.is_empty() && !self.reader.buffer().contains(&b'\n') {
                break;
            }
            let Some(line) = self.line()? else { break };
            let Some(text) = fit(line) else { continue };
            size += text.as_ref().map_or(0, String::len);
            piece.push(Line {
                number: self.number,
                text,
            });
        }
        Ok(piece)
    }

    /// The next line without its end; `None` at the end of the file. What is too long is read past and not kept.
    fn line(&mut self) -> io::Result<Option<Result<Vec<u8>, String>>> {
        let mut line = Vec::new();
        let most = LINE_BYTES_MAX as u64 + 1;
        let mut read = (&mut self.reader).take(most).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.pop_if(|last| *last == b'\n').is_some() || line.len() <= LINE_BYTES_MAX {
            self.bytes += read as u64;
            return Ok(Some(Ok(line)));
        }
        drop(line);
        read += self.skip_line()?;
        self.bytes += read as u64;
        Ok(Some(Err(
            "longer than 64 MiB; no daemon takes such a job".to_owned()
        )))
    }

    fn skip_line(&mut self) -> io::Result<usize> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |at| at + 1);
            self.reader.consume(length);
            skipped += length;
            if end.is_some() || length == 0 {
                return Ok(skipped);
            }
        }
    }
}

/// The text of a line as it may stand in an array; `None` for one with nothing on it.
fn fit(line: Result<Vec<u8>, String>) -> Option<Result<String, String>> {
    let checked = line.and_then(|bytes| {
        let text = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        // Some editors begin a file with a mark that is no part of the text.
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            // What is not one whole value would become two jobs, or none, between its neighbours.
            serde_json::from_str::<IgnoredAny>(text).map_err(|err| not_json(&err))?;
        }
        Ok(text.to_owned())
    });
    (checked != Ok(String::new())).then_some(checked)
}

/// The parser's words, with the column in the line and not in a text of its own.
fn not_json(err: &serde_json::Error) -> String {
    let words = err.to_string();
    let end = words.rfind(" at line ").unwrap_or(words.len());
    format!("not JSON: {} at column {}", &words[..end], err.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<R: Read>(mut pieces: Pieces<R>) -> Vec<Vec<Line>> {
        let next =
            || Some(pieces.next().expect("it can be read")).filter(|piece| !piece.is_empty());
        std::iter::from_fn(next).collect()
    }

    fn ok(number: u64, text: &str) -> Line {
        Line {
            number,
            text: Ok(text.to_owned()),
        }
    }

    #[test]
    fn lines_keep_their_numbers_and_empty_ones_are_passed_over() {
        let mut bytes = "\u{feff}{\"a\":1}\r\n\n  \n[2]\n{\"b\"\n"
            .as_bytes()
            .to_vec();
        bytes.extend_from_slice(b"\"\xff\"\n3");
        let pieces = all(Pieces::new(bytes.as_slice(), false));
        assert_eq!(pieces.len(), 1);
        let [first, second, third, fourth, last] = &pieces[0][..] else {
            panic!("{pieces:?}");
        };
        assert_eq!(
            (first, second, last),
            (&ok(1, "{\"a\":1}"), &ok(4, "[2]"), &ok(7, "3"))
        );
        assert_eq!(third.number, 5);
        assert_eq!(
            third.text,
            Err("not JSON: EOF while parsing an object at column 4".to_owned())
        );
        assert_eq!(
            (fourth.number, &fourth.text),
            (6, &Err("not UTF-8".to_owned()))
        );
    }

    #[test]
    fn two_values_on_a_line_are_not_one_job() {
        let pieces = all(Pieces::new(&b"{},{}\n{} {}\n"[..], false));
        assert!(
            pieces[0].iter().all(|line| line.text.is_err()),
            "{pieces:?}"
        );
    }

    #[test]
    fn pieces_are_bounded_by_lines_and_by_bytes() {
        let many = "1\n".repeat(2_500);
        let sizes: Vec<_> = all(Pieces::new(many.as_bytes(), false))
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        let large = format!("\"{}\"\n", "x".repeat(3 * 1024 * 1024)).repeat(5);
        let sizes: Vec<_> = all(Pieces::new(large.as_bytes(), false))
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn an_endless_line_is_told_and_not_kept() {
        let endless = std::io::repeat(b'x').take(200 * 1024 * 1024);
        let mut pieces = Pieces::new(endless.chain(&b"\n7\n"[..]), false);
        let piece = pieces.next().expect("it can be read");
        assert_eq!(piece.len(), 2);
        assert!(piece[0].text.is_err());
        assert_eq!(piece[1], ok(2, "7"));
        assert_eq!(pieces.bytes(), 200 * 1024 * 1024 + 3);
        assert_eq!(pieces.lines(), 2);
    }

    /// Brings what it is given, one read each.
    struct Trickle(Vec<&'static [u8]>);

    impl Read for Trickle {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(next) = (!self.0.is_empty()).then(|| self.0.remove(0)) else {
                return Ok(0);
            };
            into[..next.len()].copy_from_slice(next);
            Ok(next.len())
        }
    }

    #[test]
    fn what_comes_down_a_pipe_is_not_held_back() {
        let drops = || Trickle(vec![b"1\n2\n3", b"0\n", b"\n\n4\n"]);
        let seen = |is_prompt| -> Vec<Vec<u64>> {
            let pieces = all(Pieces::new(drops(), is_prompt));
            pieces
                .iter()
                .map(|piece| piece.iter().map(|line| line.number).collect())
                .collect()
        };
        assert_eq!(seen(true), [vec![1, 2], vec![3], vec![6]]);
        assert_eq!(seen(false), [vec![1, 2, 3, 6]]);
    }
}
