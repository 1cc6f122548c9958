//! The calendar on Redis: [`Calendar`].

use super::RedisQueue;
use super::words::{accepted, add_job, id};
use crate::job::{State, Timestamp};
use crate::queue::calendar::kept;
use crate::queue::{
    Accepted, Calendar, Change, Claim, ENTRIES_MAX, Entry, Fired, Passed, Put, QueueError, Turn,
};

impl Calendar for RedisQueue {
    fn put(&self, name: &str, change: &Change<'_>) -> Result<Put, QueueError> {
        let script = &self.scripts.put;
        let mut command = self.command(script);
        let revision = change.revision.map(|r| r.to_string());
        command
            .arg(name)
            .arg(revision.unwrap_or_default())
            .arg(change.definition)
            .arg(u8::from(change.enabled))
            .arg(u8::from(change.afresh))
            .arg(ENTRIES_MAX);
        match self.run(script, &command)?.text()?.as_str() {
            "d" => Ok(Put::Done),
            "c" => Ok(Put::Conflict),
            "f" => Ok(Put::TooMany),
            letter => Err(QueueError::broken("put", letter)),
        }
    }

    fn remove(&self, name: &str, revision: u64) -> Result<bool, QueueError> {
        let script = &self.scripts.remove;
        let mut command = self.command(script);
        command.arg(name).arg(revision.to_string());
        Ok(self.run(script, &command)?.int()? == 1)
    }

    fn entry(&self, name: &str) -> Result<Option<Entry>, QueueError> {
        let (mut entries, _) = self.read_entries(name, "one")?;
        Ok(entries.pop())
    }

    fn entries(&self) -> Result<Vec<Entry>, QueueError> {
        let (mut entries, mut more) = self.read_entries("", "all")?;
        while more {
            let last = entries.last().map_or("", |entry| entry.name.as_str());
            let (next, still) = self.read_entries(last, "all")?;
            entries.extend(next);
            more = still;
        }
        Ok(entries)
    }

    fn version(&self) -> Result<u64, QueueError> {
        let script = &self.scripts.version;
        let version = self.run(script, &self.command(script))?.int()?;
        u64::try_from(version).map_err(|err| QueueError::broken("version", err))
    }

    fn fire(&self, claim: &Claim<'_>) -> Result<Fired, QueueError> {
        let script = &self.scripts.fire;
        let mut command = self.command(script);
        let tick = claim.tick.map(|tick| tick.as_micros().to_string());
        command
            .arg(claim.name)
            .arg(claim.revision.to_string())
            .arg(tick.unwrap_or_default());
        let job = match &claim.turn {
            Turn::Job { job, alone } => {
                command.arg(if *alone { "a" } else { "j" }).arg("");
                add_job(&mut command, None, job)?;
                Some(job)
            }
            Turn::Pass(why) => {
                command.arg("p").arg(kept(why));
                None
            }
        };
        let mut reply = self.run(script, &command)?;
        let (now, answer) = (reply.now, reply.text()?);
        let broken = || QueueError::broken("fire", &answer);
        let rest = answer.get(1..).ok_or_else(broken)?;
        match (answer.as_bytes()[0], job) {
            (b'c', _) => Ok(Fired::Changed),
            (b'n', _) => Ok(Fired::Early),
            (b'p', _) => Ok(Fired::Passed),
            (b'l', _) => id("fire", rest).map(Fired::StillLive),
            (b't', _) => rest
                .parse()
                .map(|done| Fired::Taken(Timestamp::from_micros(done)))
                .map_err(|_| broken()),
            (b'r', Some(job)) => {
                let later = job.run_at.is_some_and(|at| at > now);
                let state = if later {
                    State::Scheduled
                } else {
                    State::Queued
                };
                Ok(Fired::Enqueued(Accepted::New(job.id, state)))
            }
            (_, Some(job)) => accepted(&answer, [job.id].into_iter())
                .and_then(|accepted| accepted.first().copied())
                .map(Fired::Enqueued)
                .ok_or_else(broken),
            (_, None) => Err(broken()),
        }
    }
}

impl RedisQueue {
    /// The entry `name`, or as many of those after it as fit into an answer, and whether there may be more.
    fn read_entries(&self, name: &str, which: &str) -> Result<(Vec<Entry>, bool), QueueError> {
        let script = &self.scripts.entries;
        let mut command = self.command(script);
        command.arg(name).arg(which);
        let mut reply = self.run(script, &command)?;
        let more = reply.int()? == 1;
        let entries = reply
            .texts()?
            .chunks_exact(2)
            .map(|pair| {
                read_entry(&pair[0], &pair[1])
                    .ok_or_else(|| QueueError::broken("entries", &pair[1]))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok((entries, more))
    }
}

/// A row of `schedules` (schedule.lua).
fn read_entry(name: &str, row: &str) -> Option<Entry> {
    let (head, rest) = row.split_once('\n')?;
    let (why, definition) = rest.split_once('\n')?;
    let mut words = head.split(' ');
    let revision = words.next()?.parse().ok()?;
    let enabled = words.next()? == "1";
    let mut instant = || Some(Timestamp::from_micros(words.next()?.parse().ok()?));
    let (created_at, done, last_at) = (instant()?, instant()?, instant()?);
    let last_job = words.next()?.parse().ok();
    let passed = Timestamp::from_micros(words.next()?.parse().ok()?);
    let given = |at: Timestamp| (at != Timestamp::default()).then_some(at);
    Some(Entry {
        name: name.to_owned(),
        revision,
        definition: definition.to_owned(),
        enabled,
        created_at,
        done,
        last_at: given(last_at),
        last_job,
        passed: given(passed).map(|tick| Passed {
            tick,
            why: why.to_owned(),
        }),
    })
}
