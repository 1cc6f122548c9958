//! The door: what can be told of a pipeline without reading a file or running SQL.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde_json::value::RawValue;

use super::column::{Cell, ColumnType};
use super::table::Sink;
use super::trouble::{Halt, Place};
use super::{DataInput, DataOutput, DataPayload, FileRoot, Format, Wrong, json};

/// A payload that holds together.
#[derive(Debug)]
pub(super) struct Pipeline<'a> {
    pub(super) inputs: Vec<Input<'a>>,
    pub(super) steps: &'a [String],
    pub(super) outputs: Vec<Output<'a>>,
}

/// What becomes a table.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) table: &'a str,
    pub(super) source: Source<'a>,
    pub(super) columns: &'a BTreeMap<String, ColumnType>,
}

/// Where rows come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    File { path: &'a str, format: Format },
    Rows(&'a RawValue),
}

/// What is written.
#[derive(Debug)]
pub(super) struct Output<'a> {
    pub(super) select: &'a str,
    pub(super) to: To<'a>,
}

/// Where rows go.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    File { path: &'a str, format: Format },
    Result(&'a str),
}

impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::File { path, .. } => write!(f, "input `{}`, file `{path}`", self.table),
            Source::Rows(_) => write!(f, "input `{}`", self.table),
        }
    }
}

const INPUTS_MAX: usize = 64;
const STEPS_MAX: usize = 256;
const OUTPUTS_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 128;

/// Reads a payload; with `files`, its paths are looked over, too.
pub(super) fn read<'a>(
    payload: &'a DataPayload,
    files: Option<&FileRoot>,
) -> Result<Pipeline<'a>, Vec<Wrong>> {
    let mut door = Door {
        files,
        wrong: Vec::new(),
    };
    let inputs = door.inputs(&payload.inputs);
    door.steps(&payload.steps);
    let outputs = door.outputs(&payload.outputs);
    if door.wrong.is_empty() {
        return Ok(Pipeline {
            inputs,
            steps: &payload.steps,
            outputs,
        });
    }
    Err(door.wrong)
}

struct Door<'a> {
    files: Option<&'a FileRoot>,
    wrong: Vec<Wrong>,
}

impl Door<'_> {
    fn refuse(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.wrong.push(Wrong::new(pointer, detail));
    }

    fn inputs<'a>(&mut self, inputs: &'a BTreeMap<String, DataInput>) -> Vec<Input<'a>> {
        if inputs.len() > INPUTS_MAX {
            self.refuse("/inputs", format!("must be at most {INPUTS_MAX}"));
        }
        let mut tables = HashSet::new();
        let mut read = Vec::new();
        for (table, input) in inputs {
            let pointer = format!("/inputs/{}", table.replace('~', "~0").replace('/', "~1"));
            if let Err(detail) = table_name(table) {
                self.refuse(&pointer, detail);
            }
            if !tables.insert(table.to_ascii_lowercase()) {
                self.refuse(
                    &pointer,
                    format!(
                        "names the table `{table}` twice: SQL does not tell upper from lower case"
                    ),
                );
            }
            if let Some(source) = self.source(&pointer, input) {
                read.push(Input {
                    table,
                    source,
                    columns: &input.columns,
                });
            }
        }
        read
    }

    fn source<'a>(&mut self, pointer: &str, input: &'a DataInput) -> Option<Source<'a>> {
        match (&input.path, &input.rows) {
            (Some(path), None) => {
                let format = self.file(pointer, path, input.format)?;
                Some(Source::File { path, format })
            }
            (None, Some(rows)) => {
                if input.format.is_some() {
                    self.refuse(format!("{pointer}/format"), "is for files, not for `rows`");
                }
                if !rows.get().starts_with('[') {
                    self.refuse(format!("{pointer}/rows"), "must be an array of objects");
                } else if let Err(halt) = json::read_rows(rows.get(), &mut Glance) {
                    let (place, what) = match halt {
                        Halt::Bad {
                            place: Some(Place::Row(row)),
                            what,
                        } => (format!("/{}", row - 1), what),
                        halt => (String::new(), halt.failure("it").error().message.clone()),
                    };
                    self.refuse(format!("{pointer}/rows{place}"), what);
                }
                Some(Source::Rows(rows))
            }
            _ => {
                self.refuse(pointer, "must have either `path` or `rows`");
                None
            }
        }
    }

    /// Looks over a file, and tells its format.
    fn file(&mut self, pointer: &str, path: &str, format: Option<Format>) -> Option<Format> {
        if let Some(Err(detail)) = self.files.map(|files| files.check(path)) {
            self.refuse(format!("{pointer}/path"), detail);
        }
        let format = format.or_else(|| by_extension(path));
        if format.is_none() {
            self.refuse(
                format!("{pointer}/path"),
                "does not end in .csv, .json, .ndjson or .jsonl: say its `format`",
            );
        }
        format
    }

    fn steps(&mut self, steps: &[String]) {
        if steps.len() > STEPS_MAX {
            self.refuse("/steps", format!("must be at most {STEPS_MAX}"));
        }
        for (index, step) in steps.iter().enumerate() {
            self.sql(format!("/steps/{index}"), step);
        }
    }

    fn sql(&mut self, pointer: String, sql: &str) {
        if sql.trim().is_empty() {
            self.refuse(pointer, "must not be empty: a statement of SQL is expected");
        } else if sql.contains('\0') {
            self.refuse(pointer, "must not hold U+0000");
        }
    }

    fn outputs<'a>(&mut self, outputs: &'a [DataOutput]) -> Vec<Output<'a>> {
        if outputs.is_empty() || outputs.len() > OUTPUTS_MAX {
            self.refuse("/outputs", format!("must be from 1 to {OUTPUTS_MAX}"));
        }
        let mut taken = HashSet::new();
        let mut read = Vec::new();
        for (index, output) in outputs.iter().enumerate() {
            let pointer = format!("/outputs/{index}");
            self.sql(format!("{pointer}/select"), &output.select);
            let pointer = format!("{pointer}/to");
            let Some(to) = self.target(&pointer, output) else {
                continue;
            };
            let key = match to {
                To::File { path, .. } => (true, path),
                To::Result(name) => (false, name),
            };
            if !taken.insert(key) {
                self.refuse(
                    &pointer,
                    format!("is where another output goes, too: `{}`", key.1),
                );
            }
            read.push(Output {
                select: &output.select,
                to,
            });
        }
        read
    }

    fn target<'a>(&mut self, pointer: &str, output: &'a DataOutput) -> Option<To<'a>> {
        let to = &output.to;
        match (&to.path, &to.result) {
            (Some(path), None) => {
                let format = self.file(pointer, path, to.format)?;
                Some(To::File { path, format })
            }
            (None, Some(name)) => {
                if to.format.is_some() {
                    self.refuse(
                        format!("{pointer}/format"),
                        "is for files, not for `result`",
                    );
                }
                if let Err(detail) = name_of("a name", name) {
                    self.refuse(format!("{pointer}/result"), detail);
                }
                Some(To::Result(name))
            }
            _ => {
                self.refuse(pointer, "must have either `path` or `result`");
                None
            }
        }
    }
}

fn name_of(what: &str, name: &str) -> Result<(), String> {
    let length = 1..=NAME_BYTES_MAX;
    if length.contains(&name.len()) && !name.contains(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "must be {what} of 1 to {NAME_BYTES_MAX} bytes, without control characters"
    ))
}

fn table_name(name: &str) -> Result<(), String> {
    name_of("the name of a table", name)?;
    match name.to_ascii_lowercase() {
        name if name.starts_with("sqlite_") || name.starts_with("pragma_") => {
            Err("must not begin with `sqlite_` or `pragma_`, which are SQLite's".to_owned())
        }
        _ => Ok(()),
    }
}

fn by_extension(path: &str) -> Option<Format> {
    let (_, extension) = path.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

/// Looks at rows and keeps nothing.
struct Glance;

impl Sink for Glance {
    fn column(&mut self, _: &str) -> Result<usize, Halt> {
        Ok(0)
    }

    fn cell(&mut self, _: usize, _: Cell<'_>) -> Result<(), Halt> {
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Halt> {
        Ok(())
    }
}
