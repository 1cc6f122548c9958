//! Waiting for something to become true, with a deadline and a last word.

use std::fmt::Display;
use std::time::{Duration, Instant};

use windlass::threads::Stop;

/// How long a test waits for what should take an instant: long, since the machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until `ask` answers `Ok`, and answers that; `Err` is the state as it is, for the last word.
///
/// # Panics
///
/// When `deadline` has passed, saying what was waited for and the last state.
#[track_caller]
pub fn wait_until<T, S: Display>(
    what: &str,
    deadline: Duration,
    mut ask: impl FnMut() -> Result<T, S>,
) -> T {
    let until = Instant::now() + deadline;
    let pause = Stop::new();
    let mut length = Duration::from_millis(1);
    loop {
        match ask() {
            Ok(found) => return found,
            Err(last) if Instant::now() >= until => {
                panic!("waited {deadline:?} in vain until {what}; it stands at: {last}")
            }
            // Nobody gives this signal: it is a pause that grows to 20 ms, so that slow things are not asked too often.
            Err(_) => assert!(!pause.wait(length)),
        }
        length = (length * 2).min(Duration::from_millis(20));
    }
}
