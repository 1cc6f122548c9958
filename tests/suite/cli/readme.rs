//! The README's part about the command line is what really happens: its commands are run in order, and what they print is
//! compared with what stands there, ids and times apart.

use std::collections::BTreeMap;

use super::mask::{ids, masked};
use super::operator::{Terminal, await_served};
use crate::support::children;
use crate::support::daemon::Daemon;

const README: &str = include_str!("../../../README.md");

/// A command and what it prints.
struct Shown {
    command: String,
    output: String,
}

/// All of them, in order: the ```console blocks of the section.
fn shown() -> Vec<Shown> {
    let section = README
        .lines()
        .skip_while(|line| *line != "## Command line")
        .skip(1);
    let (mut inside, mut shown) = (false, Vec::<Shown>::new());
    for line in section.take_while(|line| !line.starts_with("## ")) {
        match (inside, line.strip_prefix("$ ")) {
            (_, _) if line.starts_with("```") => inside = line == "```console",
            (false, _) => {}
            (true, Some(command)) => shown.push(Shown {
                command: command.to_owned(),
                output: String::new(),
            }),
            (true, None) => {
                let last = shown.last_mut().expect("a command comes first");
                last.output.push_str(&format!("{line}\n"));
            }
        }
    }
    shown
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    let folder = children::folder("readme");
    let at = folder.path().to_str().expect("a plain path");
    let daemon = Daemon::embedded(&[("NODE", "host:8080")]);
    await_served(&daemon);
    let terminal = Terminal::new(110).with("NO_COLOR", "1");
    // The ids of the README, each with the one that stands in its place today.
    let mut real: BTreeMap<String, String> = BTreeMap::new();
    let all = shown();
    assert!(all.len() >= 12, "the section is there");
    for Shown {
        mut command,
        output,
    } in all
    {
        for (theirs, ours) in &real {
            command = command.replace(theirs.as_str(), ours);
        }
        if let Some(file) = command.strip_prefix("cat ") {
            // The README's own file.
            std::fs::write(folder.path().join(file), &output).expect("a file can be written");
        }
        let line = format!("windlass() {{ \"$windlass\" \"$@\"; }}; cd {at}; {command}");
        let (_, out) = terminal.shell(&daemon, &line, "");
        assert_eq!(plain(&out), plain(&output), "$ {command}\n{out}");
        real.extend(ids(&output).into_iter().zip(ids(&out)));
    }
}

/// Output without what differs from run to run. The blanks between columns are made one, since widths differ, too.
fn plain(output: &str) -> String {
    // What a bar leaves of a line is what came after it was cleared.
    let lines = output
        .lines()
        .filter_map(|line| line.rsplit("\u{1b}[2K").next());
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    masked(&lines).lines().map(plain_line).collect()
}

/// Lengths of time made the same: `12ms`, `1.25s`, `3m` of `3m ago`.
fn plain_line(line: &str) -> String {
    let is_length = |word: &str| {
        let digits = word
            .trim_start_matches('<')
            .trim_end_matches(char::is_alphabetic);
        let is_number = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        digits.len() < word.len() && !digits.is_empty() && is_number
    };
    let words = line.split_whitespace();
    let words = words.map(|word| match word.trim_matches(['(', ')', ',']) {
        inner if is_length(inner) => word.replace(inner, "<length>"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ") + "\n"
}
