//! Runs a daemon in this process until a signal ends it; what `serve`, `dev` and `demo --keep` share.

use std::io::{self, IsTerminal};
use std::time::Duration;

use super::signals::Asked;
use super::{Exit, complain};
use crate::config::{Config, Sources};
use crate::daemon::{Daemon, Incident, Notify, StartError};
use crate::handlers::Registry;
use crate::health::Part;
use crate::logging;

/// How often what systemd shows is brought up to date.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Runs a daemon to its end. `ready` is called once it serves; `sources` are read again when it is asked to reload.
pub(super) fn run(
    config: Config,
    registry: Registry,
    sources: Option<&Sources>,
    ready: impl FnOnce(&Daemon),
) -> Exit {
    let asked = match Asked::listen() {
        Ok(asked) => asked,
        Err(err) => {
            complain(&format_args!("cannot listen for signals: {err}"));
            return Exit::Failed;
        }
    };
    let daemon = match Daemon::start(config, registry) {
        Ok(daemon) => daemon,
        Err(err) => return refused(&err),
    };
    let mut host = Host {
        daemon: &daemon,
        asked,
        sources,
        has_terminal: is_on_a_terminal(),
        refusal: None,
        shown: String::new(),
    };
    host.shown = host.state();
    Notify.ready(&host.shown);
    log::info!("serving on http://{}", daemon.addr());
    ready(&daemon);
    let incident = host.watch();
    end(daemon, incident)
}

/// Stops a daemon that was asked to stop, or that must not go on.
fn end(daemon: Daemon, incident: Option<Incident>) -> Exit {
    let (exit, why) = match &incident {
        None => (Exit::Fine, "asked to stop".to_owned()),
        Some(Incident::Unfit(_)) => (Exit::Configuration, String::new()),
        Some(_) => (Exit::Broken, String::new()),
    };
    let why = incident.as_ref().map_or(why, Incident::to_string);
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

fn refused(err: &StartError) -> Exit {
    complain(err);
    match err {
        StartError::Configuration(_) => Exit::Configuration,
        StartError::System { .. } => Exit::Failed,
    }
}

/// Whether somebody sits at a terminal of this process'. A HUP also comes when that is closed, and means the end then.
fn is_on_a_terminal() -> bool {
    io::stdin().is_terminal() || io::stderr().is_terminal()
}

/// A daemon and who speaks for it and to it.
struct Host<'a> {
    daemon: &'a Daemon,
    asked: Asked,
    sources: Option<&'a Sources>,
    /// Whether somebody sits, or sat, at a terminal of ours.
    has_terminal: bool,
    /// Why the last reload was refused.
    refusal: Option<String>,
    /// What systemd was told last.
    shown: String,
}

impl Host<'_> {
    /// Does what signals ask for, until they ask for the end or something happens that the daemon must not outlive.
    fn watch(&mut self) -> Option<Incident> {
        loop {
            let incident = self.daemon.wait_or(&self.asked.bell, SHOW_EVERY);
            if incident.is_some() {
                return incident;
            }
            let wishes = self.asked.take();
            if wishes.stop {
                return None;
            }
            if wishes.reload && self.has_terminal && !is_on_a_terminal() {
                log::info!("the terminal is gone");
                return None;
            }
            match wishes.quiet {
                Some(true) => self.daemon.quiet(),
                Some(false) => self.daemon.resume(),
                None => {}
            }
            if wishes.reload {
                self.reload();
            }
            self.show();
        }
    }

    /// Reads the configuration again. One that is wrong is refused as a whole, with everything that is wrong with it.
    fn reload(&mut self) {
        Notify.reloading();
        self.refusal = match self.try_reload() {
            Ok(()) => None,
            Err(problems) => {
                for problem in &problems {
                    log::error!("not reloaded: {problem}");
                }
                let why = match problems.len() {
                    1 => "there is 1 problem".to_owned(),
                    n => format!("there are {n} problems"),
                };
                log::error!("the reload is refused, {why}: everything stays as it was");
                Some(format!("the last reload was refused, {why}"))
            }
        };
        self.shown = self.state();
        Notify.ready(&self.shown);
    }

    fn try_reload(&self) -> Result<(), Vec<String>> {
        let Some(sources) = self.sources else {
            return Err(vec![
                "this daemon's settings stand in its program, and nowhere else".to_owned(),
            ]);
        };
        let loaded = Config::load(sources).map_err(|problems| {
            problems
                .all()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        })?;
        for warning in &loaded.warnings {
            log::warn!("{warning}");
        }
        // What changes is told at the old level or the new one, whichever tells more.
        let before = log::max_level();
        logging::set_level(before.max(loaded.config.log_level));
        let reloaded = self.daemon.reload(&loaded.config);
        logging::set_level(match &reloaded {
            Ok(reload) => reload.config.log_level,
            Err(_) => before,
        });
        reloaded.map(drop).map_err(|problem| vec![problem])
    }

    /// Tells systemd how things stand, if that has changed.
    fn show(&mut self) {
        let state = self.state();
        if state != self.shown {
            Notify.status(&state);
            self.shown = state;
        }
    }

    /// How things stand, in a line.
    fn state(&self) -> String {
        let addr = self.daemon.addr();
        let mut missing = self.daemon.health().all_missing();
        let known = missing.len();
        missing.retain(|(part, _)| *part != Part::Work);
        let mut state = if missing.len() < known {
            format!("quiet on {addr}: takes no more jobs until it gets CONT")
        } else {
            format!("serving on {addr}")
        };
        if !missing.is_empty() {
            let words = missing
                .iter()
                .map(|(part, reason)| format!("{}: {reason}", part.as_str()));
            state.push_str("; missing: ");
            state.push_str(&words.collect::<Vec<_>>().join("; "));
        }
        if let Some(refusal) = &self.refusal {
            state.push_str("; ");
            state.push_str(refusal);
        }
        state
    }
}
