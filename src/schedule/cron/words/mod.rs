//! An expression in words: `*/15 9-17 * * 1-5` is "every 15 minutes from 09:00 to 17:45 on Monday to Friday".
//!
//! The words follow from what is allowed, not from how it was written: `0,30 * * * *` and `*/30 * * * *` read the same.
//! [`time`] says when on a day, [`days`] on which.

mod days;
mod shape;
mod time;

use crate::job::duration::written;

use super::{Civil, Cron, Kind};

impl Cron {
    /// When it fires, in words.
    ///
    /// ```
    /// use windlass::schedule::cron::Cron;
    ///
    /// let cron = Cron::parse("30 9 * * 1-5").unwrap();
    /// assert_eq!(cron.explain(), "at 09:30 on Monday to Friday");
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        match &self.kind {
            Kind::Every(length) => every(&written(*length).to_string()),
            Kind::Civil(civil) => sentence(civil),
        }
    }
}

fn sentence(civil: &Civil) -> String {
    let time = time::words(&civil.fields);
    let mut sentence = time.words;
    match days::words(&civil.fields) {
        Some(days) if days.starts_with("in ") && time.of_the_day => {
            sentence.push_str(&format!(" every day {days}"));
        }
        Some(days) => sentence.push_str(&format!(" {days}")),
        None if time.of_the_day => sentence.push_str(" every day"),
        None => {}
    }
    if let Some(seconds) = time.seconds {
        sentence.push_str(&format!(", {seconds} of the minute"));
    }
    sentence
}

/// `90s` becomes "every 90 seconds, counted from its creation".
fn every(length: &str) -> String {
    let (number, unit) = length.split_at(length.trim_end_matches(char::is_alphabetic).len());
    let unit = match unit {
        "d" => "day",
        "h" => "hour",
        "m" => "minute",
        "ms" => "millisecond",
        _ => "second",
    };
    let length = match number {
        "1" => unit.to_owned(),
        _ => format!("{number} {unit}s"),
    };
    format!("every {length}, counted from its creation")
}

#[cfg(test)]
mod tests;
