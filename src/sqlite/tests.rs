//! The one writer: order, groups, bells, and what a file needs to be opened.

use super::*;
use std::sync::mpsc;

fn open(folder: &Path) -> Arc<Db> {
    Db::open(&folder.join("windlass.db"), false).unwrap()
}

fn put(db: &Db, name: &str) -> Result<(), DbError> {
    let name = name.to_owned();
    db.write(move |tx| {
        tx.execute("INSERT INTO queues (name) VALUES (?1)", [&name])?;
        tx.ring(&name, true);
        Ok(())
    })
}

fn names(db: &Db) -> Vec<String> {
    db.read(|conn| {
        let mut names = conn.prepare("SELECT name FROM queues ORDER BY name")?;
        let names = names.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    })
    .unwrap()
}

#[test]
fn what_was_written_is_there_after_closing_and_the_file_is_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put(&db, "a").unwrap();
    let refused = Db::open(db.path(), false).err().unwrap();
    assert!(
        matches!(&refused, DbError::Unfit { reason } if reason.contains("in use by another")),
        "{refused}"
    );
    drop(db);
    assert_eq!(names(&open(folder.path())), ["a"]);
}

#[test]
fn a_schema_from_the_future_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let path = db.path().to_owned();
    drop(db);
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 999).unwrap();
    drop(conn);
    let refused = Db::open(&path, true).err().unwrap();
    assert!(
        matches!(&refused, DbError::Unfit { reason } if reason.contains("999")),
        "{refused}"
    );
}

/// The writer is held in a first piece of work until the others wait, so that they meet in one transaction.
#[test]
fn work_that_fails_or_panics_is_undone_alone_and_rings_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    std::thread::scope(|scope| {
        let (go, gate) = mpsc::channel::<()>();
        let (holding, held) = mpsc::channel();
        let first = scope.spawn(|| {
            db.write(move |_| {
                holding.send(()).map_err(DbError::broken)?;
                gate.recv_timeout(WAIT_MAX).map_err(DbError::broken)
            })
        });
        held.recv_timeout(WAIT_MAX).unwrap();
        let good = scope.spawn(|| put(&db, "good"));
        let twice = scope.spawn(|| {
            db.write(|tx| {
                tx.execute("INSERT INTO queues (name) VALUES ('bad')", [])?;
                tx.ring("bad", true);
                tx.execute("INSERT INTO queues (name) VALUES ('bad')", [])?;
                Ok(())
            })
        });
        let panics = scope.spawn(|| {
            db.write(|tx| -> Result<(), DbError> {
                tx.execute("INSERT INTO queues (name) VALUES ('worse')", [])?;
                panic!("a bug")
            })
        });
        let deadline = Instant::now() + WAIT_MAX;
        while db.writes.as_ref().unwrap().len() < 3 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        first.join().unwrap().unwrap();
        good.join().unwrap().unwrap();
        assert!(matches!(twice.join().unwrap(), Err(DbError::Broken { .. })));
        assert!(matches!(
            panics.join().unwrap(),
            Err(DbError::Broken { .. })
        ));
    });
    assert_eq!(names(&db), ["good"]);
    assert!(db.bells().wait(&["good".to_owned()], Duration::ZERO));
    assert!(!db.bells().wait(&["bad".to_owned()], Duration::ZERO));
}

#[test]
fn a_full_disk_refuses_and_room_lets_work_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let limit = |pages: i64| {
        db.write(move |tx| {
            tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
        .unwrap();
    };
    limit(1); // SQLite takes the present size for it: the file may not grow
    let refused = put(&db, &"x".repeat(1_000_000));
    assert!(matches!(refused, Err(DbError::Full { .. })), "{refused:?}");
    limit(1_000_000);
    put(&db, "room").unwrap();
    assert_eq!(names(&db), ["room"]);
}

/// How far the commit of a piece of work will come: 2 to the disk, 1 to the system.
fn reach(tx: &Tx<'_>) -> Result<i64, DbError> {
    tx.execute("INSERT INTO queues (name) VALUES (hex(randomblob(8)))", [])?;
    Ok(tx.query_row("PRAGMA synchronous", [], |row| row.get(0))?)
}

fn behind(db: &Db) -> i64 {
    db.write_behind(|tx| reach(tx)).unwrap()
}

#[test]
fn a_commit_waits_for_the_disk_unless_all_work_in_it_says_that_it_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("windlass.db"), true).unwrap();
    assert_eq!(db.write(|tx| reach(tx)).unwrap(), 2);
    assert_eq!(behind(&db), 1);
    std::thread::scope(|scope| {
        let (go, gate) = mpsc::channel::<()>();
        let (holding, held) = mpsc::channel();
        let first = scope.spawn(|| {
            db.write_behind(move |tx| {
                holding.send(()).map_err(DbError::broken)?;
                gate.recv_timeout(WAIT_MAX).map_err(DbError::broken)?;
                reach(tx)
            })
        });
        held.recv_timeout(WAIT_MAX).unwrap();
        // These three meet in one transaction.
        let together = [
            scope.spawn(|| db.write_behind(|tx| reach(tx))),
            scope.spawn(|| db.write(|tx| reach(tx))),
            scope.spawn(|| db.write_behind(|tx| reach(tx))),
        ];
        let deadline = Instant::now() + WAIT_MAX;
        while db.writes.as_ref().unwrap().len() < 3 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        first.join().unwrap().unwrap();
        for work in together {
            assert_eq!(work.join().unwrap().unwrap(), 2);
        }
    });
    // Where a crash of the host does not matter, nothing waits.
    let db = Db::open(&folder.path().join("other.db"), false).unwrap();
    assert_eq!(db.write(|tx| reach(tx)).unwrap(), 1);
}

/// Work that never waits comes in all the time; one commit in every tenth of a second waits for all the others.
#[test]
fn what_did_not_wait_is_on_the_disk_soon_after() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("windlass.db"), true).unwrap();
    let until = Instant::now() + WAIT_MAX;
    let mut reached = vec![behind(&db)];
    while reached.iter().filter(|reach| **reach == 2).count() < 3 {
        assert!(Instant::now() < until, "{reached:?}");
        reached.push(behind(&db));
    }
    assert!(reached.contains(&1), "all of them waited");
}
