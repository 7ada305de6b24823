//! The stage and the language of the scenarios: a directory, files in it, runs of `aicr` whose
//! stdout, stderr and exit code are compared whole. What is not said to be printed must not be.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock};

use rustix::fs::{FileType, Mode};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

pub(crate) use crate::test_cosign::{cosigns, test_cosign};

/// SHA-256 of the DER of `fixtures/keys/throwaway.pub`, of which the password is empty.
pub(crate) const KEY_SHA256: &str = "1e9fc1b5f1ff2aaccac79d66c2feff86234d8d3b3e069614ed3eddf7ba30ffee";
/// The same for `fixtures/keys/stranger.pub`.
pub(crate) const STRANGER_SHA256: &str = "292133b6f2c6f2f5d0de9017c7177ac6a7267ed61741d714ff41f6985da89833";

/// `nohup` and the `&` of a script start the tests deaf to signals, and so would be what they start: a
/// signal with a handler, even one that does nothing, is not ignored by the next program.
static LISTENING: LazyLock<()> = LazyLock::new(|| {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut masks = status.lines().filter_map(|line| line.strip_prefix("SigIgn:\t"));
    let ignored = u64::from_str_radix(masks.next().unwrap(), 16).unwrap();
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 1) {
        signal_hook::flag::register(signal, Arc::default()).unwrap();
    }
});

/// A directory of its own for one scenario; removed at the end.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    cosign: PathBuf,
    /// The command that leads to where everything runs, with its arguments.
    pub(crate) wrapper: Vec<std::ffi::OsString>,
}

impl Sandbox {
    /// An empty stage with the cosign that `make test` chose, and the throw-away keys
    /// `cosign.key`, `cosign.pub`, `stranger.key` and `stranger.pub` at its top.
    pub(crate) fn new() -> Self {
        Self::with_cosign(Path::new(&test_cosign()))
    }

    /// The same with another cosign.
    pub(crate) fn with_cosign(cosign: &Path) -> Self {
        LazyLock::force(&LISTENING);
        let directory = tempfile::Builder::new().prefix("sandbox-").tempdir().unwrap();
        let wrapper = vec![repository().join("scripts/no-network").into()];
        let sandbox = Self { directory, cosign: cosign.to_owned(), wrapper };
        for name in ["home", "tmp", "bin"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        sandbox.link("bin/cosign", cosign).link("bin/aicr", env!("CARGO_BIN_EXE_aicr"));
        for (from, to) in [("throwaway", "cosign"), ("stranger", "stranger")] {
            for kind in ["key", "pub"] {
                fs::copy(
                    repository().join(format!("fixtures/keys/{from}.{kind}")),
                    sandbox.path(format!("{to}.{kind}")),
                )
                .unwrap();
            }
        }
        sandbox
    }

    /// An absolute path below the stage.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(relative)
    }

    /// A file with its directories, mode 0644; in the place of a link, not through it.
    pub(crate) fn file(&self, relative: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.is_symlink() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        self
    }

    /// An executable file, for a fake cosign or plugin: a few lines of `sh`.
    pub(crate) fn program(&self, relative: &str, script: &str) -> &Self {
        self.file(relative, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(relative), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A symbolic link.
    pub(crate) fn link(&self, relative: &str, target: impl AsRef<Path>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// An empty directory.
    pub(crate) fn directory(&self, relative: &str) -> &Self {
        fs::create_dir_all(self.path(relative)).unwrap();
        self
    }

    /// A FIFO or a socket.
    pub(crate) fn special(&self, relative: &str, kind: FileType) -> &Self {
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, self.path(relative), kind, mode, 0).unwrap();
        self
    }

    /// A file no more.
    pub(crate) fn remove(&self, relative: &str) -> &Self {
        fs::remove_file(self.path(relative)).unwrap();
        self
    }

    /// The mode of a file.
    pub(crate) fn chmod(&self, relative: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(relative), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// A cosign in the place of the stage's: a few lines of `sh`, which may use `$REAL`, the stage's
    /// cosign, `$BUNDLE`, the value of `--bundle`, and `$BLOB`, the last argument. The two questions
    /// by which it is probed are answered by the real one.
    pub(crate) fn fake_cosign(&self, script: &str) -> &Self {
        let real = self.cosign.display();
        self.program(
            "bin/cosign",
            &format!(
                "REAL='{real}'; PATH=/usr/bin:/bin\n\
                 for BLOB; do case $BLOB in --bundle=*) BUNDLE=${{BLOB#*=}} ;; esac; done\n\
                 case $* in version | 'sign-blob --help') exec \"$REAL\" \"$@\" ;; esac\n{script}"
            ),
        )
    }

    /// The content of a file as text.
    pub(crate) fn read(&self, relative: &str) -> String {
        String::from_utf8(fs::read(self.path(relative)).unwrap()).unwrap()
    }

    /// Everything below a directory of the stage, sorted: `name`, `name/` or `name -> target`.
    pub(crate) fn tree(&self, relative: &str) -> Vec<String> {
        fn list(top: &Path, directory: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
                let kind = fs::symlink_metadata(&path).unwrap();
                if kind.is_dir() {
                    found.push(format!("{name}/"));
                    list(top, &path, found);
                } else if kind.is_symlink() {
                    found.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
                } else {
                    found.push(name);
                }
            }
        }
        let mut found = Vec::new();
        let top = self.path(relative);
        list(&top, &top, &mut found);
        found.sort();
        found
    }

    /// A run of `aicr` with these words (split at blanks), without any network.
    pub(crate) fn aicr(&self, words: &str) -> Run<'_> {
        self.aicr_with(words.split_whitespace())
    }

    /// The same with words that may hold blanks.
    pub(crate) fn aicr_with<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Run<'_> {
        let mut command = vec![OsStr::new(env!("CARGO_BIN_EXE_aicr")).to_owned()];
        command.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        Run::new(self, command)
    }

    /// A run of another program, in the same surroundings.
    pub(crate) fn program_run<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Run<'_> {
        Run::new(self, words.into_iter().map(|word| word.as_ref().to_owned()).collect())
    }

    /// A run of a line of shell, with `aicr` and `cosign` on the PATH.
    pub(crate) fn shell(&self, line: &str) -> Run<'_> {
        self.program_run(["sh", "-c", line])
    }

    /// A signed bundle `B` of `dist`, which holds `a` and `sub/b`.
    pub(crate) fn signed(&self) -> &Self {
        self.small_dist();
        self.aicr("bundle dist --output B --signing-key cosign.key --tlog-upload=false --quiet").succeeds();
        self
    }

    /// An unsigned bundle `B` of `dist`, which holds `a` and `sub/b`.
    pub(crate) fn unsigned(&self) -> &Self {
        self.small_dist();
        self.aicr("bundle dist --output B --quiet").succeeds();
        self
    }

    /// The directory `dist` with the files `a` and `sub/b`.
    pub(crate) fn small_dist(&self) -> &Self {
        self.file("dist/a", "alpha\n").file("dist/sub/b", "beta\n")
    }

    /// The path of the cosign of this stage.
    pub(crate) fn cosign(&self) -> &Path {
        &self.cosign
    }
}

/// What is done to a stage before a run, in tables.
pub(crate) type Act = fn(&Sandbox) -> &Sandbox;

/// The manifest of [`Sandbox::small_dist`].
pub(crate) const SMALL_MANIFEST: &str = "\
b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060  a
f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad  sub/b
";

/// SHA-256 of [`SMALL_MANIFEST`].
pub(crate) const SMALL_SHA256: &str = "162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8";

/// A run that is prepared, and then compared.
pub(crate) struct Run<'a> {
    sandbox: &'a Sandbox,
    pub(crate) command: Vec<std::ffi::OsString>,
    variables: BTreeMap<String, Option<String>>,
    directory: PathBuf,
    stdout: String,
    stderr: String,
    any_output: bool,
    cosigns_words: bool,
}

impl<'a> Run<'a> {
    fn new(sandbox: &'a Sandbox, command: Vec<std::ffi::OsString>) -> Self {
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
            any_output: false,
            cosigns_words: true,
        }
    }

    /// With this variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), Some(value.into()));
        self
    }

    /// Without this variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.insert(name.into(), None);
        self
    }

    /// In this directory of the stage.
    pub(crate) fn within(mut self, relative: &str) -> Self {
        self.directory = self.sandbox.path(relative);
        self
    }

    /// What stdout must be, line for line.
    pub(crate) fn stdout(mut self, lines: &str) -> Self {
        self.stdout = lines.into();
        self
    }

    /// What stderr must be, line for line.
    pub(crate) fn stderr(mut self, lines: &str) -> Self {
        self.stderr = lines.into();
        self
    }

    /// Whatever it prints: what it does is what counts here.
    pub(crate) fn whatever_it_prints(mut self) -> Self {
        self.any_output = true;
        self
    }

    /// What cosign said is its own affair: one line `(what cosign said)` stands for it.
    pub(crate) fn cosigns_words_left_out(mut self) -> Self {
        self.cosigns_words = false;
        self
    }

    /// Runs it, and compares with exit 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Output {
        self.exits(0)
    }

    /// Runs it, and compares with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Output {
        let output = self.output();
        self.compare(output, Some(code))
    }

    /// Waits for a run that was started, and compares: it ends with this exit code or, with none, by a
    /// signal.
    #[track_caller]
    pub(crate) fn ends(self, started: Child, code: Option<i32>) -> Output {
        let output = started.wait_with_output().unwrap();
        self.compare(output, code)
    }

    #[track_caller]
    fn compare(self, output: Output, code: Option<i32>) -> Output {
        let shown = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        let (stdout, mut stderr) = (shown(&output.stdout), shown(&output.stderr));
        if !self.cosigns_words {
            let start = stderr.find("    ").unwrap_or(stderr.len());
            let end = stderr.rfind("\nhint: ").map_or(stderr.len(), |end| end + 1);
            stderr.replace_range(start..end, "    (what cosign said)\n");
        }
        let found = output.status.code();
        let as_expected = self.any_output || (stdout == self.stdout && stderr == self.stderr);
        assert!(
            found == code && as_expected,
            "{:?}\n--- exit {found:?}, expected {code:?}\n--- stdout\n{stdout}--- expected\n{}--- stderr\n{stderr}--- expected\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        output
    }

    /// Runs it, and compares nothing.
    pub(crate) fn output(&self) -> Output {
        self.start().wait_with_output().unwrap()
    }

    /// Starts it, without any network, with closed stdin.
    pub(crate) fn start(&self) -> Child {
        let mut command = Command::new(&self.sandbox.wrapper[0]);
        // The way may lead to another root directory, and so lose the working directory.
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

    /// What differs from run to run or from machine to machine, by its role.
    fn normal(&self, text: &str) -> String {
        let text = text
            .replace(&self.sandbox.path("").display().to_string(), "{root}/")
            .replace("{root}//", "{root}/");
        let mut words = text.split("aicr-");
        let mut normal = words.next().unwrap_or_default().to_owned();
        for rest in words {
            // The six random letters of a private directory.
            let random = rest.len() >= 6
                && rest.is_char_boundary(6)
                && rest[..6].chars().all(|c| c.is_ascii_alphanumeric())
                && normal.ends_with('/');
            normal.push_str(if random { "aicr-XXXXXX" } else { "aicr-" });
            normal.push_str(if random { &rest[6..] } else { rest });
        }
        normal
    }
}

/// The top of the repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
