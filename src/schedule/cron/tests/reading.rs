//! Expressions that are read alike, and refusals word by word.

use crate::schedule::cron::{Cron, Field, Kind};

/// The numbers that the fields allow.
#[track_caller]
fn allowed(text: &str) -> Vec<Vec<u32>> {
    let cron = Cron::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"));
    let Kind::Civil(civil) = cron.kind else {
        panic!("{text} has fields");
    };
    civil
        .fields
        .iter()
        .map(|values| values.iter().collect())
        .collect()
}

#[test]
fn many_ways_to_write_it_mean_the_same() {
    for (text, same) in [
        ("0 9 * * 7", "0 9 * * 0"),
        ("0 9 * * SUN", "0 9 * * 0"),
        ("0 9 * * sunday", "0 9 * * 0"),
        ("0 9 * * Mon-Fri", "0 9 * * 1-5"),
        ("0 9 * * 5-7", "0 9 * * 0,5,6"),
        ("0 9 * * Fri-Mon", "0 9 * * 0,1,5,6"),
        ("0 9 * * 7-2", "0 9 * * 0,1,2"),
        ("0 9 * * 7-0", "0 9 * * 0"),
        ("0 9 * * 1-0", "0 9 * * *"),
        ("0 9 * * 0-7", "0 9 * * *"),
        ("0 9 * * 1/2", "0 9 * * 0,1,3,5"),
        ("0 9 * * 5-3/2", "0 9 * * 0,2,5"),
        ("0 22-4 * * *", "0 0-4,22,23 * * *"),
        ("0 22-4/3 * * *", "0 1,4,22 * * *"),
        ("50-10/10 * * * *", "0,10,50 * * * *"),
        ("0 0 28-3 * *", "0 0 1-3,28-31 * *"),
        ("0 0 1 Nov-Feb *", "0 0 1 1,2,11,12 *"),
        ("0 0 1 november-FEB *", "0 0 1 1,2,11,12 *"),
        ("5/15 * * * *", "5,20,35,50 * * * *"),
        ("*/60 * * * *", "0 * * * *"),
        ("0,0,0-0 * * * *", "0 * * * *"),
        ("00 09 * * *", "0 9 * * *"),
        ("0 0 9 * * *", "0 9 * * *"),
        (" 0\t9  * * * ", "0 9 * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@ANNUALLY", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly ", "0 * * * *"),
    ] {
        assert_eq!(allowed(text), allowed(same), "{text} and {same}");
    }
}

#[test]
fn an_interval_is_told_by_its_first_character() {
    for (text, interval) in [
        ("* 2 * * *", Some(true)),
        ("0 */2 * * *", Some(true)),
        ("*/20,7 2 * * *", Some(true)),
        ("7,*/20 2 * * *", Some(false)),
        ("0-59 0-23 * * *", Some(false)),
        ("* 0 2 * * *", Some(false)),
        ("* * 2 * * *", Some(true)),
        ("@hourly", Some(true)),
        ("@daily", Some(false)),
        ("@every 1h", None),
    ] {
        assert_eq!(Cron::parse(text).unwrap().is_interval(), interval, "{text}");
    }
}

#[test]
fn it_shows_as_it_was_written() {
    let cron: Cron = " */15  9-17 * * Mon-Fri ".parse().unwrap();
    assert_eq!(cron.to_string(), "*/15  9-17 * * Mon-Fri");
    assert_eq!(cron.as_str(), cron.to_string());
}

#[test]
fn a_wrong_field_is_named_with_the_reason_and_what_would_do() {
    let lines = include_str!("refused.txt").lines();
    let cases = lines.filter_map(|line| line.split_once(" | "));
    let mut refused = 0;
    for (text, message) in cases {
        let err = Cron::parse(text).expect_err(text);
        assert_eq!(err.to_string(), message, "{text}");
        let field = err.field().map(Field::name);
        assert_eq!(field, message.split(": ").next(), "{text}");
        refused += 1;
    }
    assert!(refused > 30, "{refused} cases");
}

#[test]
fn what_is_wrong_as_a_whole_names_no_field() {
    const FORMS: &str =
        "write five (minute, hour, day of month, month, day of week), or six with the second first";
    let longer = format!("{} * * * *", "1,".repeat(250));
    for (text, message) in [
        ("", format!("nothing is written; {FORMS}")),
        ("  ", format!("nothing is written; {FORMS}")),
        ("daily", format!("1 field; {FORMS}")),
        ("* * * *", format!("4 fields; {FORMS}")),
        ("0 0 0 1 1 * 2030", format!("7 fields, and a year is not known here; {FORMS}")),
        (&longer, "longer than 500 bytes; lists can be written as ranges and steps".to_owned()),
        ("@dayly", "@dayly is not known; did you mean @daily?".to_owned()),
        ("@evry", "@evry is not known; did you mean @every?".to_owned()),
        ("@x", "@x is not known; there are @yearly @annually @monthly @weekly @daily @midnight @hourly @every with a length".to_owned()),
        ("@reboot", "@reboot is no time: a start of a daemon fires nothing; write when to fire".to_owned()),
        ("@daily 5", "`5` after @daily; nothing may follow it".to_owned()),
        ("@every", "@every: lacks its length; write it like `@every 90s` or `@every 2h`".to_owned()),
        ("@every 500ms", "@every: `500ms` is too short; the least is 1s".to_owned()),
        ("@every soon", "@every: `soon` is not a length of time; write it like `500ms`, `10s`, `2m`, `1h` or `7d`, or as a number of seconds".to_owned()),
        ("@every 99999d", "@every: `99999d` is too long: at most 36500d".to_owned()),
    ] {
        let err = Cron::parse(text).expect_err(text);
        assert_eq!(err.to_string(), message, "{text}");
        assert_eq!(err.field(), None, "{text}");
    }
}

#[test]
fn days_that_come_seldom_are_no_days_that_never_come() {
    for text in [
        "0 0 29 2 *",
        "0 0 29 2 */7",
        "0 0 30 2 1",
        "0 0 31 4 Mon",
        "0 0 30,1 2 *",
    ] {
        assert!(Cron::parse(text).is_ok(), "{text}");
    }
}
