//! The queue on Redis: each call of the traits is one Lua script, atomic, and on Redis' own clock.
//!
//! - `road`, `desk`, `levers`, `calendar`: the four traits. `rows`, `attempts`: how jobs stand as text.
//! - `scripts` and `lua/`: the scripts. `words`: what goes into them and what comes out.
//! - `connections`, `address`: the way to Redis and back.
//!
//! # Layout
//!
//! All keys begin with `windlass:{NAMESPACE}:`, one hash tag, so that every script stays in one slot. No script decodes or
//! encodes JSON. A ticket is `id:n`, the first one of a job the id alone. Tickets that are lent together share a *grant*: one
//! lease end for all, so that lending and settling cost one entry of a hash a job, and one of a sorted set a call.
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `jobs` | hash | id -> a head line for the scripts, then the job's JSON; from acceptance until it is stored |
//! | `runs` | hash | id -> `n failures crashes mark leased_at expires_at`, node, unique key; none while its first ticket says all |
//! | `history` | hash | id -> attempts so far, a line each |
//! | `progress` | hash | id -> what the last renew brought |
//! | `results` | hash | id -> how it ended, until it is stored |
//! | `ready:<queue>`, `suspect:<queue>` | list | tickets, next first; the latter of jobs that a process died of |
//! | `voided` | set | ids of jobs that ended as they waited and may have left a ticket in a line, until stored |
//! | `lent` | hash | ticket -> the grant under which it is lent, and a long field that makes Redis keep it as a table |
//! | `grants`, `granted` | hash | grant -> `<tickets left> <lent at> <node>`; -> its tickets, a line per queue |
//! | `grant_ends` | zset | grant by lease end |
//! | `later` | zset | `id:n:queue` by due time |
//! | `expiry` | zset | `id:queue:unique key` by expires_at, while the job waits |
//! | `outbox` | list | ids of ended jobs that no recorder has claimed, oldest first |
//! | `claims`, `claim_ends` | hash, zset | first id of a claim -> all its ids; by the time until which it holds |
//! | `unique` | hash | unique key -> `<id of the live job> <until or 0>` |
//! | `retried:<id>` | string | id of the job that runs that ended one again; until an hour after it was stored |
//! | `retry_of` | hash | id of such a job -> id of the ended one, until it is stored |
//! | `condemned`, `condemned:<number>` | list | what is left to do of purges; lines that purges left behind |
//! | `purges` | hash | queue -> how far a purge has looked through `later` |
//! | `spared:<queue>` | set | what came to `later` since |
//! | `idempotency`, `idempotency_ends` | hash, zset | Idempotency-Key -> `<digest> <first id> <count> <exceptions>`, and until when |
//! | `depth` | hash | counters: `w: s: r:` and a queue, `t:` and a state; `full:` and a queue that was passed over |
//! | `bell:<queue>` | list | at most one token |
//! | `batch:<call>:<caller>` | string | the last number of a caller and its answer, for an hour |
//! | `paused`, `nodes`, `schedules`, `clock`, `meta` | hash | operations |

mod address;
mod attempts;
mod calendar;
mod connections;
mod desk;
mod levers;
mod list;
mod road;
mod rows;
mod scripts;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ::redis::Cmd;

use self::connections::{Connections, REPLY_MAX, meaning};
use self::scripts::{Reply, Script, Scripts};
use super::{EngineSettings, QueueError};
use crate::clock::{Clock, SystemClock};
use crate::job::Timestamp;

/// Longest block of one BLPOP: a connection that died in silence is noticed after it.
const BLOCK_MAX: Duration = Duration::from_secs(1);

/// The queue on Redis. Clones of an `Arc` of it may be used by any number of threads.
pub struct RedisQueue {
    settings: EngineSettings,
    /// Of all keys.
    prefix: String,
    /// `KEYS[1]` of every script.
    meta: String,
    scripts: Scripts,
    calls: Connections,
    waits: Connections,
    clock: EngineClock,
}

impl RedisQueue {
    /// Makes a queue at `addr`: `host:port`, or a `redis://`, `rediss://` or `unix://` URL. Connects to nothing yet, so
    /// Redis may still be away. With `clock` every script runs on that clock instead of Redis' own; for tests.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unfit`]: the address or the namespace cannot be used; say why and stop.
    pub fn open(
        addr: &str,
        settings: EngineSettings,
        clock: Option<Arc<dyn Clock>>,
    ) -> Result<Self, QueueError> {
        let info = address::parse(addr)?;
        if settings.namespace.is_empty() || settings.namespace.contains(['{', '}', '\n', ' ']) {
            return Err(QueueError::Unfit {
                reason: "NAMESPACE is empty, or holds a brace, a space or a line break".to_owned(),
            });
        }
        if addr.starts_with("rediss://") {
            // An embedding program may have chosen its provider already; then that one serves us too.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let open = |reply| {
            Connections::new(info.clone(), reply).map_err(|err| QueueError::Unfit {
                reason: format!("the address of Redis cannot be used: {err}"),
            })
        };
        let prefix = format!("windlass:{{{}}}:", settings.namespace);
        Ok(Self {
            meta: format!("{prefix}meta"),
            prefix,
            scripts: Scripts::new(),
            calls: open(REPLY_MAX)?,
            // Above the block itself, or every wait would end as an error.
            waits: open(BLOCK_MAX + REPLY_MAX)?,
            clock: EngineClock::new(clock),
            settings,
        })
    }

    /// The beginning of a script's command.
    fn command(&self, script: &Script) -> Cmd {
        let now = self.clock.manual.as_ref().map(|clock| clock.now());
        script.command(&self.meta, now)
    }

    /// Runs a script's command; learns the engine's time from its answer.
    fn run(&self, script: &Script, command: &Cmd) -> Result<Reply, QueueError> {
        let value = self
            .calls
            .with(|connection| script.run(command, connection))
            .map_err(|err| meaning(script.call, &err))?;
        let reply = Reply::new(script.call, value)?;
        self.clock.learn(reply.now);
        Ok(reply)
    }
}

/// The engine's clock as it is known here: the last time that Redis told, and what has passed since.
struct EngineClock {
    manual: Option<Arc<dyn Clock>>,
    started: Instant,
    /// The engine's time at `started`, in microseconds; `UNKNOWN` before the first answer.
    origin: AtomicI64,
}

const UNKNOWN: i64 = i64::MIN;

impl EngineClock {
    fn new(manual: Option<Arc<dyn Clock>>) -> Self {
        Self {
            manual,
            started: Instant::now(),
            origin: AtomicI64::new(UNKNOWN),
        }
    }

    fn learn(&self, now: Timestamp) {
        let origin = now - self.started.elapsed();
        self.origin.store(origin.as_micros(), Ordering::Relaxed);
    }

    fn now(&self) -> Timestamp {
        if let Some(clock) = &self.manual {
            return clock.now();
        }
        match self.origin.load(Ordering::Relaxed) {
            // Before the first answer the host's clock is the best guess.
            UNKNOWN => SystemClock.now(),
            origin => Timestamp::from_micros(origin) + self.started.elapsed(),
        }
    }
}
