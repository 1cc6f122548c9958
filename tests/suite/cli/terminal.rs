//! What a person sees: colours, widths, relative times, a bar; and what no job may do to the screen.

use serde_json::json;

use super::operator::{Terminal, run};
use crate::support::children;
use crate::support::daemon::Daemon;

/// A job that would like to clear the screen, set the window's title, and turn the text around.
fn hostile() -> serde_json::Value {
    json!({"type": "noop", "delay": "1h", "tags": ["t\u{202e}ag"],
        "payload": {"a": "\u{1b}[2J\u{1b}]0;owned\u{7}", "b": "\u{9b}31m\u{7f}\u{2066}"}})
}

/// Whether text holds what a terminal obeys, colours of our own apart.
fn is_hostile(shown: &str) -> bool {
    let ours = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[2m",
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[33m",
        "\u{1b}[36m",
    ];
    let left = ours
        .iter()
        .fold(shown.to_owned(), |text, own| text.replace(own, ""));
    left.chars()
        .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2066}'))
}

#[test]
fn a_job_is_shown_in_colours_and_cannot_write_to_the_terminal() {
    let daemon = Daemon::embedded(&[]);
    let id = daemon.submit(&hostile());
    let (code, shown) = Terminal::new(100).run(&daemon, &["jobs", "show", &id], "");
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.starts_with(&format!("\u{1b}[1m{id}\u{1b}[0m  scheduled\n")),
        "{shown:?}"
    );
    assert!(shown.contains("\\u001b[2J"), "{shown:?}");
    assert!(shown.contains("Z (in "), "relative times: {shown:?}");
    assert!(!is_hostile(&shown), "{shown:?}");
    // The API's own document, too, is told with its escapes; its meaning is the same.
    let (code, line) = Terminal::new(100).run(&daemon, &["jobs", "show", &id, "--json"], "");
    assert_eq!(code, 0);
    assert!(!is_hostile(&line), "{line:?}");
    let there: serde_json::Value = serde_json::from_str(line.trim()).expect("JSON");
    assert_eq!(there["payload"], hostile()["payload"]);
    // And the receipt of whoever names things in a hostile way.
    let (_, shown) = Terminal::new(100).run(&daemon, &["jobs", "show", "\u{1b}[2Jx"], "");
    assert!(!is_hostile(&shown), "{shown:?}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let daemon = Daemon::embedded(&[]);
    let id = daemon.submit(&json!({"type": "noop"}));
    daemon.await_state(&id, "succeeded");
    let show = ["jobs", "show", &id];
    let state = |terminal: Terminal| {
        let (_, shown) = terminal.run(&daemon, &show, "");
        shown.lines().next().unwrap_or_default().to_owned()
    };
    let plain = format!("{id}  succeeded");
    assert_eq!(
        state(Terminal::new(80)),
        format!("\u{1b}[1m{id}\u{1b}[0m  \u{1b}[32msucceeded\u{1b}[0m")
    );
    assert_eq!(state(Terminal::new(80).with("NO_COLOR", "1")), plain);
    assert_eq!(state(Terminal::new(80).with("TERM", "dumb")), plain);
    assert!(run(&daemon, &show).out.starts_with(&format!("{plain}\n")));
}

#[test]
fn documents_keep_to_the_width_of_the_terminal() {
    let daemon = Daemon::embedded(&[]);
    let payload =
        json!({"first": "a value of some length", "second": "another value of some length"});
    let id = daemon.submit(&json!({"type": "noop", "delay": "1h", "payload": payload}));
    let payload_lines = |columns| {
        let (_, shown) =
            Terminal::new(columns)
                .with("NO_COLOR", "1")
                .run(&daemon, &["jobs", "show", &id], "");
        shown
            .lines()
            .skip_while(|line| *line != "payload")
            .skip(1)
            .count()
    };
    assert_eq!(payload_lines(120), 1);
    assert_eq!(payload_lines(60), 4);
}

#[test]
fn a_load_has_a_bar_that_leaves_nothing_but_the_sum() {
    let daemon = Daemon::embedded(&[]);
    let folder = children::folder("jobs");
    let path = folder.path().join("jobs.ndjson");
    let text = "{\"type\":\"noop\"}\n".repeat(2_500) + "{\"type\":\"nop\"}\n";
    std::fs::write(&path, text).expect("a fresh folder takes a file");
    let path = path.to_str().expect("a plain path");
    let (code, shown) = Terminal::new(100).run(&daemon, &["submit", path], "");
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("1000 accepted"), "the bar counts: {shown:?}");
    assert!(shown.contains(" left"), "{shown:?}");
    assert!(
        shown.contains(":2501: /type: no daemon runs the job type `nop`"),
        "{shown:?}"
    );
    // What stands after the last time that a line was cleared is what stays.
    let stays = shown.rsplit("\u{1b}[2K").next().unwrap_or_default();
    assert!(
        stays
            .trim_start_matches('\r')
            .starts_with("2500 accepted, 1 refused, in "),
        "{stays:?}"
    );
}

#[test]
fn on_a_terminal_nothing_is_read_from_it_unasked() {
    let daemon = Daemon::embedded(&[]);
    let (code, shown) = Terminal::new(100).run(&daemon, &["submit"], "");
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("nothing to submit: name a file"), "{shown}");
}
