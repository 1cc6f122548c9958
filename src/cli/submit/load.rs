//! Submits a file with a job a line: every line that is in order is accepted, every other told with its number and reason.
//!
//! A piece goes out as an array, which is taken whole or not at all. Where the daemon names wrong lines, they are taken
//! out and the rest is sent; where it does not, the piece is halved until it is one line. The key of a request is that of
//! the load and the number of its first line, so the same load under the same key finds each of its pieces again.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::bar::Bar;
use super::lines::{Line, PIECE_LINES_MAX, Pieces};
use super::sender::{GivenUp, Repeat, Submission, fresh_key};
use super::{Options, Source};
use crate::cli::Exit;
use crate::cli::client::trouble::{Pointed, Refusal};
use crate::cli::session::{Halt, Session, note};
use crate::cli::terminal::{text, when};

/// Submits what `source` holds.
pub(super) fn submit(session: &Session, options: &Options, source: Source) -> Result<Exit, Halt> {
    let length = source.length();
    let name = text::one_line(&source.name()).into_owned();
    let own_key = options.idempotency_key.clone();
    // Under a key that comes again, pieces must not depend on how fast the lines came.
    let is_prompt = length.is_none() && own_key.is_none();
    let mut load = Load {
        session,
        key: own_key.unwrap_or_else(fresh_key),
        bar: Bar::new(length),
        most: PIECE_LINES_MAX,
        accepted: 0,
        refused: 0,
        is_reader_gone: false,
        name,
    };
    let began = Instant::now();
    let mut pieces = Pieces::new(source.reader(), is_prompt);
    let ended = loop {
        let piece = match pieces.next() {
            Ok(piece) if piece.is_empty() => break Ok(()),
            Ok(piece) => piece,
            Err(err) => {
                let (name, line) = (&load.name, pieces.lines() + 1);
                break Err(Halt::Failed(format!(
                    "cannot read {name} at line {line}: {err}"
                )));
            }
        };
        if let Err(halt) = load.piece(&piece) {
            break Err(halt);
        }
        load.bar.show(pieces.bytes(), load.accepted, load.refused);
    };
    load.bar.finish();
    load.sum_up(began.elapsed())?;
    ended?;
    if load.accepted + load.refused == 0 {
        return Err(Halt::Failed(format!("{} holds no job", load.name)));
    }
    Ok(if load.refused == 0 {
        Exit::Fine
    } else {
        Exit::Failed
    })
}

/// A load under way.
struct Load<'a> {
    session: &'a Session,
    key: String,
    name: String,
    bar: Bar,
    /// Most lines of a request, as far as we know the daemon.
    most: usize,
    accepted: u64,
    refused: u64,
    is_reader_gone: bool,
}

/// What became of a line: the daemon's receipt, or why it was refused.
type Fate = Result<Box<RawValue>, Reason>;

/// Why a line was refused.
struct Reason {
    /// For people.
    words: String,
    /// For programs: a problem document.
    document: String,
}

/// The answer to an array.
#[derive(Deserialize)]
struct Receipts {
    jobs: Vec<Box<RawValue>>,
}

impl Load<'_> {
    fn piece(&mut self, piece: &[Line]) -> Result<(), Halt> {
        let mut fates: Vec<Option<Fate>> = Vec::with_capacity(piece.len());
        for line in piece {
            let wrong = line.text.as_ref().err();
            fates.push(wrong.map(|what| Err(Reason::malformed(what))));
        }
        let sent = self.send_all(piece, &mut fates);
        for (line, fate) in piece.iter().zip(fates) {
            if let Some(fate) = fate {
                self.tell(line.number, &fate)?;
            }
        }
        sent.map_err(|(given_up, first, last)| self.stopped(&given_up, first, last))
    }

    /// Sends all lines that have no fate yet. Stops with the numbers of the lines whose request was given up.
    fn send_all(
        &mut self,
        piece: &[Line],
        fates: &mut [Option<Fate>],
    ) -> Result<(), (GivenUp, u64, u64)> {
        let waiting: Vec<usize> = (0..piece.len()).filter(|&at| fates[at].is_none()).collect();
        let mut groups: VecDeque<Vec<usize>> =
            waiting.chunks(self.most).map(<[usize]>::to_vec).collect();
        while let Some(group) = groups.pop_front() {
            let (Some(&first), Some(&last)) = (group.first(), group.last()) else {
                continue;
            };
            match self.send(piece, &group) {
                Ok(receipts) => {
                    for (&at, receipt) in group.iter().zip(receipts) {
                        fates[at] = Some(Ok(receipt));
                    }
                }
                Err(given_up) => {
                    let Some(refusal) = given_up.trouble.refusal().filter(|r| is_of_lines(r))
                    else {
                        return Err((given_up, piece[first].number, piece[last].number));
                    };
                    for group in self.apart(group, refusal, fates).into_iter().rev() {
                        groups.push_front(group);
                    }
                }
            }
        }
        Ok(())
    }

    fn send(&self, piece: &[Line], group: &[usize]) -> Result<Vec<Box<RawValue>>, GivenUp> {
        let texts = group
            .iter()
            .filter_map(|&at| piece[at].text.as_deref().ok());
        let body = format!("[{}]", texts.collect::<Vec<_>>().join(","));
        let first = group.first().map_or(0, |&at| piece[at].number);
        let submission = Submission {
            body: &body,
            key: &format!("{}/{first}", self.key),
            wait: Duration::ZERO,
            repeat: Repeat::WhateverMayPass,
        };
        let say = |what: &dyn fmt::Display| self.bar.aside(|| note(what));
        let answer = submission.send(self.session, say)?;
        let receipts = answer.read::<Receipts>().and_then(|found| {
            // A receipt a job, or nobody knows which is whose.
            if found.jobs.len() == group.len() {
                Ok(found.jobs)
            } else {
                Err(answer.strange("another number of jobs than was sent"))
            }
        });
        receipts.map_err(|trouble| GivenUp {
            trouble,
            is_unknown: true,
        })
    }

    /// What is still to be sent of a group that was refused: the lines that the refusal does not name, or its halves.
    fn apart(
        &mut self,
        mut group: Vec<usize>,
        refusal: &Refusal,
        fates: &mut [Option<Fate>],
    ) -> Vec<Vec<usize>> {
        let mut named: Vec<Vec<Pointed>> = group.iter().map(|_| Vec::new()).collect();
        for error in &refusal.problem.errors {
            let Some((index, rest)) = split_pointer(&error.pointer) else {
                continue;
            };
            if let Some(errors) = named.get_mut(index) {
                errors.push(Pointed {
                    pointer: rest.to_owned(),
                    detail: error.detail.clone(),
                });
            }
        }
        if named.iter().all(Vec::is_empty) {
            if let [only] = group[..] {
                fates[only] = Some(Err(Reason::refused(refusal)));
                return Vec::new();
            }
            let half = group.split_off(group.len().div_ceil(2));
            self.most = self.most.min(group.len());
            return vec![group, half];
        }
        let mut rest = Vec::new();
        for (at, errors) in group.into_iter().zip(named) {
            if errors.is_empty() {
                rest.push(at);
            } else {
                fates[at] = Some(Err(Reason::wrong(refusal, &errors)));
            }
        }
        vec![rest]
    }

    /// Counts a line, and tells what became of it: programs always, people only of what was refused.
    fn tell(&mut self, number: u64, fate: &Fate) -> Result<(), Halt> {
        match fate {
            Ok(_) => self.accepted += 1,
            Err(_) => self.refused += 1,
        }
        if self.session.json {
            let line = match fate {
                Ok(receipt) => receipt.get().to_owned(),
                Err(reason) => format!("{{\"error\":{}}}", reason.document),
            };
            return self.print(|session| session.document(&line));
        }
        if let Err(reason) = fate {
            let name = &self.name;
            self.bar
                .aside(|| note(&format_args!("{name}:{number}: {}", reason.words)));
        }
        Ok(())
    }

    /// Prints past the bar. A reader that has gone does not end the load: the jobs are no less wanted.
    fn print(&mut self, print: impl FnOnce(&Session) -> Result<(), Halt>) -> Result<(), Halt> {
        if self.is_reader_gone {
            return Ok(());
        }
        match self.bar.aside(|| print(self.session)) {
            Err(Halt::ReaderGone) => {
                self.is_reader_gone = true;
                Ok(())
            }
            printed => printed,
        }
    }

    fn stopped(&self, given_up: &GivenUp, first: u64, last: u64) -> Halt {
        let fate = if given_up.is_unknown {
            "it is unknown whether they were accepted"
        } else {
            "none of them was accepted"
        };
        Halt::Failed(format!(
            "{}\n  stopped at lines {first} to {last} of {}: {fate}\n  \
             to go on, run it again with --idempotency-key {}: what was accepted is not accepted twice",
            given_up.trouble, self.name, self.key
        ))
    }

    fn sum_up(&mut self, took: Duration) -> Result<(), Halt> {
        let (accepted, refused) = (self.accepted, self.refused);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let rate = accepted as f64 / took.as_secs_f64().max(1e-3);
        let took = when::precise(took);
        let line =
            format!("{accepted} accepted, {refused} refused, in {took} ({rate:.0} a second)");
        if self.session.json {
            note(&line);
            return Ok(());
        }
        self.print(|session| session.print(&format!("{line}\n")))
    }
}

/// Whether a refusal speaks of what was sent, and not of who sends it or of the daemon.
fn is_of_lines(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400 | 413 | 422)
        && refusal.problem.kind != "urn:windlass:idempotency-key-reused"
}

/// `/12/payload/to` is `/payload/to` of the twelfth.
fn split_pointer(pointer: &str) -> Option<(usize, &str)> {
    let rest = pointer.strip_prefix('/')?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((rest[..end].parse().ok()?, &rest[end..]))
}

impl Reason {
    fn malformed(what: &str) -> Self {
        let document = json!({
            "type": "urn:windlass:malformed", "title": "The request is malformed", "status": 400, "detail": what});
        Self {
            words: what.to_owned(),
            document: document.to_string(),
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        Self {
            words: refusal.to_string(),
            document: refusal.text.clone(),
        }
    }

    /// The wrong fields of one line, as the daemon would have told them of that line alone.
    fn wrong(refusal: &Refusal, errors: &[Pointed]) -> Self {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            errors: &'a [Pointed],
        }
        let words: Vec<String> = errors.iter().map(Pointed::to_string).collect();
        let words = words.join("; ");
        let document = Document {
            r#type: &refusal.problem.kind,
            title: &refusal.problem.title,
            status: refusal.status,
            detail: &words,
            errors,
        };
        // Nothing in it is beyond JSON.
        let document = serde_json::to_string(&document).unwrap_or_default();
        Self { words, document }
    }
}
