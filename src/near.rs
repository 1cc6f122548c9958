//! "Did you mean": the known name that is nearest to one that nobody knows.
//!
//! [`near`] is for fields, of which a few are known and each other one is a mistake; [`word`] is for words among which
//! another one may well be meant as it is written.

/// The one of `known` that `given` was most likely meant to be; `None` when none is near.
#[must_use]
pub fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time with the square of the length; nobody mistypes a field name of that many characters.
    if given.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|name| (distance(given, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(given.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The word of `words` that is nearest to `word`, if any is near; capitals, `_` and `-` do not count.
#[must_use]
pub fn word<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let wanted = squashed(word);
    words
        .iter()
        .map(|candidate| (distance(&wanted, &squashed(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How `worker_count`, `WORKERCOUNT`, `worker-count` and `Worker_Count` all look the same.
#[must_use]
pub fn squashed(name: &str) -> String {
    // No known name is as long as that; nothing that is much longer is near to one.
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .take(40)
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many slips lead from one word to the other.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(a, b)
}

/// Two slips in a long word, one in a shorter one, none in the shortest: `MODE` is not a mistyped `NODE`.
#[must_use]
pub fn tolerance(word: &str) -> usize {
    match word.len() {
        0..=4 => 0,
        5..=7 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_near_and_another_word_is_not() {
        let known = ["payload", "queue", "max_retries"];
        assert_eq!(near("paylaod", known), Some("payload"));
        assert_eq!(near("maxretries", known), Some("max_retries"));
        assert_eq!(near("priority", known), None);
        assert_eq!(near(&"x".repeat(100_000), known), None);
    }
}
