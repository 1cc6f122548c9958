//! Rows on their way into a table. An input is read twice: a [`Survey`] sees which columns there are and what they hold,
//! then a [`Load`] puts the rows into the table.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Statement;

use super::Failure;
use super::cage::Cage;
use super::column::{Cell, ColumnType, Seen, bind, quoted, unique};
use super::trouble::Halt;
use super::watch::Watch;

/// Most columns of a table; as many as SQLite takes.
pub(super) const COLUMNS_MAX: usize = 2000;

/// Where a reader brings what it reads.
pub(super) trait Sink {
    /// The index of a column, which is new if its key was not seen before. Called before the row's first cell, or between
    /// cells.
    fn column(&mut self, key: &str) -> Result<usize, Halt>;

    /// One value of the present row. A column for which none is brought holds NULL.
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Halt>;

    /// The present row is whole.
    fn end_row(&mut self) -> Result<(), Halt>;
}

/// The first reading.
pub(super) struct Survey<'a> {
    keys: Vec<String>,
    index: HashMap<String, usize>,
    seen: Vec<Seen>,
    stated: &'a BTreeMap<String, ColumnType>,
    watch: &'a Watch,
}

/// The columns of an input.
#[derive(Debug)]
pub(super) struct Columns {
    index: HashMap<String, usize>,
    names: Vec<String>,
    types: Vec<(ColumnType, bool)>,
}

impl<'a> Survey<'a> {
    /// Begins with nothing but the columns whose type is stated.
    pub(super) fn new(stated: &'a BTreeMap<String, ColumnType>, watch: &'a Watch) -> Self {
        Self {
            keys: Vec::new(),
            index: HashMap::new(),
            seen: Vec::new(),
            stated,
            watch,
        }
    }

    /// What was seen. Stated columns that no row has are columns too if rows may leave columns out (`open`).
    pub(super) fn columns(mut self, open: bool) -> Result<Columns, Halt> {
        for name in self.stated.keys() {
            if self.index.contains_key(name) {
                continue;
            }
            if !open {
                return Err(Halt::bad(format!(
                    "there is no column `{name}`, of which `columns` states the type; there are: {}",
                    self.keys.join(", ")
                )));
            }
            self.column(name)?;
        }
        if self.keys.is_empty() {
            return Err(Halt::bad(
                "no row names a column, so there is no table to make: state the columns in `columns`",
            ));
        }
        let types = self.keys.iter().zip(&self.seen);
        let types = types.map(|(key, seen)| match self.stated.get(key) {
            Some(stated) => (*stated, true),
            None => (seen.narrowest(), false),
        });
        Ok(Columns {
            types: types.collect(),
            names: unique(&self.keys),
            index: self.index,
        })
    }
}

impl Sink for Survey<'_> {
    fn column(&mut self, key: &str) -> Result<usize, Halt> {
        if let Some(index) = self.index.get(key) {
            return Ok(*index);
        }
        let index = self.keys.len();
        if index == COLUMNS_MAX {
            return Err(Halt::bad(format!(
                "there are more than {COLUMNS_MAX} columns"
            )));
        }
        self.keys.push(key.to_owned());
        self.seen.push(Seen::default());
        self.index.insert(key.to_owned(), index);
        Ok(index)
    }

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Halt> {
        self.seen[column].add(cell);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Halt> {
        self.watch.row()
    }
}

impl Columns {
    /// The statement that makes the table.
    pub(super) fn create(&self, table: &str) -> String {
        let columns = self.names.iter().zip(&self.types);
        let columns: Vec<_> = columns
            .map(|(name, (kind, _))| format!("{} {}", quoted(name), kind.sql()))
            .collect();
        format!("CREATE TABLE {} ({})", quoted(table), columns.join(", "))
    }

    /// The statement that puts a row into the table.
    fn insert(&self, table: &str) -> String {
        let places = vec!["?"; self.names.len()];
        format!(
            "INSERT INTO {} VALUES ({})",
            quoted(table),
            places.join(", ")
        )
    }
}

/// The second reading.
pub(super) struct Load<'a> {
    columns: &'a Columns,
    insert: Statement<'a>,
    cage: &'a Cage,
    watch: &'a Watch,
    input: &'a str,
}

impl<'a> Load<'a> {
    /// Loads rows of `columns` into `table` of `cage`; `input` says in errors where they come from.
    pub(super) fn new(
        columns: &'a Columns,
        table: &str,
        (cage, watch): (&'a Cage, &'a Watch),
        input: &'a str,
    ) -> Result<Self, Failure> {
        Ok(Self {
            columns,
            insert: cage.insert(&columns.insert(table))?,
            cage,
            watch,
            input,
        })
    }

    fn failed(&self, err: &rusqlite::Error) -> Halt {
        Halt::Failed(self.cage.failure(self.input, err))
    }
}

impl Sink for Load<'_> {
    fn column(&mut self, key: &str) -> Result<usize, Halt> {
        self.columns.index.get(key).copied().ok_or(Halt::Changed)
    }

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Halt> {
        let (kind, stated) = *self.columns.types.get(column).ok_or(Halt::Changed)?;
        match bind(kind, stated, cell) {
            Some(value) => {
                let bound = self.insert.raw_bind_parameter(column + 1, value);
                bound.map_err(|err| self.failed(&err))
            }
            None if stated => Err(Halt::bad(misfit(&self.columns.names[column], kind, cell))),
            None => Err(Halt::Changed),
        }
    }

    fn end_row(&mut self) -> Result<(), Halt> {
        let inserted = self.insert.raw_execute();
        inserted.map_err(|err| self.failed(&err))?;
        self.insert.clear_bindings();
        self.watch.row()
    }
}

fn misfit(column: &str, kind: ColumnType, cell: Cell<'_>) -> String {
    let text = match cell {
        Cell::Plain(text) | Cell::Text(text) => text,
        Cell::Null | Cell::Bool(_) => "",
    };
    let shown: String = text.chars().take(40).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    let kind = match kind {
        ColumnType::Integer => "an integer of 64 bits",
        ColumnType::Real => "a number",
        ColumnType::Text => "text",
    };
    format!("`{shown}{dots}` in the column `{column}` is not {kind}, as `columns` states")
}
