//! One JSON object a line, for programs that read logs.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::thread;

use chrono::{DateTime, SecondsFormat};
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use log::{LevelFilter, Log, Metadata, Record};
use serde_json::{Map, json};
use simplelog::{Config, SharedLogger};

use crate::clock::{Clock, SystemClock};

use super::fold::one_line;
use super::is_guest;

/// A logger that writes `{"time", "level", "target", "thread", "message"}` and the record's own fields beside them.
pub(super) struct Json<W>(Mutex<W>);

impl<W: Write + Send + 'static> Json<W> {
    pub(super) fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

impl<W: Write + Send + 'static> Log for Json<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_guest(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut line = object(record);
        line.push('\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody left to tell that the log cannot be written.
        out.write_all(line.as_bytes()).ok();
    }

    fn flush(&self) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.flush().ok();
    }
}

impl<W: Write + Send + 'static> SharedLogger for Json<W> {
    fn level(&self) -> LevelFilter {
        LevelFilter::Trace
    }

    fn config(&self) -> Option<&Config> {
        None
    }

    fn as_log(self: Box<Self>) -> Box<dyn Log> {
        Box::new(*self)
    }
}

fn object(record: &Record<'_>) -> String {
    let now = DateTime::from_timestamp_micros(SystemClock.now().as_micros()).unwrap_or_default();
    let mut fields = Map::new();
    fields.insert(
        "time".to_owned(),
        json!(now.to_rfc3339_opts(SecondsFormat::Micros, true)),
    );
    fields.insert(
        "level".to_owned(),
        json!(record.level().as_str().to_lowercase()),
    );
    fields.insert("target".to_owned(), json!(record.target()));
    fields.insert("thread".to_owned(), json!(thread::current().name()));
    fields.insert("message".to_owned(), json!(one_line(*record.args())));
    if record.key_values().visit(&mut Fields(&mut fields)).is_err() {
        fields.insert("incomplete".to_owned(), json!(true));
    }
    serde_json::Value::Object(fields).to_string()
}

struct Fields<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut typed = Typed(serde_json::Value::Null);
        value.visit(&mut typed)?;
        // A field named like one of ours must not replace it.
        let mut name = key.as_str().to_owned();
        while self.0.contains_key(&name) {
            name.push('_');
        }
        self.0.insert(name, typed.0);
        Ok(())
    }
}

/// Keeps numbers numbers.
struct Typed(serde_json::Value);

impl<'v> VisitValue<'v> for Typed {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = json!(one_line(format_args!("{value}")));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.0 = serde_json::Value::Null;
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = json!(value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = json!(value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = json!(value);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = json!(value);
        Ok(())
    }
}
