//! `windlass workers`: the daemons that share the work, and what each runs at present.

use clap::Args;
use serde::Deserialize;

use super::Exit;
use super::client::Asked;
use super::session::{self, Asking};
use super::terminal::Screen;
use super::terminal::table::{Cell, Column, Table};
use crate::config::Sources;

/// The options of `windlass workers`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Deserialize)]
struct Workers {
    nodes: Vec<Node>,
}

/// A daemon on the wire.
#[derive(Debug, Deserialize)]
struct Node {
    node: String,
    started_at: Option<String>,
    seen_at: Option<String>,
    #[serde(default)]
    threads: u64,
    #[serde(default)]
    busy: u64,
    #[serde(default)]
    running: Vec<Running>,
}

/// A job that runs.
#[derive(Debug, Deserialize)]
struct Running {
    id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    since: Option<String>,
}

/// Shows the daemons, and below them their jobs.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| {
        session.show(&Asked::get(&["workers"]), |answer| {
            let found: Workers = answer.read()?;
            Ok(nodes(&session.screen, &found.nodes) + &running(&session.screen, &found.nodes))
        })
    })
}

fn nodes(screen: &Screen, nodes: &[Node]) -> String {
    const COLUMNS: &[Column] = &[
        Column::text("NODE"),
        Column::number("THREADS"),
        Column::number("BUSY"),
        Column::text("STARTED"),
        Column::text("SEEN"),
    ];
    let row = |node: &Node| -> Vec<Cell> {
        vec![
            node.node.as_str().into(),
            node.threads.to_string().into(),
            node.busy.to_string().into(),
            screen.when(node.started_at.as_deref()).into(),
            screen.when(node.seen_at.as_deref()).into(),
        ]
    };
    let rows: Vec<_> = nodes.iter().map(row).collect();
    Table::new(COLUMNS).rows(screen, &rows)
}

fn running(screen: &Screen, nodes: &[Node]) -> String {
    const COLUMNS: &[Column] = &[
        Column::text("RUNNING"),
        Column::text("TYPE"),
        Column::text("NODE").spare(1),
        Column::text("SINCE"),
    ];
    let rows: Vec<Vec<Cell>> = nodes
        .iter()
        .flat_map(|node| node.running.iter().map(move |job| (node, job)))
        .map(|(node, job)| {
            vec![
                job.id.as_str().into(),
                job.kind.as_deref().unwrap_or("-").into(),
                node.node.as_str().into(),
                screen.when(job.since.as_deref()).into(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{}", Table::new(COLUMNS).rows(screen, &rows))
}
