//! The command line: what was typed goes to one command, and its end becomes an exit code.
//!
//! A command is one file of this module with a `run`, one variant of `Command` and one arm of `run` below.
//!
//! | exit code | means |
//! | --- | --- |
//! | 0 | fine |
//! | 1 | it failed; the message says why |
//! | 2 | the command line was not understood |
//! | 70 | the daemon is broken inside and should be started again |
//! | 78 | the configuration is wrong; starting again will not help |

mod bench;
mod client;
mod completions;
mod config;
mod cron;
mod demo;
mod dev;
mod documents;
mod exit;
mod host;
mod jobs;
mod queues;
mod schedules;
mod serve;
mod session;
mod signals;
mod stats;
mod submit;
mod terminal;
mod types;
mod workers;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Loaded, Sources};
use crate::handlers::Registry;
use crate::{daemon, handlers};

pub use exit::Exit;

/// Runs background jobs: give it work over HTTP, it runs it, retries what fails, and keeps every result.
#[derive(Debug, Parser)]
#[command(name = "windlass", version)]
struct Line {
    /// Read the settings of this file instead of /etc/windlass/windlass.toml.
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon; also what happens without a command.
    Serve,
    /// Run a daemon for trying things out: no servers, everything under ./.windlass, mail caught as files.
    Dev,
    /// Watch real jobs run to their end in a throw-away daemon.
    Demo(demo::Options),
    /// Submit jobs: one from its flags, or those of a file.
    Submit(submit::Options),
    /// List, show, cancel, retry, run and delete jobs.
    Jobs(jobs::Options),
    /// List, pause, resume and purge queues.
    Queues(queues::Options),
    /// List, show, make, run, enable, disable, delete and preview schedules.
    Schedules(schedules::Options),
    /// Show the daemons that share the work, and what they run.
    Workers(workers::Options),
    /// Count the jobs: those that live, and those that ever ended.
    Stats(stats::Options),
    /// List the job types that the daemon runs.
    Types(types::Options),
    /// Say when cron expressions fire.
    Cron(cron::Options),
    /// Measure what a job costs here.
    Bench(bench::Options),
    /// Show every setting, its value, and where it was written.
    Config(config::Options),
    /// Print the completions of a shell, to be loaded by it.
    Completions(completions::Options),
}

/// Adds the job types of a program's own to those that come with Windlass; what it lacks for that ends the start.
type OwnTypes<'a> = &'a dyn Fn(&Config, &mut Registry) -> Result<(), String>;

/// Runs the command of this process' command line to its end.
#[must_use]
pub fn main() -> ExitCode {
    main_with(|_, _| Ok(()))
}

/// The same for a `main` of your own: a whole `windlass`, with every command, that runs your job types too.
///
/// ```no_run
/// # use windlass::handlers::probe::Noop as Divide;
/// fn main() -> std::process::ExitCode {
///     windlass::cli::main_with(|_config, registry| {
///         registry.add(Divide);
///         Ok(())
///     })
/// }
/// ```
///
/// What `own` answers when it cannot add a type (a setting is missing, say) is shown, and ends the program with exit code
/// 78.
#[must_use]
pub fn main_with(own: impl Fn(&Config, &mut Registry) -> Result<(), String>) -> ExitCode {
    run(std::env::args_os(), own).into()
}

/// The same for a command line that comes from elsewhere: the program's name, then its arguments.
pub fn run(
    line: impl IntoIterator<Item = OsString>,
    own: impl Fn(&Config, &mut Registry) -> Result<(), String>,
) -> Exit {
    // For Redis and PostgreSQL that are reached without a daemon.
    daemon::choose_tls();
    match Line::try_parse_from(line) {
        Ok(line) => obey(line, &own),
        Err(err) => not_a_command(&err),
    }
}

fn obey(line: Line, own: OwnTypes<'_>) -> Exit {
    let sources = Sources::of_process(line.config);
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&sources, own),
        Command::Dev => dev::run(sources, own),
        Command::Demo(options) => demo::run(&options),
        Command::Submit(options) => submit::run(&options, &sources),
        Command::Jobs(options) => jobs::run(&options, &sources),
        Command::Queues(options) => queues::run(&options, &sources),
        Command::Schedules(options) => schedules::run(&options, &sources),
        Command::Workers(options) => workers::run(&options, &sources),
        Command::Stats(options) => stats::run(&options, &sources),
        Command::Types(options) => types::run(&options, &sources),
        Command::Cron(options) => cron::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Config(options) => config::run(&options, &sources, own),
        Command::Completions(options) => completions::run(&options),
    }
}

/// The handlers that come with Windlass and the program's own, or what they lack.
fn registry(config: &Config, own: OwnTypes<'_>) -> Result<Registry, Exit> {
    let made = handlers::builtin(config).and_then(|mut registry| {
        own(config, &mut registry)?;
        Ok(registry)
    });
    made.map_err(|problem| {
        complain(&problem);
        Exit::Configuration
    })
}

/// Reads the settings, or says everything that is wrong with them.
fn load(sources: &Sources) -> Result<Loaded, Exit> {
    Config::load(sources).map_err(|problems| {
        complain(&problems);
        Exit::Configuration
    })
}

/// Says what went wrong, on standard error.
fn complain(what: &dyn fmt::Display) {
    // Whoever closed standard error does not want to be told.
    writeln!(io::stderr(), "windlass: {what}").ok();
}

/// Writes the answer of a command to standard output. A reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Fine,
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(err) => {
            complain(&format_args!("cannot write to standard output: {err}"));
            Exit::Failed
        }
    }
}

/// The end of a command line that names nothing to do: help and version are fine, anything else is not.
fn not_a_command(err: &clap::Error) -> Exit {
    // Whoever closed the output does not want to be told.
    err.print().ok();
    if err.use_stderr() {
        Exit::Usage
    } else {
        Exit::Fine
    }
}
