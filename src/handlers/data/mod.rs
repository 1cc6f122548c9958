//! `data`: a pipeline over rows. Files become tables, SQL works on them, files or the job's result come out.
//!
//! ```text
//!   csv | json | ndjson | rows ──survey, load──▶ table ─┐
//!                                                       ├─▶ step 1 ─▶ step 2 ─▶ … ─▶ select ──▶ file | result
//!   csv | json | ndjson | rows ──survey, load──▶ table ─┘
//! ```
//!
//! SQLite runs the SQL, in a private database (`cage`) that can reach nothing outside itself. Rows stream in and out one
//! by one, so memory does not grow with the input: at most a row, a page cache and a sorter's buffer are held.
//!
//! # How values are read
//!
//! Every input is read twice. The first reading sees the whole of each column and takes the narrowest type that holds it:
//! integer, real, or else text. What would not come out of a number as it went in makes its column text: a leading zero or
//! plus, blanks, an integer beyond 64 bits, an integer beyond 2⁵³ beside fractions, a number beyond 1.8 × 10³⁰⁸. An empty
//! field of CSV and JSON's null are NULL; a column with nothing else is text. A stated type is taken at its word: a value
//! that does not fit it ends the job and is named.
//!
//! In CSV, the first line names the columns. Names are trimmed; one that is empty becomes `column_<n>`, one that was there
//! before, in whatever case, gets `_2`, `_3` and so on. A row with more or fewer fields than names ends the job.
//! In JSON, a column is what any row has as a key; true and false are 1 and 0, in a column of text `true` and `false`;
//! objects and arrays are their text, for SQLite's JSON functions.
//!
//! # How values are written
//!
//! In CSV, NULL is nothing and an empty text `""`. In JSON, infinity is null. A blob is base64. All files of a job appear
//! only after every statement has succeeded.

mod cage;
mod check;
mod column;
mod csv;
mod json;
mod output;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod trouble;
mod watch;

use std::collections::BTreeMap;
use std::io::BufRead;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::either::either;
use super::files::FileRoot;
use super::{Context, Failure, Handler, Wrong};
use crate::config::Config;
use run::Run;
use trouble::Halt;

pub use column::ColumnType;

/// Largest row of an input, and largest value within SQL, in bytes. It bounds what one row costs of memory, and what one
/// function of SQL, which nothing can interrupt, costs of time.
pub const ROW_BYTES_MAX: usize = 8 << 20;

/// What a pipeline may take of the disk for temporary files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of its tables, and once more of its TEMP tables.
    pub table_bytes: u64,
    /// Bytes that one statement may write, into tables and for sorting.
    pub written_bytes: u64,
}

impl Default for Bounds {
    /// 8 GiB of tables, 16 GiB written by a statement: room for a few inputs of a gigabyte and what is made of them.
    fn default() -> Self {
        Self {
            table_bytes: 8 << 30,
            written_bytes: 16 << 30,
        }
    }
}

/// Runs pipelines.
#[derive(Debug)]
pub struct Data {
    files: FileRoot,
    result_max: usize,
    bounds: Bounds,
}

/// A pipeline: inputs become tables, steps work on them, outputs are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataPayload {
    /// By the name of the table that it becomes: what to read; at most 64.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 64, "propertyNames" = {"minLength": 1, "maxLength": 128}))]
    pub inputs: BTreeMap<String, DataInput>,
    /// Statements of SQL (SQLite's), one each, in the order in which they run; at most 256.
    #[serde(default)]
    #[schemars(length(max = 256), inner(length(min = 1)))]
    pub steps: Vec<String>,
    /// What to write; at least one, at most 64.
    #[schemars(length(min = 1, max = 64))]
    pub outputs: Vec<DataOutput>,
}

/// Rows to read: either a file or the rows themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either(("path", "string"), ("rows", "array"))))]
pub struct DataInput {
    /// A file beneath FILEROOT.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Its format; without it, by the end of its name: `.csv`, `.json`, `.ndjson` or `.jsonl`.
    pub format: Option<Format>,
    /// The types of columns that are not to be inferred, by name.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnType>,
    /// The rows: objects whose keys are columns.
    #[schemars(with = "Option<Vec<BTreeMap<String, serde_json::Value>>>")]
    pub rows: Option<Box<RawValue>>,
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma separated values (RFC 4180) in UTF-8; the first line names the columns.
    Csv,
    /// An array of objects.
    Json,
    /// One object a line.
    Ndjson,
}

/// Rows to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataOutput {
    /// The SELECT that yields them.
    #[schemars(length(min = 1))]
    pub select: String,
    /// Where they go.
    pub to: DataTarget,
}

/// Where rows go: either to a file, or into the job's result.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either(("path", "string"), ("result", "string"))))]
pub struct DataTarget {
    /// A file beneath FILEROOT; it appears when the whole pipeline has succeeded, in place of one that was there.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Its format; without it, by the end of its name, as for inputs.
    pub format: Option<Format>,
    /// A name for the rows in the job's result, which is bounded by RESULTMAX.
    #[schemars(length(min = 1, max = 128))]
    pub result: Option<String>,
}

/// What a pipeline wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DataResult {
    /// One entry for each output, in their order.
    pub outputs: Vec<DataWritten>,
}

/// What one output wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DataWritten {
    /// The file, as the job names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The name of the rows in the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// How many rows there are.
    pub rows: u64,
    /// The size of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The rows, as objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<BTreeMap<String, serde_json::Value>>>")]
    pub data: Option<Box<RawValue>>,
}

impl Data {
    /// A handler for files beneath `config.file_root`, whose results keep to `config.result_max`.
    ///
    /// # Errors
    ///
    /// As [`FileRoot::new`].
    pub fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            files: FileRoot::new(config)?,
            result_max: config.result_max,
            bounds: Bounds::default(),
        })
    }

    /// The same handler with other bounds.
    #[must_use]
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }
}

impl Handler for Data {
    const TYPE: &'static str = "data";
    type Payload = DataPayload;
    type Output = DataResult;

    fn check(&self, payload: &DataPayload) -> Result<(), Vec<Wrong>> {
        check::read(payload, Some(&self.files)).map(drop)
    }

    fn run(&self, payload: DataPayload, context: &Context) -> Result<DataResult, Failure> {
        // Whether this daemon has a FILEROOT is asked when a file is opened: another may have one.
        let pipeline = check::read(&payload, None).map_err(|wrong| {
            let wrong: Vec<_> = wrong
                .iter()
                .map(|w| format!("`{}`: {}", w.pointer, w.detail))
                .collect();
            Failure::permanent(format!("the pipeline cannot be run: {}", wrong.join("; ")))
        })?;
        Run::new(self, pipeline, context)?.run()
    }
}

/// Passes over a byte order mark; one of UTF-16 says that the file must be converted.
fn bom(input: &mut impl BufRead) -> Result<(), Halt> {
    // A file or a text in memory gives at least three bytes, if it has them.
    let begin = input.fill_buf()?;
    if begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff") {
        return Err(Halt::bad("it is UTF-16: convert it to UTF-8 first"));
    }
    if begin.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(())
}
