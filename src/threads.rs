//! The one door through which threads are made, and the token that stops them.
//!
//! Every thread has a name, which the log and the process list show, and an owner that joins it. A thread waits on a
//! [`Stop`] or a channel, never in a sleep, so that a stopping daemon need not wait for it.

use std::io;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Starts a named thread.
///
/// # Errors
///
/// The system's error when it has no room for another thread; the caller cannot go on without it and should give up
/// what it was starting.
pub fn spawn<F, T>(name: &str, run: F) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().name(name.to_owned()).spawn(run)
}

/// A signal that is given once and stays given; threads wait on it instead of sleeping.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// A signal that has not been given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal and wakes every waiter. Giving it again changes nothing.
    pub fn stop(&self) {
        let (flag, wake) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether the signal has been given.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the signal is given or `timeout` has passed; tells whether it was given.
    pub fn wait(&self, timeout: Duration) -> bool {
        let (flag, wake) = &*self.0;
        let deadline = Instant::now() + timeout;
        let mut stopped = flag.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            stopped = wake
                .wait_timeout(stopped, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

/// What a watched thread's end tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// The thread's name.
    pub thread: String,
    /// What it panicked with.
    pub panic: String,
}

/// Starts threads whose panic is reported, so that the daemon goes down with a name in its log and is never left half
/// alive.
#[derive(Debug, Clone)]
pub struct Watch(crossbeam_channel::Sender<Death>);

impl Watch {
    /// A watch, and where it reports.
    #[must_use]
    pub fn new() -> (Self, crossbeam_channel::Receiver<Death>) {
        // One report is enough to end the daemon; the room is for what falls with it.
        let (deaths, reports) = crossbeam_channel::bounded(64);
        (Self(deaths), reports)
    }

    /// Starts a named thread and reports its panic.
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    pub fn spawn<F>(&self, name: &str, run: F) -> io::Result<JoinHandle<()>>
    where
        F: FnOnce() + Send + 'static,
    {
        let (deaths, thread) = (self.0.clone(), name.to_owned());
        spawn(name, move || {
            // The thread ends here either way, so nothing torn by the panic is looked at again.
            if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
                let death = Death {
                    thread,
                    panic: panic_message(panic.as_ref()),
                };
                // A full or closed channel means that the daemon is going down already.
                drop(deaths.try_send(death));
            }
        })
    }
}

/// What a panic said, as far as it was text.
#[must_use]
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Joins a thread if it ends by `deadline`; tells whether it did. One that does not is left behind.
pub(crate) fn join_by<T>(handle: JoinHandle<T>, deadline: Instant) -> bool {
    // The standard library has no timed join; the end of a stopping thread is near, so a short poll is all it takes.
    while !handle.is_finished() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        pause(left.min(Duration::from_millis(2)));
    }
    // A panic has been reported by the watch; there is no more to learn from it here.
    drop(handle.join());
    true
}

/// Waits for `duration`, come what may: for the short backoffs of threads that must not stop before they are done.
pub(crate) fn pause(duration: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one door to an unconditional wait"
    )]
    std::thread::sleep(duration);
}
