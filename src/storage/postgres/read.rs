//! Finds records: by id, page by page, and the counts of minutes.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use postgres::Client;
use postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::instant;
use super::pool::Fault;
use super::row::{self, COLUMNS};
use crate::job::{JobId, Record, Timestamp};
use crate::storage::{Filter, MINUTE_BUCKETS, Minute, Page};

/// Most records of one page, whatever is asked for: each brings its payload and its result.
const PAGE_MAX: usize = 1_000;

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

/// One page, newest id first. The partitions are read in that order, each by an index that begins with the filtered
/// column and goes on with the id (or, without a filter, by the primary key), and no further than the page is long.
pub(super) fn page(
    client: &mut Client,
    filter: &Filter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Page, Fault> {
    let limit = limit.clamp(1, PAGE_MAX);
    let rows_max = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let state = filter.state.map(|state| state.as_str());
    let (since, until) = (filter.since.map(first_id), filter.until.map(first_id));
    let after = after.map(JobId::as_uuid);
    let mut conditions = Conditions::default();
    conditions.add("state =", &state, Type::TEXT);
    conditions.add("type =", &filter.kind, Type::TEXT);
    conditions.add("queue =", &filter.queue, Type::TEXT);
    let tag = filter.tag.as_ref().map(|tag| vec![tag]);
    conditions.add("tags @>", &tag, Type::TEXT_ARRAY);
    // An id tells when its job was created: bounds on the id spare the partitions before and after.
    conditions.add("id >=", &since, Type::UUID);
    conditions.add("id <", &until, Type::UUID);
    conditions.add("id <", &after, Type::UUID);
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs {} ORDER BY id DESC LIMIT ${}",
        conditions.clause(),
        conditions.values.len() + 1
    );
    conditions.values.push((&rows_max, Type::INT8));
    let rows = client.query_typed(&sql, &conditions.values)?;
    Ok(Page {
        records: rows
            .iter()
            .take(limit)
            .map(row::read)
            .collect::<Result<_, _>>()?,
        more: rows.len() > limit,
    })
}

/// The conditions of a query, each with its value.
#[derive(Default)]
struct Conditions<'a> {
    texts: Vec<String>,
    values: Vec<(&'a (dyn ToSql + Sync), Type)>,
}

impl<'a> Conditions<'a> {
    fn add<T: ToSql + Sync>(&mut self, left: &str, right: &'a Option<T>, kind: Type) {
        if let Some(value) = right {
            self.values.push((value, kind));
            self.texts.push(format!("{left} ${}", self.values.len()));
        }
    }

    fn clause(&self) -> String {
        if self.texts.is_empty() {
            return String::new();
        }
        format!("WHERE {}", self.texts.join(" AND "))
    }
}

/// The lowest id that a job created at `at` can have.
fn first_id(at: Timestamp) -> Uuid {
    let (high, _) = JobId::mint(at, 0).as_uuid().as_u64_pair();
    Uuid::from_u64_pair(high, 0)
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
