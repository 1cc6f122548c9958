//! Runs commands against a daemon: with pipes as a script does, or on a terminal as a person does.

use std::path::Path;

use crate::support::children::find_program;
use crate::support::daemon::{Daemon, program};
use crate::support::run::{Ran, run_program};
use crate::support::wait::{PATIENCE, wait_until};

/// A mail server where there is none: with these settings, e-mail jobs are accepted and fail.
pub const NO_MAIL: [(&str, &str); 2] = [
    ("SMTPURL", "smtp://127.0.0.1:1"),
    ("MAILFROM", "jobs@example.com"),
];

/// Where commands find their daemon, and nothing else of this machine's own.
fn settings(addr: &str) -> [(&str, &str); 3] {
    [
        ("APIADDR", addr),
        ("WINDLASS_CONFIG", ""),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ]
}

/// Runs `windlass` with these arguments.
#[track_caller]
pub fn run(daemon: &Daemon, arguments: &[&str]) -> Ran {
    run_with(daemon, arguments, "")
}

/// The same with something on its standard input.
#[track_caller]
pub fn run_with(daemon: &Daemon, arguments: &[&str], input: &str) -> Ran {
    let addr = daemon.addr().to_string();
    run_program(program(), arguments, &settings(&addr), input)
}

/// Runs it at another address than a daemon's.
#[track_caller]
pub fn run_at(port: u16, arguments: &[&str], input: &str) -> Ran {
    let addr = format!("127.0.0.1:{port}");
    run_program(program(), arguments, &settings(&addr), input)
}

/// What it printed, and that all was well.
#[track_caller]
pub fn fine(daemon: &Daemon, arguments: &[&str]) -> String {
    let ran = run(daemon, arguments);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (0, ""),
        "{arguments:?}: {}",
        ran.out
    );
    ran.out
}

/// Waits until the daemon has told the others, and so itself, what it takes from.
#[track_caller]
pub fn await_served(daemon: &Daemon) {
    wait_until("the queue is served", PATIENCE, || {
        let queue = daemon.get("/queues/default").expect(200).json();
        if queue["served"] == true {
            Ok(())
        } else {
            Err(queue)
        }
    });
}

/// Runs a line of shell in which `$windlass` is the program.
#[track_caller]
pub fn shell(daemon: &Daemon, line: &str) -> Ran {
    let addr = daemon.addr().to_string();
    let program = program().to_str().expect("a plain path");
    let mut all = settings(&addr).to_vec();
    all.push(("windlass", program));
    run_program(Path::new("/bin/bash"), &["-c", line], &all, "")
}

/// A terminal of so many columns.
pub struct Terminal {
    columns: u16,
    settings: Vec<(&'static str, &'static str)>,
}

impl Terminal {
    pub fn new(columns: u16) -> Self {
        let settings = vec![("TERM", "xterm")];
        Self { columns, settings }
    }

    /// The same with a variable in its environment.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// What `windlass` shows there, whatever stream it comes from, and its exit code; `typed` is what the person types.
    #[track_caller]
    pub fn run(&self, daemon: &Daemon, arguments: &[&str], typed: &str) -> (i32, String) {
        let quoted = |word: &&str| format!(" '{}'", word.replace('\'', "'\\''"));
        let words: String = arguments.iter().map(quoted).collect();
        self.shell(daemon, &format!("exec \"$windlass\"{words}"), typed)
    }

    /// The same of a line of shell in which `$windlass` is the program.
    #[track_caller]
    pub fn shell(&self, daemon: &Daemon, line: &str, typed: &str) -> (i32, String) {
        let addr = daemon.addr().to_string();
        let mut all = settings(&addr).to_vec();
        all.extend(&self.settings);
        all.push(("windlass", program().to_str().expect("a plain path")));
        // `script` has the line read by this shell.
        all.push(("SHELL", "/bin/bash"));
        let line = format!("stty cols {}; {line}", self.columns);
        let script = find_program("script", &[], "bsdutils");
        let arguments = ["--quiet", "--return", "--command", &line, "/dev/null"];
        let ran = run_program(&script, &arguments, &all, typed);
        (ran.code, ran.out.replace("\r\n", "\n"))
    }
}
