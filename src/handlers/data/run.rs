//! One run of a pipeline: load, steps, outputs, and then all files at once.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::rc::Rc;

use serde_json::value::RawValue;

use super::cage::Cage;
use super::check::{Input, Output, Pipeline, Source, To};
use super::output::{Bounded, Cut, write};
use super::table::{Load, Sink, Survey};
use super::trouble::Halt;
use super::watch::Watch;
use super::{Context, Data, DataResult, DataWritten, Failure, Format, csv, json};
use crate::handlers::files::NewFile;

/// One run of a pipeline.
pub(super) struct Run<'a> {
    handler: &'a Data,
    pipeline: Pipeline<'a>,
    cage: Cage,
    watch: Rc<Watch>,
}

impl<'a> Run<'a> {
    /// Begins with an empty database.
    pub(super) fn new(
        handler: &'a Data,
        pipeline: Pipeline<'a>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let watch = Rc::new(Watch::new(context));
        Ok(Self {
            handler,
            pipeline,
            cage: Cage::open(context, Rc::clone(&watch), handler.bounds)?,
            watch,
        })
    }

    /// Runs it to its end.
    pub(super) fn run(mut self) -> Result<DataResult, Failure> {
        for input in &self.pipeline.inputs {
            self.load(input)?;
        }
        self.cage.shut()?;
        for (index, step) in self.pipeline.steps.iter().enumerate() {
            let what = format!("step {}", index + 1);
            self.says(&what);
            self.watch.look()?;
            self.cage.run(&what, step)?;
        }
        let mut whole = Vec::new();
        let mut room = self.result_room();
        for (index, output) in self.pipeline.outputs.iter().enumerate() {
            let what = format!("output {}", index + 1);
            self.says(&what);
            self.watch.look()?;
            whole.push(self.write(&what, output, &mut room)?);
        }
        self.watch.look()?;
        let outputs = whole.into_iter().map(|(mut written, file)| {
            written.bytes = file.map(NewFile::commit).transpose()?;
            Ok(written)
        });
        Ok(DataResult {
            outputs: outputs.collect::<Result<_, Failure>>()?,
        })
    }

    fn says(&self, what: &str) {
        self.watch.context().progress(0, None, what);
    }

    /// Makes the table of an input.
    fn load(&self, input: &Input<'_>) -> Result<(), Failure> {
        let what = input.to_string();
        self.says(&what);
        self.watch.look()?;
        match input.source {
            Source::Rows(rows) => {
                self.fill(input, &what, &mut |sink| json::read_rows(rows.get(), sink))
            }
            Source::File { path, format } => {
                let mut file = self.handler.files.open(path)?;
                self.fill(input, &what, &mut |sink| {
                    file.rewind()?;
                    read_file(&file, format, sink)
                })
            }
        }
    }

    /// Makes the table of an input that `read` reads, once for its columns and once for its rows.
    fn fill(
        &self,
        input: &Input<'_>,
        what: &str,
        read: &mut dyn FnMut(&mut dyn Sink) -> Result<(), Halt>,
    ) -> Result<(), Failure> {
        let failed = |halt: Halt| halt.failure(what);
        let mut survey = Survey::new(input.columns, &self.watch);
        read(&mut survey).map_err(failed)?;
        let open = !matches!(
            input.source,
            Source::File {
                format: Format::Csv,
                ..
            }
        );
        let columns = survey.columns(open).map_err(failed)?;
        self.cage.own("BEGIN")?;
        self.cage.own(&columns.create(input.table))?;
        let load = Load::new(&columns, input.table, (&self.cage, &self.watch), what);
        read(&mut load?).map_err(failed)?;
        self.cage.own("COMMIT")
    }

    /// Writes an output; a file is whole, but not yet in its place.
    fn write(
        &self,
        what: &str,
        output: &Output<'_>,
        room: &mut usize,
    ) -> Result<(DataWritten, Option<NewFile>), Failure> {
        let mut written = DataWritten {
            path: None,
            result: None,
            rows: 0,
            bytes: None,
            data: None,
        };
        match output.to {
            To::File { path, format } => {
                written.path = Some(path.to_owned());
                let mut file = self.handler.files.create(path)?;
                let mut out = BufWriter::with_capacity(BUFFER_BYTES, &mut file);
                let count = write(
                    &self.cage,
                    &self.watch,
                    (what, output.select),
                    format,
                    &mut out,
                );
                // What is still buffered after a failure is not wanted.
                drop(out.into_parts());
                written.rows = count.map_err(|cut| match cut {
                    Cut::Failed(failure) => failure,
                    Cut::Write(err) => file.trouble(&err),
                })?;
                Ok((written, Some(file)))
            }
            To::Result(name) => {
                written.result = Some(name.to_owned());
                let mut out = Bounded {
                    bytes: Vec::new(),
                    bytes_max: *room,
                };
                let format = Format::Json;
                let count = write(
                    &self.cage,
                    &self.watch,
                    (what, output.select),
                    format,
                    &mut out,
                );
                written.rows = count.map_err(|cut| match cut {
                    Cut::Failed(failure) => failure,
                    Cut::Write(_) => too_large(what, name, self.handler.result_max),
                })?;
                *room -= out.bytes.len();
                written.data = Some(raw(out.bytes)?);
                Ok((written, None))
            }
        }
    }

    /// Bytes that the result has for rows, beside what it says of each output.
    fn result_room(&self) -> usize {
        let entries = self.pipeline.outputs.iter().map(|output| {
            let name = match output.to {
                To::File { path, .. } => path,
                To::Result(name) => name,
            };
            // Every character may have to be escaped, and two numbers have up to 20 digits.
            name.len() * 6 + 96
        });
        self.handler
            .result_max
            .saturating_sub(32 + entries.sum::<usize>())
    }
}

/// Bytes that are read from, or written to, a file at once.
const BUFFER_BYTES: usize = 256 << 10;

fn read_file(file: &File, format: Format, sink: &mut dyn Sink) -> Result<(), Halt> {
    let input = BufReader::with_capacity(BUFFER_BYTES, file);
    match format {
        Format::Csv => csv::read(input, sink),
        Format::Json => json::read_array(input, sink),
        Format::Ndjson => json::read_lines(input, sink),
    }
}

fn too_large(what: &str, name: &str, bytes_max: usize) -> Failure {
    Failure::permanent(format!(
        "{what}: the rows of `{name}` do not fit into a result of {bytes_max} bytes (RESULTMAX): write them to a file, \
         or LIMIT them"
    ))
}

fn raw(bytes: Vec<u8>) -> Result<Box<RawValue>, Failure> {
    let unexpected =
        |err: &dyn std::fmt::Display| Failure::retry(format!("the rows are no JSON: {err}"));
    let text = String::from_utf8(bytes).map_err(|err| unexpected(&err))?;
    RawValue::from_string(text).map_err(|err| unexpected(&err))
}
