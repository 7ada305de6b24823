//! A cosign that breaks, returns wrong results, hangs or is another program. It is a few lines of
//! `sh`: a real cosign cannot be made to do these things. After each test there is no output and no
//! leftover file, and the old signature still exists.

mod controls;
mod ends;
mod found;
mod hangs;
mod writes;

use crate::fake::{Fake, SIGNATURE, fake_sandbox};
use crate::sandbox::SMALL_MANIFEST;
use crate::without_aicr::sigstore_bundle;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// `bundle` and `bundle-sign --force` with this cosign fail with this message, and change nothing.
#[track_caller]
fn fails(fake: Fake<'_>, stderr: &str, code: i32) {
    let sandbox = fake_sandbox(fake);
    let before = (sandbox.tree(""), sandbox.read(SIGNATURE));
    for words in ["bundle dist --output C", "bundle-sign B --force"] {
        sandbox.aicr(&format!("{words} {SIGN} --timeout 20s")).stderr(stderr).exits(code);
        let unfinished = |name: &String| !name.starts_with("left/");
        let after: Vec<String> = sandbox.tree("").into_iter().filter(unfinished).collect();
        assert_eq!((after, sandbox.read(SIGNATURE)), before, "{}", fake.sign);
    }
}

/// Both commands succeed, and print nothing of cosign's output.
#[track_caller]
fn succeeds(fake: Fake<'_>) {
    let sandbox = fake_sandbox(fake);
    for (words, path) in [("bundle dist --output C", "C"), ("bundle-sign B --force", "B")] {
        sandbox.aicr(&format!("{words} {SIGN} --quiet --timeout 20s")).succeeds();
        assert_eq!(
            sandbox.read(&format!("{path}/attestation/checksums.txt.sigstore.json")),
            sigstore_bundle("AAAA", SMALL_MANIFEST)
        );
    }
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}
