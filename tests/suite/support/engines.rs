//! The engines under test, each opened on a store of its own.

use std::sync::Arc;

use windlass::clock::{Clock, ManualClock};
use windlass::queue::Engine;
use windlass::queue::redis::RedisQueue;
use windlass::queue::sqlite::SqliteQueue;
use windlass::sqlite::Db;
use windlass::storage::postgres::PostgresStorage;
use windlass::storage::sqlite::SqliteStorage;

use super::bench::{Bench, START};
use super::children;
use super::servers::{Postgres, Redis};
use super::shelf::Shelf;

/// The queue in Redis: one server for all tests of this process, a namespace for each.
pub fn redis_queue() -> Bench {
    redis_queue_on(Redis::shared().addr())
}

/// The queue in the Redis server at `addr`, in a namespace of its own.
pub fn redis_queue_on(addr: String) -> Bench {
    let clock = Arc::new(ManualClock::new(START));
    let shown = Arc::clone(&clock);
    let settings = Bench::settings();
    Bench::new(None, clock, move || {
        let clock: Arc<dyn Clock> = Arc::clone(&shown) as Arc<dyn Clock>;
        let queue = RedisQueue::open(&addr, settings.clone(), Some(clock)).expect("it opens");
        Arc::new(queue) as Arc<dyn Engine>
    })
}

/// The queue in an SQLite file of its own.
pub fn sqlite_queue() -> Bench {
    let home = children::folder("sqlite");
    let path = home.path().join("windlass.db");
    let clock = Arc::new(ManualClock::new(START));
    let shown = Arc::clone(&clock);
    let settings = Bench::settings();
    Bench::new(Some(home), clock, move || {
        let clock: Arc<dyn Clock> = Arc::clone(&shown) as Arc<dyn Clock>;
        let db = Db::open(&path, false).expect("it opens");
        Arc::new(SqliteQueue::new(db, settings.clone(), clock)) as Arc<dyn Engine>
    })
}

/// The records in a PostgreSQL database of their own, on the server that all tests of this process share.
pub fn postgres_storage() -> Shelf {
    let url = Postgres::shared().fresh_database();
    Shelf::new(None, move || {
        Arc::new(PostgresStorage::open(&url).expect("a good address"))
    })
}

/// The records in an SQLite file of their own. A file belongs to one process, and in it to one connection that writes:
/// whoever opens it again shares that.
pub fn sqlite_storage() -> Shelf {
    let home = children::folder("sqlite");
    let path = home.path().join("windlass.db");
    let db = Db::open(&path, false).expect("it opens");
    Shelf::new(Some(home), move || {
        Arc::new(SqliteStorage::new(Arc::clone(&db)))
    })
}
