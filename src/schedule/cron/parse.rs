//! An expression as it was written becomes a [`Cron`], or the reason why not.

use std::str::FromStr;
use std::time::Duration;

use ::cron::Schedule;

use crate::job::duration::parse_duration;
use crate::near;

use super::field::{self, Field, Values};
use super::{Civil, Cron, CronError, Kind};

/// The longest expression that is read. A list of every minute has half of it.
const TEXT_BYTES_MAX: usize = 500;

/// The names of expressions, and what they stand for.
const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The shortest length of `@every`: entries are looked at every second.
const EVERY_MIN: Duration = Duration::from_secs(1);

impl Cron {
    /// Reads an expression.
    ///
    /// ```
    /// use windlass::schedule::cron::{Cron, Field};
    ///
    /// assert!(Cron::parse("*/15 9-17 * * Mon-Fri").is_ok());
    /// assert!(Cron::parse("@every 90s").is_ok());
    /// let err = Cron::parse("0 25 * * *").unwrap_err();
    /// assert_eq!(err.field(), Some(Field::Hour));
    /// assert_eq!(err.to_string(), "hour: 25 is out of range; write 0 to 23");
    /// ```
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: in which field, why, and what would do. An expression that never fires, such as the
    /// 30th of February, is wrong too.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(CronError::whole(format!(
                "longer than {TEXT_BYTES_MAX} bytes; lists can be written as ranges and steps"
            )));
        }
        let text = text.trim_matches([' ', '\t']);
        let kind = if text.starts_with('@') {
            named(text)?
        } else {
            Kind::Civil(civil(text)?)
        };
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }
}

impl FromStr for Cron {
    type Err = CronError;
    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

/// `@daily` and its like, and `@every`.
fn named(text: &str) -> Result<Kind, CronError> {
    let (name, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim_matches([' ', '\t']);
    let lower = name.to_ascii_lowercase();
    if lower == "@every" {
        return every(rest).map(Kind::Every);
    }
    let Some((_, fields)) = MACROS.iter().find(|(known, _)| *known == lower) else {
        return Err(CronError::whole(unknown_name(name)));
    };
    if !rest.is_empty() {
        return Err(CronError::whole(format!(
            "`{rest}` after {name}; nothing may follow it"
        )));
    }
    civil(fields).map(Kind::Civil)
}

fn unknown_name(name: &str) -> String {
    if name.eq_ignore_ascii_case("@reboot") {
        return "@reboot is no time: a start of a daemon fires nothing; write when to fire"
            .to_owned();
    }
    let mut known: Vec<&str> = MACROS.iter().map(|(name, _)| *name).collect();
    known.push("@every");
    match near::word(name, &known) {
        Some(near) => format!("{name} is not known; did you mean {near}?"),
        None => format!(
            "{name} is not known; there are {} with a length",
            known.join(" ")
        ),
    }
}

fn every(text: &str) -> Result<Duration, CronError> {
    let wrong = |reason: String| CronError::whole(format!("@every: {reason}"));
    if text.is_empty() {
        return Err(wrong(
            "lacks its length; write it like `@every 90s` or `@every 2h`".to_owned(),
        ));
    }
    let length = parse_duration(text).map_err(|reason| wrong(format!("`{text}` is {reason}")))?;
    if length < EVERY_MIN {
        return Err(wrong(format!("`{text}` is too short; the least is 1s")));
    }
    Ok(length)
}

/// Five or six fields.
fn civil(text: &str) -> Result<Civil, CronError> {
    let words: Vec<&str> = text
        .split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .collect();
    let mut fields = [Values::only(0); 6];
    let first = match words.len() {
        5 => 1,
        6 => 0,
        count => return Err(CronError::whole(wrong_count(count))),
    };
    for (index, word) in words.iter().enumerate() {
        let field = Field::ALL[first + index];
        fields[first + index] = field::read(field, word)?;
    }
    let civil = Civil {
        interval: fields[1].starred || fields[2].starred,
        schedules: schedules(&fields)?,
        fields,
    };
    // From the year the crate begins with to the one it ends with: whatever fires at all fires in between.
    if civil.next_wall(0).is_none() {
        return Err(CronError::in_field(
            Field::DayOfMonth,
            "none of the months has such a day, so it would never fire; write a day that one of them has",
        ));
    }
    Ok(civil)
}

fn wrong_count(count: usize) -> String {
    const FORMS: &str =
        "write five (minute, hour, day of month, month, day of week), or six with the second first";
    match count {
        0 => format!("nothing is written; {FORMS}"),
        1 => format!("1 field; {FORMS}"),
        7 => format!("7 fields, and a year is not known here; {FORMS}"),
        _ => format!("{count} fields; {FORMS}"),
    }
}

/// What the crate is asked: one schedule, or, where a day that matches either day field fires, one with each.
fn schedules(fields: &[Values; 6]) -> Result<Vec<Schedule>, CronError> {
    let (of_month, of_week) = (Field::DayOfMonth as usize, Field::DayOfWeek as usize);
    let either = !fields[of_month].starred && !fields[of_week].starred;
    let without = |left_out: Option<usize>| {
        let texts = Field::ALL
            .iter()
            .enumerate()
            .map(|(index, &field)| match left_out {
                Some(out) if out == index => "*".to_owned(),
                _ => for_the_crate(field, fields[index]),
            });
        let text = texts.collect::<Vec<_>>().join(" ");
        // It reads plain lists within bounds, which is all that it gets.
        Schedule::from_str(&text)
            .map_err(|err| CronError::whole(format!("cannot be evaluated: {err}")))
    };
    if either {
        Ok(vec![without(Some(of_week))?, without(Some(of_month))?])
    } else {
        Ok(vec![without(None)?])
    }
}

/// A plain list of numbers, or `*`. Its days of the week begin with 1.
fn for_the_crate(field: Field, values: Values) -> String {
    if values.is_all(field) {
        return "*".to_owned();
    }
    let shift = u32::from(field == Field::DayOfWeek);
    let numbers = values.iter().map(|value| (value + shift).to_string());
    numbers.collect::<Vec<_>>().join(",")
}
