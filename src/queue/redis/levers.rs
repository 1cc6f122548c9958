//! What operators do, on Redis: [`Levers`].

use super::RedisQueue;
use super::words::id as read_id;
use crate::job::JobId;
use crate::queue::{Cancelled, Levers, MadeDue, QueueError, TICKETS_PER_CALL_MAX};

impl Levers for RedisQueue {
    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError> {
        let script = &self.scripts.cancel;
        let mut command = self.command(script);
        command.arg(id.to_string());
        match self.run(script, &command)?.text()?.as_str() {
            "ended" => Ok(Cancelled::Ended),
            "requested" => Ok(Cancelled::Requested),
            "late" => Ok(Cancelled::TooLate),
            "unknown" => Ok(Cancelled::Unknown),
            other => Err(QueueError::broken("cancel", other)),
        }
    }

    fn pause(&self, queue: &str, paused: bool) -> Result<(), QueueError> {
        let script = &self.scripts.pause;
        let mut command = self.command(script);
        command.arg(queue).arg(i32::from(paused));
        self.run(script, &command).map(drop)
    }
    fn make_due(&self, id: JobId) -> Result<MadeDue, QueueError> {
        let script = &self.scripts.make_due;
        let mut command = self.command(script);
        command.arg(id.to_string());
        match self.run(script, &command)?.text()?.as_str() {
            "now" => Ok(MadeDue::Now),
            "queued" => Ok(MadeDue::Queued),
            "running" => Ok(MadeDue::Running),
            "late" => Ok(MadeDue::TooLate),
            "unknown" => Ok(MadeDue::Unknown),
            other => Err(QueueError::broken("make_due", other)),
        }
    }

    fn purge(&self, queue: &str) -> Result<u64, QueueError> {
        let script = &self.scripts.purge;
        let mut command = self.command(script);
        command.arg(queue);
        let waiting = self.run(script, &command)?.count()?;
        Ok(u64::try_from(waiting).unwrap_or(u64::MAX))
    }

    fn retried(&self, ids: &[JobId]) -> Result<Vec<Option<JobId>>, QueueError> {
        let script = &self.scripts.retried;
        let mut retried = Vec::with_capacity(ids.len());
        for some in ids.chunks(TICKETS_PER_CALL_MAX) {
            let mut command = self.command(script);
            for id in some {
                command.arg(id.to_string());
            }
            let mut reply = self.run(script, &command)?;
            for _ in some {
                let text = reply.text()?;
                let id = (!text.is_empty()).then(|| read_id(script.call, &text));
                retried.push(id.transpose()?);
            }
        }
        Ok(retried)
    }

    fn forget_retry(&self, old: JobId, retry: JobId) -> Result<(), QueueError> {
        let script = &self.scripts.forget_retry;
        let mut command = self.command(script);
        command.arg(old.to_string()).arg(retry.to_string());
        self.run(script, &command).map(drop)
    }
}
