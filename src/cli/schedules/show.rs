//! Shows schedules, and when they fire.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::Exit;
use crate::cli::client::Asked;
use crate::cli::session::{Halt, Session};
use crate::cli::terminal::table::{Cell, Column, Table};
use crate::cli::terminal::{Look, Screen, json, text};

/// The options of `windlass schedules preview`.
#[derive(Debug, Args)]
pub(super) struct Preview {
    /// The schedule.
    #[arg(value_name = "SCHEDULE", value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// How many fires.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,
    /// Those after this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
}

/// A schedule on the wire.
#[derive(Debug, Deserialize)]
pub(super) struct Schedule {
    pub name: String,
    pub cron: String,
    pub time_zone: Option<String>,
    pub job: Option<Box<RawValue>>,
    pub catch_up: Option<String>,
    pub overlap: Option<String>,
    #[serde(default)]
    pub enabled: bool,
    pub next_at: Option<String>,
    pub last_at: Option<String>,
    pub last_job: Option<String>,
    pub source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Schedules {
    schedules: Vec<Schedule>,
}

#[derive(Debug, Deserialize)]
struct Fires {
    fires: Vec<String>,
}

/// Lists them.
pub(super) fn list(session: &Session) -> Result<Exit, Halt> {
    session.show(&Asked::get(&["schedules"]), |answer| {
        let found: Schedules = answer.read()?;
        Ok(table(&session.screen, &found.schedules))
    })
}

/// Shows one.
pub(super) fn one(session: &Session, name: &str) -> Result<Exit, Halt> {
    session.show(&Asked::get(&["schedules", name]), |answer| {
        Ok(shown(&session.screen, &answer.read()?))
    })
}

/// Tells when one fires.
pub(super) fn preview(session: &Session, options: &Preview) -> Result<Exit, Halt> {
    let asked = Asked::get(&["schedules", &options.name, "preview"])
        .with("count", &options.count.to_string())
        .with_some("from", options.from.as_deref());
    session.show(&asked, |answer| {
        let found: Fires = answer.read()?;
        let fires = found.fires.iter();
        Ok(fires
            .map(|fire| format!("{}\n", session.screen.exactly_when(fire)))
            .collect())
    })
}

const COLUMNS: &[Column] = &[
    Column::text("NAME"),
    Column::text("CRON"),
    Column::text("TIME ZONE").spare(2),
    Column::text("TYPE").spare(1),
    Column::text("NEXT"),
    Column::text("LAST").spare(3),
    Column::text("SOURCE").spare(4),
    Column::text("STATUS"),
];

fn table(screen: &Screen, schedules: &[Schedule]) -> String {
    let row = |schedule: &Schedule| -> Vec<Cell> {
        vec![
            schedule.name.as_str().into(),
            schedule.cron.as_str().into(),
            schedule.time_zone.as_deref().unwrap_or("-").into(),
            kind(schedule).into(),
            screen.when(schedule.next_at.as_deref()).into(),
            screen.when(schedule.last_at.as_deref()).into(),
            schedule.source.as_deref().unwrap_or("-").into(),
            if schedule.enabled {
                Cell::new("enabled", Look::Good)
            } else {
                Cell::new("disabled", Look::Faint)
            },
        ]
    };
    let rows: Vec<_> = schedules.iter().map(row).collect();
    Table::new(COLUMNS).rows(screen, &rows)
}

fn kind(schedule: &Schedule) -> String {
    #[derive(Deserialize)]
    struct Kind {
        r#type: String,
    }
    let job = schedule.job.as_deref().map_or("null", RawValue::get);
    serde_json::from_str::<Kind>(job).map_or_else(|_| "-".to_owned(), |job| job.r#type)
}

/// A line a fact, then the job.
pub(super) fn shown(screen: &Screen, schedule: &Schedule) -> String {
    let status = match schedule.enabled {
        true => screen.paint("enabled", Look::Good),
        false => screen.paint("disabled", Look::Faint),
    };
    let name = screen.paint(&text::one_line(&schedule.name), Look::Heading);
    let mut lines = vec![format!("{name}  {status}")];
    let facts = [
        ("cron", Some(&schedule.cron)),
        ("time zone", schedule.time_zone.as_ref()),
        ("catch up", schedule.catch_up.as_ref()),
        ("overlap", schedule.overlap.as_ref()),
        ("source", schedule.source.as_ref()),
        ("last job", schedule.last_job.as_ref()),
    ];
    for (name, value) in facts {
        lines.extend(value.map(|value| format!("{name:12}{}", text::one_line(value))));
    }
    for (name, at) in [("next", &schedule.next_at), ("last", &schedule.last_at)] {
        lines.extend(
            at.as_ref()
                .map(|at| format!("{name:12}{}", screen.exactly_when(at))),
        );
    }
    if let Some(job) = &schedule.job {
        let width = screen.width().unwrap_or(100).saturating_sub(2);
        lines.push(screen.paint("job", Look::Heading));
        let job = json::laid_out(&text::json(job.get()), width);
        lines.extend(job.lines().map(|line| format!("  {line}")));
    }
    lines.join("\n") + "\n"
}
