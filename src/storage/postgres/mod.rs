//! Records in PostgreSQL: the table `jobs`, in partitions of a day, and `minutes`, what ended in each minute.
//!
//! - `address`, `tls`: what DATABASEURL means. `pool`: connections, and what their errors mean.
//! - `schema`: migrations. `partition`: days that come and go.
//! - `row`: a record as a row and back. `write`: storing, with halving. `read`: finding. `list`: pages.
//!
//! The driver has no deadline of its own: a server that is stopped makes any call here hang. Use it behind
//! [`super::bounded::Bounded`].

mod address;
mod instant;
mod list;
mod partition;
mod pool;
mod read;
mod row;
mod schema;
mod tls;
mod write;

use std::time::Duration;

use self::pool::Connections;
use self::write::Days;
use super::{Filter, Minute, Page, Storage, StorageError, Stored};
use crate::job::{JobId, Record, Timestamp};

/// Records in a PostgreSQL database, version 14 or newer.
pub struct PostgresStorage {
    connections: Connections,
    days: Days,
}

impl PostgresStorage {
    /// The storage at `url`, which is read and not yet called: the server may be away.
    ///
    /// `url` is `postgres://user:password@host:port/database?option=value`, with the options of the `postgres` crate and
    /// `sslmode` (disable, allow, prefer, require, verify-ca, verify-full), `sslrootcert`, `sslcert` and `sslkey` as
    /// PostgreSQL's own programs know them. Without an sslmode: plain to a socket or a loopback address, verify-full to
    /// any other host.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unfit`]: the URL, or a file that it names, is wrong; the reason never holds the password.
    pub fn open(url: &str) -> Result<Self, StorageError> {
        Ok(Self {
            connections: Connections::open(address::parse(url)?),
            days: Days::default(),
        })
    }
}

impl Storage for PostgresStorage {
    fn check(&self) -> Result<(), StorageError> {
        self.connections.with("check", schema::update)
    }

    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError> {
        // Kept when the rest is repeated on another connection: what was answered is committed.
        let mut answers = vec![None; records.len()];
        self.connections.with("store", |client| {
            write::store(client, &self.days, records, &mut answers)
        })?;
        Ok(answers.into_iter().flatten().collect())
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.connections
            .with("find", |client| read::find(client, ids))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError> {
        self.connections
            .with("retried", |client| read::retried(client, ids))
    }

    fn delete(&self, id: JobId) -> Result<bool, StorageError> {
        self.connections
            .with("delete", |client| write::delete(client, id))
    }

    fn page(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        self.connections
            .with("page", |client| list::page(client, filter, after, limit))
    }

    fn minutes(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Minute>, StorageError> {
        self.connections
            .with("minutes", |client| read::minutes(client, since, until))
    }

    fn retain(&self, now: Timestamp, history: Duration) -> Result<usize, StorageError> {
        let cutoff = now - history;
        self.connections.with("retain", |client| {
            write::forget_old(client, cutoff)?;
            partition::drop_one(client, cutoff).map(usize::from)
        })
    }
}
