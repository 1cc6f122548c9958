//! Redis and PostgreSQL of a test's own, and the daemons that run on them.

use std::time::{Duration, Instant};

use redis::Connection;

use crate::support::daemon::Daemon;
use crate::support::servers::{Postgres, Redis};
use crate::support::wait::wait_until;

/// The key of the queue's part `name`, in the namespace that daemons have by default.
fn key(name: &str) -> String {
    format!("windlass:{{main}}:{name}")
}

/// A Redis server of its own, and a database on the PostgreSQL server that the tests share or on its own.
pub struct House {
    pub redis: Redis,
    own: Option<Postgres>,
    pub database: String,
}

impl House {
    /// For tests in which Redis lives on.
    pub fn new() -> Self {
        Self::on(Redis::start())
    }

    /// For tests in which Redis is killed: it writes before it answers.
    pub fn durable() -> Self {
        Self::on(Redis::start_durable())
    }

    /// For tests in which PostgreSQL is killed or stopped.
    pub fn with_own_postgres() -> Self {
        let postgres = Postgres::start();
        let database = postgres.fresh_database();
        Self {
            redis: Redis::start(),
            own: Some(postgres),
            database,
        }
    }

    fn on(redis: Redis) -> Self {
        Self {
            redis,
            own: None,
            database: Postgres::shared().fresh_database(),
        }
    }

    /// The PostgreSQL server, if it is this house's own.
    #[track_caller]
    pub fn postgres(&mut self) -> &mut Postgres {
        self.own.as_mut().expect("this house shares its PostgreSQL")
    }

    /// A client of the database.
    #[track_caller]
    pub fn sql(&self) -> postgres::Client {
        self.own
            .as_ref()
            .unwrap_or_else(|| Postgres::shared())
            .client(&self.database)
    }

    /// Starts a daemon here with these settings on top, and waits until it can take jobs.
    #[track_caller]
    pub fn daemon(&self, settings: &[(&str, &str)]) -> Daemon {
        let daemon = self.spawn(settings);
        await_ready(&daemon);
        daemon
    }

    /// Starts a daemon here with these settings on top.
    pub fn spawn(&self, settings: &[(&str, &str)]) -> Daemon {
        let redis = self.redis.addr();
        let mut all = vec![
            ("REDISADDR", redis.as_str()),
            ("DATABASEURL", self.database.as_str()),
            // Thousands of jobs at debug level are a test of the log.
            ("LOGLEVEL", "info"),
        ];
        all.extend_from_slice(settings);
        Daemon::spawn(&all)
    }

    /// How many jobs are lent to workers.
    pub fn leased(&self) -> usize {
        leased(&mut self.redis.client())
    }

    /// How many ended jobs wait for storage.
    pub fn outbox(&self) -> usize {
        outbox(&mut self.redis.client())
    }

    /// How many jobs the queue holds, ended ones that are not stored yet among them.
    pub fn queued(&self) -> usize {
        queued(&mut self.redis.client())
    }

    /// Waits until exactly `wanted` jobs are lent.
    #[track_caller]
    pub fn await_leased(&self, wanted: usize) {
        let mut client = self.redis.client();
        wait_until(
            &format!("{wanted} jobs run"),
            Duration::from_secs(30),
            || match leased(&mut client) {
                n if n == wanted => Ok(()),
                n => Err(format!("{n} do")),
            },
        );
    }

    /// Lets the minute pass for which recorders have claimed what they have not stored.
    pub fn let_claims_end(&self) {
        let mut client = self.redis.client();
        let ends = key("claim_ends");
        let claims: Vec<String> = redis::cmd("ZRANGE")
            .arg(&[ends.as_str(), "0", "-1"])
            .query(&mut client)
            .expect("redis answers");
        for claim in claims {
            redis::cmd("ZADD")
                .arg(&ends)
                .arg("XX")
                .arg(0)
                .arg(claim)
                .exec(&mut client)
                .expect("redis answers");
        }
    }
}

/// Starts a daemon on a file of its own, with these settings on top, and waits until it can take jobs.
#[track_caller]
pub fn embedded(settings: &[(&str, &str)]) -> Daemon {
    let daemon = Daemon::embedded(settings);
    await_ready(&daemon);
    daemon
}

/// [`House::queued`] on a connection that stands.
pub fn queued(client: &mut Connection) -> usize {
    count(client, "jobs")
}

/// [`House::outbox`] on a connection that stands.
pub fn outbox(client: &mut Connection) -> usize {
    count(client, "results")
}

/// [`House::leased`] on a connection that stands. The engine keeps one field in `lent` that is no ticket.
fn leased(client: &mut Connection) -> usize {
    count(client, "lent").saturating_sub(1)
}

fn count(client: &mut Connection, hash: &str) -> usize {
    redis::cmd("HLEN")
        .arg(key(hash))
        .query(client)
        .expect("redis answers")
}

/// Waits until `/readyz` says that nothing is missing.
#[track_caller]
pub fn await_ready(daemon: &Daemon) {
    await_readiness(daemon, 200, "\"degraded\":[]");
}

/// Waits until `/readyz` has this status and says `words`.
#[track_caller]
pub fn await_readiness(daemon: &Daemon, status: u16, words: &str) {
    let what = format!("/readyz is {status} and says {words}");
    wait_until(&what, Duration::from_secs(30), || {
        let answer = daemon
            .try_request("GET", "/readyz", &[], None)
            .map_err(|err| err.to_string())?;
        let text = answer.text().replace(": ", ":");
        if answer.status == status && text.contains(words) {
            Ok(())
        } else {
            Err(format!("{} {text}", answer.status))
        }
    });
}

/// Asserts that something took at most `most` since `since`.
#[track_caller]
pub fn within(since: Instant, most: Duration) {
    let took = since.elapsed();
    assert!(
        took <= most,
        "took {took:?}, at most {most:?} were expected"
    );
}
