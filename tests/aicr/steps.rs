//! The steps of a run: its system calls of some kinds. At each of them strace can end the run, or make the call
//! fail.

use crate::sandbox::Sandbox;

/// The system calls that change the disk, on any architecture.
pub(crate) const CHANGES: &str = "?mkdir,mkdirat,?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?link,linkat,?chmod,fchmod,\
                                  fchmodat,fsync,fdatasync,syncfs,flock,ftruncate";

/// The words of the run after one that was ended: what that may have created is replaced.
pub(crate) fn again(words: &str) -> String {
    let creates = words.starts_with("bundle dist --output C --quiet");
    format!("{words}{}", if creates { " --force" } else { "" })
}

/// One system call of a run.
pub(crate) struct Step {
    call: String,
    /// For `write`, the file that is written. Other writes wake threads, and their order is random.
    file: Option<String>,
    /// Its number among the calls with that name and file.
    number: usize,
    /// The line about it in the output of strace.
    pub(crate) line: String,
}

impl Step {
    /// All steps of a successful run of `aicr`, in order. Of the many similar steps in a private directory of
    /// cosign, only the first of each kind is returned.
    #[track_caller]
    pub(crate) fn all(sandbox: &Sandbox, wrapper: &[String], words: &str, calls: &str) -> Vec<Self> {
        let top = sandbox.path("").display().to_string();
        let trace = format!("strace -qq --decode-fds=path -o {top}trace -e trace={calls}");
        sandbox.program_run(command(wrapper, &trace, words)).succeeds();
        let lines = sandbox.read("trace");
        let mut steps = Vec::new();
        let mut made = Vec::new();
        for line in lines.lines() {
            let Some((call, arguments)) = line.split_once('(') else { continue };
            let private = line.contains("/tmp/aicr-");
            let file = (call == "write").then(|| {
                let path = arguments.split_once('<')?.1.split_once('>')?.0;
                // A file without a name has another number in the next run.
                let is_named = !private && !arguments.contains(">(deleted)");
                path.strip_prefix(&top).filter(|_| is_named).map(ToOwned::to_owned)
            });
            let Some(file) = file.map_or(Some(None), |file| file.map(Some)) else { continue };
            made.push((call, file.clone()));
            let number = made.iter().filter(|made| **made == (call, file.clone())).count();
            if number == 1 || !private {
                steps.push(Self { call: call.to_owned(), file, number, line: line.to_owned() });
            }
        }
        sandbox.remove("trace");
        assert!(steps.len() > 5, "strace has seen only {} steps", steps.len());
        steps
    }

    /// The same run, with a `signal=…` or `error=…` at this step.
    pub(crate) fn with(&self, sandbox: &Sandbox, what: &str, wrapper: &[String], words: &str) -> Vec<String> {
        let Self { call, file, number, line: _ } = self;
        let only = file.as_ref().map_or(String::new(), |file| format!("-P {}", sandbox.path(file).display()));
        let trace =
            format!("strace -qq -o /dev/null {only} -e trace={call} -e inject={call}:{what}:when={number}");
        command(wrapper, &trace, words)
    }
}

/// The command of a run on one thread, so that each run has the same steps.
fn command(wrapper: &[String], trace: &str, words: &str) -> Vec<String> {
    let line = format!("{trace} aicr {words} --jobs 1");
    wrapper.iter().cloned().chain(line.split_whitespace().map(ToOwned::to_owned)).collect()
}
