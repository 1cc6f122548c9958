//! Takes a mail apart again, as its reader's program does: an independent reading of what was written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A mail, or a part of one.
#[derive(Debug)]
pub struct Part {
    /// Names and values, unfolded, as they stand in the text.
    pub headers: Vec<(String, String)>,
    /// The content, decoded; empty where there are parts.
    pub body: Vec<u8>,
    /// The parts of a `multipart/`.
    pub parts: Vec<Part>,
}

impl Part {
    /// Reads a text whose lines end in CR LF.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .expect("an empty line after the headers");
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", "\t");
        let headers: Vec<_> = unfolded
            .split("\r\n")
            .map(|line| {
                let (name, value) = line.split_once(": ").expect("`name: value`");
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let mut part = Self {
            headers,
            body: Vec::new(),
            parts: Vec::new(),
        };
        match part.parameter("Content-Type", "boundary") {
            Some(boundary) => {
                let whole = format!("\r\n{body}");
                let mark = format!("\r\n--{boundary}");
                let mut pieces = whole.split(&mark).skip(1);
                let mut closed = false;
                for piece in pieces.by_ref() {
                    if piece.starts_with("--") {
                        closed = true;
                        break;
                    }
                    let piece = piece
                        .strip_prefix("\r\n")
                        .expect("a line's end after a boundary");
                    part.parts.push(Self::read(piece));
                }
                assert!(closed, "no closing boundary: {text}");
            }
            None => part.body = part.decoded(body),
        }
        part
    }

    /// The value of the one header of that name, with its encoded words decoded.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0].clone()
    }

    /// The values of all headers of that name, decoded.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| words(value))
            .collect()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The name of an attached file (RFC 2231, if need be).
    pub fn filename(&self) -> Option<String> {
        if let Some(name) = self.parameter("Content-Disposition", "filename") {
            return Some(name);
        }
        let pieces: Vec<String> = (0..)
            .map_while(|i| {
                self.parameter("Content-Disposition", &format!("filename*{i}*"))
                    .or_else(|| self.parameter("Content-Disposition", &format!("filename*{i}")))
            })
            .collect();
        let whole = match pieces.is_empty() {
            false => pieces.concat(),
            true => self.parameter("Content-Disposition", "filename*")?,
        };
        let encoded = whole.strip_prefix("utf-8''").unwrap_or(&whole);
        Some(String::from_utf8(quoted(encoded, b'%')).expect("UTF-8"))
    }

    fn parameter(&self, header: &str, name: &str) -> Option<String> {
        let value = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(header))
            .map(|(_, value)| value)?;
        value.split(';').skip(1).find_map(|parameter| {
            let (n, value) = parameter.trim().split_once('=')?;
            (n == name).then(|| value.trim_matches('"').to_owned())
        })
    }

    fn decoded(&self, body: &str) -> Vec<u8> {
        match self
            .all("Content-Transfer-Encoding")
            .first()
            .map(String::as_str)
        {
            Some("base64") => {
                let text: String = body.split_whitespace().collect();
                STANDARD.decode(text).expect("base64")
            }
            Some("quoted-printable") => quoted(&body.replace("=\r\n", ""), b'='),
            _ => body.as_bytes().to_vec(),
        }
    }
}

/// Bytes written as a mark and two hexadecimal digits.
fn quoted(text: &str, mark: u8) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == mark {
            out.push(u8::from_str_radix(&text[i + 1..i + 3], 16).expect("two digits"));
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out
}

/// Decodes `=?utf-8?b?…?=`; the space between two such words is none (RFC 2047, 6.2).
fn words(value: &str) -> String {
    let mut out = Vec::new();
    let mut after_word = false;
    for (i, piece) in value.split(' ').enumerate() {
        let word = piece
            .strip_prefix("=?utf-8?b?")
            .and_then(|p| p.strip_suffix("?="));
        if i > 0 && !(after_word && word.is_some()) {
            out.push(b' ');
        }
        match word {
            Some(word) => out.extend(STANDARD.decode(word).expect("base64")),
            None => out.extend(piece.bytes()),
        }
        after_word = word.is_some();
    }
    String::from_utf8(out).expect("UTF-8")
}
