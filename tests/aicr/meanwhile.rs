//! While cosign looks at a signature, the files are read already. Nobody learns what came of that unless cosign
//! accepts the signature, and when it does not, nobody waits for it.

use std::fs::File;

use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, ends, stage};
use crate::interrupted::{has_open, until};
use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox};
use crate::without_aicr::sigstore_bundle;

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";

/// A stage where the manifest of `B` is this one, with a signature that a fake may accept.
fn listing(fake: Fake<'_>, manifest: &str) -> Sandbox {
    let sandbox = stage(fake);
    sandbox.file("B/checksums.txt", manifest).file(SIGNATURE, sigstore_bundle("AAAA", manifest));
    sandbox
}

/// The same where `B` lists a file that takes a quarter of an hour to read, and more.
fn unending(fake: Fake<'_>) -> Sandbox {
    let sandbox = listing(fake, &format!("{SMALL_MANIFEST}{}  unending\n", "0".repeat(64)));
    File::create(sandbox.path("B/unending")).unwrap().set_len(2 << 40).unwrap();
    sandbox
}

#[test]
fn files_are_read() {
    let sandbox = unending(Fake { verify: Meeting::BLOCKED, ..HONEST });
    let mut meeting = Meeting::new(&sandbox);
    let run = sandbox.aicr(VERIFY).stderr("error: interrupted\n");
    let aicr = run.start();
    let cosign = meeting.wait();
    until(|| has_open(&aicr, "unending"));
    kill_process(Pid::from_child(&aicr), Signal::INT).unwrap();
    run.ends(aicr, None);
    ends(&cosign);
}

/// One that does not accept a signature, and what is said then.
const REFUSING: Fake<'_> = Fake { verify: "echo 'no matching signatures' >&2; exit 1", ..HONEST };
const REFUSED: &str = "error: B: cosign does not accept the signature
    no matching signatures
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
";

#[test]
fn what_is_wrong_with_them_is_said_of_accepted_manifests_alone() {
    let malformed = format!("{SMALL_MANIFEST}\n");
    let changed = format!(
        "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 12 bytes could be read
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  changed      a
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
fn nobody_waits_for_them_when_the_signature_is_not_accepted() {
    unending(REFUSING).aicr(VERIFY).stdout("rejected B\n").stderr(REFUSED).exits(5);
}
