//! The README says what the code does: its tables are compared with the code's, its first commands are there.

use windlass::api;
use windlass::config::Config;
use windlass::job::{MOVES, State};

const README: &str = include_str!("../../README.md");

/// The lines of the section with this heading.
fn section(heading: &str) -> String {
    let lines = README.lines().skip_while(|line| *line != heading).skip(1);
    lines
        .take_while(|line| !line.starts_with("## "))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The lines of a section that belong to its table.
fn table(heading: &str) -> String {
    section(heading)
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_two_commands_come_first() {
    let first: Vec<_> = README
        .lines()
        .skip_while(|line| *line != "```sh")
        .skip(1)
        .take(2)
        .collect();
    assert!(
        first[0].starts_with("cargo run --release -- demo "),
        "{first:?}"
    );
    assert!(first[1].starts_with("tests/run "), "{first:?}");
}

#[test]
fn every_setting_stands_there_with_its_default() {
    assert_eq!(
        table("## Configuration"),
        Config::reference_table(),
        "write what `windlass config --reference` prints"
    );
}

#[test]
fn every_route_stands_there() {
    assert_eq!(table("## HTTP API"), api::reference_table());
}

#[test]
fn every_state_stands_there_and_the_ended_ones_lead_nowhere() {
    let table = table("## Life of a job");
    for state in State::ALL {
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("| `{state}` |")));
        let row = row.unwrap_or_else(|| panic!("no row of {state}"));
        let leads_on = MOVES.iter().any(|(from, ..)| *from == Some(state));
        assert_eq!(row.ends_with("| – |"), !leads_on, "{row}");
    }
}

#[test]
fn the_drawing_of_the_life_is_the_one_beside_the_table_of_moves() {
    let drawn = |text: &str, comment: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.strip_prefix(comment).unwrap_or(line).trim().to_owned());
        lines
            .skip_while(|line| !line.starts_with("submit ─▶ queued"))
            .take_while(|line| line != "```")
            .collect()
    };
    assert_eq!(
        drawn(README, ""),
        drawn(include_str!("../../src/job/state.rs"), "//!")
    );
}

#[test]
fn what_a_reload_changes_stands_there() {
    let text = section("## Configuration");
    let reload = text
        .split("### Reload")
        .nth(1)
        .expect("a part on reloading");
    let listed = reload.split("and the entries of job types").next();
    let named: Vec<_> = listed
        .expect("a list")
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    let mut known: Vec<_> = Config::reference()
        .iter()
        .filter(|setting| setting.is_reloadable())
        .map(windlass::config::Setting::variable)
        .collect();
    known.sort();
    assert_eq!(named, known);
}

/// The documentation's example is compiled and run as a test, so the README's is, too.
#[test]
fn the_program_in_rust_is_the_one_that_the_documentation_runs() {
    let block = |text: String, fence: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| *line != fence).skip(1);
        lines
            .take_while(|line| *line != "```")
            .map(str::to_owned)
            .collect()
    };
    let guide = include_str!("../../src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)));
    let runs = block(guide.collect(), "```");
    assert!(
        runs.len() > 40
            && runs.contains(&"fn main() -> Result<(), Box<dyn std::error::Error>> {".to_owned()),
        "{runs:?}"
    );
    assert_eq!(block(section("## Job types"), "```rust"), runs);
}
