//! `DELETE /jobs/{id}`.

use std::time::Duration;

use serde_json::Value;
use windlass::job::JobId;

use super::outage::{flaky_house, house_without_storage, set};
use super::{House, id_of, problem};
use crate::support::flaky::Lost;
use crate::support::http::Response;

const NOOP: &str = r#"{"type":"noop","tags":["t"]}"#;

fn ended(house: &House) -> JobId {
    let id = house.accepted(NOOP);
    house.end(house.take(), "1");
    id
}

fn delete(house: &House, id: JobId) -> Response {
    house.ask("DELETE", &format!("/jobs/{id}"), &[], None)
}

#[track_caller]
fn is_gone(house: &House, id: JobId) {
    let path = format!("/jobs/{id}");
    assert_eq!(problem(&house.get(&path).expect(404)), "not-found");
    house.ask("HEAD", &path, &[], None).expect(404);
    assert_eq!(problem(&delete(house, id).expect(404)), "not-found");
}

/// How many jobs the minutes count.
fn counted(house: &House) -> u64 {
    let hour = Duration::from_secs(3_600);
    let now = house.engine.now();
    let minutes = house.storage.minutes(now - hour, now + hour);
    minutes.expect("an answer").iter().map(|m| m.jobs).sum()
}

#[test]
fn an_ended_job_goes_from_the_outbox_and_from_storage() {
    let house = House::open();
    let fresh = ended(&house);
    let answer = delete(&house, fresh).expect(204);
    assert!(answer.body.is_empty() && answer.header("content-length").is_none());
    is_gone(&house, fresh);
    house.record();
    is_gone(&house, fresh);
    let stored = ended(&house);
    house.record();
    delete(&house, stored).expect(204);
    is_gone(&house, stored);
    assert_eq!(
        counted(&house),
        2,
        "the history of minutes stays, and is whole"
    );
    let outbox = house.engine.totals().expect("an answer");
    assert!(outbox.contains(&("outbox".to_owned(), 0)), "{outbox:?}");
}

#[test]
fn a_job_that_lives_is_not_deleted() {
    let house = House::open();
    let id = house.accepted(NOOP);
    let refused = delete(&house, id).expect(409);
    assert_eq!(problem(&refused), "conflict");
    assert!(
        refused.text().contains("it is queued"),
        "{}",
        refused.text()
    );
    let lease = house.take();
    assert!(
        delete(&house, id)
            .expect(409)
            .text()
            .contains("it is running")
    );
    house.end(lease, "1");
    delete(&house, id).expect(204);
    house.ask("DELETE", "/jobs/x", &[], None).expect(404);
    house.ask("DELETE", "/jobs", &[], None).expect(405);
}

/// A recorder that has claimed the job stores it after it was deleted, as a slow one would.
#[test]
fn a_recorder_that_holds_a_deleted_job_does_not_bring_it_back() {
    let house = House::open();
    let (deleted, kept) = (ended(&house), ended(&house));
    let claimed = house.engine.collect(10).expect("an answer");
    assert_eq!(claimed.len(), 2);
    delete(&house, deleted).expect(204);
    house.storage.store(&claimed).expect("an answer");
    let ids: Vec<JobId> = claimed.iter().map(|record| record.job.id).collect();
    house.engine.stored(&ids).expect("an answer");
    is_gone(&house, deleted);
    house.get(&format!("/jobs/{kept}")).expect(200);
    assert_eq!(counted(&house), 2);
}

#[test]
fn a_deleted_retry_makes_room_for_another() {
    let house = House::open();
    let old = ended(&house);
    let retry = || house.post(&format!("/jobs/{old}/retry")).expect(202).json();
    for is_recorded in [false, true] {
        let new = id_of(&retry());
        house.end(house.take(), "1");
        if is_recorded {
            house.record();
        }
        delete(&house, new).expect(204);
        let shown = house.get(&format!("/jobs/{old}")).expect(200).json();
        assert_eq!(shown["retried_as"], Value::Null);
    }
    let last = id_of(&retry());
    // What the last one ran again may go as well; it lives on.
    delete(&house, old).expect(204);
    is_gone(&house, old);
    let shown = house.get(&format!("/jobs/{last}")).expect(200).json();
    assert_eq!(shown["retry_of"], old.to_string());
}

#[test]
fn deletions_at_once_are_one() {
    let house = House::open();
    let id = ended(&house);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clicks: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| delete(&house, id).status))
            .collect();
        clicks
            .into_iter()
            .map(|click| click.join().expect("no panic"))
            .collect()
    });
    assert!(statuses.contains(&204), "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [204, 404].contains(status)),
        "{statuses:?}"
    );
    is_gone(&house, id);
    assert_eq!(counted(&house), 1);
}

#[test]
fn a_deletion_that_cannot_be_done_whole_can_be_asked_again() {
    let (house, away) = house_without_storage();
    let id = ended(&house);
    set(&away, true);
    assert_eq!(problem(&delete(&house, id).expect(503)), "storage-away");
    house.get(&format!("/jobs/{id}")).expect(200);
    set(&away, false);
    delete(&house, id).expect(204);
    is_gone(&house, id);

    let (house, flaky) = flaky_house();
    let id = ended(&house);
    for lost in [Lost::Request, Lost::Reply] {
        flaky.lose("stored", lost);
        assert_eq!(problem(&delete(&house, id).expect(503)), "outcome-unknown");
        house.get(&format!("/jobs/{id}")).expect(200);
    }
    delete(&house, id).expect(204);
    is_gone(&house, id);
}
