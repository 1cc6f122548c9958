//! A queue, a worker on it, and a handler that does what its payload says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use windlass::clock::SystemClock;
use windlass::config::Config;
use windlass::handlers::{Context, Failure, Handler, Registry, probe};
use windlass::health::Health;
use windlass::job::{Found, Job, JobId, State};
use windlass::queue::redis::RedisQueue;
use windlass::queue::sqlite::SqliteQueue;
use windlass::queue::{
    Accepted, Call, Engine, EngineSettings, Line, Reserve, Share, Submission, Submitted,
};
use windlass::sqlite::Db;
use windlass::terms::Terms;
use windlass::threads::{Stop, Watch};
use windlass::worker::{Parts, Trouble, Worker};

use crate::support::bench::Bench;
use crate::support::servers::Redis;
use crate::support::wait::{PATIENCE, wait_until};

/// What a job of the tests does.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Waits at the gate, heeding cancel and deadline.
    Wait,
    /// Waits at the gate, heeding nothing.
    Stubborn,
    /// Panics.
    Panic,
    /// Answers with so many bytes.
    Answer { bytes: usize },
    /// Answers with U+0000.
    Nul,
    /// Logs and tells its progress, then fails.
    Chat,
}

/// What it answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Said {
    text: String,
}

/// The gate at which jobs wait, and how many stand there.
#[derive(Clone, Default)]
pub struct Gate {
    open: Stop,
    at: Arc<AtomicUsize>,
}

impl Gate {
    /// Lets all pass, from here on.
    pub fn open(&self) {
        self.open.stop();
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.at.load(Ordering::SeqCst)
    }

    fn pass(&self, mut give_up: impl FnMut() -> Option<Failure>) -> Result<(), Failure> {
        self.at.fetch_add(1, Ordering::SeqCst);
        let passed = loop {
            if self.open.wait(Duration::from_millis(5)) {
                break Ok(());
            }
            if let Some(failure) = give_up() {
                break Err(failure);
            }
        };
        self.at.fetch_sub(1, Ordering::SeqCst);
        passed
    }
}

struct Actor(Gate);

impl Handler for Actor {
    const TYPE: &'static str = "act";
    type Payload = Act;
    type Output = Said;

    fn run(&self, payload: Act, context: &Context) -> Result<Said, Failure> {
        let said = |text: &str| {
            Ok(Said {
                text: text.to_owned(),
            })
        };
        match payload {
            Act::Wait => {
                self.0.pass(|| {
                    let late = context.remaining().is_zero();
                    context
                        .cancelled()
                        .then(Failure::cancelled)
                        .or_else(|| late.then(|| Failure::timeout(Duration::ZERO)))
                })?;
                said("waited")
            }
            Act::Stubborn => {
                self.0.pass(|| None)?;
                said("at last")
            }
            Act::Panic => panic!("as it was told"),
            Act::Answer { bytes } => said(&"x".repeat(bytes)),
            Act::Nul => said("a\0b"),
            Act::Chat => {
                context.log("first line");
                context.log("second line");
                context.progress(1, Some(2), "half way");
                self.0.pass(|| {
                    context
                        .remaining()
                        .is_zero()
                        .then(|| Failure::timeout(Duration::ZERO))
                })?;
                Err(Failure::retry("nothing more to say"))
            }
        }
    }
}

/// A queue and what is around it; workers come and go.
pub struct Shop {
    _folder: tempfile::TempDir,
    /// The queue.
    pub queue: Arc<dyn Engine>,
    /// The gate of all jobs.
    pub gate: Gate,
    /// Settings of the workers that are started next.
    pub config: Config,
    call: Mutex<Call>,
}

/// A worker and where it reports troubles.
pub struct Hired {
    /// The worker.
    pub worker: Worker,
    /// The terms on which it takes and runs jobs.
    pub terms: Terms,
    /// What it cannot go on with.
    pub troubles: Receiver<Trouble>,
    _watch: Receiver<windlass::threads::Death>,
}

impl Shop {
    /// An empty queue in a file, for workers with `threads` threads.
    pub fn new(threads: usize) -> Self {
        Self::on(threads, |folder, settings| {
            let db = Db::open(&folder.join("queue.sqlite"), false).expect("a database");
            Arc::new(SqliteQueue::new(db, settings, Arc::new(SystemClock)))
        })
    }

    /// The same in Redis.
    pub fn on_redis(threads: usize) -> Self {
        Self::on(threads, |_, settings| {
            let addr = Redis::shared().addr();
            Arc::new(RedisQueue::open(&addr, settings, None).expect("a good address"))
        })
    }

    fn on(threads: usize, open: impl FnOnce(&Path, EngineSettings) -> Arc<dyn Engine>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            worker_count: threads,
            lease: Duration::from_secs(3),
            ..Config::default()
        };
        let settings = EngineSettings {
            lease: config.lease,
            ..Bench::settings()
        };
        let queue = open(folder.path(), settings);
        queue.check().expect("the queue can be used");
        Self {
            _folder: folder,
            queue,
            gate: Gate::default(),
            config,
            call: Mutex::new(Call::first("test")),
        }
    }

    /// Starts a worker.
    pub fn hire(&self, node: &str) -> Hired {
        let mut registry = Registry::new();
        registry.add(Actor(self.gate.clone())).add(probe::Noop);
        let (watch, deaths) = Watch::new();
        let (trouble, troubles) = bounded(8);
        let terms = Terms::new(self.config.clone(), registry).expect("no entries of types");
        let worker = Worker::start(Parts {
            queue: Arc::<dyn Engine>::clone(&self.queue),
            terms: terms.clone(),
            node: node.to_owned(),
            health: Health::new(),
            watch,
            prepare: Box::new(|| Ok(())),
            settled: Arc::new(|_| {}),
            troubles: trouble,
        })
        .expect("threads");
        Hired {
            worker,
            terms,
            troubles,
            _watch: deaths,
        }
    }

    /// Submits a job of `kind`, changed by `change`.
    pub fn submit(&self, kind: &str, payload: &str, change: impl FnOnce(&mut Job)) -> JobId {
        let payload = RawValue::from_string(payload.to_owned()).expect("JSON");
        let mut job = Job::new(
            JobId::mint(self.queue.now(), fastrand::u64(..)),
            kind,
            "default",
            payload,
        );
        change(&mut job);
        let submission = Submission {
            jobs: vec![Arc::new(job)],
            idempotency: None,
        };
        let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = self.queue.enqueue(&call, &[submission]).expect("enqueued");
        call.advance();
        match &answers[0] {
            Submitted::Accepted(jobs) => match jobs[0] {
                Accepted::New(id, _) | Accepted::Existing(id) => id,
            },
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Submits a job that does `act`.
    pub fn act(&self, act: &str) -> JobId {
        self.submit("act", act, |_| {})
    }

    /// How a job stands.
    pub fn find(&self, id: JobId) -> Found {
        self.queue.find(&[id]).expect("the queue answers")[0]
            .clone()
            .expect("the job is there")
    }

    /// Waits until a job stands in `state`, and answers how it stands.
    #[track_caller]
    pub fn until(&self, id: JobId, state: State) -> Found {
        wait_until(&format!("the job is {state}"), PATIENCE, || {
            let found = self.find(id);
            if found.state() == state {
                Ok(found)
            } else {
                Err(found.state())
            }
        })
    }

    /// Waits until so many jobs stand at the gate.
    #[track_caller]
    pub fn until_waiting(&self, count: usize) {
        wait_until(&format!("{count} jobs wait at the gate"), PATIENCE, || {
            let waiting = self.gate.waiting();
            if waiting == count {
                Ok(())
            } else {
                Err(waiting)
            }
        });
    }

    /// Lends everything to a node that then dies; its leases are taken over, each a crash.
    pub fn die_with_everything(&self, node: &str) {
        let shares = [Share {
            queue: "default".to_owned(),
            share: 100,
            limit: None,
        }];
        let mut call = Call::first("mortal");
        loop {
            let reserve = Reserve {
                node,
                want: 100,
                shares: &shares,
                lease: self.config.lease,
                suspect: true,
                max_crashes: self.config.max_crashes,
            };
            let leases = self
                .queue
                .reserve(&call, &reserve)
                .expect("the queue answers")
                .leases;
            call.advance();
            if leases.is_empty() {
                break;
            }
        }
        self.queue
            .take_over(node, self.queue.now(), self.config.max_crashes)
            .expect("the queue answers");
    }

    /// The jobs that stand in the line, next first.
    pub fn line(&self) -> Vec<JobId> {
        let listed = self.queue.list(Line::Ready("default"), None, 1_000);
        let places = listed.expect("the queue answers").places;
        places.into_iter().map(|place| place.id).collect()
    }

    /// Counts of jobs by state, of those named.
    pub fn states(&self, ids: &[JobId]) -> BTreeMap<State, usize> {
        let mut counts = BTreeMap::new();
        for found in self
            .queue
            .find(ids)
            .expect("the queue answers")
            .into_iter()
            .flatten()
        {
            *counts.entry(found.state()).or_default() += 1;
        }
        counts
    }
}

impl Hired {
    /// Ends the worker; running jobs may still use `grace`.
    pub fn dismiss(self, grace: Duration) -> usize {
        self.worker.drain(grace, Duration::from_secs(5))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Stubborn handlers hold threads that are waited for.
        self.gate.open();
    }
}

/// How long something took.
pub fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (run(), began.elapsed())
}
