//! "Did you mean": the known name that is nearest to one that nobody knows.

/// The one of `known` that `given` was most likely meant to be; `None` when none is near.
#[must_use]
pub fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time with the square of the length; nobody mistypes a field name of that many characters.
    if given.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(given.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
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
