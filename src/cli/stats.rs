//! `windlass stats`: how many jobs there are, and how many there were.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;

use super::Exit;
use super::client::Asked;
use super::session::{self, Asking};
use super::terminal::Screen;
use super::terminal::table::{Cell, Column, Table};
use crate::config::Sources;
use crate::job::State;

/// The options of `windlass stats`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Deserialize)]
struct Stats {
    states: BTreeMap<String, u64>,
    outbox: Option<u64>,
}

/// Shows the numbers.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| {
        session.show(&Asked::get(&["stats"]), |answer| {
            Ok(table(&session.screen, &answer.read()?))
        })
    })
}

/// In the order of a job's life, and then what it waits in once more.
fn table(screen: &Screen, stats: &Stats) -> String {
    let columns = [Column::text("STATE"), Column::number("JOBS")];
    let known = State::ALL.iter().filter_map(|state| {
        let count = stats.states.get(state.as_str())?;
        Some(vec![Cell::state(state.as_str()), count.to_string().into()])
    });
    let mut rows: Vec<Vec<Cell>> = known.collect();
    if let Some(outbox) = stats.outbox {
        rows.push(vec!["(to be recorded)".into(), outbox.to_string().into()]);
    }
    Table::new(&columns).rows(screen, &rows)
}
