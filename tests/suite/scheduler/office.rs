//! Where schedulers stand in a test: on the bench's engine, each as a daemon of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass::config::{Config, Schedule};
use windlass::elsewhere::Elsewhere;
use windlass::handlers::Registry;
use windlass::handlers::probe::{Noop, Sleep};
use windlass::job::Timestamp;
use windlass::queue::{Engine, Entry, Node};
use windlass::schedule::cron::{Cron, Rule, TimeZone};
use windlass::schedule::{CatchUp, Definition, Overlap};
use windlass::scheduler::book::{Book, BookError, Shown};
use windlass::scheduler::{Parts, Scheduler};
use windlass::terms::Terms;
use windlass::threads::Watch;

use crate::support::bench::{Bench, json};
use crate::support::wait::{PATIENCE, wait_until};

/// How often the schedulers of a test look.
const PERIOD: Duration = Duration::from_millis(2);

/// A daemon, as far as schedules go.
pub struct Daemon {
    /// Its settings.
    pub terms: Terms,
    scheduler: Option<Scheduler>,
}

impl Daemon {
    /// A daemon whose file holds these schedules.
    pub fn start(engine: Arc<dyn Engine>, node: &str, schedules: &[Schedule]) -> Self {
        Self::with(engine, node, |config| config.schedules = schedules.to_vec())
    }

    /// A daemon with settings of its own.
    pub fn with(engine: Arc<dyn Engine>, node: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let terms = Terms::new(config, registry()).expect("settings in order");
        let parts = Parts {
            queue: engine,
            terms: terms.clone(),
            node: node.to_owned(),
            period: PERIOD,
            watch: Watch::new().0,
        };
        let scheduler = Scheduler::start(parts).expect("room for a thread");
        Self {
            terms,
            scheduler: Some(scheduler),
        }
    }

    /// Stops it, its thread included.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.stop(Instant::now() + PATIENCE);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// The types that the daemons of a test run.
fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add(Noop).add(Sleep);
    registry
}

/// A schedule of `noop` jobs in the queue `q`.
pub fn noop(cron: &str) -> Definition {
    Definition {
        rule: Rule {
            cron: Cron::parse(cron).expect("an expression"),
            zone: TimeZone::UTC,
        },
        job: json(r#"{"type": "noop", "queue": "q"}"#),
        catch_up: CatchUp::None,
        overlap: Overlap::Allow,
        enabled: true,
    }
}

/// A schedule of every second that catches up so.
pub fn every_second(catch_up: CatchUp) -> Definition {
    Definition {
        catch_up,
        ..noop("* * * * * *")
    }
}

/// What others do to schedules.
impl Bench {
    /// Opens the book on the terms of a daemon named `node`.
    pub fn with_book<T>(&self, config: Config, run: impl FnOnce(&Book<'_>) -> T) -> T {
        let terms = Terms::new(config, registry()).expect("settings in order");
        let engine = self.engine();
        run(&Book {
            queue: &*engine,
            present: &terms.present(),
            elsewhere: &Elsewhere::new(Arc::clone(&engine), "the-api"),
        })
    }

    /// Puts a schedule as the API does; tells whether it is new.
    #[track_caller]
    pub fn put(&self, name: &str, definition: &Definition) -> bool {
        self.with_book(Config::default(), |book| book.put(name, definition))
            .expect("it can be put")
    }

    /// Enables a schedule or not.
    #[track_caller]
    pub fn enable(&self, name: &str, enabled: bool) {
        self.with_book(Config::default(), |book| book.enable(name, enabled))
            .expect("it can be enabled");
    }

    /// A schedule as it stands.
    pub fn schedule(&self, name: &str) -> Result<Shown, BookError> {
        self.with_book(Config::default(), |book| book.get(name))
    }

    /// An entry that must be there.
    #[track_caller]
    pub fn entry(&self, name: &str) -> Entry {
        let entry = self.engine().entry(name).expect("an answer");
        entry.unwrap_or_else(|| panic!("there is no entry {name}"))
    }

    /// Waits until all ticks of an entry up to this instant were dealt with.
    #[track_caller]
    pub fn await_done(&self, name: &str, tick: Timestamp) {
        let what = format!("{name} is dealt with up to {}", tick.to_rfc3339());
        wait_until(&what, PATIENCE, || match self.entry(name).done {
            done if done >= tick => Ok(()),
            done => Err(done.to_rfc3339()),
        });
    }

    /// Waits until there is an entry of this name, of which `is` holds.
    #[track_caller]
    pub fn await_entry(&self, name: &str, is: impl Fn(&Entry) -> bool) -> Entry {
        wait_until(&format!("{name} is as expected"), PATIENCE, || {
            let entry = self.engine().entry(name).expect("an answer");
            entry
                .clone()
                .filter(&is)
                .ok_or_else(|| format!("{entry:?}"))
        })
    }

    /// The engine's present second.
    pub fn second(&self) -> Timestamp {
        let micros = self.now().as_micros();
        Timestamp::from_micros(micros - micros.rem_euclid(1_000_000))
    }

    /// Says that a daemon lives whose file names these schedules.
    pub fn announce(&self, node: &str, schedules: &[&str]) {
        let node = Node {
            node: node.to_owned(),
            started_at: self.now(),
            seen_at: self.now(),
            threads: 1,
            busy: 0,
            quiet: false,
            queues: Vec::new(),
            types: Vec::new(),
            schedules: schedules.iter().map(|&name| name.to_owned()).collect(),
            running: Vec::new(),
        };
        self.engine().beat(&node).expect("an answer");
    }

    /// How many jobs wait in the queue `q`.
    pub fn made(&self) -> u64 {
        self.numbers("q").0
    }
}
