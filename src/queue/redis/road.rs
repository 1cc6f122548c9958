//! The road of a job on Redis: [`Queue`].

use std::time::{Duration, Instant};

use ::redis::Cmd;

use super::connections::meaning;
use super::scripts::{Reply, Script};
use super::words::{
    Granted, add_job, add_settlement, encode, hex, id, micros, settled, submitted, ticket,
};
use super::{BLOCK_MAX, RedisQueue, attempts, rows};
use crate::job::{JobId, Record, State, Timestamp};
use crate::queue::{
    BODY_BYTES_PER_CALL_MAX, Call, Queue, QueueError, Release, Renewal, Renewed, Reserve, Reserved,
    Settled, Settlement, Submission, Submitted, TICKETS_PER_CALL_MAX,
};
use crate::threads::Stop;

/// For how long collected jobs are kept from other recorders.
const CLAIM: Duration = Duration::from_secs(60);

/// While Redis is at `maxmemory`, nothing is lent when more ended jobs than this wait for storage: running more would
/// fill it further. With fewer, running jobs is what makes room.
const OUTBOX_MAX_WHEN_FULL: i64 = 1_000;

impl Queue for RedisQueue {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn enqueue(
        &self,
        call: &Call,
        submissions: &[Submission],
    ) -> Result<Vec<Submitted>, QueueError> {
        if submissions.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: usize = submissions.iter().map(|s| s.jobs.len()).sum();
        if jobs > TICKETS_PER_CALL_MAX {
            let reason = format!("{jobs} jobs came in one call, above {TICKETS_PER_CALL_MAX}");
            return Err(QueueError::broken("enqueue", reason));
        }
        let script = &self.scripts.enqueue;
        let mut command = self.command(script);
        command
            .arg(&call.caller)
            .arg(call.number)
            .arg(micros(self.settings.idempotency_window))
            .arg(self.settings.idempotency_max);
        for submission in submissions {
            command.arg(submission.jobs.len());
            match (&submission.idempotency, submission.jobs.first()) {
                (Some(idempotency), Some(first)) => command
                    .arg(&idempotency.key)
                    .arg(hex(&idempotency.digest))
                    .arg(first.id.to_string()),
                _ => command.arg("").arg("").arg(""),
            };
            let retries = submission.jobs.iter().any(|job| job.retry_of.is_some());
            command.arg(i32::from(retries));
            let mut before = None;
            for job in &submission.jobs {
                add_job(&mut command, before, job)?;
                before = Some(&**job);
            }
        }
        let answers = self.run(script, &command)?.text()?;
        let answers: Vec<&str> = answers.split('\n').collect();
        if answers.len() != submissions.len() {
            return Err(QueueError::broken("enqueue", answers.join(" / ")));
        }
        answers
            .iter()
            .zip(submissions)
            .map(|(answer, submission)| {
                submitted(answer, submission).ok_or_else(|| QueueError::broken("enqueue", *answer))
            })
            .collect()
    }

    fn wait(&self, queues: &[String], timeout: Duration) -> Result<bool, QueueError> {
        if queues.is_empty() {
            // There is no bell to listen to; the caller still expects to be kept.
            return Ok(Stop::new().wait(timeout));
        }
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // To Redis, zero means for ever.
            let block = left.min(BLOCK_MAX).max(Duration::from_millis(1));
            let mut command = ::redis::cmd("BLPOP");
            for queue in queues {
                command.arg(format!("{}bell:{queue}", self.prefix));
            }
            command.arg(format!("{:.3}", block.as_secs_f64()));
            let rung = self
                .waits
                .with(|connection| command.query::<Option<(String, String)>>(connection))
                .map_err(|err| meaning("wait", &err))?
                .is_some();
            if rung || left <= block {
                return Ok(rung);
            }
        }
    }

    fn reserve(&self, call: &Call, reserve: &Reserve<'_>) -> Result<Reserved, QueueError> {
        let ask = |script: &Script, outbox_max: i64| {
            let mut command = self.command(script);
            command
                .arg(&call.caller)
                .arg(call.number)
                .arg(rows::one_line(reserve.node))
                .arg(reserve.want.min(TICKETS_PER_CALL_MAX))
                .arg(micros(reserve.lease))
                .arg(i32::from(reserve.suspect))
                .arg(reserve.max_crashes)
                .arg(micros(self.settings.lease))
                .arg(outbox_max);
            for share in reserve.shares {
                command
                    .arg(&share.queue)
                    .arg(share.share)
                    .arg(share.limit.map_or(-1, i64::from));
            }
            self.run(script, &command)
        };
        let reply = match ask(&self.scripts.reserve, -1) {
            Err(QueueError::Full { .. }) => ask(&self.scripts.reserve_full, OUTBOX_MAX_WHEN_FULL),
            answer => answer,
        };
        self.reserved(reply?)
    }

    fn renew(&self, renewals: &[Renewal<'_>], lease: Duration) -> Result<Vec<Renewed>, QueueError> {
        let script = &self.scripts.renew;
        self.in_pieces(
            script,
            renewals,
            |command| {
                command.arg(micros(lease)).arg(micros(self.settings.lease));
            },
            |command, _, renewal| {
                let progress = match &renewal.progress {
                    Some(progress) => encode("renew", serde_json::to_string(progress))?,
                    None => String::new(),
                };
                command
                    .arg(ticket(renewal.lease.ticket))
                    .arg(&renewal.lease.job.queue)
                    .arg(&progress);
                Ok(progress.len())
            },
            |letter| match letter {
                b'h' => Some(Renewed::Held),
                b'c' => Some(Renewed::CancelRequested),
                b'-' => Some(Renewed::Lost),
                _ => None,
            },
        )
    }

    fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, QueueError> {
        let script = &self.scripts.settle;
        self.in_pieces(script, settlements, |_| (), add_settlement, settled)
    }

    fn release(&self, releases: &[Release]) -> Result<Vec<Settled>, QueueError> {
        let script = &self.scripts.release;
        self.in_pieces(
            script,
            releases,
            |_| (),
            |command, _, release| {
                let attempt = match &release.attempt {
                    Some(attempt) => encode("release", attempts::line(attempt))?,
                    None => String::new(),
                };
                command
                    .arg(ticket(release.lease.ticket))
                    .arg(&release.lease.job.queue)
                    .arg(micros(release.delay))
                    .arg(&attempt);
                Ok(attempt.len())
            },
            settled,
        )
    }

    fn collect(&self, want: usize) -> Result<Vec<Record>, QueueError> {
        let script = &self.scripts.collect;
        let mut command = self.command(script);
        command
            .arg(want.min(TICKETS_PER_CALL_MAX))
            .arg(micros(CLAIM));
        let mut reply = self.run(script, &command)?;
        let mut records = Vec::with_capacity(reply.left() / 4);
        while reply.left() > 0 {
            let id = id(script.call, &reply.text()?)?;
            let (body, result, history) = (reply.bytes()?, reply.bytes()?, reply.bytes()?);
            records.push(rows::record(
                id,
                body.as_deref(),
                &result.unwrap_or_default(),
                history.as_deref(),
                reply.now,
            ));
        }
        Ok(records)
    }

    fn stored(&self, ids: &[JobId]) -> Result<(), QueueError> {
        let script = &self.scripts.stored;
        for some in ids.chunks(TICKETS_PER_CALL_MAX) {
            let mut command = self.command(script);
            for id in some {
                command.arg(id.to_string());
            }
            self.run(script, &command)?;
        }
        Ok(())
    }
}

impl RedisQueue {
    /// Runs a script over as many items a call as the bounds allow. `head` adds what comes before the items, `add` one
    /// item after the one that it follows in the same call (and tells its size), `read` understands the letter that
    /// answers it.
    fn in_pieces<T, A>(
        &self,
        script: &Script,
        items: &[T],
        head: impl Fn(&mut Cmd),
        add: impl Fn(&mut Cmd, Option<&T>, &T) -> Result<usize, QueueError>,
        read: impl Fn(u8) -> Option<A>,
    ) -> Result<Vec<A>, QueueError> {
        let mut answers = Vec::with_capacity(items.len());
        let mut items = items.iter();
        while items.len() > 0 {
            let mut command = self.command(script);
            head(&mut command);
            let (mut count, mut bytes, mut before) = (0, 0, None);
            while count < TICKETS_PER_CALL_MAX && bytes < BODY_BYTES_PER_CALL_MAX {
                let Some(item) = items.next() else { break };
                bytes += add(&mut command, before, item)?;
                before = Some(item);
                count += 1;
            }
            let letters = self.run(script, &command)?.text()?;
            let broken = || QueueError::broken(script.call, &letters);
            if letters.len() != count {
                return Err(broken());
            }
            for letter in letters.bytes() {
                answers.push(read(letter).ok_or_else(broken)?);
            }
        }
        Ok(answers)
    }

    /// Reads the answer to a reserve. Jobs whose body cannot be read end at once: no worker could do anything with them.
    fn reserved(&self, mut reply: Reply) -> Result<Reserved, QueueError> {
        let next = reply.int()?;
        let mut reserved = Reserved {
            next: (next != 0).then(|| Timestamp::from_micros(next)),
            more: reply.int()? != 0,
            outbox: reply.count()?,
            lapsed: reply.count()?,
            leases: Vec::with_capacity(reply.left() / 2),
        };
        let mut unreadable = Vec::new();
        while reply.left() > 0 {
            let head = reply.text()?;
            let body = reply.bytes()?.unwrap_or_default();
            let granted = Granted::read(&head, reply.now)
                .ok_or_else(|| QueueError::broken("reserve", &head))?;
            match rows::job(granted.ticket.id, &body) {
                Ok(job) => reserved.leases.push(granted.lease(job)),
                Err(reason) => unreadable.push((head, body, reason)),
            }
        }
        if !unreadable.is_empty() {
            self.end_unreadable(&unreadable, reply.now)?;
        }
        Ok(reserved)
    }

    fn end_unreadable(
        &self,
        jobs: &[(String, Vec<u8>, String)],
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let script = &self.scripts.settle;
        let mut command = self.command(script);
        for (head, body, reason) in jobs {
            let granted =
                Granted::read(head, now).ok_or_else(|| QueueError::broken("reserve", head))?;
            let read = rows::Head::read(body);
            let queue = granted.queue.unwrap_or(&read.queue);
            log::error!(job = granted.ticket.id.to_string(); "a job cannot be read and ends: {reason}");
            let error = rows::unreadable_error(reason);
            let attempts = granted.failures + granted.crashes + 1;
            let tail = rows::tail(attempts, Some(&error), None, None);
            command
                .arg("=")
                .arg(queue)
                .arg(State::Dead.as_str())
                .arg(ticket(granted.ticket))
                .arg(&read.unique)
                .arg(encode("reserve", tail)?);
        }
        self.run(script, &command).map(drop)
    }
}
