//! `verify` without attacks: its output in every format, bundles without a signature, several
//! bundles, keys in files and in key managers, and the environment of cosign. `flags/trust.rs` has
//! the trust flags, and `hostile.rs` the attacks.

use std::fs;

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox, UNSIGNED};
use crate::without_aicr::{dialect, release};

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";
const ONLY: &str =
    "hint: --checksums-only compares the files with the manifest; it proves nothing about who made it";
const NOTHING_PROVES: &str = "nothing proves who made it: anybody can write a manifest";

/// The report about an accepted bundle of the small payload.
pub(crate) fn accepted(bundle: &str) -> String {
    format!("accepted {bundle}\n{}  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n", manifest(11))
}

/// The report about a bundle of the small payload, without a verified signature.
fn unproven(bundle: &str) -> String {
    format!("unproven {bundle}\n{}{NOTHING_PROVES}\n", manifest(11))
}

fn manifest(bytes: u64) -> String {
    format!("  manifest sha256\n    {SMALL_SHA256}\n  2 files, {bytes} bytes\n")
}

/// The same for a bundle that is rejected.
fn rejected_manifest(bytes: u64) -> String {
    format!("  manifest sha256\n    {SMALL_SHA256}\n  2 files listed, {bytes} bytes could be read\n")
}

/// The cosign of the test directory, as in the JSON report.
fn cosign(sandbox: &Sandbox) -> String {
    let dialect = match dialect(sandbox.cosign()).as_str() {
        "SigningConfig" => "signing-config",
        "BundleFlag" => "bundle-flag",
        _ => "legacy-bundle",
    };
    let release = release(sandbox.cosign());
    let path = sandbox.path("bin/cosign");
    format!(r#"{{"path":"{}","version":"{release}","dialect":"{dialect}"}}"#, path.display())
}

#[test]
fn an_accepted_bundle_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.aicr(VERIFY).stdout(&accepted("B")).succeeds();
    sandbox.aicr(&format!("{VERIFY} -q")).succeeds();
    let green = "\u{1b}[1;32maccepted\u{1b}[0m B";
    sandbox
        .aicr(&format!("{VERIFY} --color always"))
        .stdout(&accepted("B").replace("accepted B", green))
        .succeeds();
    let cosign = cosign(&sandbox).replace(&sandbox.path("").display().to_string(), "{root}/");
    sandbox
        .aicr(&format!("{VERIFY} --format json"))
        .stdout(&format!(
            r#"{{"schemaVersion":1,"command":"verify","exit":0,"cosign":{cosign},"bundles":[{{"path":"B","verdict":"accepted","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[{{"path":"attestation/checksums.txt.sigstore.json","keySha256":"{KEY_SHA256}","identity":null,"issuer":null,"checked":true,"log":"none","timestamp":"none"}}],"findings":[],"findingsTotal":0,"error":null}}],"error":null}}
"#
        ))
        .succeeds();
}

/// `-v` prints complete commands, which can be pasted.
#[test]
fn a_verbose_run_prints_the_commands() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let at = "{root}/tmp/aicr-XXXXXX";
    let form = match dialect(sandbox.cosign()).as_str() {
        "SigningConfig" => format!("--trusted-root={at}/trusted-root.json --bundle={at}/bundle.json"),
        "BundleFlag" => format!(
            "--new-bundle-format=true --trusted-root={at}/trusted-root.json --bundle={at}/bundle.json"
        ),
        _ => format!("--insecure-ignore-sct=true --bundle= --signature={at}/signature.b64"),
    };
    let asked = match dialect(sandbox.cosign()).as_str() {
        "SigningConfig" => &["--signing-config=x"][..],
        "BundleFlag" => &["--signing-config=x", "--new-bundle-format=true"],
        _ => &["--signing-config=x", "--new-bundle-format=true", "--tlog-upload=false"],
    };
    let closed = "http://127.0.0.1:1";
    let cosign = format!(
        "+ env -i ALL_PROXY={closed} HOME={at}/home HTTPS_PROXY={closed} HTTP_PROXY={closed} LANG=C NO_PROXY='' TMPDIR={at}/tmp TUF_ROOT={at}/home {{root}}/bin/cosign"
    );
    let questions: String =
        asked.iter().flat_map(|flag| [&cosign, " sign-blob ", flag, " --help\n"]).collect();
    // The signature, and the one that is known to be wrong.
    let verify = format!(
        "{cosign} verify-blob --key={at}/key.pub --insecure-ignore-tlog=true {form} {at}/checksums.txt\n"
    );
    sandbox
        .aicr(&format!("{VERIFY} --verbose"))
        .stdout(&accepted("B"))
        .stderr(&format!(
            "{cosign} version
{questions}{verify}{verify}"
        ))
        .succeeds();
    assert_eq!(sandbox.tree("tmp"), [""; 0], "the private directory is gone");
}

/// Findings are results, and `-q` prints them too. The error is a summary.
#[test]
fn a_rejected_bundle_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.file("B/a", "other\n").file("B/new", "");
    sandbox.remove("B/sub/b");
    // Of `other` and a newline.
    let other = "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87";
    let findings = format!(
        "  changed      a\n    found sha256\n      {other}\n  unlisted     new\n  missing      sub/b\n"
    );
    let key = format!("  signature accepted\n  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n");
    let text = format!("rejected B\n{}{key}{findings}", rejected_manifest(6));
    let error = "B is not what its manifest says: 3 files are wrong";
    for form in ["", " --quiet"] {
        sandbox.aicr(&format!("{VERIFY}{form}")).stdout(&text).stderr(&format!("error: {error}\n")).exits(5);
    }
    sandbox
        .aicr("verify B --checksums-only")
        .stdout(&format!("rejected B\n{}{findings}", rejected_manifest(6)))
        .stderr(&format!("error: {error}\n"))
        .exits(5);
    sandbox
        .aicr("verify B --checksums-only --format json")
        .stdout(&format!(
            r#"{{"schemaVersion":1,"command":"verify","exit":5,"cosign":null,"bundles":[{{"path":"B","verdict":"rejected","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":6}},"signatures":[],"findings":[{{"kind":"changed","path":"a","found":"{other}"}},{{"kind":"unlisted","path":"new"}},{{"kind":"missing","path":"sub/b"}}],"findingsTotal":3,"error":{{"exit":5,"message":"{error}","cosign":null,"hint":null}}}}],"error":null}}
"#
        ))
        .stderr(&format!("error: {error}\n"))
        .exits(5);
}

#[test]
fn a_bundle_without_a_signature_is_rejected() {
    let unsigned =
        format!("error: B is unsigned: it has no attestation/checksums.txt.sigstore.json\n{ONLY}\n");
    let never = Sandbox::new();
    never.unsigned();
    let stripped = Sandbox::new();
    stripped.signed();
    stripped.remove("B/attestation/checksums.txt.sigstore.json");
    for sandbox in [never, stripped] {
        sandbox.aicr(VERIFY).stdout("rejected B\n").stderr(&unsigned).exits(5);
        sandbox.aicr("verify B --key cosign.pub").stdout("rejected B\n").stderr(&unsigned).exits(5);
        // The flag of the hint works, without cosign.
        sandbox.remove("bin/cosign");
        sandbox.aicr("verify B --checksums-only").stdout(&unproven("B")).succeeds();
        sandbox.aicr("verify B --checksums-only --quiet").succeeds();
    }
}

/// All bundles are verified, in order, and the worst result decides. A usage error stops the run
/// before the first.
#[test]
fn several_bundles() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.aicr("bundle dist --output C --signing-key cosign.key --tlog-upload=false -q").succeeds();
    sandbox.aicr("bundle dist --output unsigned -q").stderr(UNSIGNED).succeeds();
    let trust = "--key cosign.pub --insecure-ignore-tlog";
    sandbox
        .aicr(&format!("verify B C {trust}"))
        .stdout(&(accepted("B") + &accepted("C") + "2 bundles: 2 accepted\n"))
        .succeeds();
    let error = "error: unsigned is unsigned: it has no attestation/checksums.txt.sigstore.json";
    sandbox
        .aicr(&format!("verify B unsigned C {trust}"))
        .stdout(&format!(
            "{}rejected unsigned\n{}3 bundles: 2 accepted, 1 rejected\n",
            accepted("B"),
            accepted("C")
        ))
        .stderr(&format!("{error}\n{ONLY}\n"))
        .exits(5);
    sandbox
        .aicr("verify B unsigned --checksums-only")
        .stdout(&(unproven("B") + &unproven("unsigned") + "2 bundles: 2 unproven\n"))
        .succeeds();
    sandbox
        .aicr(&format!("verify B nowhere unsigned {trust}"))
        .stderr("error: nowhere does not exist\n")
        .exits(2);

    // A rejected bundle (5) is worse than a cosign that crashes (1).
    sandbox.fake_cosign("echo 'panic: runtime error' >&2; exit 2");
    let crashed = "error: {root}/bin/cosign verify-blob crashed (exit 2)\n    panic: runtime error\n";
    sandbox
        .aicr(&format!("verify B C {trust}"))
        .stdout("failed B\nfailed C\n2 bundles: 2 failed\n")
        .stderr(&format!("{crashed}{crashed}"))
        .exits(1);
    sandbox
        .aicr(&format!("verify B unsigned {trust}"))
        .stdout("failed B\nrejected unsigned\n2 bundles: 1 failed, 1 rejected\n")
        .stderr(&format!("{crashed}{error}\n{ONLY}\n"))
        .exits(5);
}

#[test]
fn names_of_bundles() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    for (name, shown) in [("two words", "two words"), ("-B", "-B"), ("x\u{1b}[2K", "x\\u{1b}[2K")] {
        fs::rename(sandbox.path("B"), sandbox.path(name)).unwrap();
        sandbox
            .aicr_with(["verify", "--key", "cosign.pub", "--insecure-ignore-tlog", "--", name])
            .stdout(&accepted(shown))
            .succeeds();
        fs::rename(sandbox.path(name), sandbox.path("B")).unwrap();
    }
    sandbox
        .aicr("verify . --key ../cosign.pub --insecure-ignore-tlog")
        .within("B")
        .stdout(&accepted("."))
        .succeeds();
}

/// `hostile/special.rs` and `flags/trust.rs` have more keys that are refused.
#[test]
fn keys_in_files() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let key = sandbox.read("cosign.pub");
    sandbox.file("crlf.pub", key.replace('\n', "\r\n")).file("text.pub", format!("\n{key}\n\n"));
    for file in ["crlf.pub", "text.pub", "./cosign.pub", "B/../cosign.pub"] {
        sandbox.aicr(&format!("verify B --key {file} --insecure-ignore-tlog -q")).succeeds();
    }
    let how = "hint: `cosign public-key --key REF --outfile cosign.pub` writes a public key";
    sandbox.file("two.pub", key.clone() + &sandbox.read("other.pub"));
    sandbox
        .file("damaged.pub", key.replace("MF", "M!"))
        .file("crt.pub", key.replace("PUBLIC KEY", "CERTIFICATE"));
    for (file, why) in [
        ("two.pub", "contains more than one PEM block"),
        ("damaged.pub", "is damaged: the PEM cannot be read"),
        ("crt.pub", "is a certificate"),
        ("other.key", "is a private key"),
    ] {
        sandbox
            .aicr(&format!("verify B --key {file} --insecure-ignore-tlog"))
            .stderr(&format!("error: --key {file} {why}\n{how}\n"))
            .exits(2);
    }
    sandbox
        .aicr("verify B --key other.pub --insecure-ignore-tlog")
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B is signed by key {KEY_SHA256}, not by --key ({OTHER_KEY_SHA256})
hint: a rotated key is the usual cause: use the public key of the version that signed
"
        ))
        .exits(5);
}

/// `verify` has no flag for the variables of a plugin, so the hint names another command.
#[test]
fn a_plugin_that_fails_may_lack_a_variable() {
    let sandbox = Sandbox::new();
    sandbox.signed().program("bin/sigstore-kms-foo", "exit 1");
    let hint = "hint: a plugin gets no variables here: run `cosign public-key --key foo://k --outfile cosign.pub`, and give that file to --key";
    for (words, why) in [
        ("parsing plugin response: unexpected end of JSON input", "got no valid answer from its plugin"),
        (
            "error executing plugin program: signal: segmentation fault",
            "got no answer from its plugin, which crashed",
        ),
        ("plugin returned error: the token is locked", "was refused by its plugin"),
    ] {
        sandbox.fake_cosign(&format!(
            "[ $1 = public-key ] || exec \"$REAL\" \"$@\"; echo 'Error: {words}' >&2; exit 1"
        ));
        sandbox
            .aicr("verify B --key foo://k --allow-kms-plugin --insecure-ignore-tlog")
            .stderr(&format!(
                "warning: asking foo://k for its public key, once
error: foo://k {why}
    {words}
{hint}
"
            ))
            .exits(4);
    }
}

/// A run asks a key manager once for the key, and prints that. If the key manager is down, the
/// result is exit 6.
#[test]
fn keys_in_key_managers() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let reference = "awskms://127.0.0.1:1/alias/release";
    let asking = format!("warning: asking {reference} for its public key, once\n");
    let run = || {
        sandbox
            .aicr(&format!("verify B B --key {reference} --insecure-ignore-tlog"))
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
    };
    run()
        .stderr(&format!(
            "{asking}error: {reference} could not be reached: connection refused
    (what cosign said)
hint: check the address, and that the server is running
"
        ))
        .cosigns_words_left_out()
        .exits(6);
    let key = sandbox.path("cosign.pub").display().to_string();
    sandbox.fake_cosign(&format!(
        "case $1 in public-key) echo \"$*\" >>'{0}asked'; exec cat '{key}' ;; *) exec \"$REAL\" \"$@\" ;; esac",
        sandbox.path("").display()
    ));
    run().stdout(&format!("{}2 bundles: 2 accepted\n", accepted("B").repeat(2))).stderr(&asking).succeeds();
    assert_eq!(sandbox.read("asked"), format!("public-key --key={reference} --outfile=\n"));
}

/// A22: variables that would make cosign accept a bad signature, or use other services.
#[test]
fn variables_of_cosign_are_ignored() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let run = |words: &str| {
        [
            ("COSIGN_INSECURE_IGNORE_TLOG", "true"),
            ("COSIGN_KEY", "cosign.pub"),
            ("COSIGN_BUNDLE", "nowhere"),
            ("SIGSTORE_ROOT_FILE", "nowhere"),
            ("HTTPS_PROXY", "http://127.0.0.1:2"),
        ]
        .into_iter()
        .fold(sandbox.aicr(words), |run, (name, value)| run.env(name, value))
    };
    let kept = "warning: COSIGN_BUNDLE, COSIGN_INSECURE_IGNORE_TLOG, COSIGN_KEY, SIGSTORE_ROOT_FILE are ignored: use aicr's flags\n";
    run(VERIFY).stdout(&accepted("B")).stderr(kept).succeeds();
    run("verify B --key cosign.pub")
        .stdout("rejected B\n")
        .stderr(&format!(
            "{kept}error: B is not accepted: there is no transparency log entry, and this command line requires one
hint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false
"
        ))
        .exits(5);
}

#[test]
fn without_a_cosign_verify_fails() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.remove("bin/cosign");
    sandbox
        .aicr(VERIFY)
        .stderr(
            "error: there is no cosign on the PATH (relative elements, bundles and inputs are ignored)
hint: install cosign 2.0 or later, or name one with --cosign
",
        )
        .exits(3);
    let named = sandbox.cosign().display().to_string();
    sandbox.aicr(&format!("{VERIFY} --cosign {named} -q")).succeeds();
}
