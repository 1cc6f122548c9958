//! A private Redis.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::OnceLock;

use redis::{Client, Connection, cmd};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::children;
use crate::support::wait::{PATIENCE, wait_until};

/// A Redis server of its own, killed on drop. Its log is shown if the test fails.
pub struct Redis {
    child: Child,
    home: TempDir,
    options: Vec<String>,
}

impl Redis {
    /// A server that forgets everything when it ends.
    pub fn start() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// A server that has written to disk whatever it acknowledged.
    pub fn start_durable() -> Self {
        Self::start_with(&[
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
    }

    /// A server with these options on its command line.
    pub fn start_with(options: &[&str]) -> Self {
        let home = children::folder("redis");
        let options: Vec<String> = options.iter().map(|&o| o.to_owned()).collect();
        let child = Self::spawn(home.path(), &options);
        let mut redis = Self {
            child,
            home,
            options,
        };
        redis.await_ready();
        redis
    }

    /// The one server that tests of this process share; each keeps to a namespace of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// What REDISADDR should say.
    pub fn addr(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.home.path().join("redis.sock")
    }

    /// A client of the test's own, past Windlass.
    pub fn client(&self) -> Connection {
        let client = Client::open(self.addr()).expect("a good address");
        client.get_connection().expect("the server answers")
    }

    /// Kills it on the spot.
    pub fn kill(&mut self) {
        children::kill(&mut self.child);
    }

    /// Starts it again on what it had written to disk, after [`Redis::kill`].
    pub fn restart(&mut self) {
        self.child = Self::spawn(self.home.path(), &self.options);
        self.await_ready();
    }

    /// Makes it silent: connections hang, nothing is lost.
    pub fn stop(&self) {
        children::signal(&self.child, Signal::STOP);
    }

    /// Lets it speak again.
    pub fn cont(&self) {
        children::signal(&self.child, Signal::CONT);
    }

    fn spawn(home: &Path, options: &[String]) -> Child {
        let program = children::find_program("redis-server", &[], "redis-server");
        let socket = home.join("redis.sock");
        let mut arguments: Vec<String> = ["--port", "0", "--unixsocket"].map(String::from).into();
        arguments.push(socket.display().to_string());
        arguments.push("--dir".to_owned());
        arguments.push(home.display().to_string());
        arguments.extend_from_slice(options);
        let log = children::log_to(&home.join("log"));
        children::start(None, "KILL", &program, &arguments, |command| {
            let errors = log.try_clone().expect("room for a descriptor");
            command.stdout(log).stderr(errors);
        })
        .expect("`setpriv` starts redis-server (apt-get install util-linux)")
    }

    fn await_ready(&mut self) {
        let client = Client::open(self.addr()).expect("a good address");
        wait_until("redis-server answers", PATIENCE, || {
            let state = self.child.try_wait().expect("a child can be asked");
            assert!(state.is_none(), "redis-server ended:\n{}", self.log());
            let mut connection = client.get_connection().map_err(|e| e.to_string())?;
            cmd("PING")
                .query::<String>(&mut connection)
                .map_err(|e| e.to_string())
        });
    }

    fn log(&self) -> String {
        children::tail(&self.home.path().join("log"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        children::kill(&mut self.child);
        if std::thread::panicking() {
            eprintln!("--- redis-server:\n{}", self.log());
        }
    }
}
