//! A program that has the daemon in itself: types of its own, submitted and asked for without HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use windlass::client::{Client, NoOutput, SubmitError, WaitError};
use windlass::config::{Backend, Config, Secret};
use windlass::daemon::Daemon;
use windlass::handlers::{Context, Failure, Handler, Registry, Wrong};
use windlass::health::Part;
use windlass::job::{Found, NewJob, State};
use windlass::threads::{Stop, spawn};

use crate::support::children;
use crate::support::wait::{PATIENCE, wait_until};

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Division {
    dividend: i64,
    divisor: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Quotient {
    quotient: i64,
}

/// Divides, once it may.
#[derive(Clone, Default)]
struct Divide(Stop);

impl Handler for Divide {
    const TYPE: &'static str = "divide";
    type Payload = Division;
    type Output = Quotient;

    fn check(&self, payload: &Division) -> Result<(), Vec<Wrong>> {
        if payload.divisor < 0 {
            return Err(vec![Wrong::new("/divisor", "must not be negative")]);
        }
        Ok(())
    }

    fn run(&self, division: Division, context: &Context) -> Result<Quotient, Failure> {
        while !self.0.wait(Duration::from_millis(5)) {
            if context.cancelled() {
                return Err(Failure::cancelled());
            }
        }
        context.log("dividing");
        let quotient = division.dividend.checked_div(division.divisor);
        let quotient = quotient.ok_or_else(|| Failure::permanent("there is no such quotient"))?;
        Ok(Quotient { quotient })
    }
}

/// A daemon in this process.
struct House {
    daemon: Daemon,
    client: Client,
    /// Lets its handler divide.
    go: Stop,
    _home: TempDir,
}

impl House {
    fn open() -> Self {
        let house = Self::closed();
        house.go.stop();
        house
    }

    /// One whose handler waits.
    fn closed() -> Self {
        let home = children::folder("library");
        Self::with(home, |folder| Config::embedded(folder))
    }

    fn with(home: TempDir, config: impl FnOnce(&std::path::Path) -> Config) -> Self {
        let config = Config {
            api_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            node: Some("library".to_owned()),
            ..config(home.path())
        };
        let handler = Divide::default();
        let go = handler.0.clone();
        let mut registry = Registry::new();
        registry.add(handler);
        let daemon = Daemon::start(config, registry).expect("it starts");
        Self {
            client: daemon.client(),
            daemon,
            go,
            _home: home,
        }
    }
}

fn division(dividend: i64, divisor: i64) -> NewJob<Quotient> {
    Divide::job(&Division { dividend, divisor })
}

#[test]
fn what_goes_in_typed_comes_out_typed() {
    let house = House::open();
    let job = house
        .client
        .submit(division(42, 6).tag("a").queue("default"));
    let job = job.expect("accepted");
    assert!(job.is_new());
    let ended = job.wait(PATIENCE).expect("it ends");
    assert_eq!(ended.output().expect("an output"), Quotient { quotient: 7 });
    let record = ended.record();
    assert_eq!(
        (record.attempt, record.job.tags.as_slice()),
        (1, &["a".to_owned()][..])
    );
    assert_eq!(record.attempts[0].log, ["dividing"]);
    // Whoever has the id only learns the same.
    let again = house.client.job::<Quotient>(job.id());
    assert_eq!(
        again
            .wait(Duration::ZERO)
            .expect("ended")
            .output()
            .expect("an output")
            .quotient,
        7
    );
    let found = house.client.find(job.id()).expect("an answer");
    assert_eq!(found.map(|found| found.state()), Some(State::Succeeded));
    assert_eq!(house.daemon.stop(), 0);
}

#[test]
fn a_job_that_fails_tells_why() {
    let house = House::open();
    let job = house.client.submit(division(1, 0)).expect("accepted");
    let ended = job.wait(PATIENCE).expect("it ends");
    assert!(!ended.has_succeeded());
    let none = ended.output().expect_err("no output");
    assert_eq!(
        none.to_string(),
        "the job is dead: there is no such quotient"
    );
    let other = house.client.submit(division(4, 2)).expect("accepted");
    other.wait(PATIENCE).expect("it ends");
    let misread = house.client.job::<String>(other.id()).wait(Duration::ZERO);
    let misread = misread
        .expect("it has ended")
        .output()
        .expect_err("no text");
    assert!(matches!(misread, NoOutput::Other(_)), "{misread}");
}

#[test]
fn every_wrong_field_is_told_and_nothing_is_accepted() {
    let house = House::open();
    let wrongs = |result: Result<_, SubmitError>| -> Vec<String> {
        match result {
            Err(SubmitError::Wrong(wrongs)) => wrongs.into_iter().map(|w| w.pointer).collect(),
            Err(other) => panic!("{other}"),
            Ok(()) => panic!("accepted"),
        }
    };
    let one = |job: NewJob<Quotient>| wrongs(house.client.submit(job).map(drop));
    assert_eq!(one(division(1, -1)), ["/payload/divisor"]);
    assert_eq!(
        one(division(1, 1).queue("no name").max_retries(5_000)),
        ["/queue", "/max_retries"]
    );
    assert_eq!(one(NewJob::of_type("divide", &"x")), ["/payload"]);
    assert_eq!(one(NewJob::of_type("divid", &())), ["/type"]);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(200 * 365 * 24 * 3600);
    assert_eq!(one(division(1, 1).run_at(far)), ["/run_at"]);
    let all = [
        division(1, 1),
        division(1, -1),
        division(2, 1).timeout(Duration::ZERO),
    ];
    assert_eq!(
        wrongs(house.client.submit_all(all).map(drop)),
        ["/1/payload/divisor", "/2/timeout"]
    );
    let job = house.client.submit(division(9, 3)).expect("accepted");
    job.wait(PATIENCE).expect("it ends");
    let err = house.client.submit(division(1, -1)).expect_err("refused");
    assert_eq!(err.to_string(), "/payload/divisor: must not be negative");
    assert!(
        house
            .client
            .submit_all(Vec::<NewJob<Quotient>>::new())
            .expect("none")
            .is_empty()
    );
}

#[test]
fn many_are_accepted_in_order() {
    let house = House::open();
    let jobs = house.client.submit_all((0..1_000).map(|n| division(n, 1)));
    let jobs = jobs.expect("accepted");
    assert!(jobs.is_sorted_by_key(windlass::client::JobHandle::id));
    for (n, job) in (0..).zip(&jobs) {
        let ended = job.wait(PATIENCE).expect("it ends");
        assert_eq!(ended.output().expect("an output").quotient, n);
    }
    let too_many = house.client.submit_all((0..1_001).map(|n| division(n, 1)));
    let err = too_many.expect_err("more than SUBMITMAX").to_string();
    assert!(err.contains("SUBMITMAX"), "{err}");
}

#[test]
fn a_unique_key_and_a_delay_hold_here_too() {
    let house = House::closed();
    let first = house
        .client
        .submit(division(1, 1).unique("k"))
        .expect("accepted");
    let second = house
        .client
        .submit(division(2, 1).unique("k"))
        .expect("accepted");
    assert_eq!((first.id(), false), (second.id(), second.is_new()));
    let hour = Duration::from_secs(3600);
    let later = house
        .client
        .submit(division(3, 1).delay(hour))
        .expect("accepted");
    match later.wait(Duration::from_millis(20)).expect_err("it lives") {
        WaitError::Lives(live) => assert_eq!(live.state, State::Scheduled),
        other => panic!("{other}"),
    }
    let ended = later.cancel().expect("an answer").expect("the job");
    assert_eq!(ended.state(), State::Cancelled);
    let unknown = house.client.job::<Quotient>(later.id().nth(1));
    assert!(matches!(
        unknown.wait(Duration::ZERO),
        Err(WaitError::Unknown)
    ));
    house.go.stop();
    assert_eq!(
        first
            .wait(PATIENCE)
            .expect("it ends")
            .output()
            .expect("an output")
            .quotient,
        1
    );
}

#[test]
fn a_running_job_is_called_off() {
    let house = House::closed();
    let job = house.client.submit(division(1, 1)).expect("accepted");
    wait_until("it runs", PATIENCE, || {
        match job.find().expect("an answer") {
            Some(Found::Live(live)) if live.state == State::Running => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    job.cancel().expect("an answer");
    let ended = job.wait(PATIENCE).expect("it ends");
    assert_eq!(ended.record().state, State::Cancelled);
}

/// A waiting thread is answered when the daemon stops, and who asks afterwards is told.
#[test]
fn a_stop_leaves_nobody_waiting() {
    let house = House::closed();
    let job = Arc::new(house.client.submit(division(1, 1)).expect("accepted"));
    let waits = Arc::clone(&job);
    let began = Instant::now();
    let thread = spawn("waits", move || waits.wait(Duration::MAX).map(drop)).expect("a thread");
    wait_until("it runs", PATIENCE, || {
        let found = job.find().expect("an answer").expect("the job");
        (found.state() == State::Running)
            .then_some(())
            .ok_or("it does not")
    });
    house.go.stop();
    house.daemon.stop();
    let told = thread.join().expect("no panic");
    assert!(
        matches!(told, Ok(()) | Err(WaitError::Lives(_) | WaitError::Away(_))),
        "{told:?}"
    );
    assert!(began.elapsed() < PATIENCE);
    match house.client.submit(division(1, 1)).map(drop) {
        Err(SubmitError::Unavailable(why)) => assert!(why.contains("stopping"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue_that_is_away_is_told_at_once_and_nothing_is_accepted() {
    let home = children::folder("library");
    let house = House::with(home, |folder| Config {
        backend: Backend::Redis,
        redis_addr: Secret::new(format!("unix://{}", folder.join("no.sock").display())),
        ..Config::embedded(folder)
    });
    let missing = house.daemon.health().all_missing();
    assert!(missing.iter().any(|(part, _)| *part == Part::Queue));
    match house.client.submit(division(1, 1)).map(drop) {
        Err(SubmitError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
    assert!(house.client.find(some_id()).is_err());
}

fn some_id() -> windlass::job::JobId {
    windlass::job::JobId::mint(windlass::job::Timestamp::from_micros(1), 1)
}

#[test]
fn a_daemon_waits_for_the_word_of_its_program() {
    let house = House::open();
    let stop = Stop::new();
    let told = stop.clone();
    spawn("tells", move || told.stop()).expect("a thread");
    assert_eq!(house.daemon.wait(&stop), Ok(()));
    assert_eq!(house.daemon.stop(), 0);
}
