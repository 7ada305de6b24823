//! A run of `aicr`, or of another program, in a [`Sandbox`]. Its exit code, stdout and stderr are compared
//! as a whole: a test fails if a program prints anything that the test does not expect.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use similar::TextDiff;

use super::Sandbox;

/// A run that is prepared, and what is expected of it.
pub(crate) struct Run<'a> {
    sandbox: &'a Sandbox,
    pub(crate) command: Vec<OsString>,
    variables: BTreeMap<String, Option<String>>,
    directory: PathBuf,
    stdout: String,
    stderr: String,
    ignores_output: bool,
    leaves_out_cosigns_words: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, command: Vec<OsString>) -> Self {
        let set = |name: &str, value: String| (name.to_owned(), Some(value));
        let variables = BTreeMap::from([
            set("PATH", format!("{}:/usr/bin:/bin", sandbox.path("bin").display())),
            set("HOME", sandbox.path("home").display().to_string()),
            set("TMPDIR", sandbox.path("tmp").display().to_string()),
            set("COSIGN_PASSWORD", String::new()),
        ]);
        Self {
            sandbox,
            command,
            variables,
            directory: sandbox.path(""),
            stdout: String::new(),
            stderr: String::new(),
            ignores_output: false,
            leaves_out_cosigns_words: false,
        }
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), Some(value.into()));
        self
    }

    /// Removes a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.insert(name.into(), None);
        self
    }

    /// Sets the working directory, relative to the test directory.
    pub(crate) fn within(mut self, relative: &str) -> Self {
        self.directory = self.sandbox.path(relative);
        self
    }

    /// Expects this text on stdout.
    pub(crate) fn stdout(mut self, lines: &str) -> Self {
        self.stdout = lines.into();
        self
    }

    /// Expects this text on stderr.
    pub(crate) fn stderr(mut self, lines: &str) -> Self {
        self.stderr = lines.into();
        self
    }

    /// Accepts any output: the test is about the effects of the run.
    pub(crate) fn whatever_it_prints(mut self) -> Self {
        self.ignores_output = true;
        self
    }

    /// Replaces the lines of cosign on stderr by the one line `    (what cosign said)`, because they depend
    /// on the release.
    pub(crate) fn cosigns_words_left_out(mut self) -> Self {
        self.leaves_out_cosigns_words = true;
        self
    }

    /// Runs it, and expects exit code 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Output {
        self.exits(0)
    }

    /// Runs it, and expects this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Output {
        let output = self.output();
        self.compare(output, Some(code))
    }

    /// Waits for a run that was started, and expects this exit code, or a signal if there is none.
    #[track_caller]
    pub(crate) fn ends(self, started: Child, code: Option<i32>) -> Output {
        let output = started.wait_with_output().unwrap();
        self.compare(output, code)
    }

    /// Runs it, and compares nothing.
    pub(crate) fn output(&self) -> Output {
        self.start().wait_with_output().unwrap()
    }

    /// Starts it, without a network and with an empty stdin.
    pub(crate) fn start(&self) -> Child {
        let mut command = Command::new(&self.sandbox.wrapper[0]);
        // `env` sets the working directory, because the wrapper may change the root directory.
        command.args(&self.sandbox.wrapper[1..]).args(["env", "-i", "-C"]).arg(&self.directory);
        for (name, value) in &self.variables {
            if let Some(value) = value {
                command.arg(format!("{name}={value}"));
            }
        }
        command.args(&self.command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    #[track_caller]
    fn compare(self, output: Output, code: Option<i32>) -> Output {
        let stdout = self.normalized(&output.stdout);
        let mut stderr = self.normalized(&output.stderr);
        if self.leaves_out_cosigns_words {
            leave_out_cosigns_words(&mut stderr);
        }
        let mut problems = Vec::new();
        let (expected, found) = (ending(code), ending(output.status.code()));
        if expected != found {
            problems.push(format!("it ended with {found}, expected {expected}"));
        }
        if !self.ignores_output {
            problems.extend(differences("stdout", &self.stdout, &stdout));
            problems.extend(differences("stderr", &self.stderr, &stderr));
        } else if !problems.is_empty() {
            problems.push(format!("stdout:\n{stdout}stderr:\n{stderr}"));
        }
        assert!(problems.is_empty(), "{}\n{}", self.shown(), problems.join("\n"));
        output
    }

    /// The command as a shell would read it.
    fn shown(&self) -> String {
        let words: Vec<String> = self.command.iter().map(|word| word.to_string_lossy().into()).collect();
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    }

    /// The output without the version and time of a report, with `{root}` for the test directory and `XXXXXX` for the random letters in the name of
    /// a private directory of aicr.
    fn normalized(&self, output: &[u8]) -> String {
        let text = without_version_and_time(&String::from_utf8_lossy(output))
            .replace(&self.sandbox.path("").display().to_string(), "{root}/")
            .replace("{root}//", "{root}/");
        let mut parts = text.split("/aicr-");
        let mut normalized = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_random = |letters: &str| {
                letters.len() == 6 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            let rest = part.split_at_checked(6).filter(|(letters, _)| is_random(letters));
            normalized.push_str("/aicr-");
            normalized.push_str(&rest.map_or(part.to_owned(), |(_, rest)| format!("XXXXXX{rest}")));
        }
        normalized
    }
}

/// A JSON report without `aicr` and `time`, which differ from run to run.
fn without_version_and_time(text: &str) -> String {
    let version = concat!("\"aicr\":\"", env!("CARGO_PKG_VERSION"), "\",\"time\":\"");
    let parts = text.split_once(version).and_then(|(before, rest)| Some((before, rest.split_once("Z\",")?)));
    parts.map_or_else(|| text.to_owned(), |(before, (_, after))| format!("{before}{after}"))
}

fn ending(code: Option<i32>) -> String {
    code.map_or("a signal".to_owned(), |code| format!("exit code {code}"))
}

/// The lines of cosign are indented, after the error and before the hint.
fn leave_out_cosigns_words(stderr: &mut String) {
    let start = stderr.find("    ").unwrap_or(stderr.len());
    let end = stderr.rfind("\nhint: ").map_or(stderr.len(), |end| end + 1);
    stderr.replace_range(start..end, "    (what cosign said)\n");
}

/// The lines in which two texts differ, with the lines around them; nothing if they are the same.
pub(crate) fn differences(name: &str, expected: &str, found: &str) -> Option<String> {
    let diff = TextDiff::from_lines(expected, found);
    let headers = (format!("{name}, expected"), format!("{name}, found"));
    (expected != found).then(|| diff.unified_diff().header(&headers.0, &headers.1).to_string())
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn a_failure_shows_the_lines_that_differ() {
        let lines = |changed: &str| format!("one\ntwo\nthree\nfour\n{changed}\nsix\n");
        assert_eq!(differences("stdout", &lines("five"), &lines("five")), None);
        assert_eq!(
            differences("stdout", &lines("five"), &lines("FIVE")).unwrap(),
            "--- stdout, expected
+++ stdout, found
@@ -2,5 +2,5 @@
 two
 three
 four
-five
+FIVE
 six
"
        );
        assert_eq!(
            differences("stderr", "", "error: x").unwrap(),
            "--- stderr, expected
+++ stderr, found
@@ -0,0 +1 @@
+error: x
\\ No newline at end of file
"
        );
    }
}
