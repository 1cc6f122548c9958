//! Programs that are run to their end, with what they print.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use windlass::threads::Stop;

use super::children;
use super::wait::PATIENCE;

/// What a program printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs `program` with `arguments` and nothing but `settings` in its environment, in a working directory of its own, to
/// its end; `input` is its standard input.
#[track_caller]
pub fn run_program(
    program: &Path,
    arguments: &[&str],
    settings: &[(&str, &str)],
    input: &str,
) -> Ran {
    run_within(PATIENCE * 2, program, arguments, settings, input)
}

/// The same for programs that take their time.
#[track_caller]
pub fn run_within(
    patience: Duration,
    program: &Path,
    arguments: &[&str],
    settings: &[(&str, &str)],
    input: &str,
) -> Ran {
    let home = children::folder("run");
    let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
    let given = home.path().join("in");
    fs::write(&given, input).expect("a fresh folder takes a file");
    let mut child = children::start(None, "KILL", program, &arguments, |command| {
        command
            .env_clear()
            .envs(settings.iter().copied())
            .current_dir(home.path());
        command.stdin(File::open(&given).expect("it was just written"));
        command.stdout(children::log_to(&home.path().join("out")));
        command.stderr(children::log_to(&home.path().join("err")));
    })
    .expect("`setpriv` starts it (apt-get install util-linux)");
    let read = |name| fs::read(home.path().join(name)).unwrap_or_default();
    let text = |name| String::from_utf8_lossy(&read(name)).into_owned();
    let until = Instant::now() + patience;
    let pause = Stop::new();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            break status;
        }
        if Instant::now() >= until {
            children::kill(&mut child);
            let program = program.display();
            panic!("{program} {arguments:?} did not end:\n{}", text("out"));
        }
        assert!(!pause.wait(Duration::from_millis(5)));
    };
    Ran {
        code: status.code().unwrap_or(-1),
        out: text("out"),
        err: text("err"),
    }
}
