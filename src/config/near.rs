//! "Did you mean": the setting whose name is nearest to what was written.

use super::entries::Listed;
use super::schedules::Schedule;
use super::table::TABLE;
use super::types::JobType;
use crate::near::{distance, squashed, tolerance};

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

/// The head of an entry that `name` was probably meant to be.
pub(super) fn head(name: &str) -> Option<&'static str> {
    let wanted = squashed(name);
    [JobType::HEAD, Schedule::HEAD]
        .into_iter()
        .find(|head| distance(&wanted, head) <= 1)
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
