//! Lists records, page by page: along an index that leads to what a filter names, or close to it, and never far.
//!
//! A filter with one part is read off its index. One with more is looked for along each of their indexes in turn, among
//! the first [`LOOKED_MAX`] rows there. Tags have an index without an order (gin): a tag is looked for among the newest
//! rows first, where a common one is soon found, and then by its index, day by day and ever more days at once, where a
//! rare one is.

use std::collections::HashMap;

use postgres::types::{ToSql, Type};
use postgres::{Client, IsolationLevel, Transaction};
use uuid::Uuid;

use super::pool::Fault;
use super::row::{self, SUMMARY};
use crate::job::{JobId, Summary, Timestamp};
use crate::storage::page::{Found, LOOKED_MAX, PAGE_MAX, Part, best};
use crate::storage::{Filter, Page};

/// What holds for the statements of a page. One that takes so long is broken off before its caller gives it up; every
/// way goes along an index; and compiling a query takes longer than these run.
const SETTINGS: &str =
    "SET LOCAL statement_timeout = '5s'; SET LOCAL enable_seqscan = off; SET LOCAL jit = off";

/// One page, newest id first, from below `after`.
pub(super) fn page(
    client: &mut Client,
    filter: &Filter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Page, Fault> {
    // All statements of a page see the same rows.
    let mut work = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()?;
    work.batch_execute(SETTINGS)?;
    let mut look = Look {
        work,
        terms: Terms::of(filter),
        below: after.map(JobId::as_uuid),
        limit: limit.clamp(1, PAGE_MAX),
    };
    let found = look.page(&filter.parts())?;
    look.work.commit()?;
    Ok(Page {
        jobs: found.rows,
        next: found.next,
    })
}

/// The values of a filter as PostgreSQL takes them.
struct Terms {
    state: Option<&'static str>,
    kind: Option<String>,
    queue: Option<String>,
    tag: Option<Vec<String>>,
    /// An id tells when its job was created: bounds on the id spare the partitions before and after.
    since: Option<Uuid>,
    until: Option<Uuid>,
}

impl Terms {
    fn of(filter: &Filter) -> Self {
        Self {
            state: filter.state.map(|state| state.as_str()),
            kind: filter.kind.clone(),
            queue: filter.queue.clone(),
            tag: filter.tag.clone().map(|tag| vec![tag]),
            since: filter.since.map(first_id),
            until: filter.until.map(first_id),
        }
    }
}

/// A look for one page.
struct Look<'a> {
    work: Transaction<'a>,
    terms: Terms,
    below: Option<Uuid>,
    limit: usize,
}

impl Look<'_> {
    fn page(&mut self, parts: &[Part]) -> Result<Found<Summary>, Fault> {
        let ordered: Vec<_> = parts.iter().filter(|part| **part != Part::Tag).collect();
        let found = match ordered[..] {
            [] => self.along(None, parts)?,
            _ => best(ordered, self.limit, |part| self.along(Some(*part), parts))?,
        };
        match found.next {
            Some(floor) if found.rows.len() < self.limit && parts.contains(&Part::Tag) => {
                self.dig(found.rows, floor, parts)
            }
            _ => Ok(found),
        }
    }

    /// Along the index of `way` (of all rows: the primary key), which has the order of pages.
    fn along(&mut self, way: Option<Part>, parts: &[Part]) -> Result<Found<Summary>, Fault> {
        let rest: Vec<Part> = parts.iter().copied().filter(|p| Some(*p) != way).collect();
        let mut query = Query::new(&self.terms);
        let rows_max = wide(self.limit + 1);
        let looked_max = wide(LOOKED_MAX);
        let all = query.all(way, self.below.as_ref());
        let sql = if rest.is_empty() {
            let limit = query.put(&rows_max, Type::INT8);
            format!("SELECT {SUMMARY} FROM jobs {all} ORDER BY id DESC LIMIT {limit}")
        } else {
            let looked = query.put(&looked_max, Type::INT8);
            let rest = query.parts(&rest);
            let limit = query.put(&rows_max, Type::INT8);
            format!(
                "SELECT {SUMMARY} FROM (SELECT * FROM jobs {all} ORDER BY id DESC LIMIT {looked}) AS looked \
                 WHERE {rest} ORDER BY id DESC LIMIT {limit}"
            )
        };
        let rows = self.work.query_typed(&sql, &query.values)?;
        let found = rows.iter().take(self.limit).map(row::summary);
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let next = match found.last() {
            Some(last) if rows.len() > self.limit => Some(last.id),
            _ if rest.is_empty() => None,
            _ => self.floor(way)?,
        };
        Ok(Found { rows: found, next })
    }

    /// The last id that [`Look::along`] looked at; `None` if it came to the end.
    fn floor(&mut self, way: Option<Part>) -> Result<Option<JobId>, Fault> {
        let mut query = Query::new(&self.terms);
        let all = query.all(way, self.below.as_ref());
        let before = wide(LOOKED_MAX - 1);
        let offset = query.put(&before, Type::INT8);
        let sql = format!("SELECT id FROM jobs {all} ORDER BY id DESC OFFSET {offset} LIMIT 1");
        let row = self.work.query_typed_opt(&sql, &query.values)?;
        Ok(row.map(|row| JobId::from_uuid(row.get(0))))
    }

    /// Goes on below `floor` by the index of tags.
    fn dig(
        &mut self,
        mut rows: Vec<Summary>,
        floor: JobId,
        parts: &[Part],
    ) -> Result<Found<Summary>, Fault> {
        let mut windows = Windows::below(floor, self.terms.since);
        let (mut ids, mut left) = (Vec::new(), LOOKED_MAX);
        let next = loop {
            let Some((from, to)) = windows.next() else {
                break None;
            };
            let tagged = self.tagged(from, to, left, parts)?;
            if tagged.len() > left {
                break Some(JobId::from_uuid(to));
            }
            left -= tagged.len();
            let hits = tagged.into_iter().filter_map(|(id, hit)| hit.then_some(id));
            let mut hits: Vec<Uuid> = hits.collect();
            hits.sort_unstable_by(|a, b| b.cmp(a));
            ids.extend(hits);
            let room = self.limit - rows.len();
            if ids.len() > room {
                ids.truncate(room);
                break ids.last().copied().map(JobId::from_uuid);
            }
        };
        rows.extend(self.summaries(&ids)?);
        Ok(Found { rows, next })
    }

    /// The ids of a range that have the tag, and whether the rest of the filter holds; one more than `max` if there are
    /// more.
    fn tagged(
        &mut self,
        from: Uuid,
        to: Uuid,
        max: usize,
        parts: &[Part],
    ) -> Result<Vec<(Uuid, bool)>, Fault> {
        let rest: Vec<Part> = parts.iter().copied().filter(|p| *p != Part::Tag).collect();
        let mut query = Query::new(&self.terms);
        let rows_max = wide(max + 1);
        let rest = query.parts(&rest);
        let tag = query.parts(&[Part::Tag]);
        let (from, to) = (query.put(&from, Type::UUID), query.put(&to, Type::UUID));
        let limit = query.put(&rows_max, Type::INT8);
        let sql = format!(
            "SELECT id, {rest} FROM jobs WHERE {tag} AND id >= {from} AND id < {to} LIMIT {limit}"
        );
        let rows = self.work.query_typed(&sql, &query.values)?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    fn summaries(&mut self, ids: &[Uuid]) -> Result<Vec<Summary>, Fault> {
        let sql = format!("SELECT {SUMMARY} FROM jobs WHERE id = ANY($1)");
        let rows = self.work.query_typed(&sql, &[(&ids, Type::UUID_ARRAY)])?;
        let found = rows.iter().map(row::summary);
        let found = found.map(|job| job.map(|job| (job.id.as_uuid(), job)));
        let mut found = found.collect::<Result<HashMap<_, _>, _>>()?;
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

/// Ranges of ids from a floor down to the first there can be, or to `since`: a day long, then four, then sixteen, ….
struct Windows {
    to: Option<Uuid>,
    since: Uuid,
    days: u64,
}

impl Windows {
    fn below(floor: JobId, since: Option<Uuid>) -> Self {
        Self {
            to: Some(floor.as_uuid()),
            since: since.unwrap_or(Uuid::nil()),
            days: 1,
        }
    }
}

impl Iterator for Windows {
    type Item = (Uuid, Uuid);

    fn next(&mut self) -> Option<Self::Item> {
        const DAY_MILLIS: u64 = 24 * 3600 * 1000;
        let to = self.to.take().filter(|to| *to > self.since)?;
        let millis = to.as_u64_pair().0 >> 16;
        let from = millis.saturating_sub(self.days * DAY_MILLIS) << 16;
        let from = Uuid::from_u64_pair(from, 0).max(self.since);
        self.days *= 4;
        self.to = Some(from);
        Some((from, to))
    }
}

/// The values of a statement, by the number under which it knows them.
struct Query<'a> {
    terms: &'a Terms,
    values: Vec<(&'a (dyn ToSql + Sync), Type)>,
}

impl<'a> Query<'a> {
    fn new(terms: &'a Terms) -> Self {
        Self {
            terms,
            values: Vec::new(),
        }
    }

    fn put(&mut self, value: &'a (dyn ToSql + Sync), kind: Type) -> String {
        self.values.push((value, kind));
        format!("${}", self.values.len())
    }

    /// The WHERE clause of all rows along `way`, within the bounds of the page.
    fn all(&mut self, way: Option<Part>, below: Option<&'a Uuid>) -> String {
        let terms = self.terms;
        let bounds = [
            ("id >=", terms.since.as_ref()),
            ("id <", terms.until.as_ref()),
            ("id <", below),
        ];
        let mut texts: Vec<String> = way.map(|part| self.part(part)).into_iter().collect();
        for (left, bound) in bounds {
            if let Some(bound) = bound {
                let value = self.put(bound, Type::UUID);
                texts.push(format!("{left} {value}"));
            }
        }
        if texts.is_empty() {
            return String::new();
        }
        format!("WHERE {}", texts.join(" AND "))
    }

    /// What says that all of `parts` match.
    fn parts(&mut self, parts: &[Part]) -> String {
        if parts.is_empty() {
            return "true".to_owned();
        }
        let texts: Vec<_> = parts.iter().map(|part| self.part(*part)).collect();
        texts.join(" AND ")
    }

    fn part(&mut self, part: Part) -> String {
        let terms = self.terms;
        let (left, value, kind): (_, &'a (dyn ToSql + Sync), _) = match part {
            Part::State => ("state =", &terms.state, Type::TEXT),
            Part::Kind => ("type =", &terms.kind, Type::TEXT),
            Part::Queue => ("queue =", &terms.queue, Type::TEXT),
            Part::Tag => ("tags @>", &terms.tag, Type::TEXT_ARRAY),
        };
        format!("{left} {}", self.put(value, kind))
    }
}

/// The lowest id that a job created at `at` can have.
fn first_id(at: Timestamp) -> Uuid {
    let (high, _) = JobId::mint(at, 0).as_uuid().as_u64_pair();
    Uuid::from_u64_pair(high, 0)
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_lie_side_by_side_down_to_the_end(high: u64, low: u64, since: Option<u64>) {
            let floor = JobId::from_uuid(Uuid::from_u64_pair(high, low));
            let since = since.map(|since| Uuid::from_u64_pair(since, 0));
            let end = since.unwrap_or(Uuid::nil());
            let mut at = floor.as_uuid();
            for (from, to) in Windows::below(floor, since) {
                prop_assert!(from < to && to == at, "{from} {to} {at}");
                at = from;
            }
            prop_assert_eq!(at, if floor.as_uuid() > end { end } else { floor.as_uuid() });
        }
    }
}
