//! The recipes of the sheets that `aicr sheet` prints, run as they are printed: on a good bundle and on bad
//! ones, with every release that they are for, with GNU tools and with `BusyBox`. Those in
//! `docs/verify-without-aicr.md` are the same, which [`super::super::docs_generated`] checks.

use std::fs;

use rustix::fs::FileType;

use crate::recipes::recipe;
use crate::sandbox::{Act, KEY_SHA256, Run, SMALL_SHA256, Sandbox, cosigns};
use crate::without_aicr::{dialect, release};

/// A test directory with `release-1.4`, signed, the public key, and the sheet of both.
fn prepared(cosign: &std::path::Path) -> Sandbox {
    let sandbox = Sandbox::with_cosign(cosign);
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --output release-1.4 --signing-key cosign.key --tlog-upload=false --quiet")
        .succeeds();
    sandbox.aicr("sheet release-1.4 --key cosign.pub --output sheet.md --quiet").succeeds();
    sandbox
}

/// The recipes for this release.
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
            let check = || sandbox.shell(&recipe(&sandbox, name)).output();
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
            sandbox.file("cosign.pub", sandbox.read("other.pub"));
            assert!(!check().status.success(), "{name} on {}: another key", release(&cosign));
            sandbox.file("cosign.pub", key);
        }
    }
}

/// `BusyBox` has its own `sh`, `find`, `sed`, `sort` and `sha256sum`, with fewer flags.
const BUSYBOX: &str = "for tool in $(busybox --list); do ln -s /bin/busybox bb/$tool; done; \
    ln -sf $(command -v openssl) bb/openssl; ln -sf $(command -v cosign) bb/cosign";

/// A test directory with the tools of `BusyBox` in `bb`.
fn with_busybox_tools(cosign: &std::path::Path) -> Sandbox {
    let sandbox = prepared(cosign);
    sandbox.directory("bb").shell(BUSYBOX).whatever_it_prints().succeeds();
    sandbox
}

/// A recipe with the tools of `BusyBox` only.
fn with_busybox<'a>(sandbox: &'a Sandbox, recipe: &str) -> Run<'a> {
    let tools = sandbox.path("bb");
    let tools = tools.to_str().unwrap();
    sandbox.program_run([&format!("{tools}/sh"), "-c", recipe]).env("PATH", tools)
}

#[test]
fn signatures_with_busybox() {
    for cosign in cosigns() {
        let sandbox = with_busybox_tools(&cosign);
        for name in for_release(&cosign).into_iter().chain(["openssl"]) {
            let said = with_busybox(&sandbox, &recipe(&sandbox, name)).output();
            let all = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
            assert!(
                said.status.success() && all.contains("Verified OK"),
                "{name} on {}: {all}",
                release(&cosign)
            );
        }
    }
}

/// Moves a file or directory of the bundle away, and puts a link to it in its place.
fn linked<'a>(sandbox: &'a Sandbox, name: &str) -> &'a Sandbox {
    let place = format!("release-1.4/{name}");
    fs::rename(sandbox.path(&place), sandbox.path("aside")).unwrap();
    sandbox.link(&place, "../aside")
}

/// No command prints anything about a good bundle, and at least one of them about every bad one.
#[test]
fn files_with_sha256sum() {
    let good = with_busybox_tools(&cosigns()[0]);
    let recipe = recipe(&good, "files");
    good.shell(&recipe).succeeds();
    with_busybox(&good, &recipe).succeeds();
    good.aicr("bundle-sign release-1.4 --add --signing-key other.key --tlog-upload=false -q").succeeds();
    good.shell(&recipe).succeeds();
    with_busybox(&good, &recipe).succeeds();
    let attacks: [(Act, &str); 17] = [
        (|s| s.file("release-1.4/extra", ""), "extra\n"),
        (|s| s.file("release-1.4/sub/.hidden", ""), "sub/.hidden\n"),
        (|s| s.file("release-1.4/sub/checksums.txt", ""), "sub/checksums.txt\n"),
        (|s| s.file("release-1.4/attestation/more", ""), "attestation/more\n"),
        // Almost the name of a further signature.
        (
            |s| s.file("release-1.4/attestation/checksums.txt.0123456789abcdeg.sigstore.json", ""),
            "attestation/checksums.txt.0123456789abcdeg.sigstore.json\n",
        ),
        (
            |s| s.file("release-1.4/x/attestation/checksums.txt.0123456789abcdef.sigstore.json", ""),
            "x/attestation/checksums.txt.0123456789abcdef.sigstore.json\n",
        ),
        (|s| s.link("release-1.4/link", "a"), "./link\nlink\n"),
        // A listed file, and the directory of one, that became a link to the same content.
        (|s| linked(s, "a"), "./a\n"),
        (|s| linked(s, "sub"), "./sub\nsub\nsub/b\n"),
        (|s| s.special("release-1.4/fifo", FileType::Fifo), "./fifo\nfifo\n"),
        // Control characters: in a file, in an empty directory, and as 8-bit controls of a terminal.
        (|s| s.file("release-1.4/a\nb", ""), "./a?b\n"),
        (|s| s.directory("release-1.4/d\u{1b}[2K"), "./d?[2K\n"),
        (|s| s.file("release-1.4/\u{9b}2K", ""), "??2K\n"),
        // Two names that become the same line, and names that spell the lines of other names.
        (|s| s.file("release-1.4/evil\nx", "").file("release-1.4/evil\u{1}x", ""), "./evil?x\n./evil?x\n"),
        (|s| s.file("release-1.4/d\n./a", "").file("release-1.4/d\n./sub/b", ""), "./d?.\n"),
        (|s| s.file("release-1.4/a", "other\n"), "a: FAILED\n"),
        (|s| s.remove("release-1.4/sub/b"), "sub/b: FAILED open or read\nsub/b\n"),
    ];
    good.shell("cp -a release-1.4 good").succeeds();
    for (attack, found) in attacks {
        good.shell("rm -rf release-1.4 aside && cp -a good release-1.4").succeeds();
        attack(&good);
        let gnu = good.shell(&recipe).output();
        let busybox = with_busybox(&good, &recipe).output();
        // BusyBox has fewer words for a file that is missing.
        for (said, found) in [(gnu, found.to_owned()), (busybox, found.replace(" open or read", ""))] {
            let text = String::from_utf8(said.stdout).unwrap();
            // The rest may be misled by control characters, which is why they are looked for first.
            let is_found = if found.contains('?') { text.starts_with(&found) } else { text == found };
            assert!(is_found, "{text:?}, expected {found:?}");
        }
    }
}

/// The values at the top of a sheet are those that the tools of a receiver print.
#[test]
fn values_and_aicr() {
    let sandbox = with_busybox_tools(&cosigns()[0]);
    let values = recipe(&sandbox, "values");
    let key: Vec<&str> = (0..64).step_by(4).map(|at| &KEY_SHA256[at..at + 4]).collect();
    let expected = format!("{}   -\n{SMALL_SHA256}  release-1.4/checksums.txt\n", key.join(" "));
    for run in [sandbox.shell(&values), with_busybox(&sandbox, &values)] {
        run.stdout(&expected).succeeds();
    }
    let sheet = sandbox.read("sheet.md");
    let words = sheet.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&key.join(" ")) && words.contains(SMALL_SHA256), "{sheet}");
    let accepted = sandbox.shell(&recipe(&sandbox, "aicr")).whatever_it_prints().succeeds();
    assert!(accepted.stdout.starts_with(b"accepted release-1.4\n"));
}

/// Names that a shell would take apart.
#[test]
fn names_with_blanks() {
    let sandbox = prepared(&cosigns()[0]);
    sandbox
        .shell("mv release-1.4 \"it's  a release\"; mv cosign.pub './-my key.pub'; rm sheet.md")
        .succeeds();
    let sheet = ["sheet", "it's  a release", "--key=./-my key.pub", "-o=sheet.md", "-q"];
    sandbox.aicr_with(sheet).succeeds();
    let mut names = for_release(&cosigns()[0]);
    names.extend(["openssl", "values", "aicr", "files"]);
    for name in names {
        let run = sandbox.shell(&recipe(&sandbox, name)).whatever_it_prints().succeeds();
        let all = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        assert!(name != "files" || all.is_empty(), "{all}");
    }
}
