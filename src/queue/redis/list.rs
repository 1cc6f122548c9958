//! Lists jobs by where they stand, and says who is next.

use std::collections::BTreeMap;

use super::scripts::Script;
use super::words::{id, read_ticket, ticket};
use super::{RedisQueue, Reply};
use crate::job::{Found, State, Ticket, Timestamp};
use crate::queue::{Desk, Line, Listed, Place, QueueError};

/// Of how many queues one call asks who is next.
const HEADS_PER_CALL: usize = 100;

impl RedisQueue {
    /// Answers [`Desk::list`].
    pub(super) fn list_line(
        &self,
        line: Line<'_>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        match line {
            Line::Suspects(queue) => self.line("suspect", queue, after, want),
            Line::Ready(queue) => self.line("ready", queue, after, want),
            Line::Waiting(queue, state) => self.waiting(queue, state, after, want),
            Line::Running(queue) => self.running(queue, after, want),
            Line::Ended => self.ended(after, want),
        }
    }

    fn line(
        &self,
        sort: &str,
        queue: &str,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        let script = &self.scripts.line;
        let mut command = self.command(script);
        command.arg(format!("{sort}:{queue}"));
        match after {
            None => command.arg(-1).arg(""),
            Some(Place { at, id, n }) => command.arg(at).arg(ticket(Ticket { id, n })),
        };
        command.arg(want);
        listed(self.run(script, &command)?)
    }

    fn waiting(
        &self,
        queue: Option<&str>,
        state: Option<State>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        let script = &self.scripts.waiting;
        let mut command = self.command(script);
        command.arg(queue.unwrap_or(""));
        match after {
            None => command.arg(0).arg(""),
            Some(Place { at, id, .. }) => command.arg(at).arg(id.to_string()),
        };
        command.arg(want).arg(state.map_or("", State::as_str));
        listed(self.run(script, &command)?)
    }

    fn running(
        &self,
        queue: Option<&str>,
        after: Option<Place>,
        want: usize,
    ) -> Result<Listed, QueueError> {
        let key = |place: &Place| (place.at, place.id);
        let mut first = First::new(after, want, key);
        self.scan(&self.scripts.running, queue, |reply| {
            while reply.left() > 0 {
                first.add(place(reply)?);
            }
            Ok(())
        })?;
        Ok(first.listed())
    }

    fn ended(&self, after: Option<Place>, want: usize) -> Result<Listed, QueueError> {
        let script = &self.scripts.ended;
        let mut first = First::new(after, want, |place: &Place| std::cmp::Reverse(place.id));
        self.scan(script, None, |reply| {
            while reply.left() > 0 {
                let id = id(script.call, &reply.text()?)?;
                first.add(Place { at: 0, id, n: 0 });
            }
            Ok(())
        })?;
        Ok(first.listed())
    }

    /// Goes through a whole set, page by page. What is there from begin to end is seen, whatever happens meanwhile.
    fn scan(
        &self,
        script: &Script,
        queue: Option<&str>,
        mut see: impl FnMut(&mut Reply) -> Result<(), QueueError>,
    ) -> Result<(), QueueError> {
        let mut cursor = "0".to_owned();
        loop {
            let mut command = self.command(script);
            command.arg(&cursor).arg(queue.unwrap_or(""));
            let mut reply = self.run(script, &command)?;
            cursor = reply.text()?;
            see(&mut reply)?;
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    /// Since when the next job of each of `queues` has stood in its line.
    pub(super) fn oldest_ready(
        &self,
        queues: &[String],
    ) -> Result<BTreeMap<String, Timestamp>, QueueError> {
        let script = &self.scripts.heads;
        let (mut heads, mut ids) = (Vec::new(), Vec::new());
        for some in queues.chunks(HEADS_PER_CALL) {
            let mut command = self.command(script);
            for queue in some {
                command.arg(queue);
            }
            let mut reply = self.run(script, &command)?;
            for queue in some {
                for _ in 0..2 {
                    if let Some(head) = reply.bytes()? {
                        ids.push(id(script.call, &String::from_utf8_lossy(&head))?);
                        heads.push(queue);
                    }
                }
            }
        }
        let mut oldest: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (queue, found) in heads.into_iter().zip(self.find(&ids)?) {
            if let Some(Found::Live(live)) = found
                && let Some(since) = live.ready_at
            {
                oldest
                    .entry(queue.clone())
                    .and_modify(|oldest| *oldest = since.min(*oldest))
                    .or_insert(since);
            }
        }
        Ok(oldest)
    }
}

/// The first places of a set that comes in no order.
struct First<F> {
    after: Option<Place>,
    want: usize,
    key: F,
    places: Vec<Place>,
}

impl<K: Ord, F: Fn(&Place) -> K> First<F> {
    fn new(after: Option<Place>, want: usize, key: F) -> Self {
        Self {
            after,
            want,
            key,
            places: Vec::new(),
        }
    }

    fn add(&mut self, place: Place) {
        let key = &self.key;
        if self.after.is_some_and(|after| key(&place) <= key(&after)) {
            return;
        }
        self.places.push(place);
        // Now and then, so that a long set costs little memory.
        if self.places.len() > 2 * self.want + 1_000 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.places.sort_unstable_by_key(&self.key);
        // A set that grows while it is gone through may show the same twice.
        self.places.dedup_by_key(|place| place.id);
        self.places.truncate(self.want + 1);
    }

    fn listed(mut self) -> Listed {
        self.cut();
        Listed::first(self.places, self.want)
    }
}

/// Reads where to go on, and places.
fn listed(mut reply: Reply) -> Result<Listed, QueueError> {
    let at = reply.int()?;
    let last = reply.text()?;
    let mut listed = Listed {
        places: Vec::with_capacity(reply.left() / 2),
        next: match last.as_str() {
            "" => None,
            last => Some(place_of(at, last)?),
        },
    };
    while reply.left() > 0 {
        listed.places.push(place(&mut reply)?);
    }
    Ok(listed)
}

fn place(reply: &mut Reply) -> Result<Place, QueueError> {
    let at = reply.int()?;
    place_of(at, &reply.text()?)
}

fn place_of(at: i64, ticket: &str) -> Result<Place, QueueError> {
    let ticket = read_ticket(ticket).ok_or_else(|| QueueError::broken("list", ticket))?;
    Ok(Place {
        at,
        id: ticket.id,
        n: ticket.n,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobId;

    /// However a set is shuffled, and with some of it twice, the first of it are found and the next is named.
    #[test]
    fn the_first_of_a_shuffled_set_are_found() {
        let job = |n: u64| JobId::mint(Timestamp::from_micros(1), n << 40);
        let mut all: Vec<Place> = (0..5_000)
            .map(|n| Place {
                at: 0,
                id: job(n),
                n: 0,
            })
            .collect();
        all.extend_from_within(100..200);
        fastrand::Rng::with_seed(7).shuffle(&mut all);
        let after = Place {
            at: 0,
            id: job(150),
            n: 0,
        };
        let mut first = First::new(Some(after), 10, |place: &Place| std::cmp::Reverse(place.id));
        all.iter().for_each(|place| first.add(*place));
        assert!(first.places.len() <= 1_020);
        let listed = first.listed();
        let ids: Vec<JobId> = listed.places.iter().map(|place| place.id).collect();
        assert_eq!(ids, (140..150).rev().map(job).collect::<Vec<_>>());
        assert_eq!(listed.next.map(|next| next.id), Some(job(140)));
    }
}
