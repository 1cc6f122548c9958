//! Random scripts: what may happen to a queue, told as data, so that a failing one can be shortened.

use proptest::prelude::*;

/// Which lease, job or record an operation is about, chosen by the script and fitted to what there is.
pub type Pick = usize;

/// What goes wrong with a call on its way. It is then repeated at once, as every caller must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    Good,
    RequestLost,
    ReplyLost,
}

/// How a lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Success,
    Retry { millis: u64 },
    Dead,
}

/// One step of a script.
#[derive(Debug, Clone)]
pub enum Op {
    Enqueue {
        jobs: Vec<Draft>,
        key: Option<(u8, u8)>,
        luck: Luck,
    },
    Reserve {
        node: usize,
        want: usize,
        queues: u8,
        suspect: bool,
        luck: Luck,
    },
    Renew {
        lease: Pick,
    },
    Settle {
        lease: Pick,
        how: How,
        luck: Luck,
    },
    Release {
        lease: Pick,
        millis: u64,
        luck: Luck,
    },
    Cancel {
        job: Pick,
        luck: Luck,
    },
    MakeDue {
        job: Pick,
        luck: Luck,
    },
    Retry {
        job: Pick,
        luck: Luck,
    },
    Purge {
        queue: usize,
        luck: Luck,
    },
    Collect {
        want: usize,
        luck: Luck,
    },
    Stored {
        record: Pick,
    },
    StoreAll,
    Pause {
        queue: usize,
        paused: bool,
    },
    TakeOver {
        node: usize,
    },
    Forward {
        micros: u64,
    },
    Beats {
        beats: u8,
        micros: u64,
    },
    Back {
        micros: u64,
    },
    Reopen,
}

/// A job to be submitted.
#[derive(Debug, Clone)]
pub struct Draft {
    pub queue: usize,
    pub run_in: Option<u64>,
    pub expires_in: Option<u64>,
    pub unique: Option<(u8, Option<u64>)>,
}

/// A length of up to `secs` seconds, odd enough that nothing ever falls on the very microsecond of a deadline.
fn micros(secs: u64) -> impl Strategy<Value = u64> {
    (1..secs * 1_000_000).prop_map(|m| m | 1)
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![8 => Just(Luck::Good), 1 => Just(Luck::RequestLost), 1 => Just(Luck::ReplyLost)]
}

fn maybe<S: Strategy>(one_in: u32, strategy: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    prop_oneof![one_in - 1 => Just(None), 1 => strategy.prop_map(Some)]
}

fn draft() -> impl Strategy<Value = Draft> {
    let unique = (0..3u8, maybe(3, micros(40)));
    (
        0..2usize,
        maybe(4, micros(30)),
        maybe(6, micros(60)),
        maybe(5, unique),
    )
        .prop_map(|(queue, run_in, expires_in, unique)| Draft {
            queue,
            run_in,
            expires_in,
            unique,
        })
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        3 => Just(How::Success),
        3 => (0..20_000u64).prop_map(|millis| How::Retry { millis }),
        1 => Just(How::Dead),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let lease = || any::<Pick>();
    let drafts = prop::collection::vec(draft(), 1..4);
    prop_oneof![
        10 => (drafts, maybe(5, (0..3u8, 0..2u8)), luck())
            .prop_map(|(jobs, key, luck)| Op::Enqueue { jobs, key, luck }),
        14 => (0..2usize, 0..4usize, 1..4u8, any::<bool>(), luck()).prop_map(
            |(node, want, queues, suspect, luck)| Op::Reserve { node, want, queues, suspect, luck }),
        5 => lease().prop_map(|lease| Op::Renew { lease }),
        8 => (lease(), how(), luck()).prop_map(|(lease, how, luck)| Op::Settle { lease, how, luck }),
        3 => (lease(), prop_oneof![Just(0), 1..9_000u64], luck())
            .prop_map(|(lease, millis, luck)| Op::Release { lease, millis, luck }),
        3 => (any::<Pick>(), luck()).prop_map(|(job, luck)| Op::Cancel { job, luck }),
        2 => (any::<Pick>(), luck()).prop_map(|(job, luck)| Op::MakeDue { job, luck }),
        3 => (any::<Pick>(), luck()).prop_map(|(job, luck)| Op::Retry { job, luck }),
        1 => (0..2usize, luck()).prop_map(|(queue, luck)| Op::Purge { queue, luck }),
        3 => (1..5usize, luck()).prop_map(|(want, luck)| Op::Collect { want, luck }),
        2 => any::<Pick>().prop_map(|record| Op::Stored { record }),
        1 => Just(Op::StoreAll),
        1 => (0..2usize, any::<bool>()).prop_map(|(queue, paused)| Op::Pause { queue, paused }),
        2 => (0..2usize).prop_map(|node| Op::TakeOver { node }),
        4 => micros(12).prop_map(|micros| Op::Forward { micros }),
        1 => micros(5_000).prop_map(|micros| Op::Forward { micros }),
        5 => (1..5u8, micros(7)).prop_map(|(beats, micros)| Op::Beats { beats, micros }),
        1 => prop_oneof![micros(10), micros(300)].prop_map(|micros| Op::Back { micros }),
        1 => Just(Op::Reopen),
    ]
}

/// Scripts of `length` steps.
pub fn scripts(length: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), length)
}
