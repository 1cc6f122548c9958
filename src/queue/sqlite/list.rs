//! Lists jobs by where they stand, and the queues with who is next in them.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{LATER, LEASES, OUTBOX, WHOLE, Whole, bytes, id_at, ready_line};
use crate::job::{Found, State, Timestamp};
use crate::queue::{Line, Listed, Place, QueueCounts, TICKETS_PER_CALL_MAX};
use crate::sqlite::DbError;

/// Jobs of a line (see [`crate::queue::Desk::list`]).
pub(super) fn list(
    conn: &Connection,
    line: Line<'_>,
    after: Option<Place>,
    want: usize,
) -> Result<Listed, DbError> {
    // A queue that has no row has no jobs.
    let row_of = |name: &str| -> Result<Option<(i64, i64)>, DbError> {
        let mut find = conn.prepare_cached("SELECT id, lane FROM queues WHERE name = ?1")?;
        Ok(find
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    };
    let (queue, lane) = match line {
        Line::Ended | Line::Running(None) | Line::Waiting(None, _) => (None, 0),
        Line::Running(Some(name))
        | Line::Waiting(Some(name), _)
        | Line::Suspects(name)
        | Line::Ready(name) => match row_of(name)? {
            Some((queue, lane)) => (Some(queue), lane),
            None => return Ok(Listed::default()),
        },
    };
    match line {
        Line::Running(_) => running(conn, queue, after, want),
        Line::Waiting(_, state) => along(conn, LATER, (queue, state), after, want),
        Line::Suspects(_) | Line::Ready(_) => {
            let suspects = matches!(line, Line::Suspects(_));
            along(conn, ready_line(lane, suspects), (None, None), after, want)
        }
        Line::Ended => ended(conn, after, want),
    }
}

/// Along a line in its order; those of other queues or in other states are passed over, so many in a call.
fn along(
    conn: &Connection,
    line: i64,
    (queue, state): (Option<i64>, Option<State>),
    after: Option<Place>,
    want: usize,
) -> Result<Listed, DbError> {
    let want = want.min(TICKETS_PER_CALL_MAX);
    let mut find = conn.prepare_cached(
        "SELECT at, id, queue, state FROM jobs WHERE line = ?1 AND at >= ?2 AND (at > ?2 OR id > ?3) ORDER BY at, id",
    )?;
    let (at, id) = after.map_or((i64::MIN, [0; 16]), |after| (after.at, bytes(after.id)));
    let mut rows = find.query(params![line, at, id])?;
    let (mut listed, mut looked, mut last) = (Listed::default(), 0, None);
    while let Some(row) = rows.next()? {
        if listed.places.len() == want || looked == TICKETS_PER_CALL_MAX {
            listed.next = last;
            break;
        }
        looked += 1;
        let place = Place {
            at: row.get(0)?,
            id: id_at(row, 1)?,
            n: 0,
        };
        last = Some(place);
        let of_queue = queue.is_none_or(|queue| row.get(2) == Ok(queue));
        if of_queue
            && state.is_none_or(|state| {
                row.get_ref(3)
                    .is_ok_and(|text| text.as_str() == Ok(state.as_str()))
            })
        {
            listed.places.push(place);
        }
    }
    Ok(listed)
}

/// All that is lent stands by the end of its lease, which moves with every renewal: listed by when it was lent.
fn running(
    conn: &Connection,
    queue: Option<i64>,
    after: Option<Place>,
    want: usize,
) -> Result<Listed, DbError> {
    let mut find = conn.prepare_cached(
        "SELECT leased_at, id FROM jobs WHERE line = ?1 AND queue = coalesce(?2, queue)
         AND (leased_at, id) > (?3, ?4) ORDER BY leased_at, id LIMIT ?5",
    )?;
    let (at, id) = after.map_or((i64::MIN, [0; 16]), |after| (after.at, bytes(after.id)));
    let places = find.query_map(params![LEASES, queue, at, id, one_more(want)], |row| {
        Ok(Place {
            at: row.get(0)?,
            id: id_at(row, 1)?,
            n: 0,
        })
    })?;
    Ok(Listed::first(places.collect::<Result<_, _>>()?, want))
}

/// The outbox stands by when it may be taken; listed by id. The signs before `id` keep SQLite from going through all jobs
/// in the order of their ids instead.
fn ended(conn: &Connection, after: Option<Place>, want: usize) -> Result<Listed, DbError> {
    let mut find = conn.prepare_cached(
        "SELECT id FROM jobs WHERE line = ?1 AND (?2 IS NULL OR +id < ?2) ORDER BY +id DESC LIMIT ?3",
    )?;
    let after = after.map(|after| bytes(after.id));
    let places = find.query_map(params![OUTBOX, after, one_more(want)], |row| {
        Ok(Place {
            at: 0,
            id: id_at(row, 0)?,
            n: 0,
        })
    })?;
    Ok(Listed::first(places.collect::<Result<_, _>>()?, want))
}

fn one_more(want: usize) -> i64 {
    i64::try_from(want).unwrap_or(i64::MAX).saturating_add(1)
}

/// The counts of all queues, and since when the next job of each has stood in its line.
pub(super) fn queues(conn: &Connection, now: Timestamp) -> Result<Vec<QueueCounts>, DbError> {
    let mut find = conn.prepare_cached(
        "SELECT lane, name, paused, ready, scheduled, running FROM queues ORDER BY name",
    )?;
    let queues = find.query_map([], |row| {
        let count = |i| row.get(i).map(i64::unsigned_abs);
        let counts = QueueCounts {
            queue: row.get(1)?,
            paused: row.get(2)?,
            ready: count(3)?,
            scheduled: count(4)?,
            running: count(5)?,
            oldest_ready_at: None,
        };
        Ok((row.get(0)?, counts))
    })?;
    let mut all = Vec::new();
    for queue in queues {
        let (lane, mut counts): (i64, QueueCounts) = queue?;
        if counts.ready > 0 {
            let heads =
                [true, false].map(|suspect| head_since(conn, ready_line(lane, suspect), now));
            let [suspect, ready] = heads;
            counts.oldest_ready_at = [suspect?, ready?].into_iter().flatten().min();
        }
        all.push(counts);
    }
    Ok(all)
}

/// Since when the first job of a line has stood in it.
fn head_since(conn: &Connection, line: i64, now: Timestamp) -> Result<Option<Timestamp>, DbError> {
    let mut find =
        conn.prepare_cached(&format!("{WHOLE} WHERE j.line = ?1 ORDER BY j.at LIMIT 1"))?;
    let head = find.query_row([line], Whole::read).optional()?;
    Ok(match head.map(|head| head.found(now)).transpose()? {
        Some(Found::Live(live)) => live.ready_at,
        _ => None,
    })
}
