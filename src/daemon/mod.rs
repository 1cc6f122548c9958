//! The daemon: opens the engines, starts every thread in order, and stops them in reverse.
//!
//! A program of your own has one by [`Daemon::start`]; the crate's page leads there step by step.

mod engines;
mod ground;
mod janitor;
mod node;
mod notify;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, never, select};
use thiserror::Error;

use crate::api::Api;
use crate::client::Client;
use crate::config::{Config, Reload};
use crate::handlers::Registry;
use crate::health::{Health, Part};
use crate::recorder::Recorder;
use crate::scheduler::Scheduler;
use crate::terms::Terms;
use crate::threads::{Death, Stop, Watch};
use crate::worker::{Trouble, Worker};

use engines::Engines;
use ground::Ground;
use janitor::Janitor;
use node::{Beat, NodeLock};

pub(crate) use engines::choose_tls;
pub(crate) use notify::Notify;

/// How long a stopping daemon may take beyond WORKERTIMEOUT to answer, settle and record what is under way.
const FLUSH: Duration = Duration::from_secs(2);

/// Why a daemon cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// It is told something that cannot work; only an operator helps (exit code 78).
    #[error("{0}")]
    Configuration(String),
    /// The system refused something, which may be otherwise next time (exit code 1).
    #[error("{what}: {source}")]
    System {
        /// What was refused.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}

/// Why a running daemon must end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Incident {
    /// A thread panicked: the daemon is not whole any more. Stop it and exit 70, to be started anew.
    #[error("the thread {} panicked: {}", .0.thread, .0.panic)]
    Died(Death),
    /// Threads ended without a word. Stop it and exit 70, to be started anew.
    #[error("{0} has ended")]
    Ended(String),
    /// The API cannot serve any more. Stop the daemon and exit 70, to be started anew.
    #[error("{0}")]
    Serving(String),
    /// So many handlers overran that no more threads can be given up. Stop it and exit 70, to be started anew.
    #[error("{0} handlers overran and hold their threads")]
    ThreadsGivenUp(usize),
    /// The queue cannot be used as it is. Stop it and exit 78.
    #[error("{0}")]
    Unfit(String),
}

/// A running daemon.
pub struct Daemon {
    _lock: NodeLock,
    terms: Terms,
    health: Health,
    addr: SocketAddr,
    api: Api,
    scheduler: Scheduler,
    beat: Beat,
    janitor: Janitor,
    worker: Worker,
    recorder: Recorder,
    deaths: Receiver<Death>,
    troubles: Receiver<Trouble>,
    serving: Receiver<String>,
    worker_timeout: Duration,
}

impl Daemon {
    /// Starts a daemon. It serves its API when this returns, also while Redis or PostgreSQL are away: it waits for them,
    /// and `/readyz` names them.
    ///
    /// # Errors
    ///
    /// [`StartError`]: say it and end the process. Where it is the system that refuses a thread, those started before run
    /// on until then.
    pub fn start(config: Config, registry: Registry) -> Result<Self, StartError> {
        choose_tls();
        // What can be refused comes first: a refused start leaves no trace.
        let terms = Terms::new(config, registry).map_err(StartError::Configuration)?;
        let present = terms.present();
        let config = &present.config;
        let listener = TcpListener::bind(config.api_addr).map_err(StartError::system(format!(
            "cannot listen on {} (APIADDR)",
            config.api_addr
        )))?;
        let addr = listener
            .local_addr()
            .map_err(StartError::system("cannot tell the address of the API"))?;
        let node = node::name(config, addr);
        let lock = NodeLock::take(config, &node)?;
        let engines = Engines::open(config)?;
        let (watch, deaths) = Watch::new();
        let worker_timeout = config.worker_timeout;
        let ground = Ground::new(terms, node, engines, watch);

        // Receivers start before senders: what ends finds the recorder, what is submitted finds workers.
        let (trouble, troubles) = bounded(8);
        let recorder = ground.recorder()?;
        let api = ground.api(listener)?;
        let worker = ground.worker(&api, &recorder, trouble)?;
        let scheduler = ground.scheduler()?;
        let beat = ground.beat(&worker)?;
        let janitor = ground.janitor()?;
        let serving = api.trouble();
        Ok(Self {
            _lock: lock,
            terms: ground.terms,
            health: ground.health,
            addr,
            api,
            scheduler,
            beat,
            janitor,
            worker,
            recorder,
            deaths,
            troubles,
            serving,
            worker_timeout,
        })
    }

    /// Where the API listens; tells the port when APIADDR said 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the daemon misses at present.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Submits jobs and asks for them without HTTP. Of use for as long as the daemon runs.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.api.inside())
    }

    /// Takes no more jobs until [`Daemon::resume`]. Running ones go on, what was taken and has not started goes back to its
    /// line, and submissions are accepted as ever.
    pub fn quiet(&self) {
        if self.worker.set_quiet(true) {
            self.health.missing(
                Part::Work,
                "it was told to be quiet: it takes no more jobs until it is told to resume",
            );
            self.beat.now();
            log::info!(
                "quiet: no more jobs are taken until it is told to resume; those that run go on"
            );
        }
    }

    /// Takes jobs again after [`Daemon::quiet`].
    pub fn resume(&self) {
        if self.worker.set_quiet(false) {
            self.health.fine(Part::Work);
            self.beat.now();
            log::info!("resumed: jobs are taken again");
        }
    }

    /// Lets `new` hold from here on, as far as that can be done without a restart, and logs what changes and what does not.
    /// What runs ends on the terms on which it began.
    ///
    /// # Errors
    ///
    /// What is wrong with `new`. Everything stays as it is.
    pub fn reload(&self, new: &Config) -> Result<Reload, String> {
        let reload = self.terms.reload(new)?;
        self.beat.now();
        for change in &reload.changed {
            log::info!("reloaded: {change}");
        }
        for change in &reload.needs_restart {
            log::warn!("changes only when the daemon is started again: {change}");
        }
        if reload.changed.is_empty() {
            log::info!("reloaded: nothing has changed");
        }
        Ok(reload)
    }

    /// Waits until `stop` is given. Whoever holds a clone of it, such as what catches your program's signals, can give it.
    ///
    /// # Errors
    ///
    /// [`Incident`]: something has happened that the daemon must not outlive. [`Daemon::stop`] it in either case.
    pub fn wait(&self, stop: &Stop) -> Result<(), Incident> {
        // A stop is a flag and incidents come by channel: a short look at both.
        while !stop.is_stopped() {
            if let Some(incident) = self.wait_or(&never(), Duration::from_millis(50)) {
                return Err(incident);
            }
        }
        Ok(())
    }

    /// Waits until something happens that the daemon must not outlive; `None` if `bell` rings or `timeout` is over before.
    pub(crate) fn wait_or(&self, bell: &Receiver<()>, timeout: Duration) -> Option<Incident> {
        // Threads of a running daemon hold the other ends, so an end without a word is the end of such a thread.
        let ended = |what: &str| Some(Incident::Ended(what.to_owned()));
        select! {
            recv(self.deaths) -> death => death.map_or_else(|_| ended("every thread"), |death| Some(Incident::Died(death))),
            recv(self.troubles) -> trouble => match trouble {
                Ok(Trouble::ThreadsGivenUp(n)) => Some(Incident::ThreadsGivenUp(n)),
                Ok(Trouble::Unfit(reason)) => Some(Incident::Unfit(reason)),
                Err(_) => ended("the poller"),
            },
            recv(self.serving) -> line => line.map_or_else(|_| ended("the API"), |line| Some(Incident::Serving(line))),
            recv(bell) -> _ => None,
            default(timeout) => None,
        }
    }

    /// Stops: answers what is being asked, takes nothing more, lets running jobs finish for WORKERTIMEOUT, gives the rest
    /// back uncounted, records what has ended. Tells how many jobs were cut off and are back in the queue.
    pub fn stop(self) -> usize {
        // Senders stop before receivers: nothing may enter a channel that nobody reads.
        let deadline = Instant::now() + self.worker_timeout;
        self.janitor.stop();
        self.beat.stop();
        self.api.stop(Instant::now() + FLUSH);
        self.scheduler
            .stop(Instant::now() + Duration::from_millis(500));
        let cut = self
            .worker
            .drain(deadline.saturating_duration_since(Instant::now()), FLUSH);
        if !self.recorder.stop(FLUSH) {
            log::info!(
                "some records are still in the outbox; the next daemon brings them to storage"
            );
        }
        cut
    }
}
