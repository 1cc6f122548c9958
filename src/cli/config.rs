//! `windlass config`: every setting, its value (secrets masked), and where it was written.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::{Config, Listed, Loaded, Problem, Shown, Sources, Template};
use crate::terms::Terms;

use super::{Exit, OwnTypes, complain, load, print, registry};

/// The options of `windlass config`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    /// Print a file to begin from instead, with every setting at its default.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["json", "reference"])]
    template: Option<Kind>,
    /// Print the table of all settings, as the README has it, instead.
    #[arg(long, conflicts_with = "json")]
    reference: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// windlass.toml
    Toml,
    /// windlass.env, for systemd
    Env,
}

/// Prints what was asked for; wrong settings are all told on standard error.
pub(super) fn run(options: &Options, sources: &Sources, own: OwnTypes<'_>) -> Exit {
    match options.template {
        Some(Kind::Toml) => return print(&Template::Toml.text()),
        Some(Kind::Env) => return print(&Template::Env.text()),
        None => {}
    }
    if options.reference {
        return print(&Config::reference_table());
    }
    let loaded = match load(sources) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if let Err(exit) = can_start(&loaded.config, own) {
        return exit;
    }
    if options.json {
        return print_json(&loaded);
    }
    for warning in &loaded.warnings {
        complain(warning);
    }
    let (types, schedules) = (&loaded.config.types, &loaded.config.schedules);
    print(&(table(&loaded.shown) + &entries(types) + &entries(schedules)))
}

/// Looks at what only the handlers can tell, as a start does: what their settings are, which payloads they take.
fn can_start(config: &Config, own: OwnTypes<'_>) -> Result<(), Exit> {
    let registry = registry(config, own)?;
    match Terms::new(config.clone(), registry) {
        Ok(_) => Ok(()),
        Err(problems) => {
            complain(&problems);
            Err(Exit::Configuration)
        }
    }
}

/// A paragraph an entry of the file.
fn entries<E: Listed>(entries: &[E]) -> String {
    let mut text = String::new();
    for entry in entries {
        let (head, name, place) = (E::HEAD, entry.name(), entry.place());
        text.push_str(&format!("\n[[{head}]] {name}  {place}\n"));
        for (key, value) in entry.shown() {
            text.push_str(&format!("  {key}  {value}\n"));
        }
    }
    text
}

/// Three columns, each as wide as it must be.
fn table(shown: &[Shown]) -> String {
    let value = |row: &Shown| row.value.clone().unwrap_or_else(|| "(not set)".to_owned());
    let width = |of: &dyn Fn(&Shown) -> usize| shown.iter().map(of).max().unwrap_or(0);
    let names = width(&|row| row.setting.len());
    let values = width(&|row| value(row).chars().count());
    shown
        .iter()
        .map(|row| {
            let value = value(row);
            format!("{:names$}  {value:values$}  {}\n", row.setting, row.place)
        })
        .collect()
}

#[derive(Serialize)]
struct Answer<'a> {
    settings: Vec<Row<'a>>,
    types: Vec<Entry>,
    schedules: Vec<Entry>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    setting: &'a str,
    variable: &'a str,
    value: Option<&'a str>,
    source: String,
}

/// The keys of an entry, as texts, its name and its place.
type Entry = BTreeMap<&'static str, String>;

fn entry_rows<E: Listed>(entries: &[E]) -> Vec<Entry> {
    let row = |entry: &E| {
        let mut row: Entry = entry.shown().into_iter().collect();
        row.insert("name", entry.name().to_owned());
        row.insert("source", entry.place().to_string());
        row
    };
    entries.iter().map(row).collect()
}

fn print_json(loaded: &Loaded) -> Exit {
    let answer = Answer {
        settings: loaded
            .shown
            .iter()
            .map(|row| Row {
                setting: row.setting,
                variable: &row.variable,
                value: row.value.as_deref(),
                source: row.place.to_string(),
            })
            .collect(),
        types: entry_rows(&loaded.config.types),
        schedules: entry_rows(&loaded.config.schedules),
        warnings: loaded.warnings.iter().map(Problem::to_string).collect(),
    };
    match serde_json::to_string_pretty(&answer) {
        Ok(text) => print(&format!("{text}\n")),
        Err(err) => {
            complain(&err);
            Exit::Failed
        }
    }
}
