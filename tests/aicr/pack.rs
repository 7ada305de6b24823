//! `pack`: what it writes, that others unpack it, and what it refuses. `verify_archive.rs` reads what it writes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false --quiet";

/// The report about an archive of the small payload.
pub(crate) fn packed(archive: &str, unpack: &str) -> String {
    format!(
        "packed {archive}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
unpack it with:
  {unpack}
"
    )
}

/// A signed bundle `B` whose names, sizes and times need every part of the form.
fn odd_bundle(sandbox: &Sandbox) {
    let deep = format!("{}/{}", ["d".repeat(90), "e".repeat(60)].join("/"), "f".repeat(99));
    let too_deep = format!("{}/{}", ["d".repeat(90), "e".repeat(90)].join("/"), "f".repeat(99));
    for (name, content) in [
        ("app", "#!/bin/sh\n"),
        ("empty", ""),
        ("name with blanks", "x"),
        ("grüße", "x"),
        (&"n".repeat(100), "100"),
        (&"n".repeat(101), "101"),
        (&deep, "deep"),
        (&too_deep, "too deep"),
        ("block", &"b".repeat(512)),
        ("more", &"m".repeat(513)),
    ] {
        sandbox.file(&format!("dist/{name}"), content);
    }
    sandbox.chmod("dist/app", 0o755);
    for (name, seconds) in [("empty", 0_i64), ("more", -1), ("block", 1 << 34)] {
        let duration = Duration::from_secs(seconds.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        let time = if seconds < 0 { epoch - duration } else { epoch + duration };
        let file = fs::File::options().write(true).open(sandbox.path("dist").join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    let release = "--release-name app --release-version 1.4";
    sandbox.aicr(&format!("bundle dist --output B {release} {SIGN}")).succeeds();
}

#[test]
fn a_bundle_is_packed_into_one_file() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let before = sandbox.tree("");
    sandbox
        .aicr("pack B --output r.tar")
        .stdout(&packed("r.tar", "mkdir r && tar -C r -xf r.tar"))
        .succeeds();
    let mut expected = before.clone();
    expected.push("r.tar".to_owned());
    expected.sort();
    assert_eq!(sandbox.tree(""), expected);
    let metadata = fs::metadata(sandbox.path("r.tar")).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o7777, metadata.len() % 512), (0o644, 0));
    // The same bundle gives the same bytes, a copy of it too.
    sandbox.shell("cp -a B C && aicr pack C --output s.tar -q && cmp r.tar s.tar").succeeds();
    // The printed command works.
    sandbox.shell("mkdir there && mv r.tar there && cd there && mkdir r && tar -C r -xf r.tar").succeeds();
    sandbox
        .shell("diff -r B there/r && cd there/r && sha256sum --check --strict --quiet checksums.txt")
        .succeeds();
}

#[test]
fn the_report_as_json() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let run = sandbox.aicr("pack B --output r.tar --format json");
    let printed = String::from_utf8(run.output().stdout).unwrap();
    let (_, bundles) = printed.split_once("\"bundles\":").unwrap();
    assert_eq!(
        bundles,
        format!(
            r#"[{{"path":"B","verdict":"packed","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[{{"path":"attestation/checksums.txt.sigstore.json","keySha256":"{KEY_SHA256}","identity":null,"issuer":null,"checked":false,"log":"none","timestamp":"none"}}],"archive":{{"volumes":1}},"findings":[],"findingsTotal":0,"error":null,"writtenTo":"r.tar","commands":["mkdir r && tar -C r -xf r.tar"]}}],"error":null}}
"#
        )
    );
}

/// GNU tar, bsdtar, busybox and Python unpack it, with the same files, modes and times.
#[test]
fn other_programs_unpack_it() {
    let sandbox = Sandbox::new();
    odd_bundle(&sandbox);
    sandbox.aicr("pack B --output r.tar -q").succeeds();
    for (name, command) in [
        // Two of the times are odd.
        ("gnu", "tar -C gnu --warning=no-timestamp -xf r.tar"),
        ("bsd", "bsdtar -C bsd -xf r.tar"),
        ("busybox", "busybox tar -C busybox -xf r.tar"),
        ("python", "python3 -c 'import tarfile; tarfile.open(\"r.tar\").extractall(\"python\")' 2>log"),
    ] {
        sandbox.directory(name).shell(&format!("umask 022; {command}")).succeeds();
        assert_eq!(sandbox.tree(name), sandbox.tree("B"), "{name}");
        sandbox
            .shell(&format!("diff -r B {name} && cd {name} && sha256sum -c --quiet checksums.txt"))
            .succeeds();
        for file in ["app", "empty", "checksums.txt", "release.json"] {
            let of = |top: &str| fs::metadata(sandbox.path(top).join(file)).unwrap();
            let (found, expected) = (of(name), of("B"));
            assert_eq!(found.mode(), expected.mode(), "{name} {file}");
            assert_eq!(found.mtime(), expected.mtime(), "{name} {file}");
        }
        sandbox.aicr(&format!("verify {name} --key cosign.pub --insecure-ignore-tlog -q")).succeeds();
    }
    // Other parts of a form that few programs write: GNU tar sees nothing unusual in it.
    sandbox.shell("tar --warning=all -tf r.tar >list").succeeds();
    let names = sandbox.read("list");
    let mut lines = names.lines();
    let first: Vec<&str> = lines.by_ref().take(4).collect();
    let signature = "attestation/checksums.txt.sigstore.json";
    assert_eq!(first, ["checksums.txt", signature, "release.json", "app"]);
}

#[test]
fn a_bundle_is_packed_into_volumes() {
    let sandbox = Sandbox::new();
    let content: Vec<u8> = (0..2_500_000_u32).flat_map(u32::to_le_bytes).take(2_500_000).collect();
    sandbox.file("dist/a", &content).file("dist/b", "x");
    sandbox.aicr(&format!("bundle dist --output B {SIGN}")).succeeds();
    let run = sandbox.aicr("pack B --output r.tar --volume-size 1MB");
    let printed = String::from_utf8(run.output().stdout).unwrap();
    let end = "  3 volumes\nunpack it with:\n  mkdir r && cat r.tar.[0-9]* | tar -C r -xf -\n";
    assert!(printed.ends_with(end), "{printed}");
    let sizes =
        ["001", "002"].map(|number| fs::metadata(sandbox.path(format!("r.tar.{number}"))).unwrap().len());
    assert_eq!(sizes, [1_000_000; 2]);
    sandbox.shell("sha256sum --check --strict --quiet r.tar.sha256").succeeds();
    assert_eq!(sandbox.read("r.tar.sha256").lines().count(), 3);
    // Together, they are the single file.
    sandbox.shell("aicr pack B -o s.tar -q && cat r.tar.[0-9]* | cmp - s.tar").succeeds();
    sandbox.shell("mkdir r && cat r.tar.[0-9]* | tar -C r -xf - && diff -r B r").succeeds();
}

#[test]
fn an_unsigned_bundle_is_packed_with_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    sandbox
        .aicr("pack B --output r.tar")
        .stdout(&format!(
            "packed r.tar\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\nunpack it with:\n  mkdir r && tar -C r -xf r.tar\n"
        ))
        .stderr("warning: B is unsigned: sign it with `aicr bundle-sign` before you pack it\n")
        .succeeds();
}

#[test]
fn only_a_bundle_that_is_its_manifest_is_packed() {
    let sandbox = Sandbox::new();
    sandbox.signed().directory("empty");
    sandbox
        .aicr("pack empty --output r.tar")
        .stdout("rejected empty\n")
        .stderr("error: empty is not a bundle: it has no checksums.txt\nhint: `aicr bundle` makes a bundle\n")
        .exits(5);
    let found = "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87";
    sandbox.file("B/sub/b", "other\n");
    let before = sandbox.tree("");
    let rejected = format!(
        "rejected B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files listed, 12 bytes could be read\n"
    );
    sandbox
        .aicr("pack B --output r.tar")
        .stdout(&format!("{rejected}  changed      sub/b\n    found sha256\n      {found}\n"))
        .stderr("error: B is not what its manifest says: 1 file is wrong\n")
        .exits(5);
    sandbox.file("B/sub/b", "beta\n").file("B/new", "");
    sandbox
        .aicr("pack B --output r.tar")
        .stdout(&format!("{}  unlisted     new\n", rejected.replace("12 bytes", "11 bytes")))
        .stderr("error: B is not what its manifest says: 1 file is wrong\n")
        .exits(5);
    sandbox.remove("B/new");
    assert_eq!(sandbox.tree(""), before);
    // A signature over another manifest.
    sandbox.file("other/c", "").aicr(&format!("bundle other --output O {SIGN}")).succeeds();
    let signature = "attestation/checksums.txt.sigstore.json";
    fs::copy(sandbox.path("O").join(signature), sandbox.path("B").join(signature)).unwrap();
    let signed = sandbox.shell("sha256sum O/checksums.txt | cut -c-64").output().stdout;
    let signed = String::from_utf8(signed).unwrap();
    sandbox
        .aicr("pack B --output r.tar")
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B: checksums.txt was changed after it was signed (SHA-256 {SMALL_SHA256}, signed was {})\n",
            signed.trim()
        ))
        .exits(5);
    // A slash is typed, and printed, once.
    sandbox
        .file("B/attestation/checksums.txt.sigstore.json", "{")
        .aicr("pack B/ --output r.tar -q")
        .stderr(
            "error: B/attestation/checksums.txt.sigstore.json is cut off or damaged\nhint: copy it again\n",
        )
        .exits(5);
    assert!(!sandbox.path("r.tar").exists());
}

#[test]
fn where_an_archive_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("file", "x").file("v.tar.002", "x").directory("full").link("link", "nowhere");
    let before = sandbox.tree("");
    const NAME: &str = "choose another name";
    const FORCE: &str = "choose another name, or add `--force` to replace an existing archive";
    const YOURSELF: &str = "remove it yourself, or choose another name";
    for (line, error, hint) in [
        ("file --output r.tar", "file is not a directory", "give the directory that has checksums.txt"),
        ("none --output r.tar", "none does not exist", ""),
        ("B --output file", "--output: file exists", FORCE),
        (
            "B --output file --force",
            "--force replaces only an archive of aicr, and file is not one",
            YOURSELF,
        ),
        ("B --output full", "--output: full is a directory", NAME),
        ("B --output link --force", "--output: link is a symbolic link", NAME),
        ("B --output none/r.tar", "none does not exist", ""),
        ("B --output B/r.tar", "--output B/r.tar is inside B", "choose a file outside the bundle"),
        ("B --output full/", "--output full/ does not name a file", ""),
        ("B --output v.tar", "--output: v.tar.002 exists", FORCE),
        ("B --output v.tar --volume-size 1GB", "--output: v.tar.002 exists", FORCE),
        (
            "B --output v.tar --volume-size 1GB --force",
            "--force replaces only an archive of aicr, and v.tar.002 is not one",
            YOURSELF,
        ),
    ] {
        let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
        sandbox.aicr(&format!("pack {line}")).stderr(&format!("error: {error}\n{hint}")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{line}");
    }
}

#[test]
fn force_replaces_an_archive() {
    let sandbox = Sandbox::new();
    sandbox.file("dist/a", vec![7; 2_500_000]);
    sandbox.aicr(&format!("bundle dist --output L {SIGN}")).succeeds();
    sandbox.signed().aicr("pack L --output r.tar --volume-size 1MB -q").succeeds();
    sandbox.aicr("pack L --output r.tar --volume-size 1MB -q --force").succeeds();
    // Volumes that the new archive does not have are removed.
    sandbox.aicr("pack B --output r.tar --volume-size 1MB -q --force").succeeds();
    let archives = |sandbox: &Sandbox| -> Vec<String> {
        sandbox
            .tree("")
            .into_iter()
            .filter(|name| name.starts_with("r.tar") || name.contains("staging"))
            .collect()
    };
    assert_eq!(archives(&sandbox), ["r.tar.001", "r.tar.sha256"]);
    sandbox.aicr("pack B --output r.tar -q --force").succeeds();
    assert_eq!(archives(&sandbox), ["r.tar"]);
    sandbox.aicr("pack L --output r.tar -q --force").succeeds();
    sandbox.shell("aicr pack L -o s.tar -q && cmp r.tar s.tar").succeeds();
}

#[test]
fn a_full_medium() {
    let sandbox = Sandbox::new();
    sandbox.file("dist/a", vec![7; 1 << 20]).directory("small");
    sandbox.aicr(&format!("bundle dist --output B {SIGN}")).succeeds();
    let mount = "mount -t tmpfs -o size=512k none small";
    // It is known before.
    let line = format!("{mount} && aicr pack B --output small/r.tar; code=$?; ls -A small; exit $code");
    sandbox
        .program_run(["unshare", "-m", "sh", "-c", &line])
        .stdout("failed B\n")
        .whatever_it_prints()
        .exits(1);
    // Others fill it meanwhile: nothing is left.
    let inject = "strace -f -qq -o trace -e trace=write -e inject=write:error=ENOSPC:when=3+";
    let run = sandbox.shell(&format!("{inject} aicr pack B --output r.tar")).whatever_it_prints();
    run.exits(1);
    assert!(!sandbox.path("r.tar").exists() && !sandbox.path(".r.tar.aicr-staging").exists());
}
