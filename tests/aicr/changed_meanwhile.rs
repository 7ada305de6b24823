//! A40, A41: another program changes the files while they are copied or signed. What is published is what
//! was written; otherwise it is exit 1, and nothing is published.

use crate::sandbox::{Sandbox, UNSIGNED};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// A bundle or an input at `dist`, and a cosign that does this before it signs.
fn with_cosign_that(change: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let script = format!(
        "case \"$*\" in *--help*) ;; sign-blob*) PATH=/usr/bin:/bin; cd \"${{0%/bin/*}}\" && {{ {change}; }} ;; esac
         exec \"$REAL\" \"$@\""
    );
    sandbox.fake_cosign(&script);
    sandbox
}

#[test]
fn a_bundle_that_changes_while_it_is_signed_is_not_signed() {
    for (change, what) in [
        ("rm dist/a", Some("a was removed")),
        ("echo >dist/sub/c", Some("sub/c was added")),
        ("echo more >>dist/sub/b", Some("sub/b has another size")),
        ("ln -s a dist/link", Some("link was added")),
        ("echo x >>dist/checksums.txt", Some("checksums.txt is not the same")),
        ("mkdir -p dist/attestation && echo x >dist/attestation/checksums.txt.sigstore.json", {
            Some("attestation/checksums.txt.sigstore.json is not the same")
        }),
        ("mkdir dist/empty", None),
    ] {
        for in_place in [true, false] {
            let sandbox = with_cosign_that(change);
            let words = if in_place {
                format!("bundle dist --in-place --quiet {SIGN}")
            } else {
                sandbox.aicr("bundle dist --in-place --quiet").stderr(UNSIGNED).succeeds();
                format!("bundle-sign dist --quiet {SIGN}")
            };
            let run = sandbox.aicr(&words);
            let Some(what) = what else {
                run.succeeds();
                continue;
            };
            run.stderr(&format!(
                "error: dist changed while it was being signed: {what}
hint: find the program that changes it, and run aicr again without it
"
            ))
            .exits(1);
            let signature = sandbox.path("dist/attestation/checksums.txt.sigstore.json");
            assert!(
                std::fs::read_to_string(signature).is_ok_and(|text| text == "x\n")
                    == what.contains("sigstore")
            );
            assert!(!sandbox.path(".dist.aicr-staging").exists());
        }
    }
}

#[test]
fn a_copy_that_changes_while_it_is_signed_is_not_published() {
    for (change, what) in [
        ("rm -r .B.aicr-staging/bundle/sub", "sub/b was removed"),
        ("echo x >.B.aicr-staging/bundle/x", "x was added"),
        ("echo x >.B.aicr-staging/bundle/checksums.txt", "checksums.txt is not the same"),
        ("rm -r .B.aicr-staging", "checksums.txt is not the same"),
    ] {
        let sandbox = with_cosign_that(change);
        let run = sandbox.aicr(&format!("bundle dist --output B --quiet {SIGN}"));
        if change == "rm -r .B.aicr-staging" {
            run.whatever_it_prints().exits(1);
        } else {
            run.stderr(&format!(
                "error: B changed while it was being signed: {what}
hint: find the program that changes it, and run aicr again without it
"
            ))
            .exits(1);
        }
        for name in ["B", ".B.aicr-staging"] {
            assert!(!sandbox.path(name).exists(), "{change}: {name}");
        }
    }
}
