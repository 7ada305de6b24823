//! A fake cosign, written in `sh`. It answers aicr like a real release, and does what a test needs.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_MANIFEST, Sandbox};
use crate::without_aicr::{key_hint, sigstore_bundle};

/// The signature of the bundle `B`.
pub(crate) const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";

/// What a fake cosign does.
#[derive(Clone, Copy)]
pub(crate) struct Fake<'a> {
    /// The release whose command line it knows.
    pub(crate) release: &'a str,
    /// The script of `public-key`.
    pub(crate) public_key: &'a str,
    /// The script of `sign-blob`. `$TOP` is the test directory, `$BUNDLE` the file that it has to
    /// write, and `$TOP/good` the right content for the tree `dist`.
    pub(crate) sign: &'a str,
    /// The script of `verify-blob`.
    pub(crate) verify: &'a str,
}

/// A fake cosign without errors.
pub(crate) const HONEST: Fake<'_> = Fake {
    release: "v3.1.3",
    public_key: "cat \"$TOP/cosign.pub\"",
    sign: "cp \"$TOP/good\" \"$BUNDLE\"",
    verify: "exit 0",
};

/// A test directory with this fake cosign, the tree `dist`, and a bundle `B` of it that another key
/// has signed.
pub(crate) fn fake_sandbox(fake: Fake<'_>) -> Sandbox {
    let Fake { release, public_key, sign, verify } = fake;
    let sandbox = Sandbox::new();
    let good = sigstore_bundle("AAAA", SMALL_MANIFEST);
    let by_another_key = good.replace(&key_hint(KEY_SHA256), &key_hint(OTHER_KEY_SHA256));
    sandbox.unsigned().file("good", good).file(SIGNATURE, by_another_key);
    sandbox.program(
        "bin/cosign",
        &format!(
            "PATH=/usr/bin:/bin TOP=${{0%/bin/*}}
             for BLOB; do case $BLOB in --bundle=*) BUNDLE=${{BLOB#*=}} ;; esac; done
             {}
             case $1 in
             version) echo 'GitVersion: {release}' ;;
             public-key) {public_key} ;;
             sign-blob) {sign} ;;
             verify-blob) {verify} ;;
             esac",
            answers(release)
        ),
    );
    sandbox
}

/// The lines of `sh` by which a fake answers what every cosign is asked before it is used: it knows
/// the flags of this release, refuses a wrong signature, and accepts a right one. `$BLOB` is its
/// last argument.
pub(crate) fn answers(release: &str) -> String {
    let unknown = match release {
        "v2.0.2" | "v2.2.4" => "*--signing-config=* | *--new-bundle-format=*",
        "v2.4.1" => "*--signing-config=*",
        _ => "''",
    };
    format!(
        "case $* in *' --help')
           case $* in {unknown}) echo 'Error: unknown flag: --newer' >&2; exit 1 ;; esac
           exit 0 ;;
         'verify-blob '*)
           read -r TEXT <\"$BLOB\"
           case $TEXT in *'to refuse the signature'*) exit 1 ;; *'to accept the signature'*) exit 0 ;; esac ;;
         esac"
    )
}

/// Waits until the process with this id has ended.
#[track_caller]
pub(crate) fn ends(pid: &str) {
    let process = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    // `pidfd_open` fails for a process that does not exist any more. Otherwise the descriptor is
    // ready when the process has ended.
    if let Ok(process) = pidfd_open(process, PidfdFlags::empty()) {
        assert!(is_ready(&process), "process {pid} has not ended");
    }
}

/// Waits until a file is ready to be read, and returns false after a minute.
fn is_ready(file: impl AsFd) -> bool {
    let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
    poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&limit)) == Ok(1)
}

/// A FIFO `$TOP/at`, to which a fake cosign writes its process id when it starts.
pub(crate) struct Meeting(File);

impl Meeting {
    /// The script of a fake cosign that writes its process id, and then sleeps.
    pub(crate) const BLOCKED: &'static str = "echo $$ >\"$TOP/at\"; exec sleep 1000";

    /// Creates the FIFO.
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        sandbox.special("at", FileType::Fifo);
        Self(File::options().read(true).write(true).open(sandbox.path("at")).unwrap())
    }

    /// Waits for the fake cosign, and returns its process id.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> String {
        assert!(is_ready(&self.0), "the fake cosign did not start");
        let mut text = [0; 32];
        let length = self.0.read(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    }
}
