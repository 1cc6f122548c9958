//! A private PostgreSQL.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};
use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::support::children::{self, User};
use crate::support::wait::{PATIENCE, wait_until};

/// A PostgreSQL server of its own, killed on drop. Its log is shown if the test fails.
pub struct Postgres {
    child: Child,
    home: TempDir,
    settings: Vec<String>,
}

impl Postgres {
    /// A server with nothing in it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with nothing in it and these settings (`name=value`) beside the usual ones.
    pub fn start_with(settings: &[&str]) -> Self {
        let home = children::folder("pg");
        let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
        let owner = server_user();
        if let Some(user) = &owner {
            chown(home.path(), Some(user.uid), Some(user.gid)).expect("root may chown");
        }
        // Making a cluster takes a second or two, copying one that was never started a moment.
        let data = home.path().join("data");
        run_as(
            owner.as_ref(),
            Path::new("cp"),
            &["-a", path(template()), path(&data)],
        );
        let child = Self::spawn(home.path(), &settings);
        let mut postgres = Self {
            child,
            home,
            settings,
        };
        postgres.await_ready();
        postgres
    }

    /// The one server that tests of this process share; each has a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// What DATABASEURL should say for the database that every server has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Makes an empty database and tells what DATABASEURL should say for it.
    pub fn fresh_database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("fresh_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.client(&self.url())
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("a database can be made");
        self.url_of(&name)
    }

    /// A client of the test's own, past Windlass.
    pub fn client(&self, url: &str) -> Client {
        Client::connect(url, NoTls).expect("the server answers")
    }

    /// Kills it on the spot.
    pub fn kill(&mut self) {
        children::kill(&mut self.child);
    }

    /// Starts it again on what it had written to disk, after [`Postgres::kill`].
    pub fn restart(&mut self) {
        self.child = Self::spawn(self.home.path(), &self.settings);
        self.await_ready();
    }

    /// Makes it silent: the server accepts nothing, and connections that stand are stopped with it.
    pub fn stop(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it speak again.
    pub fn cont(&self) {
        self.signal_all(Signal::CONT);
    }

    fn url_of(&self, database: &str) -> String {
        let home = self.home.path().display();
        // The port is part of the socket's name, so it matters here too.
        let port = self.settings.iter().find(|s| s.starts_with("port="));
        let port = port.map_or_else(String::new, |port| format!("&{port}"));
        format!("postgres:///{database}?user=postgres&host={home}{port}")
    }

    /// The server and those of its processes that serve one client each.
    fn signal_all(&self, signal: Signal) {
        children::signal(&self.child, signal);
        let tasks = format!("/proc/{0}/task/{0}/children", self.child.id());
        let backends = fs::read_to_string(tasks).expect("a running process has a list of children");
        for pid in backends.split_whitespace() {
            let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
            // One that has just ended needs no signal.
            rustix::process::kill_process(pid.expect("a process number"), signal).ok();
        }
    }

    fn spawn(home: &Path, settings: &[String]) -> Child {
        let mut arguments = vec!["-D".to_owned(), home.join("data").display().to_string()];
        let socket = format!("unix_socket_directories={}", home.display());
        for setting in [
            &socket,
            "listen_addresses=",
            // A killed process loses nothing that it wrote; only a crash of the host would.
            "fsync=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "autovacuum=off",
        ]
        .into_iter()
        .chain(settings.iter().map(String::as_str))
        {
            arguments.extend(["-c".to_owned(), setting.to_owned()]);
        }
        let log = children::log_to(&home.join("log"));
        let program = postgres_program("postgres");
        // QUIT is "immediate shutdown", which also gives the shared memory back.
        children::start(
            server_user().as_ref(),
            "QUIT",
            &program,
            &arguments,
            |command| {
                let errors = log.try_clone().expect("room for a descriptor");
                command.stdout(log).stderr(errors).current_dir("/");
            },
        )
        .expect("`setpriv` starts postgres (apt-get install util-linux)")
    }

    fn await_ready(&mut self) {
        let url = self.url();
        wait_until("postgres answers", PATIENCE, || {
            // After a kill, processes of the former server may hold its memory for a moment: then it ends, once.
            if self
                .child
                .try_wait()
                .expect("a child can be asked")
                .is_some()
            {
                self.child = Self::spawn(self.home.path(), &self.settings);
            }
            match Client::connect(&url, NoTls) {
                Ok(_) => Ok(()),
                Err(err) => Err(format!("{err}\n{}", self.log())),
            }
        });
    }

    fn log(&self) -> String {
        children::tail(&self.home.path().join("log"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self
            .child
            .try_wait()
            .expect("a child can be asked")
            .is_none()
        {
            // One that is stopped could not heed the gentler signal.
            self.cont();
            children::signal(&self.child, Signal::QUIT);
            self.child.wait().expect("a child can be waited for");
        }
        if std::thread::panicking() {
            eprintln!("--- postgres:\n{}", self.log());
        }
    }
}

/// PostgreSQL refuses to run as root.
fn server_user() -> Option<User> {
    geteuid().is_root().then(|| {
        User::named("postgres")
            .or_else(|| User::named("nobody"))
            .expect("a machine has a user `nobody`")
    })
}

fn postgres_program(name: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|v| v.path().join("bin")).collect())
        .unwrap_or_default();
    // The newest first.
    folders.sort();
    folders.reverse();
    children::find_program(name, &folders, "postgresql")
}

/// A cluster that was made once for this test process and is never started.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, data) = TEMPLATE.get_or_init(|| {
        let home = children::folder("template");
        let owner = server_user();
        if let Some(user) = &owner {
            chown(home.path(), Some(user.uid), Some(user.gid)).expect("root may chown");
        }
        let data = home.path().join("data");
        let initdb = postgres_program("initdb");
        let arguments = [
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
            path(&data),
        ];
        run_as(owner.as_ref(), &initdb, &arguments);
        (home, data)
    });
    data
}

fn run_as(user: Option<&User>, program: &Path, arguments: &[&str]) {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.arg(format!("--reuid={}", user.uid));
        command.arg(format!("--regid={}", user.gid));
        command.arg("--clear-groups");
    }
    command
        .arg("--")
        .arg(program)
        .args(arguments)
        .current_dir("/");
    let output = command
        .output()
        .expect("`setpriv` runs (apt-get install util-linux)");
    assert!(
        output.status.success(),
        "{} failed: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
