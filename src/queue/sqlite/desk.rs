//! What operators ask, and what the daemon asks on its own behalf.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::rows::{LEASES, WHOLE, Whole, bytes, id_at};
use super::step::Step;
use super::{SqliteQueue, failed, list};
use crate::job::{Found, JobId, Timestamp};
use crate::queue::{
    Desk, Line, Listed, Node, Place, QueueCounts, QueueError, TICKETS_PER_CALL_MAX,
};
use crate::sqlite::DbError;

impl Desk for SqliteQueue {
    fn check(&self) -> Result<(), QueueError> {
        // Opening the file has brought its schema up to date; what remains is whether it still answers.
        self.db
            .read(|conn| Ok(conn.query_row("SELECT only FROM engine", [], |_| Ok(()))?))
            .map_err(|err| failed("check", err))
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Found>>, QueueError> {
        let now = self.clock.now();
        let whole = self.db.read(|conn| {
            let mut find = conn.prepare_cached(&format!("{WHOLE} WHERE j.id = ?1"))?;
            ids.iter()
                .map(|id| {
                    Ok(find
                        .query_row(params![bytes(*id)], Whole::read)
                        .optional()?)
                })
                .collect::<Result<Vec<_>, DbError>>()
        });
        whole
            .and_then(|whole| {
                whole
                    .iter()
                    .map(|one| one.as_ref().map(|whole| whole.found(now)).transpose())
                    .collect()
            })
            .map_err(|err| failed("find", err))
    }

    fn list(
        &self,
        line: Line<'_>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        self.db
            .read(|conn| list::list(conn, line, after, want))
            .map_err(|err| failed("list", err))
    }

    fn queues(&self) -> Result<Vec<QueueCounts>, QueueError> {
        let now = self.clock.now();
        self.db
            .read(|conn| list::queues(conn, now))
            .map_err(|err| failed("queues", err))
    }

    fn totals(&self) -> Result<Vec<(String, u64)>, QueueError> {
        const NAMES: [&str; 6] = [
            "succeeded",
            "dead",
            "cancelled",
            "expired",
            "quarantined",
            "outbox",
        ];
        let totals = self.db.read(|conn| {
            let mut find =
                conn.prepare_cached(&format!("SELECT {} FROM engine", NAMES.join(", ")))?;
            Ok(find.query_row([], |row| {
                NAMES
                    .iter()
                    .enumerate()
                    .map(|(i, name)| Ok(((*name).to_owned(), row.get::<_, i64>(i)?.unsigned_abs())))
                    .collect()
            })?)
        });
        totals.map_err(|err| failed("totals", err))
    }

    fn beat(&self, node: &Node) -> Result<(), QueueError> {
        let name = node.node.clone();
        let said = serde_json::to_string(node).map_err(|err| QueueError::broken("beat", err))?;
        self.step("beat", move |step| {
            step.conn
                .prepare_cached(
                    "INSERT INTO nodes (node, seen_at, said) VALUES (?1, ?2, ?3)
                     ON CONFLICT (node) DO UPDATE SET seen_at = ?2, said = ?3",
                )?
                .execute(params![name, step.now.as_micros(), said])?;
            Ok(())
        })
    }

    fn nodes(&self, within: Duration) -> Result<Vec<Node>, QueueError> {
        let oldest = (self.clock.now() - within).as_micros();
        let said = self.db.read(|conn| {
            let mut find = conn.prepare_cached("SELECT seen_at, said FROM nodes ORDER BY node")?;
            let said = find.query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?;
            Ok(said.collect::<Result<Vec<_>, _>>()?)
        });
        let said = said.map_err(|err| failed("nodes", err))?;
        // A question writes only when there is something to forget, so that a full disk does not keep it from answering.
        if said.iter().any(|(seen_at, _)| *seen_at < oldest) {
            self.step("nodes", move |step| {
                step.conn
                    .prepare_cached("DELETE FROM nodes WHERE seen_at < ?1")?
                    .execute([oldest])?;
                Ok(())
            })?;
        }
        said.into_iter()
            .filter(|(seen_at, _)| *seen_at >= oldest)
            .map(|(seen_at, said)| {
                let node: Node =
                    serde_json::from_str(&said).map_err(|err| QueueError::broken("nodes", err))?;
                Ok(Node {
                    seen_at: Timestamp::from_micros(seen_at),
                    ..node
                })
            })
            .collect()
    }

    fn take_over(
        &self,
        node: &str,
        before: Timestamp,
        max_crashes: u32,
    ) -> Result<usize, QueueError> {
        let mut taken = 0;
        loop {
            let name = node.to_owned();
            let lapsed = self.step("take_over", move |step| {
                step.take_over(&name, before, max_crashes)
            })?;
            taken += lapsed;
            // In bounded steps (Q11); the last one is not full.
            if lapsed < TICKETS_PER_CALL_MAX {
                return Ok(taken);
            }
        }
    }
}

impl Step<'_, '_> {
    fn take_over(
        &mut self,
        node: &str,
        before: Timestamp,
        max_crashes: u32,
    ) -> Result<usize, DbError> {
        let mut find = self.conn.prepare_cached(
            "SELECT id FROM jobs WHERE line = ?1 AND node = ?2 AND leased_at <= ?3 ORDER BY at LIMIT ?4",
        )?;
        let ids = find
            .query_map(
                params![
                    LEASES,
                    node,
                    before.as_micros(),
                    TICKETS_PER_CALL_MAX as i64
                ],
                |row| id_at(row, 0),
            )?
            .collect::<Result<Vec<_>, _>>()?;
        for id in &ids {
            self.lapse(*id, max_crashes)?;
        }
        self.conn
            .prepare_cached("DELETE FROM nodes WHERE node = ?1")?
            .execute([node])?;
        Ok(ids.len())
    }
}
