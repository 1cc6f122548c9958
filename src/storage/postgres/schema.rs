//! Brings the schema up to date. Any number of hosts may start at once (S5): the first does the work, the others wait at
//! its lock and find nothing left to do.

use log::info;
use postgres::types::Type;
use postgres::{Client, Transaction};

use super::pool::Fault;
use crate::storage::StorageError;
use crate::storage::migrations::{self, Applied};

/// The advisory lock of those who migrate; the numbers of ours begin with the letters `wind`.
const MIGRATIONS_LOCK: i64 = 0x7769_6e64_0001;

/// Older servers cannot detach a partition without blocking everybody.
const SERVER_VERSION_MIN: i32 = 140_000;

const SCHEMA_VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version (\
    version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, \
    applied_at timestamptz NOT NULL DEFAULT now())";

/// Does what is missing, in one transaction.
pub(super) fn update(client: &mut Client) -> Result<(), Fault> {
    let server: i32 = client
        .query_typed_one("SELECT current_setting('server_version_num')::int", &[])?
        .get(0);
    if server < SERVER_VERSION_MIN {
        return Err(Fault::Unfit(format!(
            "PostgreSQL {} is too old: 14 or newer is needed",
            server / 10_000
        )));
    }
    let mut work = client.transaction()?;
    // A step may take long on a large table, and so may waiting for another host that does it.
    work.batch_execute("SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '1min'")?;
    work.execute_typed(
        "SELECT pg_advisory_xact_lock($1)",
        &[(&MIGRATIONS_LOCK, Type::INT8)],
    )?;
    let applied = applied(&mut work)?;
    let pending =
        migrations::pending(migrations::POSTGRES, &applied).map_err(|error| match error {
            StorageError::Unfit { reason } | StorageError::Unavailable { reason, .. } => {
                Fault::Unfit(reason)
            }
        })?;
    for step in pending {
        work.batch_execute(step.sql)?;
        work.execute_typed(
            "INSERT INTO schema_version (version, name, checksum) VALUES ($1, $2, $3)",
            &[
                (&step.version, Type::INT4),
                (&step.name, Type::TEXT),
                (&step.checksum(), Type::TEXT),
            ],
        )?;
        info!("PostgreSQL: schema step {} is done", step.name);
    }
    work.commit()?;
    Ok(())
}

fn applied(work: &mut Transaction<'_>) -> Result<Vec<Applied>, Fault> {
    // Asked first, so that a daemon whose schema is complete needs no right to create anything.
    let there: bool = work
        .query_typed_one("SELECT to_regclass('schema_version') IS NOT NULL", &[])?
        .get(0);
    if !there {
        work.batch_execute(SCHEMA_VERSION)?;
    }
    let rows = work.query_typed(
        "SELECT version, name, checksum FROM schema_version ORDER BY version",
        &[],
    )?;
    Ok(rows
        .iter()
        .map(|row| Applied {
            version: row.get(0),
            name: row.get(1),
            checksum: row.get(2),
        })
        .collect())
}
