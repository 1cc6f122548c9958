//! The second step: what was written means something, or it is a problem.

use crate::config::problem::{Place, Problem, Problems, quoted};
use crate::config::setting::Setting;
use crate::config::settings::Config;
use crate::config::sources::Sources;
use crate::config::table::TABLE;
use crate::config::written::{Text, Written, gather, gather_only};

/// The settings as they hold, and how they came about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Every setting, for people.
    pub shown: Vec<Shown>,
    /// What is odd, though not wrong: to be logged once the logger runs.
    pub warnings: Vec<Problem>,
}

/// One setting as people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in the file.
    pub setting: &'static str,
    /// Its name in the environment.
    pub variable: String,
    /// Its value, with secrets masked; `None`: not set.
    pub value: Option<String>,
    /// Where it was written.
    pub place: Place,
}

impl Config {
    /// Reads the sources, and checks everything before anything starts.
    ///
    /// ```
    /// use windlass::config::{Config, Sources};
    ///
    /// let sources = Sources::none().with("WORKERCOUNT", "4").with("LEASE", "1m");
    /// let loaded = Config::load(&sources).expect("all is well");
    /// assert_eq!(loaded.config.worker_count, 4);
    ///
    /// let sources = Sources::none().with("WORKERCOUNT", "0").with("LEASE", "soon");
    /// let problems = Config::load(&sources).expect_err("two problems");
    /// assert_eq!(problems.all()[0].to_string(), "WORKERCOUNT in the environment: `0` is below 1");
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its place. Show it whole, and start nothing.
    pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
        Self::of_written(gather(sources), sources)
    }

    /// Reads the settings of these names alone, for a program that asks the daemon for something and has no business
    /// with its other settings: what is wrong with those, or may not be read, is no problem here.
    ///
    /// ```
    /// use windlass::config::{Config, Sources};
    ///
    /// let sources = Sources::none().with("APIADDR", "127.0.0.1:80").with("LEASE", "soon");
    /// let loaded = Config::load_only(&sources, &["api_addr"]).expect("all is well");
    /// assert_eq!(loaded.config.api_addr.port(), 80);
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with them, and sources that cannot be read though they may hold them.
    pub fn load_only(sources: &Sources, names: &[&str]) -> Result<Loaded, Problems> {
        Self::of_written(gather_only(sources, names), sources)
    }

    fn of_written(mut written: Written, sources: &Sources) -> Result<Loaded, Problems> {
        let mut config = sources.defaults.clone();
        let mut shown = Vec::with_capacity(TABLE.len());
        for setting in &TABLE {
            let mut place = Place::Default;
            if let Some(Some(text)) = written.texts.get(setting.name) {
                match meaning(setting, &mut config, text) {
                    Ok(()) => place = text.place.clone(),
                    Err(problem) => written.problems.push(problem),
                }
            }
            shown.push((setting, place));
        }
        let shown: Vec<Shown> = shown
            .into_iter()
            .map(|(setting, place)| show(setting, &config, place))
            .collect();
        if !written.types.is_empty() {
            config.types = std::mem::take(&mut written.types);
        }
        if !written.schedules.is_empty() {
            config.schedules = std::mem::take(&mut written.schedules);
        }
        if written.problems.is_empty() {
            written.problems.extend(contradiction(&config, &shown));
        }
        if written.problems.is_empty() {
            Ok(Loaded {
                config,
                shown,
                warnings: written.warnings,
            })
        } else {
            Err(Problems(written.problems))
        }
    }
}

fn meaning(setting: &Setting, config: &mut Config, text: &Text) -> Result<(), Problem> {
    let problem = |what: String| Err(Problem::new(text.place.clone(), what));
    // A line of the file names its key no other way.
    let key = match &text.place {
        Place::File { .. } => format!("{}: ", setting.name),
        _ => String::new(),
    };
    if text.text.is_empty() && !setting.optional {
        return problem(format!("{key}empty; leave it out for the default"));
    }
    match (setting.set)(config, &text.text) {
        Ok(()) => Ok(()),
        Err(what) if setting.secret => problem(format!(
            "{key}the value (not shown, it may be secret) {what}"
        )),
        Err(what) => problem(format!("{key}{} {what}", quoted(&text.text))),
    }
}

/// Settings that are right alone and wrong together.
fn contradiction(config: &Config, shown: &[Shown]) -> Option<Problem> {
    let place_of = |name: &str| {
        let found = shown.iter().find(|shown| shown.setting == name);
        found.map_or(Place::Default, |shown| shown.place.clone())
    };
    if config.payload_max > config.body_max {
        let (payload, body) = (place_of("payload_max"), place_of("body_max"));
        let (place, other) = match payload {
            Place::Default => (body, payload),
            _ => (payload, body),
        };
        let what = format!(
            "payload_max ({} bytes) is above body_max ({} bytes, {other}); no such payload could be submitted",
            config.payload_max, config.body_max
        );
        return Some(Problem::new(place, what));
    }
    None
}

fn show(setting: &Setting, config: &Config, place: Place) -> Shown {
    let text = setting.shown(config);
    Shown {
        setting: setting.name,
        variable: setting.variable(),
        value: Some(text).filter(|text| !text.is_empty()),
        place,
    }
}

#[cfg(test)]
mod tests;
