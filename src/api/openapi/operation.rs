//! A route as an operation of the document: its parameters, its body, and every answer that can come.

use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::api::problem::Problem;
use crate::api::refusal::Refusal;
use crate::api::routes::{Body, Parameter, Reply, Route, Says};

/// The operation of a route.
pub fn of(route: &Route, theme: &str, schemas: &mut Schemas) -> Value {
    let mut parameters = Vec::new();
    let places = [
        ("path", route.segments),
        ("query", route.query),
        ("header", route.headers),
    ];
    for (place, all) in places {
        parameters.extend(all.iter().map(|one| parameter(one, place, schemas)));
    }
    parameters.push(json!({"$ref": "#/components/parameters/X-Request-Id"}));
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "tags": [theme],
        "parameters": parameters,
        "responses": responses(route, schemas),
    });
    if !route.body.is_empty() {
        let forms = route.body.iter();
        let content: Map<_, _> = forms
            .map(|form| (form.content_type.to_owned(), request_content(form, schemas)))
            .collect();
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// A parameter in its place.
pub fn parameter(parameter: &Parameter, place: &str, schemas: &mut Schemas) -> Value {
    json!({
        "name": parameter.name,
        "in": place,
        "required": place == "path" || parameter.is_required,
        "description": parameter.meaning,
        "schema": schemas.of_request(parameter.shape),
    })
}

/// A header of an answer.
pub fn header(header: &Parameter, schemas: &mut Schemas) -> Value {
    json!({"description": header.meaning, "schema": schemas.of_answer(header.shape)})
}

fn request_content(form: &Body, schemas: &mut Schemas) -> Value {
    let schema = schemas.of_request(form.shape);
    let mut content = if form.is_lines() {
        lines(&schema)
    } else {
        json!({"schema": schema})
    };
    if !form.examples.is_empty() {
        let examples = form.examples.iter();
        let examples: Map<_, _> = examples
            .map(|example| {
                // What is no JSON is a body of lines.
                let value =
                    serde_json::from_str(example.text).unwrap_or_else(|_| json!(example.text));
                (
                    example.name.to_owned(),
                    json!({"summary": example.meaning, "value": value}),
                )
            })
            .collect();
        content["examples"] = Value::Object(examples);
    }
    content
}

/// The content of a body of lines. OpenAPI 3.1 has no word for what each line is; 3.2 calls it `itemSchema`.
fn lines(schema: &Value) -> Value {
    json!({"schema": {"type": "string", "contentMediaType": "application/x-ndjson"}, "x-itemSchema": schema})
}

/// Everything that may come back, by status.
fn responses(route: &Route, schemas: &mut Schemas) -> Value {
    let mut statuses: Vec<u16> = route.replies.iter().map(|reply| reply.status).collect();
    let refusals: Vec<&Refusal> = Refusal::ANYWHERE.iter().chain(route.refusals).collect();
    statuses.extend(refusals.iter().map(|refusal| refusal.status));
    statuses.sort_unstable();
    statuses.dedup();
    let mut responses = Map::new();
    for status in statuses {
        let replies = route.replies.iter().filter(|r| r.status == status);
        let replies: Vec<&Reply> = replies.collect();
        let own = route.refusals.iter().any(|r| r.status == status);
        let response = if replies.is_empty() && !own {
            json!({"$ref": format!("#/components/responses/{status}")})
        } else {
            let refusals = refusals.iter().copied().filter(|r| r.status == status);
            response(&replies, &refusals.collect::<Vec<_>>(), schemas)
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

/// What any route may be refused with, by status, for all operations to point to.
pub fn common_refusals(schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for Refusal { status, .. } in Refusal::ANYWHERE {
        let refusals = Refusal::ANYWHERE.iter().filter(|r| r.status == *status);
        let refusals: Vec<_> = refusals.collect();
        responses.insert(status.to_string(), response(&[], &refusals, schemas));
    }
    Value::Object(responses)
}

/// All that comes with one status.
fn response(replies: &[&Reply], refusals: &[&Refusal], schemas: &mut Schemas) -> Value {
    let mut meanings: Vec<String> = replies.iter().map(|r| r.meaning.to_owned()).collect();
    let mut content: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut add = |media, schema| match content.iter_mut().find(|(known, _)| *known == media) {
        Some((_, all)) if !all.contains(&schema) => all.push(schema),
        Some(_) => {}
        None => content.push((media, vec![schema])),
    };
    for reply in replies {
        if let Some((media, shape)) = reply.says.content() {
            add(media, schemas.of_answer(shape));
        }
    }
    if let Some(first) = refusals.first() {
        let titles = refusals
            .iter()
            .map(|r| format!("{} (`{}`).", r.title, r.name));
        meanings.extend(titles);
        let names: Vec<_> = refusals.iter().map(|r| r.name).collect();
        let mut problem = schemas.of_answer(schemars::SchemaGenerator::subschema_for::<Problem>);
        problem["properties"] = json!({"type": {"enum": names}, "status": {"const": first.status}});
        add(PROBLEM, problem);
    }
    let content: Map<_, _> = content
        .into_iter()
        .map(|(media, mut all)| {
            let schema = match all.len() {
                1 => all.remove(0),
                _ => json!({"anyOf": all}),
            };
            let content = match media {
                LINES => lines(&schema),
                _ => json!({"schema": schema}),
            };
            (media.to_owned(), content)
        })
        .collect();
    let mut response = json!({
        "description": meanings.join(" "),
        "headers": headers(replies, refusals, schemas),
    });
    if !content.is_empty() {
        response["content"] = Value::Object(content);
    }
    response
}

/// The headers of all that comes with one status; required where each of them has it.
fn headers(replies: &[&Reply], refusals: &[&Refusal], schemas: &mut Schemas) -> Value {
    let mut headers = Map::new();
    headers.insert(
        "X-Request-Id".to_owned(),
        json!({"$ref": "#/components/headers/X-Request-Id"}),
    );
    let delayed = refusals.iter().filter(|r| r.retry_after.is_some()).count();
    if delayed > 0 {
        headers.insert(
            "Retry-After".to_owned(),
            json!({"$ref": "#/components/headers/Retry-After"}),
        );
    }
    for reply in replies {
        for one in reply.headers {
            let has = |reply: &&Reply| reply.headers.iter().any(|h| h.name == one.name);
            let mut told = header(one, schemas);
            told["required"] = json!(replies.iter().all(has) && refusals.is_empty());
            headers.insert(one.name.to_owned(), told);
        }
    }
    Value::Object(headers)
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const LINES: &str = "application/x-ndjson";

impl Says {
    /// Content type and schema.
    fn content(self) -> Option<(&'static str, crate::api::routes::Shape)> {
        match self {
            Self::Nothing => None,
            Self::Json(shape) => Some((JSON, shape)),
            Self::Problem(shape) => Some((PROBLEM, shape)),
            Self::Lines(shape) => Some((LINES, shape)),
        }
    }
}
