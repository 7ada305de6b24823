//! A running program, which leads a process group.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open};

/// How often to check whether a program has ended, where the kernel has no process descriptors
/// (before 5.3).
const LOOK: Duration = Duration::from_millis(2);

/// A program that was started in its own process group.
pub(super) struct Leader {
    child: Child,
    pid: Pid,
    /// Becomes readable when the program has ended.
    ended: Option<OwnedFd>,
}

impl Leader {
    pub(super) fn new(child: Child) -> Self {
        let pid = Pid::from_child(&child);
        Self { child, pid, ended: pidfd_open(pid, PidfdFlags::empty()).ok() }
    }

    /// Whether it ends within this time. It is not reaped yet, so that no other process or group
    /// gets its ID.
    pub(super) fn ends_within(&self, time: Duration) -> io::Result<bool> {
        match &self.ended {
            // An error ends the wait early, as a signal does.
            Some(ended) => {
                let time = Timespec::try_from(time).ok();
                let _ = poll(&mut [PollFd::new(ended, PollFlags::IN)], time.as_ref());
            }
            None => std::thread::sleep(time.min(LOOK)),
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(rustix::process::waitid(WaitId::Pid(self.pid), options)?.is_some())
    }

    /// Signals every process of the group. The group may be empty.
    pub(super) fn signal_group(&self, signal: Signal) {
        let _ = rustix::process::kill_process_group(self.pid, signal);
    }

    /// Kills the rest of the group, then reaps the leader, which has ended.
    pub(super) fn reap(mut self) -> io::Result<ExitStatus> {
        self.signal_group(Signal::KILL);
        self.child.wait()
    }

    /// Kills the group, then reaps the leader if it ends within this time. A process that SIGKILL
    /// cannot end is left to the kernel.
    pub(super) fn kill(self, time: Duration) {
        self.signal_group(Signal::KILL);
        let deadline = std::time::Instant::now() + time;
        while let Some(left) = deadline.checked_duration_since(std::time::Instant::now()) {
            match self.ends_within(left) {
                Ok(false) => {}
                Ok(true) => {
                    let _ = self.reap();
                    return;
                }
                Err(_) => return,
            }
        }
    }
}
