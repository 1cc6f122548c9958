//! The one SQLite file that queue and storage of the embedded mode share: one writer with group commit, readers beside
//! it.
//!
//! ```text
//!   write(work) ──▶ bounded channel ──▶ writer thread: BEGIN, each work in its savepoint, COMMIT ──▶ answers, bells
//!   read(look) ◀──▶ a few connections that only read
//! ```
//!
//! An answer to a write is given only after the commit. Work that fails is undone alone; the others of its transaction
//! stay. The file belongs to one process at a time, which holds a lock on `<file>.lock`.
//!
//! A commit waits for the disk, which is most of what it costs, unless all work in it says that it need not. That follows
//! within a tenth of a second, or with the next commit that waits: the log is one file, and its end never reaches the disk
//! before its beginning.
//!
//! # Not here
//!
//! What the tables mean: that is known to [`crate::queue::sqlite`] and [`crate::storage::sqlite`].

mod bells;
mod error;
mod schema;
mod writer;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{FlockOperation, flock};

pub(crate) use bells::Bells;
pub use error::DbError;
pub(crate) use writer::Tx;

use writer::{Call, Reach, Writer};

/// How long a caller waits for a write or a read. An operation of ours takes milliseconds; a disk that has not answered
/// for so long is away.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Most writes that wait for the writer; who comes then waits for a place.
const WRITES_MAX: usize = 256;

/// Connections that read. Reads are short, and more of them at once than this only fight for the processors.
const READERS: usize = 4;

/// Prepared statements kept by each connection: all that queue and storage use.
const STATEMENTS: usize = 128;

/// The open file.
pub struct Db {
    path: PathBuf,
    writes: Option<Sender<Box<dyn writer::Task>>>,
    readers: (Sender<Connection>, Receiver<Connection>),
    bells: Arc<Bells>,
    /// Says (by hanging up) that the writer has closed the file.
    closed: Mutex<Receiver<()>>,
}

impl Db {
    /// Opens the file, makes it if need be, and brings its schema up to date.
    ///
    /// With `durable`, what was committed survives a crash of the host; without, only one of the process (and commits
    /// are faster).
    ///
    /// # Errors
    ///
    /// [`DbError::Unfit`]: another process has it, its schema is newer than this program, or it is no database of ours;
    /// only an operator helps. Otherwise try again.
    pub fn open(path: &Path, durable: bool) -> Result<Arc<Self>, DbError> {
        let lock = lock(path)?;
        let mut conn = Connection::open(path)?;
        prepare(&conn)?;
        let mode: String = conn.query_row("PRAGMA journal_mode = wal", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(DbError::Unfit {
                reason: format!(
                    "its file system allows no write-ahead log; move {}",
                    path.display()
                ),
            });
        }
        conn.pragma_update(None, "cache_size", -64_000)?;
        // 64 MiB of log between two checkpoints: pages of the hot tables are then copied back once instead of often.
        conn.pragma_update(None, "wal_autocheckpoint", 16_000)?;
        conn.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        schema::migrate(&mut conn)?;

        let readers = bounded(READERS);
        for _ in 0..READERS {
            readers
                .0
                .send(reader(path)?)
                .map_err(DbError::unavailable)?;
        }
        let (writes, inbox) = bounded(WRITES_MAX);
        let (closing, closed) = bounded(0);
        let bells = Arc::new(Bells::default());
        let log = File::open(beside(path, "-wal")).map_err(DbError::unavailable)?;
        let durable = durable.then_some(log);
        let writer = Writer::new(conn, durable, inbox, Arc::clone(&bells), (lock, closing))?;
        crate::threads::spawn("sqlite-writer", move || writer.run())
            .map_err(DbError::unavailable)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            writes: Some(writes),
            readers,
            bells,
            closed: Mutex::new(closed),
        }))
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` within a transaction and answers after its commit; what it rang is heard then. Work that fails leaves
    /// nothing behind.
    pub(crate) fn write<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.hand_over(work, Reach::Disk)
    }

    /// The same for work that a crash of the host may undo if it comes within a tenth of a second: work that would then be
    /// done again, or was about something that is over with the process.
    pub(crate) fn write_behind<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        self.hand_over(work, Reach::System)
    }

    fn hand_over<T, F>(&self, work: F, reach: Reach) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let deadline = Instant::now() + WAIT_MAX;
        let (reply, answer) = bounded(1);
        let Some(writes) = &self.writes else {
            return Err(DbError::unavailable("it is being closed"));
        };
        writes
            .send_deadline(Box::new(Call::new(work, reach, reply)), deadline)
            .map_err(|err| match err {
                SendTimeoutError::Timeout(_) => late("a place before the writer"),
                SendTimeoutError::Disconnected(_) => writer_is_gone(),
            })?;
        answer.recv_deadline(deadline).map_err(|err| match err {
            RecvTimeoutError::Timeout => late("the commit"),
            RecvTimeoutError::Disconnected => writer_is_gone(),
        })?
    }

    /// Looks at what is committed. A look that takes too long is broken off.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let deadline = Instant::now() + WAIT_MAX;
        let conn = self
            .readers
            .1
            .recv_deadline(deadline)
            .map_err(|_| late("a connection to read with"))?;
        // Goes back also when `look` panics.
        let mut lent = Lent {
            conn: Some(conn),
            home: &self.readers.0,
        };
        let Some(conn) = &mut lent.conn else {
            return Err(DbError::broken("a connection is missing"));
        };
        conn.progress_handler(10_000, Some(move || Instant::now() > deadline))?;
        // One transaction, so that all of a look's statements see the same state.
        let tx = conn.transaction()?;
        look(&tx)
    }

    /// The bells that committed work rings.
    pub(crate) fn bells(&self) -> &Bells {
        &self.bells
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // Readers first: the last connection to close is the writer, which then can empty the log.
        while self.readers.1.try_recv().is_ok() {}
        self.writes = None;
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        // The writer hangs up once the file is closed. One that hangs in the disk is left behind, with the lock.
        if closed.recv_timeout(WAIT_MAX) == Err(RecvTimeoutError::Timeout) {
            log::warn!(
                "{} was not closed within {WAIT_MAX:?}; its log is taken up at the next start",
                self.path.display()
            );
        }
    }
}

/// A connection that goes back to the others when it is dropped.
struct Lent<'a> {
    conn: Option<Connection>,
    home: &'a Sender<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take()
            && self.home.try_send(conn).is_err()
        {
            log::error!("a connection of the database had no place to go back to");
        }
    }
}

fn late(what: &str) -> DbError {
    DbError::unavailable(format!("waited {WAIT_MAX:?} for {what}"))
}

fn writer_is_gone() -> DbError {
    DbError::unavailable("its writer has ended")
}

/// Takes the lock that makes the file this process's own.
fn lock(path: &Path) -> Result<File, DbError> {
    let name = beside(path, ".lock");
    let unfit = |reason: String| DbError::Unfit { reason };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|err| {
            unfit(format!(
                "cannot open {}: {err}; make its folder, and let the daemon write there",
                name.display()
            ))
        })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(unfit(format!(
            "{} is in use by another process; stop it, or use another folder",
            path.display()
        ))),
        Err(err) => Err(unfit(format!("cannot lock {}: {err}", name.display()))),
    }
}

/// A file that lies beside the database and is named after it.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn reader(path: &Path) -> Result<Connection, DbError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&conn)?;
    Ok(conn)
}

/// What every connection is set to.
fn prepare(conn: &Connection) -> Result<(), DbError> {
    conn.busy_timeout(WAIT_MAX)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

#[cfg(test)]
mod tests;
