//! Wake-ups by name within the process: rung by who commits work, waited for by who takes it.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bells that stay rung until somebody has heard them. A bell that rings already is not rung twice, so there are never
/// more than there are names.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    rung: Mutex<HashSet<String>>,
    heard: Condvar,
}

impl Bells {
    /// Rings bells (each wakes one waiter, now or whenever one comes) or silences them, in this order.
    pub(crate) fn set(&self, bells: impl IntoIterator<Item = (String, bool)>) {
        let mut rung = self.rung();
        let mut news = false;
        for (name, ring) in bells {
            if ring {
                news |= rung.insert(name);
            } else {
                rung.remove(&name);
            }
        }
        if news {
            // All are woken, since the condition cannot tell who listens to which name; one of them hears each bell.
            self.heard.notify_all();
        }
    }

    /// Waits for one of `names` to ring, at most `timeout`, and silences it; tells whether one did.
    pub(crate) fn wait(&self, names: &[String], timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut rung = self.rung();
        loop {
            if names.iter().any(|name| rung.remove(name)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            rung = self
                .heard
                .wait_timeout(rung, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn rung(&self) -> MutexGuard<'_, HashSet<String>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_bell_is_not_lost_and_is_heard_once_by_who_listens_to_it() {
        let bells = Bells::default();
        bells.set([("a".to_owned(), true), ("a".to_owned(), true)]);
        assert!(!bells.wait(&["b".to_owned()], Duration::ZERO));
        assert!(bells.wait(&["b".to_owned(), "a".to_owned()], Duration::ZERO));
        bells.set([("a".to_owned(), true), ("a".to_owned(), false)]);
        assert!(!bells.wait(&["a".to_owned()], Duration::ZERO));
    }

    #[test]
    fn a_waiter_is_woken() {
        let bells = Arc::new(Bells::default());
        let theirs = Arc::clone(&bells);
        let waiter = crate::threads::spawn("waiter", move || {
            theirs.wait(&["a".to_owned()], Duration::from_secs(30))
        })
        .unwrap();
        bells.set([("a".to_owned(), true)]);
        assert!(waiter.join().unwrap());
    }
}
