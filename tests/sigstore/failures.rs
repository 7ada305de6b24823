//! Services that fail: with each release that supports them, `aicr bundle` names the service and
//! the failure, exits with the right code, leaves nothing behind, and never signs without the
//! requested services.

mod answers;
mod keys;
mod patience;
mod tokens;
mod trust;
mod ways;

use crate::loopback::cosign;
use crate::sandbox::{Run, Sandbox};

/// The releases that can record signatures with services.
pub(crate) const RELEASES: [&str; 4] = ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];
/// Those that support signing configs, and with them Rekor v2.
pub(crate) const LATER: [&str; 3] = ["v2.6.1", "v3.0.2", "v3.1.3"];

pub(crate) const LOG_1: &str = "notice: the signature goes to the transparency log at localhost:3000\n";
pub(crate) const LOG_2: &str = "notice: the signature goes to the transparency log at localhost:3003\n";

/// A failure: the exit code, the error, and the hint, which may be empty.
pub(crate) type Failure<'a> = (i32, &'a str, &'a str);

/// A run that signs a bundle.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) release: &'a str,
    /// The arguments after `aicr bundle dist --output B`.
    pub(crate) words: &'a str,
    /// The notice before anything can fail.
    pub(crate) notice: &'a str,
}

impl Signing<'_> {
    /// The run, with a cosign of this release whose stderr is kept.
    pub(crate) fn run(&self) -> Run<'_> {
        let Self { sandbox, release, words, notice: _ } = self;
        if !sandbox.path(format!("bin/{release}/cosign")).exists() {
            sandbox.program(
                &format!("bin/{release}/cosign"),
                &format!(
                    "REAL='{}' SAID=${{0%/*}}/said
                     case $* in *' --help' | version) exec \"$REAL\" \"$@\" ;; esac
                     case $1 in
                       sign-blob) echo >\"$SAID.signed\" ;;
                       # The control, which comes before the signature.
                       verify-blob) [ -s \"$SAID.signed\" ] || exec \"$REAL\" \"$@\" ;;
                     esac
                     \"$REAL\" \"$@\" 2>\"$SAID.last\"
                     status=$?
                     # Not of the other control, which comes after a rejection and succeeds.
                     [ $status = 0 ] || /bin/cp \"$SAID.last\" \"$SAID\"
                     /bin/cat \"$SAID.last\" >&2
                     exit $status",
                    cosign(release)
                ),
            );
        }
        let run = sandbox.aicr(&format!("bundle dist --output B.{release} {words}"));
        run.env("AICR_COSIGN", sandbox.path(format!("bin/{release}/cosign")).to_str().unwrap())
    }

    /// It fails in this way, and leaves nothing behind. The text of cosign is between error and
    /// hint.
    #[track_caller]
    pub(crate) fn fails(&self, failure: Failure<'_>) {
        self.run_fails(&self.run(), failure);
    }

    /// The same with a changed run.
    #[track_caller]
    pub(crate) fn run_fails(&self, run: &Run<'_>, (exit, error, hint): Failure<'_>) {
        let Self { sandbox, release, words, notice } = self;
        let said = format!("bin/{release}/said");
        sandbox.small_dist().file(&said, "").file(&format!("{said}.signed"), "");
        let output = run.output();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|stream| without_seconds(&String::from_utf8(stream).unwrap()));
        let said = error_in(&sandbox.read(&said));
        let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
        let expected = format!("{notice}error: {error}\n{said}{hint}");
        assert!(
            output.status.code() == Some(exit) && stdout.is_empty() && stderr == expected,
            "{release} {words}\n--- {}, expected {exit}\n--- stdout\n{stdout}\n--- stderr\n{stderr}--- expected\n{expected}",
            output.status
        );
        assert!(!sandbox.path(format!("B.{release}")).exists(), "{release} {words}");
        assert_eq!(sandbox.tree("dist"), ["a", "sub/", "sub/b"]);
    }

    /// It works when no service fails. The bundle is removed.
    #[track_caller]
    pub(crate) fn works(&self) {
        self.sandbox.small_dist();
        self.run().whatever_it_prints().succeeds();
        std::fs::remove_dir_all(self.sandbox.path(format!("B.{}", self.release))).unwrap();
    }
}

/// Replaces a number of seconds, which changes all the time, by `N`.
fn without_seconds(text: &str) -> String {
    let mut parts = text.split(" seconds");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let more = if made.ends_with(" more") { " more" } else { "" };
        made.truncate(made.len() - more.len());
        made.truncate(made.trim_end_matches(|letter: char| letter.is_ascii_digit()).len());
        made.push_str(&format!("N{more} seconds{part}"));
    }
    made
}

/// No run has left a temporary file behind.
#[track_caller]
pub(crate) fn nothing_is_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
    assert!(!sandbox.tree("").iter().any(|name| name.starts_with("B.") || name.starts_with(".B.")));
}

/// The error in the output of cosign, which prints it twice, as aicr shows it.
fn error_in(said: &str) -> String {
    let error = said.lines().skip_while(|line| !line.starts_with("Error: "));
    let error = error.take_while(|line| !line.contains("error during command execution: "));
    let lines = error
        .map(|line| line.trim_start_matches("Error: ").replace('\\', r"\\"))
        .filter(|line| !line.is_empty());
    lines.map(|line| format!("    {line}\n")).collect()
}
