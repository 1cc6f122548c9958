//! When on a day, in words: "at 09:30", "every 15 minutes from 09:00 to 17:45".

use crate::schedule::cron::field::{Field, Values};

use super::shape::{Shape, join, list, runs, shape};

/// So many times of a day are listed one by one.
const TIMES_MAX: u32 = 6;

/// When on a day.
pub(super) struct Time {
    pub(super) words: String,
    /// Whether they are times of the day, after which one expects to read of which day.
    pub(super) of_the_day: bool,
    /// Which seconds of the minute, when that is to be told apart from the rest.
    pub(super) seconds: Option<String>,
}

pub(super) fn words(fields: &[Values; 6]) -> Time {
    let [second, minute, hour, ..] = *fields;
    let seconds = shape(Field::Second, second);
    let always = minute.is_all(Field::Minute) && hour.is_all(Field::Hour);
    if always && let Some(words) = through_the_minute(&seconds) {
        return Time {
            words,
            of_the_day: false,
            seconds: None,
        };
    }
    if are_listed(minute, hour) {
        let second = match seconds {
            Shape::One(second) => Some(second),
            _ => None,
        };
        return Time {
            words: format!("at {}", times(second.filter(|s| *s > 0), minute, hour)),
            of_the_day: true,
            seconds: second.is_none().then(|| in_the_minute(&seconds, fields[0])),
        };
    }
    Time {
        words: minutes(minute, hour),
        of_the_day: false,
        seconds: (seconds != Shape::One(0)).then(|| in_the_minute(&seconds, fields[0])),
    }
}

/// The seconds alone, where every minute of the day is alike.
fn through_the_minute(seconds: &Shape) -> Option<String> {
    match seconds {
        Shape::All => Some("every second".to_owned()),
        Shape::Even { first: 0, step } => Some(format!("every {step} seconds")),
        _ => None,
    }
}

fn in_the_minute(shape: &Shape, seconds: Values) -> String {
    match shape {
        Shape::All => "every second".to_owned(),
        Shape::One(second) => format!("at second {second}"),
        Shape::Even { first: 0, step } => format!("every {step} seconds"),
        Shape::Steps { first, last, step } if *step > 1 => {
            format!("every {step} seconds from {first} to {last}")
        }
        _ => format!(
            "at seconds {}",
            list(seconds.iter(), "and", |s| s.to_string())
        ),
    }
}

/// Whether the times of a day are few, and no even hours, which are better said in short.
fn are_listed(minute: Values, hour: Values) -> bool {
    let even = matches!(shape(Field::Hour, hour), Shape::Even { .. }) && hour.count() > 2;
    minute.count() * hour.count() <= TIMES_MAX && !(even && minute.count() == 1)
}

/// "09:00, 12:00 and 17:00".
fn times(second: Option<u32>, minute: Values, hour: Values) -> String {
    let all = hour
        .iter()
        .flat_map(|h| minute.iter().map(move |m| clock(h, m)));
    let all: Vec<String> = match second {
        Some(second) => all.map(|time| format!("{time}:{second:02}")).collect(),
        None => all.collect(),
    };
    join(&all, "and")
}

fn clock(hour: u32, minute: u32) -> String {
    format!("{hour:02}:{minute:02}")
}

/// Many times of a day: at which minutes, of which hours.
fn minutes(minute: Values, hour: Values) -> String {
    let hours = shape(Field::Hour, hour);
    match (shape(Field::Minute, minute), hours) {
        (Shape::All, Shape::All) => "every minute".to_owned(),
        (Shape::Even { first: 0, step }, Shape::All) => format!("every {step} minutes"),
        (Shape::One(0), Shape::All) => "every hour".to_owned(),
        (Shape::One(minute), Shape::All) => format!("every hour at minute {minute}"),
        (Shape::One(0), Shape::Even { first: 0, step }) => format!("every {step} hours"),
        (Shape::One(minute), Shape::Even { first, step }) => {
            format!("every {step} hours from {}", clock(first, minute))
        }
        (Shape::One(minute), Shape::Steps { first, last, step }) if step > 1 => {
            let (first, last) = (clock(first, minute), clock(last, minute));
            format!("every {step} hours from {first} to {last}")
        }
        (Shape::One(minute), _) => spans("hour", (minute, minute), hour)
            .unwrap_or_else(|| format!("at minute {minute} of {}", hours_of(hour))),
        (Shape::All, _) => spans("minute", (0, 59), hour)
            .unwrap_or_else(|| format!("every minute of {}", hours_of(hour))),
        (Shape::Even { first, step }, hours) => {
            let unit = format!("{step} minutes");
            let spans = spans(&unit, (first, first + 60 - step), hour);
            spans.filter(|_| hours != Shape::All).unwrap_or_else(|| {
                let from = if first == 0 {
                    String::new()
                } else {
                    format!(" from minute {first}")
                };
                format!("every {unit}{from} of {}", hours_of(hour))
            })
        }
        (Shape::Steps { first, last, step }, _) => {
            let unit = if step == 1 {
                "minute".to_owned()
            } else {
                format!("{step} minutes")
            };
            format!(
                "every {unit} from minute {first} to {last} of {}",
                hours_of(hour)
            )
        }
        (Shape::Other, _) => {
            let minutes = list(minute.iter(), "and", |m| m.to_string());
            format!("at minutes {minutes} of {}", hours_of(hour))
        }
    }
}

/// "every 15 minutes from 09:00 to 17:45", for one or two runs of hours; `ends` are the first and last minute of an hour.
fn spans(unit: &str, ends: (u32, u32), hour: Values) -> Option<String> {
    let runs = runs(hour.iter());
    // From an hour to the same hour says something only when there are several minutes in it.
    let short = |(from, to): &(u32, u32)| from == to && ends.0 == ends.1;
    if runs.len() > 2 || runs.iter().any(short) {
        return None;
    }
    let spans = runs.iter().map(|&(from, to)| {
        let (from, to) = (clock(from, ends.0), clock(to, ends.1));
        format!("from {from} to {to}")
    });
    Some(format!(
        "every {unit} {}",
        spans.collect::<Vec<_>>().join(" and ")
    ))
}

/// "every hour", "the hours 02 and 05 to 07".
fn hours_of(hour: Values) -> String {
    match shape(Field::Hour, hour) {
        Shape::All => "every hour".to_owned(),
        Shape::One(hour) => format!("the hour {hour:02}"),
        _ => format!(
            "the hours {}",
            list(hour.iter(), "and", |h| format!("{h:02}"))
        ),
    }
}
