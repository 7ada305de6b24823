//! A cosign that is only `sh`: it answers as a release does, and does what a test says.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, STRANGER_SHA256, Sandbox, repository};
use crate::without_aicr::{key_hint, sigstore_bundle};

/// The signature of the bundle `B`.
pub(crate) const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";

/// What a fake does.
#[derive(Clone, Copy)]
pub(crate) struct Fake<'a> {
    /// The release whose help it prints.
    pub(crate) release: &'a str,
    /// Its `public-key`.
    pub(crate) public_key: &'a str,
    /// Its `sign-blob`; `$BUNDLE` is what it has to write, `$TOP/good` what would be right
    /// for the tree `dist`, and `$TOP` the stage.
    pub(crate) sign: &'a str,
    /// Its `verify-blob`.
    pub(crate) verify: &'a str,
}

/// One that does everything right.
pub(crate) const HONEST: Fake<'_> = Fake {
    release: "v3.1.3",
    public_key: "cat \"$TOP/cosign.pub\"",
    sign: "cp \"$TOP/good\" \"$BUNDLE\"",
    verify: "exit 0",
};

/// A stage with this cosign, the tree `dist`, and a bundle `B` of it that a stranger has signed.
pub(crate) fn stage(fake: Fake<'_>) -> Sandbox {
    let Fake { release, public_key, sign, verify } = fake;
    let sandbox = Sandbox::new();
    let good = sigstore_bundle("AAAA", SMALL_MANIFEST);
    let stranger = good.replace(&key_hint(KEY_SHA256), &key_hint(STRANGER_SHA256));
    sandbox.unsigned().file("good", good).file(SIGNATURE, stranger);
    let help = repository().join("fixtures/cosign").join(release).join("sign-blob-help.txt");
    sandbox.program(
        "bin/cosign",
        &format!(
            "PATH=/usr/bin:/bin TOP=${{0%/bin/*}}
             for BLOB; do case $BLOB in --bundle=*) BUNDLE=${{BLOB#*=}} ;; esac; done
             case $1 in
             version) echo 'GitVersion: {release}' ;;
             public-key) {public_key} ;;
             sign-blob) [ \"$2\" != --help ] || exec cat '{}'
             {sign} ;;
             verify-blob) {verify} ;;
             esac",
            help.display()
        ),
    );
    sandbox
}

/// The process with this id has ended, or does so now.
#[track_caller]
pub(crate) fn ends(pid: &str) {
    let process = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    // A process that is not there any more has no descriptor; that of one which has ended is ready.
    if let Ok(process) = pidfd_open(process, PidfdFlags::empty()) {
        assert!(is_ready(&process), "{pid} is still there");
    }
}

/// Whether something is to be read, waiting for it as long as anybody would.
fn is_ready(file: impl AsFd) -> bool {
    let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
    poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&limit)) == Ok(1)
}

/// A place on the stage where a fake is met: it writes its process id to `$TOP/at`.
pub(crate) struct Meeting(File);

impl Meeting {
    /// What a fake does that is met and then does no more.
    pub(crate) const BLOCKED: &'static str = "echo $$ >\"$TOP/at\"; exec sleep 1000";

    /// Prepares the place.
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        sandbox.special("at", FileType::Fifo);
        Self(File::options().read(true).write(true).open(sandbox.path("at")).unwrap())
    }

    /// Waits for the fake, and gives its process id.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> String {
        assert!(is_ready(&self.0), "nobody came");
        let mut said = [0; 32];
        let length = self.0.read(&mut said).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap()
    }
}
