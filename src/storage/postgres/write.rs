//! Stores records: one statement a batch, halved where PostgreSQL refuses what is in it.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use log::warn;
use postgres::error::SqlState;
use postgres::types::Type;
use postgres::{Client, Transaction};
use uuid::Uuid;

use super::partition::{self, Day};
use super::pool::{Fault, describe};
use super::row::{self, Values};
use crate::job::{JobId, Record, Timestamp};
use crate::storage::{Minute, Stored};

/// Most text that one transaction holds, in bytes, unless a single record is larger: a thousand records of the largest
/// size would otherwise be one message of gigabytes.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How many days are remembered as made; beyond it they are asked for again. History is kept by the month, so no daemon
/// meets that many unless clocks are wrong.
const DAYS_MAX: usize = 10_000;

const INSERT_JOBS: &str = "\
    INSERT INTO jobs (id, type, queue, state, tags, payload, result, error, attempts, created_at, started_at, ended_at, \
                      node, history, retry_of, options, raw) \
    SELECT t.id, t.type, t.queue, t.state, t.tags::text[], t.payload::jsonb, t.result::jsonb, t.error::jsonb, \
           t.attempts, t.created_at, t.started_at, t.ended_at, t.node, t.history::jsonb, t.retry_of, \
           t.options::jsonb, t.raw \
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                $9::int[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], \
                $15::uuid[], $16::text[], $17::bytea[]) \
         AS t (id, type, queue, state, tags, payload, result, error, attempts, created_at, started_at, ended_at, node, \
               history, retry_of, options, raw) \
    WHERE NOT EXISTS (SELECT FROM deleted WHERE deleted.id = t.id) \
    ORDER BY t.id ON CONFLICT (id) DO NOTHING RETURNING id";

/// Held by those who store, together, and by those who delete, alone: a statement that stores does not see what is
/// deleted while it runs.
const DELETIONS_LOCK: i64 = 0x7769_6e64_0004;

const DELETE: &str = "\
    WITH gone AS (DELETE FROM jobs WHERE id = $1 RETURNING id, ended_at, retry_of), \
         parted AS (DELETE FROM retries USING gone WHERE retries.old = gone.retry_of AND retries.retry = gone.id) \
    INSERT INTO deleted (id, ended_at) SELECT id, ended_at FROM gone ON CONFLICT (id) DO NOTHING";

const ADD_RETRIES: &str = "\
    INSERT INTO retries (old, retry, ended_at) \
    SELECT t.old, t.retry, t.ended_at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t (old, retry, ended_at) \
    ORDER BY t.old ON CONFLICT (old) DO NOTHING";

const ADD_TO_MINUTES: &str = "\
    INSERT INTO minutes AS old (minute, type, queue, state, jobs, wait_ms, run_ms, histogram) \
    SELECT t.minute, t.type, t.queue, t.state, t.jobs, t.wait_ms, t.run_ms, t.histogram::bigint[] \
    FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], \
                $8::text[]) AS t (minute, type, queue, state, jobs, wait_ms, run_ms, histogram) \
    ON CONFLICT (minute, type, queue, state) DO UPDATE SET jobs = old.jobs + excluded.jobs, \
        wait_ms = old.wait_ms + excluded.wait_ms, run_ms = old.run_ms + excluded.run_ms, \
        histogram = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0) \
                          FROM unnest(old.histogram, excluded.histogram) WITH ORDINALITY AS h (a, b, i) ORDER BY i)";

/// The days whose partitions this process has seen. A guess: another host may have dropped one since.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<HashSet<Day>>);

impl Days {
    fn make(&self, client: &mut Client, day: Day) -> Result<(), Fault> {
        let known = |days: &mut HashSet<Day>| days.contains(&day);
        if self.with(known) {
            return Ok(());
        }
        // Not under the lock: other threads store to other days meanwhile, and making one twice is nothing.
        partition::make(client, day)?;
        self.with(|days| {
            if days.len() >= DAYS_MAX {
                days.clear();
            }
            days.insert(day);
        });
        Ok(())
    }

    fn forget(&self, days: &HashSet<Day>) {
        self.with(|known| known.retain(|day| !days.contains(day)));
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut HashSet<Day>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Stores those of `records` that have no answer yet, and answers them.
pub(super) fn store(
    client: &mut Client,
    days: &Days,
    records: &[Record],
    answers: &mut [Option<Stored>],
) -> Result<(), Fault> {
    // By id, as the index wants them, and so that two writers of the same ids cannot wait for each other in a circle.
    let mut order: Vec<usize> = (0..records.len())
        .filter(|&i| answers[i].is_none())
        .collect();
    order.sort_by_key(|&i| (records[i].job.id, i));
    let mut batch = Batch {
        client,
        days,
        answers,
    };
    let mut rows: Vec<(usize, Values<'_>)> = Vec::with_capacity(order.len());
    let mut size = 0;
    let mut before = None;
    for i in order {
        let record = &records[i];
        if before.replace(record.job.id) == Some(record.job.id) {
            // The same job twice in one call: the first one is stored.
            batch.answers[i] = Some(Stored::Known);
            continue;
        }
        match Values::of(record) {
            Err(reason) => batch.store_defective(i, record, &reason)?,
            Ok(values) => {
                size += values.size();
                if size > BATCH_BYTES_MAX && !rows.is_empty() {
                    batch.store_or_halve(&mem::take(&mut rows))?;
                    size = values.size();
                }
                rows.push((i, values));
            }
        }
    }
    batch.store_or_halve(&rows)
}

struct Batch<'a> {
    client: &'a mut Client,
    days: &'a Days,
    answers: &'a mut [Option<Stored>],
}

impl Batch<'_> {
    fn store_or_halve(&mut self, rows: &[(usize, Values<'_>)]) -> Result<(), Fault> {
        if rows.is_empty() {
            return Ok(());
        }
        match self.insert_where_days_are(rows) {
            Ok(new) => {
                for (i, values) in rows {
                    self.answers[*i] = Some(if new.contains(&values.id) {
                        Stored::New
                    } else {
                        Stored::Known
                    });
                }
                Ok(())
            }
            Err(Fault::Driver(error)) if is_about_data(&error) => match rows {
                [(i, values)] => self.store_defective(*i, values.record, &describe(&error)),
                _ => {
                    let (first, second) = rows.split_at(rows.len() / 2);
                    self.store_or_halve(first)?;
                    self.store_or_halve(second)
                }
            },
            Err(fault) => Err(fault),
        }
    }

    /// Stores what can be kept of a record that PostgreSQL refuses.
    fn store_defective(&mut self, i: usize, record: &Record, reason: &str) -> Result<(), Fault> {
        let kept = row::acceptable(record, reason);
        let mut values = Values::of(&kept).map_err(Fault::Unfit)?;
        values.payload = None;
        values.raw = Some(row::raw(record));
        let id = record.job.id;
        let new = match self.insert_where_days_are(&[(i, values)]) {
            // Nothing of ours can be wrong with it, so something of the database's is: a constraint that somebody added.
            Err(Fault::Driver(error)) if is_about_data(&error) => {
                return Err(Fault::Unfit(format!(
                    "the table jobs refuses even the bare record of job {id}: {}",
                    describe(&error)
                )));
            }
            ended => ended?,
        };
        self.answers[i] = Some(if new.is_empty() {
            Stored::Known
        } else {
            warn!(
                "job {id}: its record's content could not be stored and is kept in `raw`: {reason}"
            );
            Stored::Defective(reason.to_owned())
        });
        Ok(())
    }

    /// Inserts after making the partitions; once more if one of them had vanished since it was last seen.
    fn insert_where_days_are(
        &mut self,
        rows: &[(usize, Values<'_>)],
    ) -> Result<HashSet<Uuid>, Fault> {
        let days: HashSet<Day> = rows.iter().map(|(_, v)| Day::of(v.record.job.id)).collect();
        self.make(&days)?;
        match insert(self.client, rows) {
            Err(Fault::Driver(error)) if is_about_partitions(&error) => {
                self.days.forget(&days);
                self.make(&days)?;
                insert(self.client, rows)
            }
            ended => ended,
        }
    }

    fn make(&mut self, days: &HashSet<Day>) -> Result<(), Fault> {
        days.iter()
            .try_for_each(|&day| self.days.make(self.client, day))
    }
}

/// Inserts the rows and counts those that are new, in one transaction; answers the ids of the new ones.
fn insert(client: &mut Client, rows: &[(usize, Values<'_>)]) -> Result<HashSet<Uuid>, Fault> {
    let mut work = client.transaction()?;
    work.execute_typed(
        "SELECT pg_advisory_xact_lock_shared($1)",
        &[(&DELETIONS_LOCK, Type::INT8)],
    )?;
    let new = insert_jobs(&mut work, rows)?;
    if !new.is_empty() {
        add_retries(&mut work, rows, &new)?;
        let counted = rows.iter().filter(|(_, v)| new.contains(&v.id));
        add_to_minutes(&mut work, &Minute::tally(counted.map(|(_, v)| v.record)))?;
    }
    work.commit()?;
    Ok(new)
}

/// Deletes a record and notes that it must not come back; tells whether it was there.
pub(super) fn delete(client: &mut Client, id: JobId) -> Result<bool, Fault> {
    let mut work = client.transaction()?;
    // Who waits here makes those wait who store.
    work.batch_execute("SET LOCAL lock_timeout = '2s'")?;
    work.execute_typed(
        "SELECT pg_advisory_xact_lock($1)",
        &[(&DELETIONS_LOCK, Type::INT8)],
    )?;
    let gone = work.execute_typed(DELETE, &[(&id.as_uuid(), Type::UUID)])?;
    work.commit()?;
    Ok(gone > 0)
}

/// Forgets of records that are gone, or would be by now, that they were deleted or ran others again.
pub(super) fn forget_old(client: &mut Client, cutoff: Timestamp) -> Result<(), Fault> {
    let cutoff = super::instant::clamped(cutoff);
    for sql in [
        "DELETE FROM deleted WHERE ended_at < $1",
        "DELETE FROM retries WHERE ended_at < $1 AND NOT EXISTS (SELECT FROM jobs WHERE id = retries.retry)",
    ] {
        client.execute_typed(sql, &[(&cutoff, Type::TIMESTAMPTZ)])?;
    }
    Ok(())
}

/// Notes of new records which jobs they ran again.
fn add_retries(
    work: &mut Transaction<'_>,
    rows: &[(usize, Values<'_>)],
    new: &HashSet<Uuid>,
) -> Result<(), Fault> {
    let retries = rows.iter().map(|(_, v)| v).filter(|v| new.contains(&v.id));
    let retries: Vec<_> = retries
        .filter_map(|v| Some((v.retry_of?, v.id, v.ended_at)))
        .collect();
    if retries.is_empty() {
        return Ok(());
    }
    let old: Vec<Uuid> = retries.iter().map(|(old, ..)| *old).collect();
    let retry: Vec<Uuid> = retries.iter().map(|(_, retry, _)| *retry).collect();
    let ended_at: Vec<_> = retries.iter().map(|(.., ended_at)| *ended_at).collect();
    work.execute_typed(
        ADD_RETRIES,
        &[
            (&old, Type::UUID_ARRAY),
            (&retry, Type::UUID_ARRAY),
            (&ended_at, Type::TIMESTAMPTZ_ARRAY),
        ],
    )?;
    Ok(())
}

fn insert_jobs(
    work: &mut Transaction<'_>,
    rows: &[(usize, Values<'_>)],
) -> Result<HashSet<Uuid>, Fault> {
    fn column<'a, T>(
        rows: &'a [(usize, Values<'a>)],
        value: impl Fn(&'a Values<'a>) -> T,
    ) -> Vec<T> {
        rows.iter().map(|(_, values)| value(values)).collect()
    }
    let rows = work.query_typed(
        INSERT_JOBS,
        &[
            (&column(rows, |v| v.id), Type::UUID_ARRAY),
            (&column(rows, |v| &v.record.job.kind), Type::TEXT_ARRAY),
            (&column(rows, |v| &v.record.job.queue), Type::TEXT_ARRAY),
            (&column(rows, |v| v.record.state.as_str()), Type::TEXT_ARRAY),
            (&column(rows, |v| &*v.tags), Type::TEXT_ARRAY),
            (&column(rows, |v| v.payload), Type::TEXT_ARRAY),
            (&column(rows, |v| v.result), Type::TEXT_ARRAY),
            (&column(rows, |v| v.error.as_deref()), Type::TEXT_ARRAY),
            (&column(rows, |v| v.attempts), Type::INT4_ARRAY),
            (&column(rows, |v| v.created_at), Type::TIMESTAMPTZ_ARRAY),
            (&column(rows, |v| v.started_at), Type::TIMESTAMPTZ_ARRAY),
            (&column(rows, |v| v.ended_at), Type::TIMESTAMPTZ_ARRAY),
            (&column(rows, |v| v.record.node()), Type::TEXT_ARRAY),
            (&column(rows, |v| &*v.history), Type::TEXT_ARRAY),
            (&column(rows, |v| v.retry_of), Type::UUID_ARRAY),
            (&column(rows, |v| v.options.as_deref()), Type::TEXT_ARRAY),
            (&column(rows, |v| v.raw.as_deref()), Type::BYTEA_ARRAY),
        ],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Adds the counts, in their order: all writers lock the rows of `minutes` in the same one.
fn add_to_minutes(work: &mut Transaction<'_>, minutes: &[Minute]) -> Result<(), Fault> {
    fn column<'a, T>(minutes: &'a [Minute], value: impl Fn(&'a Minute) -> T) -> Vec<T> {
        minutes.iter().map(value).collect()
    }
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let histogram = |minute: &Minute| {
        let counts: Vec<String> = minute.histogram.iter().map(u64::to_string).collect();
        format!("{{{}}}", counts.join(","))
    };
    work.execute_typed(
        ADD_TO_MINUTES,
        &[
            (
                &column(minutes, |m| super::instant::clamped(m.minute)),
                Type::TIMESTAMPTZ_ARRAY,
            ),
            (&column(minutes, |m| &m.kind), Type::TEXT_ARRAY),
            (&column(minutes, |m| &m.queue), Type::TEXT_ARRAY),
            (&column(minutes, |m| m.state.as_str()), Type::TEXT_ARRAY),
            (&column(minutes, |m| number(m.jobs)), Type::INT8_ARRAY),
            (&column(minutes, |m| number(m.wait_ms)), Type::INT8_ARRAY),
            (&column(minutes, |m| number(m.run_ms)), Type::INT8_ARRAY),
            (&column(minutes, histogram), Type::TEXT_ARRAY),
        ],
    )?;
    Ok(())
}

/// Whether the server refuses what a row holds: a wrong value, a broken constraint, or more than it has room for (JSON
/// nested too deeply, a key too long for its index).
fn is_about_data(error: &postgres::Error) -> bool {
    let class = error.code().map(|code| &code.code()[..2]);
    matches!(class, Some("22" | "23" | "54")) && !is_about_partitions(error)
}

/// Whether a row found no partition. The server has no code of its own for that: it is a check that has no name.
fn is_about_partitions(error: &postgres::Error) -> bool {
    let Some(db) = error.as_db_error() else {
        return false;
    };
    match db.code() {
        code if *code == SqlState::CHECK_VIOLATION => db.constraint().is_none(),
        // Dropped between being chosen and being opened.
        code => *code == SqlState::UNDEFINED_TABLE,
    }
}
