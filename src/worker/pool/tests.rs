//! What the pool does where no thread is needed to see it.

use crossbeam_channel::bounded;

use super::*;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::handlers::Registry;
use crate::job::{Job, JobId};
use crate::queue::sqlite::SqliteQueue;
use crate::queue::{Call, EngineSettings, Lease, Reserve, Share, Submission};
use crate::sqlite::Db;

/// A job is lent, its type goes away before a thread comes to it, and it goes back for a while, uncounted.
#[test]
fn a_taken_job_whose_type_went_away_is_handed_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open(&folder.path().join("db"), false).expect("it opens");
    let config = Config::default();
    let settings = EngineSettings {
        namespace: "test".to_owned(),
        idempotency_window: Duration::from_secs(60),
        idempotency_max: 1,
        lease: config.lease,
    };
    let queue = Arc::new(SqliteQueue::new(db, settings, Arc::new(SystemClock)));
    let held = Arc::clone(&Hands::new().enter(vec![lend(queue.as_ref(), "gone")])[0]);
    let (outcomes, done) = bounded(1);
    let pool = Pool::new(Parts {
        queue,
        terms: Terms::new(config, Registry::new()).expect("no entries of types"),
        threads: 1,
        node: "test".to_owned(),
        takes: bounded(1).1,
        hungry: bounded(1).0,
        outcomes,
        watch: Watch::new().0,
        hands: Arc::new(Hands::new()),
    });
    assert!(pool.run_one(&held), "the thread lives on");
    let Ok(Done::Release(release)) = done.try_recv() else {
        panic!("it goes back")
    };
    assert_eq!((release.len(), release[0].delay), (1, UNKNOWN_TYPE_DELAY));
    assert!(release[0].attempt.is_none() && held.run().is_none());
}

fn lend(queue: &dyn Queue, kind: &str) -> Lease {
    let id = JobId::mint(queue.now(), 1);
    let payload = RawValue::from_string("{}".to_owned()).expect("JSON");
    let submission = Submission {
        jobs: vec![Arc::new(Job::new(id, kind, "default", payload))],
        idempotency: None,
    };
    let enqueued = queue.enqueue(&Call::first("submitter"), &[submission]);
    enqueued.expect("an answer");
    let ask = Reserve {
        node: "test",
        want: 1,
        shares: &[Share {
            queue: "default".to_owned(),
            share: 1,
            limit: None,
        }],
        lease: Duration::from_secs(15),
        suspect: true,
        max_crashes: 3,
    };
    let mut reserved = queue
        .reserve(&Call::first("poller"), &ask)
        .expect("an answer");
    reserved.leases.pop().expect("the job")
}

#[test]
fn an_escaped_nul_is_replaced_and_an_escaped_backslash_before_u0000_is_not() {
    let clean = |text: &str| {
        without_nul(RawValue::from_string(text.to_owned()).expect("JSON"))
            .get()
            .to_owned()
    };
    assert_eq!(
        clean(r#"["a\u0000b","\\u0000","\\\u0000\"x"]"#),
        r#"["a\ufffdb","\\u0000","\\\ufffd\"x"]"#
    );
    assert_eq!(
        clean(r#"{"n":12345678901234567890.10}"#),
        r#"{"n":12345678901234567890.10}"#
    );
}
