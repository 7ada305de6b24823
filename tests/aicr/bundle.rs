//! What `bundle` creates and prints: the tree, its modes and times, the manifest, and the last
//! line.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, UNIX_EPOCH};

use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox, UNSIGNED};

/// The names, modes, times and contents of everything in a directory.
fn everything(sandbox: &Sandbox, relative: &str) -> Vec<(String, u32, i64, i64, Vec<u8>)> {
    let look = |name: String| {
        let path = sandbox.path(relative).join(&name);
        let metadata = fs::symlink_metadata(&path).unwrap();
        // The manifest and the directories have the time of the run.
        let kept = metadata.is_file() && name != "checksums.txt";
        let (seconds, fraction) = if kept { (metadata.mtime(), metadata.mtime_nsec()) } else { (0, 0) };
        let content = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        (name, metadata.permissions().mode() & 0o7777, seconds, fraction, content)
    };
    sandbox.tree(relative).into_iter().map(look).collect()
}

#[test]
fn the_last_line_says_that_a_bundle_is_unsigned() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --output B")
        .stdout(&format!(
            "built B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
sign it with:
  aicr bundle-sign B --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
"
        ))
        .succeeds();
    assert_eq!(sandbox.tree("B"), ["a", "checksums.txt", "sub/", "sub/b"]);
    assert_eq!(sandbox.read("B/checksums.txt"), SMALL_MANIFEST);
    sandbox
        .program_run(["sha256sum", "--check", "--strict", "checksums.txt"])
        .within("B")
        .stdout("a: OK\nsub/b: OK\n")
        .succeeds();
    sandbox.aicr("bundle dist --output quiet --quiet").stderr(UNSIGNED).succeeds();
    sandbox
        .aicr("bundle dist --output C --no-sign")
        .env("AICR_SIGNING_KEY", "")
        .whatever_it_prints()
        .succeeds();
    assert_eq!(everything(&sandbox, "C"), everything(&sandbox, "B"));
}

#[test]
fn a_signed_bundle_comes_with_a_command_that_verifies_it() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let signed = |path: &str, command: &str| {
        format!(
            "signed {path}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
verify it with:
  {command}
"
        )
    };
    let accepted = |path: &str| {
        format!(
            "accepted {path}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
"
        )
    };
    let key = sandbox.read("cosign.key");
    for (path, reference, out, export, verify) in [
        ("B", "cosign.key", None, "--key=cosign.key --outfile=B.pub", "B --key B.pub"),
        ("B2/", "./cosign.key", None, "--key=./cosign.key --outfile=B2.pub", "B2/ --key B2.pub"),
        (
            "it's new",
            "cosign.key",
            None,
            "--key=cosign.key --outfile=\"it's new.pub\"",
            "\"it's new\" --key \"it's new.pub\"",
        ),
        ("-x", "cosign.key", None, "--key=cosign.key --outfile=-x.pub", "./-x --key ./-x.pub"),
        (
            "dist/../B5",
            "cosign.key",
            None,
            "--key=cosign.key --outfile=dist/../B5.pub",
            "dist/../B5 --key dist/../B5.pub",
        ),
        ("B3", "env://KEY", None, "--key=env://KEY --outfile=B3.pub", "B3 --key B3.pub"),
        ("B4", "cosign.key", Some("the key.pub"), "", "B4 --key 'the key.pub'"),
    ] {
        let mut words = vec!["bundle", "dist", "--tlog-upload=false", "--signing-key", reference];
        words.extend(out.into_iter().flat_map(|out| ["--public-key-out", out]));
        let output = format!("--output={path}");
        words.push(&output);
        let mut command = format!("aicr verify {verify} --insecure-ignore-tlog");
        if !export.is_empty() {
            command = format!("{{root}}/bin/cosign public-key {export} && {command}");
        }
        let run = sandbox.aicr_with(words).env("KEY", &key);
        let output = run.stdout(&signed(path, &command)).succeeds();
        assert_eq!(
            sandbox.tree(path),
            [
                "a",
                "attestation/",
                "attestation/checksums.txt.sigstore.json",
                "checksums.txt",
                "sub/",
                "sub/b"
            ]
        );
        let stdout = String::from_utf8(output.stdout).unwrap();
        let command = stdout.lines().last().unwrap();
        let verified = verify.split(" --key").next().unwrap().trim_matches('"');
        let written = match out {
            Some(_) => String::new(),
            None => format!(
                "Public key written to {}\n",
                export.split("--outfile=").nth(1).unwrap().trim_matches('"')
            ),
        };
        sandbox.shell(command).env("KEY", &key).stdout(&accepted(verified)).stderr(&written).succeeds();
    }
}

#[test]
fn json_has_the_same_facts_as_the_text() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --output B --format json")
        .stdout(&format!(
            "{{\"schemaVersion\":1,\"command\":\"bundle\",\"exit\":0,\"cosign\":null,\"bundles\":[{{\"path\":\"B\",\
             \"verdict\":\"unsigned\",\"manifest\":{{\"sha256\":\"{SMALL_SHA256}\",\"files\":2,\"bytes\":11}},\
             \"signatures\":[],\"findings\":[],\"findingsTotal\":0,\"error\":null,\
             \"commands\":[\"aicr bundle-sign B --signing-key REF --tlog-upload=false\"]}}],\"error\":null}}\n"
        ))
        .succeeds();
    sandbox
        .aicr("bundle dist --output B --format json")
        .stdout(
            "{\"schemaVersion\":1,\"command\":\"bundle\",\"exit\":2,\"cosign\":null,\"bundles\":[],\
             \"error\":{\"exit\":2,\"message\":\"--output B exists and is not empty\",\"cosign\":null,\
             \"hint\":\"choose another name, or add `--force` to replace an existing bundle\"}}\n",
        )
        .stderr(
            "error: --output B exists and is not empty
hint: choose another name, or add `--force` to replace an existing bundle
",
        )
        .exits(2);
    let signed = sandbox
        .aicr("bundle dist --output S --signing-key cosign.key --tlog-upload=false --public-key-out k.pub --format json")
        .whatever_it_prints()
        .succeeds();
    let report: serde_json::Value = serde_json::from_slice(&signed.stdout).unwrap();
    assert_eq!(report["cosign"]["path"], sandbox.path("bin/cosign").to_str().unwrap());
    assert_eq!(
        report["bundles"][0],
        serde_json::json!({
            "path": "S",
            "verdict": "signed",
            "manifest": { "sha256": SMALL_SHA256, "files": 2, "bytes": 11 },
            "signatures": [{
                "path": "attestation/checksums.txt.sigstore.json",
                "keySha256": KEY_SHA256,
                "identity": null,
                "issuer": null,
                "checked": true,
                "log": "none",
                "timestamp": "none",
            }],
            "findings": [],
            "findingsTotal": 0,
            "error": null,
            "commands": ["aicr verify S --key k.pub --insecure-ignore-tlog"],
        })
    );
}

#[test]
fn several_inputs_are_combined() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("other/sub/c", "").file("other/.hidden", "").file("x/notes.txt", "");
    sandbox.aicr("bundle dist/ other ./x/notes.txt --output B --quiet").stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.tree("B"), [".hidden", "a", "checksums.txt", "notes.txt", "sub/", "sub/b", "sub/c"]);
    sandbox.aicr("bundle . --output ../C --quiet").within("dist").stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.read("C/checksums.txt"), SMALL_MANIFEST);
}

#[test]
fn files_get_one_of_two_modes_and_keep_their_times() {
    let sandbox = Sandbox::new();
    let when = UNIX_EPOCH + Duration::new(1_000_000_007, 123_456_789);
    for mode in [0o400, 0o600, 0o644, 0o666, 0o700, 0o711, 0o755, 0o777, 0o100, 0o611] {
        let name = format!("dist/d/{mode:o}");
        sandbox.file(&name, "x").chmod(&name, mode);
        fs::File::open(sandbox.path(&name)).unwrap().set_modified(when).unwrap();
    }
    sandbox.chmod("dist/d", 0o700);
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    for entry in everything(&sandbox, "B").into_iter().filter(|(name, ..)| name.starts_with("d/")) {
        let (name, mode, seconds, fraction, _) = entry;
        if name == "d/" {
            assert_eq!(mode, 0o755);
            continue;
        }
        let before = u32::from_str_radix(&name[2..], 8).unwrap();
        assert_eq!(mode, if before & 0o100 == 0 { 0o644 } else { 0o755 }, "{name}");
        assert_eq!((seconds, fraction), (1_000_000_007, 123_456_789), "{name}");
    }
}

#[test]
fn the_same_input_gives_the_same_tree() {
    let sandbox = Sandbox::new();
    for number in 0..40 {
        sandbox.file(&format!("dist/{}/{number}", number % 7), vec![b'x'; number * 1000]);
    }
    sandbox.chmod("dist/3/3", 0o700).chmod("dist/5", 0o700);
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    let first = everything(&sandbox, "B");
    assert_eq!(fs::metadata(sandbox.path("B")).unwrap().mode() & 0o7777, 0o755);
    for line in [
        "aicr bundle dist --output C --quiet --jobs 1",
        "aicr bundle dist --output C --quiet --jobs 16",
        "umask 0777; aicr bundle dist --output C --quiet",
        "umask 0; aicr bundle dist --output C --quiet",
        "umask 0277; aicr bundle dist --output C --quiet",
        "aicr bundle dist/ ./dist/../dist --output C --quiet 2>/dev/null || aicr bundle \"$PWD/dist\" --output C --quiet",
    ] {
        sandbox.shell(line).stderr(UNSIGNED).succeeds();
        assert_eq!(everything(&sandbox, "C"), first, "{line}");
        assert_eq!(fs::metadata(sandbox.path("C")).unwrap().mode() & 0o7777, 0o755, "{line}");
        fs::remove_dir_all(sandbox.path("C")).unwrap();
    }
}

#[test]
fn a_dry_run_shows_what_would_be_done_and_does_nothing() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let before = sandbox.tree("");
    sandbox
        .aicr("bundle dist --output B --dry-run")
        .stdout("dry run: would write B\n  2 files, 11 bytes\n")
        .succeeds();
    let signed = "bundle dist --output B --dry-run --signing-key cosign.key --tlog-upload=false";
    let command =
        sandbox.aicr(&format!("{signed} --quiet --public-key-out k.pub")).whatever_it_prints().succeeds();
    let command = String::from_utf8(command.stdout).unwrap();
    assert_eq!(command.lines().count(), 1, "{command}");
    for part in
        [" sign-blob ", "cosign.key ", "--bundle=PRIVATE_DIRECTORY/", "COSIGN_PASSWORD=\"$COSIGN_PASSWORD\""]
    {
        assert!(command.contains(part), "{command}");
    }
    sandbox
        .aicr(signed)
        .stdout(
            &format!("dry run: would write B\n  2 files, 11 bytes\n  {command}")
                .replace(sandbox.path("").to_str().unwrap(), "{root}/"),
        )
        .succeeds();
    assert_eq!(sandbox.tree(""), before);
}

#[test]
fn a_dry_run_refuses_what_the_run_would() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("full/x", "").link("l", "nowhere");
    for words in [
        "bundle dist --output full",
        "bundle dist --output l",
        "bundle dist --output dist/x",
        "bundle dist l --output B",
        "bundle dist --output B --signing-key nothing --tlog-upload=false",
        "bundle dist --output B --signing-key cosign.pub --tlog-upload=false",
        "bundle dist --output B --signing-key cosign.key --tlog-upload=false --public-key-out other.pub",
        "bundle-sign dist --signing-key cosign.key --tlog-upload=false",
    ] {
        let real = sandbox.aicr(words).output();
        let dry = sandbox.aicr(&format!("{words} --dry-run")).output();
        assert_ne!(real.status.code(), Some(0), "{words}");
        assert_eq!(dry, real, "{words}");
    }
}

#[test]
fn cosign_is_started_only_for_what_needs_it() {
    let sandbox = Sandbox::new();
    sandbox
        .small_dist()
        .program("bin/cosign", "echo \"$*\" >>\"${0%/*}/../calls\"; exec \"${0%/*}/../real\" \"$@\"");
    sandbox.link("real", sandbox.cosign());
    let calls = |words: &str| {
        sandbox.file("calls", "");
        sandbox.aicr(words).whatever_it_prints().succeeds();
        let calls = sandbox.read("calls");
        let mut verbs: Vec<String> = calls
            .lines()
            // Older releases are asked for the flags of their own kind, too.
            .filter(|line| {
                !["--new-bundle-format=true --help", "--tlog-upload=false --help"]
                    .iter()
                    .any(|question| line.strip_prefix("sign-blob ") == Some(question))
            })
            .map(|line| line.split_once(" -").map_or(line, |(verb, _)| verb).to_owned())
            .collect();
        verbs.sort();
        verbs.join(", ")
    };
    let key = "--signing-key cosign.key --tlog-upload=false";
    // One `sign-blob` asks for the dialect; one of each for its flags; and one `verify-blob` is the
    // control.
    let dry = "public-key, sign-blob, sign-blob, verify-blob, verify-blob, version";
    assert_eq!(calls("bundle dist --output B"), "");
    assert_eq!(calls("bundle dist --output B2 --dry-run"), "");
    assert_eq!(calls("verify B --checksums-only"), "");
    assert_eq!(calls(&format!("bundle dist --output S --dry-run {key}")), dry);
    assert_eq!(calls(&format!("bundle-sign B --dry-run {key}")), dry);
    assert_eq!(
        calls(&format!("bundle-sign B {key}")),
        "public-key, sign-blob, sign-blob, sign-blob, verify-blob, verify-blob, verify-blob, version"
    );
    assert_eq!(
        calls(&format!("bundle-sign B {key}")),
        "public-key, sign-blob, sign-blob, verify-blob, verify-blob, verify-blob, version"
    );
    assert_eq!(
        calls("verify B --key cosign.pub --insecure-ignore-tlog"),
        "sign-blob, verify-blob, verify-blob, version"
    );
    // An unsigned bundle needs no cosign.
    fs::remove_file(sandbox.path("bin/cosign")).unwrap();
    sandbox.aicr("bundle dist --output C --quiet").stderr(UNSIGNED).succeeds();
    sandbox.aicr("verify C --checksums-only --quiet").succeeds();
    sandbox
        .aicr(&format!("bundle dist --output D {key}"))
        .env("PATH", "/nowhere")
        .stderr(
            "error: there is no cosign on the PATH (relative elements, bundles and inputs are ignored)\nhint: install cosign 2.0 or later, or name one with --cosign\n",
        )
        .exits(3);
}
