//! The table of signers: every valid row with its plan, every refusal with its whole text.

use clap::Parser;

use super::super::service::ServiceUrl;
use super::*;
use crate::cli::{self, Cli};

const KEY: &str = "--signing-key=awskms:///alias/k";
const ROOT: &str = "--trusted-root=root.json";
const OFF: &str = "--tlog-upload=false";
const REKOR: &str = "--rekor-url=https://rekor.example.com";
const TSA: &str = "--timestamp-server-url=https://tsa.example.com";
const TOKEN_FILE: &str = "--identity-token=token.jwt";

/// The signer that `line` gives to `bundle`, `bundle-sign` or `doctor`.
fn planned(
    command: &str,
    line: &[&str],
    environment: &Environment,
    terminal: bool,
) -> Result<Option<Signer>> {
    let mut arguments = vec!["aicr", command];
    if command != "doctor" {
        arguments.push("dist");
    }
    arguments.extend(line);
    let (command, args) = match Cli::try_parse_from(arguments).expect("a line that clap reads").command {
        cli::Command::Bundle(args) => (SigningCommand::Bundle { no_sign: args.no_sign }, args.signing),
        cli::Command::BundleSign(args) => (SigningCommand::BundleSign, args.signing),
        cli::Command::Doctor(args) => (SigningCommand::Doctor, args.signing),
        other => panic!("{other:?} signs nothing"),
    };
    signer(command, args, Surroundings { environment, terminal })
}

fn key(recording: Recording) -> KeySigner {
    KeySigner {
        key: Sourced {
            value: KeyRef::parse("awskms:///alias/k").expect("a key reference"),
            source: Source::Flag("--signing-key"),
        },
        kms_env: BTreeSet::new(),
        recording,
        public_key_out: None,
    }
}

fn url(address: &str) -> ServiceUrl {
    ServiceUrl::parse(address).expect(address)
}

/// A private log, and nothing else.
fn named() -> ServiceUrls {
    ServiceUrls {
        log: url("https://rekor.example.com"),
        certificate_authority: None,
        timestamp_authority: None,
        issuer: None,
        trusted_root: "root.json".into(),
    }
}

fn configured() -> PlannedServices {
    PlannedServices::Configured { file: "c.json".into(), trusted_root: "root.json".into() }
}

fn keyless(sigstore: PlannedServices, token: TokenSource) -> KeylessSigner {
    KeylessSigner { sigstore, client_id: None, token }
}

#[track_caller]
fn gives(line: &[&str], environment: &Environment, expected: Option<&Signer>) {
    for command in ["bundle", "bundle-sign", "doctor"] {
        if command != "bundle" && line.contains(&"--no-sign") {
            continue;
        }
        let signer = planned(command, line, environment, false).expect(command);
        assert_eq!(signer.as_ref(), expected, "{command} {line:?}");
    }
}

#[test]
fn rows_of_a_key() {
    let none = Environment::default();
    let off = Environment::of([("AICR_TLOG_UPLOAD", "false")]);
    let not_recorded = || key(Recording::NotRecorded);
    let logged = |services| key(Recording::Services(services));
    let both = ServiceUrls { timestamp_authority: Some(url("https://tsa.example.com")), ..named() };
    let stamped = Recording::TimestampAuthority {
        url: url("https://tsa.example.com"),
        trusted_root: "root.json".into(),
    };
    for (line, environment, expected) in [
        (&[KEY, OFF][..], &none, not_recorded()),
        (&[KEY], &off, not_recorded()),
        (&[KEY, "--tlog-upload=true"], &off, logged(PlannedServices::Public)),
        (&[KEY], &none, logged(PlannedServices::Public)),
        (&[KEY, "--tlog-upload"], &none, logged(PlannedServices::Public)),
        (&[KEY, REKOR, ROOT], &none, logged(PlannedServices::Named(Box::new(named())))),
        (&[KEY, TSA, ROOT, REKOR], &none, logged(PlannedServices::Named(Box::new(both)))),
        (&[KEY, "--signing-config=c.json", ROOT], &none, logged(configured())),
        (&[KEY, OFF, TSA, ROOT], &none, key(stamped)),
        (
            &[KEY, OFF, "--public-key-out=k.pub"],
            &none,
            KeySigner { public_key_out: Some("k.pub".into()), ..not_recorded() },
        ),
    ] {
        gives(line, environment, Some(&Signer::Key(expected)));
    }
}

#[test]
fn private_services_are_checked_against_the_given_root() {
    for (line, root) in [
        (&[KEY, OFF][..], None),
        (&[KEY], None),
        (&["--keyless", TOKEN_FILE], None),
        (&[KEY, OFF, TSA, ROOT], Some("root.json")),
        (&[KEY, REKOR, ROOT], Some("root.json")),
        (&[KEY, "--signing-config=c.json", ROOT], Some("root.json")),
        (&["--keyless", TOKEN_FILE, "--signing-config=c.json", ROOT], Some("root.json")),
    ] {
        let signer =
            planned("bundle", line, &Environment::default(), false).expect("a plan").expect("a signer");
        assert_eq!(signer.trusted_root(), root.map(Utf8Path::new), "{line:?}");
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
        ..key(Recording::NotRecorded)
    };
    let line = ["--kms-env=HSM_SLOT", "--kms-env=HSM_PIN", "--kms-env=HSM_PIN"];
    gives(&line, &environment, Some(&Signer::Key(expected)));
    let empty = Environment::of([("AICR_SIGNING_KEY", ""), ("AICR_TLOG_UPLOAD", "maybe")]);
    gives(&[KEY, OFF], &empty, Some(&Signer::Key(key(Recording::NotRecorded))));
}

#[test]
fn rows_without_a_signer() {
    let none = Environment::default();
    let off = Environment::of([("AICR_TLOG_UPLOAD", "false")]);
    let bad = Environment::of([("AICR_SIGNING_KEY", ""), ("AICR_TLOG_UPLOAD", "maybe")]);
    for (line, environment) in
        [(&[][..], &none), (&["--tlog-upload=true"], &none), (&["--tlog-upload"], &none), (&[], &off)]
    {
        for command in ["bundle", "bundle-sign", "doctor"] {
            assert_eq!(planned(command, line, environment, false).expect("no signer"), None, "{command}");
        }
    }
    assert_eq!(planned("bundle", &["--no-sign"], &bad, false).expect("no signer"), None);
}

#[test]
fn rows_of_an_identity() {
    let none = Environment::default();
    let file = || TokenSource::File("token.jwt".into());
    let line = [
        "--keyless",
        TOKEN_FILE,
        REKOR,
        TSA,
        ROOT,
        "--fulcio-url=https://fulcio.example.com",
        "--oidc-issuer=https://id.example.com",
        "--oidc-client-id=ci",
    ];
    let all_private = PlannedServices::Named(Box::new(ServiceUrls {
        certificate_authority: Some(url("https://fulcio.example.com")),
        timestamp_authority: Some(url("https://tsa.example.com")),
        issuer: Some(url("https://id.example.com")),
        ..named()
    }));
    for (line, expected) in [
        (&["--keyless", TOKEN_FILE][..], keyless(PlannedServices::Public, file())),
        (
            &["--keyless", "--attest", TOKEN_FILE, "--tlog-upload=true"],
            keyless(PlannedServices::Public, file()),
        ),
        (&line, KeylessSigner { client_id: Some("ci".to_owned()), ..keyless(all_private, file()) }),
        (&["--keyless", TOKEN_FILE, "--signing-config=c.json", ROOT], keyless(configured(), file())),
    ] {
        gives(line, &none, Some(&Signer::Keyless(expected)));
    }
}

#[test]
fn an_identity_token_comes_from_a_file_a_job_or_a_person() {
    let github = [("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"), ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a")];
    let ambient = TokenSource::Ambient;
    for (environment, terminal, token) in [
        (Environment::of([("SIGSTORE_ID_TOKEN", "t"), github[0], github[1]]), true, TokenSource::Variable),
        (Environment::of(github), true, ambient(Provider::GitHub)),
        (Environment::of([("BUILDKITE_AGENT_ACCESS_TOKEN", "t")]), false, ambient(Provider::Buildkite)),
        (Environment::of([("SPIFFE_ENDPOINT_SOCKET", "/s")]), false, ambient(Provider::Spiffe)),
        (
            Environment::of([
                ("GOOGLE_SERVICE_ACCOUNT_NAME", "a@b"),
                ("GOOGLE_APPLICATION_CREDENTIALS", "f"),
            ]),
            false,
            ambient(Provider::Google),
        ),
        (Environment::of([("GOOGLE_SERVICE_ACCOUNT_NAME", "a@b")]), true, TokenSource::Terminal),
        (Environment::of([github[0]]), true, TokenSource::Terminal),
        (Environment::of([("SIGSTORE_ID_TOKEN", "")]), true, TokenSource::Terminal),
    ] {
        let signer = planned("bundle", &["--keyless"], &environment, terminal).expect("a signer");
        assert_eq!(signer, Some(Signer::Keyless(keyless(PlannedServices::Public, token))));
    }
}

#[test]
fn names_of_token_sources() {
    for (token, name) in [
        (TokenSource::File("token.jwt".into()), "token.jwt"),
        (TokenSource::Variable, "SIGSTORE_ID_TOKEN"),
        (TokenSource::Ambient(Provider::GitHub), "GitHub Actions"),
        (TokenSource::Ambient(Provider::Buildkite), "Buildkite"),
        (TokenSource::Ambient(Provider::Spiffe), "the SPIFFE workload API"),
        (TokenSource::Ambient(Provider::Google), "Google"),
        (TokenSource::Terminal, "a sign-in at the terminal"),
    ] {
        assert_eq!(token.to_string(), name);
    }
}

mod refusals;
