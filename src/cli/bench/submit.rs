//! How fast jobs come in over HTTP.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ureq::Agent;

use super::servers::{Redis, cpu_of};
use super::{Common, EngineKind, each, payload, rate, row};
use crate::threads::pause;

/// Jobs of one array.
const ARRAY: u64 = 1_000;

/// Measures and prints.
pub(super) fn measure(common: &Common) -> Result<(), String> {
    let folder =
        tempfile::tempdir().map_err(|err| format!("cannot make a temporary folder: {err}"))?;
    let redis = match common.engine {
        EngineKind::Redis => Some(Redis::start(folder.path())?),
        EngineKind::Embedded => None,
    };
    let served = Served::start(common, redis.as_ref(), folder.path())?;
    let job = format!(r#"{{"type":"noop","payload":{}}}"#, payload(common.payload));
    let singles = (common.jobs / 10).max(1);
    run(
        &served,
        redis.as_ref(),
        "one by one, 1 connection",
        1,
        singles / 4 + 1,
        1,
        &job,
    )?;
    run(
        &served,
        redis.as_ref(),
        "one by one, 32 connections",
        32,
        singles,
        1,
        &job,
    )?;
    let array = format!(
        "[{}]",
        vec![job; usize::try_from(ARRAY).unwrap_or(1)].join(",")
    );
    run(
        &served,
        redis.as_ref(),
        "arrays of 1,000, 4 connections",
        4,
        common.jobs.div_ceil(ARRAY),
        ARRAY,
        &array,
    )
}

/// A daemon in a process of its own, that takes jobs in and runs none.
struct Served {
    child: Child,
    addr: SocketAddr,
}

impl Served {
    fn start(common: &Common, redis: Option<&Redis>, folder: &Path) -> Result<Self, String> {
        let failed = |err: std::io::Error| format!("cannot start a daemon to measure: {err}");
        // The port is free now, and a moment later taken by the daemon.
        let addr = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .env("APIADDR", addr.to_string())
            .env("DATADIR", folder)
            .env("RUNTIMEDIR", folder)
            .env("LOGLEVEL", "error")
            .env("WORKERCOUNT", common.workers.to_string())
            // Nothing is submitted to this queue, so what comes in stays.
            .env("QUEUES", "bench-idle")
            .env(
                "DATABASEURL",
                common
                    .database
                    .as_deref()
                    .unwrap_or("postgres://127.0.0.1:1/none"),
            )
            .env(
                "BACKEND",
                if redis.is_some() { "redis" } else { "embedded" },
            );
        if let Some(redis) = redis {
            command.env("REDISADDR", redis.addr());
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let served = Self { child, addr };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !served
            .agent()
            .get(served.url("/readyz"))
            .call()
            .is_ok_and(|r| r.status().as_u16() == 200)
        {
            if Instant::now() > deadline {
                return Err("the daemon to measure was not ready within 20 s".to_owned());
            }
            pause(Duration::from_millis(20));
        }
        Ok(served)
    }

    fn agent(&self) -> Agent {
        Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Everything it kept is thrown away with the folder.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends `requests` requests of `jobs_each` jobs over `connections` connections.
fn run(
    served: &Served,
    redis: Option<&Redis>,
    what: &str,
    connections: usize,
    requests: u64,
    jobs_each: u64,
    body: &str,
) -> Result<(), String> {
    let left = AtomicI64::new(i64::try_from(requests).unwrap_or(i64::MAX));
    let (cpu, server) = (
        cpu_of(served.child.id()),
        redis.map_or(Duration::ZERO, Redis::cpu),
    );
    let began = Instant::now();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| send(served, &left, body)))
            .collect();
        senders.into_iter().try_for_each(|sender| {
            sender
                .join()
                .unwrap_or_else(|_| Err("a sender panicked".to_owned()))
        })
    })?;
    let (took, jobs) = (began.elapsed(), requests * jobs_each);
    let ours = each(cpu_of(served.child.id()).saturating_sub(cpu), jobs);
    let theirs = redis.map_or(String::new(), |r| {
        format!(
            ", Redis CPU {} a job",
            each(r.cpu().saturating_sub(server), jobs)
        )
    });
    row(
        what,
        &format!(
            "{:.0} jobs/s, daemon CPU {ours} a job{theirs}",
            rate(jobs, took)
        ),
    );
    Ok(())
}

fn send(served: &Served, left: &AtomicI64, body: &str) -> Result<(), String> {
    let agent = served.agent();
    let url = served.url("/submit");
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        let mut response = agent
            .post(&url)
            .header("Content-Type", "application/json")
            .send(body)
            .map_err(|err| format!("a submission was not answered: {err}"))?;
        // Read to its end, so that the connection is used again.
        let text = response
            .body_mut()
            .read_to_string()
            .map_err(|err| format!("an answer broke off: {err}"))?;
        if response.status().as_u16() != 202 {
            return Err(format!(
                "a submission was answered {}: {text}",
                response.status()
            ));
        }
    }
    Ok(())
}
