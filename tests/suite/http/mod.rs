//! The API in the test's own process, on the embedded engine: every route, each status, each bound, bad input of each
//! kind. What needs the whole program is under `process`.

mod delete;
mod door;
mod jobs;
mod lists;
mod outage;
mod purge;
mod queues;
mod retry;
mod run_now;
mod schedules;
mod stop;
mod submit;
mod wait;
mod wrong;

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use tempfile::TempDir;
use windlass::api::{Api, Services};
use windlass::clock::SystemClock;
use windlass::config::Config;
use windlass::handlers::Registry;
use windlass::handlers::probe::{Noop, Sleep};
use windlass::health::Health;
use windlass::job::{Attempt, ErrorKind, JobError, JobId, Outcome, State};
use windlass::queue::sqlite::SqliteQueue;
use windlass::queue::{
    Call, Desk, Ending, Engine, EngineSettings, Lease, Reserve, Settlement, Share,
};
use windlass::sqlite::Db;
use windlass::storage::Storage;
use windlass::storage::sqlite::SqliteStorage;
use windlass::terms::Terms;

use crate::support::children;
use crate::support::http::{Response, read_response, request};
use crate::support::openapi;

/// An API on an engine of its own, and the worker that the test plays.
pub struct House {
    /// The engine itself, whatever stands between it and the API.
    pub engine: Arc<dyn Engine>,
    /// The store itself.
    pub storage: Arc<dyn Storage>,
    /// What the API believes to be missing.
    pub health: Health,
    services: Services,
    api: Option<Api>,
    _home: TempDir,
}

/// How a house differs from the usual one.
#[derive(Default)]
pub struct Plan {
    /// Other bounds.
    pub config: Config,
    /// What stands between the engine and the API.
    pub engine: Option<Wrap<dyn Engine>>,
    /// What stands between the store and the API.
    pub storage: Option<Wrap<dyn Storage>>,
}

/// Puts something before an engine or a store.
pub type Wrap<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T>>;

impl House {
    /// The usual house.
    pub fn open() -> Self {
        Self::planned(Plan::default())
    }

    /// A house with other bounds.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut plan = Plan::default();
        change(&mut plan.config);
        Self::planned(plan)
    }

    /// A house as planned.
    pub fn planned(plan: Plan) -> Self {
        let home = children::folder("http");
        let (engine, storage) = open(home.path(), &plan.config);
        let health = Health::new();
        let mut registry = Registry::new();
        registry.add(Noop).add(Sleep);
        let wrapped = plan.engine.map(|wrap| wrap(Arc::clone(&engine)));
        let stored = plan.storage.map(|wrap| wrap(Arc::clone(&storage)));
        let services = Services {
            queue: wrapped.unwrap_or_else(|| Arc::clone(&engine)),
            storage: Some(stored.unwrap_or_else(|| Arc::clone(&storage))),
            terms: Terms::new(plan.config, registry).expect("no entries of types"),
            node: "test".to_owned(),
            health: health.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let api = Api::start(services.clone(), listener).expect("the API starts");
        openapi::learn(api.addr());
        Self {
            services,
            engine,
            storage,
            health,
            api: Some(api),
            _home: home,
        }
    }

    /// The API of another daemon on the same engine and store.
    pub fn another_api(&self) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Api::start(self.services.clone(), listener).expect("the API starts")
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.api().addr()
    }

    /// The API.
    pub fn api(&self) -> &Api {
        self.api.as_ref().expect("it has not been stopped")
    }

    /// Stops the API; tells how long that took.
    pub fn stop(&mut self, within: Duration) -> Duration {
        let began = Instant::now();
        let api = self.api.take().expect("it has not been stopped");
        api.stop(began + within);
        began.elapsed()
    }

    /// `GET`.
    pub fn get(&self, target: &str) -> Response {
        self.ask("GET", target, &[], None)
    }

    /// `POST` without a body.
    pub fn post(&self, target: &str) -> Response {
        self.ask("POST", target, &[], Some(b""))
    }

    /// Submits JSON.
    pub fn submit(&self, body: &str) -> Response {
        self.submit_with(body, &[])
    }

    /// Submits JSON with further headers.
    pub fn submit_with(&self, body: &str, headers: &[(&str, &str)]) -> Response {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        self.ask("POST", "/submit", &all, Some(body.as_bytes()))
    }

    /// Any request.
    pub fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        request(self.addr(), method, target, headers, body).expect("an answer")
    }

    /// Submits a job that must be accepted; its id.
    pub fn accepted(&self, body: &str) -> JobId {
        let response = self.submit(body).expect(202);
        id_of(&response.json())
    }

    /// A connection of its own.
    pub fn connect(&self) -> Line {
        Line::to(self.addr())
    }

    /// Takes one job of the queue `default`, as a worker does.
    pub fn take(&self) -> Lease {
        let shares = [Share {
            queue: "default".to_owned(),
            share: 1,
            limit: None,
        }];
        let ask = Reserve {
            node: "test",
            want: 1,
            shares: &shares,
            lease: Duration::from_secs(15),
            suspect: false,
            max_crashes: 3,
        };
        let call = Call::first("test");
        let mut reserved = self.engine.reserve(&call, &ask).expect("an answer");
        reserved.leases.pop().expect("a job that is ready")
    }

    /// Ends a job well, as a worker does.
    pub fn end(&self, lease: Lease, result: &str) {
        let ending = Ending::End {
            state: State::Succeeded,
            result: Some(RawValue::from_string(result.to_owned()).expect("JSON")),
            error: None,
        };
        self.settle(lease, ending, None);
    }

    /// Lets a job fail and be tried again after `delay`.
    pub fn fail(&self, lease: Lease, delay: Duration) {
        let error = JobError::new(ErrorKind::Failed, "not yet");
        self.settle(lease, Ending::Retry { delay }, Some(error));
    }

    fn settle(&self, lease: Lease, ending: Ending, error: Option<JobError>) {
        let attempt = Attempt {
            attempt: lease.attempt(),
            outcome: match error {
                None => Outcome::Succeeded,
                Some(_) => Outcome::Failed,
            },
            started_at: lease.leased_at(),
            ended_at: self.engine.now(),
            node: "test".to_owned(),
            error,
            log: Vec::new(),
        };
        let settlement = Settlement {
            lease,
            attempt,
            ending,
        };
        self.engine.settle(&[settlement]).expect("an answer");
    }

    /// Moves all ended jobs to the store, as the recorder does.
    pub fn record(&self) {
        loop {
            let records = self.engine.collect(100).expect("an answer");
            if records.is_empty() {
                return;
            }
            self.storage.store(&records).expect("an answer");
            let ids: Vec<JobId> = records.iter().map(|r| r.job.id).collect();
            self.engine.stored(&ids).expect("an answer");
        }
    }

    /// How many requests wait for the end of a job.
    pub fn parked(&self) -> usize {
        self.api.as_ref().map_or(0, |api| api.waiters().waiting())
    }

    /// How many jobs the queues hold.
    pub fn waiting(&self) -> u64 {
        let queues = self.engine.queues().expect("an answer");
        queues.iter().map(|q| q.ready + q.scheduled).sum()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(api) = self.api.take() {
            api.stop(Instant::now() + Duration::from_secs(5));
        }
    }
}

/// A connection over which a test writes what it likes.
pub struct Line {
    stream: BufReader<TcpStream>,
    addr: SocketAddr,
    /// The request lines whose answers have yet to be read.
    sent: VecDeque<String>,
}

impl Line {
    /// Connects.
    pub fn to(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a connection");
        let limit = Some(Duration::from_secs(20));
        stream.set_read_timeout(limit).expect("a limit");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream: BufReader::new(stream),
            addr,
            sent: VecDeque::new(),
        }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let written = self.stream.get_mut().write_all(bytes.as_ref());
        written.expect("the other side reads");
    }

    /// Writes a request with these header lines and this body, `Host` added.
    pub fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        let mut head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        self.write(format!("{head}\r\n{body}"));
        self.sent.push_back(line.to_owned());
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        let done = self.stream.get_ref().shutdown(std::net::Shutdown::Write);
        done.expect("a connection that is open");
    }

    /// Reads one answer; that to a request which was sent as one is compared with the OpenAPI document.
    #[track_caller]
    pub fn read(&mut self) -> Response {
        let answer = read_response(&mut self.stream, false).expect("an answer");
        if answer.status < 200 {
            // The answer itself is yet to come.
        } else if let Some(line) = self.sent.pop_front() {
            let (method, target) = line.split_once(' ').expect("a method and a target");
            openapi::compare_answer(self.addr, method, target, &answer);
        }
        answer
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, line: &str, headers: &[&str], body: &str) -> Response {
        self.send(line, headers, body);
        self.read()
    }
}

/// The id in a job or a receipt.
#[track_caller]
pub fn id_of(json: &Value) -> JobId {
    let id = json["id"].as_str().expect("an id");
    id.parse().expect("a job id")
}

/// The stable name of a problem.
#[track_caller]
pub fn problem(response: &Response) -> String {
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json")
    );
    let json = response.json();
    assert_eq!(json["status"], response.status);
    let name = json["type"].as_str().expect("a type");
    name.trim_start_matches("urn:windlass:").to_owned()
}

/// The pointers of the wrong fields, in order.
#[track_caller]
pub fn pointers(response: &Response) -> Vec<String> {
    let json = response.json();
    let errors = json["errors"].as_array().expect("errors");
    let pointer = |e: &Value| e["pointer"].as_str().expect("a pointer").to_owned();
    errors.iter().map(pointer).collect()
}

fn open(home: &Path, config: &Config) -> (Arc<dyn Engine>, Arc<dyn Storage>) {
    let db = Db::open(&home.join("windlass.db"), false).expect("it opens");
    let settings = EngineSettings {
        namespace: "http".to_owned(),
        idempotency_window: config.idempotency_window,
        idempotency_max: config.idempotency_max,
        lease: config.lease,
    };
    let queue = SqliteQueue::new(Arc::clone(&db), settings, Arc::new(SystemClock));
    let storage = SqliteStorage::new(db);
    queue.check().expect("the queue can be used");
    storage.check().expect("the store can be used");
    (Arc::new(queue), Arc::new(storage))
}
