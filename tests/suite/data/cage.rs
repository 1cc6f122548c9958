//! What SQL may not do, and what ends it when it asks for too much.

use std::time::{Duration, Instant};

use serde_json::json;
use windlass::config::Config;
use windlass::handlers::data::Bounds;
use windlass::job::ErrorKind;

use super::Desk;

const ONE: &str = "SELECT 1 AS one";

/// SQL that reaches outside of its tables, and what is said of it. OUT stands for a file.
const OUTSIDE: [(&str, &str); 24] = [
    ("ATTACH 'OUT' AS other", "ATTACH"),
    ("ATTACH ':memory:' AS other", "ATTACH"),
    ("DETACH main", "DETACH"),
    ("VACUUM", "ATTACH (which VACUUM does, too)"),
    ("VACUUM INTO 'OUT'", "ATTACH (which VACUUM does, too)"),
    ("PRAGMA journal_mode = wal", "PRAGMA journal_mode"),
    (
        "PRAGMA max_page_count = 1000000000",
        "PRAGMA max_page_count",
    ),
    ("PRAGMA writable_schema = 1", "PRAGMA writable_schema"),
    ("SELECT * FROM pragma_table_info('t')", "PRAGMA table_info"),
    ("SELECT * FROM pragma_database_list", "PRAGMA database_list"),
    (
        "SELECT load_extension('/tmp/x.so')",
        "the function `load_extension`",
    ),
    (
        "SELECT fts3_tokenizer('simple')",
        "the function `fts3_tokenizer`",
    ),
    (
        "SELECT readfile('/etc/passwd')",
        "no such function: readfile",
    ),
    (
        "SELECT writefile('OUT', 'x')",
        "no such function: writefile",
    ),
    (
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "a virtual table (of the module `fts5`)",
    ),
    (
        "CREATE VIRTUAL TABLE v USING rtree(a, b, c)",
        "a virtual table (of the module `rtree`)",
    ),
    ("SELECT * FROM dbstat", "the virtual table `dbstat`"),
    ("BEGIN", "BEGIN, COMMIT"),
    ("COMMIT", "BEGIN, COMMIT"),
    ("ROLLBACK", "BEGIN, COMMIT"),
    ("SAVEPOINT a", "BEGIN, COMMIT"),
    (
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, 'CREATE TABLE x (y)')",
        "may not be modified",
    ),
    ("UPDATE sqlite_schema SET sql = 'x'", "may not be modified"),
    (
        "CREATE TABLE x AS SELECT load_extension('x')",
        "the function `load_extension`",
    ),
];

/// Each is tried as a step and as an output, in a folder where a file that appeared would be seen.
#[test]
fn what_reaches_outside_is_refused_with_its_reason() {
    let desk = Desk::new();
    let out = desk.root.path().join("out.db").display().to_string();
    for (sql, reason) in OUTSIDE {
        let sql = sql.replace("OUT", &out);
        let inputs = json!({"t": {"rows": [{"a": 1}]}});
        let as_step = desk.permanent(&json!({
            "inputs": inputs, "steps": [ONE, sql], "outputs": [{"select": ONE, "to": {"result": "it"}}]
        }));
        assert!(
            as_step.starts_with("step 2: ") && as_step.contains(reason),
            "{sql}: {as_step}"
        );
        let as_output = desk.permanent(&json!({
            "inputs": inputs, "outputs": [{"select": sql, "to": {"path": "it.csv"}}]
        }));
        // VACUUM attaches only when it runs, which an output that is no SELECT never does.
        let none = sql.starts_with("VACUUM") && as_output.contains("a SELECT is expected");
        assert!(
            as_output.starts_with("output 1: ") && (none || as_output.contains(reason)),
            "{sql}: {as_output}"
        );
    }
    assert_eq!(desk.names(), [""; 0]);
}

/// A view or a trigger is no way around: what it does is looked at when it is used.
#[test]
fn views_and_triggers_hide_nothing() {
    let desk = Desk::new();
    let cases = [
        [
            "CREATE VIEW v AS SELECT load_extension('x')",
            "SELECT * FROM v",
        ],
        [
            "CREATE VIEW v AS SELECT * FROM pragma_database_list",
            "SELECT * FROM v",
        ],
        [
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension('x'); END",
            "INSERT INTO t VALUES (2)",
        ],
        [
            "CREATE TABLE d (x DEFAULT (load_extension('x')))",
            "INSERT INTO d DEFAULT VALUES",
        ],
    ];
    for steps in cases {
        let message = desk.permanent(&json!({
            "inputs": {"t": {"rows": [{"a": 1}]}}, "steps": steps, "outputs": [{"select": ONE, "to": {"result": "it"}}]
        }));
        assert!(
            message.contains("not allowed") || message.contains("unsafe use"),
            "{steps:?}: {message}"
        );
    }
}

#[test]
fn what_works_on_the_tables_is_allowed() {
    let desk = Desk::new();
    let inputs = json!({"t": {"rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}});
    let steps = [
        "CREATE INDEX by_a ON t (a)",
        "CREATE TEMP TABLE u AS SELECT a FROM t",
        "CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0)",
        "CREATE VIEW w AS SELECT a * 2 AS c FROM t",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO v (n) VALUES (new.a); END",
        "INSERT INTO t VALUES (3, 'z')",
        "INSERT INTO v (id, n) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = n + excluded.n",
        "ALTER TABLE v ADD COLUMN d TEXT DEFAULT 'd'",
        "ALTER TABLE v RENAME COLUMN n TO m",
        "ALTER TABLE v RENAME TO vv",
        "REINDEX by_a",
        "ANALYZE",
        "WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 6) INSERT INTO u SELECT i FROM n",
        "DELETE FROM u WHERE a = 4",
        "DROP INDEX by_a",
    ];
    let select = "SELECT (SELECT sum(c) FROM w) AS c, (SELECT group_concat(a) FROM u) AS u, m, d, \
                  (SELECT json_group_array(b) FROM t) AS b, (SELECT count(*) FROM sqlite_schema WHERE type = 'view') AS views FROM vv";
    assert_eq!(
        desk.query(&inputs, &steps, select),
        json!([{"c": 12, "u": "1,2,5,6", "m": 8, "d": "d", "b": "[\"x\",\"y\",\"z\"]", "views": 1}])
    );
}

const FOREVER: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";

#[test]
fn what_runs_for_ever_ends_at_the_deadline() {
    let limit = Duration::from_millis(500);
    let desk = Desk {
        limit,
        ..Desk::new()
    };
    let cases = [
        json!({"steps": [FOREVER], "outputs": [{"select": ONE, "to": {"result": "it"}}]}),
        json!({"outputs": [{"select": FOREVER, "to": {"result": "it"}}]}),
        // Many small rows, each soon there.
        json!({"outputs": [{"select": FOREVER.replace("count(*) AS c", "i"), "to": {"path": "it.csv"}}]}),
        // The database asks while it compares nothing with nothing.
        json!({"steps": ["CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i FROM n"],
               "outputs": [{"select": "SELECT count(*) AS c FROM t a, t b, t c WHERE a.i + b.i + c.i < 0", "to": {"result": "it"}}]}),
    ];
    for payload in cases {
        let began = Instant::now();
        let failure = desk.run(&payload).expect_err("it does not end by itself");
        assert_eq!(failure.error().kind, ErrorKind::Timeout, "{failure:?}");
        let took = began.elapsed();
        assert!(took < limit * 8, "{took:?}: {payload}");
    }
    assert_eq!(desk.names(), [""; 0]);
}

/// Rows of a kilobyte each, without end.
const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                    SELECT i, randomblob(1000) AS b FROM n";

const BOUNDS: Bounds = Bounds {
    table_bytes: 4 << 20,
    written_bytes: 32 << 20,
};

/// SQL that asks for more than BOUNDS, and what is said of it. ROWS stands for the rows above.
const TOO_MUCH: [(&str, &str); 8] = [
    ("SELECT randomblob(900000000)", "string or blob too big"),
    ("SELECT printf('%.*c', 900000000, 'x')", "too big"),
    (
        "SELECT group_concat(hex(b)) FROM (ROWS LIMIT 10000)",
        "too big",
    ),
    ("CREATE TABLE x AS ROWS", "the tables need more than 4 MiB"),
    (
        "CREATE TEMP TABLE x AS ROWS",
        "the tables need more than 4 MiB",
    ),
    (
        "SELECT * FROM (ROWS) ORDER BY b",
        "it wrote more than 32 MiB to temporary files",
    ),
    (
        "SELECT count(DISTINCT b) FROM (ROWS)",
        "it wrote more than 32 MiB to temporary files",
    ),
    (
        "SELECT sum(i) OVER (ORDER BY b) FROM (ROWS)",
        "it wrote more than 32 MiB to temporary files",
    ),
];

#[test]
fn what_asks_for_gigabytes_is_stopped_and_told_the_bound() {
    let desk = Desk::with(BOUNDS, Config::default());
    for (sql, reason) in TOO_MUCH {
        let sql = sql.replace("ROWS", ROWS);
        let message = desk.permanent(
            &json!({"steps": [sql], "outputs": [{"select": ONE, "to": {"result": "it"}}]}),
        );
        assert!(
            message.starts_with("step 1: ") && message.contains(reason),
            "{sql}: {message}"
        );
    }
    let rows: Vec<_> = (0..400)
        .map(|i| json!({"a": "x".repeat(1000), "i": i}))
        .collect();
    let small = Desk::with(
        Bounds {
            table_bytes: 256 << 10,
            ..BOUNDS
        },
        Config::default(),
    );
    let message = small.unreadable(&json!({"rows": rows}));
    assert_eq!(
        message,
        "input `t`: the tables need more than 256 KiB, which is the most that a pipeline has"
    );
}

/// Whose memory it was cannot be told for sure, so this is tried again.
#[test]
fn gathering_without_end_ends_before_the_memory_does() {
    let desk = Desk::new();
    let gather = format!("SELECT json_group_array(hex(b)) AS a FROM ({ROWS})");
    let failure = desk.run(&json!({"outputs": [{"select": gather, "to": {"result": "it"}}]}));
    let failure = failure.expect_err("it never ends");
    assert_eq!(failure.error().kind, ErrorKind::Failed, "{failure:?}");
    let message = &failure.error().message;
    assert!(
        message.contains("the daemon had grown by 256 MiB"),
        "{message}"
    );
}
