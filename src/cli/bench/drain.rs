//! How fast jobs that wait are taken, run, settled and recorded.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use serde_json::value::RawValue;

use super::servers::{Redis, cpu_of};
use super::{Common, EngineKind, each, payload, rate, row};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::handlers::{Registry, probe};
use crate::health::Health;
use crate::job::{Job, JobId};
use crate::queue::redis::RedisQueue;
use crate::queue::sqlite::SqliteQueue;
use crate::queue::{Call, Engine, EngineSettings, Submission};
use crate::recorder::{self, Recorder};
use crate::sqlite::Db;
use crate::storage::Storage;
use crate::storage::bounded::{Bounded, Bounds};
use crate::storage::postgres::PostgresStorage;
use crate::storage::sqlite::SqliteStorage;
use crate::terms::Terms;
use crate::threads::{Watch, pause};
use crate::worker::{self, Worker};

/// Longest time that the whole may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures and prints.
pub(super) fn measure(common: &Common) -> Result<(), String> {
    let folder =
        tempfile::tempdir().map_err(|err| format!("cannot make a temporary folder: {err}"))?;
    let redis = match common.engine {
        EngineKind::Redis => Some(Redis::start(folder.path())?),
        EngineKind::Embedded => None,
    };
    let stores = Stores::open(common, redis.as_ref(), folder.path())?;
    stores.queue.check().map_err(|err| err.to_string())?;

    let (began, cpu, server) = meter(redis.as_ref());
    fill(stores.queue.as_ref(), common)?;
    report(
        "enqueued, arrays of 1,000",
        common.jobs,
        began,
        cpu,
        server,
        redis.as_ref(),
    );

    let (began, cpu, server) = meter(redis.as_ref());
    drain(&stores.queue, common)?;
    report(
        "taken, run and settled",
        common.jobs,
        began,
        cpu,
        server,
        redis.as_ref(),
    );

    if let Some(storage) = stores.storage {
        let (began, cpu, server) = meter(redis.as_ref());
        record(&stores.queue, storage)?;
        report("recorded", common.jobs, began, cpu, server, redis.as_ref());
    }
    if let Some(redis) = &redis {
        for command in ["lpush", "ping"] {
            let floor = redis
                .floor(command)
                .map_or("redis-benchmark is not installed".to_owned(), |r| {
                    format!("{r:.0}/s")
                });
            row(
                &format!("beside it: redis-benchmark {command}, pipelined"),
                &floor,
            );
        }
    }
    Ok(())
}

struct Stores {
    queue: Arc<dyn Engine>,
    storage: Option<Arc<dyn Storage>>,
}

impl Stores {
    fn open(common: &Common, redis: Option<&Redis>, folder: &Path) -> Result<Self, String> {
        let settings = EngineSettings {
            namespace: "bench".to_owned(),
            idempotency_window: Duration::from_secs(60),
            idempotency_max: 1_000,
            lease: Config::default().lease,
        };
        if let Some(redis) = redis {
            let queue =
                RedisQueue::open(&redis.addr(), settings, None).map_err(|err| err.to_string())?;
            let storage = match &common.database {
                Some(url) => {
                    let storage = PostgresStorage::open(url).map_err(|err| err.to_string())?;
                    Some(Arc::new(Bounded::new(Arc::new(storage), Bounds::default()))
                        as Arc<dyn Storage>)
                }
                None => None,
            };
            return Ok(Self {
                queue: Arc::new(queue),
                storage,
            });
        }
        let db = Db::open(&folder.join("bench.sqlite"), true).map_err(|err| err.to_string())?;
        let queue = SqliteQueue::new(Arc::clone(&db), settings, Arc::new(SystemClock));
        Ok(Self {
            queue: Arc::new(queue),
            storage: Some(Arc::new(SqliteStorage::new(db))),
        })
    }
}

fn fill(queue: &dyn Engine, common: &Common) -> Result<(), String> {
    let body = RawValue::from_string(payload(common.payload)).map_err(|err| err.to_string())?;
    let mut call = Call::first("bench");
    let mut left = common.jobs;
    while left > 0 {
        let count = left.min(1_000);
        let first = JobId::mint(queue.now(), fastrand::u64(..));
        let job = |i| Arc::new(Job::new(first.nth(i), "noop", "default", body.clone()));
        let submission = Submission {
            jobs: (0..usize::try_from(count).unwrap_or(0)).map(job).collect(),
            idempotency: None,
        };
        queue
            .enqueue(&call, &[submission])
            .map_err(|err| err.to_string())?;
        call.advance();
        left -= count;
    }
    Ok(())
}

/// Runs a worker, alone, until every job is settled.
fn drain(queue: &Arc<dyn Engine>, common: &Common) -> Result<(), String> {
    let mut registry = Registry::new();
    registry.add(probe::Noop);
    let config = Config {
        worker_count: usize::try_from(common.workers).unwrap_or(10),
        outbox_max: usize::MAX,
        ..Config::default()
    };
    let (watch, deaths) = Watch::new();
    let (troubles, _kept) = bounded(8);
    let settled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&settled);
    let worker = Worker::start(worker::Parts {
        queue: Arc::<dyn Engine>::clone(queue),
        terms: Terms::new(config, registry)?,
        node: "bench".to_owned(),
        health: Health::new(),
        watch,
        prepare: Box::new(|| Ok(())),
        settled: Arc::new(move |jobs| _ = count.fetch_add(jobs.len() as u64, Ordering::Relaxed)),
        troubles,
    })
    .map_err(|err| format!("cannot start the workers: {err}"))?;
    let deadline = Instant::now() + PATIENCE;
    while settled.load(Ordering::Relaxed) < common.jobs {
        if let Ok(death) = deaths.try_recv() {
            return Err(format!(
                "the thread {} panicked: {}",
                death.thread, death.panic
            ));
        }
        if Instant::now() > deadline {
            return Err(format!(
                "only {} jobs were settled in {PATIENCE:?}",
                settled.load(Ordering::Relaxed)
            ));
        }
        pause(Duration::from_millis(1));
    }
    worker.drain(Duration::from_secs(1), Duration::from_secs(1));
    Ok(())
}

/// Runs a recorder, alone, until the outbox is empty.
fn record(queue: &Arc<dyn Engine>, storage: Arc<dyn Storage>) -> Result<(), String> {
    let (watch, _deaths) = Watch::new();
    let parts = recorder::Parts {
        queue: Arc::<dyn Engine>::clone(queue),
        storage,
        health: Health::new(),
        watch,
    };
    let recorder =
        Recorder::start(parts).map_err(|err| format!("cannot start the recorder: {err}"))?;
    if recorder.stop(PATIENCE) {
        Ok(())
    } else {
        Err(format!("the outbox was not emptied in {PATIENCE:?}"))
    }
}

fn meter(redis: Option<&Redis>) -> (Instant, Duration, Duration) {
    (
        Instant::now(),
        cpu_of(std::process::id()),
        redis.map_or(Duration::ZERO, Redis::cpu),
    )
}

fn report(
    what: &str,
    jobs: u64,
    began: Instant,
    cpu: Duration,
    server: Duration,
    redis: Option<&Redis>,
) {
    let took = began.elapsed();
    let ours = each(cpu_of(std::process::id()).saturating_sub(cpu), jobs);
    let theirs = redis.map_or(String::new(), |r| {
        format!(
            ", Redis CPU {} a job",
            each(r.cpu().saturating_sub(server), jobs)
        )
    });
    row(
        what,
        &format!(
            "{:.0} jobs/s, our CPU {ours} a job{theirs}",
            rate(jobs, took)
        ),
    );
}
