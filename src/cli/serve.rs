//! `windlass serve`, and `windlass` alone: the daemon.

use super::{Exit, complain, host, load};
use crate::config::Sources;
use crate::{handlers, logging};

/// Runs the daemon until it is told to stop.
pub(super) fn run(sources: &Sources) -> Exit {
    let loaded = match load(sources) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if let Err(err) = logging::start(loaded.config.log_level, loaded.config.log_format) {
        complain(&err);
        return Exit::Failed;
    }
    for warning in &loaded.warnings {
        log::warn!("{warning}");
    }
    let registry = match handlers::builtin(&loaded.config) {
        Ok(registry) => registry,
        Err(problem) => {
            complain(&problem);
            return Exit::Configuration;
        }
    };
    host::run(loaded.config, registry, Some(sources), |_| {})
}
