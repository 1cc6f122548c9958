//! Pipelines against a second implementation: Python reads the same files with its own csv module and asks its own SQLite.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::Desk;
use crate::support::python::python;

/// What `second.py` answers.
fn ask(question: &Value) -> Value {
    let mut child = python()
        .arg("tests/suite/data/second.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(question.to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "second.py: {trouble}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Rows by chance: NULLs, quotes, line breaks, commas, leading zeros, numbers of all sizes, customers that are not there.
fn orders(random: &mut fastrand::Rng, count: usize) -> String {
    let notes = [
        "",
        "plain",
        "\"say \"\"so\"\"\"",
        "\"two\r\nlines\"",
        "\"a, b\"",
        "Größe 漢字",
    ];
    let mut text = String::from("id,customer,day,amount,code,note\n");
    for id in 0..count {
        let customer = random.u32(0..60);
        let day = format!("2026-{:02}-{:02}", random.u32(1..13), random.u32(1..29));
        let amount = match random.u32(0..10) {
            0 => String::new(),
            1 => format!("-{}", random.u32(0..1000)),
            2 => format!("{}e-3", random.u32(0..1_000_000)),
            _ => format!("{}.{:02}", random.u32(0..10_000), random.u32(0..100)),
        };
        let code = random.u32(0..500);
        let note = notes[random.usize(..notes.len())];
        text.push_str(&format!(
            "{id},{customer},{day},{amount},{code:05},{note}\n"
        ));
    }
    text
}

fn customers() -> String {
    let towns = ["Ulm", "", "Köln", "\"Bad, \"\"the\"\" town\"", "Aachen"];
    let mut text = String::from("id,name,town\n");
    for id in 0..50 {
        text.push_str(&format!("{id},customer {id},{}\n", towns[id % towns.len()]));
    }
    text
}

/// The first three are also reckoned without SQL.
const SELECTS: [&str; 12] = [
    "SELECT customer, count(*) AS n, total(amount) AS total FROM orders GROUP BY customer ORDER BY customer",
    "SELECT c.town, count(*) AS n FROM orders o LEFT JOIN customers c ON c.id = o.customer GROUP BY c.town ORDER BY c.town",
    "SELECT id, count(*) OVER (PARTITION BY customer ORDER BY id) AS running FROM orders ORDER BY id",
    "SELECT * FROM orders ORDER BY id",
    "SELECT code, min(amount) AS low, max(amount) AS high, avg(amount) AS mean FROM orders GROUP BY code HAVING count(*) > 3 ORDER BY code",
    "SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer = c.id AND o.amount > 9000 ORDER BY o.id",
    "SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE c.id = o.customer) ORDER BY o.id",
    "SELECT id, sum(amount) OVER (PARTITION BY customer ORDER BY day, id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS moving, \
     rank() OVER (ORDER BY amount DESC) AS place, lag(amount, 2, -1) OVER (PARTITION BY code ORDER BY id) AS before \
     FROM orders ORDER BY id",
    "SELECT ntile(7) OVER (ORDER BY id) AS part, first_value(note) OVER (PARTITION BY day ORDER BY id) AS note FROM orders ORDER BY id",
    "WITH RECURSIVE days(d) AS (SELECT '2026-01-01' UNION ALL SELECT date(d, '+1 day') FROM days WHERE d < '2026-03-01') \
     SELECT d, count(o.id) AS n FROM days LEFT JOIN orders o ON o.day = d GROUP BY d ORDER BY d",
    "SELECT customer, group_concat(code, '|') AS codes FROM (SELECT * FROM orders ORDER BY id) GROUP BY customer ORDER BY customer",
    "SELECT month, spent FROM months ORDER BY month",
];

const STEPS: [&str; 2] = [
    "CREATE TABLE months AS SELECT substr(day, 1, 7) AS month, sum(amount) AS spent FROM orders GROUP BY 1",
    "UPDATE months SET spent = -spent WHERE month > '2026-06'",
];

/// Numbers may differ in the last digits, which depend on the order of a sum.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => ours.is_f64() == theirs.is_f64() && (a - b).abs() <= a.abs() * 1e-12,
        _ => ours == theirs,
    }
}

#[track_caller]
fn compare(what: &str, ours: &[Vec<Value>], theirs: &Value) {
    let theirs = theirs.as_array().expect("rows");
    assert_eq!(ours.len(), theirs.len(), "{what}");
    assert!(!ours.is_empty(), "{what}: nothing was compared");
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let theirs = theirs.as_array().expect("a row");
        let alike = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b));
        assert!(
            alike,
            "{what}, row {row}: {ours:?}, and the other says {theirs:?}"
        );
    }
}

/// Objects as rows, in the order of the columns.
fn rows(output: &Value, columns: &[&str]) -> Vec<Vec<Value>> {
    let objects = output["data"].as_array().expect("rows").iter();
    let row = |object: &Value| columns.iter().map(|name| object[*name].clone()).collect();
    objects.map(row).collect()
}

/// The names of the columns of a SELECT, as its first row of CSV has them.
fn columns(header: &str) -> Vec<String> {
    header.split(',').map(str::to_owned).collect()
}

#[test]
fn pipelines_answer_what_another_program_answers() {
    let desk = Desk::with_results(64 << 20);
    let mut random = fastrand::Rng::with_seed(20_260_101);
    desk.put("orders.csv", orders(&mut random, 4000));
    desk.put("customers.csv", customers());
    let mut outputs: Vec<_> = SELECTS
        .iter()
        .enumerate()
        .map(|(i, select)| json!({"select": select, "to": {"result": format!("r{i}")}}))
        .collect();
    outputs.extend(
        SELECTS
            .iter()
            .enumerate()
            .map(|(i, select)| json!({"select": select, "to": {"path": format!("{i}.csv")}})),
    );
    let done = desk
        .run(&json!({
            "inputs": {"orders": {"path": "orders.csv"}, "customers": {"path": "customers.csv"}},
            "steps": STEPS,
            "outputs": outputs
        }))
        .expect("a good pipeline");
    let path = |name: &str| desk.root.path().join(name);
    let other = ask(&json!({
        "tables": {
            "orders": {"path": path("orders.csv"), "columns": {
                "id": "integer", "customer": "integer", "day": "text", "amount": "real", "code": "text", "note": "text"
            }},
            "customers": {"path": path("customers.csv"), "columns": {"id": "integer", "name": "text", "town": "text"}}
        },
        "steps": STEPS,
        "selects": SELECTS,
        "written": path("3.csv")
    }));
    for (i, select) in SELECTS.iter().enumerate() {
        let text = desk.text(&format!("{i}.csv"));
        let names = columns(text.lines().next().expect("a header"));
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let ours = rows(&done["outputs"][i], &names);
        compare(select, &ours, &other["rows"][i]);
        if let Some(plain) = other["plain"].get(i) {
            compare(&format!("without SQL: {select}"), &ours, plain);
        }
    }
    // What was written as CSV is read back by another reader, field for field.
    let written: Vec<Vec<Value>> = rows(
        &done["outputs"][3],
        &["id", "customer", "day", "amount", "code", "note"],
    )
    .into_iter()
    .map(|row| {
        let text = |value: Value| match value {
            Value::Null => json!(""),
            Value::String(text) => json!(text),
            number => json!(number.to_string()),
        };
        row.into_iter().map(text).collect()
    })
    .collect();
    let read = other["written"].as_array().expect("rows");
    assert_eq!(
        read[0],
        json!(["id", "customer", "day", "amount", "code", "note"])
    );
    compare(
        "the CSV that was written",
        &written,
        &Value::from(read[1..].to_vec()),
    );
}
