//! What comes in, once.

use super::*;

#[test]
fn repeats_answer_the_same_and_change_nothing() {
    let mut bench = Bench::new();
    let job = bench.job("q");
    let submission = Submission {
        jobs: vec![Arc::new(job)],
        idempotency: None,
    };
    let first = bench
        .queue
        .enqueue(&bench.submitter, std::slice::from_ref(&submission))
        .unwrap();
    let again = bench
        .queue
        .enqueue(&bench.submitter, &[submission])
        .unwrap();
    assert_eq!(first, again);
    bench.submitter.advance();
    bench.submit_one("q");
    let first = bench.reserve_again(1, false, &[share("q")]).leases;
    let again = bench.reserve_again(1, false, &[share("q")]).leases;
    assert_eq!(first[0].ticket(), again[0].ticket());
    assert_eq!(bench.counts("q"), (1, 0, 1));
    bench.settle(&first[0], success());
    assert!(
        bench
            .reserve_again(1, false, &[share("q")])
            .leases
            .is_empty()
    );
}

#[test]
fn keys_are_remembered_bounded_and_forgotten() {
    let mut bench = Bench::new();
    let send = |bench: &mut Bench, key: &str, digest: u8| {
        let submission = Submission {
            jobs: vec![Arc::new(bench.job("q"))],
            idempotency: Some(Idempotency {
                key: key.to_owned(),
                digest: [digest; 32],
            }),
        };
        bench.submitter.advance();
        bench
            .queue
            .enqueue(&bench.submitter, &[submission])
            .unwrap()
            .remove(0)
    };
    let Submitted::Accepted(first) = send(&mut bench, "a", 1) else {
        panic!("refused");
    };
    assert_eq!(
        send(&mut bench, "a", 1),
        Submitted::Replayed(vec![first[0].id()])
    );
    assert_eq!(send(&mut bench, "a", 2), Submitted::KeyReused);
    assert!(matches!(send(&mut bench, "b", 1), Submitted::Accepted(_)));
    assert_eq!(send(&mut bench, "c", 1), Submitted::KeysFull);
    bench.clock.advance(Duration::from_secs(3600));
    assert!(matches!(send(&mut bench, "a", 2), Submitted::Accepted(_)));
    assert!(matches!(send(&mut bench, "c", 1), Submitted::Accepted(_)));
    assert_eq!(send(&mut bench, "d", 1), Submitted::KeysFull);
}

#[test]
fn a_unique_key_is_held_by_one_live_job() {
    let mut bench = Bench::new();
    let unique = |bench: &mut Bench, until: Option<Timestamp>| Job {
        unique: Some("k".to_owned()),
        unique_until: until,
        ..bench.job("q")
    };
    let (a, b) = (unique(&mut bench, None), unique(&mut bench, None));
    let (first, second) = (a.id, b.id);
    let accepted = bench.submit(vec![a, b]);
    assert_eq!(accepted[1], Accepted::Existing(first));
    assert_eq!(bench.state(second), None);
    assert_eq!(bench.queue.cancel(first).unwrap(), Cancelled::Ended);
    assert_eq!(bench.queue.cancel(first).unwrap(), Cancelled::TooLate);
    let soon = bench.clock.now() + Duration::from_secs(1);
    let short = unique(&mut bench, Some(soon));
    let short_id = short.id;
    assert!(matches!(bench.submit(vec![short])[0], Accepted::New(..)));
    bench.clock.advance(Duration::from_secs(1));
    let heir = unique(&mut bench, None);
    let heir_id = heir.id;
    assert!(matches!(bench.submit(vec![heir])[0], Accepted::New(..)));
    // The end of who held the key before takes it from nobody.
    bench.queue.cancel(short_id).unwrap();
    let late = unique(&mut bench, None);
    assert_eq!(bench.submit(vec![late])[0], Accepted::Existing(heir_id));
}

/// SQLite's own bound on the file stands in for a full disk: it answers the same error.
#[test]
fn a_full_disk_refuses_new_work_and_the_same_call_is_accepted_once_there_is_room() {
    let mut bench = Bench::new();
    let held = bench.submit_one("q");
    let lease = bench.reserve(1, false, &[share("q")]).leases.remove(0);
    let bound = |bench: &Bench, pages: u32| {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        let set = bench
            .queue
            .db
            .write(move |tx| Ok(tx.query_row(&pragma, [], |_| Ok(()))?));
        set.unwrap();
    };
    bound(&bench, 1); // SQLite takes the present size for it
    let payload = RawValue::from_string(format!("\"{}\"", "x".repeat(1_000_000))).unwrap();
    let submission = Submission {
        jobs: vec![Arc::new(Job {
            payload,
            ..bench.job("q")
        })],
        idempotency: None,
    };
    let call = bench.submitter.clone();
    let refused = bench
        .queue
        .enqueue(&call, std::slice::from_ref(&submission));
    assert!(
        matches!(refused, Err(QueueError::Full { .. })),
        "{refused:?}"
    );
    assert_eq!(bench.counts("q"), (0, 0, 1), "nothing of it was accepted");

    assert_eq!(
        bench.settle(&lease, success()),
        Settled::Now(State::Succeeded)
    );
    assert_eq!(
        bench.state(held),
        Some(State::Succeeded),
        "work in hand comes to its end"
    );
    bound(&bench, 1_000_000);
    let accepted = bench.queue.enqueue(&call, &[submission]).unwrap();
    assert!(matches!(accepted[..], [Submitted::Accepted(_)]));
    assert_eq!(bench.counts("q"), (1, 0, 0));
}
