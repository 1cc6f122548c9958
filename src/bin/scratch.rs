//! scratch
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use windlass::job::*;
use windlass::queue::redis::RedisQueue;
use windlass::queue::*;
fn main() {
    let addr = std::env::args().nth(1).unwrap();
    let jobs: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let batch: usize = std::env::args().nth(3).unwrap().parse().unwrap();
    let steps = std::env::args().nth(4).unwrap_or("ersc".into());
    let settings = EngineSettings {
        namespace: "bench".into(),
        idempotency_window: Duration::from_secs(60),
        idempotency_max: 1000,
        lease: Duration::from_secs(600),
    };
    let q = RedisQueue::open(&addr, settings, None).unwrap();
    q.check().unwrap();
    let body = RawValue::from_string(format!("{{\"x\":\"{}\"}}", "a".repeat(142))).unwrap();
    let mut call = Call::first("bench");
    let t = std::time::Instant::now();
    for _ in 0..jobs / batch {
        let first = JobId::mint(q.now(), fastrand::u64(..));
        let s = Submission {
            jobs: (0..batch)
                .map(|i| Arc::new(Job::new(first.nth(i as _), "noop", "default", body.clone())))
                .collect(),
            idempotency: None,
        };
        q.enqueue(&call, &[s]).unwrap();
        call.advance();
    }
    println!("enqueue {:?}", t.elapsed() / jobs as u32);
    let mut call = Call::first("res");
    let shares = [Share {
        queue: "default".into(),
        share: 1000,
        limit: None,
    }];
    if !steps.contains('r') {
        return;
    }
    let t = std::time::Instant::now();
    let mut leases = Vec::new();
    while leases.len() < jobs {
        let r = q
            .reserve(
                &call,
                &Reserve {
                    node: "host:8080",
                    want: batch,
                    shares: &shares,
                    lease: Duration::from_secs(600),
                    suspect: true,
                    max_crashes: 3,
                },
            )
            .unwrap();
        call.advance();
        let got = r.leases;
        if steps.contains('s') {
            let s: Vec<_> = got
                .iter()
                .map(|l| Settlement {
                    lease: l.clone(),
                    attempt: Attempt {
                        attempt: 1,
                        outcome: Outcome::Succeeded,
                        started_at: l.leased_at(),
                        ended_at: l.leased_at(),
                        node: "host:8080".into(),
                        error: None,
                        log: vec![],
                    },
                    ending: Ending::End {
                        state: State::Succeeded,
                        result: None,
                        error: None,
                    },
                })
                .collect();
            q.settle(&s).unwrap();
        }
        leases.extend(got.into_iter().map(|l| l.ticket().id));
    }
    println!("reserve+settle {:?}", t.elapsed() / jobs as u32);
    if !steps.contains('c') {
        return;
    }
    let t = std::time::Instant::now();
    let mut n = 0;
    while n < jobs {
        let r = q.collect(batch).unwrap();
        let ids: Vec<_> = r.iter().map(|r| r.job.id).collect();
        q.stored(&ids).unwrap();
        n += ids.len();
    }
    println!("collect+stored {:?}", t.elapsed() / jobs as u32);
}
