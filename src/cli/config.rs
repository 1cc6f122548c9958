//! `windlass config`: every setting, its value (secrets masked), and where it was written.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::{Config, JobType, Loaded, Problem, Shown, Sources, Template};

use super::{Exit, complain, load, print};

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
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
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
    if options.json {
        return print_json(&loaded);
    }
    for warning in &loaded.warnings {
        complain(warning);
    }
    print(&(table(&loaded.shown) + &types(&loaded.config.types)))
}

/// A paragraph a job type of the file.
fn types(types: &[JobType]) -> String {
    let mut text = String::new();
    for entry in types {
        text.push_str(&format!("\n[[type]] {}  {}\n", entry.name, entry.place));
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
    types: Vec<BTreeMap<&'static str, String>>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    setting: &'a str,
    variable: &'a str,
    value: Option<&'a str>,
    source: String,
}

/// The keys of an entry that were written, as texts, and its place.
fn type_row(entry: &JobType) -> BTreeMap<&'static str, String> {
    let mut row: BTreeMap<_, _> = entry.shown().into_iter().collect();
    row.insert("name", entry.name.clone());
    row.insert("source", entry.place.to_string());
    row
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
        types: loaded.config.types.iter().map(type_row).collect(),
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
