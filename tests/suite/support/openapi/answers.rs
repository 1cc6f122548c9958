//! Answers: their status, headers and bodies are those that the document tells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::http::{Request, Response};
use super::{Document, parse};

/// Headers of every answer that HTTP itself explains.
const OF_HTTP: [&str; 5] = [
    "date",
    "content-type",
    "content-length",
    "cache-control",
    "connection",
];

impl Document {
    /// What an operation tells.
    pub fn check_answer(
        &self,
        operation: &str,
        request: &Request<'_>,
        answer: &Response,
    ) -> Result<(), String> {
        let response = self.resolve(format!("{operation}/responses/{}", answer.status));
        let Some(told) = self.open.pointer(&response) else {
            return Err("the status is not told".to_owned());
        };
        self.check_headers(&response, told, answer)?;
        if request.method == "HEAD" {
            return Ok(());
        }
        let Some(media) = answer.header("content-type") else {
            return match told.get("content").is_none() && answer.body.is_empty() {
                true => Ok(()),
                false => Err("it has no content type".to_owned()),
            };
        };
        if told["content"].get(media).is_none() {
            return Err(format!("the content type {media} is not told"));
        }
        let content = format!("{response}/content/{}", media.replace('/', "~1"));
        let each: Vec<Value> = match media {
            "application/x-ndjson" => lines(&answer.text())?,
            _ => vec![parse(&answer.text())?],
        };
        let word = if media == "application/x-ndjson" {
            "x-itemSchema"
        } else {
            "schema"
        };
        let mut all = each.iter();
        all.try_for_each(|value| self.check_value(&format!("{content}/{word}"), true, value))
    }

    fn check_headers(&self, response: &str, told: &Value, answer: &Response) -> Result<(), String> {
        let known = told["headers"].as_object().cloned().unwrap_or_default();
        let known: BTreeMap<_, _> = known
            .keys()
            .map(|name| (name.to_lowercase(), name))
            .collect();
        for (name, value) in &answer.headers {
            if OF_HTTP.contains(&name.as_str()) {
                continue;
            }
            let Some(told) = known.get(name) else {
                return Err(format!("the header {name} is not told"));
            };
            let header = self.resolve(format!("{response}/headers/{told}"));
            self.check_text(&header, value)
                .map_err(|reason| format!("the header {name}: {reason}"))?;
        }
        for (lower, name) in known {
            let header = self.resolve(format!("{response}/headers/{name}"));
            let required = self
                .open
                .pointer(&header)
                .is_some_and(|h| h["required"] == true);
            if (required || lower == "x-request-id") && answer.header(&lower).is_none() {
                return Err(format!("the header {name} is missing"));
            }
        }
        Ok(())
    }

    /// What no operation tells: other methods, other paths.
    pub fn check_stranger(
        &self,
        allow: Option<Vec<String>>,
        request: &Request<'_>,
        answer: &Response,
    ) -> Result<(), String> {
        let allow = allow.map(|methods| {
            let mut allow: Vec<_> = methods.into_iter().chain(["OPTIONS".to_owned()]).collect();
            if allow.iter().any(|method| method == "GET") {
                allow.push("HEAD".to_owned());
            }
            allow.sort_unstable();
            allow
        });
        let mut said: Vec<_> = answer
            .header("allow")
            .unwrap_or_default()
            .split(", ")
            .collect();
        said.sort_unstable();
        match (answer.status, allow) {
            (200, allow)
                if request.method == "OPTIONS"
                    && (request.target == "*" || allow.as_ref().is_some_and(|a| *a == said)) =>
            {
                return Ok(());
            }
            (405, Some(allow)) if allow == said => {}
            (405, allow) => return Err(format!("it allows {said:?}, and the document {allow:?}")),
            (404, None) | (501, _) => {}
            (status, _) => {
                let response = format!("/components/responses/{status}");
                if self.open.pointer(&response).is_none() {
                    return Err("that is no answer to a request that leads nowhere".to_owned());
                }
            }
        }
        match request.method {
            "HEAD" => Ok(()),
            _ => self.check_value("/components/schemas/Problem", true, &parse(&answer.text())?),
        }
    }
}

fn lines(text: &str) -> Result<Vec<Value>, String> {
    text.lines().map(parse).collect()
}

/// The comparison itself finds what it is there to find.
#[test]
fn an_answer_that_is_not_told_is_found() {
    use super::Found;
    let document = Document::of(json!({
        "paths": {"/a/{id}": {"get": {"parameters": [], "responses": {"200": {
            "headers": {"ETag": {"required": true, "schema": {"type": "string"}}},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}},
        }}}}},
        "components": {"schemas": {"A": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}},
    }));
    let answer = |status, headers: &[(&str, &str)], body: &str| Response {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    };
    let ask = |answer: Response| {
        let request = Request::get("/a/7");
        let Found::Operation(operation) = document.operation("GET", "/a/7") else {
            panic!("it is there");
        };
        document.check_answer(&operation, &request, &answer).is_ok()
    };
    let json = ("content-type", "application/json");
    let etag = ("etag", "x");
    assert!(ask(answer(200, &[json, etag], r#"{"a": 1}"#)));
    assert!(!ask(answer(201, &[json, etag], r#"{"a": 1}"#)));
    assert!(!ask(answer(200, &[json], r#"{"a": 1}"#)));
    assert!(!ask(answer(
        200,
        &[json, etag, ("allow", "GET")],
        r#"{"a": 1}"#
    )));
    assert!(!ask(answer(200, &[json, etag], r#"{"a": 1, "b": 2}"#)));
    assert!(!ask(answer(200, &[json, etag], r#"{"a": "1"}"#)));
    assert!(!ask(answer(200, &[json, etag], "{}")));
    assert!(!ask(answer(
        200,
        &[("content-type", "text/html"), etag],
        r#"{"a": 1}"#
    )));
    assert!(
        matches!(document.operation("PUT", "/a/7"), Found::OtherMethods(all) if all == ["GET"])
    );
    assert!(matches!(document.operation("GET", "/a/"), Found::Nothing));
}
