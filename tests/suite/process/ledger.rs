//! What was accepted, and what was recorded of it.
//!
//! Every job carries a serial number, and every request an Idempotency-Key, by which the load repeats
//! whatever was not plainly answered, as a careful program does. So in the end each serial number that was ever sent must
//! be in storage exactly once: one that is missing is lost, one that is there under two ids is doubled.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use windlass::threads::{Stop, spawn};

use crate::support::http;
use crate::support::wait::wait_until;

use super::house::{self, House};

/// Counts what was accepted. Clones share the count.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// The next serial number.
    next: AtomicU64,
    accepted: AtomicU64,
    repeated: AtomicU64,
    /// Why requests had to be repeated; the latest reason.
    reason: Mutex<Option<String>>,
}

/// What the books say in the end.
#[derive(Debug, PartialEq, Eq)]
pub struct Balance {
    pub accepted: u64,
    pub recorded: u64,
    pub lost: u64,
    pub doubled: u64,
}

impl Ledger {
    /// How many jobs were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::SeqCst)
    }

    /// How many requests had to be repeated so far.
    pub fn repeated(&self) -> u64 {
        self.0.repeated.load(Ordering::SeqCst)
    }

    /// Why the latest of them had to be.
    pub fn reason(&self) -> Option<String> {
        let reason = self.0.reason.lock();
        reason.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Submits `count` jobs like `job` in one request to one of `addrs`, and repeats it until it is accepted or `stop`
    /// is given. Tells the ids.
    pub fn submit(
        &self,
        addrs: &[SocketAddr],
        job: &Value,
        count: u64,
        stop: &Stop,
    ) -> Option<Vec<String>> {
        let first = self.0.next.fetch_add(count, Ordering::SeqCst);
        let jobs: Vec<Value> = (first..first + count)
            .map(|serial| numbered(job, serial))
            .collect();
        let body = Value::Array(jobs).to_string();
        let key = format!("load-{first}");
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key.as_str()),
        ];
        let mut turn = usize::try_from(first / count.max(1)).unwrap_or(0);
        loop {
            let addr = addrs[turn % addrs.len()];
            let problem =
                match http::request(addr, "POST", "/submit", &headers, Some(body.as_bytes())) {
                    Ok(answer) if matches!(answer.status, 200 | 202) => {
                        self.0.accepted.fetch_add(count, Ordering::SeqCst);
                        let ids = answer.json();
                        let ids = ids["jobs"]
                            .as_array()
                            .expect("an array is answered by one")
                            .iter();
                        return Some(
                            ids.map(|j| j["id"].as_str().expect("an id").to_owned())
                                .collect(),
                        );
                    }
                    Ok(answer) if matches!(answer.status, 429 | 503) => answer.text(),
                    Ok(answer) => panic!("{} {}", answer.status, answer.text()),
                    Err(err) => err.to_string(),
                };
            self.0.repeated.fetch_add(1, Ordering::SeqCst);
            *self.0.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
            turn += 1;
            if stop.wait(Duration::from_millis(20)) {
                return None;
            }
        }
    }

    /// Starts a thread that submits `job` to `addrs` on and on, `batch` jobs a request.
    pub fn load(&self, addrs: &[SocketAddr], job: Value, batch: u64) -> Load {
        let (ledger, addrs) = (self.clone(), addrs.to_vec());
        let (enough, give_up) = (Stop::new(), Stop::new());
        let (ends, stopped) = (enough.clone(), give_up.clone());
        let thread = spawn("load", move || {
            while !ends.is_stopped() {
                ledger.submit(&addrs, &job, batch, &stopped);
            }
        });
        Load {
            enough,
            give_up,
            thread: Some(thread.expect("room for one more thread")),
        }
    }

    /// Waits until `more` jobs are accepted beyond those that are.
    #[track_caller]
    pub fn await_more(&self, more: u64) {
        let goal = self.accepted() + more;
        wait_until(
            &format!("{goal} jobs are accepted"),
            Duration::from_secs(60),
            || match self.accepted() {
                n if n >= goal => Ok(()),
                n => Err(format!(
                    "{n} are; last repeated because of: {:?}",
                    self.reason()
                )),
            },
        );
    }

    /// Waits until everything that was accepted is recorded and the queue is empty, and balances the books.
    #[track_caller]
    pub fn close(&self, house: &House, what: &str, deadline: Duration) -> Balance {
        let mut sql = house.sql();
        let since = Instant::now();
        let accepted = self.accepted();
        let mut queue = house.redis.client();
        // The queue forgets a job once it is stored, so an empty one has nothing more to say.
        wait_until("the queue is empty", deadline, || {
            match (house::queued(&mut queue), house::outbox(&mut queue)) {
                (0, _) => Ok(()),
                (queued, outbox) => Err(format!(
                    "of {accepted} jobs {queued} are there, {outbox} of them ended"
                )),
            }
        });
        // Serial numbers run from 0 without a hole, so counting the different ones finds the missing.
        let row = sql
            .query_one(
                "SELECT count(*), count(DISTINCT coalesce(tags[1], payload ->> 'serial')),
                        (SELECT coalesce(sum(jobs), 0)::bigint FROM minutes)
                 FROM jobs",
                &[],
            )
            .expect("postgres answers");
        let (recorded, different, in_minutes) = (
            unsigned(row.get(0)),
            unsigned(row.get(1)),
            unsigned(row.get(2)),
        );
        assert_eq!(
            in_minutes, recorded,
            "the minutes count other jobs than there are"
        );
        let balance = Balance {
            accepted,
            recorded,
            lost: accepted - different.min(accepted),
            doubled: recorded - different,
        };
        println!(
            "{what}: accepted {}, recorded {}, lost {}, doubled {}; {} requests repeated, drained within {:.1?}",
            balance.accepted,
            balance.recorded,
            balance.lost,
            balance.doubled,
            self.repeated(),
            since.elapsed()
        );
        assert_eq!(
            balance,
            Balance {
                accepted,
                recorded: accepted,
                lost: 0,
                doubled: 0
            }
        );
        balance
    }
}

/// A thread that submits until it is told to end.
pub struct Load {
    enough: Stop,
    give_up: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Ends after the request that is under way is accepted.
    #[track_caller]
    pub fn end(mut self) {
        self.enough.stop();
        let thread = self.thread.take().expect("it ends once");
        wait_until("the load has ended", Duration::from_secs(60), || {
            thread
                .is_finished()
                .then_some(())
                .ok_or("its last request is not accepted yet")
        });
        thread.join().expect("the load does not panic");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.enough.stop();
        self.give_up.stop();
    }
}

fn numbered(job: &Value, serial: u64) -> Value {
    let mut job = job.clone();
    if job["type"] == "noop" {
        job["payload"]["serial"] = json!(serial);
    } else {
        // Other types know what belongs into their payload.
        job["tags"] = json!([serial.to_string()]);
    }
    job
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).expect("a count")
}
