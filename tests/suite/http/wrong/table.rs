//! Each option of a submitted job, with what may and what may not stand in it.

use serde_json::json;

use super::NINES;

/// One option, and what may and may not stand in it, as JSON.
pub struct Row {
    /// Its name; `a.b` is the member `b` of the object `a`.
    pub name: &'static str,
    /// What is accepted.
    pub fits: Vec<String>,
    /// What is refused, with words of the reason.
    pub wrong: Vec<(String, &'static str)>,
    /// What is refused too, but not by the schema: it counts characters and not bytes, and cannot compare texts.
    pub untold: Vec<(String, &'static str)>,
}

fn row(
    name: &'static str,
    fits: &[&str],
    wrong: &[(&str, &'static str)],
    untold: &[(&str, &'static str)],
) -> Row {
    let owned = |all: &[(&str, &'static str)]| {
        let all = all.iter();
        all.map(|(json, words)| ((*json).to_owned(), *words))
            .collect()
    };
    Row {
        name,
        fits: fits.iter().map(|json| (*json).to_owned()).collect(),
        wrong: owned(wrong),
        untold: owned(untold),
    }
}

/// A text of `count` times `of`, as JSON.
fn text(of: &str, count: usize) -> String {
    json!(of.repeat(count)).to_string()
}

/// A length of time from `least` to `most` seconds, of which `words` tell.
fn duration(name: &'static str, least: f64, most: f64, words: &'static str) -> Row {
    const FORM: &str = "a length of time";
    let mut row = row(
        name,
        &[
            "null",
            "60",
            "60.5",
            "6e1",
            "\"60\"",
            "\"1m\"",
            "\"60000ms\"",
        ],
        &[
            ("true", FORM),
            ("[60]", FORM),
            (r#"{"seconds":60}"#, FORM),
            (r#""""#, FORM),
            (r#""soon""#, FORM),
            (r#""60 s""#, FORM),
            (r#""1e3""#, FORM),
            (r#""-1s""#, FORM),
            (r#""NaN""#, FORM),
            ("1e300", words),
            (NINES, words),
            ("-1", ""),
            ("-1e-9", ""),
        ],
        &[("\"0.0000001s\"", "finer than a microsecond")],
    );
    row.untold.push((format!("\"{NINES}d\""), "too long"));
    row.fits
        .extend([format!("{least}"), format!("\"{least}\"")]);
    row.fits.extend([format!("{most}"), format!("\"{most}s\"")]);
    // Nearer to the bound than the microsecond to which a length is rounded.
    row.wrong.push((format!("{most}.0000002"), words));
    row.untold.push((format!("\"{most}.000001s\""), words));
    if least > 0.0 {
        row.wrong
            .extend(["0", "-0", "-0.0"].map(|json| (json.to_owned(), words)));
        row.wrong.push((format!("{}", least * 0.999_999), words));
        row.untold.push(("\"0s\"".to_owned(), words));
    } else {
        row.fits
            .extend(["-0", "-0.0", "\"0.0h\""].map(str::to_owned));
    }
    row
}

fn name(name: &'static str, words: &'static str) -> Row {
    let mut row = row(
        name,
        &[r#""a""#, r#""0""#, r#""A-b_c.9""#],
        &[
            (r#""""#, words),
            (r#""-a""#, words),
            (r#""a b""#, words),
            (r#""a\n""#, words),
            (r#""ä""#, words),
            ("true", "must be a string"),
            ("7", "must be a string"),
            (NINES, "must be a string"),
            ("-0", "must be a string"),
            (r#"["a"]"#, "must be a string"),
            (r#"{"a":"a"}"#, "must be a string"),
        ],
        &[],
    );
    row.fits.push(text("a", 64));
    row.wrong.push((text("a", 65), words));
    row
}

fn names_and_numbers() -> Vec<Row> {
    const RETRIES: &str = "must be a whole number from 0 to 100";
    const FACTOR: &str = "must be a number from 1 to 100";
    let mut queue = name("queue", "cannot name a queue");
    queue.fits.push("null".to_owned());
    let mut kind = name("type", "cannot name a job type");
    kind.fits = vec![r#""noop""#.to_owned()];
    kind.wrong.push(("null".to_owned(), "is missing"));
    vec![
        kind,
        queue,
        row(
            "max_retries",
            &["null", "0", "1", "100"],
            &[
                ("-1", RETRIES),
                ("101", RETRIES),
                ("1.5", RETRIES),
                ("1e300", RETRIES),
                (NINES, RETRIES),
                ("18446744073709551616", RETRIES),
                ("4294967296", RETRIES),
                ("true", RETRIES),
                (r#""5""#, RETRIES),
                ("[5]", RETRIES),
                ("{}", RETRIES),
            ],
            // JSON Schema takes these for whole numbers.
            &[("5.0", RETRIES), ("-0", RETRIES), ("1e1", RETRIES)],
        ),
        row(
            "backoff.factor",
            &["null", "1", "1.0", "1.5", "100", "1e2"],
            &[
                ("0", FACTOR),
                ("-0", FACTOR),
                ("0.999999", FACTOR),
                ("-1", FACTOR),
                ("100.000001", FACTOR),
                ("1e300", FACTOR),
                (NINES, FACTOR),
                ("true", "must be a number"),
                (r#""2""#, "must be a number"),
                ("[2]", "must be a number"),
                ("{}", "must be a number"),
            ],
            &[],
        ),
    ]
}

fn instants() -> Row {
    const FORM: &str = "must be an instant";
    let from_now = |days: i64, minutes: i64| {
        let at = chrono::Utc::now() + chrono::TimeDelta::days(days);
        json!((at + chrono::TimeDelta::minutes(minutes)).to_rfc3339()).to_string()
    };
    let mut row = row(
        "run_at",
        &[
            "null",
            r#""2026-11-24T07:42:06Z""#,
            r#""1970-01-01T00:00:00.000001+14:00""#,
            r#""0001-01-01T00:00:00Z""#,
            r#""2016-12-31T23:59:60Z""#,
        ],
        &[
            ("1795506126", "must be a string"),
            (NINES, "must be a string"),
            ("-0", "must be a string"),
            ("true", "must be a string"),
            (r#"["2026-11-24T07:42:06Z"]"#, "must be a string"),
            ("{}", "must be a string"),
            (r#""""#, FORM),
            (r#""tomorrow""#, FORM),
            (r#""2026-11-24""#, FORM),
            (r#""2026-11-24T07:42:06""#, FORM),
            (r#""2026-11-24 07:42:06Z""#, FORM),
            (r#""2026-02-30T07:42:06Z""#, FORM),
            (r#""2026-11-24T25:42:06Z""#, FORM),
            (r#""+10000-01-01T00:00:00Z""#, FORM),
        ],
        &[(r#""9999-12-31T23:59:59Z""#, "400d")],
    );
    row.fits.push(from_now(400, -1));
    row.untold.push((from_now(400, 1), "400d"));
    row
}

#[expect(clippy::too_many_lines, reason = "a table, a row after the other")]
fn objects_and_lists() -> Vec<Row> {
    const KEY: &str = "must be 1 to 255 bytes without control characters";
    const TAG: &str = "must be a string of 1 to 64 bytes without control characters";
    let array = |count: usize| json!(vec!["t"; count]).to_string();
    let mut unique = row(
        "unique",
        &[
            "null",
            r#""k""#,
            r#"{"key":"k"}"#,
            r#"{"key":"k","for":null}"#,
        ],
        &[
            (r#""""#, KEY),
            (r#""a\tb""#, KEY),
            (r#""\u0085""#, KEY),
            ("7", "must be a key, or an object"),
            (NINES, "must be a key, or an object"),
            ("true", "must be a key, or an object"),
            (r#"["k"]"#, "must be a key, or an object"),
        ],
        &[],
    );
    unique.fits.extend([text("k", 255), text("ä", 127)]);
    unique.wrong.push((text("k", 256), KEY));
    unique.untold.push((text("ä", 128), KEY));
    let key = row(
        "unique.key",
        &[r#""k""#],
        &[
            ("null", "is missing"),
            (r#""""#, KEY),
            ("7", "must be a string"),
            (r#"["k"]"#, "must be a string"),
        ],
        &[],
    );
    let mut tags = row(
        "tags",
        &["null", "[]", r#"["a"]"#, r#"["größer"]"#],
        &[
            (r#""a""#, "must be an array of strings"),
            ("7", "must be an array of strings"),
            ("true", "must be an array of strings"),
            (r#"{"0":"a"}"#, "must be an array of strings"),
        ],
        &[],
    );
    tags.fits.push(array(32));
    tags.wrong.push((array(33), "at most 32"));
    let mut tag = row(
        "tags.0",
        &[r#""t""#],
        &[
            (r#""""#, TAG),
            (r#""\u007f""#, TAG),
            ("null", TAG),
            ("7", TAG),
            ("[]", TAG),
        ],
        &[],
    );
    tag.fits.extend([text("t", 64), text("ä", 32)]);
    tag.wrong.push((text("t", 65), TAG));
    tag.untold.push((text("ä", 33), TAG));
    let backoff = row(
        "backoff",
        &["null", "{}", r#"{"base":"1s","factor":1,"cap":"1s"}"#],
        &[
            ("7", "must be an object with base, factor, cap"),
            (r#""15s""#, "must be an object with base, factor, cap"),
            (
                r#"["15s",4,"1h"]"#,
                "must be an object with base, factor, cap",
            ),
            ("true", "must be an object with base, factor, cap"),
        ],
        &[],
    );
    let payload = row(
        "payload",
        &["{}", r#"{"any":[null,-0,1e300]}"#],
        &[
            ("[]", ""),
            ("null", ""),
            ("7", ""),
            (r#""x""#, ""),
            ("true", ""),
        ],
        &[],
    );
    vec![unique, key, tags, tag, backoff, payload]
}

/// All options.
pub fn rows() -> Vec<Row> {
    const DAYS_400: f64 = 34_560_000.0;
    let mut rows = names_and_numbers();
    rows.push(instants());
    rows.extend(objects_and_lists());
    rows.extend([
        duration("delay", 0.0, DAYS_400, "must be from 0s to 400d"),
        duration("timeout", 0.1, 86_400.0, "must be from 100ms to 1d"),
        duration("expires_in", 0.001, DAYS_400, "must be from 1ms to 400d"),
        duration("unique.for", 0.001, DAYS_400, "must be from 1ms to 400d"),
        duration("backoff.base", 0.0, 604_800.0, "must be from 0s to 7d"),
        duration("backoff.cap", 0.0, 604_800.0, "must be from 0s to 7d"),
    ]);
    rows
}
