//! The settings, what they mean, and their defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::schedules::Schedule;
use super::types::JobType;

/// Where jobs and records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Jobs in Redis, records in PostgreSQL.
    Redis,
    /// Both in one SQLite file; no server.
    Embedded,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people (or for journald).
    Text,
    /// One JSON object a line.
    Json,
}

/// A value that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `value`.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself; not for logs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One queue that a daemon takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueWeight {
    /// Its name.
    pub queue: String,
    /// Its weight against the others.
    pub weight: u32,
}

/// The queues that a daemon takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// The queues; in strict order, the first comes first.
    pub list: Vec<QueueWeight>,
    /// Whether a queue is taken from only while those before it are empty.
    pub strict: bool,
}

/// All settings. [`Config::default`] holds the defaults; [`Config::load`] puts what was written over them.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// BACKEND: where jobs and records are kept.
    pub backend: Backend,
    /// REDISADDR: host:port, or a redis://, rediss:// or unix:// URL, with user, password and database if need be.
    pub redis_addr: Secret,
    /// DATABASEURL: of PostgreSQL (postgres://user:password@host/database).
    pub database_url: Secret,
    /// DATADIR: where the embedded engine's file lies.
    pub data_dir: PathBuf,
    /// RUNTIMEDIR: where the node's lock lies; loading puts `$RUNTIME_DIRECTORY` here when nothing is written. `None`: a
    /// folder of the user's in the system's temporary folder.
    pub runtime_dir: Option<PathBuf>,
    /// NAMESPACE: which of several applications that share one Redis.
    pub namespace: String,
    /// NODE: this daemon's name among its peers; `None`: host name and port of `api_addr`.
    pub node: Option<String>,
    /// APIADDR: where the API listens.
    pub api_addr: SocketAddr,
    /// WORKERCOUNT: worker threads.
    pub worker_count: usize,
    /// WORKERTIMEOUT: how long a stopping worker may still use to finish its job.
    pub worker_timeout: Duration,
    /// MAXRETRIES: retries after the first attempt, for jobs that do not say themselves.
    pub max_retries: u32,
    /// MAXCRASHES: how often a job's process may die before the job is quarantined.
    pub max_crashes: u32,
    /// JOBTIMEOUT: how long an attempt may take, for jobs that do not say themselves.
    pub job_timeout: Duration,
    /// LEASE: how long a job stays lent to a worker that is not heard of.
    pub lease: Duration,
    /// QUEUES: which queues to take from.
    pub queues: Queues,
    /// LIMITS: at most that many of a queue run at once over all daemons.
    pub limits: BTreeMap<String, u32>,
    /// OUTBOXMAX: beyond this many ended jobs that wait for storage, no more are taken.
    pub outbox_max: usize,
    /// HISTORYDAYS: for how many days after its end a job is kept.
    pub history_days: u32,
    /// BODYMAX: largest request body, in bytes.
    pub body_max: usize,
    /// PAYLOADMAX: largest payload of a job, in bytes.
    pub payload_max: usize,
    /// RESULTMAX: largest result of a job, in bytes; a larger one makes the attempt a permanent failure.
    pub result_max: usize,
    /// SUBMITMAX: most jobs in one request's array.
    pub submit_max: usize,
    /// WAITMAX: most requests parked by `?wait`.
    pub wait_max: usize,
    /// CATCHUPMAX: how many missed ticks of one schedule bring their jobs at most, where all of them should.
    pub catch_up_max: usize,
    /// IDEMPOTENCYWINDOW: for how long an Idempotency-Key is remembered.
    pub idempotency_window: Duration,
    /// IDEMPOTENCYMAX: how many are remembered at most.
    pub idempotency_max: usize,
    /// SMTPURL: the mail server (smtp://, smtps://, `?tls=required`), or `file:///folder` to write mails there instead; `None`: e-mail jobs fail and say so.
    pub smtp_url: Option<Secret>,
    /// MAILFROM: the sender of mails that name none.
    pub mail_from: Option<String>,
    /// FILEROOT: the folder beneath which jobs may read and write files; `None`: they may not.
    pub file_root: Option<PathBuf>,
    /// LOGLEVEL: error, warn, info, debug or trace.
    pub log_level: log::LevelFilter,
    /// LOGFORMAT: how log lines look.
    pub log_format: LogFormat,
    /// The job types that the `[[type]]` entries of the file describe.
    pub types: Vec<JobType>,
    /// The schedules that the `[[schedule]]` entries of the file describe.
    pub schedules: Vec<Schedule>,
}

impl Config {
    /// Everything in one folder, and no server beside it; all else as by default.
    #[must_use]
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self {
            backend: Backend::Embedded,
            runtime_dir: Some(folder.clone()),
            data_dir: folder,
            ..Self::default()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            backend: Backend::Redis,
            redis_addr: Secret::new("127.0.0.1:6379"),
            database_url: Secret::new("postgres:///windlass?host=/run/postgresql"),
            data_dir: PathBuf::from("/var/lib/windlass"),
            runtime_dir: None,
            namespace: "main".to_owned(),
            node: None,
            api_addr: SocketAddr::from(([127, 0, 0, 1], 8080)),
            worker_count: 10,
            worker_timeout: Duration::from_secs(10),
            max_retries: 5,
            max_crashes: 3,
            job_timeout: Duration::from_secs(30 * 60),
            lease: Duration::from_secs(15),
            queues: Queues {
                list: vec![QueueWeight {
                    queue: "default".to_owned(),
                    weight: 1,
                }],
                strict: false,
            },
            limits: BTreeMap::new(),
            outbox_max: 1_000_000,
            history_days: 30,
            body_max: 16 * 1024 * 1024,
            payload_max: 1024 * 1024,
            result_max: 256 * 1024,
            submit_max: 1_000,
            wait_max: 1_000,
            catch_up_max: 100,
            idempotency_window: Duration::from_secs(24 * 3600),
            idempotency_max: 1_000_000,
            smtp_url: None,
            mail_from: None,
            file_root: None,
            log_level: log::LevelFilter::Info,
            log_format: LogFormat::Text,
            types: Vec::new(),
            schedules: Vec::new(),
        }
    }
}
