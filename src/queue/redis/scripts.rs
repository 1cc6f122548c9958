//! The scripts, put together from their pieces, and the way to run one.

use ::redis::{Cmd, Connection, ErrorKind, RedisResult, ServerErrorKind, Value};

use crate::job::Timestamp;
use crate::queue::QueueError;

const BASE: &str = include_str!("lua/base.lua");
const ENDS: &str = include_str!("lua/ends.lua");
const GRANTS: &str = include_str!("lua/grants.lua");
const LAPSE: &str = include_str!("lua/lapse.lua");
const ACCEPT: &str = include_str!("lua/accept.lua");
const LINES: &str = include_str!("lua/lines.lua");
const CONDEMN: &str = include_str!("lua/condemn.lua");
const SCHEDULE: &str = include_str!("lua/schedule.lua");

/// Refused when Redis is at `maxmemory`: brings new work.
const BRINGS_WORK: &str = "#!lua\n";
/// Runs at `maxmemory` too: ends or keeps work that is in hand, or costs next to nothing.
const ENDS_WORK: &str = "#!lua flags=allow-oom\n";
/// Only looks.
const READS: &str = "#!lua flags=no-writes\n";

/// One script.
pub(super) struct Script {
    /// The call that it serves, for errors.
    pub(super) call: &'static str,
    hash: String,
    source: String,
}

impl Script {
    fn new(call: &'static str, flags: &str, parts: &[&str]) -> Self {
        let mut source = flags.to_owned();
        for part in parts {
            source.push_str(part);
        }
        let hash = ::redis::Script::new(&source).get_hash().to_owned();
        Self { call, hash, source }
    }

    /// The beginning of its command: up to `ARGV[1]`.
    pub(super) fn command(&self, meta: &str, now: Option<Timestamp>) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command
            .arg(self.hash.as_bytes())
            .arg(1)
            .arg(meta.as_bytes());
        match now {
            Some(now) => command.arg(now.as_micros()),
            None => command.arg(""),
        };
        command
    }

    /// Runs the command, and loads the script first where Redis does not know it (any more).
    pub(super) fn run(&self, command: &Cmd, connection: &mut Connection) -> RedisResult<Value> {
        match command.query(connection) {
            Err(err) if err.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                ::redis::cmd("SCRIPT")
                    .arg("LOAD")
                    .arg(&self.source)
                    .query::<()>(connection)?;
                command.query(connection)
            }
            answer => answer,
        }
    }
}

macro_rules! scripts {
    ($($name:ident: $flags:ident [$($part:ident)*],)+) => {
        /// All scripts. `reserve_full` is `reserve`, allowed at `maxmemory`.
        pub(super) struct Scripts { $(pub(super) $name: Script,)+ }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self { $($name: Script::new(
                    stringify!($name),
                    $flags,
                    &[BASE, $($part,)* scripts!(@file $name)],
                ),)+ }
            }
        }
    };
    (@file reserve_full) => { include_str!("lua/reserve.lua") };
    (@file $name:ident) => { include_str!(concat!("lua/", stringify!($name), ".lua")) };
}

scripts! {
    enqueue: BRINGS_WORK [ACCEPT],
    fire: BRINGS_WORK [ACCEPT SCHEDULE],
    reserve: BRINGS_WORK [ENDS GRANTS LAPSE CONDEMN],
    reserve_full: ENDS_WORK [ENDS GRANTS LAPSE CONDEMN],
    renew: ENDS_WORK [ENDS GRANTS LAPSE],
    settle: ENDS_WORK [ENDS GRANTS],
    release: ENDS_WORK [ENDS GRANTS],
    collect: ENDS_WORK [],
    stored: ENDS_WORK [],
    cancel: ENDS_WORK [ENDS GRANTS],
    make_due: ENDS_WORK [ENDS CONDEMN],
    purge: ENDS_WORK [],
    forget_retry: ENDS_WORK [],
    take_over: ENDS_WORK [ENDS GRANTS LAPSE],
    pause: ENDS_WORK [],
    beat: ENDS_WORK [],
    nodes: ENDS_WORK [],
    put: ENDS_WORK [SCHEDULE],
    remove: ENDS_WORK [SCHEDULE],
    meta: ENDS_WORK [],
    find: READS [],
    counts: READS [],
    entries: READS [],
    heads: READS [LINES],
    line: READS [LINES],
    waiting: READS [],
    running: READS [ENDS GRANTS],
    ended: READS [],
    retried: READS [],
    version: READS [],
}

/// The answer of a script: the engine's time, and what follows it.
pub(super) struct Reply {
    call: &'static str,
    /// When the script ran.
    pub(super) now: Timestamp,
    values: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn new(call: &'static str, value: Value) -> Result<Self, QueueError> {
        let Value::Array(values) = value else {
            return Err(QueueError::broken(call, format!("{value:?}")));
        };
        let mut reply = Self {
            call,
            now: Timestamp::default(),
            values: values.into_iter(),
        };
        reply.now = Timestamp::from_micros(reply.int()?);
        Ok(reply)
    }

    /// How many values follow.
    pub(super) fn left(&self) -> usize {
        self.values.len()
    }

    /// The next value, a number.
    pub(super) fn int(&mut self) -> Result<i64, QueueError> {
        match self.values.next() {
            Some(Value::Int(number)) => Ok(number),
            other => Err(self.broken(&other)),
        }
    }

    /// The next value, a count.
    pub(super) fn count(&mut self) -> Result<usize, QueueError> {
        Ok(usize::try_from(self.int()?).unwrap_or(0))
    }

    /// The next value, bytes or nothing.
    pub(super) fn bytes(&mut self) -> Result<Option<Vec<u8>>, QueueError> {
        match self.values.next() {
            Some(Value::BulkString(bytes)) => Ok(Some(bytes)),
            Some(Value::Nil) => Ok(None),
            other => Err(self.broken(&other)),
        }
    }

    /// The next value, text; what is not UTF-8 in it is replaced.
    pub(super) fn text(&mut self) -> Result<String, QueueError> {
        match self.bytes()? {
            Some(bytes) => Ok(String::from_utf8(bytes)
                .unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned())),
            None => Err(self.broken(&None)),
        }
    }

    /// The next value, a list of texts.
    pub(super) fn texts(&mut self) -> Result<Vec<String>, QueueError> {
        let Some(Value::Array(values)) = self.values.next() else {
            return Err(self.broken(&None));
        };
        let mut inner = Self {
            call: self.call,
            now: self.now,
            values: values.into_iter(),
        };
        (0..inner.left()).map(|_| inner.text()).collect()
    }

    /// An answer of which this value is the wrong part.
    fn broken(&self, value: &Option<Value>) -> QueueError {
        QueueError::broken(self.call, format!("{value:?} stands where it should not"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Attempt;
    use crate::queue::{
        AHEAD_MAX, BODY_BYTES_PER_CALL_MAX, RETRY_KEPT, RETRY_WITHIN, TICKETS_PER_CALL_MAX,
    };

    #[test]
    fn the_scripts_know_the_bounds_of_the_house() {
        assert!(ENDS.contains(&format!("local KEPT = {}\n", Attempt::KEPT_MAX)));
        assert_eq!(BODY_BYTES_PER_CALL_MAX, 4 * 1024 * 1024);
        let bounds = format!("local TICKETS, BYTES = {TICKETS_PER_CALL_MAX}, 4 * 1024 * 1024\n");
        let scripts = Scripts::new();
        assert!(scripts.reserve.source.contains(&bounds));
        let within = format!("local WITHIN = {} * 1000000\n", RETRY_WITHIN.as_secs());
        assert!(ACCEPT.contains(&within));
        let kept = format!("'EXPIRE', RETRIED .. old, {})", RETRY_KEPT.as_secs());
        assert!(scripts.stored.source.contains(&kept));
        let ahead = format!("local AHEAD = {} * 1000000\n", AHEAD_MAX.as_secs());
        assert!(scripts.fire.source.contains(&ahead));
        for script in [&scripts.collect, &scripts.find, &scripts.entries] {
            assert!(script.source.contains("local BYTES = 4 * 1024 * 1024\n"));
        }
    }

    /// A full Redis takes no new work and lets work in hand end.
    #[test]
    fn only_what_brings_work_is_refused_at_maxmemory() {
        let scripts = Scripts::new();
        for brings in [&scripts.enqueue, &scripts.fire, &scripts.reserve] {
            assert!(brings.source.starts_with(BRINGS_WORK), "{}", brings.call);
        }
        for ends in [
            &scripts.settle,
            &scripts.renew,
            &scripts.release,
            &scripts.stored,
        ] {
            assert!(ends.source.starts_with(ENDS_WORK), "{}", ends.call);
        }
    }
}
