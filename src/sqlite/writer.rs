//! The writer takes all work that waits, does it in one transaction, and answers each after the commit.

use std::fs::File;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rusqlite::Connection;

use super::{Bells, DbError};

/// Most pieces of work in one transaction: what fails at the commit fails for all, and an answer waits for the last.
const GROUP_MAX: usize = 64;

/// A transaction as work sees it: the connection, and bells to ring after the commit.
pub(crate) struct Tx<'a> {
    conn: &'a Connection,
    rung: &'a mut Vec<(String, bool)>,
}

impl<'a> Tx<'a> {
    /// The connection itself, which outlives this view of it.
    pub(crate) fn conn(&self) -> &'a Connection {
        self.conn
    }

    /// Rings a bell once the work is committed, or silences it.
    pub(crate) fn ring(&mut self, name: &str, ring: bool) {
        self.rung.push((name.to_owned(), ring));
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn
    }
}

/// How far a commit must have come when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The system has it: it survives a crash of the process.
    System,
    /// The disk has it: it survives a crash of the host.
    Disk,
}

/// A piece of work whose answer's type the writer need not know.
pub(super) trait Task: Send {
    /// How far its commit must come.
    fn reach(&self) -> Reach;
    /// Does the work; it is called once.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError>;
    /// Answers: with what the work gave, or with why it came to nothing.
    fn answer(self: Box<Self>, outcome: Result<(), DbError>);
}

/// The one kind of task: a closure, and the caller who waits for its answer.
pub(super) struct Call<T, F> {
    work: Option<F>,
    reach: Reach,
    answer: Option<T>,
    reply: Sender<Result<T, DbError>>,
}

impl<T, F> Call<T, F> {
    pub(super) fn new(work: F, reach: Reach, reply: Sender<Result<T, DbError>>) -> Self {
        Self {
            work: Some(work),
            reach,
            answer: None,
            reply,
        }
    }
}

impl<T, F> Task for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send,
{
    fn reach(&self) -> Reach {
        self.reach
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let Some(work) = self.work.take() else {
            return Err(DbError::broken("work was done twice"));
        };
        // A bug in one call must not take the writer from all others; its savepoint is rolled back.
        let answer = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .map_err(|_| DbError::broken("the call panicked"))??;
        self.answer = Some(answer);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), DbError>) {
        let Self { answer, reply, .. } = *self;
        let answer =
            outcome.and_then(|()| answer.ok_or_else(|| DbError::broken("work gave no answer")));
        if reply.try_send(answer).is_err() {
            log::warn!("a write was answered after its caller had given up");
        }
    }
}

/// How long a commit that did not wait for the disk may stay off it.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// What the writer thread owns.
pub(super) struct Writer {
    conn: Connection,
    /// The write-ahead log, if a crash of the host matters.
    log: Option<File>,
    /// How far commits come at present.
    reach: Reach,
    /// Since when the log has an end that the disk may not have.
    behind: Option<Instant>,
    inbox: Receiver<Box<dyn Task>>,
    bells: Arc<Bells>,
    /// Let go of last: the file's lock, and the sign that it is closed.
    held: (File, Sender<()>),
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        log: Option<File>,
        inbox: Receiver<Box<dyn Task>>,
        bells: Arc<Bells>,
        held: (File, Sender<()>),
    ) -> Result<Self, DbError> {
        conn.execute_batch(synchronous(Reach::System))?;
        Ok(Self {
            conn,
            log,
            reach: Reach::System,
            behind: None,
            inbox,
            bells,
            held,
        })
    }

    /// Works until nobody can send any more, then closes the file.
    pub(super) fn run(mut self) {
        loop {
            let next = match self.behind {
                Some(since) => self.inbox.recv_deadline(since + BEHIND_MAX),
                None => self.inbox.recv().map_err(RecvTimeoutError::from),
            };
            match next {
                Ok(first) => {
                    let mut group = vec![first];
                    group.extend(self.inbox.try_iter().take(GROUP_MAX - 1));
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => self.catch_up(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(err) = self
            .conn
            .query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(()))
        {
            log::warn!("the database's log was not emptied at its end: {err}");
        }
        if let Err((_, err)) = self.conn.close() {
            log::warn!("the database did not close cleanly: {err}");
        }
        let (lock, closing) = self.held;
        // In this order: who sees the sign may open the file again at once.
        drop(lock);
        drop(closing);
    }

    /// Brings the end of the log to the disk.
    fn catch_up(&mut self) {
        self.behind = None;
        if let Some(log) = &self.log
            && let Err(err) = log.sync_data()
        {
            // The next commit that waits for the disk meets the same trouble, and says so to its caller.
            log::warn!("the database's log does not reach the disk: {err}");
        }
    }

    fn commit(&mut self, group: Vec<Box<dyn Task>>) {
        let mut rung = Vec::new();
        let mut done = Vec::with_capacity(group.len());
        // What is alone needs no savepoint: the transaction is its own. (A savepoint keeps copies of the pages it changes.)
        let alone = group.len() == 1;
        let before = self.conn.total_changes();
        let asked = group.iter().map(|task| task.reach()).max();
        let mut whole = self
            .extend(asked.unwrap_or(Reach::Disk))
            .and_then(|()| self.execute("BEGIN IMMEDIATE"));
        for mut task in group {
            let outcome = match &whole {
                Ok(()) if alone => self.run_task(task.as_mut(), &mut rung),
                Ok(()) => self.attempt(task.as_mut(), &mut rung),
                Err(err) => Err(err.again()),
            };
            // Some failures (no room, above all) end the whole transaction, and with it what was done before.
            if let (Ok(()), Err(err)) = (&whole, &outcome)
                && (alone || self.conn.is_autocommit())
            {
                whole = Err(err.again());
            }
            done.push((task, outcome));
        }
        if whole.is_ok() {
            whole = self.execute("COMMIT");
        }
        if whole.is_err()
            && !self.conn.is_autocommit()
            && let Err(err) = self.execute("ROLLBACK")
        {
            log::error!("a failed transaction could not be rolled back: {err}");
        }
        if whole.is_ok() {
            self.bells.set(rung);
            self.note_reach(before);
        }
        for (task, outcome) in done {
            task.answer(match &whole {
                Ok(()) => outcome,
                Err(err) => outcome.and_then(|()| Err(err.again())),
            });
        }
    }

    /// Sets how far the next commit comes: as far as is asked for, or further if an earlier one has waited long enough.
    fn extend(&mut self, asked: Reach) -> Result<(), DbError> {
        let overdue = self
            .behind
            .is_some_and(|since| since.elapsed() >= BEHIND_MAX);
        let reach = match self.log {
            None => Reach::System,
            Some(_) if overdue => Reach::Disk,
            Some(_) => asked,
        };
        if reach != self.reach {
            self.conn.execute_batch(synchronous(reach))?;
            self.reach = reach;
        }
        Ok(())
    }

    /// Notes how far the log has come, by a commit before which the connection had made so many changes.
    fn note_reach(&mut self, before: u64) {
        // A commit without a change writes nothing, and brings nothing of before to the disk either.
        if self.log.is_none() || self.conn.total_changes() == before {
            return;
        }
        self.behind = match self.reach {
            Reach::Disk => None,
            Reach::System => self.behind.or_else(|| Some(Instant::now())),
        };
    }

    /// Does one piece of work in its own savepoint.
    fn attempt(&self, task: &mut dyn Task, rung: &mut Vec<(String, bool)>) -> Result<(), DbError> {
        self.execute("SAVEPOINT work")?;
        let before = rung.len();
        let outcome = self.run_task(task, rung);
        if outcome.is_err() {
            rung.truncate(before);
            if !self.conn.is_autocommit() {
                self.execute("ROLLBACK TO work")?;
            }
        }
        if !self.conn.is_autocommit() {
            self.execute("RELEASE work")?;
        }
        outcome
    }

    fn run_task(&self, task: &mut dyn Task, rung: &mut Vec<(String, bool)>) -> Result<(), DbError> {
        let conn = &self.conn;
        task.run(&mut Tx { conn, rung })
    }

    fn execute(&self, sql: &str) -> Result<(), DbError> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

fn synchronous(reach: Reach) -> &'static str {
    match reach {
        Reach::System => "PRAGMA synchronous = normal",
        Reach::Disk => "PRAGMA synchronous = full",
    }
}
