//! `windlass cron explain`: an expression in words and in fires, with what daylight saving does to them. Asks no daemon.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::terminal::Screen;
use super::terminal::table::{Cell, Column, Table};
use super::terminal::{Look, when};
use super::{Exit, complain, print};
use crate::job::Timestamp;
use crate::schedule::cron::{Cron, Fire, Note, Rule, TimeZone};

/// The options of `windlass cron`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    act: Act,
}

/// What is done with expressions.
#[derive(Debug, Subcommand)]
enum Act {
    /// Say when an expression fires: in words, and its next fires.
    Explain(Explain),
}

#[derive(Debug, Args)]
struct Explain {
    /// The expression, in quotes: '30 2 * * Mon-Fri', '@daily', '@every 90s'.
    #[arg(value_name = "EXPRESSION")]
    cron: Cron,
    /// The time zone, by its name in the IANA database.
    #[arg(long = "tz", value_name = "ZONE", default_value_t = TimeZone::UTC)]
    zone: TimeZone,
    /// How many fires to show.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// Show the fires after this instant (RFC 3339); now, if it is left out. `@every` counts from there.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<Timestamp>,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// The answer for programs.
#[derive(Serialize)]
struct Answer<'a> {
    cron: &'a str,
    time_zone: &'a str,
    explanation: String,
    /// Whether it is an interval, for which the days of change have other rules.
    interval: bool,
    fires: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    at: String,
    local: String,
    /// `moved`, `once`, `again` or `after_jump`.
    note: Option<&'static str>,
    /// The first civil time that a jump skipped.
    skipped: Option<String>,
}

/// Does what was asked for.
pub(super) fn run(options: &Options) -> Exit {
    let Act::Explain(explain) = &options.act;
    let screen = Screen::of_process();
    let from = explain.from.unwrap_or(screen.now());
    let rule = Rule {
        cron: explain.cron.clone(),
        zone: explain.zone,
    };
    let fires: Vec<Fire> = rule.fires(from, from).take(explain.count.into()).collect();
    if explain.json {
        print_json(&rule, &fires)
    } else {
        print(&text(&screen, &rule, &fires, explain.count.into()))
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    when::instant(text)
        .ok_or_else(|| "write it like 2026-03-29T00:00:00Z or 2026-03-29T02:00:00+02:00".to_owned())
}

/// The words, the rule for days of change, and a line a fire.
fn text(screen: &Screen, rule: &Rule, fires: &[Fire], count: usize) -> String {
    let mut text = format!("{}, in {}\n", rule.cron.explain(), rule.zone);
    if let Some(kind) = days_of_change(rule) {
        text.push_str(&format!("{kind}\n"));
    }
    text.push('\n');
    let mut table = Table::new(&[
        Column::text("LOCAL"),
        Column::text("UTC"),
        Column::text("DAYLIGHT SAVING"),
    ]);
    let rows: Vec<Vec<Cell>> = fires.iter().map(|fire| row(rule, fire)).collect();
    if !rows.is_empty() {
        text.push_str(&table.rows(screen, &rows));
    }
    if fires.len() < count {
        let what = if fires.is_empty() {
            "no fire"
        } else {
            "no other"
        };
        text.push_str(&format!(
            "{what} before 2100, where the tables of time zones end\n"
        ));
    }
    text
}

/// What the days on which the clocks change have for a rule; nothing for one that reads no clocks that change.
fn days_of_change(rule: &Rule) -> Option<&'static str> {
    if rule.zone == TimeZone::UTC {
        return None;
    }
    match rule.cron.is_interval()? {
        true => Some(
            "An interval: times that the clocks skip are not made up, times that they show twice fire twice.",
        ),
        false => Some(
            "Fixed times: one that the clocks skip fires right after the jump, one that they show twice fires once.",
        ),
    }
}

fn row(rule: &Rule, fire: &Fire) -> Vec<Cell> {
    let local = rule.local(fire.at);
    let utc = local.with_timezone(&Utc);
    vec![
        Cell::from(local.format("%a %Y-%m-%d %H:%M:%S%.f %:z").to_string()),
        Cell::from(utc.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Cell::new(note(local, fire.note), Look::Warning),
    ]
}

/// What daylight saving did to a fire, in words.
fn note(local: DateTime<FixedOffset>, note: Option<Note>) -> String {
    // The day is told only where it is another: one zone has left out a whole day.
    let skipped = |time: NaiveDateTime| {
        let form = if time.date() == local.date_naive() {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        let shown = time.format(form).to_string();
        shown
            .strip_suffix(":00")
            .map(str::to_owned)
            .unwrap_or(shown)
    };
    match note {
        None => String::new(),
        Some(Note::Moved { from }) => format!("moved: the clocks skip {}", skipped(from)),
        Some(Note::Once) => "once: the clocks show this time twice".to_owned(),
        Some(Note::Again) => "again: the clocks show this time for the second time".to_owned(),
        Some(Note::After { skipped: time }) => {
            format!("not made up: the clocks skip {}", skipped(time))
        }
    }
}

fn print_json(rule: &Rule, fires: &[Fire]) -> Exit {
    let rows = fires.iter().map(|fire| {
        let (note, skipped) = match fire.note {
            None => (None, None),
            Some(Note::Moved { from }) => (Some("moved"), Some(from)),
            Some(Note::Once) => (Some("once"), None),
            Some(Note::Again) => (Some("again"), None),
            Some(Note::After { skipped }) => (Some("after_jump"), Some(skipped)),
        };
        Row {
            at: when::rfc3339(fire.at),
            local: rule
                .local(fire.at)
                .to_rfc3339_opts(SecondsFormat::AutoSi, false),
            note,
            skipped: skipped.map(|time| time.format("%Y-%m-%dT%H:%M:%S").to_string()),
        }
    });
    let answer = Answer {
        cron: rule.cron.as_str(),
        time_zone: rule.zone.name(),
        explanation: rule.cron.explain(),
        interval: rule.cron.is_interval() == Some(true),
        fires: rows.collect(),
    };
    match serde_json::to_string_pretty(&answer) {
        Ok(text) => print(&format!("{text}\n")),
        Err(err) => {
            complain(&err);
            Exit::Failed
        }
    }
}
