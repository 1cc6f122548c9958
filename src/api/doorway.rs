//! What all requests share while they are under way: the order of each connection, the extra threads, the memory for
//! bodies. Each has its bound.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::exchange::Exchange;
use crate::threads::spawn;

/// Most threads that read bodies, load NDJSON or write large answers at once. Each may be held by a slow client for as
/// long as a body or an answer may take.
const ASIDES_MAX: usize = 256;

/// What all requests share while they are under way.
#[derive(Debug)]
pub struct Doorway {
    /// Requests under way by connection, with those that wait behind them.
    lines: Mutex<HashMap<SocketAddr, VecDeque<Exchange>>>,
    /// Where a request goes whose turn has come. Holds at most one a connection.
    followers: Sender<Exchange>,
    asides: (Mutex<usize>, Condvar),
    body_bytes: AtomicUsize,
    body_bytes_max: usize,
}

impl Doorway {
    /// A doorway with `body_bytes_max` bytes of memory for bodies, that sends those whose turn has come to `followers`.
    pub fn new(followers: Sender<Exchange>, body_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            lines: Mutex::default(),
            followers,
            asides: (Mutex::new(0), Condvar::new()),
            body_bytes: AtomicUsize::new(0),
            body_bytes_max,
        })
    }

    /// Lets a request in, unless another of its connection is still under way: then it comes after that one.
    ///
    /// tiny_http hands out pipelined requests all at once and makes the writer of each wait for the one before. Were
    /// they handled at once, a thread that answers the second would hang until the first is answered, which may be a
    /// minute later.
    pub fn enter(&self, exchange: Exchange) -> Option<Exchange> {
        let Some(peer) = exchange.peer() else {
            return Some(exchange);
        };
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get_mut(&peer) {
            line.push_back(exchange);
            return None;
        }
        lines.insert(peer, VecDeque::new());
        Some(exchange)
    }

    /// Notes that a request of `peer` was answered; the next in its line has its turn.
    pub fn leave(&self, peer: SocketAddr) {
        let mut lines = lock(&self.lines);
        let next = lines.get_mut(&peer).and_then(VecDeque::pop_front);
        if next.is_none() {
            lines.remove(&peer);
        }
        drop(lines);
        if let Some(next) = next {
            // Nobody listens any more only once the daemon has stopped; dropping the request then answers it.
            self.followers.send(next).ok();
        }
    }

    /// Runs `run` on a thread of its own; tells whether there was room for one.
    pub fn aside(self: &Arc<Self>, run: impl FnOnce() + Send + 'static) -> bool {
        {
            let mut count = lock(&self.asides.0);
            if *count >= ASIDES_MAX {
                return false;
            }
            *count += 1;
        }
        let seat = Seat(Arc::clone(self));
        let thread = move || {
            run();
            drop(seat);
        };
        match spawn("api-aside", thread) {
            Ok(_) => true,
            Err(err) => {
                log::warn!("cannot start a thread for a request: {err}");
                false
            }
        }
    }

    /// Whether there is room for another thread.
    pub fn has_room(&self) -> bool {
        *lock(&self.asides.0) < ASIDES_MAX
    }

    /// Waits until no such thread is left, at most until `deadline`; tells how many are.
    pub fn wait_for_asides(&self, deadline: Instant) -> usize {
        let (count, ended) = &self.asides;
        let mut count = lock(count);
        while *count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            count = ended
                .wait_timeout(count, left.min(Duration::from_secs(1)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *count
    }

    /// Takes memory for `bytes` of a body, if there is so much.
    pub fn take_bytes(self: &Arc<Self>, bytes: usize) -> Option<TakenBytes> {
        let before = self.body_bytes.fetch_add(bytes, Ordering::AcqRel);
        let taken = TakenBytes(Arc::clone(self), bytes);
        (before.saturating_add(bytes) <= self.body_bytes_max).then_some(taken)
    }
}

/// Memory for a body, given back when it is dropped.
#[derive(Debug)]
pub struct TakenBytes(Arc<Doorway>, usize);

impl Drop for TakenBytes {
    fn drop(&mut self) {
        self.0.body_bytes.fetch_sub(self.1, Ordering::AcqRel);
    }
}

/// The place of one extra thread; free again when it is dropped, also by a panic.
struct Seat(Arc<Doorway>);

impl Drop for Seat {
    fn drop(&mut self) {
        *lock(&self.0.asides.0) -= 1;
        self.0.asides.1.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_for_bodies_is_bounded_and_comes_back() {
        let (followers, _) = crossbeam_channel::unbounded();
        let doorway = Doorway::new(followers, 100);
        let first = doorway.take_bytes(60).expect("room for the first");
        assert!(doorway.take_bytes(60).is_none());
        assert!(doorway.take_bytes(40).is_some());
        drop(first);
        assert!(doorway.take_bytes(100).is_some());
    }

    #[test]
    fn a_panicking_thread_gives_its_place_back() {
        let (followers, _) = crossbeam_channel::unbounded();
        let doorway = Doorway::new(followers, 0);
        assert!(doorway.aside(|| panic!("on purpose")));
        assert_eq!(
            doorway.wait_for_asides(Instant::now() + Duration::from_secs(5)),
            0
        );
    }
}
