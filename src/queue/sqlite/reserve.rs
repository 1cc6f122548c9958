//! The lending: after what time alone does ([`super::alone`]), up to so many tickets in the order that was asked for.

use std::time::Duration;

use rusqlite::{Row as SqlRow, params};

use super::alone::Budget;
use super::rows::{LEASES, Row, bytes, id_at, ready_line};
use super::step::{Step, after, first_at};
use crate::job::{Event, State, Ticket, Timestamp};
use crate::queue::{Call, EngineSettings, Reserve, Share};
use crate::sqlite::DbError;

/// What a poller asks for, as it goes to the writer's thread.
#[derive(Debug)]
pub(super) struct Wanted {
    pub call: Call,
    node: String,
    want: usize,
    shares: Vec<Share>,
    lease: Duration,
    suspect: bool,
    max_crashes: u32,
}

impl Wanted {
    pub(super) fn of(call: &Call, reserve: &Reserve<'_>) -> Self {
        Self {
            call: call.clone(),
            node: reserve.node.to_owned(),
            want: reserve.want,
            shares: reserve.shares.to_vec(),
            lease: reserve.lease,
            suspect: reserve.suspect,
            max_crashes: reserve.max_crashes,
        }
    }
}

/// A job as it is lent; its body is read on the poller's thread.
#[derive(Debug)]
pub(super) struct Lent {
    pub ticket: Ticket,
    pub failures: u32,
    pub crashes: u32,
    pub leased_at: Timestamp,
    pub body: Option<String>,
}

/// The answer to [`Wanted`].
#[derive(Debug, Default)]
pub(super) struct Granted {
    pub lent: Vec<Lent>,
    pub next: Option<Timestamp>,
    pub more: bool,
    pub outbox: usize,
    pub lapsed: usize,
}

/// A queue that may be taken from in this call.
struct Source<'a> {
    share: &'a Share,
    queue: i64,
}

impl Step<'_, '_> {
    /// Serves a reserve, or answers what a repeat was granted of which the lease still holds.
    pub(super) fn reserve(
        &mut self,
        settings: &EngineSettings,
        wanted: &Wanted,
    ) -> Result<Granted, DbError> {
        let mut granted = Granted::default();
        if let Some(answer) = self.repeat(&wanted.call)? {
            granted.lent = self.still_lent(&answer)?;
            granted.next = self.next_event()?;
            granted.outbox = usize::try_from(self.engine.outbox).unwrap_or(0);
            return Ok(granted);
        }
        self.stamp(settings.lease, wanted.lease)?;
        let mut budget = Budget::of(wanted.want);
        granted.lapsed = self.lapse_due(wanted.max_crashes, &mut budget)?;
        self.sweep(&mut budget)?;
        self.promote(&mut budget)?;
        self.expire(&mut budget)?;
        let sources = self.sources(&wanted.shares)?;
        self.take(wanted, &sources, &mut budget, &mut granted.lent)?;
        let left = self.leave_ringing(wanted, &sources, &granted.lent)?;
        let tickets: Vec<String> = granted.lent.iter().map(|l| l.ticket.to_string()).collect();
        self.keep(&wanted.call, &tickets.join(" "))?;

        granted.next = self.next_event()?;
        let unfinished = granted.next.is_some_and(|next| next <= self.now);
        granted.more = unfinished || (left && granted.lent.len() < wanted.want);
        granted.outbox = usize::try_from(self.engine.outbox).unwrap_or(0);
        Ok(granted)
    }

    fn still_lent(&self, tickets: &str) -> Result<Vec<Lent>, DbError> {
        let mut find = self.conn.prepare_cached(
            "SELECT j.id, j.n, j.failures, j.crashes, j.leased_at, b.body
             FROM jobs j LEFT JOIN bodies b ON b.id = j.id WHERE j.id = ?1 AND j.n = ?2 AND j.line = ?3",
        )?;
        let mut lent = Vec::new();
        for ticket in tickets.split_whitespace() {
            let ticket: Ticket = ticket.parse().map_err(DbError::broken)?;
            let n = i64::try_from(ticket.n).map_err(DbError::broken)?;
            let row = find.query_map(params![bytes(ticket.id), n, LEASES], |row| {
                read_lent(row, Timestamp::from_micros(row.get(4)?))
            })?;
            lent.extend(row.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(lent)
    }

    /// The queues of `shares` that are there and not paused.
    fn sources<'a>(&mut self, shares: &'a [Share]) -> Result<Vec<Source<'a>>, DbError> {
        let mut sources = Vec::with_capacity(shares.len());
        for share in shares {
            if let Some(queue) = self.known_queue(&share.queue)?
                && !self.line(queue)?.paused
            {
                sources.push(Source { share, queue });
            }
        }
        Ok(sources)
    }

    /// Lends: one suspect first, then to each queue its share, then what is left in order.
    fn take(
        &mut self,
        wanted: &Wanted,
        sources: &[Source<'_>],
        budget: &mut Budget,
        lent: &mut Vec<Lent>,
    ) -> Result<(), DbError> {
        let want = wanted.want.min(budget.tickets);
        if wanted.suspect && want > 0 {
            for source in sources {
                self.take_from(wanted, source, (true, 1), budget, lent)?;
                if !lent.is_empty() {
                    break;
                }
            }
        }
        for source in sources {
            let share = source.share.share.min(want - lent.len().min(want));
            self.take_from(wanted, source, (false, share), budget, lent)?;
        }
        for source in sources {
            let rest = want - lent.len().min(want);
            self.take_from(wanted, source, (false, rest), budget, lent)?;
        }
        Ok(())
    }

    /// Lends up to `max` of one line.
    fn take_from(
        &mut self,
        wanted: &Wanted,
        source: &Source<'_>,
        (suspect, max): (bool, usize),
        budget: &mut Budget,
        lent: &mut Vec<Lent>,
    ) -> Result<(), DbError> {
        let enough = lent.len() + max.min(self.room(source)?);
        while lent.len() < enough && self.line(source.queue)?.ready > 0 {
            let most = (enough - lent.len()).min(budget.tickets);
            let lane = self.line(source.queue)?.lane;
            let next = self.head_of(ready_line(lane, suspect), most, budget, lent.is_empty())?;
            if next.is_empty() {
                return Ok(());
            }
            for (next, expires_at) in next {
                budget.tickets -= 1;
                // Due expiries are ended before, but only so many in a call; none of those left is begun.
                if expires_at.is_some_and(|at| at <= self.now.as_micros()) {
                    if let Some(row) = Row::find(self.conn, next.ticket.id)? {
                        self.end_expired(&row)?;
                    }
                    continue;
                }
                budget.bytes -= next.body.as_ref().map_or(0, String::len).min(budget.bytes);
                self.lend(wanted, source.queue, &next)?;
                lent.push(next);
            }
        }
        Ok(())
    }

    /// How many more of a queue may run.
    fn room(&mut self, source: &Source<'_>) -> Result<usize, DbError> {
        let running = self.line(source.queue)?.running;
        Ok(source.share.limit.map_or(usize::MAX, |limit| {
            usize::try_from(i64::from(limit) - running).unwrap_or(0)
        }))
    }

    /// The first tickets of a line, as many as fit; the first of a call (`any`) fits always.
    fn head_of(
        &self,
        line: i64,
        most: usize,
        budget: &Budget,
        mut any: bool,
    ) -> Result<Vec<(Lent, Option<i64>)>, DbError> {
        let mut find = self.conn.prepare_cached(
            "SELECT j.id, j.n, j.failures, j.crashes, j.expires_at, b.body
             FROM jobs j LEFT JOIN bodies b ON b.id = j.id WHERE j.line = ?1 ORDER BY j.at LIMIT ?2",
        )?;
        let mut rows = find.query(params![line, most as i64])?;
        let (mut head, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let next = read_lent(row, self.now)?;
            bytes += next.body.as_ref().map_or(0, String::len);
            if bytes > budget.bytes && !any {
                break;
            }
            any = false;
            head.push((next, row.get(4)?));
        }
        Ok(head)
    }

    fn lend(&mut self, wanted: &Wanted, queue: i64, lent: &Lent) -> Result<(), DbError> {
        let state = after(Some(State::Queued), Event::Reserve)?;
        self.conn
            .prepare_cached(
                "UPDATE jobs SET line = ?2, at = ?3, state = ?4, leased_at = ?5, node = ?6 WHERE id = ?1",
            )?
            .execute(params![
                bytes(lent.ticket.id),
                LEASES,
                (self.now + wanted.lease).as_micros(),
                state.as_str(),
                self.now.as_micros(),
                wanted.node
            ])?;
        self.change(queue)?.ready -= 1;
        self.enter(queue, state)
    }

    /// Leaves the bells ringing of those queues from which another could take now, and silences the others of this call;
    /// tells whether there is such a one. Suspects count only if this call could have taken one: who may not take them
    /// must not be woken by them over and over.
    fn leave_ringing(
        &mut self,
        wanted: &Wanted,
        sources: &[Source<'_>],
        lent: &[Lent],
    ) -> Result<bool, DbError> {
        let took_suspect = lent.first().is_some_and(|first| first.crashes > 0);
        let mut left = false;
        for source in sources {
            self.ring.remove(&source.queue);
            if self.line(source.queue)?.ready == 0 {
                self.hush.insert(source.queue);
                continue;
            }
            let lane = self.line(source.queue)?.lane;
            let ordinary = first_at(self.conn, ready_line(lane, false))?.is_some();
            if self.room(source)? == 0 {
                // The next place that is freed rings.
                self.change(source.queue)?.full = true;
                self.hush.insert(source.queue);
            } else if ordinary {
                left = true;
                self.ring.insert(source.queue);
            } else if took_suspect || (wanted.suspect && wanted.want == 0) {
                self.ring.insert(source.queue);
            }
        }
        Ok(left)
    }
}

fn read_lent(row: &SqlRow<'_>, leased_at: Timestamp) -> rusqlite::Result<Lent> {
    Ok(Lent {
        ticket: Ticket {
            id: id_at(row, 0)?,
            n: row.get::<_, i64>(1)?.unsigned_abs(),
        },
        failures: row.get(2)?,
        crashes: row.get(3)?,
        leased_at,
        body: row.get(5)?,
    })
}
