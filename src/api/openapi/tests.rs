//! The document as a whole: what must hold of it whatever the routes are.

use std::collections::BTreeMap;

use super::*;
use crate::api::routes::routes;
use crate::config::{Action, Config, JobType, PayloadSchema, Place};
use crate::handlers::{Registry, builtin};
use crate::terms::Terms;

/// A daemon with every built-in type and two of the operator's.
fn present() -> Arc<Present> {
    let described = |name: &str, schema: Option<Value>| JobType {
        name: name.to_owned(),
        place: Place::Default,
        action: Action::Command {
            argv: vec!["/bin/true".to_owned()],
            directory: "/".into(),
        },
        payload_schema: schema.map(|schema| PayloadSchema::new(schema).expect("a schema")),
        queue: None,
        timeout: None,
    };
    let tree = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"leaf": {"$ref": "#/$defs/leaf"}, "tree": {"$ref": "#"}, "$ref": {"const": "#/none"}},
        "$defs": {"leaf": {"type": "integer"}},
        "additionalProperties": false,
        "examples": [{"$ref": "#/none"}],
    });
    let config = Config {
        types: vec![described("tree", Some(tree)), described("any", None)],
        ..Config::default()
    };
    let own = builtin(&config).expect("handlers");
    Terms::new(config, own).expect("terms").present()
}

/// A daemon that runs nothing.
fn idle() -> Arc<Present> {
    let terms = Terms::new(Config::default(), Registry::new());
    terms.expect("terms").present()
}

fn document() -> Value {
    serde_json::to_value(Document::of(&present())).expect("JSON")
}

/// What a schema of the document finds wrong with `value`.
fn wrongs(document: &Value, schema: &Value, value: &Value) -> Vec<(String, String)> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let schema = PayloadSchema::new(schema).expect("a schema");
    let value = serde_json::value::to_raw_value(value).expect("JSON");
    schema.check(&value).err().unwrap_or_default()
}

/// Calls `with` with every object of `value`.
fn each_object(value: &Value, with: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            with(members);
            members.values().for_each(|value| each_object(value, with));
        }
        Value::Array(items) => items.iter().for_each(|value| each_object(value, with)),
        _ => {}
    }
}

#[test]
fn what_is_pointed_to_is_there() {
    let document = document();
    let mut seen = 0;
    each_object(&document, &mut |object| {
        if let Some(Value::String(to)) = object.get("$ref")
            && to != "#/none"
        {
            seen += 1;
            let pointer = to.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
        }
    });
    assert!(seen > 50, "only {seen}");
}

#[test]
fn every_route_is_told_under_its_name_with_what_it_knows() {
    let document = document();
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        assert_eq!(operation["operationId"], route.name);
        assert_eq!(operation["summary"], route.summary);
        let told = operation["parameters"].as_array().expect("parameters");
        let known = route.segments.len() + route.query.len() + route.headers.len();
        assert_eq!(told.len(), known + 1, "{}", route.name);
        for reply in route.replies {
            let told = &operation["responses"][reply.status.to_string()];
            let text = told["description"].as_str().expect("a description");
            assert!(text.contains(reply.meaning), "{}: {text}", route.name);
        }
    }
}

#[test]
fn the_same_daemon_says_the_same_every_time() {
    let (one, other) = (Page::of(present()), Page::of(present()));
    assert_eq!((one.json, &one.etag), (other.json, &other.etag));
    assert_ne!(Page::of(idle()).etag, other.etag);
}

/// Both generators put their schemas under the same names.
#[test]
fn no_name_stands_for_two_schemas() {
    let mut schemas = Schemas::new();
    for theme in THEMES {
        for route in theme.routes {
            operation::of(route, theme.name, &mut schemas);
        }
    }
    let [requests, answers] = schemas.by_side();
    for (name, schema) in &requests {
        let other = answers.get(name).unwrap_or(schema);
        assert_eq!(schema, other, "{name} is read otherwise than it is sent");
    }
}

#[test]
fn a_job_is_told_apart_by_its_type() {
    let document = document();
    let jobs = json!({"$ref": "#/components/schemas/NewJobs"});
    for (job, is_one) in [
        (json!({"type": "noop"}), true),
        (json!({"type": "sleep"}), false),
        (json!({"type": "sleep", "payload": {"seconds": 1}}), true),
        (json!({"type": "sleep", "payload": {"seconds": "x"}}), false),
        (json!({"type": "noop", "paylod": 1}), false),
        (json!({"type": "another", "payload": [1]}), true),
        (json!({"type": "an other"}), false),
        (json!({"type": "any", "payload": null}), true),
        (
            json!({"type": "tree", "payload": {"tree": {"leaf": 1}}}),
            true,
        ),
        (
            json!({"type": "tree", "payload": {"tree": {"leaf": "x"}}}),
            false,
        ),
        (json!([{"type": "noop"}, {"type": "sleep"}]), false),
        (json!([]), false),
        (json!(vec![json!({"type": "noop"}); 1_000]), true),
        (json!(vec![json!({"type": "noop"}); 1_001]), false),
    ] {
        assert_eq!(wrongs(&document, &jobs, &job).is_empty(), is_one, "{job}");
    }
    let kinds = &document["components"]["schemas"]["NewJob"]["discriminator"]["mapping"];
    let kinds: Vec<_> = kinds.as_object().expect("a mapping").keys().collect();
    let runs = present();
    let runs = runs.registry.iter();
    assert_eq!(kinds, runs.map(|(kind, _)| kind).collect::<Vec<_>>());
}

#[test]
fn the_examples_are_what_they_are_examples_of() {
    let document = document();
    let mut examples = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for operation in methods.as_object().expect("methods").values() {
            let content = &operation["requestBody"]["content"]["application/json"];
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                let errors = wrongs(&document, &content["schema"], &example["value"]);
                assert!(errors.is_empty(), "{path}, {name}: {errors:?}");
                examples.insert((path, name), ());
            }
        }
    }
    assert!(!examples.is_empty());
}

#[test]
fn who_has_the_document_is_told_so() {
    let page = Page::of(idle());
    let etag = &page.etag;
    for held in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        assert!(page.is_held(&held), "{held}");
    }
    for other in ["", "\"x\"", "W/\"x\"", etag.trim_matches('"')] {
        assert!(!page.is_held(other), "{other}");
    }
}
