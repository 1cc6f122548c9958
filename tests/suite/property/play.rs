//! An engine and the model, side by side.

use std::collections::HashSet;
use std::time::Duration;

use windlass::job::{Job, State, Ticket, Timestamp};
use windlass::queue::{
    Accepted, Call, Idempotency, Lease, Queue as _, QueueError, Reserve, Submission, Submitted,
};

use super::compare::{Step, compare, same};
use super::model::{Model, Place, QUEUES, queue_number};
use super::script::{Draft, Luck, Op};
use super::seen::Seen;
use crate::support::bench::{Bench, LEASE, MAX_CRASHES, share, submission};
use crate::support::flaky::{Flaky, Lost};

const NODES: [&str; 2] = ["node-0", "node-1"];

/// One script's engine and model.
pub struct Play {
    pub(super) bench: Bench,
    pub(super) model: Model,
    pub(super) leases: Vec<Lease>,
    lent: HashSet<Ticket>,
    enqueues: Call,
    reserves: [Call; 2],
    pub seen: Seen,
}

impl Play {
    pub fn new(bench: Bench) -> Self {
        Self {
            bench,
            model: Model::default(),
            leases: Vec::new(),
            lent: HashSet::new(),
            enqueues: Call::first("submitter"),
            reserves: NODES.map(Call::first),
            seen: Seen::default(),
        }
    }

    /// Does one step on both, and compares.
    pub fn step(&mut self, op: &Op) -> Step {
        match op {
            Op::Enqueue { jobs, key, luck } => self.enqueue(jobs, *key, *luck)?,
            Op::Reserve {
                node,
                want,
                queues,
                suspect,
                luck,
            } => {
                self.reserve(*node, *want, *queues, *suspect, *luck)?;
            }
            Op::Renew { lease } => self.renew(*lease)?,
            Op::Settle { lease, how, luck } => self.settle(*lease, *how, *luck)?,
            Op::Release {
                lease,
                millis,
                luck,
            } => self.release(*lease, *millis, *luck)?,
            Op::Cancel { job, luck } => self.cancel(*job, *luck)?,
            Op::MakeDue { job, luck } => self.make_due(*job, *luck)?,
            Op::Retry { job, luck } => self.retry(*job, *luck)?,
            Op::Purge { queue, luck } => self.purge(*queue, *luck)?,
            Op::Collect { want, luck } => self.collect(*want, *luck)?,
            Op::Stored { record } => self.stored(*record),
            Op::StoreAll => self.store_all(),
            Op::Pause { queue, paused } => self.pause(*queue, *paused),
            Op::TakeOver { node } => self.take_over(*node)?,
            Op::Forward { micros } => self.forward(*micros),
            Op::Beats { beats, micros } => {
                for _ in 0..*beats {
                    self.forward(*micros);
                    self.reserve(0, 0, 1, false, Luck::Good)?;
                }
            }
            Op::Back { micros } => {
                self.bench
                    .clock
                    .set(self.now() - Duration::from_micros(*micros));
                self.seen.note("clock: back");
            }
            Op::Reopen => {
                self.bench.reopen();
                self.seen.note("reopen");
            }
        }
        self.compare()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.bench.now()
    }

    fn forward(&mut self, micros: u64) {
        self.bench.clock.advance(Duration::from_micros(micros));
        self.seen.note("clock: forward");
    }

    /// Makes a call that may get lost on its way, and then repeats it.
    pub(super) fn call<T>(
        &mut self,
        name: &'static str,
        luck: Luck,
        run: impl Fn(&Flaky) -> Result<T, QueueError>,
    ) -> Result<T, String> {
        let flaky = Flaky::new(self.bench.engine());
        let lost = match luck {
            Luck::Good => None,
            Luck::RequestLost => Some((Lost::Request, "request lost")),
            Luck::ReplyLost => Some((Lost::Reply, "reply lost")),
        };
        if let Some((lost, what)) = lost {
            flaky.lose(name, lost);
            self.seen.note(format!("{name}: {what}"));
            if run(&flaky).is_ok() {
                return Err("the call was not lost".to_owned());
            }
        }
        run(&flaky).map_err(|err| err.to_string())
    }

    fn job(&self, draft: &Draft) -> Job {
        let at = |micros: u64| self.now() + Duration::from_micros(micros);
        let mut job = self.bench.job(QUEUES[draft.queue]);
        job.run_at = draft.run_in.map(at);
        job.expires_at = draft.expires_in.map(at);
        if let Some((key, until)) = &draft.unique {
            job.unique = Some(format!("u{key}"));
            job.unique_until = until.map(at);
        }
        job
    }

    fn enqueue(&mut self, drafts: &[Draft], key: Option<(u8, u8)>, luck: Luck) -> Step {
        let now = self.now();
        let key = key.map(|(key, digest)| (format!("k{key}"), digest));
        if key
            .as_ref()
            .is_some_and(|(key, _)| !self.model.is_sure_of(key, now))
        {
            return Ok(());
        }
        let first = self.bench.job("q").id;
        let jobs: Vec<Job> = drafts
            .iter()
            .enumerate()
            .map(|(i, draft)| Job {
                id: first.nth(i),
                ..self.job(draft)
            })
            .collect();
        let idempotency = key.clone().map(|(key, digest)| Idempotency {
            key,
            digest: [digest; 32],
        });
        let one = [Submission {
            idempotency,
            ..submission(jobs.clone())
        }];
        let call = self.enqueues.clone();
        let mut answers = self.call("enqueue", luck, |engine| engine.enqueue(&call, &one))?;
        self.enqueues.advance();
        let key = key.as_ref().map(|(key, digest)| (key.as_str(), *digest));
        let expected = self.model.enqueue(now, &jobs, key);
        self.seen.note(match &expected {
            Submitted::Replayed(_) => "enqueue: replayed",
            Submitted::KeyReused => "enqueue: key reused",
            _ => "enqueue: accepted",
        });
        if let Submitted::Accepted(jobs) = &expected {
            for job in jobs {
                self.seen.note(match job {
                    Accepted::New(_, State::Scheduled) => "enqueue: scheduled",
                    Accepted::New(..) => "enqueue: new",
                    Accepted::Existing(_) => "enqueue: existing",
                });
            }
        }
        same("answers", answers.len(), 1)?;
        same("enqueue", answers.remove(0), expected)
    }

    fn reserve(&mut self, node: usize, want: usize, which: u8, suspect: bool, luck: Luck) -> Step {
        let now = self.now();
        let queues: Vec<usize> = (0..2).filter(|q| which & (1 << q) != 0).collect();
        let shares: Vec<_> = queues.iter().map(|&q| share(QUEUES[q], want)).collect();
        let ask = Reserve {
            node: NODES[node],
            want,
            shares: &shares,
            lease: LEASE,
            suspect,
            max_crashes: MAX_CRASHES,
        };
        let call = self.reserves[node].clone();
        let reserved = self.call("reserve", luck, |engine| engine.reserve(&call, &ask))?;
        self.reserves[node].advance();
        let overdue = self
            .model
            .jobs
            .iter()
            .any(|k| matches!(k.place, Place::Lent { until, .. } if until <= now));
        let lapsed = self.model.heartbeat(now);
        if luck != Luck::ReplyLost {
            same("lapsed", reserved.lapsed, lapsed)?;
        }
        if overdue && lapsed == 0 {
            self.seen.note("reserve: spared by grace");
        }
        let (innocents, suspects) = self.model.takeable(&queues);
        let shady = usize::from(suspect && want > 0 && suspects > 0);
        same(
            "leases",
            reserved.leases.len(),
            shady + innocents.min(want - shady),
        )?;
        let crashed = reserved.leases.iter().filter(|l| l.crashes() > 0).count();
        same("suspects lent", crashed, shady)?;
        for lease in reserved.leases {
            self.lend(lease, node, &queues)?;
        }
        let waits = self
            .model
            .jobs
            .iter()
            .filter(|k| matches!(k.place, Place::Ended { .. }));
        same("outbox", reserved.outbox, waits.count())?;
        self.seen.note(match (innocents + shady).min(want) {
            0 => "reserve: none",
            _ => "reserve: some",
        });
        if shady > 0 {
            self.seen.note("reserve: a suspect");
        }
        if lapsed > 0 {
            self.seen.note("reserve: lapsed");
        }
        Ok(())
    }

    fn lend(&mut self, lease: Lease, node: usize, queues: &[usize]) -> Step {
        let now = self.now();
        let ticket = lease.ticket();
        let i = self
            .model
            .at(ticket.id)
            .ok_or("a lease of an unknown job")?;
        let known = &self.model.jobs[i];
        same("place of what was lent", Place::Line, known.place.clone())?;
        same("ticket", ticket.n, known.n)?;
        same(
            "counts",
            (lease.failures(), lease.crashes()),
            (known.failures, known.crashes),
        )?;
        same("leased_at", lease.leased_at(), now)?;
        same(
            "its body",
            format!("{:?}", lease.job()),
            format!("{:?}", known.job),
        )?;
        if !queues.contains(&queue_number(&known.job.queue)) {
            return Err("a lease of a queue that was not asked for".to_owned());
        }
        if !self.lent.insert(ticket) {
            return Err(format!("{ticket} was lent twice"));
        }
        self.model.lend(i, node, now);
        self.leases.push(lease);
        Ok(())
    }

    fn pause(&mut self, queue: usize, paused: bool) {
        let answer = self.bench.engine().pause(QUEUES[queue], paused);
        answer.expect("pause is answered");
        self.model.paused[queue] = paused;
        self.seen.note(if paused { "pause" } else { "resume" });
    }

    fn take_over(&mut self, node: usize) -> Step {
        let engine = self.bench.engine();
        let taken = engine.take_over(NODES[node], self.now(), MAX_CRASHES);
        let expected = self.model.take_over(node, self.now());
        if expected > 0 {
            self.seen.note("take over: some");
        }
        same(
            "taken over",
            taken.map_err(|err| err.to_string())?,
            expected,
        )
    }

    fn compare(&mut self) -> Step {
        for (state, name) in [
            (State::Expired, "ended: expired"),
            (State::Quarantined, "ended: quarantined"),
        ] {
            if self.model.totals.contains_key(&state) {
                self.seen.note(name);
            }
        }
        compare(&self.bench, &self.model, NODES)
    }
}
