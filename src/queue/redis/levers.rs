//! What operators do, on Redis: [`Levers`].

use super::RedisQueue;
use crate::job::JobId;
use crate::queue::{Cancelled, Levers, QueueError};

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
}
