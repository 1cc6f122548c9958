//! What the readers take, how columns get their types, and what is said of files that are wrong.

use serde_json::json;
use windlass::job::ErrorKind;

use super::Desk;

#[test]
fn the_whole_column_decides_and_nothing_is_lost() {
    let desk = Desk::new();
    let text = "\u{feff}id,zip,phone,amount,mixed,huge,wide,none, note \r\n\
                1,01234,+49,1,1,9223372036854775807,9007199254740993,,\"line 1\nline \"\"2\"\"\"\r\n\
                \r\n\
                -2,99999,110,2.5,x,9223372036854775808,0.5,,\r\n";
    desk.put("t.csv", text);
    let inputs = json!({"t": {"path": "t.csv"}});
    let types = "SELECT typeof(id) AS id, typeof(zip) AS zip, typeof(phone) AS phone, typeof(amount) AS amount, \
                 typeof(mixed) AS mixed, typeof(huge) AS huge, typeof(wide) AS wide, typeof(none) AS none, \
                 typeof(note) AS note FROM t";
    let first = json!({"id": "integer", "zip": "text", "phone": "text", "amount": "real", "mixed": "text",
                       "huge": "text", "wide": "text", "none": "null", "note": "text"});
    let mut second = first.clone();
    second["note"] = json!("null");
    assert_eq!(desk.query(&inputs, &[], types), json!([first, second]));
    assert_eq!(
        desk.query(&inputs, &[], "SELECT * FROM t"),
        json!([
            {"id": 1, "zip": "01234", "phone": "+49", "amount": 1.0, "mixed": "1", "huge": "9223372036854775807",
             "wide": "9007199254740993", "none": null, "note": "line 1\nline \"2\""},
            {"id": -2, "zip": "99999", "phone": "110", "amount": 2.5, "mixed": "x", "huge": "9223372036854775808",
             "wide": "0.5", "none": null, "note": null}
        ])
    );
}

#[test]
fn stated_types_are_taken_at_their_word() {
    let desk = Desk::new();
    desk.put("t.csv", "a,b,c\n007,1,1\n+8,2,2\n");
    let inputs =
        json!({"t": {"path": "t.csv", "columns": {"a": "integer", "b": "real", "c": "text"}}});
    assert_eq!(
        desk.query(&inputs, &[], "SELECT * FROM t"),
        json!([{"a": 7, "b": 1.0, "c": "1"}, {"a": 8, "b": 2.0, "c": "2"}])
    );
    desk.put("u.csv", "a\n1\n\nx2\n");
    assert_eq!(
        desk.unreadable(&json!({"path": "u.csv", "columns": {"a": "real"}})),
        "input `t`, file `u.csv`, line 4: `x2` in the column `a` is not a number, as `columns` states"
    );
    assert_eq!(
        desk.unreadable(&json!({"rows": [{"a": 1}, {"a": 1.5}], "columns": {"a": "integer"}})),
        "input `t`, row 2: `1.5` in the column `a` is not an integer of 64 bits, as `columns` states"
    );
    let missing = desk.unreadable(&json!({"path": "u.csv", "columns": {"b": "real"}}));
    assert!(missing.contains("there is no column `b`"), "{missing}");
    // In JSON, a column may be missing from every row; even the rows may be.
    let none = json!({"t": {"rows": [], "columns": {"a": "integer", "b": "text"}}});
    assert_eq!(
        desk.query(
            &none,
            &[],
            "SELECT count(*) AS n, max(a) AS a, max(b) AS b FROM t"
        ),
        json!([{"n": 0, "a": null, "b": null}])
    );
    let empty = desk.unreadable(&json!({"rows": []}));
    assert!(empty.contains("state the columns in `columns`"), "{empty}");
}

#[test]
fn json_in_all_its_shapes() {
    let desk = Desk::new();
    let rows = [
        r#"{"n": 1, "big": 12345678901234567890, "ok": true, "mix": false, "s": "ä\n\"\u00fc", "deep": {"a": [1, 2]}}"#,
        r#"{"mix": "x", "n": 2.50, "late": 1e3, "s": "007", "ok": null}"#,
    ];
    desk.put(
        "t.json",
        format!("\u{feff} [\n{},\n{}]\n", rows[0], rows[1]),
    );
    desk.put("t.ndjson", format!("{}\r\n\n{}", rows[0], rows[1]));
    let expected = json!([
        {"n": 1.0, "big": "12345678901234567890", "ok": 1, "mix": "false", "s": "ä\n\"ü", "deep": "{\"a\": [1, 2]}", "late": null},
        {"n": 2.5, "big": null, "ok": null, "mix": "x", "s": "007", "deep": null, "late": 1000.0}
    ]);
    for path in ["t.json", "t.ndjson"] {
        let inputs = json!({"t": {"path": path}});
        assert_eq!(
            desk.query(&inputs, &[], "SELECT * FROM t"),
            expected,
            "{path}"
        );
        let deep = "SELECT t.rowid AS r, value FROM t, json_each(t.deep, '$.a')";
        assert_eq!(
            desk.query(&inputs, &[], deep),
            json!([{"r": 1, "value": 1}, {"r": 1, "value": 2}])
        );
    }
    // The rows of a payload keep every digit as well.
    let payload = format!(
        r#"{{"inputs": {{"t": {{"rows": [{}]}}}}, "outputs": [{{"select": "SELECT big FROM t", "to": {{"result": "it"}}}}]}}"#,
        rows[0]
    );
    let result = desk.run_text(&payload).expect("a good pipeline");
    assert_eq!(
        result["outputs"][0]["data"],
        json!([{"big": "12345678901234567890"}])
    );
}

/// Files that are wrong: their path, their text, and what is said of them.
const WRONG: [(&str, &str, &str); 12] = [
    (
        "a.csv",
        "a,b\r\n1,\"x\r\ny\"\r\n1,2,3\r\n",
        "line 4: the row has 3 fields, but the first line names 2 columns",
    ),
    (
        "b.csv",
        "a,b\n1,2\n1\n",
        "line 3: the row has 1 field, but the first line names 2 columns",
    ),
    (
        "c.csv",
        "a\n\"1\n2\n",
        "line 2: a quote is opened in this row and never closed",
    ),
    (
        "d.csv",
        "",
        "line 1: it is empty: a first line with the names of the columns is expected",
    ),
    (
        "e.json",
        "[{\"a\": 1},\n{\"a\": }]",
        "line 2: expected value",
    ),
    (
        "f.json",
        "[{\"a\": 1},\n3]",
        "line 2: invalid type: integer `3`, expected an object for each row",
    ),
    (
        "g.json",
        "{\"a\": 1}",
        "line 1: invalid type: map, expected an array of objects",
    ),
    ("h.json", "[{\"a\": 1}", "line 1: EOF while parsing a list"),
    ("i.json", "[{\"a\": 1}] x", "line 1: trailing characters"),
    (
        "j.ndjson",
        "{\"a\": 1}\n\n{\"a\": 1} {\"a\": 2}\n",
        "line 3: trailing characters",
    ),
    (
        "k.ndjson",
        "{\"a\": 1}\n[1]\n",
        "line 2: invalid type: sequence, expected an object for each row",
    ),
    (
        "l.jsonl",
        "{\"a\": 1}\n{\"a\"",
        "line 2: EOF while parsing an object",
    ),
];

#[test]
fn a_row_that_is_wrong_is_named_with_file_and_line() {
    let desk = Desk::new();
    for (path, text, expected) in WRONG {
        desk.put(path, text);
        let message = desk.unreadable(&json!({"path": path}));
        assert_eq!(message, format!("input `t`, file `{path}`, {expected}"));
    }
    desk.put("m.ndjson", b"{\"a\": \"\xff\"}\n");
    let message = desk.unreadable(&json!({"path": "m.ndjson"}));
    assert!(
        message.starts_with("input `t`, file `m.ndjson`, line 1: "),
        "{message}"
    );
    let message = desk.unreadable(&json!({"path": "missing.csv"}));
    assert!(
        message.contains("`missing.csv` cannot be read: there is no such file"),
        "{message}"
    );
}

#[test]
fn a_row_without_end_is_no_reason_to_take_memory() {
    let desk = Desk::new();
    let long = "x".repeat(9 << 20);
    desk.put("a.csv", format!("a\n1\n{long}\n"));
    desk.put("b.json", format!("[{{\"a\": 1}},\n{{\"a\": \"{long}\"}}]"));
    desk.put("c.ndjson", format!("{{\"a\": 1}}\n{{\"a\": \"{long}\"}}"));
    for (path, line) in [("a.csv", 3), ("b.json", 2), ("c.ndjson", 2)] {
        let message = desk.unreadable(&json!({"path": path}));
        let expected =
            format!("input `t`, file `{path}`, line {line}: the row has more than 8388608 bytes");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let desk = Desk::new();
    let rows = json!([
        {"i": -5, "r": 0.1, "t": "a,\"b\"\nc", "z": null},
        {"i": i64::MAX, "r": 1e300, "t": " 007 ", "z": null},
        {"i": null, "r": -2.0, "t": "ä", "z": null}
    ]);
    for path in ["t.csv", "t.json", "t.ndjson"] {
        let written = desk.run(&json!({
            "inputs": {"t": {"rows": rows}},
            "outputs": [{"select": "SELECT i, r, t, z FROM t", "to": {"path": path}}]
        }));
        written.expect("a good pipeline");
        let read = desk.query(&json!({"t": {"path": path}}), &[], "SELECT * FROM t");
        assert_eq!(read, rows, "{path}: {}", desk.text(path));
    }
    let select =
        "SELECT NULL AS a UNION ALL SELECT 'x' UNION ALL SELECT '' UNION ALL SELECT x'00ff'";
    let result = desk.run(&json!({"outputs": [{"select": select, "to": {"path": "one.csv"}}]}));
    assert_eq!(result.expect("a good pipeline")["outputs"][0]["rows"], 4);
    assert_eq!(desk.text("one.csv"), "a\n\"\"\nx\n\"\"\nAP8=\n");
    let infinite = desk.query(&json!({}), &[], "SELECT 9e999 AS x, -9e999 AS y");
    assert_eq!(infinite, json!([{"x": null, "y": null}]));
}

/// Another daemon may have a FILEROOT, so the job is not lost.
#[test]
fn without_a_file_root_files_are_refused_and_rows_are_not() {
    use windlass::config::Config;
    use windlass::handlers::data::{Data, DataPayload};
    use windlass::handlers::{Context, Handler};
    use windlass::job::{JobId, Timestamp};

    let config = Config::default();
    let data = Data::new(&config).expect("no root");
    let payload = |input: &str| -> DataPayload {
        let text = format!(
            r#"{{"inputs": {{"t": {input}}}, "outputs": [{{"select": "SELECT a FROM t", "to": {{"result": "x"}}}}]}}"#
        );
        serde_json::from_str(&text).expect("the right types")
    };
    let id = JobId::mint(Timestamp::from_micros(1), 7);
    let context = Context::new(
        id,
        1,
        std::time::Instant::now() + std::time::Duration::from_secs(60),
    );
    let wrong = data
        .check(&payload(r#"{"path": "a.csv"}"#))
        .expect_err("no root");
    assert_eq!(wrong[0].pointer, "/inputs/t/path");
    assert!(wrong[0].detail.contains("FILEROOT is not set"), "{wrong:?}");
    let failure = data
        .run(payload(r#"{"path": "a.csv"}"#), &context)
        .expect_err("no root");
    assert_eq!(failure.error().kind, ErrorKind::Failed, "{failure:?}");
    let result = data
        .run(payload(r#"{"rows": [{"a": 1}]}"#), &context)
        .expect("no file");
    assert_eq!(result.outputs[0].rows, 1);
}
