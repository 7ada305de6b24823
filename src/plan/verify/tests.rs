//! The table of trust: every valid row with its plan, every refusal with its whole text.

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::release::{Label, Release};

fn plan(line: &[&str]) -> Result<VerifyPlan> {
    let arguments = ["aicr", "verify", "bundle"].into_iter().chain(line.iter().copied());
    let Command::Verify(args) = Cli::try_parse_from(arguments).expect("a line that clap reads").command
    else {
        panic!("not verify: {line:?}")
    };
    VerifyPlan::new(args, &Environment::default())
}

fn by(keys: Vec<KeyToTrust>, required: usize, evidence: KeyEvidence) -> Trust {
    Trust::Keys { keys, fingerprints: Vec::new(), required, evidence }
}

fn file_key(evidence: KeyEvidence) -> Trust {
    by(vec![KeyToTrust::File("k.pub".into())], 1, evidence)
}

fn identity(evidence: IdentityEvidence, root: Root) -> Trust {
    Trust::Identity {
        identity: Pattern::Exact("me@example.com".to_owned()),
        issuer: Pattern::Exact("https://id.example.com".to_owned()),
        evidence,
        root,
    }
}

const ME: [&str; 2] =
    ["--certificate-identity=me@example.com", "--certificate-oidc-issuer=https://id.example.com"];
const ROOT: &str = "--trusted-root=root.json";
const IGNORE: &str = "--insecure-ignore-tlog";

/// The row that `line` gives.
#[track_caller]
pub(super) fn trust(line: &[&str]) -> Trust {
    let plan = plan(line).expect("a plan");
    assert_eq!(plan.bundles, ["bundle"]);
    let Scope::Signature(signature) = plan.scope else { panic!("no signature: {line:?}") };
    signature.trust
}

#[track_caller]
fn gives(line: &[&str], expected: &Trust) {
    assert_eq!(&trust(line), expected, "{line:?}");
}

#[test]
fn rows_of_a_key() {
    use TimestampPolicy::{IfKnown, Required};
    let root = || Root::File("root.json".into());
    gives(&["--key=k.pub", IGNORE], &file_key(KeyEvidence::None));
    gives(&["--key=k.pub"], &file_key(KeyEvidence::LogWithoutRoot));
    gives(&["--key=k.pub", ROOT], &file_key(KeyEvidence::Log { root: root(), timestamp: IfKnown }));
    gives(
        &["--key=k.pub", ROOT, "--require-timestamp"],
        &file_key(KeyEvidence::Log { root: root(), timestamp: Required }),
    );
    gives(
        &["--key=k.pub", ROOT, IGNORE],
        &file_key(KeyEvidence::TimestampOnly { root: root(), timestamp: IfKnown }),
    );
    gives(
        &["--key=k.pub", "--online", IGNORE, "--require-timestamp"],
        &file_key(KeyEvidence::TimestampOnly { root: Root::Online, timestamp: Required }),
    );
    gives(
        &["--key=k.pub", "--online"],
        &file_key(KeyEvidence::Log { root: Root::Online, timestamp: IfKnown }),
    );
}

#[test]
fn a_key_manager_and_an_allowed_plugin_are_references() {
    for (line, reference) in [
        (&["--key=awskms:///alias/k", IGNORE][..], "awskms:///alias/k"),
        (&["--key=hsm://k", IGNORE, "--allow-kms-plugin"][..], "hsm://k"),
    ] {
        let key = KeyToTrust::Ref(KeyRef::parse(reference).expect("a reference"));
        gives(line, &by(vec![key], 1, KeyEvidence::None));
    }
    gives(&["--key=k.pub", IGNORE, "--allow-kms-plugin"], &file_key(KeyEvidence::None));
}

#[test]
fn a_key_to_trust_may_be_piped_in() {
    let by = |key| by(vec![key], 1, KeyEvidence::None);
    gives(&["--key=-", IGNORE], &by(KeyToTrust::StandardInput));
    gives(&["--key=./-", IGNORE], &by(KeyToTrust::File("./-".into())));
}

#[test]
fn standard_input_is_read_once() {
    for line in [&["-", "--key=k"][..], &["--key=-"], &["--manifest=SUMS", "--key=-"]] {
        assert!(plan(line).is_ok(), "{line:?}");
    }
    let twice = "- is given twice: standard input can be read only once";
    for line in [&["-", "-", "--key=k"][..], &["-", "--key=-"], &["-", "--key=k", "--key=-"]] {
        refused(line, twice, "give the key in a file, or the archive");
    }
    refused(
        &["-", "--manifest=SUMS", "--key=k"],
        "BUNDLE: - is an archive, and --manifest needs a directory",
        "write `./-` for a directory of that name",
    );
}

#[test]
fn the_expected_release_is_compared() {
    let release = |name: &str, version: &str| {
        Release::new(Label::new(name).expect(name), Label::new(version).expect(version), 1, 1)
    };
    for (flags, name, version, expected) in [
        (&[][..], "app", "1.4", None),
        (&["--expect-name=app", "--expect-version=1.4", "--at-least=1.4"], "app", "1.4", None),
        (&["--expect-name=app"], "App", "1.4", Some("is a release of App, but --expect-name is app")),
        (
            &["--expect-version=1.4"],
            "app",
            "1.4.0",
            Some("is version 1.4.0 of app, but --expect-version is 1.4"),
        ),
        (&["--expect-version=jammy"], "app", "jammy", None),
        (&["--at-least=v1.04"], "app", "1.10", None),
        (&["--at-least=1.4"], "app", "1.4-rc1", Some("is version 1.4-rc1 of app, older than --at-least 1.4")),
        (
            &["--at-least=1.4"],
            "app",
            "jammy",
            Some("is version jammy of app, which cannot be compared with --at-least 1.4"),
        ),
    ] {
        let line: Vec<&str> = ["--key=k.pub"].into_iter().chain(flags.iter().copied()).collect();
        let Scope::Signature(plan) = plan(&line).expect("a plan").scope else { panic!("{line:?}") };
        assert_eq!(plan.release.is_some(), !flags.is_empty());
        let typed = plan.release.flags().into_iter().map(|(flag, value)| format!("{flag}={value}"));
        assert_eq!(typed.collect::<Vec<_>>(), flags, "what a receipt repeats");
        assert_eq!(plan.release.difference(&release(name, version)).as_deref(), expected, "{line:?}");
    }
}

#[test]
fn a_key_manager_is_not_asked_in_the_clear() {
    let trust = |environment: &Environment| {
        let key = vec!["hashivault://release".to_owned()];
        let trust = TrustArgs { key, insecure_ignore_tlog: true, ..TrustArgs::default() };
        let args = VerifyArgs { bundles: vec!["bundle".into()], trust, ..VerifyArgs::default() };
        VerifyPlan::new(args, environment)
    };
    let failure = trust(&Environment::of([("VAULT_ADDR", "http://vault.example")])).expect_err("a refusal");
    assert_eq!(
        (failure.class().code(), failure.message(), failure.way_out()),
        (
            2,
            "--key hashivault://release: VAULT_ADDR is a plain http:// address, so others on the network can choose the key",
            Some("set VAULT_ADDR to an https:// address, or give the public key in a file"),
        )
    );
    for fine in ["https://vault.example", "http://127.0.0.1:8200"] {
        trust(&Environment::of([("VAULT_ADDR", fine)])).expect(fine);
    }
}

fn regexp(typed: &str, flag: &'static str) -> Pattern {
    Pattern::Regexp(Regexp::parse(typed.to_owned(), flag).expect(typed))
}

#[test]
fn rows_of_an_identity_and_without_a_signature() {
    let root = || Root::File("root.json".into());
    gives(&[ME[0], ME[1], ROOT], &identity(IdentityEvidence::Log(TimestampPolicy::IfKnown), root()));
    gives(
        &[ME[0], ME[1], "--online"],
        &identity(IdentityEvidence::Log(TimestampPolicy::IfKnown), Root::Online),
    );
    gives(
        &[ME[0], ME[1], ROOT, "--require-timestamp"],
        &identity(IdentityEvidence::Log(TimestampPolicy::Required), root()),
    );
    gives(
        &[ME[0], ME[1], ROOT, "--require-timestamp", IGNORE],
        &identity(IdentityEvidence::RequiredTimestamp, root()),
    );
    let regexps = Trust::Identity {
        identity: regexp("me@.*", "--certificate-identity-regexp"),
        issuer: regexp("https://.*", "--certificate-oidc-issuer-regexp"),
        evidence: IdentityEvidence::Log(TimestampPolicy::IfKnown),
        root: root(),
    };
    let line = ["--certificate-identity-regexp=me@.*", "--certificate-oidc-issuer-regexp=https://.*", ROOT];
    gives(&line, &regexps);
    assert_eq!(Pattern::Exact("me@example.com".to_owned()).warning(), None);
    assert_eq!(
        regexp("me@.*", "--certificate-identity-regexp").warning().as_deref(),
        Some("--certificate-identity-regexp must match the whole text: it is used as `^(?:me@.*)$`")
    );
    let checksums_only = plan(&["--checksums-only"]).expect("a plan");
    assert_eq!(checksums_only.scope, Scope::ChecksumsOnly);
}

#[test]
fn what_each_row_asks_of_a_signature() {
    use TimestampPolicy::{IfKnown, Required};
    let file = Root::File("root.json".into());
    for (line, root, log, timestamp) in [
        (&["--key=k.pub", IGNORE][..], None, false, None),
        (&["--key=k.pub"], None, true, None),
        (&["--key=k.pub", ROOT], Some(&file), true, Some(IfKnown)),
        (&["--key=k.pub", ROOT, IGNORE, "--require-timestamp"], Some(&file), false, Some(Required)),
        (&[ME[0], ME[1], "--online"], Some(&Root::Online), true, Some(IfKnown)),
        (&[ME[0], ME[1], ROOT, IGNORE, "--require-timestamp"], Some(&file), false, Some(Required)),
    ] {
        let trust = trust(line);
        let found = (trust.root(), trust.requires_log_entry(), trust.timestamp_policy());
        assert_eq!(found, (root, log, timestamp), "{line:?}");
        assert_eq!(trust.requires_timestamp(), timestamp == Some(Required), "{line:?}");
    }
}

#[track_caller]
pub(super) fn refused(line: &[&str], message: &str, hint: &str) {
    let failure = plan(line).expect_err(message);
    assert_eq!(failure.class().code(), 2);
    assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)), "{line:?}");
}

#[test]
fn pairs_that_exclude_each_other() {
    let pairs = |one: &str, others: &[&str], why: &str| {
        for other in others {
            let (a, b) =
                (one.split('=').next().unwrap_or_default(), other.split('=').next().unwrap_or_default());
            let message = format!("{a} cannot be used with {b}: {why}");
            refused(&[one, other], &message, &format!("leave out {a}, or leave out {b}"));
            refused(&[other, one], &message, &format!("leave out {a}, or leave out {b}"));
        }
    };
    let certificate = [ME[0], "--certificate-identity-regexp=m", ME[1], "--certificate-oidc-issuer-regexp=h"];
    let checksums = "it verifies no signature";
    pairs(
        "--checksums-only",
        &["--key=k", IGNORE, ROOT, "--online", "--require-timestamp", "--allow-kms-plugin"],
        checksums,
    );
    let of_signed = ["--copy-to=d", "--receipt=r", "--expect-name=n", "--expect-version=1", "--at-least=1"];
    pairs("--checksums-only", &of_signed, checksums);
    pairs("--checksums-only", &["--key-sha256=0", "--require=1"], checksums);
    for flag in certificate {
        pairs(flag, &["--key-sha256=0"], "a signature is made by a key or by an identity");
        pairs(flag, &["--require=1"], "it counts keys");
    }
    pairs("--checksums-only", &certificate, checksums);
    pairs("--key=k", &certificate, "a signature is made by a key or by an identity");
    pairs(ME[0], &["--certificate-identity-regexp=m"], "only one of them can apply");
    pairs(ME[1], &["--certificate-oidc-issuer-regexp=h"], "only one of them can apply");
    pairs(ROOT, &["--online"], "only one trusted root can apply");
    for flag in certificate {
        pairs(flag, &["--allow-kms-plugin"], "a KMS plugin has keys, not identities");
    }
}

#[test]
fn rows_that_lack_something() {
    refused(
        &[],
        "verify needs a key: add --key FILE --insecure-ignore-tlog",
        "--checksums-only compares the files only, and proves nothing about who made them",
    );
    let add = "add --key FILE, or --certificate-identity NAME --certificate-oidc-issuer URL";
    refused(&[IGNORE], "--insecure-ignore-tlog needs a key or an identity to trust", add);
    refused(
        &["--require-timestamp", ROOT],
        "--trusted-root and --require-timestamp need a key or an identity to trust",
        add,
    );
    refused(
        &[ME[0], ROOT],
        "--certificate-identity needs --certificate-oidc-issuer: any issuer could certify that name",
        "add --certificate-oidc-issuer URL",
    );
    refused(
        &["--certificate-oidc-issuer-regexp=h", ROOT],
        "--certificate-oidc-issuer-regexp needs --certificate-identity: an issuer certifies many identities",
        "add --certificate-identity NAME",
    );
    refused(
        &["--key-sha256=0", IGNORE],
        "--key-sha256 needs --key: it says which key that must be",
        "add --key FILE",
    );
    refused(&["--require=2", IGNORE], "--require needs --key: it counts keys", "add --key FILE");
    refused(&["--copy-to=d"], "--copy-to needs a key or an identity to trust", add);
    for flag in ["--copy-to=d", "--receipt=r"] {
        let name = &flag[..flag.len() - 2];
        refused(
            &["second", "--key=k", IGNORE, flag],
            &format!("{name} takes exactly one bundle, not 2"),
            "run verify once for each bundle",
        );
    }
    let root = "add --trusted-root FILE, or --online to let cosign fetch the public trusted root";
    refused(&ME, "--certificate-identity needs --trusted-root: there is nothing to check it against", root);
    refused(
        &["--key=k", "--require-timestamp"],
        "--require-timestamp needs --trusted-root: there is nothing to check it against",
        root,
    );
    refused(
        &[ME[0], ME[1], ROOT, IGNORE],
        "--insecure-ignore-tlog with --certificate-identity needs --require-timestamp: nothing else shows that the certificate was valid at signing time",
        "add --require-timestamp, or leave out --insecure-ignore-tlog",
    );
}

#[test]
fn values_that_are_refused() {
    let unset = "an unset variable in the command line is the usual cause";
    refused(&["--key=", IGNORE], "--key: the key reference is empty", "give a key manager URI or a key file");
    refused(
        &["--key=https://example.com/k.pub", IGNORE],
        "--key: cosign would fetch the key from this web address, and a key from there is not checked",
        "download the key file, check it, and give its path",
    );
    refused(
        &["--key=hsm://k?pin=1", IGNORE],
        "--key hsm://k?… needs --allow-kms-plugin: cosign would run the program sigstore-kms-hsm",
        "add --allow-kms-plugin, or give the public key in a file",
    );
    refused(
        &["--key=env://KEY", IGNORE],
        "--key env://KEY: the key to trust cannot come from a variable",
        "give the public key in a file",
    );
    refused(&["--key=k", "--trusted-root="], "--trusted-root: the path is empty", unset);
    refused(&["--certificate-identity=", ME[1], ROOT], "--certificate-identity: the value is empty", unset);
    refused(
        &[ME[0], "--certificate-oidc-issuer-regexp=", ROOT],
        "--certificate-oidc-issuer-regexp: the value is empty",
        unset,
    );
    refused(
        &["--certificate-identity-regexp=a)|(b", ME[1], ROOT],
        "--certificate-identity-regexp: `a)|(b` is not a regular expression: unopened group",
        "use Go's syntax: https://pkg.go.dev/regexp/syntax",
    );
    refused(&["--key=k", "--copy-to="], "--copy-to: the path is empty", unset);
    refused(&["--key=k", "--receipt="], "--receipt: the path is empty", unset);
    for (flag, value) in [("--expect-name", ""), ("--expect-version", "a b"), ("--expect-version", ".1")] {
        refused(
            &["--key=k", &format!("{flag}={value}")],
            &format!("{flag} `{value}` cannot be the name or version of a release"),
            "use 1 to 128 letters, digits and the characters . _ + ~ -, and begin with a letter or digit",
        );
    }
    refused(
        &["--key=k", "--at-least=1.4~rc1"],
        "--at-least `1.4~rc1` is not a version that can be compared",
        "give one to three numbers, for example --at-least 1.4",
    );
    refused(
        &["--key=k", "--key-sha256=d34f"],
        "--key-sha256 `d34f` is not a SHA-256: it has 64 hexadecimal digits",
        "`aicr verify` prints the fingerprint of the key",
    );
    let Command::Verify(args) =
        Cli::try_parse_from(["aicr", "verify", "", "--checksums-only"]).expect("a line").command
    else {
        panic!("not verify")
    };
    let failure = VerifyPlan::new(args, &Environment::default()).expect_err("an empty path");
    assert_eq!((failure.message(), failure.way_out()), ("BUNDLE: the path is empty", Some(unset)));
}
