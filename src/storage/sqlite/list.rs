//! Lists records, page by page: along the index of one part of a filter, the rest looked at row by row, and never far.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::rows::{self, RECORD, bytes};
use crate::job::{Found as JobFound, JobId, State, Summary};
use crate::sqlite::DbError;
use crate::storage::page::{Found, LOOKED_MAX, PAGE_MAX, Part, best};
use crate::storage::{Filter, Page};

/// Most text that is read to fill a page: a row holds the whole payload.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// One page, newest id first, from below `after` (S6).
pub(super) fn page(
    conn: &Connection,
    filter: &Filter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Page, DbError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let found = best(ways(filter), limit, |way| {
        along(conn, way, filter, after, limit)
    })?;
    summaries(conn, &found)
}

/// The parts of a filter that have an index of their own; all rows, where there is none. Succeeded records are nearly all
/// there are and have no index.
fn ways(filter: &Filter) -> Vec<Option<Part>> {
    let mut ways: Vec<Option<Part>> = filter
        .parts()
        .into_iter()
        .filter(|part| *part != Part::State || filter.state != Some(State::Succeeded))
        .map(Some)
        .collect();
    if ways.is_empty() {
        ways.push(None);
    }
    ways
}

/// The ids that match among the first that lie along one index.
fn along(
    conn: &Connection,
    way: Option<Part>,
    filter: &Filter,
    after: Option<JobId>,
    limit: usize,
) -> Result<Found<JobId>, DbError> {
    let (sql, values) = query(way, filter, after);
    let mut find = conn.prepare_cached(&sql)?;
    let mut rows = find.query(params_from_iter(values))?;
    let mut found = Vec::new();
    for looked in 1.. {
        let Some(row) = rows.next()? else {
            break;
        };
        let id = rows::id(row.get(0)?);
        if row.get::<_, bool>(1)? {
            if found.len() == limit {
                let next = found.last().copied();
                return Ok(Found { rows: found, next });
            }
            found.push(id);
        }
        if looked >= LOOKED_MAX {
            return Ok(Found {
                rows: found,
                next: Some(id),
            });
        }
    }
    Ok(Found {
        rows: found,
        next: None,
    })
}

/// The statement that goes along one index: ids in descending order, and whether all else matches. Each combination of
/// parts is a statement of its own, so that each has its own plan.
fn query(way: Option<Part>, filter: &Filter, after: Option<JobId>) -> (String, Vec<Value>) {
    // A tag's own table leads to the records.
    let (from, id) = match way {
        Some(Part::Tag) => ("record_tags t CROSS JOIN records r ON r.id = t.id", "t.id"),
        _ => ("records r", "r.id"),
    };
    let mut values: Vec<Value> = Vec::new();
    let mut rest: Vec<String> = Vec::new();
    for part in filter.parts() {
        if Some(part) != way {
            let (term, value) = term(part, filter, false);
            rest.push(term);
            values.extend(value);
        }
    }
    let mut all: Vec<String> = Vec::new();
    if let Some(part) = way {
        let (term, value) = term(part, filter, true);
        all.push(term);
        values.extend(value);
    }
    // An id begins with the instant of its creation, to the microsecond.
    let bounds = [
        (">=", filter.since.map(|at| JobId::mint(at, 0))),
        ("<", filter.until.map(|at| JobId::mint(at, 0))),
        ("<", after),
    ];
    for (how, bound) in bounds {
        if let Some(bound) = bound {
            all.push(format!("{id} {how} ?"));
            values.push(Value::from(bytes(bound).to_vec()));
        }
    }
    let joined = |terms: &[String], none: &str| match terms {
        [] => none.to_owned(),
        _ => terms.join(" AND "),
    };
    let sql = format!(
        "SELECT {id}, {} FROM {from} WHERE {} ORDER BY {id} DESC",
        joined(&rest, "TRUE"),
        joined(&all, "TRUE")
    );
    (sql, values)
}

/// What says that a part matches; `along` its own index or looked at beside another.
fn term(part: Part, filter: &Filter, along: bool) -> (String, Option<Value>) {
    let text = |text: &Option<String>| text.clone().map(Value::from);
    match part {
        // As a literal: only so can the planner see that the index of unlucky ends will do.
        Part::State => {
            let state = filter.state.map_or("", State::as_str);
            (format!("r.state = '{state}'"), None)
        }
        Part::Kind => ("r.type = ?".to_owned(), text(&filter.kind)),
        Part::Queue => ("r.queue = ?".to_owned(), text(&filter.queue)),
        Part::Tag if along => ("t.tag = ?".to_owned(), text(&filter.tag)),
        Part::Tag => (
            "EXISTS (SELECT 1 FROM record_tags t WHERE t.tag = ? AND t.id = r.id)".to_owned(),
            text(&filter.tag),
        ),
    }
}

/// The page of what was found; it ends early where the rows are too large to be read at once.
fn summaries(conn: &Connection, found: &Found<JobId>) -> Result<Page, DbError> {
    let mut find = conn.prepare_cached(&format!("{RECORD} WHERE r.id = ?1"))?;
    let mut page = Page {
        jobs: Vec::with_capacity(found.rows.len()),
        next: found.next,
    };
    let mut size = 0;
    for id in &found.rows {
        if size > PAGE_BYTES_MAX {
            page.next = page.jobs.last().map(|job: &Summary| job.id);
            break;
        }
        let row = find.query_row([bytes(*id)], rows::read)?;
        size += row.size();
        page.jobs.push(Summary::of(&JobFound::Ended(row.record()?)));
    }
    Ok(page)
}
