//! What every thread of a daemon stands on, and how each is started from it.

use std::net::TcpListener;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::StartError;
use super::engines::Engines;
use super::janitor::Janitor;
use super::node::{self, Beat};
use crate::api::{Api, Services};
use crate::health::{Health, Part};
use crate::queue::Engine;
use crate::recorder::{self, Recorder};
use crate::scheduler::{self, Scheduler};
use crate::terms::Terms;
use crate::threads::Watch;
use crate::worker::{self, Trouble, Worker};

/// What every thread of a daemon stands on.
pub struct Ground {
    pub terms: Terms,
    pub node: String,
    pub engines: Engines,
    pub health: Health,
    pub watch: Watch,
}

impl Ground {
    /// The ground of a daemon that has reached nothing yet.
    pub fn new(terms: Terms, node: String, engines: Engines, watch: Watch) -> Self {
        let health = Health::new();
        health.missing(Part::Queue, "it has not been reached yet");
        health.missing(Part::Storage, "it has not been reached yet");
        Self {
            terms,
            node,
            engines,
            health,
            watch,
        }
    }

    pub fn recorder(&self) -> Result<Recorder, StartError> {
        Recorder::start(recorder::Parts {
            queue: Arc::<dyn Engine>::clone(&self.engines.queue),
            storage: Arc::clone(&self.engines.storage),
            health: self.health.clone(),
            watch: self.watch.clone(),
        })
        .map_err(StartError::system("cannot start the recorder"))
    }

    pub fn api(&self, listener: TcpListener) -> Result<Api, StartError> {
        let services = Services {
            queue: Arc::clone(&self.engines.queue),
            storage: Some(Arc::clone(&self.engines.storage)),
            terms: self.terms.clone(),
            node: self.node.clone(),
            health: self.health.clone(),
        };
        Api::start(services, listener).map_err(StartError::system("cannot start the API"))
    }

    /// Starts the worker; what it settles wakes those who wait for it, in the API and in the recorder.
    pub fn worker(
        &self,
        api: &Api,
        recorder: &Recorder,
        troubles: Sender<Trouble>,
    ) -> Result<Worker, StartError> {
        let (waiters, wake_recorder) = (api.waiters(), recorder.waker());
        let queue = &self.engines.queue;
        Worker::start(worker::Parts {
            queue: Arc::<dyn Engine>::clone(queue),
            terms: self.terms.clone(),
            node: self.node.clone(),
            health: self.health.clone(),
            watch: self.watch.clone(),
            prepare: node::prepare(
                Arc::clone(queue),
                self.node.clone(),
                self.terms.present().config.max_crashes,
            ),
            settled: Arc::new(move |jobs| {
                waiters.ended(jobs);
                wake_recorder();
            }),
            troubles,
        })
        .map_err(StartError::system("cannot start the workers"))
    }

    pub fn scheduler(&self) -> Result<Scheduler, StartError> {
        Scheduler::start(scheduler::Parts {
            queue: Arc::clone(&self.engines.queue),
            terms: self.terms.clone(),
            node: self.node.clone(),
            period: scheduler::PERIOD,
            watch: self.watch.clone(),
        })
        .map_err(StartError::system("cannot start the scheduler"))
    }

    pub fn beat(&self, worker: &Worker) -> Result<Beat, StartError> {
        Beat::start(node::BeatParts {
            queue: Arc::clone(&self.engines.queue),
            node: self.node.clone(),
            terms: self.terms.clone(),
            status: Box::new(worker.status()),
            watch: self.watch.clone(),
        })
        .map_err(StartError::system("cannot start the node's beat"))
    }

    pub fn janitor(&self) -> Result<Janitor, StartError> {
        let (storage, queue) = (&self.engines.storage, &self.engines.queue);
        Janitor::start(
            Arc::clone(storage),
            Arc::clone(queue),
            self.terms.clone(),
            &self.watch,
        )
        .map_err(StartError::system("cannot start the janitor"))
    }
}
