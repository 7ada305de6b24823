//! The directory of a test: its files, a cosign, and keys. [`run`] starts `aicr` and other programs
//! in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub(crate) use run::Run;
use rustix::fs::{FileType, Mode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

pub(crate) use crate::test_cosign::{cosigns, test_cosign};

// The path, because the crates `kms` and `sigstore` have this file as `../aicr/sandbox.rs`.
#[path = "sandbox/run.rs"]
mod run;

/// SHA-256 of the DER of `fixtures/keys/throwaway.pub`. The password of the key is empty.
pub(crate) const KEY_SHA256: &str = "1e9fc1b5f1ff2aaccac79d66c2feff86234d8d3b3e069614ed3eddf7ba30ffee";
/// SHA-256 of the DER of `fixtures/keys/other.pub`.
pub(crate) const OTHER_KEY_SHA256: &str = "292133b6f2c6f2f5d0de9017c7177ac6a7267ed61741d714ff41f6985da89833";

/// `nohup` and the `&` of a script start the tests with ignored signals, and every program that the
/// tests start would ignore them too. A signal that has a handler, even an empty one, is not
/// ignored by a program that is started.
static HANDLED_SIGNALS: LazyLock<()> = LazyLock::new(|| {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut masks = status.lines().filter_map(|line| line.strip_prefix("SigIgn:\t"));
    let ignored = u64::from_str_radix(masks.next().unwrap(), 16).unwrap();
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 1) {
        signal_hook::flag::register(signal, Arc::default()).unwrap();
    }
});

/// The directory of one test. It is removed when the value is dropped.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    cosign: PathBuf,
    /// The command that starts every program, with its arguments: it takes the network away.
    pub(crate) wrapper: Vec<OsString>,
}

impl Sandbox {
    /// A test directory with the cosign that `make test` chose. It has the throw-away keys
    /// `cosign.key`, `cosign.pub`, `other.key` and `other.pub`.
    pub(crate) fn new() -> Self {
        Self::with_cosign(Path::new(&test_cosign()))
    }

    /// A test directory with another cosign.
    pub(crate) fn with_cosign(cosign: &Path) -> Self {
        LazyLock::force(&HANDLED_SIGNALS);
        let directory = tempfile::Builder::new().prefix("sandbox-").tempdir().unwrap();
        let wrapper = vec![repository().join("scripts/no-network").into()];
        let sandbox = Self { directory, cosign: cosign.to_owned(), wrapper };
        for name in ["home", "tmp", "bin"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        sandbox.link("bin/cosign", cosign).link("bin/aicr", env!("CARGO_BIN_EXE_aicr"));
        for (from, to) in [("throwaway", "cosign"), ("other", "other")] {
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

    /// The absolute path of a file in the test directory.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(relative)
    }

    /// Writes a file with mode 0644, and creates its directories. It replaces a link.
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

    /// Writes an executable file, such as a fake cosign or plugin, with these lines of `sh`.
    pub(crate) fn program(&self, relative: &str, script: &str) -> &Self {
        self.file(relative, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(relative), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Creates a symbolic link.
    pub(crate) fn link(&self, relative: &str, target: impl AsRef<Path>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Creates a directory.
    pub(crate) fn directory(&self, relative: &str) -> &Self {
        fs::create_dir_all(self.path(relative)).unwrap();
        self
    }

    /// Creates a FIFO or a socket.
    pub(crate) fn special(&self, relative: &str, kind: FileType) -> &Self {
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, self.path(relative), kind, mode, 0).unwrap();
        self
    }

    /// Removes a file.
    pub(crate) fn remove(&self, relative: &str) -> &Self {
        fs::remove_file(self.path(relative)).unwrap();
        self
    }

    /// Changes the mode of a file.
    pub(crate) fn chmod(&self, relative: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(relative), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Gives an executable file the capability `cap_net_raw`, and returns whether it has it now: only root can
    /// do that, and not on every file system.
    pub(crate) fn give_capabilities(&self, relative: &str) -> bool {
        let words: [u32; 5] = [0x0200_0001, 1 << 13, 0, 0, 0];
        let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let flags = rustix::fs::XattrFlags::empty();
        self.chmod(relative, 0o755);
        rustix::fs::setxattr(self.path(relative), "security.capability", &value, flags).is_ok()
    }

    /// Replaces `bin/cosign` by these lines of `sh`. They may use `$REAL`, the real cosign;
    /// `$BUNDLE`, the value of `--bundle`; and `$BLOB`, the last argument. The real cosign answers
    /// what aicr asks it before it uses it.
    pub(crate) fn fake_cosign(&self, script: &str) -> &Self {
        let real = self.cosign.display();
        self.program(
            "bin/cosign",
            &format!(
                "REAL='{real}'; PATH=/usr/bin:/bin\n\
                 for BLOB; do case $BLOB in --bundle=*) BUNDLE=${{BLOB#*=}} ;; esac; done\n\
                 case $* in version | *' --help') exec \"$REAL\" \"$@\" ;; esac\n\
                 if [ \"$1\" = verify-blob ] && grep -qs '^aicr asks cosign to ' \"$BLOB\"; then exec \"$REAL\" \"$@\"; fi\n\
                 {script}"
            ),
        )
    }

    /// The content of a file as text.
    pub(crate) fn read(&self, relative: &str) -> String {
        String::from_utf8(fs::read(self.path(relative)).unwrap()).unwrap()
    }

    /// Everything in a directory, sorted: `name`, `name/` or `name -> target`.
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

    /// A run of `aicr` with these arguments, which are split at spaces, without a network.
    pub(crate) fn aicr(&self, words: &str) -> Run<'_> {
        self.aicr_with(words.split_whitespace())
    }

    /// A run of `aicr` with arguments that may contain spaces.
    pub(crate) fn aicr_with<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Run<'_> {
        let mut command = vec![OsStr::new(env!("CARGO_BIN_EXE_aicr")).to_owned()];
        command.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        Run::new(self, command)
    }

    /// A run of another program, with the same environment.
    pub(crate) fn program_run<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Run<'_> {
        Run::new(self, words.into_iter().map(|word| word.as_ref().to_owned()).collect())
    }

    /// A run of a shell command, with `aicr` and `cosign` on the PATH.
    pub(crate) fn shell(&self, line: &str) -> Run<'_> {
        self.program_run(["sh", "-c", line])
    }

    /// Creates [`small_dist`](Self::small_dist), and a signed bundle `B` of it. Each cosign signs one, and
    /// every test that asks for it has a copy: signing takes a second.
    pub(crate) fn signed(&self) -> &Self {
        type Files = Vec<(String, Vec<u8>)>;
        static SIGNED: Mutex<BTreeMap<PathBuf, Files>> = Mutex::new(BTreeMap::new());
        self.small_dist();
        let mut signed = SIGNED.lock().unwrap();
        let files = signed.entry(self.cosign.clone()).or_insert_with(|| {
            let sandbox = Self::with_cosign(&self.cosign);
            let sign = "bundle dist --output B --signing-key cosign.key --tlog-upload=false --quiet";
            sandbox.small_dist().aicr(sign).succeeds();
            let names = sandbox.tree("B").into_iter().filter(|name| !name.ends_with('/'));
            names
                .map(|name| (format!("B/{name}"), fs::read(sandbox.path(format!("B/{name}"))).unwrap()))
                .collect()
        });
        for (name, content) in files {
            self.file(name, content);
        }
        self
    }

    /// Creates [`small_dist`](Self::small_dist), and a signed bundle `B` of it, which is version 1.4 of app.
    pub(crate) fn released(&self) -> &Self {
        self.small_dist();
        let release = "--release-name app --release-version 1.4";
        let sign = "--signing-key cosign.key --tlog-upload=false --quiet";
        self.aicr(&format!("bundle dist --output B {release} {sign}")).succeeds();
        self
    }

    /// Creates [`small_dist`](Self::small_dist), and an unsigned bundle `B` of it.
    pub(crate) fn unsigned(&self) -> &Self {
        self.small_dist();
        self.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
        self
    }

    /// Adds the trusted root of the recordings, `root.json`, and a bundle `I` of `dist` with a signature of
    /// `fixtures/evidence`. It is over something else, so that cosign rejects it.
    pub(crate) fn recorded(&self, name: &str) -> &Self {
        let mut signature: Value = serde_json::from_str(&fixture(&format!("evidence/{name}.json"))).unwrap();
        signature["messageSignature"]["messageDigest"]["digest"] =
            json!(STANDARD.encode(Sha256::digest(SMALL_MANIFEST)));
        self.aicr("bundle dist --output I --quiet").stderr(UNSIGNED).succeeds();
        self.file("I/attestation/checksums.txt.sigstore.json", signature.to_string())
            .file("root.json", fixture("sigstore/trusted-root.json"))
    }

    /// Creates the directory `dist` with the files `a` and `sub/b`.
    pub(crate) fn small_dist(&self) -> &Self {
        self.file("dist/a", "alpha\n").file("dist/sub/b", "beta\n")
    }

    /// The path of the real cosign.
    pub(crate) fn cosign(&self) -> &Path {
        &self.cosign
    }
}

/// A change to a test directory, for tables.
pub(crate) type Act = fn(&Sandbox) -> &Sandbox;

/// The manifest of [`Sandbox::small_dist`].
pub(crate) const SMALL_MANIFEST: &str = "\
b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060  a
f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad  sub/b
";

/// SHA-256 of [`SMALL_MANIFEST`].
pub(crate) const SMALL_SHA256: &str = "162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8";

/// The text of a file in `fixtures`.
pub(crate) fn fixture(name: &str) -> String {
    fs::read_to_string(repository().join("fixtures").join(name)).unwrap()
}

/// The SHA-256 of these bytes, in hexadecimal.
pub(crate) fn sha256(content: impl AsRef<[u8]>) -> String {
    Sha256::digest(content).iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// Fails if two texts differ, and shows the lines that do.
#[track_caller]
pub(crate) fn assert_same(name: &str, expected: &str, found: &str) {
    if let Some(differences) = run::differences(name, expected, found) {
        panic!("{differences}");
    }
}

/// What `--quiet` prints about a bundle that is not signed.
pub(crate) const UNSIGNED: &str = "UNSIGNED: nothing proves who made it until it is signed\n";

/// The directory of the repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
