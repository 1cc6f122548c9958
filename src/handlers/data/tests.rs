//! What only the worker can do to a pipeline.

use std::time::{Duration, Instant};

use super::*;
use crate::job::{ErrorKind, JobId, Timestamp};

#[test]
fn a_cancel_ends_a_statement_that_would_run_for_ever() {
    let config = Config::default();
    let data = Data::new(&config).unwrap();
    let payload: DataPayload = serde_json::from_str(
        r#"{"steps": ["WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"],
            "outputs": [{"select": "SELECT 1", "to": {"result": "it"}}]}"#,
    )
    .unwrap();
    let id = JobId::mint(Timestamp::from_micros(1), 1);
    let context = Context::new(id, 1, Instant::now() + Duration::from_secs(600));
    let worker = {
        let context = context.clone();
        crate::threads::spawn("pipeline", move || data.run(payload, &context)).unwrap()
    };
    // Once the step is under way; if the cancel came before, it would not be the statement that it ends.
    let began = Instant::now();
    while context
        .fresh_progress()
        .is_none_or(|said| said.note != "step 1")
    {
        assert!(began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::yield_now();
    }
    context.cancel();
    let failure = worker.join().unwrap().unwrap_err();
    assert_eq!(failure.error().kind, ErrorKind::Cancelled);
}
