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
    /// Rings the bells of `names`; each wakes one waiter, now or whenever one comes.
    pub(crate) fn ring(&self, names: impl IntoIterator<Item = String>) {
        let mut rung = self.rung();
        let before = rung.len();
        rung.extend(names);
        if rung.len() > before {
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
        bells.ring(["a".to_owned(), "a".to_owned()]);
        assert!(!bells.wait(&["b".to_owned()], Duration::ZERO));
        assert!(bells.wait(&["b".to_owned(), "a".to_owned()], Duration::ZERO));
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
        bells.ring(["a".to_owned()]);
        assert!(waiter.join().unwrap());
    }
}
