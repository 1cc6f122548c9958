//! Lengths of time as people write them: `500ms`, `10s`, `1.5h`, `7d`, or a number of seconds.
//!
//! One grammar for settings and requests. Whole microseconds only, since no clock of ours counts finer, and at most a
//! hundred years, so that no sum with an instant can overflow.

use std::fmt;
use std::time::Duration;

/// The longest length that can be written.
pub const DURATION_MAX: Duration = Duration::from_secs(36_500 * 24 * 3600);

/// The units by their size in microseconds, largest first: the order in which [`written`] tries them.
const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 3600 * 1_000_000),
    ("h", 3600 * 1_000_000),
    ("m", 60 * 1_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
];

/// What to write, for the end of every message.
const FORMS: &str = "write it like `500ms`, `10s`, `2m`, `1h` or `7d`, or as a number of seconds";

/// Reads a length of time: a number, whole or with a decimal point, and one of `ms s m h d`; seconds without a unit.
///
/// ```
/// use std::time::Duration;
/// use windlass::job::duration::parse_duration;
///
/// assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse_duration("10"), Ok(Duration::from_secs(10)));
/// assert_eq!(parse_duration("1.5h"), Ok(Duration::from_secs(90 * 60)));
/// assert!(parse_duration("ten minutes").is_err());
/// ```
///
/// # Errors
///
/// A sentence for whoever wrote the text, without the text itself: what is wrong with it, and which forms there are.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = if unit.is_empty() { "s" } else { unit };
    let Some(&(_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("not a length of time; {FORMS}"));
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(format!("not a length of time; {FORMS}"));
    }
    let micros = whole
        .parse::<u64>()
        .ok()
        .and_then(|whole| whole.checked_mul(size))
        .ok_or_else(too_long)?;
    let micros = micros
        .checked_add(part_of(fraction, size)?)
        .ok_or_else(too_long)?;
    bounded(Duration::from_micros(micros))
}

/// The length of `seconds`, as a JSON number gives them; rounded to whole microseconds.
///
/// # Errors
///
/// A sentence for whoever wrote the number: it is negative, not finite, or above [`DURATION_MAX`].
pub fn duration_of_seconds(seconds: f64) -> Result<Duration, String> {
    if seconds < 0.0 {
        return Err("negative; a length of time is 0 or more".to_owned());
    }
    let exact = Duration::try_from_secs_f64(seconds).map_err(|_| too_long())?;
    let micros = (exact + Duration::from_nanos(500)).as_micros();
    bounded(Duration::from_micros(
        u64::try_from(micros).map_err(|_| too_long())?,
    ))
}

/// Shows a length as [`parse_duration`] reads it, in the largest unit that needs no fraction: `90s`, `2h`.
/// Whatever is finer than a microsecond is left out.
#[must_use]
pub fn written(length: Duration) -> impl fmt::Display {
    Written(length)
}

struct Written(Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        if micros == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in UNITS {
            if micros.is_multiple_of(u128::from(size)) {
                return write!(f, "{}{unit}", micros / u128::from(size));
            }
        }
        let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        write!(f, "{}s", text.trim_end_matches('0'))
    }
}

/// The microseconds that the decimals `digits` of a unit of `size` microseconds stand for.
fn part_of(digits: &str, size: u64) -> Result<u64, String> {
    let digits = digits.trim_end_matches('0');
    let finer = || "finer than a microsecond; leave the last decimals out".to_owned();
    // No unit has a part of more than 13 decimals that is a whole number of microseconds.
    if digits.is_empty() {
        return Ok(0);
    } else if digits.len() > 13 {
        return Err(finer());
    }
    let tenths = 10_u128.pow(u32::try_from(digits.len()).map_err(|_| finer())?);
    let product = digits.parse::<u128>().map_err(|_| finer())? * u128::from(size);
    if !product.is_multiple_of(tenths) {
        return Err(finer());
    }
    u64::try_from(product / tenths).map_err(|_| too_long())
}

fn bounded(length: Duration) -> Result<Duration, String> {
    if length > DURATION_MAX {
        return Err(too_long());
    }
    Ok(length)
}

fn too_long() -> String {
    format!("too long: at most {}", written(DURATION_MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        for (text, micros) in [
            ("0", 0),
            ("10", 10_000_000),
            ("0.3", 300_000),
            ("500ms", 500_000),
            ("10s", 10_000_000),
            ("2m", 120_000_000),
            ("1h", 3_600_000_000),
            ("7d", 604_800_000_000),
            ("1.5h", 5_400_000_000),
            ("0.000001", 1),
            ("0.05m", 3_000_000),
            ("1.50", 1_500_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_micros(micros)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_the_forms() {
        for text in [
            "",
            "s",
            ".",
            ".5",
            "5.",
            "1.2.3",
            "-1",
            "+1",
            "1 s",
            " 1",
            "1w",
            "1e3",
            "1S",
            "１s",
            "10 minutes",
            "1h30m",
            "NaN",
        ] {
            let err = parse_duration(text).unwrap_err();
            assert!(err.contains("`500ms`"), "{text}: {err}");
        }
    }

    #[test]
    fn too_fine_and_too_long_are_told_apart() {
        for text in ["0.0000001", "0.0001ms", "0.00000000000000000000000000001d"] {
            assert!(
                parse_duration(text).unwrap_err().starts_with("finer"),
                "{text}"
            );
        }
        for text in ["36500.5d", "99999999999999999999", "18446744073709551615d"] {
            assert_eq!(
                parse_duration(text).unwrap_err(),
                "too long: at most 36500d",
                "{text}"
            );
        }
        assert_eq!(parse_duration("36500d"), Ok(DURATION_MAX));
    }

    #[test]
    fn a_json_number_is_seconds() {
        assert_eq!(duration_of_seconds(0.3), Ok(Duration::from_millis(300)));
        assert_eq!(duration_of_seconds(0.0), Ok(Duration::ZERO));
        assert_eq!(duration_of_seconds(1e3), Ok(Duration::from_secs(1_000)));
        for wrong in [
            -1.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
            3.2e9,
        ] {
            assert!(duration_of_seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_length_is_written_in_the_largest_unit_that_fits() {
        for (micros, text) in [
            (0, "0s"),
            (1, "0.000001s"),
            (250_000, "250ms"),
            (1_500_500, "1.5005s"),
            (90_000_000, "90s"),
            (120_000_000, "2m"),
            (7_200_000_000, "2h"),
            (86_400_000_000, "1d"),
        ] {
            assert_eq!(written(Duration::from_micros(micros)).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(micros in 0..=DURATION_MAX.as_micros()) {
            let length = Duration::from_micros(u64::try_from(micros).unwrap());
            prop_assert_eq!(parse_duration(&written(length).to_string()), Ok(length));
        }

        #[test]
        fn no_text_is_a_reason_to_panic(text in "[0-9.]{0,30}(ms|s|m|h|d|.{0,3})") {
            if let Ok(length) = parse_duration(&text) {
                prop_assert!(length <= DURATION_MAX);
            }
        }

        #[test]
        fn no_number_is_a_reason_to_panic(bits in any::<u64>()) {
            if let Ok(length) = duration_of_seconds(f64::from_bits(bits)) {
                prop_assert!(length <= DURATION_MAX);
            }
        }
    }
}
