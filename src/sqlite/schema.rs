//! The schema, brought up to date when the file is opened.

use rusqlite::{Connection, TransactionBehavior};

use super::DbError;

/// Every step of the schema, oldest first; `user_version` counts those a file has taken. A step that was released is
/// never changed: a new one is put after it.
const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001-queue.sql"),
    include_str!("../../migrations/sqlite/0002-storage.sql"),
    include_str!("../../migrations/sqlite/0003-acts.sql"),
    include_str!("../../migrations/sqlite/0004-calendar.sql"),
];

/// Takes the steps that the file lacks, all or none.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), DbError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
    if taken > STEPS.len() {
        return Err(DbError::Unfit {
            reason: format!(
                "its schema has number {taken}, this program knows {} at most; \
                 run the version of windlass that wrote it, or a newer one",
                STEPS.len()
            ),
        });
    }
    for step in &STEPS[taken..] {
        tx.execute_batch(step)?;
    }
    if taken < STEPS.len() {
        tx.pragma_update(None, "user_version", STEPS.len() as i64)?;
    }
    tx.commit()?;
    Ok(())
}
