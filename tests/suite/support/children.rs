//! Child processes that do not outlive the tests, and folders that the next test run clears away.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crossbeam_channel::{Sender, bounded, unbounded};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Starts `program` with `arguments` such that the kernel sends it `at_death` when this test process dies, however it
/// dies. `shape` may set the environment, the working directory and so on.
///
/// The kernel ties that promise to the *thread* that started the child, and a test's thread ends with its test; so one
/// thread that never ends starts them all.
pub fn start(
    user: Option<&User>,
    at_death: &str,
    program: &Path,
    arguments: &[String],
    shape: impl FnOnce(&mut Command),
) -> io::Result<Child> {
    let mut command = Command::new(find_program("setpriv", &[], "util-linux"));
    command.arg(format!("--pdeathsig={at_death}"));
    if let Some(user) = user {
        command.arg(format!("--reuid={}", user.uid));
        command.arg(format!("--regid={}", user.gid));
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program).args(arguments);
    command.stdin(Stdio::null());
    shape(&mut command);
    let (answer, answered) = bounded(1);
    starter()
        .send((command, answer))
        .expect("the starter never ends");
    answered.recv().expect("the starter answers")
}

type Order = (Command, Sender<io::Result<Child>>);

fn starter() -> &'static Sender<Order> {
    static STARTER: OnceLock<Sender<Order>> = OnceLock::new();
    STARTER.get_or_init(|| {
        let (orders, ordered) = unbounded::<Order>();
        windlass::threads::spawn("starter", move || {
            for (mut command, answer) in ordered {
                answer.send(command.spawn()).expect("somebody waits for it");
            }
        })
        .expect("room for one more thread");
        orders
    })
}

/// A user of this machine.
#[derive(Debug, Clone)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
}

impl User {
    /// Looks a user up by name.
    pub fn named(name: &str) -> Option<Self> {
        let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Self { uid, gid })
        })
    }
}

/// Sends a signal to a child that has not been waited for, so that its number is still its own.
pub fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child that runs can be signalled");
}

/// Kills a child at once, also one that is stopped, and waits for its end.
pub fn kill(child: &mut Child) {
    // It may have ended by itself, which is as good.
    child.kill().ok();
    child.wait().expect("an ended child can be waited for");
}

/// A folder of its own, short enough for socket paths, deleted on drop; those of test processes that died are deleted
/// by the next.
pub fn folder(role: &str) -> TempDir {
    static SWEPT: OnceLock<()> = OnceLock::new();
    SWEPT.get_or_init(sweep);
    tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-{role}-", std::process::id()))
        .tempdir()
        .expect("room in the temporary folder")
}

const PREFIX: &str = "windlass-test-";

fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).expect("the temporary folder can be read") {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // Another test process may be sweeping too.
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Where `program` lies, or a panic that names the command which installs it.
#[track_caller]
pub fn find_program(program: &str, folders: &[PathBuf], package: &str) -> PathBuf {
    let usual = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"];
    folders
        .iter()
        .cloned()
        .chain(usual.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| {
            panic!(
                "`{program}` is not installed, and the suite needs it: apt-get install {package}"
            )
        })
}

/// The last lines of a log, for the message of a failure.
pub fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = fs::File::open(log) {
        file.read_to_end(&mut bytes).ok();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// Opens a log file to which a child's output is appended.
pub fn log_to(path: &Path) -> fs::File {
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("a log file can be made")
}
