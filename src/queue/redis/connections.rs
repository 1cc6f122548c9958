//! Connections to Redis: made when they are needed, kept while they work, dropped after any doubt.
//!
//! The driver's own timeouts end with the set-up, and a connection whose reply did not come in time answers the next
//! call late. So every connection gets its limits here, and none that failed is used again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Client, Connection, ConnectionInfo, ErrorKind, RedisError, RedisResult};

use crate::queue::QueueError;

/// How long a connection may take to be made, and each reply of its set-up.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long Redis may take to answer. Scripts are bounded to milliseconds; the rest is room for its forks.
pub(super) const REPLY_MAX: Duration = Duration::from_secs(3);

/// How many idle connections are kept: about one for each thread of a daemon that asks at once.
const IDLE_MAX: usize = 16;

/// Idle connections to one Redis, all with the same limits.
pub(super) struct Connections {
    client: Client,
    reply: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    /// Connects to nothing yet. A reply may take `reply`.
    pub(super) fn new(info: ConnectionInfo, reply: Duration) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(info)?,
            reply,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Runs `ask` on a connection of its own.
    ///
    /// An idle connection may have been closed by the other side long ago; then `ask` runs once more on a fresh one.
    /// Everything we ask can be repeated.
    pub(super) fn with<T>(
        &self,
        ask: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let idle = self.idle().pop();
        let Some(mut connection) = idle else {
            return self.with_fresh(ask);
        };
        match ask(&mut connection) {
            Err(err) if is_doubtful(&err) => {
                // What closed this one has closed the others.
                self.idle().clear();
                if err.is_connection_dropped() {
                    self.with_fresh(ask)
                } else {
                    Err(err)
                }
            }
            answer => {
                self.keep(connection);
                answer
            }
        }
    }

    fn with_fresh<T>(&self, ask: impl Fn(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let mut connection = self.client.get_connection_with_timeout(CONNECT_MAX)?;
        connection.set_read_timeout(Some(self.reply))?;
        connection.set_write_timeout(Some(self.reply))?;
        let answer = ask(&mut connection);
        if !answer.as_ref().is_err_and(is_doubtful) {
            self.keep(connection);
        }
        answer
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection may be out of step, or leads to a server that is not the one to ask any more.
fn is_doubtful(err: &RedisError) -> bool {
    err.is_io_error() || err.kind() == ErrorKind::Parse || err.code() == Some("READONLY")
}

/// What an error of the driver means to a caller of the queue.
pub(super) fn meaning(call: &'static str, err: &RedisError) -> QueueError {
    match err.code() {
        Some("OOM") => QueueError::Full {
            reason:
                "Redis is at its `maxmemory`; it takes no new job until others have been stored"
                    .to_owned(),
        },
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => QueueError::Unfit {
            reason: format!(
                "Redis refuses us ({err}); give REDISADDR a user and password that may run scripts and all commands on keys `windlass:*`"
            ),
        },
        Some(
            "LOADING" | "BUSY" | "READONLY" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN" | "MISCONF"
            | "NOREPLICAS" | "MOVED" | "ASK" | "NOSCRIPT" | "UNKILLABLE",
        ) => QueueError::unavailable(call, err),
        Some(_) => QueueError::broken(call, err),
        None if err.kind() == ErrorKind::AuthenticationFailed => QueueError::Unfit {
            reason: format!("Redis refuses the user or password of REDISADDR ({err})"),
        },
        None => QueueError::unavailable(call, err),
    }
}
