//! Both changes of the clock of each zone, as `changes.txt` has them written out by hand.

use chrono::SecondsFormat;
use windlass::schedule::cron::{Fire, Note, Rule};

use super::{rule, seconds, timestamp};

const CHANGES: &str = include_str!("changes.txt");

/// The fire as the file has it.
fn shown(rule: &Rule, fire: Fire) -> String {
    let local = rule.local(fire.at);
    let local = local.to_rfc3339_opts(SecondsFormat::Secs, false);
    match fire.note {
        None => local,
        Some(Note::Moved { .. }) => format!("{local} moved"),
        Some(Note::Once) => format!("{local} once"),
        Some(Note::Again) => format!("{local} again"),
        Some(Note::After { .. }) => format!("{local} after"),
    }
}

#[test]
fn the_days_of_change_are_as_they_were_written_out() {
    let (mut zone, mut wrong, mut compared) = ("", Vec::new(), 0);
    let lines = CHANGES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in lines {
        if let Some(heading) = line.strip_prefix("zone ") {
            (zone, _) = heading.split_once(':').expect("a zone, and what it does");
            continue;
        }
        let [cron, from, expected] = line.splitn(3, " | ").collect::<Vec<_>>()[..] else {
            panic!("not a line of the file: {line}");
        };
        let rule = rule(cron.trim(), zone);
        let from = timestamp(seconds(from));
        let expected: Vec<&str> = expected.split(", ").collect();
        let fires = rule.fires(from, from).take(expected.len());
        let found: Vec<String> = fires.map(|fire| shown(&rule, fire)).collect();
        compared += found.len();
        if found != expected {
            wrong.push(format!("{zone}: {line}\n  but: {}", found.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 150, "only {compared} fires");
}
