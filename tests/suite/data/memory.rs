//! A large file through the built program: the answers are right, and the memory is that of a small one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::time::Duration;

use serde_json::json;

use crate::support::daemon::Daemon;
use crate::support::wait::wait_until;

const ROWS: u64 = 600_000;

/// The most memory that the daemon ever had resident, in MiB.
fn peak(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.expect("the peak")
        .trim()
        .parse::<u64>()
        .expect("a number")
        >> 10
}

/// 50 MB of CSV go in; a sorted copy of them comes out as NDJSON, and goes in again as such.
#[test]
fn memory_does_not_grow_with_the_input() {
    let root = crate::support::children::folder("files");
    let settings = root.path().display().to_string();
    let daemon = Daemon::embedded(&[("FILEROOT", &settings)]);
    let run = |payload: serde_json::Value| {
        let job = json!({"type": "data", "payload": payload});
        let answer = daemon.post("/submit", &job).expect(202).json();
        let id = answer["id"].as_str().expect("an id").to_owned();
        // Some seconds on a machine that does nothing else.
        wait_until("the pipeline is over", Duration::from_secs(300), || {
            let job = daemon.get(&format!("/jobs/{id}")).expect(200).json();
            match job["state"].as_str() {
                Some("succeeded") => Ok(job["result"].clone()),
                _ => Err(job.to_string()),
            }
        })
    };
    // What a pipeline takes whatever it reads.
    run(
        json!({"inputs": {"t": {"rows": [{"a": 1}]}}, "outputs": [{"select": "SELECT a FROM t", "to": {"result": "it"}}]}),
    );
    let idle = peak(&daemon);

    let mut out =
        BufWriter::new(File::create(root.path().join("in.csv")).expect("a folder of our own"));
    writeln!(out, "id,town,amount,code,note").unwrap();
    let mut sum = 0.0;
    for id in 0..ROWS {
        let amount = f64::from(u32::try_from(id * 7919 % 10_000).unwrap()) / 4.0;
        sum += amount;
        writeln!(
            out,
            "{id},town {},{amount},{:08},\"a note, which is \"\"quoted\"\" and not short: {id}\"",
            id % 50,
            id % 1000
        )
        .unwrap();
    }
    out.flush().unwrap();
    let size = fs::metadata(root.path().join("in.csv")).unwrap().len();
    assert!(size > 45 << 20, "{size}");

    let totals = "SELECT count(*) AS n, sum(amount) AS total, count(DISTINCT town) AS towns, max(code) AS code FROM t";
    let expected = json!([{"n": ROWS, "total": sum, "towns": 50, "code": "00000999"}]);
    let result = run(json!({
        "inputs": {"t": {"path": "in.csv"}},
        "outputs": [
            {"select": "SELECT * FROM t ORDER BY code, id", "to": {"path": "sorted.ndjson"}},
            {"select": totals, "to": {"result": "totals"}}
        ]
    }));
    assert_eq!(result["outputs"][0]["rows"], ROWS);
    assert_eq!(result["outputs"][1]["data"], expected);
    let csv = peak(&daemon);
    let result = run(json!({
        "inputs": {"t": {"path": "sorted.ndjson"}},
        "outputs": [{"select": totals, "to": {"result": "totals"}}]
    }));
    assert_eq!(result["outputs"][0]["data"], expected);
    let ndjson = peak(&daemon);
    println!(
        "{} MiB of CSV: peak {idle} MiB before, {csv} after CSV, {ndjson} after NDJSON",
        size >> 20
    );
    // The caches of pages and of the sorter are 16 MB each; the file is 50, and twice that as NDJSON.
    assert!(
        csv.max(ndjson) < idle + 48,
        "{idle} MiB before, {csv} after CSV, {ndjson} after NDJSON"
    );
}
