//! In which order, and how many from each, a poller takes from its queues. Pure; chance is an argument.

use std::collections::BTreeMap;

use crate::config::Queues;
use crate::queue::Share;

/// Draws the order and the shares for one `reserve` of `want` tickets.
///
/// Strict queues stand in their order, each with everything as its share. Weighted ones stand in a random order in which
/// a heavier one tends to come first (Efraimidis and Spirakis 2006: by `ln(u)/weight`, largest first), and share `want`
/// by weight; what does not divide is given out by systematic sampling, so that in the long run every queue gets exactly
/// its part, also when one ticket at a time is asked for. `random` draws from `[0, 1)`.
pub fn draw(
    queues: &Queues,
    limits: &BTreeMap<String, u32>,
    want: usize,
    mut random: impl FnMut() -> f64,
) -> Vec<Share> {
    let share = |queue: &str, share| Share {
        queue: queue.to_owned(),
        share,
        limit: limits.get(queue).copied(),
    };
    if queues.strict || queues.list.len() == 1 {
        return queues.list.iter().map(|q| share(&q.queue, want)).collect();
    }
    let total: f64 = queues.list.iter().map(|q| f64::from(q.weight)).sum();
    let mut drawn: Vec<(f64, Share)> = Vec::with_capacity(queues.list.len());
    let (mut sum, offset) = (0.0, random());
    for q in &queues.list {
        // The share is the number of whole steps (each at `offset`) that this queue's part of [0, want) covers.
        #[expect(clippy::cast_precision_loss, reason = "want is at most a thousand")]
        let part = want as f64 * f64::from(q.weight) / total;
        let from = (sum - offset).ceil().max(0.0);
        sum += part;
        let to = (sum - offset).ceil().max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 <= to - from <= want + 1"
        )]
        let count = (to - from).max(0.0) as usize;
        drawn.push((
            (1.0 - random()).ln() / f64::from(q.weight),
            share(&q.queue, count),
        ));
    }
    drawn.sort_by(|a, b| b.0.total_cmp(&a.0));
    drawn.into_iter().map(|(_, share)| share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::QueueWeight;
    use proptest::prelude::*;

    fn queues(weights: &[u32], strict: bool) -> Queues {
        let list = weights.iter().enumerate();
        Queues {
            list: list
                .map(|(i, &weight)| QueueWeight {
                    queue: format!("q{i}"),
                    weight,
                })
                .collect(),
            strict,
        }
    }

    proptest! {
        #[test]
        fn every_queue_is_drawn_once_and_the_shares_add_up(weights in prop::collection::vec(1u32..100, 2..8), want in 0usize..1000, seed: u64) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let shares = draw(&queues(&weights, false), &BTreeMap::new(), want, || rng.f64());
            prop_assert_eq!(shares.iter().map(|s| s.share).sum::<usize>().abs_diff(want) <= 1, true);
            let mut names: Vec<_> = shares.iter().map(|s| s.queue.clone()).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), weights.len());
        }
    }

    #[test]
    fn one_at_a_time_the_weights_hold_in_the_long_run() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut first, mut shared) = (
            BTreeMap::<String, usize>::new(),
            BTreeMap::<String, usize>::new(),
        );
        for _ in 0..10_000 {
            let shares = draw(&queues(&[6, 3, 1], false), &BTreeMap::new(), 1, || {
                rng.f64()
            });
            *first.entry(shares[0].queue.clone()).or_default() += 1;
            for s in shares {
                *shared.entry(s.queue).or_default() += s.share;
            }
        }
        for (queue, expected) in [("q0", 6_000), ("q1", 3_000), ("q2", 1_000)] {
            assert!(
                first[queue].abs_diff(expected) < 300,
                "{queue} came first {} times",
                first[queue]
            );
            assert!(
                shared[queue].abs_diff(expected) < 300,
                "{queue} had {} shares",
                shared[queue]
            );
        }
    }

    #[test]
    fn strict_queues_keep_their_order_and_leave_nothing_to_later_ones_before_they_are_empty() {
        let shares = draw(
            &queues(&[1, 1, 1], true),
            &BTreeMap::from([("q1".to_owned(), 2)]),
            10,
            || 0.5,
        );
        let seen: Vec<_> = shares
            .iter()
            .map(|s| (s.queue.as_str(), s.share, s.limit))
            .collect();
        assert_eq!(
            seen,
            [("q0", 10, None), ("q1", 10, Some(2)), ("q2", 10, None)]
        );
    }
}
