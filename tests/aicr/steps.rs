//! The steps of a run: its system calls of some kinds, one by one, at which strace ends it or makes the
//! call fail.

use crate::sandbox::Sandbox;

/// The calls that change the disk, on any architecture.
pub(crate) const CHANGES: &str = "?mkdir,mkdirat,?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?link,linkat,?chmod,fchmod,\
                                  fchmodat,fsync,fdatasync,syncfs,flock,ftruncate";

/// A call of a run.
pub(crate) struct Step {
    call: String,
    /// For `write`, of which some wake threads and come as they like, the file on the stage that is written.
    file: Option<String>,
    /// How many of that name, and to that file, were made up to it.
    number: usize,
    /// The line that strace has for it.
    pub(crate) line: String,
}

impl Step {
    /// All steps of this run of `aicr`, which succeeds, in their order. Of those in a private directory of
    /// cosign's only the first of a kind: they are many, and all alike.
    #[track_caller]
    pub(crate) fn all(sandbox: &Sandbox, way: &[String], words: &str, calls: &str) -> Vec<Self> {
        let top = sandbox.path("").display().to_string();
        let trace = format!("strace -qq --decode-fds=path -o {top}trace -e trace={calls}");
        sandbox.program_run(command(way, &trace, words)).succeeds();
        let lines = sandbox.read("trace");
        let mut steps = Vec::new();
        let mut made = Vec::new();
        for line in lines.lines() {
            let Some((call, arguments)) = line.split_once('(') else { continue };
            let private = line.contains("/tmp/aicr-");
            let file = (call == "write").then(|| {
                let path = arguments.split_once('<')?.1.split_once('>')?.0;
                path.strip_prefix(&top).filter(|_| !private).map(ToOwned::to_owned)
            });
            let Some(file) = file.map_or(Some(None), |file| file.map(Some)) else { continue };
            made.push((call, file.clone()));
            let number = made.iter().filter(|made| **made == (call, file.clone())).count();
            if number == 1 || !private {
                steps.push(Self { call: call.to_owned(), file, number, line: line.to_owned() });
            }
        }
        sandbox.remove("trace");
        assert!(steps.len() > 10, "strace has seen only {} steps", steps.len());
        steps
    }

    /// The same run with this done at the step: `signal=…` or `error=…`.
    pub(crate) fn with(&self, sandbox: &Sandbox, what: &str, way: &[String], words: &str) -> Vec<String> {
        let Self { call, file, number, line: _ } = self;
        let only = file.as_ref().map_or(String::new(), |file| format!("-P {}", sandbox.path(file).display()));
        let trace =
            format!("strace -qq -o /dev/null {only} -e trace={call} -e inject={call}:{what}:when={number}");
        command(way, &trace, words)
    }
}

/// On one thread, so that each run has the same steps.
fn command(way: &[String], trace: &str, words: &str) -> Vec<String> {
    let line = format!("{trace} aicr {words} --jobs 1");
    way.iter().cloned().chain(line.split_whitespace().map(ToOwned::to_owned)).collect()
}
