//! The cron entries on Redis: [`Calendar`].

use super::RedisQueue;
use super::words::{accepted, add_job};
use crate::job::Timestamp;
use crate::queue::{Calendar, Entry, Fired, QueueError, Submission};

impl Calendar for RedisQueue {
    fn put(&self, name: &str, definition: &str) -> Result<bool, QueueError> {
        let script = &self.scripts.put;
        let mut command = self.command(script);
        command.arg(name).arg(definition);
        Ok(self.run(script, &command)?.int()? == 1)
    }

    fn remove(&self, name: &str) -> Result<bool, QueueError> {
        let script = &self.scripts.remove;
        let mut command = self.command(script);
        command.arg(name);
        Ok(self.run(script, &command)?.int()? == 1)
    }

    fn entries(&self) -> Result<Vec<Entry>, QueueError> {
        let script = &self.scripts.entries;
        let words = self.run(script, &self.command(script))?.texts()?;
        let mut entries = words
            .chunks_exact(2)
            .map(|pair| {
                read_entry(&pair[0], &pair[1])
                    .ok_or_else(|| QueueError::broken("entries", &pair[1]))
            })
            .collect::<Result<Vec<_>, _>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn fire(
        &self,
        name: &str,
        tick: Timestamp,
        submission: &Submission,
    ) -> Result<Fired, QueueError> {
        let [job] = &submission.jobs[..] else {
            return Err(QueueError::broken("fire", "a tick brings exactly one job"));
        };
        let script = &self.scripts.fire;
        let mut command = self.command(script);
        command.arg(name).arg(tick.as_micros());
        add_job(&mut command, None, job)?;
        let answer = self.run(script, &command)?.text()?;
        match answer.as_str() {
            "n" => Ok(Fired::NoEntry),
            "t" => Ok(Fired::Taken),
            letters => accepted(letters, [job.id].into_iter())
                .and_then(|accepted| accepted.first().copied())
                .map(Fired::Enqueued)
                .ok_or_else(|| QueueError::broken("fire", letters)),
        }
    }
}

/// A row of `schedules`: `<created at> <last tick or 0> <last job or ->\n<definition>`.
fn read_entry(name: &str, row: &str) -> Option<Entry> {
    let (head, definition) = row.split_once('\n')?;
    let mut words = head.split(' ');
    let created_at = Timestamp::from_micros(words.next()?.parse().ok()?);
    let last_tick: i64 = words.next()?.parse().ok()?;
    Some(Entry {
        name: name.to_owned(),
        definition: definition.to_owned(),
        created_at,
        last_tick: (last_tick != 0).then(|| Timestamp::from_micros(last_tick)),
        last_job: words.next()?.parse().ok(),
    })
}
