//! A cosign that is only `sh`: it answers as a release does, and does what a test says.

use crate::by_hand::{key_hint, sigstore_bundle};
use crate::scene::{KEY_SHA256, SMALL_MANIFEST, STRANGER_SHA256, Scene, repository};

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
pub(crate) fn stage(fake: Fake<'_>) -> Scene {
    let Fake { release, public_key, sign, verify } = fake;
    let scene = Scene::new();
    let good = sigstore_bundle("AAAA", SMALL_MANIFEST);
    let stranger = good.replace(&key_hint(KEY_SHA256), &key_hint(STRANGER_SHA256));
    scene.unsigned().file("good", good).file(SIGNATURE, stranger);
    let help = repository().join("fixtures/cosign").join(release).join("sign-blob-help.txt");
    scene.program(
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
    scene
}
