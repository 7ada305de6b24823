//! Which signing flags and variables go together, for `bundle`, `bundle-sign` and `doctor`.

use super::refused;

const UNSET: &str = "an unset variable in the command line is the usual cause";
const ANY_SIGNER: &str = "name a key with --signing-key, or add --keyless";
const NO_FULCIO: &str = "keyless signing needs Fulcio, which needs a network";

#[test]
fn no_log_needs_a_key() {
    let key = "name the key with --signing-key, or leave out --tlog-upload=false for an unsigned bundle";
    refused(&[
        ("bundle dist -o out --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        ("bundle dist --in-place --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        ("doctor --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        (
            "bundle dist -o out --keyless --tlog-upload=false",
            &format!("--keyless cannot go with --tlog-upload=false: {NO_FULCIO}"),
            "name a key with --signing-key",
        ),
        (
            "bundle dist -o out --attest --tlog-upload=false",
            &format!("--keyless cannot go with --tlog-upload=false: {NO_FULCIO}"),
            "name a key with --signing-key",
        ),
        (
            "AICR_TLOG_UPLOAD=false bundle-sign B --keyless",
            &format!("--keyless cannot go with AICR_TLOG_UPLOAD=false: {NO_FULCIO}"),
            "name a key with --signing-key, or give --tlog-upload=true",
        ),
        (
            "bundle-sign B --tlog-upload=false",
            "bundle-sign needs a signer",
            "name a key with --signing-key or AICR_SIGNING_KEY, or give --keyless",
        ),
        (
            "bundle-sign B",
            "bundle-sign needs a signer",
            "name a key with --signing-key or AICR_SIGNING_KEY, or give --keyless",
        ),
    ]);
}

#[test]
fn a_blank_where_an_equals_sign_belongs() {
    refused(&[
        (
            "bundle dist -o out --signing-key cosign.key --tlog-upload false",
            "--tlog-upload false: a blank stands where `=` belongs",
            "write --tlog-upload=false; an input of the name `false` is `./false`",
        ),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload TRUE",
            "--tlog-upload TRUE: a blank stands where `=` belongs",
            "write --tlog-upload=true; an input of the name `TRUE` is `./TRUE`",
        ),
    ]);
}

#[test]
fn only_true_and_false() {
    let typed = "write --tlog-upload=true or --tlog-upload=false";
    let variable = "set AICR_TLOG_UPLOAD to true or false, or unset it";
    refused(&[
        ("bundle dist -o out --tlog-upload=no", "--tlog-upload: `no` is neither true nor false", typed),
        ("bundle dist -o out --tlog-upload=", "--tlog-upload: `` is neither true nor false", typed),
        (
            "AICR_TLOG_UPLOAD=0 bundle dist -o out",
            "AICR_TLOG_UPLOAD: `0` is neither true nor false",
            variable,
        ),
        ("AICR_TLOG_UPLOAD= bundle dist -o out", "AICR_TLOG_UPLOAD: `` is neither true nor false", variable),
        (
            "AICR_TLOG_UPLOAD=maybe bundle-sign B --signing-key cosign.key",
            "AICR_TLOG_UPLOAD: `maybe` is neither true nor false",
            variable,
        ),
    ]);
}

#[test]
fn an_empty_key_is_not_an_unsigned_release() {
    let unsigned = "give a key manager URI or a key file, or --no-sign for an unsigned bundle";
    refused(&[
        ("AICR_SIGNING_KEY= bundle dist -o out", "AICR_SIGNING_KEY: the key reference is empty", unsigned),
        ("bundle dist -o out --signing-key=", "--signing-key: the key reference is empty", unsigned),
        (
            "AICR_SIGNING_KEY=cosign.key bundle dist -o out --signing-key=",
            "--signing-key: the key reference is empty",
            unsigned,
        ),
        (
            "AICR_SIGNING_KEY= bundle-sign B",
            "AICR_SIGNING_KEY: the key reference is empty",
            "give a key manager URI or a key file",
        ),
        (
            "AICR_SIGNING_KEY= doctor",
            "AICR_SIGNING_KEY: the key reference is empty",
            "give a key manager URI or a key file",
        ),
    ]);
}

#[test]
fn two_signers_or_none() {
    let no_identity = |flag: &str| format!("--signing-key cannot go with {flag}: a key has no OIDC identity");
    let no_sign = |names: &str| format!("--no-sign cannot go with {names}: an unsigned bundle has no signer");
    refused(&[
        (
            "bundle dist -o out --signing-key cosign.key --keyless",
            "--signing-key cannot go with --keyless: a bundle has one signer",
            "leave out --signing-key, or leave out --keyless",
        ),
        (
            "AICR_SIGNING_KEY=cosign.key bundle dist -o out --keyless",
            "AICR_SIGNING_KEY cannot go with --keyless: a bundle has one signer",
            "unset AICR_SIGNING_KEY, or leave out --keyless",
        ),
        (
            "bundle-sign B --signing-key cosign.key --fulcio-url https://f.example",
            "--signing-key cannot go with --fulcio-url: a key needs no certificate",
            "leave out --signing-key, or leave out --fulcio-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --oidc-issuer https://i.example",
            &no_identity("--oidc-issuer"),
            "leave out --signing-key, or leave out --oidc-issuer",
        ),
        (
            "bundle-sign B --signing-key cosign.key --oidc-client-id ci",
            &no_identity("--oidc-client-id"),
            "leave out --signing-key, or leave out --oidc-client-id",
        ),
        (
            "bundle-sign B --signing-key cosign.key --identity-token token",
            &no_identity("--identity-token"),
            "leave out --signing-key, or leave out --identity-token",
        ),
        (
            "bundle dist -o out --keyless --public-key-out k.pub",
            "--keyless cannot go with --public-key-out: a keyless signature is verified by its identity, not by a key",
            "leave out --keyless, or leave out --public-key-out",
        ),
        (
            "bundle dist -o out --keyless --kms-env PIN",
            "--keyless cannot go with --kms-env: only a KMS plugin is handed variables",
            "leave out --keyless, or leave out --kms-env",
        ),
        (
            "bundle dist -o out --no-sign --signing-key cosign.key",
            &no_sign("--signing-key"),
            "leave out --no-sign to sign, or leave out --signing-key",
        ),
        (
            "bundle dist -o out --no-sign --keyless",
            &no_sign("--keyless"),
            "leave out --no-sign to sign, or leave out --keyless",
        ),
        (
            "bundle dist -o out --no-sign --tlog-upload=false",
            &no_sign("--tlog-upload=false"),
            "leave out --no-sign to sign, or leave out --tlog-upload=false",
        ),
        (
            "bundle dist -o out --no-sign --signing-key cosign.key --public-key-out k.pub",
            &no_sign("--signing-key and --public-key-out"),
            "leave out --no-sign to sign, or leave out the others",
        ),
        (
            "bundle dist -o out --keyless",
            "--keyless has no identity: there is no --identity-token, no credential of a CI job and no terminal to sign in from",
            "give --identity-token FILE, set SIGSTORE_ID_TOKEN, or name a key with --signing-key",
        ),
    ]);
}

#[test]
fn what_needs_a_signer() {
    refused(&[
        ("bundle dist -o out --rekor-url https://r.example", "--rekor-url needs a signer", ANY_SIGNER),
        (
            "bundle dist -o out --rekor-url https://r.example --trusted-root r.json",
            "--rekor-url and --trusted-root need a signer",
            ANY_SIGNER,
        ),
        ("bundle dist -o out --fulcio-url https://f.example", "--fulcio-url needs a signer", "add --keyless"),
        (
            "bundle dist -o out --timestamp-server-url https://t.example",
            "--timestamp-server-url needs a signer",
            ANY_SIGNER,
        ),
        ("bundle dist -o out --identity-token t", "--identity-token needs a signer", "add --keyless"),
        ("doctor --signing-config c.json", "--signing-config needs a signer", ANY_SIGNER),
        ("doctor --trusted-root r.json", "--trusted-root needs a signer", ANY_SIGNER),
        ("doctor --kms-env PIN", "--kms-env needs a signer", "name a key with --signing-key"),
        (
            "bundle dist -o out --public-key-out k.pub",
            "--public-key-out needs a signer",
            "name a key with --signing-key",
        ),
    ]);
}

#[test]
fn endpoints_are_never_dropped() {
    let key = "bundle dist -o out --signing-key cosign.key --tlog-upload=false";
    let off = |flag: &str, why: &str| format!("--tlog-upload=false cannot go with {flag}: {why}");
    refused(&[
        (
            &format!("{key} --rekor-url https://r.example"),
            &off("--rekor-url", "nothing would be sent to that log"),
            "leave out --tlog-upload=false, or leave out --rekor-url",
        ),
        (
            &format!("{key} --fulcio-url https://f.example"),
            &off("--fulcio-url", "Fulcio's certificates need a log"),
            "leave out --tlog-upload=false, or leave out --fulcio-url",
        ),
        (
            &format!("{key} --signing-config c.json"),
            &off("--signing-config", "the log that it names would be left out"),
            "leave out --tlog-upload=false, or leave out --signing-config",
        ),
        (
            "AICR_TLOG_UPLOAD=false bundle-sign B --signing-key cosign.key --rekor-url https://r.example",
            "AICR_TLOG_UPLOAD=false cannot go with --rekor-url: nothing would be sent to that log",
            "give --tlog-upload=true, or leave out --rekor-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config c.json --rekor-url https://r.example",
            "--signing-config cannot go with --rekor-url: both name the log",
            "leave out --signing-config, or leave out --rekor-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config c.json --timestamp-server-url https://t.example",
            "--signing-config cannot go with --timestamp-server-url: both name the timestamp authority",
            "leave out --signing-config, or leave out --timestamp-server-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload=false --trusted-root r.json",
            "--trusted-root has nothing to check: no private service is named",
            "name one with --timestamp-server-url, or leave out --trusted-root",
        ),
    ]);
}

#[test]
fn a_private_service_has_a_root_and_an_encrypted_address() {
    let start = "bundle dist -o out --signing-key cosign.key";
    let root = "add --trusted-root FILE, the trusted root of that Sigstore";
    let untrusted =
        |flag: &str| format!("{flag} needs --trusted-root: a private service is not trusted at first sight");
    refused(&[
        (&format!("{start} --rekor-url https://r.example"), &untrusted("--rekor-url"), root),
        (&format!("{start} --signing-config c.json"), &untrusted("--signing-config"), root),
        (
            &format!("{start} --tlog-upload=false --timestamp-server-url https://t.example"),
            &untrusted("--timestamp-server-url"),
            root,
        ),
        (
            "bundle dist -o out --keyless --identity-token t --fulcio-url https://f.example",
            &untrusted("--fulcio-url"),
            root,
        ),
        (
            &format!("{start} --rekor-url http://r.example:3000 --trusted-root r.json"),
            "--rekor-url: plain http:// is for loopback only (localhost, 127.0.0.0/8, [::1])",
            "write `https://r.example:3000`",
        ),
        (
            &format!("{start} --rekor-url r.example --trusted-root r.json"),
            "--rekor-url: the address does not begin with https://",
            "write `https://HOST`",
        ),
        (
            &format!("{start} --rekor-url= --trusted-root r.json"),
            "--rekor-url: the address is empty",
            "write `https://HOST`",
        ),
        (
            &format!("{start} --rekor-url https://me:hunter2@r.example --trusted-root r.json"),
            "--rekor-url: credentials do not belong in an address (not shown)",
            "leave out what stands before the @",
        ),
    ]);
}

#[test]
fn empty_paths_and_values_that_are_secrets() {
    let key = "bundle dist -o out --signing-key cosign.key --tlog-upload=false";
    let withheld =
        "--kms-env: LD_PRELOAD is never handed on: it could change what cosign checks or whom it talks to";
    refused(&[
        (&format!("{key} --public-key-out="), "--public-key-out: the path is empty", UNSET),
        ("bundle dist -o out --keyless --identity-token=", "--identity-token: the path is empty", UNSET),
        (
            "bundle dist -o out --keyless --identity-token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
            "--identity-token: a token was given where a file belongs (not shown)",
            "write the token to a file and give its path, or set SIGSTORE_ID_TOKEN",
        ),
        (
            &format!("{key} --kms-env PIN"),
            "--kms-env is for KMS plugins, and --signing-key names none",
            "leave out --kms-env: a key manager that cosign knows gets its own variables anyway",
        ),
        (
            "bundle dist -o out --signing-key hsm://k --tlog-upload=false --kms-env PIN=1234",
            "--kms-env: not the name of a variable (not shown: it may hold a value)",
            "write `--kms-env NAME`; the value is taken from the environment of aicr",
        ),
        (
            "bundle dist -o out --signing-key hsm://k --tlog-upload=false --kms-env LD_PRELOAD",
            withheld,
            "have the plugin read a variable of another name",
        ),
    ]);
}
