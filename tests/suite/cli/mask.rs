//! Makes output that differs from run to run the same: ids, instants, lengths of time, addresses.

/// `text` with `<id>`, `<instant>`, `<took>` and `<address>` in the places of what they stand for.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, mask) = id(rest)
            .map(|length| (length, "<id>"))
            .or_else(|| Some((instant(rest)?, "<instant>")))
            .or_else(|| Some((address(rest)?, "<address>")))
            .unwrap_or((0, ""));
        if length > 0 {
            out.push_str(mask);
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    lengths(&out)
}

/// How much of the beginning fits the pattern, in which `x` is a hexadecimal digit, `9` a decimal one.
fn fitting(text: &str, pattern: &str) -> Option<usize> {
    let fits = |(have, want): (u8, u8)| match want {
        b'x' => matches!(have, b'0'..=b'9' | b'a'..=b'f'),
        b'9' => have.is_ascii_digit(),
        _ => have == want,
    };
    let is_long = text.len() >= pattern.len();
    (is_long && text.bytes().zip(pattern.bytes()).all(fits)).then_some(pattern.len())
}

fn id(text: &str) -> Option<usize> {
    fitting(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

/// The ids in a text, in order.
pub fn ids(text: &str) -> Vec<String> {
    let at = text.char_indices().map(|(at, _)| &text[at..]);
    at.filter_map(|rest| Some(rest[..id(rest)?].to_owned()))
        .collect()
}

fn instant(text: &str) -> Option<usize> {
    fitting(text, "9999-99-99T99:99:99.999999Z")
}

fn address(text: &str) -> Option<usize> {
    let digits = text.strip_prefix("127.0.0.1:")?;
    let port = digits.bytes().take_while(u8::is_ascii_digit).count();
    (port > 0).then_some("127.0.0.1:".len() + port)
}

/// `took 12ms` and `in 1.25s (800 a second)`, which every run measures anew, and the node that is named by its port.
fn lengths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut line = line.to_owned();
        for (before, mask) in [
            ("took ", "<took>"),
            ("refused, in ", "<took>"),
            (" s (", "<rate>"),
            ("node-", "<port>"),
        ] {
            let Some(at) = line.find(before).map(|at| at + before.len()) else {
                continue;
            };
            let end = line[at..]
                .find([',', ' ', '"'])
                .map_or(line.len(), |end| at + end);
            line.replace_range(at..end, mask);
        }
        if let (Some(open), true) = (line.find("> ("), line.ends_with(" a second)")) {
            line.replace_range(open + 3..line.len() - " a second)".len(), "<rate>");
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[test]
fn what_differs_is_masked_and_nothing_else() {
    assert_eq!(
        masked(
            "01a20de8-d657-723c-95f9-0b5e80104000  on 127.0.0.1:80, 2026-11-24T14:14:52.796022Z, took 12ms, on x\n"
        ),
        "<id>  on <address>, <instant>, took <took>, on x\n"
    );
    assert_eq!(
        masked("3 accepted, 1 refused, in 1.25s (2 a second)\n"),
        "3 accepted, 1 refused, in <took> (<rate> a second)\n"
    );
}
