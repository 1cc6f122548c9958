//! `windlass jobs show`: everything about one job, for people.

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::value::RawValue;

use super::await_end;
use crate::cli::Exit;
use crate::cli::client::Asked;
use crate::cli::documents::{Attempt, Job, JobError, Progress};
use crate::cli::session::{Halt, Session, note};
use crate::cli::terminal::{Look, Screen, json, text, when};
use crate::job::duration::{parse_duration, written};

/// The options of `windlass jobs show`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The job.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
    /// Wait until it has ended, for at most so long; then the exit code is 0 only if it succeeded.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait: Option<Duration>,
}

/// Shows a job.
pub(super) fn run(session: &Session, options: &Options) -> Result<Exit, Halt> {
    let answer = match options.wait {
        Some(wait) => await_end(session, &options.id, wait)?,
        None => session.client.ask(&Asked::get(&["jobs", &options.id]))?,
    };
    let job: Job = answer.read()?;
    session.shown(&answer, |_| Ok(shown(&session.screen, &job)))?;
    Ok(options.wait.map_or(Exit::Fine, |wait| judged(&job, wait)))
}

/// The exit code of a command that waited for the end of a job, after a word about an end that did not come.
pub(in crate::cli) fn judged(job: &Job, wait: Duration) -> Exit {
    if !job.has_ended() {
        note(&format_args!(
            "job {} has not ended within {}; it is {}",
            text::one_line(&job.id),
            written(wait),
            text::one_line(job.state())
        ));
    }
    if job.has_succeeded() {
        Exit::Fine
    } else {
        Exit::Failed
    }
}

/// Everything about a job: a line a fact, then its payload, its result and its attempts.
pub(in crate::cli) fn shown(screen: &Screen, job: &Job) -> String {
    let mut page = Page::new(screen);
    let state = screen.paint(&text::one_line(job.state()), Look::of_state(job.state()));
    let id = screen.paint(&text::one_line(&job.id), Look::Heading);
    page.line(&format!("{id}  {state}"));
    page.fact("type", &job.kind);
    page.fact("queue", job.queue());
    if !job.tags.is_empty() {
        page.fact("tags", &job.tags.join(", "));
    }
    page.instant("created", job.created_at.as_deref());
    page.instant("run at", job.run_at.as_deref());
    page.instant("started", job.started_at.as_deref());
    page.instant("ended", job.ended_at.as_deref());
    let most = job.max_retries.saturating_add(1);
    page.fact("attempt", &format!("{} of at most {most}", job.attempt));
    for (name, id) in [("retry of", &job.retry_of), ("retried as", &job.retried_as)] {
        if let Some(id) = id {
            page.fact(name, id);
        }
    }
    if let Some(progress) = &job.progress {
        page.fact("progress", &progress_text(progress));
    }
    if let Some(error) = &job.error {
        page.error("error", error);
    }
    page.document("payload", job.payload.as_deref());
    page.document("result", job.result.as_deref());
    if !job.attempts.is_empty() {
        page.heading("attempts");
        job.attempts
            .iter()
            .for_each(|attempt| page.attempt(attempt));
    }
    page.text
}

fn progress_text(progress: &Progress) -> String {
    let number = |raw: &Option<Box<RawValue>>| raw.as_deref().map(|raw| raw.get().to_owned());
    let mut text = number(&progress.done).unwrap_or_else(|| "?".to_owned());
    if let Some(total) = number(&progress.total) {
        text.push_str(&format!(" of {total}"));
    }
    if let Some(note) = &progress.note {
        text.push_str(&format!(": {note}"));
    }
    text
}

/// Columns that the names of facts take.
const NAMES: usize = 12;

/// Text that grows line by line.
struct Page<'a> {
    screen: &'a Screen,
    text: String,
}

impl<'a> Page<'a> {
    fn new(screen: &'a Screen) -> Self {
        Self {
            screen,
            text: String::new(),
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn fact(&mut self, name: &str, value: &str) {
        self.line(&format!("{name:NAMES$}{}", text::one_line(value)));
    }

    fn instant(&mut self, name: &str, given: Option<&str>) {
        if let Some(given) = given {
            let when = self.screen.exactly_when(given);
            self.line(&format!("{name:NAMES$}{when}"));
        }
    }

    fn heading(&mut self, name: &str) {
        let heading = self.screen.paint(name, Look::Heading);
        self.line(&heading);
    }

    fn error(&mut self, name: &str, error: &JobError) {
        let indent = " ".repeat(NAMES);
        let whole = format!("{}: {}", error.kind, error.message);
        for (index, line) in text::lines(&whole).enumerate() {
            let shown = self.screen.paint(&line, Look::Bad);
            if index == 0 {
                self.line(&format!("{name:NAMES$}{shown}"));
            } else {
                self.line(&format!("{indent}{shown}"));
            }
        }
    }

    fn document(&mut self, name: &str, document: Option<&RawValue>) {
        let Some(document) = document else { return };
        self.heading(name);
        let width = self.screen.width().unwrap_or(100).saturating_sub(2);
        let laid_out = json::laid_out(&text::json(document.get()), width);
        laid_out
            .lines()
            .for_each(|line| self.line(&format!("  {line}")));
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let look = match attempt.outcome.as_str() {
            "succeeded" => Look::Good,
            "failed" | "timed_out" | "crashed" => Look::Bad,
            _ => Look::Faint,
        };
        let outcome = self.screen.paint(&text::one_line(&attempt.outcome), look);
        let began = attempt.started_at.as_deref().unwrap_or("-");
        let mut line = format!(
            "  {}  {outcome}  {}",
            attempt.attempt,
            text::one_line(began)
        );
        if let Some(took) =
            when::between(attempt.started_at.as_deref(), attempt.ended_at.as_deref())
        {
            line.push_str(&format!(", took {}", when::precise(took)));
        }
        line.push_str(&format!(", on {}", text::one_line(&attempt.node)));
        self.line(&line);
        if let Some(error) = &attempt.error {
            let whole = format!("{}: {}", error.kind, error.message);
            for shown in text::lines(&whole) {
                self.line(&format!("     {shown}"));
            }
        }
        for entry in &attempt.log {
            for shown in text::lines(entry) {
                let shown = self.screen.paint(&shown, Look::Faint);
                self.line(&format!("     | {shown}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    const DOCUMENT: &str = r#"{"id":"0190","type":"email","queue":"mail","state":"dead","tags":["a","b\u001b[2J"],
        "payload":{"n":12345678901234567890,"text":"\u001b[31m"},"created_at":"2026-11-24T07:42:06.123456Z",
        "run_at":null,"started_at":"2026-11-24T07:42:06.200000Z","ended_at":"2026-11-24T07:42:06.300000Z",
        "attempt":1,"max_retries":0,"result":null,"error":{"kind":"failed","message":"no route\nto host\u0007"},
        "progress":{"done":1,"total":3,"note":"first"},"retry_of":null,"retried_as":"0191","something":"new",
        "attempts":[{"attempt":1,"started_at":"2026-11-24T07:42:06.200000Z","ended_at":"2026-11-24T07:42:06.300000Z",
        "outcome":"failed","error":{"kind":"failed","message":"no route"},"node":"host:1","log":["trying\u001b]0;x\u0007"]}]}"#;

    #[test]
    fn a_job_is_shown_whole_and_cannot_write_to_the_terminal() {
        let job: Job = serde_json::from_str(DOCUMENT).expect("a job");
        let now = when::instant("2026-11-24T07:45:06.300000Z").expect("an instant");
        let expected = r#"0190  dead
type        email
queue       mail
tags        a, b\u001b[2J
created     2026-11-24T07:42:06.123456Z (3m ago)
started     2026-11-24T07:42:06.200000Z (3m ago)
ended       2026-11-24T07:42:06.300000Z (3m ago)
attempt     1 of at most 1
retried as  0191
progress    1 of 3: first
error       failed: no route
            to host\u0007
payload
  {"n":12345678901234567890,"text":"\u001b[31m"}
attempts
  1  failed  2026-11-24T07:42:06.200000Z, took 100ms, on host:1
     failed: no route
     | trying\u001b]0;x\u0007
"#;
        assert_eq!(shown(&Screen::plain(80, now), &job), expected);
        let narrow = shown(&Screen::plain(30, now), &job);
        assert!(
            narrow.contains("\n  {\n    \"n\": 12345678901234567890,\n"),
            "{narrow}"
        );
        let coloured = shown(
            &Screen::plain(80, Timestamp::from_micros(0)).coloured(),
            &job,
        );
        assert!(coloured.contains("\x1b[31mdead\x1b[0m"), "{coloured}");
        let bare: Job =
            serde_json::from_str(r#"{"id":"1","state":null,"queue":null}"#).expect("a job");
        assert!(shown(&Screen::pipe(), &bare).starts_with("1  -\n"));
    }
}
