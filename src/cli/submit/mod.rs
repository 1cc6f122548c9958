//! `windlass submit`: jobs from flags, from a JSON document, or from a file with a job a line, to POST /submit.
//!
//! - [`job`]: one job, made of flags. [`document`]: one job or an array, as one request.
//! - [`lines`]: a file with a job a line, cut into pieces. [`load`]: sends piece after piece, and keeps the books.
//! - [`sender`]: sends one request, again and again while its outcome is unknown. [`bar`]: how far it has come.
//!
//! Every request carries an Idempotency-Key, so that one whose answer was lost is repeated and no job is doubled.

mod bar;
mod document;
mod job;
mod lines;
mod load;
mod sender;

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Exit;
use super::session::{self, Asking, Halt, Session};
use crate::config::Sources;
use crate::job::duration::parse_duration;

pub(super) use job::JobFlags;

/// The options of `windlass submit`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct Options {
    /// A file with a job or an array of jobs (.json), or with a job a line (.ndjson, .jsonl); `-` is standard input.
    #[arg(conflicts_with = "kind")]
    file: Option<PathBuf>,
    /// Read a job a line, whatever the file is called.
    #[arg(long, conflicts_with = "kind")]
    ndjson: bool,
    #[command(flatten)]
    job: JobFlags,
    /// Wait until the job has ended, for at most so long, and show it; the exit code is then 0 only if it succeeded.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "ndjson")]
    wait: Option<Duration>,
    /// Submit under this key: the same command with the same key submits nothing twice.
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    idempotency_key: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

const HELP: &str = "\
A document is taken whole or not at all. Of a file with a job a line, every line that is in order is taken, and every \
other is told with its number and reason; then the exit code is 1.

Examples:
  windlass submit --type sleep --payload '{\"seconds\":2}' --wait 30s
  windlass submit --type data --payload @pipeline.json --queue reports --delay 10m --tag nightly
  windlass submit jobs.ndjson
  jq -c '.orders[] | {type: \"order-paid\", payload: .}' orders.json | windlass submit --ndjson -";

/// Where the jobs come from.
enum Source {
    File(File, PathBuf),
    StandardInput,
}

/// Submits what was given.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| submit(session, options))
}

fn submit(session: &Session, options: &Options) -> Result<Exit, Halt> {
    if options.job.is_given() {
        let job = options.job.json().map_err(Halt::Usage)?;
        return document::submit(session, options, &job);
    }
    let source = Source::open(options.file.as_deref())?;
    if options.ndjson || options.file.as_deref().is_some_and(has_a_job_a_line) {
        if options.wait.is_some() {
            return Err(Halt::Usage("--wait goes with one job only".to_owned()));
        }
        return load::submit(session, options, source);
    }
    let text = document::read(source)?;
    document::submit(session, options, &text)
}

/// By its name.
fn has_a_job_a_line(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| matches!(ending.to_ascii_lowercase().as_str(), "ndjson" | "jsonl"))
}

impl Source {
    fn open(file: Option<&Path>) -> Result<Self, Halt> {
        match file {
            None if io::stdin().is_terminal() => Err(Halt::Usage(
                "nothing to submit: name a file, `-` for standard input, or a job with --type and --payload\n  \
                 `windlass submit --help` has examples"
                    .to_owned(),
            )),
            Some(path) if path != Path::new("-") => {
                let failed = |err| Halt::Failed(format!("cannot read {}: {err}", path.display()));
                let file = File::open(path).map_err(failed)?;
                if file.metadata().is_ok_and(|found| found.is_dir()) {
                    return Err(failed(io::ErrorKind::IsADirectory.into()));
                }
                Ok(Self::File(file, path.to_owned()))
            }
            None | Some(_) => Ok(Self::StandardInput),
        }
    }

    /// What messages call it.
    fn name(&self) -> String {
        match self {
            Self::File(_, path) => path.display().to_string(),
            Self::StandardInput => "stdin".to_owned(),
        }
    }

    /// Its length, where it is a file that has one.
    fn length(&self) -> Option<u64> {
        match self {
            Self::File(file, _) => {
                let found = file.metadata().ok().filter(|found| found.is_file())?;
                Some(found.len())
            }
            Self::StandardInput => None,
        }
    }

    fn reader(self) -> Box<dyn Read> {
        match self {
            Self::File(file, _) => Box::new(file),
            Self::StandardInput => Box::new(io::stdin()),
        }
    }
}
