//! On which days, in words: "on the 1st and 15th of March", "on Monday to Friday", "in July".

use crate::schedule::cron::field::{Field, Values};

use super::shape::{Shape, list, round, shape};

/// The days that are allowed; `None`: all.
pub(super) fn words(fields: &[Values; 6]) -> Option<String> {
    let [.., of_month, month, of_week] = *fields;
    let every_of_month = of_month.is_all(Field::DayOfMonth);
    let every_of_week = of_week.is_all(Field::DayOfWeek);
    let months = (!month.is_all(Field::Month)).then(|| {
        let names = round(Field::Month, month, 1);
        list(names, "and", |value| name(Field::Month, value))
    });
    let either = !of_month.starred && !of_week.starred;
    let (days, link) = match (every_of_month, every_of_week) {
        (true, true) => (None, "in"),
        (true, false) | (false, true) if either => (None, "in"),
        (true, false) => (Some(format!("on {}", weekdays(of_week, "and"))), "in"),
        (false, true) => (Some(format!("on {}", dates(of_month))), "of"),
        (false, false) if either => {
            let (dates, weekdays) = (dates(of_month), one_of(of_week, "and"));
            (Some(format!("on {dates} or on {weekdays}")), ", in")
        }
        (false, false) => {
            let months = months.map_or(String::new(), |months| format!(" of {months}"));
            let (dates, weekdays) = (dates(of_month), one_of(of_week, "or"));
            return Some(format!("on {dates}{months}, if that is {weekdays}"));
        }
    };
    match (days, months) {
        (Some(days), Some(months)) if link.starts_with(',') => {
            Some(format!("{days}{link} {months}"))
        }
        (Some(days), Some(months)) => Some(format!("{days} {link} {months}")),
        (None, Some(months)) => Some(format!("{link} {months}")),
        (days, None) => days,
    }
}

/// "the 1st and 15th", "every 2nd day from the 1st to the 31st".
fn dates(values: Values) -> String {
    match shape(Field::DayOfMonth, values) {
        Shape::Steps { first, last, step } if step > 1 => {
            let (first, last, step) = (ordinal(first), ordinal(last), ordinal(step));
            format!("every {step} day from the {first} to the {last}")
        }
        _ => format!("the {}", list(values.iter(), "and", ordinal)),
    }
}

fn weekdays(values: Values, and: &str) -> String {
    let days = round(Field::DayOfWeek, values, 1);
    list(days, and, |value| name(Field::DayOfWeek, value))
}

/// "a Friday", or the days.
fn one_of(values: Values, and: &str) -> String {
    let days = weekdays(values, and);
    if values.count() == 1 {
        format!("a {days}")
    } else {
        days
    }
}

/// The name of a number that may have been counted on over the end of its field.
fn name(field: Field, value: u32) -> String {
    let names = field.names();
    let place = (value - field.bounds().0) as usize % names.len();
    names[place].to_owned()
}

fn ordinal(value: u32) -> String {
    let ending = match (value % 10, value % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{value}{ending}")
}
