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
    use Field::{DayOfMonth, DayOfWeek, Hour, Minute, Month, Second};
    for (text, field, message) in [
        (
            "60 * * * *",
            Minute,
            "minute: 60 is out of range; write 0 to 59",
        ),
        (
            "0 24 * * *",
            Hour,
            "hour: 24 is out of range; write 0 to 23",
        ),
        (
            "0 0 0 * *",
            DayOfMonth,
            "day of month: 0 is out of range; write 1 to 31",
        ),
        (
            "0 0 1 13 *",
            Month,
            "month: 13 is out of range; write 1 to 12, or Jan to Dec",
        ),
        (
            "0 0 * * 8",
            DayOfWeek,
            "day of week: 8 is out of range; write 0 to 7 (0 and 7 are Sunday), or Sun to Sat",
        ),
        (
            "61 0 0 * * *",
            Second,
            "second: 61 is out of range; write 0 to 59",
        ),
        (
            "0-60 * * * *",
            Minute,
            "minute: 60 is out of range; write 0 to 59",
        ),
        (
            "*/0 * * * *",
            Minute,
            "minute: a step of 0 leads nowhere; write 1 to 60",
        ),
        (
            "*/90 * * * *",
            Minute,
            "minute: a step of 90 is more than there is; write 1 to 60, or `@every 90m`",
        ),
        (
            "0 */48 * * *",
            Hour,
            "hour: a step of 48 is more than there is; write 1 to 24, or `@every 48h`",
        ),
        (
            "0 0 */40 * *",
            DayOfMonth,
            "day of month: a step of 40 is more than there is; write 1 to 31",
        ),
        (
            "*/x * * * *",
            Minute,
            "minute: `x` is no step; write 1 to 60",
        ),
        (
            "*/5/5 * * * *",
            Minute,
            "minute: `5/5` is no step; write 1 to 60",
        ),
        (
            "1,,2 * * * *",
            Minute,
            "minute: nothing beside a comma; write 0 to 59",
        ),
        (
            "1, * * * *",
            Minute,
            "minute: nothing beside a comma; write 0 to 59",
        ),
        (
            "5- * * * *",
            Minute,
            "minute: a range lacks its begin or end; write 0 to 59",
        ),
        (
            "-5 * * * *",
            Minute,
            "minute: a range lacks its begin or end; write 0 to 59",
        ),
        (
            "/5 * * * *",
            Minute,
            "minute: a range lacks its begin or end; write 0 to 59",
        ),
        (
            "+5 * * * *",
            Minute,
            "minute: `+5` is not known; write 0 to 59",
        ),
        (
            "*5 * * * *",
            Minute,
            "minute: `*5` is not known; write 0 to 59",
        ),
        (
            "*-5 * * * *",
            Minute,
            "minute: `*` is not known; write 0 to 59",
        ),
        (
            "1.5 * * * *",
            Minute,
            "minute: `1.5` is not known; write 0 to 59",
        ),
        (
            "99999999999 * * * *",
            Minute,
            "minute: `99999999999` is not known; write 0 to 59",
        ),
        (
            "0 0 ? * *",
            DayOfMonth,
            "day of month: `?` is another cron's word for `*`; write 1 to 31",
        ),
        (
            "0 0 L * *",
            DayOfMonth,
            "day of month: `L` is another cron's word, for days that are counted; it is not known here; write 1 to 31",
        ),
        (
            "0 0 * * 5#2",
            DayOfWeek,
            "day of week: `5#2` is another cron's word, for days that are counted; it is not known here; write 0 to 7 (0 and 7 are Sunday), or Sun to Sat",
        ),
        (
            "0 0 1 Mon *",
            Month,
            "month: `Mon` is a day of the week; write 1 to 12, or Jan to Dec",
        ),
        (
            "0 0 * * Jan",
            DayOfWeek,
            "day of week: `Jan` is a month; write 0 to 7 (0 and 7 are Sunday), or Sun to Sat",
        ),
        (
            "0 0 * * Mo",
            DayOfWeek,
            "day of week: `Mo` is not known; write 0 to 7 (0 and 7 are Sunday), or Sun to Sat",
        ),
        (
            "0 0 * * Wensday",
            DayOfWeek,
            "day of week: `Wensday` is not known; did you mean `Wednesday`?",
        ),
        (
            "0 0 1 Febuary *",
            Month,
            "month: `Febuary` is not known; did you mean `February`?",
        ),
        (
            "0 0 30 2 *",
            DayOfMonth,
            "day of month: none of the months has such a day, so it would never fire; write a day that one of them has",
        ),
        (
            "0 0 31 4,6,9,11 *",
            DayOfMonth,
            "day of month: none of the months has such a day, so it would never fire; write a day that one of them has",
        ),
        (
            "0 0 31 4 */2",
            DayOfMonth,
            "day of month: none of the months has such a day, so it would never fire; write a day that one of them has",
        ),
    ] {
        let err = Cron::parse(text).expect_err(text);
        assert_eq!(err.to_string(), message, "{text}");
        assert_eq!(err.field(), Some(field), "{text}");
    }
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
