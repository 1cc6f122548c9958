//! Every answer that a test gets is compared with the document of the daemon that gave it: status, headers, members.
//!
//! What is not in the document fails the test, whatever the test is about; so does a request that was accepted although
//! the document does not allow it.

mod answers;
mod requests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use windlass::config::PayloadSchema;

use super::http::{Request, Response, exchange};

/// What a daemon says of itself.
struct Document {
    /// As it is, for requests.
    open: Value,
    /// With every object closed: a member that is not told is not allowed.
    closed: Value,
    /// Compiled schemas, by pointer and side.
    schemas: Mutex<HashMap<(String, bool), Arc<PayloadSchema>>>,
}

/// The documents of the daemons of this process' tests: by address their names, by name themselves.
#[derive(Default)]
struct Known {
    names: HashMap<SocketAddr, String>,
    documents: HashMap<String, Arc<Document>>,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Asks the daemon at `addr` for its document, whatever was there before.
#[track_caller]
pub fn learn(addr: SocketAddr) {
    let answer = exchange(addr, &Request::get("/openapi.json")).expect("a daemon answers");
    remember(addr, &answer.expect(200));
}

fn remember(addr: SocketAddr, answer: &Response) -> Arc<Document> {
    let name = answer
        .header("etag")
        .expect("the document has a name")
        .to_owned();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.names.insert(addr, name.clone());
    let new = || Arc::new(Document::of(answer.json()));
    Arc::clone(known.documents.entry(name).or_insert_with(new))
}

fn forget(addr: SocketAddr) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.names.remove(&addr);
}

/// The document of the daemon at `addr`; `None` while it stops.
fn document(addr: SocketAddr) -> Option<Arc<Document>> {
    {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = known.names.get(&addr) {
            return Some(Arc::clone(&known.documents[name]));
        }
    }
    let answer = exchange(addr, &Request::get("/openapi.json")).ok()?;
    (answer.status != 503).then(|| remember(addr, &answer.expect(200)))
}

/// Panics when the daemon's document does not know this answer, or forbids a request that was accepted.
#[track_caller]
pub fn compare(addr: SocketAddr, request: &Request<'_>, answer: &Response) {
    compare_with(addr, request, answer, |document, operation| {
        if (200..300).contains(&answer.status) {
            return document.check_request(operation, request, answer);
        }
        Ok(())
    });
}

/// Panics when the daemon's document does not know this answer. For requests whose rest only the test knows.
#[track_caller]
pub fn compare_answer(addr: SocketAddr, method: &str, target: &str, answer: &Response) {
    let request = Request {
        method,
        ..Request::get(target)
    };
    compare_with(addr, &request, answer, |_, _| Ok(()));
}

/// Whether a schema of the daemon's document, to which the pointer `schema` leads, allows `value`.
pub fn allows(addr: SocketAddr, schema: &str, value: &Value) -> bool {
    let document = document(addr).expect("a daemon answers");
    document.check_value(schema, false, value).is_ok()
}

#[track_caller]
fn compare_with(
    addr: SocketAddr,
    request: &Request<'_>,
    answer: &Response,
    and_then: impl Fn(&Document, &str) -> Result<(), String>,
) {
    let Some(known) = document(addr) else {
        return;
    };
    let path = request.target.split(['?', '#']).next().unwrap_or_default();
    let look = |document: &Document| match document.operation(request.method, path) {
        Found::Operation(operation) => document
            .check_answer(&operation, request, answer)
            .and_then(|()| and_then(document, &operation)),
        Found::OtherMethods(allow) => document.check_stranger(Some(allow), request, answer),
        Found::Nothing => document.check_stranger(None, request, answer),
    };
    let told = look(&known).or_else(|reason| {
        // It may have reloaded its settings, which changes what it takes.
        forget(addr);
        document(addr).map_or(Err(reason), |anew| look(&anew))
    });
    if let Err(reason) = told {
        let (method, target, status) = (request.method, request.target, answer.status);
        let (headers, text) = (&answer.headers, answer.text());
        panic!(
            "not as /openapi.json says: {method} {target}: {reason}\n{status} {headers:?}\n{text:.2000}"
        );
    }
}

/// Where a request leads in the document.
enum Found {
    /// A pointer to the operation.
    Operation(String),
    /// The path is there, with these methods.
    OtherMethods(Vec<String>),
    Nothing,
}

impl Document {
    fn of(document: Value) -> Self {
        let mut closed = document.clone();
        close(&mut closed);
        Self {
            open: document,
            closed,
            schemas: Mutex::default(),
        }
    }

    fn operation(&self, method: &str, path: &str) -> Found {
        let paths = self.open["paths"].as_object().expect("paths");
        let Some((template, methods)) = paths.iter().find(|(t, _)| matches(t, path)) else {
            return Found::Nothing;
        };
        let wanted = if method == "HEAD" {
            "get"
        } else {
            &method.to_lowercase()
        };
        if methods.get(wanted).is_some() {
            let template = template.replace('/', "~1");
            return Found::Operation(format!("/paths/{template}/{wanted}"));
        }
        let methods = methods.as_object().expect("methods").keys();
        Found::OtherMethods(methods.map(|m| m.to_uppercase()).collect())
    }

    /// Follows `$ref` where `pointer` leads to one.
    fn resolve(&self, pointer: String) -> String {
        match self.open.pointer(&pointer).and_then(|v| v["$ref"].as_str()) {
            Some(to) => to.trim_start_matches('#').to_owned(),
            None => pointer,
        }
    }

    /// The text of a parameter or header, which may stand for a number or a truth.
    fn check_text(&self, parameter: &str, text: &str) -> Result<(), String> {
        let schema = format!("{parameter}/schema");
        let as_text = self.check_value(&schema, false, &json!(text));
        match serde_json::from_str::<Value>(text) {
            Ok(value) if as_text.is_err() => self.check_value(&schema, false, &value),
            _ => as_text,
        }
    }

    fn check_value(&self, schema: &str, closed: bool, value: &Value) -> Result<(), String> {
        let value = serde_json::value::to_raw_value(value).expect("JSON");
        let told = |(pointer, reason)| format!("at `{pointer}`: {reason}");
        self.validator(schema, closed).check(&value).map_err(|all| {
            let all: Vec<_> = all.into_iter().take(3).map(told).collect();
            all.join("; ")
        })
    }

    fn validator(&self, schema: &str, closed: bool) -> Arc<PayloadSchema> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (schema.to_owned(), closed);
        let new = || {
            let document = if closed { &self.closed } else { &self.open };
            let mut root = document.pointer(schema).expect("a schema").clone();
            if let Some(root) = root.as_object_mut() {
                root.insert("components".to_owned(), document["components"].clone());
            }
            let built = PayloadSchema::new(root);
            Arc::new(built.unwrap_or_else(|err| panic!("{schema} is no schema: {err:?}")))
        };
        Arc::clone(schemas.entry(key).or_insert_with(new))
    }
}

/// Forbids members that are not told, wherever members are told.
fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // Within what is closed already, these only say which of its members go together.
            let narrows = ["oneOf", "anyOf", "allOf", "not"];
            let is_narrowed = is_closed(members);
            let inner = members.iter_mut();
            inner
                .filter(|(name, _)| !(is_narrowed && narrows.contains(&name.as_str())))
                .for_each(|(_, value)| close(value));
            let is_schema = members.get("properties").is_some_and(Value::is_object);
            if is_schema && !is_closed(members) {
                members.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    schema.contains_key("additionalProperties") || schema.contains_key("unevaluatedProperties")
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(w), Some(g)) if w == g || (w.starts_with('{') && !g.is_empty()) => {}
            _ => return false,
        }
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|err| format!("it is no JSON: {err}"))
}
