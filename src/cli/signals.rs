//! Signals become what the daemon is asked for: TERM and Ctrl-C to stop, TSTP to be quiet, CONT to resume, HUP to reload.
//!
//! Only the last word counts: of TSTP and CONT the later one, and many a HUP is one reload. So nothing piles up while the
//! daemon is busy with one of them.

use std::io;
use std::mem;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::threads::spawn;

/// What the daemon is asked for.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// To stop.
    pub stop: bool,
    /// To be quiet, or to resume.
    pub quiet: Option<bool>,
    /// To read its configuration again.
    pub reload: bool,
}

/// Where signals arrive.
pub(super) struct Asked {
    wishes: Arc<Mutex<Wishes>>,
    /// Rings when there is something to look at.
    pub bell: Receiver<()>,
}

impl Asked {
    /// Listens for signals, for the rest of the process' life.
    ///
    /// # Errors
    ///
    /// The system's, or that this process listens for Ctrl-C already.
    pub fn listen() -> io::Result<Self> {
        let (ring, bell) = bounded(1);
        let wishes = Arc::default();
        let on_signal = {
            let wishes = Arc::clone(&wishes);
            move |signal| note(&wishes, &ring, signal)
        };
        let on_interrupt = on_signal.clone();
        ctrlc::set_handler(move || on_interrupt(SIGINT)).map_err(io::Error::other)?;
        let mut signals = Signals::new([SIGTERM, SIGTSTP, SIGCONT, SIGHUP, SIGXFSZ])?;
        // Its end is the process' end.
        drop(spawn("signals", move || {
            signals.forever().for_each(on_signal)
        })?);
        Ok(Self { wishes, bell })
    }

    /// What was asked for since the last look. A wish to stop stays.
    pub fn take(&self) -> Wishes {
        let mut wishes = lock(&self.wishes);
        let stop = wishes.stop;
        Wishes {
            stop,
            ..mem::replace(
                &mut *wishes,
                Wishes {
                    stop,
                    ..Wishes::default()
                },
            )
        }
    }
}

/// Notes a signal. The second that asks for the end gets it at once, as who sends it twice wants.
fn note(wishes: &Mutex<Wishes>, ring: &Sender<()>, signal: i32) {
    let mut wishes = lock(wishes);
    match signal {
        SIGTSTP => wishes.quiet = Some(true),
        SIGCONT => wishes.quiet = Some(false),
        SIGHUP => wishes.reload = true,
        // A file has become as large as this process may make one. That write fails, which is told where it is handled;
        // unheard, the signal would end the process.
        SIGXFSZ => return,
        _ if wishes.stop => process::exit(128 + signal),
        _ => wishes.stop = true,
    }
    drop(wishes);
    // A full channel means that there is something to look at already.
    ring.try_send(()).ok();
}

fn lock(wishes: &Mutex<Wishes>) -> MutexGuard<'_, Wishes> {
    wishes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_a_stop_stays() {
        let (ring, bell) = bounded(1);
        let asked = Asked {
            wishes: Arc::default(),
            bell,
        };
        for signal in [SIGHUP, SIGTSTP, SIGCONT, SIGHUP, SIGTSTP] {
            note(&asked.wishes, &ring, signal);
        }
        assert_eq!(asked.bell.len(), 1, "it rings once for all of them");
        let Wishes {
            stop,
            quiet,
            reload,
        } = asked.take();
        assert_eq!((stop, quiet, reload), (false, Some(true), true));
        note(&asked.wishes, &ring, SIGTERM);
        for _ in 0..2 {
            let Wishes {
                stop,
                quiet,
                reload,
            } = asked.take();
            assert_eq!((stop, quiet, reload), (true, None, false));
        }
    }
}
