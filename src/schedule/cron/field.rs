//! One field of an expression: `*/15`, `9-17`, `Mon,Wed` become the set of the numbers they allow.

use std::fmt;

use crate::near;

use super::CronError;

/// The fields of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Second of the minute; only where six fields are written.
    Second,
    /// Minute of the hour.
    Minute,
    /// Hour of the day.
    Hour,
    /// Day of the month.
    DayOfMonth,
    /// Month of the year.
    Month,
    /// Day of the week.
    DayOfWeek,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Field {
    /// All six, in the order in which they are written.
    pub const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    /// How messages call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        }
    }

    /// The least and the greatest number. Days of the week have seven: 7, which may be written too, is 0.
    pub(super) const fn bounds(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
        }
    }

    /// How many numbers there are before they begin again.
    pub(super) const fn size(self) -> u32 {
        let (least, greatest) = self.bounds();
        greatest - least + 1
    }

    /// The greatest number that may be written.
    const fn greatest_written(self) -> u32 {
        match self {
            Self::DayOfWeek => 7,
            _ => self.bounds().1,
        }
    }

    /// The names of the numbers from the least on; empty where numbers have none.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &DAYS,
            _ => &[],
        }
    }

    /// What may be written, for the end of a message.
    fn forms(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "write 0 to 59",
            Self::Hour => "write 0 to 23",
            Self::DayOfMonth => "write 1 to 31",
            Self::Month => "write 1 to 12, or Jan to Dec",
            Self::DayOfWeek => "write 0 to 7 (0 and 7 are Sunday), or Sun to Sat",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The numbers that a field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Values {
    /// Bit n: n is allowed.
    bits: u64,
    /// Whether the text began with `*`, on which POSIX' rule of days and that of intervals depend.
    pub(super) starred: bool,
}

impl Values {
    /// Just this number, as if it had been written.
    pub(super) const fn only(value: u32) -> Self {
        Self {
            bits: 1 << value,
            starred: false,
        }
    }

    /// The numbers, rising.
    pub(super) fn iter(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |value| self.bits >> value & 1 == 1)
    }

    pub(super) fn count(self) -> u32 {
        self.bits.count_ones()
    }

    /// Whether every number of `field` is allowed.
    pub(super) fn is_all(self, field: Field) -> bool {
        self.count() == field.size()
    }
}

/// Reads a field: a list of items with commas between.
///
/// # Errors
///
/// The first item that is wrong, why, and what would do.
pub(super) fn read(field: Field, text: &str) -> Result<Values, CronError> {
    let mut bits = 0;
    for item in text.split(',') {
        bits |= Item { field, text: item }.read()?;
    }
    Ok(Values {
        bits,
        starred: text.starts_with('*'),
    })
}

/// One item of a list: `*`, a number, a name or a range, and perhaps a step.
struct Item<'a> {
    field: Field,
    text: &'a str,
}

impl Item<'_> {
    fn read(&self) -> Result<u64, CronError> {
        if self.text.is_empty() {
            let field = self.field.forms();
            return Err(self.wrong(format!("nothing beside a comma; {field}")));
        }
        let (range, step) = match self.text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (self.text, None),
        };
        let (from, to) = self.range(range, step.is_some())?;
        let (least, size) = (self.field.bounds().0, self.field.size());
        let to = if to < from { to + size } else { to };
        let steps = (from..=to).step_by(step.unwrap_or(1));
        Ok(steps.fold(0, |bits, value| {
            bits | 1 << ((value - least) % size + least)
        }))
    }

    /// From where to where; a step makes `5` mean from 5 to the end.
    fn range(&self, text: &str, stepped: bool) -> Result<(u32, u32), CronError> {
        let (least, greatest) = self.field.bounds();
        if text == "*" {
            Ok((least, greatest))
        } else if let Some((from, to)) = text.split_once('-') {
            Ok((self.value(from)?, self.value(to)?))
        } else if stepped {
            Ok((self.value(text)?, self.field.greatest_written()))
        } else {
            self.value(text).map(|value| (value, value))
        }
    }

    fn step(&self, text: &str) -> Result<usize, CronError> {
        let size = self.field.size();
        match number(text) {
            Some(step) if (1..=size).contains(&step) => Ok(step as usize),
            Some(0) => Err(self.wrong(format!("a step of 0 leads nowhere; write 1 to {size}"))),
            Some(step) => {
                let mut reason =
                    format!("a step of {step} is more than there is; write 1 to {size}");
                if matches!(self.field, Field::Second | Field::Minute | Field::Hour) {
                    let unit = self.field.name().chars().next().unwrap_or_default();
                    reason.push_str(&format!(", or `@every {step}{unit}`"));
                }
                Err(self.wrong(reason))
            }
            None => Err(self.wrong(format!("`{text}` is no step; write 1 to {size}"))),
        }
    }

    /// A number or a name.
    fn value(&self, text: &str) -> Result<u32, CronError> {
        let least = self.field.bounds().0;
        if let Some(value) = number(text) {
            if (least..=self.field.greatest_written()).contains(&value) {
                return Ok(value);
            }
            let forms = self.field.forms();
            return Err(self.wrong(format!("{value} is out of range; {forms}")));
        }
        if let Some(place) = place(text, self.field.names()) {
            return Ok(place + least);
        }
        Err(self.wrong(self.not_a_value(text)))
    }

    /// Why `text` is neither a number nor a name of this field.
    fn not_a_value(&self, text: &str) -> String {
        let forms = self.field.forms();
        let is_day = place(text, &DAYS).is_some();
        if is_day || place(text, &MONTHS).is_some() {
            let kind = if is_day {
                "a day of the week"
            } else {
                "a month"
            };
            return format!("`{text}` is {kind}; {forms}");
        }
        let other_dialect = match text {
            "" => Some("a range lacks its begin or end".to_owned()),
            "?" => Some("`?` is another cron's word for `*`".to_owned()),
            _ if text.ends_with(['L', 'W']) || text.contains('#') => Some(format!(
                "`{text}` is another cron's word, for days that are counted; it is not known here"
            )),
            _ => None,
        };
        if let Some(reason) = other_dialect {
            return format!("{reason}; {forms}");
        }
        match near::word(text, self.field.names()) {
            Some(near) => format!("`{text}` is not known; did you mean `{near}`?"),
            None => format!("`{text}` is not known; {forms}"),
        }
    }

    fn wrong(&self, reason: String) -> CronError {
        CronError::in_field(self.field, reason)
    }
}

/// A number of digits only. No field has one of more than two digits; more are for messages.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Which of `names` is written, in full or by its first three letters, in capitals or not.
fn place(text: &str, names: &[&str]) -> Option<u32> {
    let fits =
        |name: &&str| text.eq_ignore_ascii_case(name) || text.eq_ignore_ascii_case(&name[..3]);
    let place = names.iter().position(fits)?;
    u32::try_from(place).ok()
}
