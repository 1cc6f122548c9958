//! JSON laid out for people or for programs, digit for digit as it came: nothing here reads a number or orders a key.

use std::fmt::Write;

/// The same document on one line, without blanks between its tokens: a payload keeps its submitter's own line ends.
pub(in crate::cli) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    walk(json, |token| line.push_str(token));
    line
}

/// The document on one line if it fits into `width` columns, else a member or element a line, two blanks deeper each.
pub(in crate::cli) fn laid_out(json: &str, width: usize) -> String {
    let line = one_line(json);
    if line.chars().count() <= width {
        return line;
    }
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut opened = false;
    walk(&line, |token| {
        let new_line = |text: &mut String, depth: usize| {
            // Writing to a String cannot fail.
            write!(text, "\n{:indent$}", "", indent = depth * 2).ok();
        };
        let closes = matches!(token, "}" | "]");
        if closes {
            depth = depth.saturating_sub(1);
        }
        // An empty object or array stays as it is.
        if opened != closes {
            new_line(&mut text, depth);
        }
        opened = false;
        text.push_str(token);
        match token {
            "{" | "[" => {
                depth += 1;
                opened = true;
            }
            "," => new_line(&mut text, depth),
            ":" => text.push(' '),
            _ => {}
        }
    });
    text
}

/// Gives `each` the tokens of a valid document, in order: one of `{}[]:,`, a whole string, a number or a word.
fn walk(json: &str, mut each: impl FnMut(&str)) {
    let mut rest = json.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '{' | '}' | '[' | ']' | ':' | ',' => 1,
            '"' => end_of_string(rest),
            _ => rest
                .find(|c: char| c.is_ascii_whitespace() || "{}[]:,\"".contains(c))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        each(token);
        rest = after.trim_start();
    }
}

/// Where the string that `text` begins with is over.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str =
        "{\"a\" : 12345678901234567890.10,\n\t\"b\":[ ], \"c\":{},\"d\":[1,{\"e\":\"x, \\\" {\"}]}";

    #[test]
    fn one_line_keeps_every_token_as_it_was() {
        assert_eq!(
            one_line(DOCUMENT),
            "{\"a\":12345678901234567890.10,\"b\":[],\"c\":{},\"d\":[1,{\"e\":\"x, \\\" {\"}]}"
        );
        assert_eq!(one_line(" null\n"), "null");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn what_does_not_fit_gets_a_line_a_member() {
        assert_eq!(laid_out(DOCUMENT, 100), one_line(DOCUMENT));
        let expected = "{\n  \"a\": 12345678901234567890.10,\n  \"b\": [],\n  \"c\": {},\n  \"d\": [\n    1,\n    {\n      \
                        \"e\": \"x, \\\" {\"\n    }\n  ]\n}";
        assert_eq!(laid_out(DOCUMENT, 20), expected);
        assert_eq!(laid_out("\"a long text\"", 3), "\"a long text\"");
        assert_eq!(laid_out("[[],[[]]]", 3), "[\n  [],\n  [\n    []\n  ]\n]");
    }

    #[test]
    fn no_text_is_a_reason_to_panic() {
        for text in ["\"", "\"\\", "{", "}}}]]", "ä", "\"ä", "{]", ",:", "\u{0}"] {
            laid_out(text, 0);
            one_line(text);
        }
    }
}
