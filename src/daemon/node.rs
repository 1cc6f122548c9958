//! The daemon among its peers: its name, the lock that makes the name its own, and its beat.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use rustix::fs::{FlockOperation, flock};

use super::StartError;
use crate::config::Config;
use crate::queue::{Engine, Node, QueueError};
use crate::terms::Terms;
use crate::threads::{Watch, join_by};
use crate::worker::Status;

/// The name of this daemon: NODE, or host name and port.
pub fn name(config: &Config, addr: SocketAddr) -> String {
    config.node.clone().unwrap_or_else(|| {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        format!("{host}:{}", addr.port())
    })
}

/// The lock on a node's name, held for as long as the daemon runs. The system lets go of it when the process dies, so who
/// gets it knows that the former holder is dead.
pub struct NodeLock {
    _file: File,
}

impl NodeLock {
    /// Takes the lock on `node`.
    pub fn take(config: &Config, node: &str) -> Result<Self, StartError> {
        let folder = config.runtime_dir.clone().unwrap_or_else(default_folder);
        fs::create_dir_all(&folder).map_err(StartError::system(format!(
            "cannot make the folder {} (RUNTIMEDIR)",
            folder.display()
        )))?;
        let plain: String = node
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        // The namespace is part of it: daemons of two applications may well share a name.
        let path = folder.join(format!("{}.{plain}.lock", config.namespace));
        let what = || format!("cannot open the lock file {} (RUNTIMEDIR)", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StartError::system(what()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StartError::Configuration(format!(
                "another daemon runs as node `{node}` (it holds {}): give this one a NODE of its own",
                path.display()
            ))),
            Err(errno) => Err(StartError::system(what())(io::Error::from(errno))),
        }
    }
}

fn default_folder() -> PathBuf {
    std::env::temp_dir().join(format!("windlass-{}", rustix::process::getuid().as_raw()))
}

/// What the poller does before it takes anything: makes sure of the queue, and takes the leases of this node's former
/// process back. Its lock is ours, so it is dead.
pub fn prepare(
    queue: Arc<dyn Engine>,
    node: String,
    max_crashes: u32,
) -> Box<dyn FnMut() -> Result<(), QueueError> + Send> {
    Box::new(move || {
        queue.check()?;
        // Nothing is reserved before this succeeds, so whatever was lent up to now was lent to the former process.
        let back = queue.take_over(&node, queue.now(), max_crashes)?;
        if back > 0 {
            log::warn!(
                "the former process of this node died with {back} jobs in hand; they are back in their lines"
            );
        }
        Ok(())
    })
}

/// What the beat needs.
pub struct BeatParts {
    pub queue: Arc<dyn Engine>,
    pub node: String,
    pub terms: Terms,
    pub status: Box<dyn Fn() -> Status + Send>,
    pub watch: Watch,
}

/// The thread that tells the others what this node does.
pub struct Beat {
    /// Asks for a beat now; dropped, for the last.
    nudge: Sender<()>,
    thread: JoinHandle<()>,
}

impl Beat {
    /// Longest time between two beats.
    pub const PERIOD: Duration = Duration::from_secs(5);

    /// Longest time until one that failed is tried again.
    const AGAIN: Duration = Duration::from_millis(500);

    /// Starts the thread.
    pub fn start(parts: BeatParts) -> io::Result<Self> {
        let (nudge, nudged) = bounded(1);
        let watch = parts.watch.clone();
        let period = Self::PERIOD.min(parts.terms.present().config.lease / 3);
        let thread = watch.spawn("beat", move || {
            let started_at = parts.queue.now();
            loop {
                let mut wait = period;
                if let Err(err) = parts.queue.beat(&describe(&parts, started_at)) {
                    // The poller says it loudly, once; here it would be every time.
                    log::debug!("cannot tell the queue that this node lives: {err}");
                    // At the start the queue is not there yet, often for a moment only.
                    wait = period.min(Self::AGAIN);
                }
                if nudged.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        })?;
        Ok(Self { nudge, thread })
    }

    /// Tells the others now: something has changed that they should know.
    pub fn now(&self) {
        // A full channel means that the next beat is being asked for already.
        self.nudge.try_send(()).ok();
    }

    /// Stops the thread.
    pub fn stop(self) {
        drop(self.nudge);
        // A beat that the queue holds up ends with the process.
        join_by(self.thread, Instant::now() + Duration::from_millis(500));
    }
}

fn describe(parts: &BeatParts, started_at: crate::job::Timestamp) -> Node {
    let status = (parts.status)();
    let present = parts.terms.present();
    let queues = present.config.queues.list.iter();
    let schedules = present.config.schedules.iter();
    Node {
        node: parts.node.clone(),
        started_at,
        // The engine puts the time on its own clock.
        seen_at: started_at,
        threads: present.config.worker_count,
        busy: status.busy,
        quiet: status.quiet,
        queues: queues.map(|q| q.queue.clone()).collect(),
        types: present
            .registry
            .iter()
            .map(|(kind, _)| kind.to_owned())
            .collect(),
        schedules: schedules.map(|schedule| schedule.name.clone()).collect(),
        running: status.running,
    }
}
