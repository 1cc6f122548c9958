//! The `.env` file of the working directory: `[export ]KEY=VALUE`, `'…'`, `"…"`, `#`, and nothing else.
//!
//! No `$X` is expanded: a password like `pa$word` stays what it is. Within `"…"`, `\"` and `\\` stand for `"` and `\`;
//! a quoted value may go over several lines.

/// A variable and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub line: usize,
    pub key: String,
    pub value: String,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub line: usize,
    pub what: &'static str,
}

/// Reads all lines; those that cannot be read come back as faults.
pub(super) fn parse(text: &str) -> (Vec<Entry>, Vec<Fault>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (read, after) = entry(rest);
        match read {
            Ok(Some((key, value))) => entries.push(Entry { line, key, value }),
            Ok(None) => {}
            Err(what) => faults.push(Fault { line, what }),
        }
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    (entries, faults)
}

/// A key and its value, nothing for an empty line or a comment, or what is wrong.
type Read = Result<Option<(String, String)>, &'static str>;

/// Reads one entry (or empty line, or comment) and returns what follows its last line.
fn entry(text: &str) -> (Read, &str) {
    let (line, after) = split_line(text);
    let body = line.trim_start();
    if body.is_empty() || body.starts_with('#') {
        return (Ok(None), after);
    }
    let Some((key, value)) = body.split_once('=') else {
        return (Err("not KEY=VALUE; begin a comment with `#`"), after);
    };
    let key = key.trim_end();
    let key = match key.strip_prefix("export") {
        Some(name) if name.starts_with([' ', '\t']) => name.trim_start(),
        _ => key,
    };
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'') {
        return (Err("not KEY=VALUE: the key is no name"), after);
    }
    let value = value.trim_start();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return (Ok(Some((key.to_owned(), unquoted(value)))), after);
    };
    // A quoted value may run over the end of its line, so it is read from the whole text.
    let start = line.len() - value.len() + quote.len_utf8();
    let Some((value, length)) = closing(&text[start..], quote) else {
        return (Err("the quote that begins here is not closed"), after);
    };
    let (tail, after) = split_line(&text[start + length..]);
    let tail = tail.trim_start();
    if !tail.is_empty() && !tail.starts_with('#') {
        return (Err("there is more behind the closing quote"), after);
    }
    (Ok(Some((key.to_owned(), value))), after)
}

/// The first line without its end, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// An unquoted value ends at the line's end or where blank space and a `#` begin a comment.
fn unquoted(value: &str) -> String {
    let end = value
        .char_indices()
        .find(|&(at, c)| c == '#' && (at == 0 || value[..at].ends_with([' ', '\t'])))
        .map_or(value.len(), |(at, _)| at);
    value[..end].trim_end().to_owned()
}

/// The text up to the closing `quote`, and how many bytes it takes with it.
fn closing(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, next)| next);
        match (c, next) {
            (c, _) if c == quote => return Some((value, at + c.len_utf8())),
            ('\\', Some(next @ ('"' | '\\'))) if quote == '"' => {
                value.push(next);
                chars.next();
            }
            (c, _) => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(text: &str) -> Vec<(usize, String, String)> {
        let (entries, faults) = parse(text);
        assert_eq!(faults, [], "{text}");
        entries
            .into_iter()
            .map(|e| (e.line, e.key, e.value))
            .collect()
    }

    fn one(text: &str) -> String {
        let entries = entries(text);
        assert_eq!(entries.len(), 1, "{text}: {entries:?}");
        entries[0].2.clone()
    }

    #[test]
    fn values_stay_what_they_are() {
        for (text, value) in [
            ("K=v", "v"),
            ("export K=v", "v"),
            ("  K = v  ", "v"),
            ("K=", ""),
            ("K=a b c", "a b c"),
            ("K=pa$$word${X}", "pa$$word${X}"),
            ("K=a#b # comment", "a#b"),
            ("K=# comment", ""),
            ("K='a # $b \\\" '", "a # $b \\\" "),
            ("K=\"a # 'b' \" # comment", "a # 'b' "),
            (r#"K="say \"hi\" \\ \n""#, r#"say "hi" \ \n"#),
            ("K=a=b", "a=b"),
            ("K=it's", "it's"),
            ("K=v\r\n", "v"),
            ("\u{feff}K=v", "v"),
            ("K=\"a\nb\"", "a\nb"),
        ] {
            assert_eq!(one(text), value, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_also_behind_values_of_several() {
        assert_eq!(
            entries("# first\n\nA=1\nB='x\ny\nz'\nexport C=3"),
            [
                (3, "A".to_owned(), "1".to_owned()),
                (4, "B".to_owned(), "x\ny\nz".to_owned()),
                (7, "C".to_owned(), "3".to_owned()),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_the_rest_is_read() {
        let (entries, faults) = parse("A=1\nnonsense\n=x\nB='open\nC=\"x\" y\nD=4");
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 4, 5], "{faults:?}");
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["A", "D"]);
    }

    proptest! {
        #[test]
        fn no_text_is_a_reason_to_panic(text in "([A-Z= #'\"\\\\\n\r\t]|export |.){0,60}") {
            let (entries, faults) = parse(&text);
            let lines = text.lines().count().max(1);
            prop_assert!(entries.iter().all(|e| (1..=lines).contains(&e.line)));
            prop_assert!(faults.iter().all(|f| (1..=lines).contains(&f.line)));
        }

        #[test]
        fn a_value_in_single_quotes_is_read_as_written(value in "[^']{0,40}") {
            prop_assert_eq!(one(&format!("KEY='{value}'")), value);
        }

        #[test]
        fn a_value_in_double_quotes_is_read_with_its_two_escapes(value in ".{0,40}") {
            let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
            prop_assert_eq!(one(&format!("KEY=\"{escaped}\"")), value);
        }
    }
}
