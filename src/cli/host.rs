//! Runs a daemon in this process until a signal ends it; what `serve`, `dev` and `demo --keep` share.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Exit, complain};
use crate::config::Config;
use crate::daemon::{Daemon, Incident, Notify, StartError};
use crate::handlers::Registry;
use crate::threads::{Stop, spawn};

/// Runs a daemon to its end. `ready` is called once it serves.
pub(super) fn run(config: Config, registry: Registry, ready: impl FnOnce(&Daemon)) -> Exit {
    let stop = match stop_on_signals() {
        Ok(stop) => stop,
        Err(err) => {
            complain(&format_args!("cannot listen for signals: {err}"));
            return Exit::Failed;
        }
    };
    let daemon = match Daemon::start(config, registry) {
        Ok(daemon) => daemon,
        Err(err) => return refused(&err),
    };
    Notify.ready(&format!("serving on {}", daemon.addr()));
    log::info!("serving on http://{}", daemon.addr());
    ready(&daemon);

    let incident = watch(&daemon, &stop);
    let (exit, why) = match &incident {
        None => (Exit::Fine, "asked to stop".to_owned()),
        Some(Incident::Died(death)) => (
            Exit::Broken,
            format!("the thread {} panicked: {}", death.thread, death.panic),
        ),
        Some(Incident::Serving(line)) => (Exit::Broken, line.clone()),
        Some(Incident::ThreadsGivenUp(n)) => (
            Exit::Broken,
            format!("{n} handlers overran and hold their threads"),
        ),
        Some(Incident::Unfit(reason)) => (Exit::Configuration, reason.clone()),
    };
    if incident.is_some() {
        log::error!("stopping: {why}");
    } else {
        log::info!("stopping: {why}");
    }
    Notify.stopping(&format!("stopping: {why}"));
    match daemon.stop() {
        0 => log::info!("stopped"),
        cut => {
            log::warn!("stopped; {cut} jobs were not finished in time and are back in the queue")
        }
    }
    exit
}

/// Waits for the end, and shows what is missing meanwhile.
fn watch(daemon: &Daemon, stop: &Stop) -> Option<Incident> {
    let mut shown = Vec::new();
    loop {
        if let Some(incident) = daemon.wait(stop, Duration::from_secs(1)) {
            return Some(incident);
        }
        if stop.is_stopped() {
            return None;
        }
        let missing = daemon.health().all_missing();
        if missing != shown {
            let words: Vec<_> = missing
                .iter()
                .map(|(part, reason)| format!("{}: {reason}", part.as_str()))
                .collect();
            let words = if words.is_empty() {
                String::new()
            } else {
                format!("; missing: {}", words.join("; "))
            };
            Notify.status(&format!("serving on {}{words}", daemon.addr()));
            shown = missing;
        }
    }
}

fn refused(err: &StartError) -> Exit {
    complain(err);
    match err {
        StartError::Configuration(_) => Exit::Configuration,
        StartError::System { .. } => Exit::Failed,
    }
}

/// A stop that the first TERM or Ctrl-C gives; the second ends the process at once, as who sends it twice wants.
fn stop_on_signals() -> io::Result<Stop> {
    let stop = Stop::new();
    let asked = Arc::new(AtomicBool::new(false));
    let on_signal = {
        let (stop, asked) = (stop.clone(), Arc::clone(&asked));
        move |signal: i32| {
            if asked.swap(true, Ordering::AcqRel) {
                process::exit(128 + signal);
            }
            stop.stop();
        }
    };
    let on_interrupt = on_signal.clone();
    ctrlc::set_handler(move || on_interrupt(SIGINT)).map_err(io::Error::other)?;
    let mut signals = Signals::new([SIGTERM])?;
    // Its end is the process' end.
    drop(spawn("signals", move || {
        signals.forever().for_each(on_signal)
    })?);
    Ok(stop)
}
