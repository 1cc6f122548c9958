//! The HTTP API: requests come in on tiny_http, submissions go to the queue in batches, reads are answered from the
//! queue and storage.
//!
//! ```text
//!   tiny_http ─▶ api ×8 ─┬─ answer
//!      │  large body     ├─ submission ─▶ submitter ─enqueue─▶ queue
//!      └─▶ api-aside     │                    └─▶ api-answer ×4 ─ answer
//!                        └─ ?wait ─▶ waiters ─ answer, once the job has ended
//! ```
//!
//! [`routes()`] is the table of what can be asked; `problem` says what is refused and how; `exchange` is one request and
//! its answer, and tells what tiny_http makes necessary.
//!
//! # Not here
//!
//! Nothing is remembered between requests: jobs are in the queue and in storage. The status of an answer is known nowhere
//! else in the house.

mod act;
mod answer;
mod body;
mod catalog;
mod checks;
mod doorway;
mod exchange;
mod inside;
mod list;
mod openapi;
mod origin;
mod problem;
mod queues;
mod read;
mod refusal;
mod routes;
mod schedules;
mod server;
mod stats;
mod submit;
mod submitter;
mod usher;
mod view;
mod waiters;
mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::net::sockopt;
use tiny_http::Server;

use crate::health::Health;
use crate::queue::{Engine, Node, QueueError};
use crate::storage::Storage;
use crate::terms::Terms;
use crate::threads::{Stop, spawn};

use doorway::Doorway;
use exchange::Exchange;
pub(crate) use inside::Inside;
pub(crate) use problem::ApiError;
pub use refusal::Refusal;
pub use routes::{Body, Example, Parameter, Reply, Route, Says, reference_table, routes};
use server::{Alive, Shared};
use submitter::{Submitter, Told};
pub use waiters::Waiters;

/// How many threads take requests. None of them waits for a body, a commit or the end of a job.
const THREADS: usize = 8;

/// How many threads answer submissions. One may have to look up a job that was there before, on a slow storage.
const ANSWERING_THREADS: usize = 4;

/// Memory for bodies that are being read: at least this, or four of BODYMAX.
const BODY_BYTES_MIN: usize = 256 * 1024 * 1024;

/// How long nothing must have come before a stopping API lets go of its listener.
const QUIET: Duration = Duration::from_secs(1);

/// How long a write to a client that does not read may take, for each piece that its connection's buffer holds.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// What the API stands on.
#[derive(Clone)]
pub struct Services {
    /// Where jobs go in and live ones are read.
    pub queue: Arc<dyn Engine>,
    /// Where ended jobs are read, with a deadline on every call; `None`: the queue is all there is.
    pub storage: Option<Arc<dyn Storage>>,
    /// The job types that this daemon knows, and what their payloads must be; bounds and defaults.
    pub terms: Terms,
    /// This daemon's name among its peers.
    pub node: String,
    /// What is missing at present.
    pub health: Health,
}

impl Services {
    /// The daemons that live.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unavailable`]: call again.
    fn live_nodes(&self) -> Result<Vec<Node>, QueueError> {
        // A node beats several times a lease; one that missed two leases is gone.
        self.queue.nodes(self.terms.present().config.lease * 2)
    }
}

/// A running API.
pub struct Api {
    shared: Arc<Shared>,
    server: Arc<Server>,
    addr: SocketAddr,
    trouble: Receiver<String>,
    stages: Stages,
    threads: Vec<JoinHandle<()>>,
}

/// The ends by which the stages of a stop are told apart. Dropping a `quit` tells its threads that nothing more comes;
/// an `ended` is disconnected once they have all ended.
struct Stages {
    takers_ended: Receiver<()>,
    waiters_ended: Receiver<()>,
    followers_quit: Sender<()>,
    followers_ended: Receiver<()>,
    submitter_quit: Sender<()>,
    submitter_stop: Stop,
    submitter_ended: Receiver<()>,
    usher_stop: Stop,
    usher_ended: Receiver<()>,
}

impl Api {
    /// Starts to serve on `listener`, whose socket options it sets.
    ///
    /// # Errors
    ///
    /// The listener cannot be used, or there is no room for another thread: the daemon cannot go on.
    pub fn start(services: Services, listener: TcpListener) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        prepare(&listener)?;
        let services = Arc::new(services);
        let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
        let server = Arc::new(server);
        let (followers_in, followers) = unbounded();
        let config = &services.terms.present().config;
        let memory = BODY_BYTES_MIN.max(config.body_max.saturating_mul(4));
        let doorway = Doorway::new(followers_in, memory);
        let (told_in, told) = bounded(64);
        let (submitter_quit, quit) = bounded(0);
        let submitter_stop = Stop::new();
        let (submitter, desk) =
            Submitter::new(Arc::clone(&services), told_in, submitter_stop.clone(), quit);
        let waiters = Waiters::new(config.wait_max);
        let shared = Arc::new(Shared::new(services, doorway, desk, waiters));
        let (trouble_in, trouble) = bounded(16);
        let mut crew = Crew {
            threads: Vec::new(),
            trouble: trouble_in,
        };
        let submitter_ended = crew.submit(submitter, &told)?;
        let waiters_ended = crew.wait(&shared)?;
        let (followers_quit, followers_ended) = crew.follow(&shared, &followers)?;
        let takers_ended = crew.take(&shared, &server)?;
        let (usher_stop, usher_ended) = crew.usher(&shared, addr)?;
        Ok(Self {
            shared,
            server,
            addr,
            trouble,
            stages: Stages {
                takers_ended,
                waiters_ended,
                followers_quit,
                followers_ended,
                submitter_quit,
                submitter_stop,
                submitter_ended,
                usher_stop,
                usher_ended,
            },
            threads: crew.threads,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The waiting requests, for whoever settles jobs in this daemon to wake.
    #[must_use]
    pub fn waiters(&self) -> Waiters {
        self.shared.waiters.clone()
    }

    /// The door for this process itself.
    #[must_use]
    pub(crate) fn inside(&self) -> Inside {
        Inside::new(Arc::clone(&self.shared))
    }

    /// Where a line arrives when a thread of the API has ended that should not have; the daemon cannot serve any more and
    /// should stop.
    #[must_use]
    pub fn trouble(&self) -> Receiver<String> {
        self.trouble.clone()
    }

    /// Stops taking requests and answers those that were begun, with their result or with 503, at most until `deadline`.
    pub fn stop(self, deadline: Instant) {
        let Stages {
            takers_ended,
            waiters_ended,
            followers_quit,
            followers_ended,
            submitter_quit,
            submitter_stop,
            submitter_ended,
            usher_stop,
            usher_ended,
        } = self.stages;
        // Those who send end before those who receive, so that nothing is sent to nobody. First those who take requests:
        // each ends after all that came before.
        self.shared.set_stopping();
        (0..THREADS).for_each(|_| self.server.unblock());
        let mut in_time = ended_by(&takers_ended, deadline);
        usher_stop.stop();
        in_time &= ended_by(&usher_ended, deadline);
        // Parked requests are answered as they stand; nobody is parked from here on.
        self.shared.waiters.stop();
        in_time &= ended_by(&waiters_ended, deadline);
        // What still reads a body or loads lines needs the submitter.
        in_time &= self.shared.doorway.wait_for_asides(deadline) == 0;
        drop(followers_quit);
        in_time &= ended_by(&followers_ended, deadline);
        // It takes what was handed over, and half of what is left to ask an engine that does not answer.
        drop(submitter_quit);
        let half = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        if !ended_by(&submitter_ended, half) {
            submitter_stop.stop();
            in_time &= ended_by(&submitter_ended, deadline);
        }
        see_off(self.server, Arc::clone(&self.shared.doorway));
        if !in_time {
            log::warn!("some requests were not answered in the time there was to stop");
            return;
        }
        for thread in self.threads {
            // A panic was reported as trouble when it happened.
            thread.join().ok();
        }
    }
}

/// Refuses what still comes in, until nothing has come for [`QUIET`] or the process ends; then lets go of the listener.
///
/// tiny_http answers a bare 500 to whatever is in its line when it is dropped, so it must not be dropped while clients
/// come: the rest of the daemon may need its time to stop.
fn see_off(server: Arc<Server>, doorway: Arc<Doorway>) {
    let refuse = move || {
        while let Ok(Some(request)) = server.recv_timeout(QUIET) {
            Exchange::new(request, Arc::clone(&doorway)).refuse(&problem::ApiError::Stopping);
        }
    };
    if let Err(err) = spawn("api-doorman", refuse) {
        log::warn!("no thread to refuse what comes in while the daemon stops: {err}");
    }
}

/// Waits for the end of all threads of a stage; tells whether they ended in time.
fn ended_by(ended: &Receiver<()>, deadline: Instant) -> bool {
    use crossbeam_channel::RecvTimeoutError::Disconnected;
    ended.recv_deadline(deadline) == Err(Disconnected)
}

/// Sets what every accepted connection inherits: no Nagle (answers of more than one segment would wait 40 ms), keep-alive
/// against peers that are gone, and a bound on writes. No bound on reads: it would end tiny_http's accept loop.
fn prepare(listener: &TcpListener) -> io::Result<()> {
    sockopt::set_tcp_nodelay(listener, true)?;
    sockopt::set_socket_keepalive(listener, true)?;
    sockopt::set_tcp_keepidle(listener, Duration::from_secs(60))?;
    sockopt::set_socket_timeout(listener, sockopt::Timeout::Send, Some(WRITE_TIME))?;
    Ok(())
}

/// Starts the threads.
struct Crew {
    threads: Vec<JoinHandle<()>>,
    trouble: Sender<String>,
}

impl Crew {
    fn submit(
        &mut self,
        submitter: Submitter,
        told: &Receiver<Vec<Told>>,
    ) -> io::Result<Receiver<()>> {
        let (alive, ended) = bounded(0);
        self.spawn("submitter", alive.clone(), move || {
            submitter.run();
            Ok(())
        })?;
        for n in 1..=ANSWERING_THREADS {
            let told = told.clone();
            self.spawn(&format!("api-answer-{n}"), alive.clone(), move || {
                server::answer_submissions(&told);
                Ok(())
            })?;
        }
        Ok(ended)
    }

    fn wait(&mut self, shared: &Arc<Shared>) -> io::Result<Receiver<()>> {
        let (alive, ended) = bounded(0);
        let shared = Arc::clone(shared);
        self.spawn("waiters", alive, move || {
            shared.waiters.run(&shared.services);
            Ok(())
        })?;
        Ok(ended)
    }

    fn follow(
        &mut self,
        shared: &Arc<Shared>,
        followers: &Receiver<Exchange>,
    ) -> io::Result<(Sender<()>, Receiver<()>)> {
        let (alive, ended) = bounded(0);
        let (quit_in, quit) = bounded(0);
        let (shared, followers) = (Arc::clone(shared), followers.clone());
        self.spawn("api-follow", alive, move || {
            server::take_followers(&shared, &followers, &quit);
            Ok(())
        })?;
        Ok((quit_in, ended))
    }

    fn usher(
        &mut self,
        shared: &Arc<Shared>,
        addr: SocketAddr,
    ) -> io::Result<(Stop, Receiver<()>)> {
        let (alive, ended) = bounded(0);
        let stop = Stop::new();
        let (shared, told) = (Arc::clone(shared), stop.clone());
        self.spawn("api-usher", alive, move || {
            usher::usher(addr, &shared.arrived, &told);
            Ok(())
        })?;
        Ok((stop, ended))
    }

    fn take(&mut self, shared: &Arc<Shared>, server: &Arc<Server>) -> io::Result<Receiver<()>> {
        let (alive, ended) = bounded(0);
        let turn = Arc::new(Mutex::new(Arc::clone(server)));
        for n in 1..=THREADS {
            let (shared, server) = (Arc::clone(shared), Arc::clone(&turn));
            self.spawn(&format!("api-{n}"), alive.clone(), move || {
                server::take_requests(&shared, &server)
            })?;
        }
        Ok(ended)
    }

    /// Starts a thread that holds `alive` while it runs. An error or a panic of it is trouble.
    fn spawn(
        &mut self,
        name: &str,
        alive: Alive,
        run: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> io::Result<()> {
        let trouble = self.trouble.clone();
        let thread = {
            let name = name.to_owned();
            move || {
                let run = std::panic::AssertUnwindSafe(run);
                let reason = match std::panic::catch_unwind(run) {
                    Ok(Ok(())) => None,
                    Ok(Err(reason)) => Some(reason),
                    Err(_) => Some(format!("the thread {name} panicked")),
                };
                if let Some(reason) = reason {
                    // With sixteen lines waiting, nobody needs another.
                    trouble.try_send(reason).ok();
                }
                drop(alive);
            }
        };
        self.threads.push(spawn(name, thread)?);
        Ok(())
    }
}
