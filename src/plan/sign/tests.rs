//! The table of section 2.1: every valid row with its plan, every refusal with its whole text.

use clap::Parser;

use super::super::service::ServiceUrl;
use super::keyless::TokenSource;
use super::log::{Authority, SigningConfig};
use super::*;
use crate::cli::{self, Cli};

const KEY: &str = "--signing-key=awskms:///alias/k";
const ROOT: &str = "--trusted-root=root.json";
const OFF: &str = "--tlog-upload=false";
const REKOR: &str = "--rekor-url=https://rekor.example.com";
const TSA: &str = "--timestamp-server-url=https://tsa.example.com";
const TOKEN: &str = "--identity-token=token.jwt";

/// Rules on `bundle`, `bundle-sign` or `doctor`, with no terminal.
fn ruled(command: &str, line: &[&str], environment: &Environment, terminal: bool) -> Result<Option<Signer>> {
    let mut arguments = vec!["aicr", command];
    if command != "doctor" {
        arguments.push("dist");
    }
    arguments.extend(line);
    let (command, args) = match Cli::try_parse_from(arguments).expect("a line that clap reads").command {
        cli::Command::Bundle(args) => (Command::Bundle { no_sign: args.no_sign }, args.signing),
        cli::Command::BundleSign(args) => (Command::BundleSign, args.signing),
        cli::Command::Doctor(args) => (Command::Doctor, args.signing),
        other => panic!("{other:?} signs nothing"),
    };
    signer(command, args, Surroundings { environment, terminal })
}

fn key(log: Option<Log>) -> KeySigner {
    KeySigner {
        key: Sourced {
            value: KeyRef::parse("awskms:///alias/k").expect("a key reference"),
            source: Source::Flag("--signing-key"),
        },
        kms_env: BTreeSet::new(),
        log,
        timestamp: None,
        public_key_out: None,
    }
}

fn private(url: &str) -> PrivateService {
    PrivateService { url: ServiceUrl::parse(url).expect(url), trusted_root: "root.json".into() }
}

fn keyless(token: TokenSource) -> KeylessSigner {
    KeylessSigner {
        log: Log::Public,
        authority: Authority::Public,
        timestamp: None,
        issuer: None,
        client_id: None,
        token,
    }
}

#[track_caller]
fn gives(line: &[&str], environment: &Environment, expected: Option<&Signer>) {
    for command in ["bundle", "bundle-sign", "doctor"] {
        if command != "bundle" && line.contains(&"--no-sign") {
            continue;
        }
        let signer = ruled(command, line, environment, false).expect(command);
        assert_eq!(signer.as_ref(), expected, "{command} {line:?}");
    }
}

#[test]
fn rows_of_a_key() {
    let none = Environment::default();
    let off = Environment::of([("AICR_TLOG_UPLOAD", "false")]);
    let config = SigningConfig { file: "c.json".into(), trusted_root: "root.json".into() };
    let rekor = Some(Log::Private(private("https://rekor.example.com")));
    let timestamp = Some(private("https://tsa.example.com"));
    for (line, environment, expected) in [
        (&[KEY, OFF][..], &none, key(None)),
        (&[KEY], &off, key(None)),
        (&[KEY, "--tlog-upload=true"], &off, key(Some(Log::Public))),
        (&[KEY], &none, key(Some(Log::Public))),
        (&[KEY, "--tlog-upload"], &none, key(Some(Log::Public))),
        (&[KEY, REKOR, ROOT], &none, key(rekor.clone())),
        (&[KEY, "--signing-config=c.json", ROOT], &none, key(Some(Log::Configured(config)))),
        (&[KEY, OFF, TSA, ROOT], &none, KeySigner { timestamp: timestamp.clone(), ..key(None) }),
        (&[KEY, TSA, ROOT, REKOR], &none, KeySigner { timestamp, ..key(rekor) }),
        (
            &[KEY, OFF, "--public-key-out=k.pub"],
            &none,
            KeySigner { public_key_out: Some("k.pub".into()), ..key(None) },
        ),
    ] {
        gives(line, environment, Some(&Signer::Key(expected)));
    }
}

#[test]
fn a_key_from_the_variable_says_so_and_a_plugin_gets_its_variables() {
    let environment = Environment::of([("AICR_SIGNING_KEY", "hsm://k"), ("AICR_TLOG_UPLOAD", "false")]);
    let kms_env = ["HSM_PIN", "HSM_SLOT"].map(|name| VariableName::parse(name).expect(name));
    let expected = KeySigner {
        key: Sourced {
            value: KeyRef::parse("hsm://k").expect("a key reference"),
            source: Source::Variable("AICR_SIGNING_KEY"),
        },
        kms_env: BTreeSet::from(kms_env),
        ..key(None)
    };
    let line = ["--kms-env=HSM_SLOT", "--kms-env=HSM_PIN", "--kms-env=HSM_PIN"];
    gives(&line, &environment, Some(&Signer::Key(expected)));
    let empty = Environment::of([("AICR_SIGNING_KEY", ""), ("AICR_TLOG_UPLOAD", "maybe")]);
    gives(&[KEY, OFF], &empty, Some(&Signer::Key(key(None))));
}

#[test]
fn rows_of_nobody() {
    let none = Environment::default();
    let off = Environment::of([("AICR_TLOG_UPLOAD", "false")]);
    let bad = Environment::of([("AICR_SIGNING_KEY", ""), ("AICR_TLOG_UPLOAD", "maybe")]);
    for (line, environment) in
        [(&[][..], &none), (&["--tlog-upload=true"], &none), (&["--tlog-upload"], &none), (&[], &off)]
    {
        for command in ["bundle", "bundle-sign", "doctor"] {
            assert_eq!(ruled(command, line, environment, false).expect("nobody"), None, "{command}");
        }
    }
    assert_eq!(ruled("bundle", &["--no-sign"], &bad, false).expect("nobody"), None);
}

#[test]
fn rows_of_an_identity() {
    let none = Environment::default();
    let file = || TokenSource::File("token.jwt".into());
    let config = SigningConfig { file: "c.json".into(), trusted_root: "root.json".into() };
    let line = [
        "--keyless",
        TOKEN,
        REKOR,
        TSA,
        ROOT,
        "--fulcio-url=https://fulcio.example.com",
        "--oidc-issuer=https://id.example.com",
        "--oidc-client-id=ci",
    ];
    let all_private = KeylessSigner {
        log: Log::Private(private("https://rekor.example.com")),
        authority: Authority::Private(private("https://fulcio.example.com")),
        timestamp: Some(private("https://tsa.example.com")),
        issuer: Some(private("https://id.example.com")),
        client_id: Some("ci".to_owned()),
        token: file(),
    };
    let configured = KeylessSigner {
        log: Log::Configured(config.clone()),
        authority: Authority::Configured(config),
        ..keyless(file())
    };
    for (line, expected) in [
        (&["--keyless", TOKEN][..], keyless(file())),
        (&["--attest", TOKEN, "--tlog-upload=true"], keyless(file())),
        (&line, all_private),
        (&["--keyless", TOKEN, "--signing-config=c.json", ROOT], configured),
    ] {
        gives(line, &none, Some(&Signer::Keyless(expected)));
    }
}

#[test]
fn an_identity_comes_from_a_file_a_job_or_a_person() {
    let github = [("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"), ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a")];
    for (environment, terminal, token) in [
        (Environment::of([("SIGSTORE_ID_TOKEN", "t")]), false, TokenSource::Ambient("SIGSTORE_ID_TOKEN")),
        (Environment::of(github), true, TokenSource::Ambient("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
        (Environment::of([github[0]]), true, TokenSource::Terminal),
        (Environment::of([("SIGSTORE_ID_TOKEN", "")]), true, TokenSource::Terminal),
    ] {
        let signer = ruled("bundle", &["--keyless"], &environment, terminal).expect("a signer");
        assert_eq!(signer, Some(Signer::Keyless(keyless(token))));
    }
}

#[test]
fn what_goes_to_a_log_is_said_beforehand_and_not_done_yet() {
    let keyless_hint = "name a key with --signing-key, and add --tlog-upload=false";
    let log_message =
        "signing with a transparency log (--tlog-upload=true, the default) is not supported yet";
    let log_hint = "add --tlog-upload=false to sign offline, with the key alone";
    for (line, notice, message, hint) in [
        (
            &[KEY][..],
            Some(
                "the signature goes to the transparency log at rekor.sigstore.dev: public and permanent; --tlog-upload=false keeps it out",
            ),
            Some(log_message),
            Some(log_hint),
        ),
        (
            &[KEY, REKOR, ROOT],
            Some("the signature goes to the transparency log at rekor.example.com"),
            Some(log_message),
            Some(log_hint),
        ),
        (
            &[KEY, "--rekor-url=https://log2025-1.rekor.sigstore.dev", ROOT],
            Some(
                "the signature goes to the transparency log at log2025-1.rekor.sigstore.dev: public and permanent; --tlog-upload=false keeps it out",
            ),
            Some(log_message),
            Some(log_hint),
        ),
        (
            &[KEY, "--signing-config=c\t.json", ROOT],
            Some("the signature goes to the transparency log that `c\\u{9}.json` names"),
            Some(log_message),
            Some(log_hint),
        ),
        (
            &["--keyless", TOKEN],
            Some(
                "the signature goes to the transparency log at rekor.sigstore.dev: public and permanent; --tlog-upload=false keeps it out (with --signing-key)",
            ),
            Some("keyless signing (--keyless) is not supported yet"),
            Some(keyless_hint),
        ),
        (
            &[KEY, OFF, TSA, ROOT],
            None,
            Some("signing with a timestamp (--timestamp-server-url) is not supported yet"),
            Some("leave out --timestamp-server-url and --trusted-root"),
        ),
        (&[KEY, OFF], None, None, None),
    ] {
        let signer =
            ruled("bundle", line, &Environment::default(), false).expect("a plan").expect("a signer");
        assert_eq!(signer.log_notice().as_deref(), notice);
        let refusal = signer.supported().err();
        assert_eq!(refusal.as_ref().map(Failure::message), message);
        assert_eq!(refusal.as_ref().and_then(Failure::way_out), hint);
        assert!(refusal.is_none_or(|failure| failure.class().code() == 2));
    }
}

mod refusals;
