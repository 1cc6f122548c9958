//! The one table of settings: what reads, shows, bounds and explains each of them.

use std::time::Duration;

use log::LevelFilter;

use crate::job::duration::written;

use crate::config::setting::Setting;
use crate::config::settings::{Backend, LogFormat, Secret};
use crate::config::{address, parse};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Most jobs in one request: what one call of a queue takes (`queue::TICKETS_PER_CALL_MAX`), since a request is
/// accepted all or nothing.
const SUBMIT_MAX: usize = 1_000;

/// What a setting is that does not say otherwise: no secret, and never empty.
const PLAIN: Setting = Setting {
    name: "",
    form: "",
    meaning: "",
    example: "",
    secret: false,
    optional: false,
    set: |_, _| Err("is no value of any setting".to_owned()),
    show: |_| String::new(),
};

/// Every setting, in the order in which people meet them.
pub(in crate::config) const TABLE: [Setting; 31] = [
    Setting {
        name: "backend",
        form: "redis, embedded",
        meaning: "Where jobs and records are kept: in Redis and PostgreSQL, or both in one SQLite file.",
        example: "embedded",
        set: |config, text| {
            let choices = [("redis", Backend::Redis), ("embedded", Backend::Embedded)];
            put(&mut config.backend, parse::choice(text, &choices))
        },
        show: |config| match config.backend {
            Backend::Redis => "redis".to_owned(),
            Backend::Embedded => "embedded".to_owned(),
        },
        ..PLAIN
    },
    Setting {
        name: "redis_addr",
        form: "host:port, or a redis://, rediss:// or unix:// URL",
        meaning: "The Redis that holds the open work.",
        example: "rediss://user:password@redis.example.com:6380/0",
        secret: true,
        set: |config, text| put(&mut config.redis_addr, address::redis(text)),
        show: |config| config.redis_addr.reveal().to_owned(),
        ..PLAIN
    },
    Setting {
        name: "database_url",
        form: "a postgres:// URL",
        meaning: "The PostgreSQL that holds the finished work.",
        example: "postgres://windlass:password@db.example.com/windlass",
        secret: true,
        set: |config, text| put(&mut config.database_url, address::postgres(text)),
        show: |config| config.database_url.reveal().to_owned(),
        ..PLAIN
    },
    Setting {
        name: "data_dir",
        form: "a folder",
        meaning: "Where the SQLite file lies (embedded only).",
        example: "/srv/windlass",
        set: |config, text| put(&mut config.data_dir, parse::path(text)),
        show: |config| parse::shown_path(&config.data_dir),
        ..PLAIN
    },
    Setting {
        name: "runtime_dir",
        form: "a folder",
        meaning: "Where the node's lock lies. Not set: RUNTIME_DIRECTORY, or a folder among the temporary files.",
        example: "/run/windlass",
        optional: true,
        set: |config, text| put(&mut config.runtime_dir, some(text, parse::path)),
        show: |config| {
            config
                .runtime_dir
                .as_deref()
                .map(parse::shown_path)
                .unwrap_or_default()
        },
        ..PLAIN
    },
    Setting {
        name: "namespace",
        form: "a name",
        meaning: "Which of the applications that share one Redis this is; daemons of one namespace share their work.",
        example: "billing",
        set: |config, text| put(&mut config.namespace, parse::name(text)),
        show: |config| config.namespace.clone(),
        ..PLAIN
    },
    Setting {
        name: "node",
        form: "a name, or host:port",
        meaning: "This daemon's name among its peers. Not set: the host's name and the port of `api_addr`.",
        example: "worker-3",
        optional: true,
        set: |config, text| put(&mut config.node, some(text, parse::node)),
        show: |config| config.node.clone().unwrap_or_default(),
        ..PLAIN
    },
    Setting {
        name: "api_addr",
        form: "a loopback address and a port",
        meaning: "Where the HTTP API listens. Port 0 takes any free one.",
        example: "[::1]:8080",
        set: |config, text| put(&mut config.api_addr, parse::api_addr(text)),
        show: |config| config.api_addr.to_string(),
        ..PLAIN
    },
    // How work is done.
    Setting {
        name: "worker_count",
        form: "1 to 1024 threads",
        meaning: "How many jobs run at once.",
        example: "32",
        set: |config, text| put(&mut config.worker_count, parse::number(text, 1..=1024)),
        show: |config| config.worker_count.to_string(),
        ..PLAIN
    },
    Setting {
        name: "worker_timeout",
        form: "a duration, 0 to 1h; a bare number is seconds",
        meaning: "How long a job may go on when the daemon is told to stop; then it goes back to its queue.",
        example: "30s",
        set: |config, text| {
            put(
                &mut config.worker_timeout,
                parse::duration(text, Duration::ZERO..=HOUR),
            )
        },
        show: |config| written(config.worker_timeout).to_string(),
        ..PLAIN
    },
    Setting {
        name: "max_retries",
        form: "0 to 1000",
        meaning: "How many failed attempts are followed by another, for jobs that do not say: 5 means up to 6.",
        example: "10",
        set: |config, text| put(&mut config.max_retries, parse::number(text, 0..=1000)),
        show: |config| config.max_retries.to_string(),
        ..PLAIN
    },
    Setting {
        name: "max_crashes",
        form: "1 to 100",
        meaning: "How often the process may die under a job before the job is quarantined.",
        example: "1",
        set: |config, text| put(&mut config.max_crashes, parse::number(text, 1..=100)),
        show: |config| config.max_crashes.to_string(),
        ..PLAIN
    },
    Setting {
        name: "job_timeout",
        form: "a duration, 1s to 24h",
        meaning: "How long an attempt may take, for jobs that do not say themselves.",
        example: "5m",
        set: |config, text| put(&mut config.job_timeout, parse::duration(text, SECOND..=DAY)),
        show: |config| written(config.job_timeout).to_string(),
        ..PLAIN
    },
    Setting {
        name: "lease",
        form: "a duration, 1s to 1h",
        meaning: "After how long a job is given to another worker when its own is not heard of any more.",
        example: "60s",
        set: |config, text| put(&mut config.lease, parse::duration(text, SECOND..=HOUR)),
        show: |config| written(config.lease).to_string(),
        ..PLAIN
    },
    Setting {
        name: "queues",
        form: "names with weights (a:6,b:3), or in strict order (a,b)",
        meaning: "Which queues this daemon takes jobs from.",
        example: "critical:6,default:3,low:1",
        set: |config, text| put(&mut config.queues, parse::queues(text)),
        show: |config| parse::shown_queues(&config.queues),
        ..PLAIN
    },
    Setting {
        name: "limits",
        form: "queue=number, with commas between",
        meaning: "At most that many jobs of a queue run at once, over all daemons. Not set: no limits.",
        example: "image=2,email=10",
        optional: true,
        set: |config, text| put(&mut config.limits, parse::limits(text)),
        show: |config| parse::shown_limits(&config.limits),
        ..PLAIN
    },
    // Bounds.
    Setting {
        name: "outbox_max",
        form: "1 to 100000000 jobs",
        meaning: "No more jobs are taken while this many that have ended wait to be recorded.",
        example: "100000",
        set: |config, text| put(&mut config.outbox_max, parse::number(text, 1..=100_000_000)),
        show: |config| config.outbox_max.to_string(),
        ..PLAIN
    },
    Setting {
        name: "history_days",
        form: "1 to 36500 days",
        meaning: "For how long a job is kept after its end.",
        example: "365",
        set: |config, text| put(&mut config.history_days, parse::number(text, 1..=36_500)),
        show: |config| config.history_days.to_string(),
        ..PLAIN
    },
    Setting {
        name: "body_max",
        form: "a size, 1KiB to 256MiB; a bare number is bytes",
        meaning: "The largest body of a request.",
        example: "4MiB",
        set: |config, text| put(&mut config.body_max, parse::size(text, KIB..=256 * MIB)),
        show: |config| parse::shown_size(config.body_max),
        ..PLAIN
    },
    Setting {
        name: "payload_max",
        form: "a size, 1KiB to 64MiB, not above body_max",
        meaning: "The largest payload of a job.",
        example: "64KiB",
        set: |config, text| put(&mut config.payload_max, parse::size(text, KIB..=64 * MIB)),
        show: |config| parse::shown_size(config.payload_max),
        ..PLAIN
    },
    Setting {
        name: "result_max",
        form: "a size, 1KiB to 64MiB",
        meaning: "The largest result of a job; a job with a larger one fails for good.",
        example: "1MiB",
        set: |config, text| put(&mut config.result_max, parse::size(text, KIB..=64 * MIB)),
        show: |config| parse::shown_size(config.result_max),
        ..PLAIN
    },
    Setting {
        name: "submit_max",
        form: "1 to 1000 jobs",
        meaning: "The most jobs in the array of one request.",
        example: "100",
        set: |config, text| put(&mut config.submit_max, parse::number(text, 1..=SUBMIT_MAX)),
        show: |config| config.submit_max.to_string(),
        ..PLAIN
    },
    Setting {
        name: "wait_max",
        form: "0 to 100000 requests",
        meaning: "The most requests that wait for the end of a job (`?wait=`) at once.",
        example: "100",
        set: |config, text| put(&mut config.wait_max, parse::number(text, 0..=100_000)),
        show: |config| config.wait_max.to_string(),
        ..PLAIN
    },
    Setting {
        name: "catch_up_max",
        form: "1 to 1000 ticks",
        meaning: "How many missed ticks of a schedule bring their jobs at most (`catch_up = \"all\"`): the latest.",
        example: "10",
        set: |config, text| put(&mut config.catch_up_max, parse::number(text, 1..=1_000)),
        show: |config| config.catch_up_max.to_string(),
        ..PLAIN
    },
    Setting {
        name: "idempotency_window",
        form: "a duration, 1m to 30d",
        meaning: "For how long an Idempotency-Key is remembered.",
        example: "1h",
        set: |config, text| {
            let bounds = Duration::from_secs(60)..=30 * DAY;
            put(
                &mut config.idempotency_window,
                parse::duration(text, bounds),
            )
        },
        show: |config| written(config.idempotency_window).to_string(),
        ..PLAIN
    },
    Setting {
        name: "idempotency_max",
        form: "1 to 100000000 keys",
        meaning: "The most keys that are remembered; beyond it, requests with a key are refused for a while.",
        example: "100000",
        set: |config, text| {
            put(
                &mut config.idempotency_max,
                parse::number(text, 1..=100_000_000),
            )
        },
        show: |config| config.idempotency_max.to_string(),
        ..PLAIN
    },
    // What handlers need.
    Setting {
        name: "smtp_url",
        form: "an smtp:// or smtps:// URL, or file:///folder",
        meaning: "The mail server, or a folder to write mails to instead. Not set: e-mail jobs fail and say so.",
        example: "smtp://user:password@mail.example.com:587?tls=required",
        secret: true,
        optional: true,
        set: |config, text| put(&mut config.smtp_url, some(text, address::smtp)),
        show: |config| {
            config
                .smtp_url
                .as_ref()
                .map(Secret::reveal)
                .unwrap_or_default()
                .to_owned()
        },
    },
    Setting {
        name: "mail_from",
        form: "an address",
        meaning: "The sender of mails that name none.",
        example: "Jobs <jobs@example.com>",
        optional: true,
        set: |config, text| put(&mut config.mail_from, some(text, address::sender)),
        show: |config| config.mail_from.clone().unwrap_or_default(),
        ..PLAIN
    },
    Setting {
        name: "file_root",
        form: "a folder",
        meaning: "The folder beneath which jobs may read and write files. Not set: they may not.",
        example: "/srv/files",
        optional: true,
        set: |config, text| put(&mut config.file_root, some(text, parse::path)),
        show: |config| {
            config
                .file_root
                .as_deref()
                .map(parse::shown_path)
                .unwrap_or_default()
        },
        ..PLAIN
    },
    // What is told.
    Setting {
        name: "log_level",
        form: "error, warn, info, debug, trace",
        meaning: "The least important lines that are logged.",
        example: "debug",
        set: |config, text| {
            let choices = [
                ("error", LevelFilter::Error),
                ("warn", LevelFilter::Warn),
                ("info", LevelFilter::Info),
                ("debug", LevelFilter::Debug),
                ("trace", LevelFilter::Trace),
            ];
            put(&mut config.log_level, parse::choice(text, &choices))
        },
        show: |config| config.log_level.as_str().to_ascii_lowercase(),
        ..PLAIN
    },
    Setting {
        name: "log_format",
        form: "text, json",
        meaning: "Log lines for people, or one JSON object a line.",
        example: "json",
        set: |config, text| {
            let choices = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            put(&mut config.log_format, parse::choice(text, &choices))
        },
        show: |config| match config.log_format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        },
        ..PLAIN
    },
];

fn put<T>(field: &mut T, parsed: Result<T, String>) -> Result<(), String> {
    *field = parsed?;
    Ok(())
}

fn some<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some)
}

#[cfg(test)]
mod tests;
