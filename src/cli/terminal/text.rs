//! Text of strangers made fit for a terminal: what would move the cursor, change colours or turn the reading direction
//! is written out as `\u001b`, so that no job can write to its operator's screen.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// One line: line ends and tabs are written out too.
pub(in crate::cli) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unfit)
}

/// Text whose line ends stay, for output that has several lines in any case.
pub(in crate::cli) fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(|line| escaped(line, is_unfit))
}

/// JSON with the same meaning: the form of the escapes is JSON's own, and within its strings are the only places where
/// such characters can stand, other than the blanks between tokens.
pub(in crate::cli) fn json(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unfit(c) && !matches!(c, '\n' | '\t' | '\r'))
}

fn escaped(text: &str, is_unfit: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unfit) {
        return Cow::Borrowed(text);
    }
    let mut fit = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_unfit(c) => fit.push(c),
            '\n' => fit.push_str("\\n"),
            '\r' => fit.push_str("\\r"),
            '\t' => fit.push_str("\\t"),
            c => fit.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    Cow::Owned(fit)
}

/// Control characters (also those above 0x7f, which terminals obey), and the invisible ones that reorder or join lines.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// At most `width` columns of `text`; what is cut off is shown as `…`.
pub(in crate::cli) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    let columns = |c: char| c.width().unwrap_or(0);
    if text.chars().map(columns).sum::<usize>() <= width {
        return Cow::Borrowed(text);
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let columns = columns(*c);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_obey_is_written_out() {
        assert_eq!(
            one_line("\x1b[2Jboo\u{9b}31m\x07"),
            "\\u001b[2Jboo\\u009b31m\\u0007"
        );
        assert_eq!(
            one_line("a\u{202e}b\u{2066}c\u{feff}"),
            "a\\u202eb\\u2066c\\ufeff"
        );
        assert_eq!(one_line("one\ntwo\ttabs\r"), "one\\ntwo\\ttabs\\r");
        assert!(matches!(one_line("Ärger, 日本, 👩‍🚀"), Cow::Borrowed(_)));
        let seen: Vec<_> = lines("one\ntwo\x1b").collect();
        assert_eq!(seen, ["one", "two\\u001b"]);
    }

    #[test]
    fn escaped_json_means_the_same() {
        let raw = "{\"a\":\n \"\u{7f}\u{85}\u{202e}x\"}";
        let fit = json(raw);
        assert_eq!(fit, "{\"a\":\n \"\\u007f\\u0085\\u202ex\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(raw), value(&fit));
    }

    #[test]
    fn what_is_cut_fits_also_where_a_character_takes_two_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("abc", 0), "…");
    }
}
