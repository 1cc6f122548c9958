//! What a reload changes: two configurations are compared, setting by setting and entry by entry.

use std::fmt;

use super::entries::Listed;
use super::setting::Setting;
use super::settings::Config;
use super::table::TABLE;

/// The settings that a running daemon can change. All others are built into what it has opened: files, sockets,
/// connections, threads.
const RELOADABLE: [&str; 10] = [
    "catch_up_max",
    "history_days",
    "job_timeout",
    "limits",
    "log_level",
    "max_crashes",
    "max_retries",
    "outbox_max",
    "queues",
    "submit_max",
];

/// What stands for a value that is not there.
const NONE: &str = "none";

/// Something that differs, with secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A setting, or an entry and one of its keys.
    pub what: String,
    /// What held before.
    pub from: String,
    /// What holds after.
    pub to: String,
}

impl Change {
    fn new(what: impl Into<String>, from: String, to: String) -> Self {
        let or_none = |text: String| {
            if text.is_empty() {
                NONE.to_owned()
            } else {
                text
            }
        };
        Self {
            what: what.into(),
            from: or_none(from),
            to: or_none(to),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, from, to } = self;
        if from == to {
            // A masked part: telling more of it would tell too much.
            return write!(f, "{what}: {to}, with another value where it is masked");
        }
        write!(f, "{what}: {from} → {to}")
    }
}

/// What a running daemon makes of another configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Reload {
    /// What holds afterwards.
    pub config: Config,
    /// What a daemon changes while it runs.
    pub changed: Vec<Change>,
    /// What differs and stays as it is until the daemon is started again.
    pub needs_restart: Vec<Change>,
}

impl Setting {
    /// Whether a running daemon can change it.
    #[must_use]
    pub fn is_reloadable(&self) -> bool {
        RELOADABLE.contains(&self.name)
    }
}

impl Config {
    /// What a daemon that runs by this configuration makes of `new`.
    ///
    /// ```
    /// use windlass::config::{Config, Sources};
    ///
    /// let now = Config::default();
    /// let sources = Sources::none().with("QUEUES", "default:3,low:1").with("WORKERCOUNT", "4");
    /// let new = Config::load(&sources).expect("all is well").config;
    /// let reload = now.reload(&new).expect("each value is good");
    /// assert_eq!(reload.changed[0].to_string(), "queues: default → default:3,low:1");
    /// assert_eq!(reload.needs_restart[0].to_string(), "worker_count: 10 → 4");
    /// assert_eq!(reload.config.worker_count, 10);
    /// ```
    ///
    /// # Errors
    ///
    /// A value of `new` that could not have been written anywhere; only a program that makes its configuration itself can
    /// have such. Everything stays as it is.
    pub fn reload(&self, new: &Self) -> Result<Reload, String> {
        let mut reload = Reload {
            config: self.clone(),
            changed: Vec::new(),
            needs_restart: Vec::new(),
        };
        for setting in &TABLE {
            let (before, after) = ((setting.show)(self), (setting.show)(new));
            if before == after {
                continue;
            }
            let change = Change::new(setting.name, setting.shown(self), setting.shown(new));
            if setting.is_reloadable() {
                (setting.set)(&mut reload.config, &after)
                    .map_err(|what| format!("{}: `{after}` {what}", setting.name))?;
                reload.changed.push(change);
            } else {
                reload.needs_restart.push(change);
            }
        }
        let changed = &mut reload.changed;
        changed.extend(differing_entries(&self.types, &new.types));
        changed.extend(differing_entries(&self.schedules, &new.schedules));
        reload.config.types.clone_from(&new.types);
        reload.config.schedules.clone_from(&new.schedules);
        Ok(reload)
    }
}

fn differing_entries<E: Listed>(before: &[E], after: &[E]) -> Vec<Change> {
    let all = before.iter().chain(after);
    let mut names: Vec<&str> = all.map(Listed::name).collect();
    names.sort_unstable();
    names.dedup();
    let mut changes = Vec::new();
    for name in names {
        let named = |entries: &'_ [E]| entries.iter().position(|entry| entry.name() == name);
        match (named(before), named(after)) {
            (Some(i), Some(j)) => differing_keys(&before[i], &after[j], &mut changes),
            (one, other) => {
                let whole = |entry: Option<&E>| entry.map_or_else(String::new, Listed::summary);
                changes.push(Change::new(
                    format!("{} {name}", E::HEAD),
                    whole(one.map(|i| &before[i])),
                    whole(other.map(|i| &after[i])),
                ));
            }
        }
    }
    changes
}

fn differing_keys<E: Listed>(one: &E, other: &E, changes: &mut Vec<Change>) {
    if one.is_same(other) {
        return;
    }
    let what = format!("{} {}", E::HEAD, one.name());
    let known = changes.len();
    let (before, after) = (one.shown(), other.shown());
    let mut keys: Vec<&str> = before.iter().chain(&after).map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let value = |shown: &[(&str, String)]| {
            let found = shown.iter().find(|(name, _)| *name == key);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        let (from, to) = (value(&before), value(&after));
        if from != to {
            changes.push(Change::new(format!("{what}, {key}"), from, to));
        }
    }
    if changes.len() == known {
        // Nothing that is shown differs, so it is a secret.
        changes.push(Change::new(what, one.summary(), other.summary()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Sources};

    fn of_file(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("windlass.toml");
        std::fs::write(&path, text).unwrap();
        let sources = Sources {
            file: Some(path),
            ..Sources::none()
        };
        Config::load(&sources).unwrap().config
    }

    fn lines(changes: &[Change]) -> Vec<String> {
        changes.iter().map(Change::to_string).collect()
    }

    #[test]
    fn what_can_be_reloaded_is_among_the_settings() {
        let known: Vec<&str> = TABLE.iter().map(|setting| setting.name).collect();
        for name in RELOADABLE {
            assert!(known.contains(&name), "{name}");
        }
    }

    /// Every setting at its example: each is told once, and holds if and only if it can be reloaded.
    #[test]
    fn every_setting_is_changed_or_named_and_kept() {
        let mut new = Config::default();
        for setting in &TABLE {
            (setting.set)(&mut new, setting.example).unwrap();
        }
        let reload = Config::default().reload(&new).unwrap();
        assert_eq!(
            reload.changed.len() + reload.needs_restart.len(),
            TABLE.len()
        );
        for setting in &TABLE {
            let holds = (setting.show)(&reload.config) == (setting.show)(&new);
            assert_eq!(holds, setting.is_reloadable(), "{}", setting.name);
            let told = if holds {
                &reload.changed
            } else {
                &reload.needs_restart
            };
            assert!(told.iter().any(|change| change.what == setting.name));
        }
        assert_eq!(reload.config.reload(&reload.config).unwrap().changed, []);
    }

    #[test]
    fn no_secret_is_told_and_a_masked_difference_is_named() {
        let before = Config {
            redis_addr: Secret::new("redis://u:ONE@h"),
            ..Config::default()
        };
        let after = Config {
            redis_addr: Secret::new("redis://u:TWO@h"),
            ..Config::default()
        };
        assert_eq!(
            lines(&before.reload(&after).unwrap().needs_restart),
            ["redis_addr: redis://u:***@h, with another value where it is masked"]
        );
    }

    #[test]
    fn entries_of_types_are_compared_key_by_key_wherever_they_stand() {
        let before = of_file(
            "[[type]]\nname = \"a\"\ncommand = [\"/bin/a\"]\n\n\
             [[type]]\nname = \"b\"\ncommand = [\"/bin/b\"]\ntimeout = \"10s\"\n\n\
             [[type]]\nname = \"c\"\nurl = \"https://h/\"\nheaders = { A = \"ONE\" }\n\n\
             [[type]]\nname = \"d\"\ncommand = [\"/bin/d\"]\n",
        );
        let after = of_file(
            "# A line more.\nlog_level = \"warn\"\n[[type]]\nname = \"d\"\ncommand = [\"/bin/d\"]\n\n\
             [[type]]\nname = \"b\"\ncommand = [\"/bin/b\", \"-x\"]\nqueue = \"q\"\n\n\
             [[type]]\nname = \"c\"\nurl = \"https://h/\"\nheaders = { A = \"TWO\" }\n\n\
             [[type]]\nname = \"e\"\ncommand = [\"/bin/e\"]\n",
        );
        let reload = before.reload(&after).unwrap();
        assert_eq!(
            lines(&reload.changed),
            [
                "log_level: info → warn",
                "type a: command [\"/bin/a\"], directory / → none",
                "type b, command: [\"/bin/b\"] → [\"/bin/b\", \"-x\"]",
                "type b, queue: none → q",
                "type b, timeout: 10s → none",
                "type c: url https://h/, headers A: ***, with another value where it is masked",
                "type e: none → command [\"/bin/e\"], directory /",
            ]
        );
        assert_eq!(reload.config.types, after.types);
        assert_eq!(reload.needs_restart, []);
    }

    #[test]
    fn a_value_that_nobody_could_write_is_refused() {
        let new = Config {
            submit_max: 5_000,
            ..Config::default()
        };
        let err = Config::default().reload(&new).unwrap_err();
        assert!(err.starts_with("submit_max: `5000` is above"), "{err}");
    }
}
