//! The data handler on files and rows: what it reads, computes and writes, and what it does not let SQL do.

mod cage;
mod formats;
mod memory;
mod pipelines;
mod second;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use windlass::config::Config;
use windlass::handlers::data::{Bounds, Data};
use windlass::handlers::{Context, Registry, Wrong};
use windlass::job::{ErrorKind, Failure, JobId, Timestamp};

use crate::support::children;

/// A handler with a FILEROOT of its own, asked as the daemon asks it: JSON in, JSON out.
struct Desk {
    root: TempDir,
    registry: Registry,
    limit: Duration,
}

impl Desk {
    fn new() -> Self {
        Self::with(Bounds::default(), Config::default())
    }

    fn with_results(result_max: usize) -> Self {
        let config = Config {
            result_max,
            ..Config::default()
        };
        Self::with(Bounds::default(), config)
    }

    fn with(bounds: Bounds, config: Config) -> Self {
        let root = children::folder("data");
        let config = Config {
            file_root: Some(root.path().to_owned()),
            ..config
        };
        let data = Data::new(&config).expect("an absolute path");
        let mut registry = Registry::new();
        registry.add(data.with_bounds(bounds));
        Self {
            root,
            registry,
            limit: Duration::from_secs(60),
        }
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::write(self.root.path().join(path), text).expect("a folder of our own");
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).expect("a file that was written")
    }

    /// The names of all files beneath the root, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).expect("a folder of our own");
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn check(&self, payload: &Value) -> Vec<Wrong> {
        let handler = self.registry.get("data").expect("it was added");
        handler
            .check(&raw(&payload.to_string()))
            .err()
            .unwrap_or_default()
    }

    fn run(&self, payload: &Value) -> Result<Value, Failure> {
        self.run_text(&payload.to_string())
    }

    fn run_text(&self, payload: &str) -> Result<Value, Failure> {
        let handler = self.registry.get("data").expect("it was added");
        let payload = raw(payload);
        let wrong = handler.check(&payload);
        assert_eq!(wrong, Ok(()), "at the door");
        let id = JobId::mint(Timestamp::from_micros(1_764_000_000_000_000), 7);
        let context = Context::new(id, 1, Instant::now() + self.limit);
        let output = handler.run(&payload, &context)?;
        Ok(serde_json::from_str(output.get()).expect("JSON"))
    }

    /// What `select` yields after `steps` on `inputs`.
    #[track_caller]
    fn query(&self, inputs: &Value, steps: &[&str], select: &str) -> Value {
        let payload = json!({
            "inputs": inputs,
            "steps": steps,
            "outputs": [{"select": select, "to": {"result": "it"}}]
        });
        let mut result = self.run(&payload).expect("a good pipeline");
        let output = &mut result["outputs"][0];
        assert_eq!(output["result"], "it");
        let rows = output["data"].as_array().expect("rows").len();
        assert_eq!(output["rows"], rows);
        output["data"].take()
    }

    /// What a pipeline that fails for good says.
    #[track_caller]
    fn permanent(&self, payload: &Value) -> String {
        let failure = self.run(payload).expect_err("it fails");
        assert_eq!(failure.error().kind, ErrorKind::Permanent, "{failure:?}");
        failure.error().message.clone()
    }

    /// What is said of an input that cannot be read.
    #[track_caller]
    fn unreadable(&self, input: &Value) -> String {
        self.permanent(&json!({
            "inputs": {"t": input},
            "outputs": [{"select": "SELECT * FROM t", "to": {"result": "it"}}]
        }))
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}
