//! "Did you mean": the setting whose name is nearest to what was written.

use super::table::TABLE;

/// The setting that `name` was probably meant to be, if it is near enough to one to say so.
pub(super) fn setting(name: &str) -> Option<&'static str> {
    let wanted = squashed(name);
    TABLE
        .iter()
        .map(|setting| (distance(&wanted, &squashed(setting.name)), setting.name))
        .filter(|(distance, name)| *distance <= tolerance(&squashed(name)))
        .min()
        .map(|(_, name)| name)
}

/// Whether `name` was probably meant to be `type`, the head of an entry.
pub(super) fn is_type(name: &str) -> bool {
    distance(&squashed(name), "type") <= 1
}

/// The word of `words` that is nearest to `word`, if any is near.
pub(crate) fn word<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let wanted = squashed(word);
    words
        .iter()
        .map(|candidate| (distance(&wanted, &squashed(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How the table's names, `WORKERCOUNT`, `worker-count` and `Worker_Count` all look the same.
fn squashed(name: &str) -> String {
    // The longest name has fewer than twenty letters; nothing that is much longer is near to one.
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .take(40)
        .flat_map(char::to_lowercase)
        .collect()
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(a, b)
}

/// Two slips in a long word, one in a shorter one, none in the shortest: `MODE` is not a mistyped `NODE`.
fn tolerance(word: &str) -> usize {
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
    fn slips_and_other_spellings_find_their_setting() {
        for (written, meant) in [
            ("worker_cout", "worker_count"),
            ("workercount", "worker_count"),
            ("WORKER-COUNT", "worker_count"),
            ("wroker_count", "worker_count"),
            ("LIMIT", "limits"),
            ("databaseurl", "database_url"),
            ("max_retrys", "max_retries"),
        ] {
            assert_eq!(setting(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn variables_of_other_programs_are_not_near() {
        for name in [
            "PATH", "HOME", "USER", "NODE_ENV", "LANG", "PORT", "MODE", "API_KEY", "",
        ] {
            assert_eq!(setting(name), None, "{name}");
        }
    }
}
