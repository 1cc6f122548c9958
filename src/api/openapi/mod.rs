//! `GET /openapi.json`: the route table and the types' own schemas, as a document (OpenAPI 3.1) for other programs.
//!
//! [`operation`] tells what a route takes and answers, [`schemas`] gathers what the parts are made of. Nothing is written
//! here by hand but the preface: the document cannot say what the daemon does not do.

mod operation;
mod schemas;

use std::sync::{Arc, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::exchange::header;
use super::problem::ApiError;
use super::routes::{Incoming, Parameter, THEMES, Then};
use super::server::Shared;
use crate::terms::Present;
use schemas::Schemas;

/// The document as it is sent, and its name.
#[derive(Debug, Clone)]
pub struct Page {
    /// What it describes; a reload makes another.
    of: Arc<Present>,
    json: Arc<[u8]>,
    etag: String,
}

/// The document.
#[derive(Debug, Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Vec<Value>,
    paths: Map<String, Value>,
    components: Value,
}

/// Answers `GET /openapi.json`; 304 to whoever has it.
///
/// # Errors
///
/// None.
pub fn openapi(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let page = page(shared);
    let answer = if header(incoming.headers, "If-None-Match").is_some_and(|held| page.is_held(held))
    {
        Answer::empty(304)
    } else {
        Answer::of_bytes(200, "application/json", page.json.to_vec())
    };
    Ok(Then::Answer(answer.cached_as(&page.etag)))
}

/// The document of what holds at present; made anew only after a reload.
fn page(shared: &Shared) -> Page {
    let present = shared.services.terms.present();
    let mut last = shared
        .openapi
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    match last.as_ref().filter(|page| Arc::ptr_eq(&page.of, &present)) {
        Some(page) => page.clone(),
        None => last.insert(Page::of(present)).clone(),
    }
}

impl Page {
    fn of(present: Arc<Present>) -> Self {
        // Nothing in it has keys that are not strings, the one thing that JSON cannot say.
        let json = serde_json::to_vec(&Document::of(&present)).unwrap_or_default();
        let digest = Sha256::digest(&json);
        let name: String = digest[..12].iter().map(|b| format!("{b:02x}")).collect();
        Self {
            of: present,
            json: json.into(),
            etag: format!("\"{name}\""),
        }
    }

    /// Whether an `If-None-Match` names this very document; compared weakly, as RFC 9110 wants it.
    fn is_held(&self, held: &str) -> bool {
        let mut names = held.split(',').map(str::trim);
        names.any(|name| name == "*" || name.strip_prefix("W/").unwrap_or(name) == self.etag)
    }
}

impl Document {
    fn of(present: &Present) -> Self {
        let mut schemas = Schemas::new();
        let mut paths: Map<String, Value> = Map::new();
        let mut tags = Vec::new();
        for theme in THEMES {
            tags.push(json!({"name": theme.name, "description": theme.meaning}));
            for route in theme.routes {
                let operation = operation::of(route, theme.name, &mut schemas);
                let path = paths.entry(route.path).or_insert_with(|| json!({}));
                path[route.method.to_lowercase()] = operation;
            }
        }
        let request_id = operation::parameter(&Parameter::REQUEST_ID, "header", &mut schemas);
        let headers = [Parameter::REQUEST_NAMED, Parameter::RETRY_AFTER];
        let headers: Map<String, Value> = headers
            .iter()
            .map(|header| {
                (
                    header.name.to_owned(),
                    operation::header(header, &mut schemas),
                )
            })
            .collect();
        let responses = operation::common_refusals(&mut schemas);
        Self {
            openapi: "3.1.1",
            info: info(),
            servers: json!([{"url": "/"}]),
            tags,
            paths,
            components: json!({
                "schemas": schemas.finish(present),
                "parameters": {Parameter::REQUEST_ID.name: request_id},
                "headers": headers,
                "responses": responses,
            }),
        }
    }
}

fn info() -> Value {
    json!({
        "title": "Windlass",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Runs background jobs and keeps every result.",
        "license": {"name": "MIT", "identifier": "MIT"},
        "description": "A `HEAD` is answered wherever a `GET` is, an `OPTIONS` with `Allow`. Unknown fields and unknown \
            query parameters are errors. What is refused is told by a problem document (RFC 9457) whose `type` is \
            stable. Besides those of an operation: 404 where no path is, 405 (`urn:windlass:method-not-allowed`, with \
            `Allow`) where another method is, 501 for methods that HTTP itself does not have.",
    })
}

#[cfg(test)]
mod tests;
