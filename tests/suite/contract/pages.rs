//! Pages of storage: each record once, what a filter names and nothing else, at a bounded cost.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass::job::{ErrorKind, Found, JobError, JobId, Record, State, Summary, Timestamp};
use windlass::storage::Filter;

use crate::support::bench::{START, secs};
use crate::support::shelf::{Shelf, bare, record, records};

/// S6: pages go on from where the last one ended, newest first: nothing comes twice, and nothing that was there when
/// the first page was read is missed, although jobs go on ending between the pages, older ids among them.
pub fn pages_neither_repeat_nor_miss(shelf: &Shelf) {
    let there = records(230);
    shelf.ready().store(&there);
    let mut seen: Vec<JobId> = Vec::new();
    let mut after = None;
    loop {
        let page = shelf.page(&Filter::default(), after, 50);
        seen.extend(page.jobs.iter().map(|job| job.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        assert_eq!(page.jobs.len(), 50, "only the last page is not full");
        shelf.store(&[record(START + secs(3)), record(START + secs(1_000))]);
    }
    seen_once(&seen, &there);
}

/// S6: the same for a history of 100,000 jobs, while another daemon stores more of them all the time.
pub fn a_long_history_is_read_once_while_it_grows(shelf: &Shelf) {
    let there: Vec<Record> = (0..100_000).map(|i| bare(START + secs(i))).collect();
    let shelf = shelf.ready();
    for some in there.chunks(1_000) {
        shelf.store(some);
    }
    let done = AtomicBool::new(false);
    let (seen, grown) = std::thread::scope(|scope| {
        let grow = scope.spawn(|| {
            let mut grown = 0;
            while !done.load(Ordering::Relaxed) {
                let at = |_| START + secs(fastrand::u64(..200_000));
                let some: Vec<Record> = (0..100).map(|i| bare(at(i))).collect();
                shelf.store(&some);
                grown += some.len();
            }
            grown
        });
        let seen = shelf.pages(&Filter::default(), 1_000);
        done.store(true, Ordering::Relaxed);
        (seen, grow.join().expect("no panic"))
    });
    assert!(grown > 0, "nothing ended meanwhile");
    seen_once(&seen, &there);
}

#[track_caller]
fn seen_once(seen: &[JobId], there: &[Record]) {
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
    let seen: HashSet<&JobId> = seen.iter().collect();
    let missed = there.iter().filter(|r| !seen.contains(&r.job.id)).count();
    assert_eq!(missed, 0);
}

/// S6: a list tells of a record what the record itself does.
pub fn a_page_tells_what_the_records_do(shelf: &Shelf) {
    let mut full = record(START);
    full.job.tags = vec!["a".to_owned(), "b, \"c\"".to_owned()];
    full.job.max_retries = 2;
    full.job.run_at = Some(START + secs(1));
    full.job.retry_of = Some(JobId::mint(START, 7));
    let mut dead = bare(START + secs(9));
    dead.state = State::Dead;
    dead.error = Some(JobError::new(ErrorKind::Permanent, "no: \u{fffd} ü"));
    shelf.ready().store(&[full.clone(), dead.clone()]);
    let page = shelf.page(&Filter::default(), None, 10);
    let told = [dead, full].map(|record| Summary::of(&Found::Ended(record)));
    assert_eq!((page.jobs, page.next), (told.to_vec(), None));
}

/// Sixty records of three types, two queues, four states and five tags.
fn motley() -> Vec<Record> {
    let mut all = records(60);
    for (i, record) in all.iter_mut().enumerate() {
        record.job.kind = ["email", "image", "noop"][i % 3].to_owned();
        record.job.queue = ["low", "high"][i % 2].to_owned();
        record.state = [
            State::Succeeded,
            State::Dead,
            State::Cancelled,
            State::Expired,
        ][i % 4];
        record.job.tags = (0..i % 5).map(|t| format!("tag-{t}")).collect();
    }
    all
}

/// S6: every filter finds what it names and nothing else, alone and with all others, over pages of any size.
pub fn filters_find_what_they_name(shelf: &Shelf) {
    let all = motley();
    shelf.ready().store(&all);
    let text = |t: &str| Some(t.to_owned());
    let states = [
        None,
        Some(State::Succeeded),
        Some(State::Dead),
        Some(State::Quarantined),
    ];
    let kinds = [None, text("image"), text("unheard-of")];
    let queues = [None, text("high")];
    let tags = [None, text("tag-0"), text("tag-3"), text("tag")];
    let instant = |s: u64| Some(START + secs(s));
    let spans: [(Option<Timestamp>, _); 4] = [
        (None, None),
        (instant(20), None),
        (None, instant(20)),
        (instant(10), instant(50)),
    ];
    let mut combinations = 0;
    for (state, kind) in states
        .iter()
        .flat_map(|s| kinds.iter().map(move |k| (s, k)))
    {
        for (queue, tag) in queues.iter().flat_map(|q| tags.iter().map(move |t| (q, t))) {
            for (since, until) in spans {
                let filter = Filter {
                    state: *state,
                    kind: kind.clone(),
                    queue: queue.clone(),
                    tag: tag.clone(),
                    since,
                    until,
                };
                let limit = [1, 7, 200][combinations % 3];
                assert_eq!(
                    shelf.pages(&filter, limit),
                    expected(&all, &filter),
                    "{filter:?} by {limit}"
                );
                combinations += 1;
            }
        }
    }
}

/// What a filter names, newest first.
fn expected(all: &[Record], filter: &Filter) -> Vec<JobId> {
    let matches = |r: &&Record| {
        filter.state.is_none_or(|s| s == r.state)
            && filter.kind.as_ref().is_none_or(|k| *k == r.job.kind)
            && filter.queue.as_ref().is_none_or(|q| *q == r.job.queue)
            && filter.tag.as_ref().is_none_or(|t| r.job.tags.contains(t))
            && filter.since.is_none_or(|at| r.job.created_at() >= at)
            && filter.until.is_none_or(|at| r.job.created_at() < at)
    };
    let mut ids: Vec<JobId> = all.iter().filter(matches).map(|r| r.job.id).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

/// S6: where many records match each part of a filter and few match all, a page ends early, says where it stopped, and
/// the pages together find all the same; where one part alone names few, one page finds them all.
pub fn rare_matches_come_in_pages_that_end_early(shelf: &Shelf) {
    // From old to new, over a month: ten that match all, and two long stretches that match half of it.
    let stretch = |i: u64| match i {
        0..10 => ("email", "slow", "often"),
        10..12_010 => ("image", "slow", "often"),
        _ => ("email", "fast", "other"),
    };
    let all: Vec<Record> = (0..24_010)
        .map(|i| {
            let mut record = bare(START + secs(i * 100));
            let (kind, queue, tag) = stretch(i);
            record.job.kind = kind.to_owned();
            record.job.queue = queue.to_owned();
            record.job.tags = vec![tag.to_owned()];
            if i == 5 || i == 12_000 {
                record.job.tags.push("rare".to_owned());
            }
            record
        })
        .collect();
    let shelf = shelf.ready();
    for some in all.chunks(1_000) {
        shelf.store(some);
    }
    let text = |t: &str| Some(t.to_owned());
    let hard = [
        Filter {
            kind: text("email"),
            queue: text("slow"),
            ..Filter::default()
        },
        Filter {
            kind: text("email"),
            tag: text("often"),
            ..Filter::default()
        },
    ];
    for filter in hard {
        let first = shelf.page(&filter, None, 50);
        assert!(first.jobs.is_empty() && first.next.is_some(), "{first:?}");
        assert_eq!(shelf.pages(&filter, 50), expected(&all, &filter));
        assert_eq!(shelf.pages(&filter, 3), expected(&all, &filter));
    }
    let easy = [
        (text("rare"), None, 2),
        (text("rare"), text("email"), 1),
        (text("nowhere"), None, 0),
        (text("nowhere"), text("email"), 0),
    ];
    for (tag, kind, count) in easy {
        let filter = Filter {
            tag,
            kind,
            ..Filter::default()
        };
        let page = shelf.page(&filter, None, 50);
        assert_eq!((page.jobs.len(), page.next), (count, None), "{filter:?}");
        assert_eq!(shelf.pages(&filter, 1), expected(&all, &filter));
    }
}
