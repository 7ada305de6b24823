//! The refusals of the table of signers, each with its whole text.

use super::*;

#[track_caller]
fn refused(command: &str, line: &[&str], variables: &Environment, message: &str, hint: &str) {
    let failure = planned(command, line, variables, false).expect_err(message);
    assert_eq!(failure.class().code(), 2);
    assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)), "{command} {line:?}");
}

fn none() -> Environment {
    Environment::default()
}

#[test]
fn pairs_that_exclude_each_other() {
    let (url, identity) = ("https://s.example.com", "a key has no OIDC identity");
    for (one, other, why) in [
        (KEY, "--keyless", "a signature has one signer"),
        (KEY, &format!("--fulcio-url={url}"), "a key needs no certificate"),
        (KEY, &format!("--oidc-issuer={url}"), identity),
        (KEY, "--oidc-client-id=ci", identity),
        (KEY, TOKEN_FILE, identity),
        ("--keyless", "--kms-env=A", "only the helper program of a key manager gets these variables"),
        (
            "--keyless",
            "--public-key-out=k.pub",
            "a keyless signature is verified by its identity, not by a key",
        ),
    ] {
        let flag = |typed: &str| typed.split('=').next().unwrap_or_default().to_owned();
        let message = format!("{} cannot be used with {}: {why}", flag(one), flag(other));
        let hint = format!("leave out {}, or leave out {}", flag(one), flag(other));
        for command in ["bundle", "bundle-sign", "doctor"] {
            refused(command, &[one, other], &none(), &message, &hint);
        }
    }
}

#[test]
fn services_named_twice_or_without_effect() {
    let url = "https://s.example.com";
    for (signer, one, other, why) in [
        (KEY, OFF, REKOR, "nothing would be sent to that log"),
        (KEY, OFF, "--signing-config=c.json", "its log would not be used"),
        (KEY, OFF, &format!("--fulcio-url={url}"), "Fulcio's certificates need a log"),
        (ROOT, OFF, REKOR, "nothing would be sent to that log"),
        (KEY, "--signing-config=c.json", REKOR, "both name the log"),
        (KEY, "--signing-config=c.json", TSA, "both name the timestamp authority"),
        (
            "--keyless",
            "--signing-config=c.json",
            &format!("--fulcio-url={url}"),
            "both name the certificate authority",
        ),
        (
            "--keyless",
            "--signing-config=c.json",
            &format!("--oidc-issuer={url}"),
            "both name the OIDC issuer",
        ),
    ] {
        let shown = |typed: &str| {
            if typed == OFF { OFF.to_owned() } else { typed.split('=').next().unwrap_or_default().to_owned() }
        };
        let message = format!("{} cannot be used with {}: {why}", shown(one), shown(other));
        let hint = format!("leave out {}, or leave out {}", shown(one), shown(other));
        refused("bundle", &[signer, one, other], &none(), &message, &hint);
    }
}

#[test]
fn keyless_without_a_log() {
    let why = "keyless signing needs Fulcio, which needs a network";
    refused(
        "bundle",
        &["--keyless", TOKEN_FILE, OFF],
        &none(),
        &format!("--keyless cannot be used with --tlog-upload=false: {why}"),
        "use --signing-key REF instead of --keyless",
    );
    refused(
        "bundle-sign",
        &["--keyless", TOKEN_FILE],
        &Environment::of([("AICR_TLOG_UPLOAD", "false")]),
        &format!("--keyless cannot be used with AICR_TLOG_UPLOAD=false: {why}"),
        "use --signing-key REF instead of --keyless, or add --tlog-upload=true",
    );
}

#[test]
fn a_variable_takes_part_like_a_flag() {
    refused(
        "bundle",
        &["--keyless", TOKEN_FILE],
        &Environment::of([("AICR_SIGNING_KEY", "cosign.key")]),
        "AICR_SIGNING_KEY cannot be used with --keyless: a signature has one signer",
        "unset AICR_SIGNING_KEY, or leave out --keyless",
    );
    refused(
        "bundle",
        &[KEY, REKOR, ROOT],
        &Environment::of([("AICR_TLOG_UPLOAD", "false")]),
        "AICR_TLOG_UPLOAD=false cannot be used with --rekor-url: nothing would be sent to that log",
        "add --tlog-upload=true, or leave out --rekor-url",
    );
    refused(
        "doctor",
        &[],
        &Environment::of([("AICR_SIGNING_KEY", "awskms://alias/x")]),
        "AICR_SIGNING_KEY: cosign reads the part after awskms:// as a host name, so a key without an endpoint needs three slashes",
        "write `awskms:///alias/x`",
    );
}

#[test]
fn flags_without_a_signer() {
    let any = "add --signing-key REF or --keyless";
    for command in ["bundle", "doctor"] {
        for (line, message, hint) in [
            (&[REKOR][..], "--rekor-url needs a signer", any),
            (&[REKOR, ROOT], "--rekor-url and --trusted-root need a signer", any),
            (&["--fulcio-url=x"], "--fulcio-url needs a signer", "add --keyless"),
            (&[TSA], "--timestamp-server-url needs a signer", any),
            (&["--oidc-issuer=x"], "--oidc-issuer needs a signer", "add --keyless"),
            (&["--oidc-client-id=x"], "--oidc-client-id needs a signer", "add --keyless"),
            (&[TOKEN_FILE], "--identity-token needs a signer", "add --keyless"),
            (&["--signing-config=x"], "--signing-config needs a signer", any),
            (&[ROOT], "--trusted-root needs a signer", any),
            (&["--kms-env=A"], "--kms-env needs a signer", "add --signing-key REF"),
            (&["--public-key-out=k"], "--public-key-out needs a signer", "add --signing-key REF"),
            (
                &[OFF],
                "--tlog-upload=false needs --signing-key",
                "add --signing-key REF, or leave out --tlog-upload=false for an unsigned bundle",
            ),
        ] {
            refused(command, line, &none(), message, hint);
        }
        let off = Environment::of([("AICR_TLOG_UPLOAD", "false")]);
        refused(command, &[REKOR], &off, "--rekor-url needs a signer", any);
    }
}

#[test]
fn no_sign_with_a_signing_flag() {
    for (line, names, them) in [
        (&["--no-sign", KEY][..], "--signing-key", "--signing-key"),
        (&["--no-sign", "--keyless"], "--keyless", "--keyless"),
        (&["--no-sign", OFF], "--tlog-upload=false", "--tlog-upload=false"),
        (&["--no-sign", "--tlog-upload"], "--tlog-upload=true", "--tlog-upload=true"),
        (&["--no-sign", ROOT], "--trusted-root", "--trusted-root"),
        (&["--no-sign", "--public-key-out=k", KEY], "--signing-key and --public-key-out", "the others"),
    ] {
        refused(
            "bundle",
            line,
            &Environment::of([("AICR_SIGNING_KEY", "cosign.key")]),
            &format!("--no-sign cannot be used with {names}: an unsigned bundle has no signer"),
            &format!("leave out --no-sign to sign, or leave out {them}"),
        );
    }
}

#[test]
fn private_services_and_their_root() {
    let hint = "add --trusted-root FILE, the trusted root of that Sigstore";
    for (line, flag) in [
        (&[KEY, REKOR][..], "--rekor-url"),
        (&[KEY, OFF, TSA], "--timestamp-server-url"),
        (&[KEY, "--signing-config=c.json"], "--signing-config"),
        (&["--keyless", TOKEN_FILE, "--fulcio-url=https://f.example.com"], "--fulcio-url"),
        (&["--keyless", TOKEN_FILE, "--oidc-issuer=https://i.example.com"], "--oidc-issuer"),
    ] {
        let message = format!("{flag} needs --trusted-root: aicr trusts a private service only through it");
        refused("bundle", line, &none(), &message, hint);
    }
    for (line, flags) in [
        (&[KEY, ROOT][..], "--rekor-url, --timestamp-server-url or --signing-config"),
        (&[KEY, OFF, ROOT], "--timestamp-server-url"),
        (
            &["--keyless", TOKEN_FILE, ROOT],
            "--rekor-url, --fulcio-url, --timestamp-server-url, --oidc-issuer or --signing-config",
        ),
    ] {
        refused(
            "bundle",
            line,
            &none(),
            "--trusted-root has no effect: it is for private services, and none is given",
            &format!("add {flags}, or leave out --trusted-root"),
        );
    }
}

#[test]
fn empty_values() {
    let unset = "an unset variable in the command line is the usual cause";
    let unsigned = "give a key manager URI or a key file, or --no-sign for an unsigned bundle";
    let empty = Environment::of([("AICR_SIGNING_KEY", "")]);
    refused("bundle", &[], &empty, "AICR_SIGNING_KEY: the key reference is empty", unsigned);
    refused("bundle", &["--signing-key="], &none(), "--signing-key: the key reference is empty", unsigned);
    let reference = "give a key manager URI or a key file";
    refused("bundle-sign", &[], &empty, "AICR_SIGNING_KEY: the key reference is empty", reference);
    for (line, flag) in [
        (&[KEY, OFF, "--public-key-out="][..], "--public-key-out"),
        (&[KEY, REKOR, "--trusted-root="], "--trusted-root"),
        (&[KEY, ROOT, "--signing-config="], "--signing-config"),
        (&["--keyless", "--identity-token="], "--identity-token"),
    ] {
        refused("bundle", line, &none(), &format!("{flag}: the path is empty"), unset);
    }
    refused(
        "bundle",
        &["--keyless", TOKEN_FILE, "--oidc-client-id="],
        &none(),
        "--oidc-client-id: the client ID is empty",
        "leave out --oidc-client-id to use the default",
    );
    refused(
        "bundle",
        &[KEY, "--rekor-url=", ROOT],
        &none(),
        "--rekor-url: the address is empty",
        "write `https://HOST`",
    );
}

#[test]
fn values_of_tlog_upload() {
    let form = "write --tlog-upload=true or --tlog-upload=false";
    for (value, shown) in [("FALSE", "FALSE"), ("0", "0"), ("no\u{1b}", "no\\u{1b}"), ("", "")] {
        let typed = format!("--tlog-upload={value}");
        let message = format!("--tlog-upload: `{shown}` is neither true nor false");
        refused("bundle", &[KEY, &typed], &none(), &message, form);
    }
    for value in ["", "False"] {
        refused(
            "bundle",
            &[],
            &Environment::of([("AICR_TLOG_UPLOAD", value)]),
            &format!("AICR_TLOG_UPLOAD: `{value}` is neither true nor false"),
            "set AICR_TLOG_UPLOAD to true or false, or unset it",
        );
    }
}

#[test]
fn variables_for_helper_programs() {
    let plugin = "--signing-key=hsm://k";
    refused(
        "bundle",
        &["--signing-key=hashivault://k", OFF, "--kms-env=HSM_PIN"],
        &none(),
        "--kms-env is for KMS plugins, k8s, awskms and pkcs11, and --signing-key is none of them",
        "leave out --kms-env: cosign gets the variables of this key manager anyway",
    );
    refused(
        "bundle",
        &[plugin, OFF, "--kms-env=HSM_PIN=1234"],
        &none(),
        "--kms-env: not the name of a variable (not shown: it may contain the value)",
        "write `--kms-env NAME`: aicr takes the value from its environment",
    );
    refused(
        "bundle",
        &[plugin, OFF, "--kms-env=LD_PRELOAD"],
        &none(),
        "--kms-env: LD_PRELOAD is never passed to cosign: it could change what is checked or which service is contacted",
        "let the helper program read a variable with another name",
    );
    refused(
        "bundle",
        &[plugin, OFF, "--kms-env=PATH"],
        &none(),
        "--kms-env: PATH is set by aicr itself",
        "leave out --kms-env PATH, or let the helper program read a variable with another name",
    );
}

#[test]
fn an_identity_from_nowhere_or_in_the_wrong_place() {
    refused(
        "bundle",
        &["--keyless"],
        &Environment::of([("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a")]),
        "--keyless has no identity: there is no --identity-token, no CI credential and no terminal for a sign-in",
        "add --identity-token FILE, set SIGSTORE_ID_TOKEN, or sign with a key: --signing-key REF",
    );
    refused(
        "bundle",
        &["--keyless", "--identity-token=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"],
        &none(),
        "--identity-token: expected a file, found a token (not shown)",
        "write the token to a file and give its path, or set SIGSTORE_ID_TOKEN",
    );
    refused(
        "bundle",
        &[KEY, "--rekor-url=http://user:hunter2@rekor.example.com", ROOT],
        &none(),
        "--rekor-url: the address contains credentials (not shown)",
        "leave out everything before the @",
    );
}

#[test]
fn no_public_service_is_added_to_a_private_one() {
    let fulcio = "--fulcio-url=https://fulcio.example.com";
    let log = "a private service cannot be used with the public log";
    refused(
        "bundle",
        &[KEY, TSA, ROOT],
        &none(),
        &format!("--timestamp-server-url needs --rekor-url: {log}"),
        "add --rekor-url URL, or add --tlog-upload=false to use no log",
    );
    refused(
        "bundle",
        &["--keyless", TOKEN_FILE, fulcio, ROOT],
        &none(),
        &format!("--fulcio-url needs --rekor-url: {log}"),
        "add --rekor-url URL",
    );
    refused(
        "bundle",
        &["--keyless", TOKEN_FILE, REKOR, ROOT],
        &none(),
        "--rekor-url needs --fulcio-url with --keyless: the identity token would go to the public Fulcio",
        "add --fulcio-url URL",
    );
    let line = ["aicr", "bundle", "dist", "--keyless", REKOR, fulcio, ROOT];
    let cli::Command::Bundle(args) = Cli::try_parse_from(line).expect("a line").command else { panic!() };
    let surroundings = Surroundings { environment: &none(), terminal: true };
    let failure =
        signer(SigningCommand::Bundle { no_sign: false }, args.signing, surroundings).expect_err("no issuer");
    assert_eq!(
        (failure.message(), failure.way_out()),
        (
            "--keyless with a private Sigstore needs --oidc-issuer: you sign in there",
            Some("add --oidc-issuer URL, or add --identity-token FILE")
        )
    );
}

#[test]
fn flags_that_a_provider_would_ignore() {
    let job = Environment::of([
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a"),
    ]);
    let named = ["--keyless", REKOR, "--fulcio-url=https://fulcio.example.com", ROOT];
    for (flag, name) in [
        ("--oidc-issuer=https://id.example.com", "--oidc-issuer"),
        ("--oidc-client-id=ci", "--oidc-client-id"),
    ] {
        let line: Vec<_> = named.into_iter().chain([flag]).collect();
        refused(
            "bundle",
            &line,
            &job,
            &format!("{name} has no effect: the identity token comes from GitHub Actions"),
            &format!("leave out {name}, or add --identity-token FILE"),
        );
    }
}
