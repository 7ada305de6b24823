//! `verify --receipt`: an in-toto statement about a verification, for an auditor.

use std::fs;

use serde_json::{Value, json};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, fake_sandbox};
use crate::report_schema::validator::validate;
use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox, repository, sha256};
use crate::without_aicr::sigstore_bundle;

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";

/// The receipt in a file, which the schema must allow.
#[track_caller]
fn receipt(sandbox: &Sandbox, file: &str) -> Value {
    let text = sandbox.read(file);
    assert!(text.ends_with('\n') && text.lines().count() == 1, "one line: {text}");
    let receipt: Value = serde_json::from_str(&text).unwrap();
    let schema = fs::read_to_string(repository().join("docs/receipt.schema.json")).unwrap();
    validate(&serde_json::from_str(&schema).unwrap(), &receipt).unwrap_or_else(|why| panic!("{why}: {text}"));
    receipt
}

#[test]
fn a_receipt_says_what_was_verified_and_how() {
    let sandbox = Sandbox::new();
    sandbox.released();
    sandbox
        .aicr(&format!("{VERIFY} --key-sha256 {KEY_SHA256} --at-least 1.0 --receipt r.json --copy-to C -q"))
        .succeeds();
    assert!(sandbox.path("C/release.json").exists());
    let found = receipt(&sandbox, "r.json");
    let manifest = "67ec4fac2d6f8406ce0d7a772521392d16fd12460214b2d00a05a49e689d0050";
    assert_eq!(found["subject"], json!([{ "name": "checksums.txt", "digest": { "sha256": manifest } }]));
    let predicate = &found["predicate"];
    let flags = json!([
        { "name": "--at-least", "value": "1.0" },
        { "name": "--key", "value": "cosign.pub", "sha256": KEY_SHA256 },
        { "name": "--key-sha256", "value": KEY_SHA256 },
        { "name": "--insecure-ignore-tlog" },
    ]);
    assert_eq!(predicate["policy"]["flags"], flags);
    let cosign = fs::canonicalize(sandbox.cosign()).unwrap();
    let sha256 = sandbox.program_run(["sha256sum".into(), cosign.into_os_string()]).output().stdout;
    assert_eq!(predicate["verifier"]["cosign"]["sha256"], String::from_utf8_lossy(&sha256[..64]).as_ref());
    assert_eq!(predicate["verifier"]["aicr"], env!("CARGO_PKG_VERSION"));
    assert_eq!(predicate["bundle"], "B");
    assert_eq!(predicate["manifest"], json!({ "sha256": manifest, "files": 3, "bytes": 80 }));
    assert_eq!(predicate["release"], json!({ "name": "app", "version": "1.4" }));
    assert_eq!(predicate["signatures"][0]["keySha256"], KEY_SHA256);
    assert_eq!(predicate["verificationResult"], "PASSED");
    assert_eq!(
        predicate["notice"],
        "This receipt is not signed: it proves nothing about who wrote it. `cosign sign-blob` can sign it."
    );
    // The same flags are the same policy.
    sandbox
        .aicr(&format!("{VERIFY} --key-sha256 {KEY_SHA256} --at-least 1.0 --receipt s.json -q"))
        .succeeds();
    sandbox.aicr(&format!("{VERIFY} --at-least 1.0 --receipt t.json -q")).succeeds();
    let policy = |file: &str| receipt(&sandbox, file)["predicate"]["policy"]["sha256"].clone();
    assert_eq!(policy("r.json"), policy("s.json"));
    assert_ne!(policy("r.json"), policy("t.json"));
}

#[test]
fn a_rejected_bundle_has_a_receipt_too() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("B/a", "other\n");
    sandbox.aicr(&format!("{VERIFY} --receipt r.json --copy-to C")).whatever_it_prints().exits(5);
    assert!(!sandbox.path("C").exists());
    let found = receipt(&sandbox, "r.json");
    assert_eq!(found["predicate"]["verificationResult"], "FAILED");
    assert_eq!(found["predicate"]["findings"][0]["path"], "a");
    assert_eq!(found["predicate"]["error"], "B is not what its manifest says: 1 file is wrong");
    assert_eq!(found["predicate"]["signatures"][0]["checked"], true);
    // A key that has not signed it: nothing in the manifest is believed.
    sandbox
        .aicr("verify B --key other.pub --insecure-ignore-tlog --receipt s.json")
        .whatever_it_prints()
        .exits(5);
    let found = receipt(&sandbox, "s.json");
    assert_eq!(found["subject"][0]["digest"]["sha256"], SMALL_SHA256);
    assert_eq!(found["predicate"]["manifest"], Value::Null);
    assert_eq!(found["predicate"]["findingsTotal"], 0);
}

#[test]
fn a_receipt_says_whom_the_verifier_trusted() {
    // A real cosign rejects the recorded signature, and those before 2.4 cannot read it.
    let sandbox = fake_sandbox(HONEST);
    sandbox.recorded("keyless-timestamp");
    let verify = |trust: &str, file: &str| {
        let rest = "--insecure-ignore-tlog --trusted-root root.json --require-timestamp";
        let words = format!("verify I {trust} {rest} --receipt {file}");
        sandbox.aicr(&words).whatever_it_prints().succeeds();
        let policy = receipt(&sandbox, file)["predicate"]["policy"].clone();
        (policy["flags"].clone(), policy["sha256"].clone())
    };
    let exact = "--certificate-identity dev@example.test --certificate-oidc-issuer https://localhost:8888";
    let root = |sha256: &str| json!({ "name": "--trusted-root", "value": "root.json", "sha256": sha256 });
    let flags = json!([
        { "name": "--certificate-identity", "value": "dev@example.test" },
        { "name": "--certificate-oidc-issuer", "value": "https://localhost:8888" },
        { "name": "--insecure-ignore-tlog" },
        root(&sha256(sandbox.read("root.json"))),
        { "name": "--require-timestamp" },
    ]);
    let (found, policy) = verify(exact, "r.json");
    assert_eq!(found, flags);

    let patterns = "--certificate-identity-regexp dev@.* --certificate-oidc-issuer-regexp https://.*";
    let (found, of_patterns) = verify(patterns, "s.json");
    let [identity, issuer] = [("identity", "dev@.*"), ("oidc-issuer", "https://.*")]
        .map(|(of, value)| json!({ "name": format!("--certificate-{of}-regexp"), "value": value }));
    assert_eq!(found, json!([identity, issuer, flags[2], flags[3], flags[4]]));
    assert_ne!(of_patterns, policy);

    // Another file with this name is another policy.
    let other = sandbox.read("root.json") + "\n";
    sandbox.file("root.json", &other);
    let (found, of_other_root) = verify(exact, "t.json");
    assert_eq!(found, json!([flags[0], flags[1], flags[2], root(&sha256(other)), flags[4]]));
    assert_ne!(of_other_root, policy);
}

#[test]
fn without_a_verdict_or_a_manifest_there_is_no_receipt() {
    let sandbox = Sandbox::new();
    sandbox.signed().directory("empty");
    let before = sandbox.tree("");
    for (words, code) in [
        ("verify empty --key cosign.pub --insecure-ignore-tlog", 5),
        ("verify B --key cosign.pub --insecure-ignore-tlog --cosign /bin/false", 3),
        ("verify B --key cosign.pub --insecure-ignore-tlog --timeout 1ms", 6),
    ] {
        sandbox.aicr(&format!("{words} --receipt r.json -q")).whatever_it_prints().exits(code);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
}

#[test]
fn where_a_receipt_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("old", "");
    let outside = "hint: choose a file outside the bundle and outside its copy\n";
    for (path, error, hint) in [
        ("old", "old exists", "hint: choose another file; aicr does not replace a receipt\n"),
        ("B/r.json", "B/r.json is inside B", outside),
        ("r/", "r/ does not name a file", ""),
    ] {
        sandbox
            .aicr(&format!("{VERIFY} --receipt {path} --copy-to C"))
            .stderr(&format!("error: --receipt {error}\n{hint}"))
            .exits(2);
    }
    sandbox
        .directory("C")
        .aicr(&format!("{VERIFY} --receipt C/r.json --copy-to C"))
        .stderr(&format!("error: --receipt C/r.json is inside C\n{outside}"))
        .exits(2);
    sandbox.aicr(&format!("{VERIFY} --receipt none/r.json")).stderr("error: none does not exist\n").exits(2);
    assert!(!sandbox.path("C/a").exists());
}

#[test]
fn a_receipt_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.signed().directory("full");
    let line = format!(
        "mount -t tmpfs -o size=4k none full && head -c 4096 /dev/zero >full/x
         {VERIFY_COPY} -q; code=$?; ls -A full >left; exit $code"
    );
    let run = |line: &str| sandbox.program_run(["unshare", "-m", "sh", "-c", line]);
    run(&line).stderr("error: cannot write full/r.json: no space left on device\n").exits(1);
    assert_eq!(sandbox.read("left"), "x\n");
    assert!(!sandbox.path("C").exists());
    // A rejection stands above that.
    sandbox.file("B/a", "other\n");
    run(&line)
        .stdout(&rejected())
        .stderr(
            "error: B is not what its manifest says: 1 file is wrong
error: cannot write full/r.json: no space left on device
",
        )
        .exits(5);
    assert_eq!(sandbox.read("left"), "x\n");
}

const VERIFY_COPY: &str =
    "aicr verify B --key cosign.pub --insecure-ignore-tlog --copy-to C --receipt full/r.json";

fn rejected() -> String {
    let other = "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87";
    format!(
        "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 11 bytes could be read
  signature accepted
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  changed      a
    found sha256
      {other}
"
    )
}

#[test]
fn inspect_reads_a_receipt() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let verify = |bundle: &str, receipt: &str, code| {
        let line = format!("verify {bundle} --key cosign.pub --insecure-ignore-tlog -q --receipt {receipt}");
        sandbox.aicr(&line).whatever_it_prints().exits(code);
    };
    verify("B", "passed", 0);
    sandbox.file("B/a", "other\n");
    verify("B", "failed", 5);
    sandbox.file("B/checksums.txt", "changed\n");
    verify("B", "unread", 5);
    let [time, host, version, sha256, policy] =
        ["time_verified", "host", "version", "sha256", "policy"].map(|name| {
            let found = receipt(&sandbox, "passed");
            let predicate = &found["predicate"];
            let value = match name {
                "time_verified" => &predicate["timeVerified"],
                "host" => &predicate["verifier"]["host"],
                "version" => &predicate["verifier"]["cosign"]["version"],
                "sha256" => &predicate["verifier"]["cosign"]["sha256"],
                _ => &predicate["policy"]["sha256"],
            };
            value.as_str().unwrap().to_owned()
        });
    let key = format!("  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n");
    let verifier = format!(
        "  by aicr {}, cosign {version}\n  cosign sha256\n    {sha256}\n  policy sha256\n    {policy}\n",
        env!("CARGO_PKG_VERSION")
    );
    let unproven = "unproven: anybody can write this; verify the bundle again with:
  aicr verify B --key cosign.pub --insecure-ignore-tlog
";
    sandbox
        .aicr("inspect passed")
        .stdout(&format!(
            "described passed
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
{key}  bundle B
  accepted {time} on {host}
{verifier}{unproven}"
        ))
        .succeeds();
    let described = |file: &str| {
        let output = sandbox.aicr(&format!("inspect {file}")).output();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let failed = described("failed");
    let end =
        format!("{verifier}  changed      a\n  B is not what its manifest says: 1 file is wrong\n{unproven}");
    assert!(failed.ends_with(&end) && failed.contains("\n  rejected 20"), "{failed}");
    let unread = described("unread");
    let start = "described unread
  manifest sha256
    4c2a7a1c5a4f5a4a";
    assert!(unread.starts_with(&start[..start.len() - 16]) && !unread.contains("files"), "{unread}");

    // A change of one letter is found if it is one in the form.
    for (from, to) in [
        ("PASSED", "PASSEd"),
        ("\"--insecure-ignore-tlog\"", "\"--insecure-ignore-tlo\""),
        ("\"files\":2", "\"files\":2,\"x\":1"),
        (&SMALL_SHA256[..8], "00000000"),
        ("}\n", "\n"),
    ] {
        let changed = sandbox.read("passed").replacen(from, to, 1);
        sandbox
            .file("changed", changed)
            .aicr("inspect changed")
            .stdout("rejected changed\n")
            .stderr("error: changed is a receipt that is cut off, damaged or changed\nhint: copy it again\n")
            .exits(5);
    }
    // A statement of another type is none of ours.
    let other = sandbox.read("passed").replace("https://aicr.example", "https://example.com");
    sandbox
        .file("other", other)
        .aicr("inspect passed other")
        .stderr("error: other is neither a directory nor an archive of aicr\nhint: give the directory that has checksums.txt\n")
        .exits(2);
}

/// The receipt comes first, and without it there is no copy; and without the copy there is no receipt.
#[test]
fn a_receipt_and_a_copy_belong_together() {
    let allow = "echo $$ >\"$TOP/at\"; until [ -e \"$TOP/go\" ]; do sleep 0.1; done; exit 0";
    for (made, error) in [
        ("r.json", "error: --receipt r.json was created by another program during this run\n"),
        (
            "C/x",
            "error: --copy-to C exists and is not empty\nhint: choose another name, or remove it yourself\n",
        ),
    ] {
        let sandbox = fake_sandbox(Fake { verify: allow, ..HONEST });
        sandbox.file(SIGNATURE, sigstore_bundle("AAAA", SMALL_MANIFEST));
        let mut meeting = Meeting::new(&sandbox);
        let run = sandbox.aicr(&format!("{VERIFY} --copy-to C --receipt r.json -q")).stderr(error);
        let aicr = run.start();
        meeting.wait();
        sandbox.file(made, "other").file("go", "");
        let output = aicr.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((stderr.as_str(), output.status.success()), (error, false));
        assert_eq!(sandbox.path("C").exists(), made == "C/x");
        assert_eq!(sandbox.path("r.json").exists(), made == "r.json");
        assert!(!sandbox.tree("").iter().any(|name| name.contains("aicr-")));
    }
}
