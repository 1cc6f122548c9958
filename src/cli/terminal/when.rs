//! Instants and lengths of time as people read them: `3m ago`, `in 2h`, `1.25s`.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};

use super::{Screen, text};
use crate::job::Timestamp;

/// An instant of the API's (RFC 3339).
pub(in crate::cli) fn instant(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp::from_micros(instant.timestamp_micros()))
}

/// An instant as the API wants it.
pub(in crate::cli) fn rfc3339(instant: Timestamp) -> String {
    let instant = DateTime::from_timestamp_micros(instant.as_micros()).unwrap_or_default();
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// How long it was between two instants of the API's.
pub(in crate::cli) fn between(from: Option<&str>, to: Option<&str>) -> Option<Duration> {
    let (from, to) = (instant(from?)?, instant(to?)?);
    Some(to.since(from))
}

impl Screen {
    /// An instant of the API's as a table shows it: how long it was ago on a terminal, as it came elsewhere.
    pub fn when(&self, given: Option<&str>) -> String {
        let Some(given) = given else {
            return "-".to_owned();
        };
        match instant(given) {
            Some(instant) if self.is_terminal() => relative(instant, self.now()),
            _ => text::one_line(given).into_owned(),
        }
    }

    /// The instant itself, and on a terminal how long ago it was.
    pub fn exactly_when(&self, given: &str) -> String {
        let shown = text::one_line(given);
        match instant(given) {
            Some(instant) if self.is_terminal() => {
                format!("{shown} ({})", relative(instant, self.now()))
            }
            _ => shown.into_owned(),
        }
    }
}

fn relative(instant: Timestamp, now: Timestamp) -> String {
    if instant > now {
        format!("in {}", rough(instant.since(now)))
    } else {
        format!("{} ago", rough(now.since(instant)))
    }
}

/// A length of time in its largest unit that leaves two digits to read, rounded: `95s`, `45m`, `30h`, `12d`.
pub(in crate::cli) fn rough(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    let (size, unit) = match length.as_secs() {
        0..120 => (1.0, "s"),
        120..7_200 => (60.0, "m"),
        7_200..172_800 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    };
    format!("{:.0}{unit}", seconds / size)
}

/// A length of time that was measured: `<1ms`, `312ms`, `12.35s`, `3m12s`, `2h05m`.
pub(in crate::cli) fn precise(length: Duration) -> String {
    let (seconds, millis) = (length.as_secs(), length.subsec_millis());
    match seconds {
        0 if millis == 0 => "<1ms".to_owned(),
        0 => format!("{millis}ms"),
        1..60 => format!("{seconds}.{:02}s", millis / 10),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T07:42:06.000000Z";

    fn screen() -> Screen {
        Screen::plain(80, instant(NOW).expect("an instant"))
    }

    #[test]
    fn an_instant_is_relative_on_a_terminal_alone() {
        let at = "2026-11-24T07:39:00.500000Z";
        assert_eq!(screen().when(Some(at)), "3m ago");
        assert_eq!(screen().exactly_when(at), format!("{at} (3m ago)"));
        assert_eq!(screen().when(Some("2026-11-24T07:42:36.900000Z")), "in 31s");
        assert_eq!(Screen::pipe().when(Some(at)), at);
        assert_eq!(Screen::pipe().exactly_when(at), at);
        assert_eq!(screen().when(None), "-");
        assert_eq!(screen().when(Some("soon\x1b")), "soon\\u001b");
    }

    #[test]
    fn lengths_keep_about_two_digits() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_199, "120m"),
            (7_200, "2h"),
            (172_799, "48h"),
            (172_800, "2d"),
            (86_400 * 400, "400d"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
        for (millis, text) in [
            (0, "<1ms"),
            (312, "312ms"),
            (1_009, "1.00s"),
            (59_999, "59.99s"),
            (192_000, "3m12s"),
            (7_500_000, "2h05m"),
        ] {
            assert_eq!(precise(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_lies_between_needs_both() {
        let length = between(Some(NOW), Some("2026-11-24T07:42:07.500000Z"));
        assert_eq!(length, Some(Duration::from_millis(1_500)));
        assert_eq!(between(None, Some(NOW)), None);
        assert_eq!(between(Some(NOW), Some("x")), None);
    }
}
