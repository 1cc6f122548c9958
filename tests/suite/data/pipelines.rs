//! Known answers, and what is refused at the door.

use serde_json::{Value, json};

use super::Desk;

const ORDERS: &str = "id,customer,day,amount\n1,7,2026-01-01,10\n2,8,2026-01-01,2.5\n3,7,2026-01-02,30\n\
                      4,9,2026-01-03,\n5,8,2026-01-04,4.5\n6,7,2026-01-05,5\n";

fn desk() -> (Desk, Value) {
    let desk = Desk::new();
    desk.put("orders.csv", ORDERS);
    desk.put(
        "customers.json",
        r#"[{"id": 7, "name": "Ada"}, {"id": 8, "name": "Bob"}, {"id": 10, "name": "Zoe"}]"#,
    );
    let inputs = json!({
        "orders": {"path": "orders.csv"},
        "customers": {"path": "customers.json"},
        "rates": {"rows": [{"from_amount": 0, "percent": 1}, {"from_amount": 10, "percent": 5}]}
    });
    (desk, inputs)
}

/// Reckoned by hand. More, and larger ones, are compared with another program in `second`.
#[test]
fn groups_joins_and_windows_give_the_known_answers() {
    let (desk, inputs) = desk();
    let grouped = "SELECT customer, count(*) AS n, count(amount) AS paid, sum(amount) AS total, avg(amount) AS mean \
                   FROM orders GROUP BY customer ORDER BY customer";
    assert_eq!(
        desk.query(&inputs, &[], grouped),
        json!([
            {"customer": 7, "n": 3, "paid": 3, "total": 45.0, "mean": 15.0},
            {"customer": 8, "n": 2, "paid": 2, "total": 7.0, "mean": 3.5},
            {"customer": 9, "n": 1, "paid": 0, "total": null, "mean": null}
        ])
    );
    let joined = "SELECT c.name, o.id, r.percent FROM orders o LEFT JOIN customers c ON c.id = o.customer \
                  LEFT JOIN rates r ON r.from_amount = (SELECT max(from_amount) FROM rates WHERE from_amount <= o.amount) \
                  ORDER BY o.id";
    assert_eq!(
        desk.query(&inputs, &[], joined),
        json!([
            {"name": "Ada", "id": 1, "percent": 5}, {"name": "Bob", "id": 2, "percent": 1},
            {"name": "Ada", "id": 3, "percent": 5}, {"name": null, "id": 4, "percent": null},
            {"name": "Bob", "id": 5, "percent": 1}, {"name": "Ada", "id": 6, "percent": 1}
        ])
    );
    let windows = "SELECT id, sum(amount) OVER (PARTITION BY customer ORDER BY day) AS running, \
                   rank() OVER (ORDER BY amount DESC) AS place, lag(id) OVER (PARTITION BY customer ORDER BY day) AS before \
                   FROM orders WHERE amount IS NOT NULL ORDER BY id";
    assert_eq!(
        desk.query(&inputs, &[], windows),
        json!([
            {"id": 1, "running": 10.0, "place": 2, "before": null},
            {"id": 2, "running": 2.5, "place": 5, "before": null},
            {"id": 3, "running": 40.0, "place": 1, "before": 1},
            {"id": 5, "running": 7.0, "place": 4, "before": 2},
            {"id": 6, "running": 45.0, "place": 3, "before": 3}
        ])
    );
}

#[test]
fn steps_make_what_the_outputs_write_to_files_and_the_result() {
    let (desk, inputs) = desk();
    let result = desk.run(&json!({
        "inputs": inputs,
        "steps": [
            "CREATE TABLE totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY customer",
            "DELETE FROM totals WHERE total IS NULL",
            "UPDATE totals SET total = total * 2 WHERE customer = 8;",
        ],
        "outputs": [
            {"select": "SELECT * FROM totals ORDER BY customer", "to": {"path": "out/totals.csv"}},
            {"select": "SELECT name FROM customers ORDER BY id", "to": {"path": "names.txt", "format": "ndjson"}},
            {"select": "SELECT name, 1.5 AS x FROM customers WHERE id > 7 ORDER BY id", "to": {"path": "names.json"}},
            {"select": "SELECT count(*) AS n FROM orders", "to": {"result": "count"}}
        ]
    }));
    let totals = "customer,total\n7,45.0\n8,14.0\n";
    let lines = "{\"name\":\"Ada\"}\n{\"name\":\"Bob\"}\n{\"name\":\"Zoe\"}\n";
    let array = "[\n{\"name\":\"Bob\",\"x\":1.5},\n{\"name\":\"Zoe\",\"x\":1.5}\n]\n";
    assert_eq!(
        result.expect("a good pipeline"),
        json!({"outputs": [
            {"path": "out/totals.csv", "rows": 2, "bytes": totals.len()},
            {"path": "names.txt", "rows": 3, "bytes": lines.len()},
            {"path": "names.json", "rows": 2, "bytes": array.len()},
            {"result": "count", "rows": 1, "data": [{"n": 6}]}
        ]})
    );
    assert_eq!(desk.text("out/totals.csv"), totals);
    assert_eq!(desk.text("names.txt"), lines);
    assert_eq!(desk.text("names.json"), array);
}

/// The second output fails; the first was written before it, and yet nothing appears.
#[test]
fn a_pipeline_that_fails_leaves_no_file_and_names_the_statement() {
    let (desk, inputs) = desk();
    desk.put("a.csv", "as it was\n");
    let before = desk.names();
    let message = desk.permanent(&json!({
        "inputs": inputs,
        "outputs": [
            {"select": "SELECT * FROM orders", "to": {"path": "a.csv"}},
            {"select": "SELECT missing FROM orders", "to": {"path": "b.csv"}}
        ]
    }));
    assert_eq!(message, "output 2: no such column: missing, at byte 7");
    assert_eq!(
        (desk.names(), desk.text("a.csv")),
        (before, "as it was\n".to_owned())
    );

    let step = |sql: &str| {
        desk.permanent(&json!({
            "steps": ["CREATE TABLE a (x)", sql],
            "outputs": [{"select": "SELECT 1", "to": {"result": "it"}}]
        }))
    };
    assert_eq!(
        step("SELEC 1"),
        "step 2: near \"SELEC\": syntax error, at byte 0"
    );
    assert!(
        step("INSERT INTO a VALUES (1); DROP TABLE a")
            .starts_with("step 2: one statement is expected")
    );
    assert!(step("INSERT INTO a VALUES (?1)").starts_with("step 2: it has a parameter"));
    assert!(step("SELECT \"typo\" FROM a").starts_with("step 2: no such column"));
    assert!(step("-- nothing").starts_with("step 2: "));
    let output = desk.permanent(&json!({
        "steps": ["CREATE TABLE a (x)"],
        "outputs": [{"select": "INSERT INTO a VALUES (1) RETURNING x", "to": {"result": "it"}}]
    }));
    assert!(
        output.starts_with("output 1: a SELECT is expected"),
        "{output}"
    );
}

#[test]
fn names_of_any_kind_are_names_and_no_sql() {
    let desk = Desk::new();
    let rows = json!({"rows": [{"select": 1, "a\"b": 2, "); DROP TABLE x; --": 3, "": 4, "ä": 5, "Ä b": 6}]});
    let inputs = json!({"order by; \"x\" --": rows});
    let select = "SELECT \"select\" + \"a\"\"b\" + \"); DROP TABLE x; --\" + column_4 + ä + \"Ä b\" AS n \
                  FROM \"order by; \"\"x\"\" --\"";
    // A JSON object has its keys in another order here: every name but the empty one's is the same.
    let all = desk.query(&inputs, &[], "SELECT * FROM \"order by; \"\"x\"\" --\"");
    let empty = all[0]
        .as_object()
        .expect("a row")
        .keys()
        .find(|k| k.starts_with("column_"));
    let select = select.replace("column_4", empty.expect("a name for the empty one"));
    assert_eq!(desk.query(&inputs, &[], &select), json!([{"n": 21}]));
    // What a SELECT names twice is told apart, too.
    let twice = desk.query(&json!({}), &[], "SELECT 1 AS a, 2 AS A, 3 AS a");
    assert_eq!(twice, json!([{"a": 1, "A_2": 2, "a_3": 3}]));
}

#[test]
fn the_result_keeps_to_its_bound_and_says_what_to_do() {
    let desk = Desk::with_results(4096);
    let numbers = |count: u32| {
        json!({"outputs": [
            {"select": "SELECT 1 AS x", "to": {"result": "one"}},
            {"select": format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {count}) SELECT i FROM n"),
             "to": {"result": "numbers"}}
        ]})
    };
    let result = desk.run(&numbers(300)).expect("it fits");
    assert!(result.to_string().len() <= 4096);
    let message = desk.permanent(&numbers(1_000_000_000));
    assert_eq!(
        message,
        "output 2: the rows of `numbers` do not fit into a result of 4096 bytes (RESULTMAX): write them to a file, \
         or LIMIT them"
    );
}

#[test]
fn the_door_names_every_wrong_field_at_once() {
    let desk = Desk::new();
    let wrong = desk.check(&json!({
        "inputs": {
            "sqlite_x": {"rows": []},
            "both": {"path": "a.csv", "rows": []},
            "Twice": {"path": "a.parquet"},
            "twice": {"path": "../a.csv"},
            "rows": {"rows": [{"a": 1}, 2], "format": "csv"}
        },
        "steps": [" "],
        "outputs": [
            {"select": "", "to": {"path": "a.csv", "result": "a"}},
            {"select": "SELECT 1", "to": {"result": "a"}},
            {"select": "SELECT 1", "to": {"result": "a"}},
            {"select": "SELECT 1", "to": {"path": "/etc/a.csv"}}
        ]
    }));
    let pointers: Vec<_> = wrong.iter().map(|w| w.pointer.as_str()).collect();
    let expected = [
        "/inputs/Twice/path",
        "/inputs/both",
        "/inputs/rows/format",
        "/inputs/rows/rows/1",
        "/inputs/sqlite_x",
        "/inputs/twice",
        "/inputs/twice/path",
        "/steps/0",
        "/outputs/0/select",
        "/outputs/0/to",
        "/outputs/2/to",
        "/outputs/3/to/path",
    ];
    assert_eq!(pointers, expected, "{wrong:#?}");
    let typed = |payload: Value| {
        desk.check(&payload)
            .first()
            .map(|w| (w.pointer.clone(), w.detail.clone()))
    };
    let output = json!([{"select": "SELECT 1", "to": {"result": "a"}}]);
    let (pointer, detail) =
        typed(json!({"outputs": output, "step": []})).expect("an unknown field");
    assert!(
        pointer.ends_with("step") && detail.contains("unknown field"),
        "{pointer}: {detail}"
    );
    let columns = json!({"t": {"rows": [], "columns": {"a": "float"}}});
    let (pointer, _) =
        typed(json!({"inputs": columns, "outputs": output})).expect("an unknown type");
    assert!(pointer.starts_with("/inputs/t/columns/a"), "{pointer}");
    assert_eq!(typed(json!({"outputs": []})).expect("none").0, "/outputs");
}
