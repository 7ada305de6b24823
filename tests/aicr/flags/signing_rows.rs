//! The rows of the signing table that are valid: those that give a bundle, and those that wait for a
//! release that does them. Beside `signing`, which has what is refused.

use super::{line, stage};
use crate::scene::Scene;

/// The rows of the table that are valid but wait for a release that does them: the line that warns
/// of an upload comes all the same, and nothing is made.
#[test]
fn what_is_valid_and_not_supported_yet() {
    let scene = stage();
    let before = scene.tree("");
    let public = "notice: the signature goes to the transparency log at rekor.sigstore.dev: public and permanent; --tlog-upload=false keeps it out";
    let log = "error: signing with a transparency log (--tlog-upload=true, the default) is not supported yet
hint: add --tlog-upload=false to sign offline, with the key alone";
    let keyless = "error: keyless signing (--keyless) is not supported yet
hint: name a key with --signing-key, and add --tlog-upload=false";
    for (words, stderr) in [
        ("bundle dist -o out --signing-key cosign.key", format!("{public}\n{log}")),
        ("bundle dist -o out --signing-key cosign.key --quiet", format!("{public}\n{log}")),
        ("bundle dist -o out --signing-key cosign.key --tlog-upload --dry-run", format!("{public}\n{log}")),
        ("AICR_SIGNING_KEY=cosign.key AICR_TLOG_UPLOAD=true bundle-sign B", format!("{public}\n{log}")),
        (
            "AICR_TLOG_UPLOAD=false bundle-sign B --tlog-upload=true --signing-key cosign.key",
            format!("{public}\n{log}"),
        ),
        (
            "bundle-sign B --signing-key cosign.key --rekor-url http://127.0.0.1:3000 --trusted-root r.json",
            format!("notice: the signature goes to the transparency log at 127.0.0.1:3000\n{log}"),
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config c.json --trusted-root r.json",
            format!("notice: the signature goes to the transparency log that `c.json` names\n{log}"),
        ),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload=false --timestamp-server-url https://t.example --trusted-root r.json",
            "error: signing with a timestamp (--timestamp-server-url) is not supported yet
hint: leave out --timestamp-server-url and --trusted-root"
                .to_owned(),
        ),
        (
            "bundle dist -o out --attest --identity-token t",
            format!("{public} (with --signing-key)\n{keyless}"),
        ),
        (
            "SIGSTORE_ID_TOKEN=t bundle dist -o out --keyless",
            format!("{public} (with --signing-key)\n{keyless}"),
        ),
    ] {
        line(&scene, words).stderr(&format!("{stderr}\n")).exits(2);
        assert_eq!(scene.tree(""), before, "{words}");
    }
}

/// What stands beside the refusals: nearly the same lines, which are fine.
#[test]
fn lines_that_give_an_unsigned_bundle() {
    for words in [
        "bundle dist -o out",
        "AICR_TLOG_UPLOAD=false bundle dist -o out",
        "bundle dist -o out --tlog-upload=true",
        "bundle dist -o out --tlog-upload",
        "AICR_SIGNING_KEY=cosign.key bundle dist -o out --no-sign",
        "AICR_SIGNING_KEY= AICR_TLOG_UPLOAD=x bundle dist -o out --no-sign",
    ] {
        let scene = stage();
        line(&scene, words)
            .stdout(
                "built out
  manifest sha256 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8
  2 files, 11 bytes
sign it with:
  aicr bundle-sign out --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
",
            )
            .succeeds();
        assert!(!scene.path("started").exists(), "{words}: an unsigned bundle needs no cosign");
    }
}

#[test]
fn lines_that_give_a_signed_bundle() {
    for words in [
        "bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "AICR_SIGNING_KEY=cosign.key AICR_TLOG_UPLOAD=false bundle dist -o out -q",
        "AICR_SIGNING_KEY=stranger.key bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "AICR_TLOG_UPLOAD=true bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "bundle dist false -o out -q --signing-key cosign.key --tlog-upload=false",
    ] {
        let scene = Scene::new();
        scene.small_dist().file("false/c", "gamma\n");
        line(&scene, words).succeeds();
        line(&scene, "verify out -q --key cosign.pub --insecure-ignore-tlog").succeeds();
    }
}
