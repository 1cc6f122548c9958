//! The pool of connections, and how their failures are told apart.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use log::debug;
use postgres::Client;
use postgres::error::SqlState;
use r2d2::{HandleError, ManageConnection, Pool, PooledConnection};
use r2d2_postgres::PostgresConnectionManager;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use crate::storage::StorageError;

/// Most connections a daemon has: the recorder's, and a few readers'.
pub(super) const CONNECTIONS_MAX: u32 = 4;

/// How long a caller waits for a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// What ended a call.
#[derive(Debug)]
pub(super) enum Fault {
    /// The driver's or the server's error.
    Driver(postgres::Error),
    /// The store cannot be used, for this reason.
    Unfit(String),
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// The connections to one database.
pub(super) struct Connections(Pool<Manager>);

impl Connections {
    /// A pool that connects by itself, now and whenever the server is there.
    pub fn open(address: Address) -> Self {
        let manager = Manager {
            inner: PostgresConnectionManager::new(
                address.config,
                MakeRustlsConnect::new(address.tls),
            ),
        };
        let pool = Pool::builder()
            .max_size(CONNECTIONS_MAX)
            .min_idle(Some(1))
            .connection_timeout(CONNECT_WAIT)
            .error_handler(Box::new(Quiet))
            .build_unchecked(manager);
        Self(pool)
    }

    /// Runs `run` on a connection; once more on another one if the first proves dead. So `run` must be safe to repeat.
    pub fn with<T>(
        &self,
        call: &'static str,
        mut run: impl FnMut(&mut Client) -> Result<T, Fault>,
    ) -> Result<T, StorageError> {
        let mut client = self.get(call)?;
        let mut ended = run(&mut client);
        if let Err(Fault::Driver(error)) = &ended
            && (client.is_closed() || is_connection_lost(error))
        {
            debug!("a connection to PostgreSQL was lost during `{call}`, asking on another one");
            // Given back first: the pool then knows it to be broken and has room for another.
            drop(client);
            client = self.get(call)?;
            ended = run(&mut client);
        }
        ended.map_err(|fault| told(call, fault))
    }

    fn get(&self, call: &'static str) -> Result<PooledConnection<Manager>, StorageError> {
        self.0.get().map_err(|e| StorageError::unavailable(call, e))
    }
}

fn told(call: &'static str, fault: Fault) -> StorageError {
    match fault {
        Fault::Unfit(reason) => StorageError::Unfit { reason },
        Fault::Driver(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            StorageError::Unfit {
                reason: format!(
                    "DATABASEURL's user lacks a right ({}); it must own its tables and be allowed to create them",
                    describe(&error)
                ),
            }
        }
        Fault::Driver(error) => StorageError::unavailable(call, describe(&error)),
    }
}

/// Whether the connection that had this error is good for nothing more.
fn is_connection_lost(error: &postgres::Error) -> bool {
    error.is_closed()
        || error.code().is_some_and(|code| {
            code.code().starts_with("08")
                || [
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                ]
                .contains(code)
        })
}

/// The error in words: the driver alone would say "db error".
///
/// A server's detail is left out except for data errors, where it explains ("\u0000 cannot be converted to text."): those
/// of constraints quote whole rows.
pub(super) fn describe(error: &postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        return match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
    };
    let code = db.code().code();
    match db.detail() {
        Some(detail) if code.starts_with("22") => format!("{}: {detail} ({code})", db.message()),
        _ => format!("{} ({code})", db.message()),
    }
}

/// The manager of r2d2_postgres with errors that say what happened.
struct Manager {
    inner: PostgresConnectionManager<MakeRustlsConnect>,
}

impl ManageConnection for Manager {
    type Connection = Client;
    type Error = Lost;

    fn connect(&self) -> Result<Client, Lost> {
        self.inner.connect().map_err(|e| Lost(describe(&e)))
    }

    fn is_valid(&self, client: &mut Client) -> Result<(), Lost> {
        self.inner.is_valid(client).map_err(|e| Lost(describe(&e)))
    }

    fn has_broken(&self, client: &mut Client) -> bool {
        self.inner.has_broken(client)
    }
}

/// Why there is no connection.
#[derive(Debug)]
struct Lost(String);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lost {}

/// The pool tries to connect several times a second while the server is away. Whoever calls gets the reason and logs it
/// once; another error line each time would drown the log.
#[derive(Debug)]
struct Quiet;

impl HandleError<Lost> for Quiet {
    fn handle_error(&self, error: Lost) {
        debug!("no connection to PostgreSQL: {error}");
    }
}
