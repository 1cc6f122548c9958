//! The queue or storage away: each answer says what is known, and no job is lost or doubled.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use windlass::health::Part;
use windlass::job::{JobId, Record, Timestamp};
use windlass::queue::Engine;
use windlass::storage::{Filter, Minute, Page, Storage, StorageError, Stored};

use super::{House, Plan, id_of, problem};
use crate::support::flaky::{Flaky, Lost};

const NOOP: &str = r#"{"type":"noop"}"#;

/// A house whose API hears its engine over a line that loses what the test says.
pub fn flaky_house() -> (House, Arc<Flaky>) {
    let kept: Arc<OnceLock<Arc<Flaky>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let house = House::planned(Plan {
        engine: Some(Box::new(move |engine| {
            let flaky = Arc::new(Flaky::new(engine));
            keep.get_or_init(|| Arc::clone(&flaky));
            flaky as Arc<dyn Engine>
        })),
        ..Plan::default()
    });
    let flaky = Arc::clone(kept.get().expect("it was opened"));
    (house, flaky)
}

/// Loses the next calls of this name, more than are made in any test.
pub fn lose_all(flaky: &Flaky, call: &'static str, what: Lost) {
    (0..1_000).for_each(|_| flaky.lose(call, what));
}

#[test]
fn a_lost_reply_is_asked_for_again_and_doubles_nothing() {
    let (house, flaky) = flaky_house();
    for lost in [Lost::Reply, Lost::Request, Lost::Reply] {
        flaky.lose("enqueue", lost);
    }
    house.submit(NOOP).expect(202);
    assert_eq!(house.waiting(), 1);
    flaky.lose("enqueue", Lost::Reply);
    house.submit(&format!("[{NOOP},{NOOP}]")).expect(202);
    assert_eq!(house.waiting(), 3);
}

#[test]
fn an_end_that_stays_unknown_is_said_to_be_unknown() {
    let (house, flaky) = flaky_house();
    flaky.lose("enqueue", Lost::Reply);
    lose_all(&flaky, "enqueue", Lost::Request);
    let began = Instant::now();
    let answer = house.submit(&format!("[{NOOP},{NOOP}]")).expect(503);
    let took = began.elapsed().as_secs_f64();
    assert!((4.0..9.0).contains(&took), "asked for {took} s");
    assert_eq!(problem(&answer), "outcome-unknown");
    assert!(answer.header("retry-after").is_some());
    let json = answer.json();
    let ids = json["ids"].as_array().expect("ids");
    assert_eq!(ids.len(), 2);
    // In truth they were enqueued, as the sender finds out by asking.
    for id in ids {
        let id = id.as_str().expect("an id");
        house.get(&format!("/jobs/{id}")).expect(200);
    }
    assert_eq!(house.waiting(), 2);
}

/// With a key, the sender may repeat after an unknown end, and gets the ids of the first time.
#[test]
fn a_repeat_with_a_key_after_an_unknown_end_is_safe() {
    let (mut house, flaky) = flaky_house();
    let key = [("Idempotency-Key", "k")];
    flaky.lose("enqueue", Lost::Reply);
    (0..20).for_each(|_| flaky.lose("enqueue", Lost::Request));
    let unknown = house.submit_with(NOOP, &key).expect(503).json();
    let again = loop {
        let answer = house.submit_with(NOOP, &key);
        if answer.status != 503 {
            break answer;
        }
    };
    assert_eq!(again.expect(200).json()["id"], unknown["ids"][0]);
    assert_eq!(house.waiting(), 1);
    house.stop(Duration::from_secs(5));
}

#[test]
fn a_full_queue_refuses_unless_it_may_have_accepted_before() {
    let (house, flaky) = flaky_house();
    flaky.lose("enqueue", Lost::Room);
    let full = house.submit(NOOP).expect(503);
    assert_eq!(problem(&full), "queue-full");
    assert!(full.header("retry-after").is_some());
    assert_eq!(house.waiting(), 0);
    for lost in [Lost::Reply, Lost::Room] {
        flaky.lose("enqueue", lost);
    }
    house.submit(NOOP).expect(202);
    assert_eq!(house.waiting(), 1);
}

#[test]
fn a_queue_that_is_known_to_be_away_refuses_at_once() {
    let (house, flaky) = flaky_house();
    house.health.missing(Part::Queue, "connection refused");
    flaky.lose("check", Lost::Request);
    let began = Instant::now();
    let away = house.submit(NOOP).expect(503);
    assert_eq!(problem(&away), "queue-away");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(house.waiting(), 0);
    // It has come back, which the board does not know yet.
    house.submit(NOOP).expect(202);
}

#[test]
fn lines_whose_end_is_unknown_say_so_each() {
    let (house, flaky) = flaky_house();
    lose_all(&flaky, "enqueue", Lost::Request);
    lose_all(&flaky, "check", Lost::Request);
    let lines = [("Content-Type", "application/x-ndjson")];
    let body = vec![NOOP; 1_500].join("\n");
    let answer = house.ask("POST", "/submit", &lines, Some(body.as_bytes()));
    let text = answer.expect(200).text();
    let found: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(found.len(), 1_500);
    let error = &found[0]["error"];
    assert_eq!(error["type"], "urn:windlass:outcome-unknown");
    assert_eq!(error["ids"].as_array().map(Vec::len), Some(1));
    assert_eq!(found[1_499]["error"]["type"], "urn:windlass:queue-away");
}

#[test]
fn a_daemon_that_stops_before_the_queue_answers_says_that_the_end_is_unknown() {
    let (mut house, flaky) = flaky_house();
    lose_all(&flaky, "enqueue", Lost::Request);
    let mut line = house.connect();
    let length = format!("Content-Length: {}", NOOP.len());
    let headers = ["Content-Type: application/json", &length];
    line.send("POST /submit", &headers, NOOP);
    // Answered in turn, so the submission has been taken when this one is.
    house.get("/healthz").expect(200);
    let took = house.stop(Duration::from_secs(4));
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(problem(&line.read().expect(503)), "outcome-unknown");
}

#[test]
fn reads_say_503_rather_than_404_while_somebody_cannot_be_asked() {
    let (house, flaky) = flaky_house();
    let live = house.accepted(NOOP);
    let ended = house.accepted(NOOP);
    house.end(house.take(), "1");
    house.end(house.take(), "2");
    house.record();
    let waiting = house.accepted(NOOP);
    let get = |id: JobId| {
        flaky.lose("find", Lost::Request);
        house.get(&format!("/jobs/{id}"))
    };
    // Ended is final, so storage alone may answer.
    get(live).expect(200);
    get(ended).expect(200);
    assert_eq!(problem(&get(waiting).expect(503)), "queue-away");
    let unknown = JobId::mint(Timestamp::from_micros(1), 1);
    assert_eq!(problem(&get(unknown).expect(503)), "queue-away");
    flaky.lose("cancel", Lost::Request);
    let cancel = house.post(&format!("/jobs/{waiting}/cancel")).expect(503);
    assert_eq!(problem(&cancel), "outcome-unknown");
}

/// A store that is away whenever the test says so, which is asked before every call.
pub struct Away(pub Arc<dyn Storage>, pub IsAway);

/// What says so.
pub type IsAway = Box<dyn Fn() -> bool + Send + Sync>;

impl Away {
    fn pass<T>(&self, run: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
        if (self.1)() {
            return Err(StorageError::Unavailable {
                call: "any",
                reason: "away".to_owned(),
            });
        }
        run()
    }
}

impl Storage for Away {
    fn check(&self) -> Result<(), StorageError> {
        self.pass(|| self.0.check())
    }

    fn store(&self, records: &[Record]) -> Result<Vec<Stored>, StorageError> {
        self.pass(|| self.0.store(records))
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Record>>, StorageError> {
        self.pass(|| self.0.find(ids))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, StorageError> {
        self.pass(|| self.0.retried(ids))
    }

    fn delete(&self, id: JobId) -> Result<bool, StorageError> {
        self.pass(|| self.0.delete(id))
    }

    fn page(
        &self,
        filter: &Filter,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        self.pass(|| self.0.page(filter, after, limit))
    }

    fn minutes(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Minute>, StorageError> {
        self.pass(|| self.0.minutes(since, until))
    }

    fn retain(&self, now: Timestamp, history: Duration) -> Result<usize, StorageError> {
        self.pass(|| self.0.retain(now, history))
    }
}

/// A house whose store is away whenever the test says so.
pub fn house_without_storage() -> (House, Arc<Mutex<bool>>) {
    let away = Arc::new(Mutex::new(false));
    let told = Arc::clone(&away);
    let house = House::planned(Plan {
        storage: Some(Box::new(move |storage| {
            Arc::new(Away(
                storage,
                Box::new(move || *told.lock().expect("no test panics in here")),
            ))
        })),
        ..Plan::default()
    });
    (house, away)
}

/// Says whether the store is away.
pub fn set(away: &Mutex<bool>, is_away: bool) {
    *away.lock().expect("no test panics in here") = is_away;
}

#[test]
fn without_storage_live_jobs_are_shown_and_others_may_be_there() {
    let (house, away) = house_without_storage();
    let key = [("Idempotency-Key", "k")];
    let first = house.submit_with(NOOP, &key).expect(202).json();
    let path = format!("/jobs/{}", id_of(&first));
    house.end(house.take(), "1");
    house.record();
    let live = house.accepted(NOOP);
    set(&away, true);
    house.get(&format!("/jobs/{live}")).expect(200);
    let refused = house.get(&path).expect(503);
    assert_eq!(problem(&refused), "storage-away");
    // The ids of a repeat are known all the same.
    let again = house.submit_with(NOOP, &key).expect(200).json();
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["state"], serde_json::Value::Null);
    set(&away, false);
    house.get(&path).expect(200);
}
