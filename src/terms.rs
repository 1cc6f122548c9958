//! The terms on which this daemon takes and runs jobs at present: the settings, and the handlers that follow from them.
//!
//! A reload changes both while requests are answered and jobs run. So whoever needs a setting that can change, or a
//! handler, asks [`Terms::present`] when it begins something (a request, a turn of the poller, an attempt, a beat) and goes
//! by that answer to the end of it. A reload exchanges what `present` answers, and nothing else: what has begun ends on
//! the old terms, what begins afterwards has the new ones, and nobody waits for anybody.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::value::RawValue;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Problems, Reload};
use crate::handlers::{Registry, with_types};
use crate::job::draft::{Looked, Rules, Types};

/// What holds at present. It never changes itself: a reload makes another.
#[derive(Debug)]
pub struct Present {
    /// The settings.
    pub config: Config,
    /// The handlers: the program's own, and those of the configuration's `[[type]]` entries.
    pub registry: Registry,
}

/// The one place where it is known what holds at present. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Terms(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The program's own handlers, which no reload touches.
    own: Registry,
    present: RwLock<Arc<Present>>,
}

impl Terms {
    /// The terms of a daemon that starts.
    ///
    /// # Errors
    ///
    /// A `[[type]]` entry that cannot be run: by its name, or by what this host lacks. `[[schedule]]` entries whose jobs
    /// their types do not take.
    pub fn new(config: Config, own: Registry) -> Result<Self, String> {
        let registry = with_types(&own, &config, None)?;
        check_schedules(&config, &registry)?;
        let present = RwLock::new(Arc::new(Present { config, registry }));
        Ok(Self(Arc::new(Inner { own, present })))
    }

    /// What holds at present.
    #[must_use]
    pub fn present(&self) -> Arc<Present> {
        // What is behind the lock is exchanged whole, so a panic cannot leave half of it.
        let present = self.0.present.read();
        Arc::clone(&present.unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets `new` hold from here on, as far as that can be done without a restart; tells what changed and what did not.
    /// One caller at a time.
    ///
    /// # Errors
    ///
    /// What is wrong with `new`. Everything stays as it is.
    pub fn reload(&self, new: &Config) -> Result<Reload, String> {
        let before = self.present();
        let reload = before.config.reload(new)?;
        let registry = with_types(
            &self.0.own,
            &reload.config,
            Some((&before.config, &before.registry)),
        )?;
        check_schedules(&reload.config, &registry)?;
        let present = Arc::new(Present {
            registry,
            config: reload.config.clone(),
        });
        *self
            .0
            .present
            .write()
            .unwrap_or_else(PoisonError::into_inner) = present;
        Ok(reload)
    }
}

/// Looks over the jobs of the file's schedules as their types see them; a type that is not known here may be another
/// daemon's.
fn check_schedules(config: &Config, registry: &Registry) -> Result<(), String> {
    let rules = Rules {
        payload_max: config.payload_max,
        max_retries: config.max_retries,
        types: &OwnTypes(registry),
        now: SystemClock.now(),
    };
    let mut problems = Vec::new();
    for schedule in &config.schedules {
        let mut wrongs = Vec::new();
        // What was read from the file is JSON that can be kept, and nobody else is asked.
        drop(schedule.definition.draft(&rules, &mut wrongs));
        problems.extend(wrongs.iter().map(|(_, wrong)| schedule.problem(wrong)));
    }
    match Problems::of(problems) {
        Some(problems) => Err(problems.to_string()),
        None => Ok(()),
    }
}

/// The types of this daemon alone.
struct OwnTypes<'a>(&'a Registry);

impl Types for OwnTypes<'_> {
    fn look(&self, kind: &str, payload: Option<&RawValue>) -> Looked {
        let handler = self.0.get(kind).zip(payload);
        match handler.map(|(handler, payload)| handler.check(payload)) {
            Some(Err(wrongs)) => Looked::Wrong(wrongs),
            Some(Ok(())) | None => Looked::Fits,
        }
    }

    fn queue(&self, kind: &str) -> Option<String> {
        self.0.get(kind)?.queue().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{Action, JobType, Place};
    use crate::handlers::probe::Noop;

    fn entry(name: &str, program: &str) -> JobType {
        JobType {
            name: name.to_owned(),
            place: Place::Default,
            action: Action::Command {
                argv: vec![program.to_owned()],
                directory: PathBuf::from("/"),
            },
            payload_schema: None,
            timeout: None,
            queue: None,
        }
    }

    fn of(types: Vec<JobType>) -> Config {
        Config {
            types,
            ..Config::default()
        }
    }

    fn names(present: &Present) -> Vec<&str> {
        present.registry.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_reload_keeps_the_programs_own_types_and_exchanges_those_of_the_file() {
        let mut own = Registry::new();
        own.add(Noop);
        let terms = Terms::new(of(vec![entry("a", "/bin/a"), entry("b", "/bin/b")]), own).unwrap();
        let before = terms.present();
        let new = of(vec![entry("b", "/bin/b"), entry("c", "/bin/c")]);
        assert_eq!(terms.reload(&new).unwrap().changed.len(), 2);
        let after = terms.present();
        assert_eq!(names(&before), ["a", "b", "noop"], "what has begun goes on");
        assert_eq!(names(&after), ["b", "c", "noop"]);
        let handler = |present: &Present| present.registry.get("b").cloned().unwrap();
        assert!(
            Arc::ptr_eq(&handler(&before), &handler(&after)),
            "an entry that is the same keeps its handler"
        );
        let new = of(vec![entry("b", "/bin/other")]);
        terms.reload(&new).unwrap();
        assert!(!Arc::ptr_eq(&handler(&after), &handler(&terms.present())));
    }

    #[test]
    fn an_entry_with_the_name_of_an_own_type_is_refused_and_nothing_changes() {
        let mut own = Registry::new();
        own.add(Noop);
        let noop = || of(vec![entry("noop", "/bin/true"), entry("z", "/bin/true")]);
        let err = Terms::new(noop(), own.clone()).unwrap_err();
        assert!(err.contains("`noop` is this program's own"), "{err}");
        let terms = Terms::new(Config::default(), own).unwrap();
        let before = terms.present();
        assert!(terms.reload(&noop()).is_err());
        assert!(Arc::ptr_eq(&before, &terms.present()));
    }
}
