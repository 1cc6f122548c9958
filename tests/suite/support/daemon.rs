//! The program under test as a child process: `windlass serve` with settings of the test's own.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::children;
use super::http::{self, Response};
use super::openapi;
use super::run::{Ran, run_program};
use super::wait::{PATIENCE, wait_until};

/// A running `windlass serve`, killed on drop. Its log is shown if the test fails.
pub struct Daemon {
    child: Child,
    program: PathBuf,
    arguments: Vec<String>,
    home: TempDir,
    addr: SocketAddr,
    settings: BTreeMap<String, String>,
    notify: UnixDatagram,
    heard: String,
}

impl Daemon {
    /// Starts the daemon with these settings (environment variables) on top of an APIADDR, NODE, RUNTIMEDIR and DATADIR
    /// of its own, and waits until it says READY.
    #[track_caller]
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut daemon = Self::spawn(settings);
        daemon.await_notice("READY=1");
        daemon
    }

    /// The same on one SQLite file: no servers.
    #[track_caller]
    pub fn embedded(settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("BACKEND", "embedded")];
        all.extend_from_slice(settings);
        Self::start(&all)
    }

    /// Starts it and does not wait; for daemons that are not expected to come up.
    pub fn spawn(settings: &[(&str, &str)]) -> Self {
        Self::spawn_program(program(), &["serve"], settings)
    }

    /// The same for another program that is a daemon.
    pub fn spawn_program(program: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let home = children::folder("daemon");
        let addr = free_addr();
        let at = |name: &str| home.path().join(name).display().to_string();
        let mut all = BTreeMap::from([
            ("APIADDR".to_owned(), addr.to_string()),
            ("NODE".to_owned(), format!("node-{}", addr.port())),
            ("RUNTIMEDIR".to_owned(), at("run")),
            ("DATADIR".to_owned(), at("data")),
            ("LOGLEVEL".to_owned(), "debug".to_owned()),
        ]);
        all.extend(settings.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())));
        // A setting without a value is one that shall be written nowhere.
        all.retain(|_, value| !value.is_empty());
        let addr = all["APIADDR"].parse().unwrap_or(addr);
        for folder in ["run", "data", "work"] {
            std::fs::create_dir(home.path().join(folder)).expect("a fresh folder takes another");
        }
        let notify = UnixDatagram::bind(home.path().join("notify")).expect("a fresh path");
        let child = launch(home.path(), program, &arguments, &all);
        Self {
            child,
            program: program.to_owned(),
            arguments,
            home,
            addr,
            settings: all,
            notify,
            heard: String::new(),
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its API listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its own folder: `run`, `data`, `work` (its working directory) and `log` lie in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Everything it has written to stdout and stderr.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// A GET; the connection must succeed.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target, &[], None)
    }

    /// A POST of JSON; the connection must succeed.
    #[track_caller]
    pub fn post(&self, target: &str, body: &Value) -> Response {
        let body = body.to_string();
        let headers = [("Content-Type", "application/json")];
        self.request("POST", target, &headers, Some(body.as_bytes()))
    }

    /// Any request; the connection must succeed.
    #[track_caller]
    pub fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        self.try_request(method, target, headers, body)
            .unwrap_or_else(|err| panic!("{method} {target}: {err}"))
    }

    /// Any request.
    pub fn try_request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Response> {
        http::request(self.addr, method, target, headers, body)
    }

    /// Submits one job and answers its id.
    #[track_caller]
    pub fn submit(&self, job: &Value) -> String {
        let answer = self.post("/submit", job).expect(202).json();
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// Asks for a job until it stands in `state`, and answers it.
    #[track_caller]
    pub fn await_state(&self, id: &str, state: &str) -> Value {
        wait_until(&format!("job {id} is {state}"), PATIENCE, || {
            let answer = self.get(&format!("/jobs/{id}"));
            if answer.status != 200 {
                return Err(format!("{} {}", answer.status, answer.text()));
            }
            let job = answer.json();
            if job["state"] == state {
                Ok(job)
            } else {
                Err(job.to_string())
            }
        })
    }

    /// Waits until it has told systemd `notice` (such as `READY=1` or `STOPPING=1`).
    #[track_caller]
    pub fn await_notice(&mut self, notice: &str) {
        let until = Instant::now() + PATIENCE;
        let mut datagram = [0; 4096];
        while !self.heard.lines().any(|line| line == notice) {
            let ended = self.child.try_wait().expect("a child can be asked");
            let late = Instant::now() >= until;
            assert!(
                ended.is_none() && !late,
                "{notice} never came (ended: {ended:?}); notices so far: {:?}",
                self.heard
            );
            self.notify
                .set_read_timeout(Some(Duration::from_millis(50)))
                .expect("a timeout above zero");
            if let Ok(length) = self.notify.recv(&mut datagram) {
                self.heard
                    .push_str(&String::from_utf8_lossy(&datagram[..length]));
                self.heard.push('\n');
            }
        }
        if notice == "READY=1" {
            openapi::learn(self.addr);
        }
    }

    /// Asks it to stop.
    pub fn term(&self) {
        children::signal(&self.child, Signal::TERM);
    }

    /// Kills it on the spot.
    pub fn kill9(&mut self) {
        children::kill(&mut self.child);
    }

    /// Tells it to take no more jobs.
    pub fn tstp(&self) {
        children::signal(&self.child, Signal::TSTP);
    }

    /// Tells it to read its configuration again.
    pub fn send_hup(&self) {
        children::signal(&self.child, Signal::HUP);
    }

    /// The same, and waits until it has. Answers what it told systemd meanwhile.
    #[track_caller]
    pub fn hup(&mut self) -> String {
        self.forget_notices();
        self.send_hup();
        self.await_notice("READY=1");
        self.heard.clone()
    }

    /// Freezes it, as a host that is out of breath does.
    pub fn stop(&self) {
        children::signal(&self.child, Signal::STOP);
    }

    /// Lets it go on, and take jobs again.
    pub fn cont(&self) {
        children::signal(&self.child, Signal::CONT);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn await_exit(&mut self, deadline: Duration) -> ExitStatus {
        wait_until("the daemon has ended", deadline, || {
            let state = self.child.try_wait().expect("a child can be asked");
            state.ok_or("it runs")
        })
    }

    /// Whether it runs still.
    pub fn is_running(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be asked")
            .is_none()
    }

    /// Starts it again with the same settings and folders, after it has ended, and waits until it says READY.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(
            !self.is_running(),
            "it has to end before it is started again"
        );
        self.forget_notices();
        self.child = launch(
            self.home.path(),
            &self.program,
            &self.arguments,
            &self.settings,
        );
        self.await_notice("READY=1");
    }

    /// Forgets what it has told systemd so far, so that what is awaited next is new.
    pub fn forget_notices(&mut self) {
        self.heard.clear();
        self.notify
            .set_nonblocking(true)
            .expect("a socket can be set");
        while self.notify.recv(&mut [0; 64]).is_ok() {}
        self.notify
            .set_nonblocking(false)
            .expect("a socket can be set");
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        children::kill(&mut self.child);
        if std::thread::panicking() {
            let log = children::tail(&self.log_path());
            eprintln!("--- windlass at {}:\n{log}", self.addr);
        }
    }
}

/// Runs `windlass` with `arguments` and nothing but `settings` in its environment, in a working directory of its own,
/// to its end.
#[track_caller]
pub fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    run_program(program(), arguments, settings, "")
}

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_windlass"))
}

/// An address of this host that nobody listens on.
pub fn free_addr() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
}

fn launch(
    home: &Path,
    program: &Path,
    arguments: &[String],
    settings: &BTreeMap<String, String>,
) -> Child {
    let log = children::log_to(&home.join("log"));
    children::start(None, "KILL", program, arguments, |command| {
        let errors = log.try_clone().expect("room for a descriptor");
        command
            .env_clear()
            .envs(settings)
            .env("NOTIFY_SOCKET", home.join("notify"));
        command.current_dir(home.join("work"));
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
    })
    .expect("`setpriv` starts windlass (apt-get install util-linux)")
}
