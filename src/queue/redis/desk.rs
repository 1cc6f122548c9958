//! What operators ask of the queue on Redis: [`Desk`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::connections::meaning;
use super::rows::{Row, one_line};
use super::words::micros;
use super::{RedisQueue, Reply};
use crate::job::{Found, JobId, State, Timestamp};
use crate::queue::{
    Desk, Line, Listed, Node, Place, QueueCounts, QueueError, TICKETS_PER_CALL_MAX,
};

/// The number of the layout that this program reads and writes.
const FORMAT: &str = "2";

/// The first Redis whose scripts carry flags.
const VERSION_MIN: u32 = 7;

impl Desk for RedisQueue {
    fn check(&self) -> Result<(), QueueError> {
        let info = self
            .calls
            .with(|connection| ::redis::cmd("INFO").query::<String>(connection));
        match info {
            Ok(info) => fit(&info)?,
            Err(err) if err.code() == Some("NOPERM") => log::warn!(
                "Redis does not let us ask for its version and policy: it must be 7.0 or newer with maxmemory-policy noeviction"
            ),
            Err(err) => return Err(meaning("check", &err)),
        }
        let script = &self.scripts.meta;
        let mut command = self.command(script);
        command.arg(FORMAT);
        let format = self.run(script, &command)?.text()?;
        if format != FORMAT {
            return Err(QueueError::Unfit {
                reason: format!(
                    "what Redis holds under `{}` has format {format} and this program knows {FORMAT}; run the program that wrote it, or choose another NAMESPACE",
                    self.prefix
                ),
            });
        }
        Ok(())
    }

    fn find(&self, ids: &[JobId]) -> Result<Vec<Option<Found>>, QueueError> {
        let script = &self.scripts.find;
        let mut found = Vec::with_capacity(ids.len());
        // An answer may hold fewer than were asked for, but never none.
        while found.len() < ids.len() {
            let mut command = self.command(script);
            for id in ids.iter().skip(found.len()).take(TICKETS_PER_CALL_MAX) {
                command.arg(id.to_string());
            }
            let mut reply = self.run(script, &command)?;
            let before = found.len();
            while reply.left() > 0 && found.len() < ids.len() {
                let id = ids[found.len()];
                let row = row(&mut reply)?;
                found.push(row.found(id, reply.now));
            }
            if found.len() == before {
                return Err(QueueError::broken("find", "an empty answer"));
            }
        }
        Ok(found)
    }

    fn list(
        &self,
        line: Line<'_>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        self.list_line(line, after, want)
    }

    fn queues(&self) -> Result<Vec<QueueCounts>, QueueError> {
        let counts = self.counts()?;
        let mut queues: BTreeMap<String, QueueCounts> = BTreeMap::new();
        let mut queue = |name: &str, change: &dyn Fn(&mut QueueCounts)| {
            let counts = queues.entry(name.to_owned()).or_default();
            name.clone_into(&mut counts.queue);
            change(counts);
        };
        for (field, count) in &counts.fields {
            match field.split_once(':') {
                Some(("w", name)) => queue(name, &|q| q.ready = *count),
                Some(("s", name)) => queue(name, &|q| q.scheduled = *count),
                Some(("r", name)) => queue(name, &|q| q.running = *count),
                _ => (),
            }
        }
        for name in &counts.paused {
            queue(name, &|q| q.paused = true);
        }
        let waiting = queues.values().filter(|counts| counts.ready > 0);
        let names: Vec<String> = waiting.map(|counts| counts.queue.clone()).collect();
        for (name, since) in self.oldest_ready(&names)? {
            queues.entry(name).or_default().oldest_ready_at = Some(since);
        }
        Ok(queues.into_values().collect())
    }

    fn totals(&self) -> Result<Vec<(String, u64)>, QueueError> {
        let counts = self.counts()?;
        let of = |state: State| {
            let field = format!("t:{state}");
            let found = counts.fields.iter().find(|(name, _)| *name == field);
            (state.as_str().to_owned(), found.map_or(0, |(_, n)| *n))
        };
        let ended = State::ALL.into_iter().filter(|state| state.is_ended());
        let outbox = ("outbox".to_owned(), counts.outbox);
        Ok(ended.map(of).chain([outbox]).collect())
    }

    fn beat(&self, node: &Node) -> Result<(), QueueError> {
        let text = serde_json::to_string(node).map_err(|err| QueueError::broken("beat", err))?;
        let script = &self.scripts.beat;
        let mut command = self.command(script);
        command.arg(one_line(&node.node)).arg(text);
        self.run(script, &command).map(drop)
    }

    fn nodes(&self, within: Duration) -> Result<Vec<Node>, QueueError> {
        let script = &self.scripts.nodes;
        let mut command = self.command(script);
        command.arg(micros(within));
        let mut reply = self.run(script, &command)?;
        let mut nodes = Vec::with_capacity(reply.left());
        while reply.left() > 0 {
            let text = reply.text()?;
            // A node of another version may say what we do not understand; it is of no use here then.
            if let Some(node) = read_node(&text) {
                nodes.push(node);
            }
        }
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        Ok(nodes)
    }

    fn take_over(
        &self,
        node: &str,
        before: Timestamp,
        max_crashes: u32,
    ) -> Result<usize, QueueError> {
        let script = &self.scripts.take_over;
        let (mut cursor, mut taken) = ("0".to_owned(), 0);
        loop {
            let mut command = self.command(script);
            command
                .arg(one_line(node))
                .arg(before.as_micros())
                .arg(max_crashes)
                .arg(&cursor);
            let mut reply = self.run(script, &command)?;
            cursor = reply.text()?;
            let done = reply.int()? == 1;
            taken += reply.count()?;
            if done {
                return Ok(taken);
            }
        }
    }
}

/// The counters at one moment.
struct Counts {
    outbox: u64,
    fields: Vec<(String, u64)>,
    paused: Vec<String>,
}

impl RedisQueue {
    fn counts(&self) -> Result<Counts, QueueError> {
        let script = &self.scripts.counts;
        let mut reply = self.run(script, &self.command(script))?;
        let outbox = reply.count()?;
        let words = reply.texts()?;
        Ok(Counts {
            outbox: u64::try_from(outbox).unwrap_or(u64::MAX),
            fields: words
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].parse().unwrap_or(0)))
                .collect(),
            paused: reply.texts()?,
        })
    }
}

fn row(reply: &mut Reply) -> Result<Row, QueueError> {
    Ok(Row {
        body: reply.bytes()?,
        result: reply.bytes()?,
        run: reply.bytes()?,
        history: reply.bytes()?,
        progress: reply.bytes()?,
        due: reply.bytes()?,
        lent: reply.bytes()?,
    })
}

fn read_node(text: &str) -> Option<Node> {
    let (seen_at, json) = text.split_once('\n')?;
    let mut node: Node = serde_json::from_str(json).ok()?;
    node.seen_at = Timestamp::from_micros(seen_at.parse().ok()?);
    Some(node)
}

/// Whether the Redis that says this of itself can hold our jobs.
fn fit(info: &str) -> Result<(), QueueError> {
    let of = |key: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .map(str::trim)
    };
    if of("loading") == Some("1") {
        return Err(QueueError::unavailable(
            "check",
            "Redis is still loading its data",
        ));
    }
    let version = of("redis_version").unwrap_or("");
    let major = version
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    if major.is_some_and(|major| major < VERSION_MIN) {
        return Err(QueueError::Unfit {
            reason: format!("Redis is version {version}; {VERSION_MIN}.0 or newer is needed"),
        });
    }
    match of("maxmemory_policy") {
        Some("noeviction") => Ok(()),
        Some(policy) => Err(QueueError::Unfit {
            reason: format!(
                "Redis has maxmemory-policy {policy} and would throw jobs away when it is full; set `maxmemory-policy noeviction`"
            ),
        }),
        None => {
            log::warn!("Redis does not say its maxmemory-policy: it must be noeviction");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfit_redis_is_told_what_to_change() {
        let good = "redis_version:7.0.15\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n";
        assert!(fit(good).is_ok());
        let said = |info: String| fit(&info).expect_err("unfit").to_string();
        assert!(said(good.replace("7.0.15", "6.2.1")).contains("7.0 or newer"));
        assert!(said(good.replace("noeviction", "allkeys-lru")).contains("set `maxmemory-policy"));
        let loading = fit(&good.replace("loading:0", "loading:1")).expect_err("loading");
        assert!(loading.is_transient(), "{loading}");
    }
}
