//! The private database of one pipeline, and what SQL may do in it.
//!
//! It is a temporary file that SQLite makes, unlinks at once and fills page by page, so nothing of it is left behind
//! whatever happens to the process. Once the inputs are loaded, an authorizer allows a list of what a statement may do and
//! denies the rest; SQLite's own bounds and a look at the clock every thousand instructions end what asks for too much.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};

use super::table::COLUMNS_MAX;
use super::watch::{MEMORY_BYTES_MAX, Meter, Watch};
use super::{Bounds, Context, Failure, ROW_BYTES_MAX};

/// The private database.
pub(super) struct Cage {
    connection: Connection,
    meter: Arc<Meter>,
    /// What the authorizer denied last, in words.
    refused: Arc<Mutex<Option<String>>>,
    /// Modules of virtual tables that SQLite has; some of them show what lies beneath the tables.
    modules: HashSet<String>,
    bounds: Bounds,
    watch: Rc<Watch>,
}

/// Memory for pages, in KiB. What does not fit goes to the temporary file.
const CACHE_KIB: u32 = 16_000;
const PAGE_BYTES: u64 = 4096;

/// Virtual tables that show nothing but their arguments.
const MODULES_ALLOWED: [&str; 4] = ["json_each", "json_tree", "jsonb_each", "jsonb_tree"];

/// Functions that reach beyond their arguments.
const FUNCTIONS_DENIED: [&str; 2] = ["load_extension", "fts3_tokenizer"];

/// How the names begin of the functions that gather a whole group of rows without looking at SQLite's bound of a value.
const FUNCTIONS_WATCHED: [&str; 2] = ["json_group_", "jsonb_group_"];

/// Instructions of SQLite between two looks at the clock.
const INSTRUCTIONS: i32 = 1000;

impl Cage {
    /// An empty database.
    pub(super) fn open(
        context: &Context,
        watch: Rc<Watch>,
        bounds: Bounds,
    ) -> Result<Self, Failure> {
        let meter = Arc::new(Meter::default());
        let guard = meter.guard(context.clone(), bounds.written_bytes);
        let opened = open(&bounds).and_then(|mut connection| {
            let modules = modules(&connection)?;
            connection.progress_handler(INSTRUCTIONS, Some(guard))?;
            Ok((connection, modules))
        });
        let (connection, modules) = opened
            .map_err(|err| Failure::retry(format!("a temporary database cannot be made: {err}")))?;
        Ok(Self {
            connection,
            meter,
            refused: Arc::default(),
            modules,
            bounds,
            watch,
        })
    }

    /// Runs a statement of our own, before [`Cage::shut`].
    pub(super) fn own(&self, sql: &str) -> Result<(), Failure> {
        self.meter.reset();
        self.connection
            .execute_batch(sql)
            .map_err(|err| self.failure("loading", &err))
    }

    /// Prepares a statement; `what` says which one it is.
    pub(super) fn prepare(&self, what: &str, sql: &str) -> Result<Statement<'_>, Failure> {
        self.meter.reset();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let statement = self.connection.prepare(sql);
        let statement = statement.map_err(|err| self.failure(what, &err))?;
        if statement.parameter_count() > 0 {
            return Err(Failure::permanent(format!(
                "{what}: it has a parameter, and there is nothing to bind to it: write the value into the SQL"
            )));
        }
        Ok(statement)
    }

    /// Prepares our own statement that takes values.
    pub(super) fn insert(&self, sql: &str) -> Result<Statement<'_>, Failure> {
        self.meter.reset();
        self.connection
            .prepare(sql)
            .map_err(|err| self.failure("loading", &err))
    }

    /// From here on, only what a pipeline may do is done.
    pub(super) fn shut(&mut self) -> Result<(), Failure> {
        let refused = Arc::clone(&self.refused);
        let modules = std::mem::take(&mut self.modules);
        let meter = Arc::clone(&self.meter);
        let authorizer = move |asked: AuthContext<'_>| {
            if let Some(what) = denied(&asked.action, &modules) {
                *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
                return Authorization::Deny;
            }
            if let AuthAction::Function { function_name } = asked.action {
                let name = function_name.to_ascii_lowercase();
                if FUNCTIONS_WATCHED
                    .iter()
                    .any(|begin| name.starts_with(begin))
                {
                    meter.holds();
                }
            }
            Authorization::Allow
        };
        self.connection
            .authorizer(Some(authorizer))
            .map_err(|err| Failure::retry(format!("the database cannot be shut in: {err}")))
    }

    /// Runs a step to its end.
    pub(super) fn run(&self, what: &str, sql: &str) -> Result<(), Failure> {
        let mut statement = self.prepare(what, sql)?;
        let mut rows = statement.raw_query();
        loop {
            match rows.next() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(err) => return Err(self.failure(what, &err)),
            }
        }
    }

    /// What an error of SQLite means for the job.
    pub(super) fn failure(&self, what: &str, err: &rusqlite::Error) -> Failure {
        let refused = self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(refused) = refused {
            return Failure::permanent(format!("{what}: {refused} in a pipeline"));
        }
        let permanent = |text: &str| Failure::permanent(format!("{what}: {text}"));
        let message = message(err);
        match err.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if self.meter.is_over() => permanent(&format!(
                "it wrote more than {} to temporary files, and was stopped",
                mib(self.bounds.written_bytes)
            )),
            // Another job may have taken that memory at the same time, so this one is not lost for it.
            Some(ErrorCode::OperationInterrupted) if self.meter.is_swollen() => {
                Failure::retry(format!(
                    "{what}: it was stopped when the daemon had grown by {}: json_group_array and its like hold all \
                     rows of a group in memory, so give them smaller groups",
                    mib(MEMORY_BYTES_MAX)
                ))
            }
            Some(ErrorCode::OperationInterrupted) => self
                .watch
                .over()
                .unwrap_or_else(|| Failure::retry(format!("{what}: it was interrupted"))),
            Some(ErrorCode::DiskFull) if little_room() => Failure::retry(format!(
                "{what}: the disk of the temporary files is full: make room there"
            )),
            Some(ErrorCode::DiskFull) => permanent(&format!(
                "the tables need more than {}, which is the most that a pipeline has",
                mib(self.bounds.table_bytes)
            )),
            Some(ErrorCode::TooBig) => permanent(&format!(
                "{message}: a value or row may have {}",
                mib(ROW_BYTES_MAX as u64)
            )),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory) => {
                Failure::retry(format!("{what}: {message}"))
            }
            _ => permanent(&message),
        }
    }
}

fn open(bounds: &Bounds) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Without a name, SQLite makes a file that nobody else can open.
    let connection = Connection::open_with_flags("", flags)?;
    let pages = bounds.table_bytes / PAGE_BYTES;
    // A statement that fails ends the pipeline, and the database with it: there is nothing to roll back to, nor to sync.
    connection.execute_batch(&format!(
        "PRAGMA page_size={PAGE_BYTES}; PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA temp_store=file;
         PRAGMA mmap_size=0; PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp.cache_size=-{CACHE_KIB};
         PRAGMA max_page_count={pages}; PRAGMA temp.max_page_count={pages};"
    ))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A column that is not there is an error, not a text of that name.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX),
        (Limit::SQLITE_LIMIT_COLUMN, COLUMNS_MAX),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 100),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
    ];
    for (limit, value) in limits {
        connection.set_limit(limit, i32::try_from(value).unwrap_or(i32::MAX))?;
    }
    Ok(connection)
}

fn modules(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare("SELECT lower(name) FROM pragma_module_list")?;
    let names = statement.query_map([], |row| row.get(0))?;
    names
        .filter(|name| !matches!(name, Ok(name) if MODULES_ALLOWED.contains(&String::as_str(name))))
        .collect()
}

/// What is not allowed, in words; `None` for what is.
fn denied(action: &AuthAction<'_>, modules: &HashSet<String>) -> Option<String> {
    use AuthAction as Act;
    match action {
        Act::Select
        | Act::Recursive
        | Act::Insert { .. }
        | Act::Update { .. }
        | Act::Delete { .. } => None,
        Act::CreateTable { .. }
        | Act::CreateTempTable { .. }
        | Act::DropTable { .. }
        | Act::DropTempTable { .. } => None,
        Act::CreateIndex { .. }
        | Act::CreateTempIndex { .. }
        | Act::DropIndex { .. }
        | Act::DropTempIndex { .. } => None,
        Act::CreateView { .. }
        | Act::CreateTempView { .. }
        | Act::DropView { .. }
        | Act::DropTempView { .. } => None,
        Act::CreateTrigger { .. }
        | Act::CreateTempTrigger { .. }
        | Act::DropTrigger { .. }
        | Act::DropTempTrigger { .. } => None,
        Act::AlterTable { .. } | Act::Analyze { .. } | Act::Reindex { .. } => None,
        Act::Read { table_name, .. } => {
            let module = modules.contains(&table_name.to_ascii_lowercase());
            module.then(|| format!("the virtual table `{table_name}` is not allowed"))
        }
        Act::Function { function_name } => FUNCTIONS_DENIED
            .iter()
            .any(|denied| function_name.eq_ignore_ascii_case(denied))
            .then(|| format!("the function `{function_name}` is not allowed")),
        Act::Attach { .. } => Some("ATTACH (which VACUUM does, too) is not allowed".to_owned()),
        Act::Detach { .. } => Some("DETACH is not allowed".to_owned()),
        Act::Pragma { pragma_name, .. } => Some(format!("PRAGMA {pragma_name} is not allowed")),
        Act::Transaction { .. } | Act::Savepoint { .. } => {
            Some("BEGIN, COMMIT, ROLLBACK or SAVEPOINT is neither needed nor allowed".to_owned())
        }
        Act::CreateVtable { module_name, .. } | Act::DropVtable { module_name, .. } => Some(
            format!("a virtual table (of the module `{module_name}`) is not allowed"),
        ),
        _ => Some("what it does is not allowed".to_owned()),
    }
}

/// What SQLite says, without the statement that it says it of.
fn message(err: &rusqlite::Error) -> String {
    use rusqlite::Error as Sql;
    match err {
        Sql::SqlInputError { msg, offset, .. } if *offset >= 0 => {
            format!("{msg}, at byte {offset}")
        }
        Sql::SqlInputError { msg, .. } | Sql::SqliteFailure(_, Some(msg)) => msg.clone(),
        Sql::MultipleStatement => "one statement is expected, and another follows it".to_owned(),
        err => err.to_string(),
    }
}

/// Whether the disk is full for a reason that lies outside of this pipeline.
fn little_room() -> bool {
    // SQLite takes the first of TMPDIR, /var/tmp and /tmp.
    let folders = [std::env::temp_dir(), Path::new("/var/tmp").to_owned()];
    folders.iter().any(|folder| {
        rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < (64 << 20))
    })
}

fn mib(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}
