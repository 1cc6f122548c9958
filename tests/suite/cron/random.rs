//! Random expressions, with what they mean by the rules of the README, and random places in time.
//!
//! The meaning is made together with the text, and never read from it: the parser has no part in it.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Offset, TimeZone as _, Timelike};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

/// One field: how it is written, and which numbers it allows.
#[derive(Debug, Clone)]
pub struct Field {
    pub text: String,
    /// The same as a list of plain numbers, or with its `*`: what every cron reads alike.
    pub plain: String,
    pub allowed: BTreeSet<u32>,
    pub starred: bool,
}

/// An expression: second, minute, hour, day of month, month, day of week.
#[derive(Debug, Clone)]
pub struct Expression {
    pub fields: [Field; 6],
    /// Whether the second is written.
    pub six: bool,
}

/// What fields there are: least and greatest number, names.
const KINDS: [(u32, u32, &[&str]); 6] = [
    (0, 59, &[]),
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (
        1,
        12,
        &[
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ],
    ),
    (0, 6, &["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]),
];

/// One item of a list, as text and numbers.
type Item = (String, Vec<u32>);

fn item(kind: usize) -> BoxedStrategy<Item> {
    let (least, greatest, names) = KINDS[kind];
    let size = greatest - least + 1;
    let word = move |value: u32, named: bool| match names.get((value - least) as usize) {
        Some(name) if named => (*name).to_owned(),
        // Sunday has two numbers.
        _ if kind == 5 && value == 0 && !named => "7".to_owned(),
        _ => value.to_string(),
    };
    let value = least..=greatest;
    let step = 1..=size;
    prop_oneof![
        4 => (value.clone(), any::<bool>()).prop_map(move |(v, named)| (word(v, named), vec![v])),
        3 => (value.clone(), 0..size, prop::option::of(step.clone()), any::<bool>()).prop_map(
            move |(from, length, step, named)| {
                let to = (from - least + length) % size + least;
                let (a, b) = match kind {
                    // `0-7` would be the whole week.
                    5 if from == 0 => (word(from, true), word(to, true)),
                    // `7-2` begins with the second Sunday, which is the first of the next week.
                    _ => (word(from, named), word(to, named)),
                };
                let every = step.unwrap_or(1);
                let suffix = step.map_or(String::new(), |step| format!("/{step}"));
                let all = (0..=length).step_by(every as usize);
                let all = all.map(|more| (from - least + more) % size + least);
                (format!("{a}-{b}{suffix}"), all.collect())
            }
        ),
        1 => (value, step).prop_map(move |(from, step)| {
            // A week ends with the second of its Sundays.
            let end = if kind == 5 { 7 } else { greatest };
            let all = (from..=end).step_by(step as usize);
            (format!("{from}/{step}"), all.map(|v| (v - least) % size + least).collect())
        }),
    ]
    .boxed()
}

fn field(kind: usize, stars: u32) -> BoxedStrategy<Field> {
    let (least, greatest, _) = KINDS[kind];
    let star = Just(Field {
        text: "*".to_owned(),
        plain: "*".to_owned(),
        allowed: (least..=greatest).collect(),
        starred: true,
    });
    let more = prop::collection::vec(least..=greatest, 0..3);
    let stepped = (1..=greatest - least + 1, more).prop_map(move |(step, more)| {
        let allowed = (least..=greatest).step_by(step as usize);
        let mut text = format!("*/{step}");
        text.extend(more.iter().map(|v| format!(",{v}")));
        Field {
            plain: text.clone(),
            text,
            allowed: allowed.chain(more).collect(),
            starred: true,
        }
    });
    let list = prop::collection::vec(item(kind), 1..4).prop_map(|items| {
        let texts: Vec<String> = items.iter().map(|(text, _)| text.clone()).collect();
        let allowed: BTreeSet<u32> = items.into_iter().flat_map(|(_, all)| all).collect();
        let plain: Vec<String> = allowed.iter().map(u32::to_string).collect();
        Field {
            text: texts.join(","),
            plain: plain.join(","),
            allowed,
            starred: false,
        }
    });
    prop_oneof![stars => star, 2 => stepped, 4 => list].boxed()
}

/// Any expression; the fields of days are often `*`, so that it fires soon.
pub fn expression(six: bool) -> BoxedStrategy<Expression> {
    let zero = Just(Field {
        text: "0".to_owned(),
        plain: "0".to_owned(),
        allowed: BTreeSet::from([0]),
        starred: false,
    });
    let second = if six { field(0, 2) } else { zero.boxed() };
    let rest = (
        field(1, 2),
        field(2, 2),
        field(3, 20),
        field(4, 40),
        field(5, 20),
    );
    (second, rest)
        .prop_map(
            move |(second, (minute, hour, of_month, month, of_week))| Expression {
                fields: [second, minute, hour, of_month, month, of_week],
                six,
            },
        )
        .boxed()
}

impl Expression {
    fn join(&self, text: impl Fn(&Field) -> &str) -> String {
        let written = &self.fields[usize::from(!self.six)..];
        written.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    pub fn text(&self) -> String {
        self.join(|field| &field.text)
    }

    pub fn plain(&self) -> String {
        self.join(|field| &field.plain)
    }

    pub fn is_interval(&self) -> bool {
        self.fields[1].starred || self.fields[2].starred
    }

    /// Whether both day fields must match.
    pub fn wants_both(&self) -> bool {
        self.fields[3].starred || self.fields[5].starred
    }

    /// Whether there is a day that matches, in some year.
    pub fn has_a_day(&self) -> bool {
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let first = self.fields[3].allowed.first().copied().unwrap_or(0);
        !self.wants_both() || self.fields[4].allowed.iter().any(|&m| longest(m) >= first)
    }

    /// Whether it matches what the clocks show, in seconds as if it were UTC.
    pub fn matches(&self, wall: i64) -> bool {
        let wall = DateTime::from_timestamp(wall, 0).expect("a time of our days");
        let [second, minute, hour, of_month, month, of_week] = &self.fields;
        let of_month = of_month.allowed.contains(&wall.day());
        let of_week = of_week
            .allowed
            .contains(&wall.weekday().num_days_from_sunday());
        second.allowed.contains(&wall.second())
            && minute.allowed.contains(&wall.minute())
            && hour.allowed.contains(&wall.hour())
            && month.allowed.contains(&wall.month())
            && if self.wants_both() {
                of_month && of_week
            } else {
                of_month || of_week
            }
    }
}

/// What the clocks of a zone show, in seconds as if it were UTC.
pub fn wall(zone: Tz, instant: i64) -> i64 {
    let utc = DateTime::from_timestamp(instant, 0).expect("an instant of our days");
    let offset = zone.offset_from_utc_datetime(&utc.naive_utc());
    instant + i64::from(offset.fix().local_minus_utc())
}

/// A zone and an instant in whole minutes: anywhere from 1975 to 2097, and in two cases of three less than `before`
/// minutes before a change of the clock, if the zone has one within a year.
pub fn place(before: i64) -> impl Strategy<Value = (Tz, i64)> {
    let zone = prop::sample::select(TZ_VARIANTS.to_vec());
    (zone, 2_630_000..66_700_000_i64, 0..3_u8, 0..before).prop_map(|(zone, minute, how, before)| {
        let change = (how > 0).then(|| next_change(zone, minute)).flatten();
        (zone, change.map_or(minute, |change| change - before) * 60)
    })
}

/// The first minute of a new offset, within a year.
fn next_change(zone: Tz, minute: i64) -> Option<i64> {
    const DAY: i64 = 24 * 60;
    let offset = |minute: i64| wall(zone, minute * 60) - minute * 60;
    let days = (0..365).map(|day| minute + day * DAY);
    let last = days
        .into_iter()
        .find(|&at| offset(at) != offset(at + DAY))?;
    (last..=last + DAY).find(|&at| offset(at) != offset(last))
}
