//! The words of expressions of every form, and: the same words mean the same fires.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::schedule::cron::{Cron, Kind};

#[track_caller]
fn explained(text: &str) -> String {
    Cron::parse(text)
        .unwrap_or_else(|err| panic!("{text}: {err}"))
        .explain()
}

#[test]
fn times_of_a_day() {
    for (text, words) in [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0,30 * * * *", "every 30 minutes"),
        (
            "5/15 * * * *",
            "every 15 minutes from minute 5 of every hour",
        ),
        (
            "*/7 * * * *",
            "every 7 minutes from minute 0 to 56 of every hour",
        ),
        (
            "0-5 * * * *",
            "every minute from minute 0 to 5 of every hour",
        ),
        ("0,7,20 * * * *", "at minutes 0, 7 and 20 of every hour"),
        (
            "55-5 * * * *",
            "at minutes 0 to 5 and 55 to 59 of every hour",
        ),
        ("0 * * * *", "every hour"),
        ("30 * * * *", "every hour at minute 30"),
        ("30 9 * * *", "at 09:30 every day"),
        ("0 9,12,17 * * *", "at 09:00, 12:00 and 17:00 every day"),
        ("15,45 2 * * *", "at 02:15 and 02:45 every day"),
        ("0 */12 * * *", "at 00:00 and 12:00 every day"),
        ("0 */6 * * *", "every 6 hours"),
        ("30 */2 * * *", "every 2 hours from 00:30"),
        ("0 1/2 * * *", "every 2 hours from 01:00"),
        ("0 8-20/2 * * *", "every 2 hours from 08:00 to 20:00"),
        ("0 9-17 * * *", "every hour from 09:00 to 17:00"),
        (
            "0 22-4 * * *",
            "every hour from 00:00 to 04:00 and from 22:00 to 23:00",
        ),
        (
            "30 0,2,3,5,6,7,9 * * *",
            "at minute 30 of the hours 00, 02, 03, 05 to 07 and 09",
        ),
        ("* 2 * * *", "every minute from 02:00 to 02:59"),
        ("*/15 9-17 * * *", "every 15 minutes from 09:00 to 17:45"),
        ("5/15 9-17 * * *", "every 15 minutes from 09:05 to 17:50"),
        (
            "*/10 1,3,5 * * *",
            "every 10 minutes of the hours 01, 03 and 05",
        ),
        (
            "5/10 1,3,5 * * *",
            "every 10 minutes from minute 5 of the hours 01, 03 and 05",
        ),
        ("* 1,3,5 * * *", "every minute of the hours 01, 03 and 05"),
        (
            "0-9 2 * * *",
            "every minute from minute 0 to 9 of the hour 02",
        ),
        (
            "0,1,2,9,20,30,40 1 * * *",
            "at minutes 0 to 2, 9, 20, 30 and 40 of the hour 01",
        ),
    ] {
        assert_eq!(explained(text), words, "{text}");
    }
}

#[test]
fn days() {
    for (text, words) in [
        ("30 9 * * 1-5", "at 09:30 on Monday to Friday"),
        ("30 9 * * 0,6", "at 09:30 on Saturday and Sunday"),
        ("30 9 * * 7", "at 09:30 on Sunday"),
        ("30 9 * * Fri-Mon", "at 09:30 on Friday to Monday"),
        ("30 9 * * 0,1", "at 09:30 on Sunday and Monday"),
        ("30 9 * * 1,3,5", "at 09:30 on Monday, Wednesday and Friday"),
        ("30 9 * * 0,3", "at 09:30 on Wednesday and Sunday"),
        ("0 0 1 * *", "at 00:00 on the 1st"),
        ("0 0 1,15 * *", "at 00:00 on the 1st and 15th"),
        (
            "0 0 1-7,11,22,23 * *",
            "at 00:00 on the 1st to 7th, 11th, 22nd and 23rd",
        ),
        (
            "0 0 */2 * *",
            "at 00:00 on every 2nd day from the 1st to the 31st",
        ),
        (
            "0 0 */10 * *",
            "at 00:00 on every 10th day from the 1st to the 31st",
        ),
        (
            "0 0 28-3 * *",
            "at 00:00 on the 1st to 3rd and 28th to 31st",
        ),
        ("0 0 29 2 *", "at 00:00 on the 29th of February"),
        (
            "0 0 1 */3 *",
            "at 00:00 on the 1st of January, April, July and October",
        ),
        (
            "0 0 * Nov-Feb *",
            "at 00:00 every day in November to February",
        ),
        ("0 0 * 12,1 *", "at 00:00 every day in December and January"),
        ("*/15 * * 7 *", "every 15 minutes in July"),
        ("0 9 * 7 Mon", "at 09:00 on Monday in July"),
        ("30 2 1 * 5", "at 02:30 on the 1st or on a Friday"),
        (
            "30 2 1,15 * 1-5",
            "at 02:30 on the 1st and 15th or on Monday to Friday",
        ),
        ("30 2 1 3 5", "at 02:30 on the 1st or on a Friday, in March"),
        (
            "0 0 13 * */5",
            "at 00:00 on the 13th, if that is Friday or Sunday",
        ),
        (
            "0 2 25-31 3 */7",
            "at 02:00 on the 25th to 31st of March, if that is a Sunday",
        ),
        ("0 0 1-31 * Mon", "at 00:00 every day"),
        ("0 0 13 * 0-7", "at 00:00 every day"),
        ("0 0 13 5 0-7", "at 00:00 every day in May"),
    ] {
        assert_eq!(explained(text), words, "{text}");
    }
}

#[test]
fn seconds() {
    for (text, words) in [
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0 30 9 * * *", "at 09:30 every day"),
        ("15 30 9 * * 1", "at 09:30:15 on Monday"),
        (
            "*/10 30 9 * * *",
            "at 09:30 every day, every 10 seconds of the minute",
        ),
        (
            "* 0 9 * * *",
            "at 09:00 every day, every second of the minute",
        ),
        ("15 * * * * *", "every minute, at second 15 of the minute"),
        (
            "15,45 */5 * * * *",
            "every 5 minutes, at seconds 15 and 45 of the minute",
        ),
        (
            "*/7 * * * * *",
            "every minute, every 7 seconds from 0 to 56 of the minute",
        ),
    ] {
        assert_eq!(explained(text), words, "{text}");
    }
}

#[test]
fn names() {
    for (text, words) in [
        ("@yearly", "at 00:00 on the 1st of January"),
        ("@annually", "at 00:00 on the 1st of January"),
        ("@monthly", "at 00:00 on the 1st"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@daily", "at 00:00 every day"),
        ("@midnight", "at 00:00 every day"),
        ("@hourly", "every hour"),
        ("@every 90s", "every 90 seconds, counted from its creation"),
        ("@every 60m", "every hour, counted from its creation"),
        (
            "@every 1500ms",
            "every 1500 milliseconds, counted from its creation",
        ),
        ("@every 14d", "every 14 days, counted from its creation"),
    ] {
        assert_eq!(explained(text), words, "{text}");
    }
}

/// One field, from a few values, so that equal words are met often.
fn field(most: u32) -> impl Strategy<Value = String> {
    let value = 1..=most;
    prop_oneof![
        3 => Just("*".to_owned()),
        2 => (2..=most).prop_map(|step| format!("*/{step}")),
        2 => value.clone().prop_map(|value| value.to_string()),
        2 => (value.clone(), 1..=most).prop_map(|(from, to)| format!("{from}-{to}")),
        1 => (value.clone(), 2..=most).prop_map(|(from, step)| format!("{from}/{step}")),
        1 => prop::collection::vec(value, 2..9).prop_map(|all| {
            all.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        }),
    ]
}

/// The trap: an explanation that leaves something out is the explanation of another expression as well.
#[test]
fn the_same_words_mean_the_same_fires() {
    let expression = (field(59), field(23), field(28), field(12), field(6))
        .prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"));
    // Small numbers meet each other more often.
    let small = (field(4), field(3), field(3), field(2), field(3))
        .prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"));
    let seconds = (field(8), field(3), field(3)).prop_map(|(a, b, c)| format!("{a} {b} {c} * * *"));
    let expressions = prop_oneof![expression, small, seconds];
    let mut known: HashMap<String, (String, Meaning)> = HashMap::new();
    let mut met = 0;
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..6_000 {
        let text = expressions.new_tree(&mut runner).unwrap().current();
        let cron = Cron::parse(&text).unwrap_or_else(|err| panic!("{text}: {err}"));
        let (words, meaning) = (cron.explain(), meaning(&cron));
        if let Some((other, theirs)) = known.get(&words) {
            met += 1;
            assert_eq!(*theirs, meaning, "`{text}` and `{other}` are both: {words}");
        } else {
            known.insert(words, (text, meaning));
        }
    }
    assert!(known.len() > 1_000, "{} different words", known.len());
    assert!(met > 500, "{met} met again");
}

/// The allowed seconds, minutes and hours, and the first days that match.
type Meaning = (Vec<Vec<u32>>, Vec<i64>);

fn meaning(cron: &Cron) -> Meaning {
    const DAY: i64 = 24 * 3600;
    let Kind::Civil(civil) = &cron.kind else {
        panic!("{cron} has fields");
    };
    let times = civil.fields[..3]
        .iter()
        .map(|values| values.iter().collect());
    let mut days = Vec::new();
    let mut wall = -1;
    // Some fire on a few days of a century.
    while let Some(next) = civil.next_wall(wall).filter(|_| days.len() < 120) {
        let day = next.div_euclid(DAY);
        wall = (day + 1) * DAY - 1;
        days.push(day);
    }
    (times.collect(), days)
}
