//! `verify` reads the files while cosign checks the signature. It reports what it has found only if cosign accepts
//! the signature. If cosign does not, `verify` does not wait for the files.

use std::fs::File;

use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, ends, fake_sandbox};
use crate::interrupted::{has_open, until};
use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox};
use crate::without_aicr::sigstore_bundle;

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";

/// A test directory where `B` has this manifest, and a signature that a fake cosign may accept.
fn listing(fake: Fake<'_>, manifest: &str) -> Sandbox {
    let sandbox = fake_sandbox(fake);
    sandbox.file("B/checksums.txt", manifest).file(SIGNATURE, sigstore_bundle("AAAA", manifest));
    sandbox
}

/// A test directory where `B` also lists a file that takes a quarter of an hour to read.
fn with_endless_file(fake: Fake<'_>) -> Sandbox {
    let sandbox = listing(fake, &format!("{SMALL_MANIFEST}{}  unending\n", "0".repeat(64)));
    File::create(sandbox.path("B/unending")).unwrap().set_len(2 << 40).unwrap();
    sandbox
}

#[test]
fn files_are_read_while_cosign_runs() {
    let sandbox = with_endless_file(Fake { verify: Meeting::BLOCKED, ..HONEST });
    let mut meeting = Meeting::new(&sandbox);
    let run = sandbox.aicr(VERIFY).stderr("error: interrupted\n");
    let aicr = run.start();
    let cosign = meeting.wait();
    until(|| has_open(&aicr, "unending"));
    kill_process(Pid::from_child(&aicr), Signal::INT).unwrap();
    run.ends(aicr, None);
    ends(&cosign);
}

/// A cosign that does not accept the signature, and the error.
const REFUSING: Fake<'_> = Fake { verify: "echo 'no matching signatures' >&2; exit 1", ..HONEST };
const REFUSED: &str = "error: B: cosign does not accept the signature
    no matching signatures
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
";

#[test]
fn findings_are_reported_only_if_the_signature_is_accepted() {
    let malformed = format!("{SMALL_MANIFEST}\n");
    let found = "d67e2e944994496c8d8ec76eed0cf9f09679448d584b532bebf941852a37f5ed";
    let changed = format!(
        "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 12 bytes could be read
  signature accepted
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  changed      a
    found sha256
      {found}
"
    );
    for (manifest, stdout, stderr) in [
        (
            malformed.as_str(),
            "rejected B\n",
            "error: B/checksums.txt: line 3 is blank\nhint: get the bundle again from where it came from\n",
        ),
        (SMALL_MANIFEST, changed.as_str(), "error: B is not what its manifest says: 1 file is wrong\n"),
    ] {
        let sandbox = listing(HONEST, manifest);
        sandbox.file("B/a", "changed").aicr(VERIFY).stdout(stdout).stderr(stderr).exits(5);
        let sandbox = listing(REFUSING, manifest);
        sandbox.file("B/a", "changed").aicr(VERIFY).stdout("rejected B\n").stderr(REFUSED).exits(5);
    }
}

#[test]
fn verify_does_not_wait_for_files_if_the_signature_is_not_accepted() {
    with_endless_file(REFUSING).aicr(VERIFY).stdout("rejected B\n").stderr(REFUSED).exits(5);
}
