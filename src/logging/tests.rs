//! The loggers over a writer that remembers each write.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use log::{Level, Log, Record};

use super::*;

#[derive(Clone, Default)]
struct Writes(Arc<Mutex<Vec<String>>>);

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.lock().unwrap().push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writes {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn only(&self) -> String {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    fn object(&self) -> serde_json::Value {
        serde_json::from_str(&self.only()).unwrap()
    }
}

/// Logs as the macros do.
fn say(
    logger: &dyn Log,
    level: Level,
    target: &str,
    pairs: &[(&str, log::kv::Value<'_>)],
    what: fmt::Arguments<'_>,
) {
    logger.log(
        &Record::builder()
            .level(level)
            .target(target)
            .args(what)
            .key_values(&pairs)
            .build(),
    );
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a Display that panics")
    }
}

struct GivesUp;

impl fmt::Display for GivesUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

#[test]
fn a_line_has_time_level_thread_message_and_pairs_in_one_write() {
    let writes = Writes::default();
    let logger = text(writes.clone(), false);
    let run = move || {
        let pairs = [
            ("queue", "mail".into()),
            ("attempt", 3.into()),
            ("node", "a b".into()),
        ];
        say(
            &*logger,
            Level::Info,
            "windlass",
            &pairs,
            format_args!("job {} began", 7),
        );
    };
    crate::threads::spawn("worker-1", run)
        .unwrap()
        .join()
        .unwrap();
    let line = writes.only();
    let (time, rest) = line.split_once(' ').unwrap();
    assert_eq!(
        rest,
        "[INFO ] (worker-1) job 7 began queue=mail attempt=3 node=\"a b\"\n"
    );
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
}

#[test]
fn nobody_forges_a_line() {
    for logger in [text as fn(Writes, bool) -> _, |out, _| json(out)] {
        let writes = Writes::default();
        let pairs = [("name", "x\n2026-01-01 [ERROR] forged".into())];
        say(
            &*logger(writes.clone(), true),
            Level::Info,
            "windlass",
            &pairs,
            format_args!("a\r\nb\u{1b}[31m\u{0}\u{85}"),
        );
        let line = writes.only();
        assert_eq!(
            line.matches(|c: char| c.is_control()).count(),
            1,
            "{line:?}"
        );
        assert!(line.ends_with('\n'));
    }
}

#[test]
fn the_journal_gets_priorities_and_keeps_time_itself() {
    for (level, prefix) in [
        (Level::Error, "<3>"),
        (Level::Warn, "<4>"),
        (Level::Info, "<6>"),
        (Level::Debug, "<7>"),
        (Level::Trace, "<7>"),
    ] {
        let writes = Writes::default();
        let logger = text(writes.clone(), true);
        let run = move || say(&*logger, level, "windlass", &[], format_args!("hello"));
        crate::threads::spawn("t", run).unwrap().join().unwrap();
        let target = if level >= Level::Debug {
            "windlass: "
        } else {
            ""
        };
        assert_eq!(writes.only(), format!("{prefix}(t) {target}hello\n"));
    }
}

#[test]
fn a_display_that_panics_breaks_no_later_line() {
    for logger in [text as fn(Writes, bool) -> _, |out, _| json(out)] {
        let writes = Writes::default();
        let logger = logger(writes.clone(), false);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            say(
                &*logger,
                Level::Info,
                "windlass",
                &[],
                format_args!("{Panics}"),
            );
        }));
        assert!(panicked.is_err());
        let pairs = [("bad", log::kv::Value::from_display(&Panics))];
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            say(&*logger, Level::Info, "windlass", &pairs, format_args!("x"));
        }));
        assert!(panicked.is_err());
        say(
            &*logger,
            Level::Info,
            "windlass",
            &[],
            format_args!("after"),
        );
        assert!(writes.only().contains("after"));
    }
}

#[test]
fn a_display_that_gives_up_leaves_what_it_wrote() {
    for logger in [text as fn(Writes, bool) -> _, |out, _| json(out)] {
        let writes = Writes::default();
        say(
            &*logger(writes.clone(), false),
            Level::Info,
            "windlass",
            &[],
            format_args!("{GivesUp}"),
        );
        assert!(writes.only().contains("half (a part could not be written)"));
    }
}

#[test]
fn a_text_that_is_too_long_is_cut() {
    let writes = Writes::default();
    let long = "é".repeat(fold::TEXT_BYTES_MAX);
    let pairs = [("more", "x".into())];
    say(
        &*text(writes.clone(), false),
        Level::Info,
        "windlass",
        &pairs,
        format_args!("{long}"),
    );
    let line = writes.only();
    assert!(line.ends_with("é…\n"));
    assert!(line.len() < fold::TEXT_BYTES_MAX + 100);
}

#[test]
fn json_keeps_numbers_and_loses_no_field() {
    let writes = Writes::default();
    let pairs = [
        ("attempt", 3_u64.into()),
        ("change", (-2_i64).into()),
        ("share", 0.5.into()),
        ("late", true.into()),
        ("queue", "mail".into()),
        ("message", "not the message".into()),
    ];
    say(
        &*json(writes.clone()),
        Level::Warn,
        "windlass::worker",
        &pairs,
        format_args!("slow \"job\""),
    );
    let object = writes.object();
    assert_eq!(object["level"], "warn");
    assert_eq!(object["target"], "windlass::worker");
    assert_eq!(object["message"], "slow \"job\"");
    assert_eq!(object["message_"], "not the message");
    assert_eq!(object["attempt"], 3);
    assert_eq!(object["change"], -2);
    assert_eq!(object["share"], 0.5);
    assert_eq!(object["late"], true);
    assert_eq!(object["queue"], "mail");
    let time = object["time"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
}

#[test]
fn guests_are_quiet() {
    for logger in [text as fn(Writes, bool) -> _, |out, _| json(out)] {
        let writes = Writes::default();
        let logger = logger(writes.clone(), false);
        for target in ["rustls::client::hs", "tokio_postgres", "r2d2", "rustls"] {
            say(&*logger, Level::Error, target, &[], format_args!("noise"));
        }
        assert_eq!(writes.all(), Vec::<String>::new());
        say(
            &*logger,
            Level::Info,
            "rustlsish",
            &[],
            format_args!("not a guest"),
        );
        writes.only();
    }
}

/// The logger is the process', so what is asserted holds whether or not another test has started one.
#[test]
fn a_second_start_is_an_error_and_leaves_the_level_alone() {
    start(LevelFilter::Warn, LogFormat::Text).ok();
    let before = log::max_level();
    assert_eq!(
        start(LevelFilter::Trace, LogFormat::Json),
        Err(AlreadyRunning)
    );
    assert_eq!(log::max_level(), before);
}
