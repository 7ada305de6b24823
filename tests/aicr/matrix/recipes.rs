//! `docs/verify-without-aicr.md`: the blocks of shell below `<!-- recipe: NAME -->`, run unchanged,
//! on a good bundle and on bad ones, with every release that they are for.

use std::fs;

use crate::sandbox::{Act, Sandbox, cosigns, repository};
use crate::without_aicr::{dialect, release};

/// The recipe with this name.
fn recipe(name: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/verify-without-aicr.md")).unwrap();
    let marker = format!("<!-- recipe: {name} -->\n```sh\n");
    let (_, rest) = page.split_once(&marker).unwrap_or_else(|| panic!("the page has no {marker}"));
    rest.split_once("```\n").unwrap().0.to_owned()
}

/// A test directory with `release-1.4`, signed, and the public key.
fn prepared(cosign: &std::path::Path) -> Sandbox {
    let sandbox = Sandbox::with_cosign(cosign);
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --output release-1.4 --signing-key cosign.key --tlog-upload=false --quiet")
        .succeeds();
    sandbox
}

/// The recipes that the page has for this release.
fn for_release(cosign: &std::path::Path) -> Vec<&'static str> {
    let version: Vec<u32> =
        release(cosign).trim_start_matches('v').split('.').map_while(|part| part.parse().ok()).collect();
    match dialect(cosign).as_str() {
        "LegacyBundle" => vec!["cosign-2.0-to-2.3"],
        // A build without a version gets the recipe that works with all releases of its dialect.
        "SigningConfig" if version >= vec![3, 0, 5] => vec!["cosign-3", "cosign-2.4-to-3.0.3"],
        _ => vec!["cosign-2.4-to-3.0.3"],
    }
}

#[test]
fn signatures_with_plain_cosign_and_with_openssl() {
    for cosign in cosigns() {
        let recipes = for_release(&cosign);
        let sandbox = prepared(&cosign);
        for name in recipes.into_iter().chain(["openssl"]) {
            let check = || sandbox.shell(&recipe(name)).output();
            let said = check();
            assert!(said.status.success(), "{name} on {}: {said:?}", release(&cosign));
            let all = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
            assert!(all.contains("Verified OK"), "{name} on {}: {all}", release(&cosign));

            // One letter of the manifest.
            let manifest = sandbox.read("release-1.4/checksums.txt");
            sandbox.file("release-1.4/checksums.txt", manifest.replacen('b', "c", 1));
            assert!(!check().status.success(), "{name} on {}: another manifest", release(&cosign));
            sandbox.file("release-1.4/checksums.txt", &manifest);
            // Another key.
            let key = sandbox.read("cosign.pub");
            sandbox.file("cosign.pub", sandbox.read("stranger.pub"));
            assert!(!check().status.success(), "{name} on {}: another key", release(&cosign));
            sandbox.file("cosign.pub", key);
        }
    }
}

/// Neither command prints anything about a good bundle, and one of them about every bad one.
#[test]
fn files_with_sha256sum() {
    let good = prepared(&cosigns()[0]);
    good.shell(&recipe("files")).succeeds();
    let changed = "sha256sum: WARNING: 1 computed checksum did NOT match\n";
    let missing = "sha256sum: sub/b: No such file or directory\n\
        sha256sum: WARNING: 1 listed file could not be read\n";
    let attacks: [(Act, &str, &str); 9] = [
        (|s| s.file("release-1.4/extra", ""), "extra\n", ""),
        (|s| s.file("release-1.4/sub/.hidden", ""), "sub/.hidden\n", ""),
        (|s| s.file("release-1.4/sub/checksums.txt", ""), "sub/checksums.txt\n", ""),
        (|s| s.file("release-1.4/attestation/more", ""), "attestation/more\n", ""),
        (|s| s.link("release-1.4/link", "a"), "link\n", ""),
        (|s| s.file("release-1.4/a\nb", ""), "a\u{1}b\n", ""),
        // Names that look like lines which would cancel each other out.
        (
            |s| s.file("release-1.4/d\n./a", "").file("release-1.4/d\n./sub/b", ""),
            "d\u{1}./a\nd\u{1}./sub/b\n",
            "",
        ),
        (|s| s.file("release-1.4/a", "other\n"), "a: FAILED\n", changed),
        (|s| s.remove("release-1.4/sub/b"), "sub/b: FAILED open or read\nsub/b\n", missing),
    ];
    for (attack, stdout, stderr) in attacks {
        let sandbox = prepared(&cosigns()[0]);
        attack(&sandbox).shell(&recipe("files")).stdout(stdout).stderr(stderr).succeeds();
    }
}
