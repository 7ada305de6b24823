//! Which signing flags and variables can be used together, for `bundle`, `bundle-sign` and
//! `doctor`.

use super::refused;

const UNSET: &str = "an unset variable in the command line is the usual cause";
const ANY_SIGNER: &str = "add --signing-key REF or --keyless";
const NO_FULCIO: &str = "keyless signing needs Fulcio, which needs a network";

#[test]
fn no_log_needs_a_key() {
    let key = "add --signing-key REF, or leave out --tlog-upload=false for an unsigned bundle";
    refused(&[
        ("bundle dist -o out --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        ("bundle dist --in-place --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        ("doctor --tlog-upload=false", "--tlog-upload=false needs --signing-key", key),
        (
            "bundle dist -o out --keyless --tlog-upload=false",
            &format!("--keyless cannot be used with --tlog-upload=false: {NO_FULCIO}"),
            "use --signing-key REF instead of --keyless",
        ),
        (
            "AICR_TLOG_UPLOAD=false bundle-sign B --keyless",
            &format!("--keyless cannot be used with AICR_TLOG_UPLOAD=false: {NO_FULCIO}"),
            "use --signing-key REF instead of --keyless, or add --tlog-upload=true",
        ),
        (
            "bundle-sign B --tlog-upload=false",
            "bundle-sign needs a signer",
            "add --signing-key REF or --keyless, or set AICR_SIGNING_KEY",
        ),
        (
            "bundle-sign B",
            "bundle-sign needs a signer",
            "add --signing-key REF or --keyless, or set AICR_SIGNING_KEY",
        ),
    ]);
}

#[test]
fn a_blank_instead_of_an_equals_sign() {
    refused(&[
        (
            "bundle dist -o out --signing-key cosign.key --tlog-upload false",
            "--tlog-upload false: there is a blank instead of `=`",
            "write --tlog-upload=false; write `./false` for an input of that name",
        ),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload TRUE",
            "--tlog-upload TRUE: there is a blank instead of `=`",
            "write --tlog-upload=true; write `./TRUE` for an input of that name",
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
    let no_identity =
        |flag: &str| format!("--signing-key cannot be used with {flag}: a key has no OIDC identity");
    let no_sign =
        |names: &str| format!("--no-sign cannot be used with {names}: an unsigned bundle has no signer");
    refused(&[
        (
            "bundle dist -o out --signing-key cosign.key --keyless",
            "--signing-key cannot be used with --keyless: a signature has one signer",
            "leave out --signing-key, or leave out --keyless",
        ),
        (
            "AICR_SIGNING_KEY=cosign.key bundle dist -o out --keyless",
            "AICR_SIGNING_KEY cannot be used with --keyless: a signature has one signer",
            "unset AICR_SIGNING_KEY, or leave out --keyless",
        ),
        (
            "bundle-sign B --signing-key cosign.key --fulcio-url https://f.example",
            "--signing-key cannot be used with --fulcio-url: a key needs no certificate",
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
            "--keyless cannot be used with --public-key-out: a keyless signature is verified by its identity, not by a key",
            "leave out --keyless, or leave out --public-key-out",
        ),
        (
            "bundle dist -o out --keyless --kms-env PIN",
            "--keyless cannot be used with --kms-env: only the helper program of a key manager gets these variables",
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
            "bundle dist -o out --no-sign --attest",
            &no_sign("--attest"),
            "leave out --no-sign to sign, or leave out --attest",
        ),
        (
            "AICR_SIGNING_KEY=cosign.key bundle dist -o out --no-sign --attest",
            &no_sign("--attest"),
            "leave out --no-sign to sign, or leave out --attest",
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
            "--keyless has no identity: there is no --identity-token, no CI credential and no terminal for a sign-in",
            "add --identity-token FILE, set SIGSTORE_ID_TOKEN, or sign with a key: --signing-key REF",
        ),
    ]);
}

#[test]
fn flags_that_need_a_signer() {
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
        ("bundle dist -o out --attest", "--attest needs a signer", ANY_SIGNER),
        ("bundle dist --in-place --attest --tlog-upload", "--attest needs a signer", ANY_SIGNER),
        (
            "bundle-sign B --attest",
            "bundle-sign needs a signer",
            "add --signing-key REF or --keyless, or set AICR_SIGNING_KEY",
        ),
        ("doctor --attest", "--attest needs a signer", ANY_SIGNER),
        ("bundle dist -o out --identity-token t", "--identity-token needs a signer", "add --keyless"),
        ("doctor --signing-config c.json", "--signing-config needs a signer", ANY_SIGNER),
        ("doctor --trusted-root r.json", "--trusted-root needs a signer", ANY_SIGNER),
        ("doctor --kms-env PIN", "--kms-env needs a signer", "add --signing-key REF"),
        (
            "bundle dist -o out --public-key-out k.pub",
            "--public-key-out needs a signer",
            "add --signing-key REF",
        ),
    ]);
}

#[test]
fn endpoints_are_never_ignored() {
    let key = "bundle dist -o out --signing-key cosign.key --tlog-upload=false";
    let off = |flag: &str, why: &str| format!("--tlog-upload=false cannot be used with {flag}: {why}");
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
            &off("--signing-config", "its log would not be used"),
            "leave out --tlog-upload=false, or leave out --signing-config",
        ),
        (
            "AICR_TLOG_UPLOAD=false bundle-sign B --signing-key cosign.key --rekor-url https://r.example",
            "AICR_TLOG_UPLOAD=false cannot be used with --rekor-url: nothing would be sent to that log",
            "add --tlog-upload=true, or leave out --rekor-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config c.json --rekor-url https://r.example",
            "--signing-config cannot be used with --rekor-url: both name the log",
            "leave out --signing-config, or leave out --rekor-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config c.json --timestamp-server-url https://t.example",
            "--signing-config cannot be used with --timestamp-server-url: both name the timestamp authority",
            "leave out --signing-config, or leave out --timestamp-server-url",
        ),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload=false --trusted-root r.json",
            "--trusted-root has no effect: it is for private services, and none is given",
            "add --timestamp-server-url, or leave out --trusted-root",
        ),
    ]);
}

#[test]
fn a_private_service_has_a_root_and_an_encrypted_address() {
    let start = "bundle dist -o out --signing-key cosign.key";
    let root = "add --trusted-root FILE, the trusted root of that Sigstore";
    let untrusted =
        |flag: &str| format!("{flag} needs --trusted-root: aicr trusts a private service only through it");
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
            "--rekor-url: the address contains credentials (not shown)",
            "leave out everything before the @",
        ),
    ]);
}

#[test]
fn empty_paths_and_values_that_are_secrets() {
    let key = "bundle dist -o out --signing-key cosign.key --tlog-upload=false";
    let withheld = "--kms-env: LD_PRELOAD is never passed to cosign: it could change what is checked or which service is contacted";
    refused(&[
        (&format!("{key} --public-key-out="), "--public-key-out: the path is empty", UNSET),
        ("bundle dist -o out --keyless --identity-token=", "--identity-token: the path is empty", UNSET),
        (
            "bundle dist -o out --keyless --identity-token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
            "--identity-token: expected a file, found a token (not shown)",
            "write the token to a file and give its path, or set SIGSTORE_ID_TOKEN",
        ),
        (
            &format!("{key} --kms-env PIN"),
            "--kms-env is for KMS plugins, k8s, awskms and pkcs11, and --signing-key is none of them",
            "leave out --kms-env: cosign gets the variables of this key manager anyway",
        ),
        (
            "bundle dist -o out --signing-key hsm://k --tlog-upload=false --kms-env PIN=1234",
            "--kms-env: not the name of a variable (not shown: it may contain the value)",
            "write `--kms-env NAME`: aicr takes the value from its environment",
        ),
        (
            "bundle dist -o out --signing-key hsm://k --tlog-upload=false --kms-env LD_PRELOAD",
            withheld,
            "let the helper program read a variable with another name",
        ),
    ]);
}
