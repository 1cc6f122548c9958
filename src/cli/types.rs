//! `windlass types`: what the daemon can run, and what each type is given and answers.

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Exit;
use super::client::Asked;
use super::session::{self, Asking, Halt, Session};
use super::terminal::table::{Cell, Column, Table};
use super::terminal::{Look, json, text};
use crate::config::Sources;

/// The options of `windlass types`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Show the schemas of this type.
    name: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Deserialize)]
struct Catalog {
    types: Vec<Box<RawValue>>,
}

/// A job type on the wire.
#[derive(Debug, Deserialize)]
struct Type {
    name: String,
    payload_schema: Box<RawValue>,
    result_schema: Box<RawValue>,
}

/// Lists the types, or shows one.
pub(super) fn run(options: &Options, sources: &Sources) -> Exit {
    session::run(&options.asking, sources, |session| match &options.name {
        None => session.show(&Asked::get(&["types"]), |answer| {
            table(session, &answer.read::<Catalog>()?)
        }),
        Some(name) => show(session, name),
    })
}

fn read(entry: &RawValue) -> Result<Type, Halt> {
    let failed = |err| Halt::Failed(format!("a type of the daemon's cannot be read: {err}"));
    serde_json::from_str(entry.get()).map_err(failed)
}

fn table(session: &Session, catalog: &Catalog) -> Result<String, Halt> {
    let columns = [Column::text("TYPE"), Column::long("PAYLOAD")];
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for entry in &catalog.types {
        let found = read(entry)?;
        rows.push(vec![
            found.name.into(),
            fields(found.payload_schema.get()).into(),
        ]);
    }
    Ok(Table::new(&columns).rows(&session.screen, &rows))
}

/// The fields of a payload, those that must be there first; the others in brackets.
fn fields(schema: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let names = |of: &Value| -> Vec<String> {
        let members = of.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    };
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let optional = names(&schema["properties"]).into_iter();
    let optional = optional
        .filter(|name| !required.contains(name))
        .map(|name| format!("[{name}]"));
    let all: Vec<String> = required.iter().cloned().chain(optional).collect();
    match (all.is_empty(), schema["type"].as_str()) {
        (false, _) => all.join(" "),
        (true, Some(kind)) => kind.to_owned(),
        (true, None) => "anything".to_owned(),
    }
}

fn show(session: &Session, name: &str) -> Result<Exit, Halt> {
    let answer = session.client.ask(&Asked::get(&["types"]))?;
    let catalog: Catalog = answer.read()?;
    let mut known = Vec::new();
    for entry in &catalog.types {
        let found = read(entry)?;
        if found.name != name {
            known.push(found.name);
            continue;
        }
        if session.json {
            session.document(entry.get())?;
            return Ok(Exit::Fine);
        }
        let heading = |name| session.screen.paint(name, Look::Heading);
        let schema = |schema: &RawValue| json::laid_out(&text::json(schema.get()), 0);
        session.print(&format!(
            "{}\n{}\n{}\n{}\n",
            heading("payload"),
            schema(&found.payload_schema),
            heading("result"),
            schema(&found.result_schema)
        ))?;
        return Ok(Exit::Fine);
    }
    Err(Halt::Failed(format!(
        "the daemon runs no job type `{}`; it runs {}",
        text::one_line(name),
        text::one_line(&known.join(", "))
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_there_comes_first() {
        let schema =
            r#"{"type":"object","properties":{"body":{},"to":{},"cc":{}},"required":["to"]}"#;
        assert_eq!(fields(schema), "to [body] [cc]");
        assert_eq!(fields(r#"{"type":"string"}"#), "string");
        assert_eq!(fields("true"), "anything");
        assert_eq!(fields("{}"), "anything");
    }
}
