//! A program and everything it starts, as one group of processes that ends together.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::threads;

/// A running group. Dropping it kills it.
pub(super) struct Group {
    /// The leader; gone once it has been waited for. Until then its number, which is the group's, is nobody else's.
    child: Option<Child>,
    leader: Pid,
}

/// Our ends of what the leader reads and writes, none of which ever blocks, and how it tells its end.
pub(super) struct Pipes {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
    /// Can be read once the leader has ended.
    pub exit: OwnedFd,
}

impl Group {
    /// Starts a program as the leader of a new group.
    ///
    /// # Errors
    ///
    /// The system's; nothing is left running.
    pub(super) fn start(mut command: Command) -> io::Result<(Self, Pipes)> {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let leader = Pid::from_child(&child);
        let group = Self {
            child: Some(child),
            leader,
        };
        let exit = pidfd_open(leader, PidfdFlags::empty())?;
        if let (Some(stdin), Some(stdout), Some(stderr)) = (&stdin, &stdout, &stderr) {
            ioctl_fionbio(stdin, true)?;
            ioctl_fionbio(stdout, true)?;
            ioctl_fionbio(stderr, true)?;
        }
        let pipes = Pipes {
            stdin,
            stdout,
            stderr,
            exit,
        };
        Ok((group, pipes))
    }

    /// Sends a signal to all of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if self.child.is_some() {
            // The only error that can be is that all have ended, which is as good.
            kill_process_group(self.leader, signal).ok();
        }
    }

    /// Kills what the leader, which has ended, left behind, and answers how it ended.
    ///
    /// # Errors
    ///
    /// The system's, which has none for a child of ours.
    pub(super) fn reap(mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        match self.child.take() {
            Some(mut child) => child.wait(),
            None => Err(io::Error::other("the program has been waited for before")),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let Some(mut child) = self.child.take() else {
            return;
        };
        // One that the kernel holds (a dead network disk) ends some day; somebody has to wait for it, but no worker.
        if matches!(child.try_wait(), Ok(None)) {
            let waiter = threads::spawn("reaper", move || child.wait().map(drop));
            if let Err(err) = waiter {
                log::warn!(
                    "a killed program stays a zombie, since no thread can be started: {err}"
                );
            }
        }
    }
}
