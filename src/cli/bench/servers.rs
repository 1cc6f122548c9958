//! The benchmark's own servers, and what processes cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::threads::pause;

/// A private redis-server; it ends with this value.
pub(super) struct Redis {
    child: Child,
    socket: PathBuf,
}

impl Redis {
    /// Starts one in `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        let socket = folder.join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .arg("--unixsocket")
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|err| {
                format!("cannot start redis-server ({err}); install it, or use --engine embedded")
            })?;
        let redis = Self { child, socket };
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::os::unix::net::UnixStream::connect(&redis.socket).is_err() {
            if Instant::now() > deadline {
                return Err("the private redis-server did not come up within 10 s".to_owned());
            }
            pause(Duration::from_millis(5));
        }
        Ok(redis)
    }

    /// Its address, as REDISADDR has it.
    pub(super) fn addr(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The processor time that it used so far.
    pub(super) fn cpu(&self) -> Duration {
        cpu_of(self.child.id())
    }

    /// Requests a second that redis-benchmark reaches with one command, in pipelines of 100; `None` where it is not
    /// installed.
    pub(super) fn floor(&self, command: &str) -> Option<f64> {
        let output = Command::new("redis-benchmark")
            .arg("-s")
            .arg(&self.socket)
            .args([
                "-n", "1000000", "-P", "100", "-d", "150", "--csv", "-t", command,
            ])
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let line = text
            .lines()
            .find(|line| line.to_lowercase().starts_with(&format!("\"{command}")))?;
        line.split(',').nth(1)?.trim_matches('"').parse().ok()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It holds nothing that anybody needs; if it is gone already, all the better.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The processor time (user and system) that a process used so far, from `/proc/<pid>/stat` (see proc(5): fields 14 and
/// 15, in ticks of 10 ms); zero where it cannot be read.
pub(super) fn cpu_of(pid: u32) -> Duration {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Duration::ZERO;
    };
    // The second field is the name in parentheses, which may hold spaces.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
