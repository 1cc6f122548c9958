//! Finds records by their ids, and the counts of minutes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use postgres::Client;
use postgres::types::Type;
use uuid::Uuid;

use super::instant;
use super::pool::Fault;
use super::row::{self, COLUMNS};
use crate::job::{JobId, Record, Timestamp};
use crate::storage::{MINUTE_BUCKETS, Minute};

pub(super) fn find(client: &mut Client, ids: &[JobId]) -> Result<Vec<Option<Record>>, Fault> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = client.query_typed(
        &format!("SELECT {COLUMNS} FROM jobs WHERE id = ANY($1)"),
        &[(&uuids, Type::UUID_ARRAY)],
    )?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let record = row::read(row)?;
        found.insert(record.job.id, record);
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(super) fn retried(client: &mut Client, ids: &[JobId]) -> Result<Vec<Option<JobId>>, Fault> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = client.query_typed(
        "SELECT old, retry FROM retries WHERE old = ANY($1)",
        &[(&uuids, Type::UUID_ARRAY)],
    )?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let (old, retry): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        found.insert(old, JobId::from_uuid(retry));
    }
    Ok(uuids.iter().map(|old| found.get(old).copied()).collect())
}

pub(super) fn minutes(
    client: &mut Client,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<Minute>, Fault> {
    let (since, until) = (instant::clamped(since), instant::clamped(until));
    let rows = client.query_typed(
        "SELECT minute, type, queue, state, jobs, wait_ms, run_ms, histogram FROM minutes \
         WHERE minute >= $1 AND minute < $2 ORDER BY minute, type, queue, state",
        &[(&since, Type::TIMESTAMPTZ), (&until, Type::TIMESTAMPTZ)],
    )?;
    rows.iter().map(minute).collect()
}

fn minute(row: &postgres::Row) -> Result<Minute, Fault> {
    let minute: DateTime<Utc> = row.try_get(0)?;
    let state: &str = row.try_get(3)?;
    let count = |at: usize| -> Result<u64, Fault> {
        Ok(u64::try_from(row.try_get::<_, i64>(at)?).unwrap_or(0))
    };
    let counts: Vec<i64> = row.try_get(7)?;
    let mut histogram = [0; MINUTE_BUCKETS];
    for (bucket, count) in histogram.iter_mut().zip(counts) {
        *bucket = u64::try_from(count).unwrap_or(0);
    }
    Ok(Minute {
        minute: instant::read(minute),
        kind: row.try_get(1)?,
        queue: row.try_get(2)?,
        state: state.parse().map_err(|e| {
            Fault::Unfit(format!(
                "the counts of {minute} are of no state of ours: {e}"
            ))
        })?,
        jobs: count(4)?,
        wait_ms: count(5)?,
        run_ms: count(6)?,
        histogram,
    })
}
