//! `windlass bench`: what a job costs here, beside what Redis itself can do in the same run.
//!
//! It brings its own servers in a throw-away folder and leaves nothing behind. Figures of a small or shared machine are
//! for comparing within one run.

mod drain;
mod servers;
mod submit;

use clap::{Args, Subcommand, ValueEnum};

use super::{Exit, complain, print};

/// The options of `windlass bench`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    measure: Measure,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum Measure {
    /// Jobs that wait are taken, run and settled as fast as it goes; then recorded.
    Drain(Common),
    /// Jobs come in over HTTP: one by one on 1 and 32 connections, and in arrays.
    Submit(Common),
}

/// What both measures want to know.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Which engine: a private redis-server (found on PATH), or the embedded one.
    #[arg(long, value_enum, default_value = "redis")]
    engine: EngineKind,
    /// How many jobs.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    jobs: u64,
    /// Bytes of each payload.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(20..=100_000))]
    payload: u64,
    /// Worker threads.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1024))]
    workers: u64,
    /// Record to this PostgreSQL as well (postgres://...), with --engine redis.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineKind {
    /// A private redis-server without persistence.
    Redis,
    /// SQLite.
    Embedded,
}

/// Measures and prints.
pub(super) fn run(options: &Options) -> Exit {
    let measured = match &options.measure {
        Measure::Drain(common) => drain::measure(common),
        Measure::Submit(common) => submit::measure(common),
    };
    match measured {
        Ok(()) => Exit::Fine,
        Err(problem) => {
            complain(&problem);
            Exit::Failed
        }
    }
}

/// A payload of so many bytes.
fn payload(bytes: u64) -> String {
    let frame = r#"{"filler":""}"#.len();
    let fill = usize::try_from(bytes).unwrap_or(0).saturating_sub(frame);
    format!(r#"{{"filler":"{}"}}"#, "x".repeat(fill))
}

/// One line of the table.
fn row(what: &str, figure: &str) {
    // Whoever closed standard output does not want to be told.
    print(&format!("{what:<44} {figure}\n"));
}

/// Things a second.
fn rate(count: u64, took: std::time::Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let count = count as f64;
    count / took.as_secs_f64().max(1e-9)
}

/// Microseconds for each of `count` things.
fn each(spent: std::time::Duration, count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let micros = spent.as_secs_f64() * 1e6 / count as f64;
    format!("{micros:.1} us")
}
