//! The attempts of a job as text, a line each, and back.

use crate::job::{Attempt, Outcome, Timestamp};

/// The attempts of a job, a line each. A line that cannot be read is left out: the job matters more.
pub(super) fn read_all(history: Option<&[u8]>) -> Vec<Attempt> {
    let text = String::from_utf8_lossy(history.unwrap_or_default());
    text.lines().filter_map(read).collect()
}

/// One attempt on a line: `<outcome> <attempt> <started at> <ended at> <node>` where that is all there is to tell, which a
/// script can write as well and which is short: Lua looks at each character of all that passes through it. Else JSON.
pub(super) fn line(attempt: &Attempt) -> Result<String, serde_json::Error> {
    let plain = attempt.error.is_none()
        && attempt.log.is_empty()
        && attempt.outcome != Outcome::Crashed
        && !attempt.node.contains('\n');
    if !plain {
        return serde_json::to_string(attempt);
    }
    Ok(format!(
        "{} {} {} {} {}",
        attempt.outcome.as_str(),
        attempt.attempt,
        attempt.started_at.as_micros(),
        attempt.ended_at.as_micros(),
        attempt.node
    ))
}

/// Reads a line of [`line()`], or of a script about a crash.
pub(super) fn read(line: &str) -> Option<Attempt> {
    if line.starts_with('{') {
        return serde_json::from_str(line).ok();
    }
    let mut words = line.splitn(5, ' ');
    let outcome: Outcome = words.next()?.parse().ok()?;
    let attempt = words.next()?.parse().ok()?;
    let started_at = Timestamp::from_micros(words.next()?.parse().ok()?);
    let ended_at = Timestamp::from_micros(words.next()?.parse().ok()?);
    let node = words.next()?;
    if outcome == Outcome::Crashed {
        return Some(Attempt::crashed(attempt, started_at, ended_at, node));
    }
    Some(Attempt {
        attempt,
        outcome,
        started_at,
        ended_at,
        node: node.to_owned(),
        error: None,
        log: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ErrorKind, JobError};

    #[test]
    fn an_attempt_survives_its_line() {
        let at = |micros: i64| Timestamp::from_micros(1_795_000_000_000_000 + micros);
        let plain = Attempt {
            attempt: 2,
            outcome: Outcome::TimedOut,
            started_at: at(1),
            ended_at: at(2),
            node: "host with: 8080".to_owned(),
            error: None,
            log: Vec::new(),
        };
        let logged = Attempt {
            log: vec!["a line".to_owned()],
            ..plain.clone()
        };
        let failed = Attempt {
            error: Some(JobError::new(ErrorKind::Failed, "no")),
            ..plain.clone()
        };
        let broken = Attempt {
            node: "two\nlines".to_owned(),
            ..plain.clone()
        };
        let crashed = Attempt::crashed(1, at(1), at(2), "host:8080");
        for kept in [plain, logged, failed, broken, crashed] {
            let text = line(&kept).expect("text");
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(read(&text), Some(kept), "{text}");
        }
        assert_eq!(read("succeeded 1 2"), None);
    }
}
