//! Two commands in turn, A B A B, each measured from outside as a whole process.

use std::process::{Command, Stdio};
use std::time::Instant;

/// One run.
pub(crate) struct Measured {
    /// Wall-clock seconds.
    pub(crate) seconds: f64,
    /// The largest memory of any one process of it, in KiB.
    pub(crate) kibibytes: u64,
    /// Whether it ended with exit 0.
    pub(crate) succeeded: bool,
}

/// The runs of two commands; the nth of one belongs to the nth of the other.
pub(crate) struct Pair {
    pub(crate) first: Vec<Measured>,
    pub(crate) second: Vec<Measured>,
}

impl Pair {
    /// Runs both `runs` times in turn, after one run of each that does not count.
    pub(crate) fn run(
        runs: usize,
        first: &mut dyn FnMut() -> Measured,
        second: &mut dyn FnMut() -> Measured,
    ) -> Self {
        let _ = (first(), second());
        let (first, second) = (0..runs).map(|_| (first(), second())).unzip();
        Self { first, second }
    }
}

/// Runs a line of shell below GNU time, which tells the memory.
pub(crate) fn shell(line: &str) -> Measured {
    let started = Instant::now();
    let output = Command::new("time")
        .args(["-f", "%M", "sh", "-c", line])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("start `time` (GNU time)");
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    let kibibytes = said.lines().last().and_then(|line| line.parse().ok()).unwrap_or_default();
    Measured { seconds, kibibytes, succeeded: output.status.success() }
}
