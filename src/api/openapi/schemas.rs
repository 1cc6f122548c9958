//! The schemas that the document's parts are made of: derived from the types that are read and sent, and the payloads of
//! the job types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::api::routes::Shape;
use crate::api::submit::{NewJob, NewJobs};
use crate::handlers::{Registered, Registry};
use crate::job::draft::EMPTY_PAYLOAD;
use crate::terms::Present;

/// Where schemas stand in the document.
const HERE: &str = "#/components/schemas/";

/// The schemas that were asked for so far. What is read and what is sent are told apart: a field that may be left out of
/// a request is there, as null, in an answer.
pub struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    /// None yet.
    pub fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of something in a request.
    pub fn of_request(&mut self, shape: Shape) -> Value {
        shape(&mut self.requests).to_value()
    }

    /// The schema of something in an answer.
    pub fn of_answer(&mut self, shape: Shape) -> Value {
        shape(&mut self.answers).to_value()
    }

    /// What was asked for on each side, by name.
    #[cfg(test)]
    pub fn by_side(mut self) -> [Map<String, Value>; 2] {
        [&mut self.requests, &mut self.answers].map(|side| side.take_definitions(true))
    }

    /// All schemas by name, with the jobs that a daemon takes on these terms.
    pub fn finish(mut self, present: &Present) -> Value {
        let mut all = self.requests.take_definitions(true);
        all.extend(self.answers.take_definitions(true));
        split_by_type(&mut all, &present.registry);
        if let Some(jobs) = all.get_mut(NewJobs::schema_name().as_ref()) {
            jobs["oneOf"][1]["maxItems"] = json!(present.config.submit_max);
        }
        Value::Object(all)
    }
}

/// Makes of the one schema of a submitted job one for each type, told apart by `type`, each with its own payload.
fn split_by_type(all: &mut Map<String, Value>, registry: &Registry) {
    let name = NewJob::schema_name().into_owned();
    let Some(mut plain) = all.remove(&name) else {
        return;
    };
    move_options(&mut plain, all);
    let mut forms = Vec::new();
    let mut mapping = Map::new();
    for (kind, handler) in registry.iter() {
        let (form, payload) = (format!("{name}.{kind}"), format!("Payload.{kind}"));
        let mut job = plain.clone();
        job["description"] = json!(format!("A job of the type `{kind}`."));
        job["properties"]["type"] = json!({"const": kind, "type": "string"});
        job["properties"]["payload"] = json!({"$ref": format!("{HERE}{payload}")});
        if !may_be_empty(handler.as_ref()) {
            job["required"] = json!(["type", "payload"]);
        }
        let schema = handler.payload_schema().to_value();
        all.insert(
            payload.clone(),
            at_home(schema, &format!("{HERE}{payload}")),
        );
        all.insert(form.clone(), job);
        mapping.insert(kind.to_owned(), json!(format!("{HERE}{form}")));
        forms.push(json!({"$ref": format!("{HERE}{form}")}));
    }
    let kinds: Vec<_> = registry.iter().map(|(kind, _)| kind).collect();
    plain["description"] = json!("A job of a type that another daemon at the same queue runs.");
    plain["properties"]["type"]["not"] = json!({"enum": kinds});
    all.insert(OTHER.to_owned(), plain);
    forms.push(json!({"$ref": format!("{HERE}{OTHER}")}));
    let job = json!({
        "description": "A job as it is submitted.",
        "oneOf": forms,
        "discriminator": {"propertyName": "type", "mapping": mapping},
    });
    all.insert(name, job);
}

/// The name of the schema of jobs whose type is not run here. No type can have it: theirs begin otherwise.
const OTHER: &str = "NewJobOfAnotherType";

/// Gives each option of a job a schema of its own name, so that they are not told again with each type.
fn move_options(job: &mut Value, all: &mut Map<String, Value>) {
    let Some(properties) = job["properties"].as_object_mut() else {
        return;
    };
    for (field, schema) in properties {
        if field == "type" || field == "payload" {
            continue;
        }
        let words = field.split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        });
        let name = format!("Job{}", words.collect::<String>());
        let pointer = json!({"$ref": format!("{HERE}{name}")});
        all.insert(name, std::mem::replace(schema, pointer));
    }
}

/// Whether jobs of a type may leave their payload out.
fn may_be_empty(handler: &dyn Registered) -> bool {
    RawValue::from_string(EMPTY_PAYLOAD.to_owned()).is_ok_and(|empty| handler.check(&empty).is_ok())
}

/// A schema that was a document of its own, as a part of this one: what it points to within itself is found at `home`.
fn at_home(mut schema: Value, home: &str) -> Value {
    // One with a name of its own stays a document of its own, wherever it stands.
    if schema.get("$id").is_none() {
        if schema
            .get("$schema")
            .is_some_and(|dialect| *dialect == DIALECT)
        {
            schema
                .as_object_mut()
                .map(|schema| schema.remove("$schema"));
        }
        repoint(&mut schema, home);
    }
    schema
}

/// The dialect of the whole document.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn repoint(schema: &mut Value, home: &str) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                let within = value.as_str().and_then(|text| text.strip_prefix('#'));
                match within {
                    Some(within)
                        if name == "$ref" && (within.is_empty() || within.starts_with('/')) =>
                    {
                        *value = json!(format!("{home}{within}"));
                    }
                    // What an example or a constant holds is no schema.
                    _ if matches!(name.as_str(), "const" | "enum" | "default" | "examples") => {}
                    _ => repoint(value, home),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| repoint(item, home)),
        _ => {}
    }
}
