//! `windlass serve`, and `windlass` alone: the daemon.

use super::{Exit, OwnTypes, complain, host, load, registry};
use crate::config::Sources;
use crate::logging;

/// Runs the daemon until it is told to stop.
pub(super) fn run(sources: &Sources, own: OwnTypes<'_>) -> Exit {
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
    let registry = match registry(&loaded.config, own) {
        Ok(registry) => registry,
        Err(exit) => return exit,
    };
    host::run(loaded.config, registry, Some(sources), |_| {})
}
