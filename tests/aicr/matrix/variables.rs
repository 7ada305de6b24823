//! Any flag of cosign can be set by a variable. None in the environment of aicr reaches cosign, and
//! aicr reports those that it withholds.

use std::collections::BTreeSet;
use std::fs;

use crate::sandbox::{KEY_SHA256, Run, SMALL_MANIFEST, SMALL_SHA256, Sandbox, cosigns, fixture, repository};
use crate::without_aicr;

/// The variables for every flag of the three commands, from the help of this cosign.
fn variables_of_flags(sandbox: &Sandbox) -> BTreeSet<String> {
    let mut variables = BTreeSet::new();
    for verb in ["sign-blob", "verify-blob", "public-key"] {
        let help = sandbox.program_run(["cosign", verb, "--help"]).output().stdout;
        let help = String::from_utf8(help).unwrap();
        let words = help.lines().flat_map(|line| line.split_whitespace().take(2));
        let flags = words.filter_map(|word| word.strip_prefix("--")?.split(['=', ':']).next());
        variables.extend(flags.map(|flag| format!("COSIGN_{}", flag.to_uppercase().replace('-', "_"))));
    }
    assert!(variables.len() > 25, "{variables:?}");
    variables
}

/// The flags of the three commands in the recorded help of every release.
fn recorded_flags() -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    for release in fs::read_dir(repository().join("fixtures/cosign")).unwrap() {
        for verb in ["sign-blob", "verify-blob", "public-key"] {
            let help = release.as_ref().unwrap().path().join(format!("{verb}-help.txt"));
            let help = fs::read_to_string(help).unwrap_or_default();
            let words = help.lines().flat_map(|line| line.split_whitespace().take(2));
            let found = words.filter_map(|word| word.strip_prefix("--")?.split(['=', ':']).next());
            flags.extend(found.map(ToOwned::to_owned));
        }
    }
    assert!(flags.len() > 60, "{flags:?}");
    flags
}

/// The most harmful value of a flag, in a test directory that the attacker has prepared.
fn most_harmful(sandbox: &Sandbox, flag: &str, signs: bool) -> String {
    let path = |name: &str| sandbox.path(name).display().to_string();
    match flag {
        // Another key, signature or bundle than the intended one.
        "key" if signs => path("other.key"),
        "key"
        | "certificate"
        | "certificate-chain"
        | "ca-roots"
        | "ca-intermediates"
        | "sct"
        | "timestamp-certificate-chain"
        | "timestamp-client-cacert"
        | "timestamp-client-cert"
        | "timestamp-client-key" => path("other.pub"),
        "signature" => path("other.sig"),
        "bundle" => path("forgery.json"),
        "trusted-root" => path("root.json"),
        "signing-config" => path("config.json"),
        "oidc-client-secret-file" | "identity-token" => path("token"),
        // A file written elsewhere.
        "output" | "output-signature" | "output-certificate" | "output-file" | "outfile"
        | "rfc3161-timestamp" => path(&format!("stolen/{flag}")),
        // Another service contacted.
        "rekor-url" | "fulcio-url" | "oidc-issuer" | "oidc-redirect-url" | "timestamp-server-url" => {
            "https://127.0.0.1:1".to_owned()
        }
        // A check left out, or another form.
        "allow-certificate-chain"
        | "experimental-oci11"
        | "help"
        | "insecure-ignore-sct"
        | "insecure-ignore-tlog"
        | "insecure-skip-verify"
        | "issue-certificate"
        | "offline"
        | "oidc-disable-ambient-providers"
        | "private-infrastructure"
        | "sk"
        | "tlog-upload"
        | "use-signed-timestamps"
        | "use-signing-config"
        | "verbose" => "true".to_owned(),
        "b64" | "new-bundle-format" | "yes" => "false".to_owned(),
        "timeout" => "1ns".to_owned(),
        "max-workers" => "-1".to_owned(),
        "signature-digest-algorithm" => "sha512".to_owned(),
        "signing-algorithm" => "ed25519".to_owned(),
        "slot" => "signature".to_owned(),
        "fulcio-auth-flow" => "token".to_owned(),
        "oidc-provider" => "filesystem".to_owned(),
        "oidc-client-id" | "timestamp-server-name" => "other".to_owned(),
        _ if flag.starts_with("certificate-") => "other".to_owned(),
        _ => panic!("a release has the flag --{flag}: which of its values is the most harmful?"),
    }
}

/// `run` with all of these variables set to `value`.
fn with<'a>(run: Run<'a>, variables: &BTreeSet<String>, value: &str) -> Run<'a> {
    variables.iter().fold(run, |run, name| run.env(name, value))
}

fn withheld(variables: &BTreeSet<String>) -> String {
    let names: Vec<&str> = variables.iter().map(String::as_str).collect();
    format!("warning: {} are ignored: use aicr's flags\n", names.join(", "))
}

#[test]
fn all_at_once_have_no_effect() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.small_dist().directory("stolen");
        let mut variables = variables_of_flags(&sandbox);
        for name in ["SIGSTORE_ROOT_FILE", "SIGSTORE_REKOR_PUBLIC_KEY", "TUF_ROOT", "TUF_MIRROR", "GODEBUG"] {
            variables.insert(name.into());
        }
        let stolen = sandbox.path("stolen/file").display().to_string();
        for (number, value) in
            ["true", "false", "", &stolen, "https://127.0.0.1:1", "other.key"].into_iter().enumerate()
        {
            let done = |word: &str| {
                format!(
                    "{word} B{number}\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n"
                )
            };
            with(sandbox.aicr(&format!("bundle dist --output B{number} --signing-key cosign.key --tlog-upload=false --public-key-out k.pub")), &variables, value)
                .stdout(&format!("{}verify it with:\n  aicr verify B{number} --key k.pub --insecure-ignore-tlog\n", done("signed")))
                .stderr(&withheld(&variables))
                .succeeds();
            with(
                sandbox.aicr(&format!("verify B{number} --key k.pub --insecure-ignore-tlog")),
                &variables,
                value,
            )
            .stdout(&done("accepted"))
            .stderr(&withheld(&variables))
            .succeeds();
        }
        assert_eq!(sandbox.tree("stolen"), [""; 0], "{}", cosign.display());
        assert_eq!(
            (sandbox.tree("home"), sandbox.tree("tmp")),
            (Vec::new(), Vec::new()),
            "{}",
            cosign.display()
        );
    }
}

/// Each flag of each release at once, with its most harmful value, for every release.
#[test]
fn harmful_values_have_no_effect() {
    let flags = recorded_flags();
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.small_dist().directory("stolen").file("token", "e30.e30.e30");
        sandbox.file("root.json", fixture("sigstore/trusted-root.json"));
        sandbox.file("config.json", fixture("sigstore/signing-config-rekor-v1-timestamp.json"));
        let forged = SMALL_MANIFEST.replace('b', "0");
        let others = without_aicr::signature(&sandbox, "other.key", &forged);
        let forgery = without_aicr::sigstore_bundle(&others, &forged);
        sandbox.file("other.sig", &others).file("forgery.json", &forgery);
        let variable = |flag: &String| format!("COSIGN_{}", flag.to_uppercase().replace('-', "_"));
        let names: BTreeSet<String> = flags.iter().map(variable).collect();
        let around = |words: &str, signs: bool| {
            let run = sandbox.aicr(words);
            flags.iter().fold(run, |run, flag| run.env(&variable(flag), &most_harmful(&sandbox, flag, signs)))
        };
        let done = |word: &str| {
            format!(
                "{word} B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n"
            )
        };
        let verify = "verify B --key cosign.pub --insecure-ignore-tlog";
        around(
            "bundle dist --output B --signing-key cosign.key --tlog-upload=false --public-key-out k.pub",
            true,
        )
        .stdout(&format!(
            "{}verify it with:\n  aicr verify B --key k.pub --insecure-ignore-tlog\n",
            done("signed")
        ))
        .stderr(&withheld(&names))
        .succeeds();
        around(verify, false).stdout(&done("accepted")).stderr(&withheld(&names)).succeeds();
        assert_eq!(sandbox.read("k.pub"), sandbox.read("cosign.pub"));
        sandbox.file("B/checksums.txt", &forged).file("B/attestation/checksums.txt.sigstore.json", &forgery);
        around(verify, false)
            .stdout("rejected B\n")
            .stderr(&format!(
                "{}error: B: cosign does not accept the signature
    (what cosign said)
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
",
                withheld(&names)
            ))
            .cosigns_words_left_out()
            .exits(5);
        assert_eq!((sandbox.tree("stolen"), sandbox.tree("home"), sandbox.tree("tmp")), Default::default());
    }
}

#[test]
fn none_turns_a_rejection_into_an_acceptance() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        let variables = variables_of_flags(&sandbox);
        for (value, words, error) in [
            (
                "true",
                "verify B --key cosign.pub",
                "error: B is not accepted: there is no transparency log entry, and this command line requires one
hint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false
"
                .to_owned(),
            ),
            (
                "cosign.pub",
                "verify B --key other.pub --insecure-ignore-tlog",
                format!(
                    "error: B is signed by key {KEY_SHA256}, not by --key ({})
hint: a rotated key is the usual cause: use the public key of the version that signed
",
                    crate::sandbox::OTHER_KEY_SHA256
                ),
            ),
        ] {
            with(sandbox.aicr(words), &variables, value)
                .stdout("rejected B\n")
                .stderr(&(withheld(&variables) + &error))
                .exits(5);
        }
    }
}

#[test]
fn without_aicr_they_have_one() {
    // This shows that the tests above can fail.
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox
            .program_run(["cosign", "public-key", "--key", "cosign.key"])
            .env("COSIGN_OUTFILE", "diverted.pub")
            .stderr("Public key written to diverted.pub\n")
            .succeeds();
        assert_eq!(sandbox.read("diverted.pub"), sandbox.read("cosign.pub"));
        sandbox
            .program_run(["cosign", "public-key"])
            .env("COSIGN_KEY", "other.key")
            .stdout(&sandbox.read("other.pub"))
            .succeeds();
    }
}
