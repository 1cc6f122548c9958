//! What a set of numbers looks like, and lists of numbers in words.

use crate::schedule::cron::field::{Field, Values};

/// What a set of numbers looks like; the first that fits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    All,
    One(u32),
    /// Evenly spaced over the whole field, so that the step is the same over its end: `*/15` minutes.
    Even {
        first: u32,
        step: u32,
    },
    /// Evenly spaced, four or more, but not over the end: `*/7` minutes, `9-17` hours.
    Steps {
        first: u32,
        last: u32,
        step: u32,
    },
    Other,
}

pub(super) fn shape(field: Field, values: Values) -> Shape {
    let all: Vec<u32> = values.iter().collect();
    let (Some(&first), Some(&last)) = (all.first(), all.last()) else {
        return Shape::Other;
    };
    if values.is_all(field) {
        return Shape::All;
    } else if all.len() == 1 {
        return Shape::One(first);
    }
    let step = all[1] - first;
    let evenly = all.windows(2).all(|pair| pair[1] - pair[0] == step);
    if evenly && last + step == first + field.size() {
        Shape::Even { first, step }
    } else if evenly && all.len() >= 4 {
        Shape::Steps { first, last, step }
    } else {
        Shape::Other
    }
}

/// The numbers as runs without holes, from and to.
pub(super) fn runs(values: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => runs.push((value, value)),
        }
    }
    runs
}

/// "0, 5 to 9 and 20": the numbers in words, with three and more in a row drawn together.
pub(super) fn list(
    values: impl IntoIterator<Item = u32>,
    and: &str,
    word: impl Fn(u32) -> String,
) -> String {
    let mut words = Vec::new();
    for (from, to) in runs(values) {
        match to - from {
            0 => words.push(word(from)),
            1 => words.extend([word(from), word(to)]),
            _ => words.push(format!("{} to {}", word(from), word(to))),
        }
    }
    join(&words, and)
}

/// "a, b and c".
pub(super) fn join(words: &[String], and: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} {and} {last}", before.join(", ")),
    }
}

/// The numbers of a field that goes round (weeks, years), counted on over its end, so that a run over it is one run.
///
/// Without such a run, they begin with `begin`: a week is shown from Monday on.
pub(super) fn round(field: Field, values: Values, begin: u32) -> Vec<u32> {
    let size = field.size();
    let from = |begin: u32| {
        let on = values
            .iter()
            .map(move |v| if v < begin { v + size } else { v });
        let mut on: Vec<u32> = on.collect();
        on.sort_unstable();
        on
    };
    let begins = values.iter().chain([begin]);
    begins
        .map(from)
        .find(|on| runs(on.iter().copied()).len() == 1)
        .unwrap_or_else(|| from(begin))
}
