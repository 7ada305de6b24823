//! Every command line, whole.

use super::super::recording_services::PrivateServices;
use super::super::signing_identity::SigningIdentity;
use super::*;
use crate::plan::service::ServiceUrl;
use crate::plan::sign::TokenSource;
use crate::plan::verify::Regexp;
use crate::sigstore::RekorVersion;
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::{self, TrustedRoot};
use Dialect::{BundleFlag, LegacyBundle, SigningConfig as Config};

fn line(operation: Operation<'_>, dialect: Dialect) -> String {
    arguments(operation, dialect, Utf8Path::new("/p")).join(" ")
}

fn sign<'a>(signer: &'a ReadySigner, services: &'a RecordingServices) -> Operation<'a> {
    Operation::Sign { signer, services }
}

/// A private Sigstore with these services.
fn private(log: Option<RekorVersion>, timestamps: bool) -> RecordingServices {
    let url = |text: &str| ServiceUrl::parse(text).unwrap();
    let mut config = SigningConfig::default()
        .with_authority(&url("https://fulcio.site"))
        .with_issuer(&url("https://id.site"));
    if let Some(version) = log {
        config = config.with_log(&url("https://rekor.site"), version);
    }
    if timestamps {
        config = config.with_timestamp_authority(&url("https://tsa.site/stamp"));
    }
    let root = TrustedRoot::parse(trusted_root::EMPTY.as_bytes()).unwrap();
    RecordingServices::Private(Box::new(PrivateServices { config, root, now: 0 }))
}

#[test]
fn a_key_without_services() {
    let key = &ReadySigner::of_key("K");
    let ReadySigner::Key { key: signing_key, .. } = key else { panic!("not a key") };
    for (operation, dialect, expected) in [
        (
            sign(key, &RecordingServices::NotRecorded),
            Config,
            "sign-blob --yes=true --key=K --signing-config=/p/signing-config.json --trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt",
        ),
        (
            sign(key, &RecordingServices::NotRecorded),
            BundleFlag,
            "sign-blob --yes=true --key=K --tlog-upload=false --new-bundle-format=true --timestamp-server-url= --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt",
        ),
        (
            sign(key, &RecordingServices::NotRecorded),
            LegacyBundle,
            "sign-blob --yes=true --key=K --tlog-upload=false --timestamp-server-url= --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt",
        ),
        (Operation::PublicKey { key: signing_key }, Config, "public-key --key=K --outfile="),
        (Operation::Initialize, Config, "initialize"),
    ] {
        assert_eq!(line(operation, dialect), expected);
    }
}

#[test]
fn services_are_named_by_a_file_or_by_flags() {
    let all = private(Some(RekorVersion::V1), true);
    let stamp = private(None, true);
    let key = &ReadySigner::of_key("K");
    let identity = |source| ReadySigner::Identity(SigningIdentity::of(source, None));
    let token = &identity(TokenSource::Variable);
    let [github, google] =
        &[Provider::GitHub, Provider::Google].map(|from| identity(TokenSource::Ambient(from)));
    let person = &identity(TokenSource::Terminal);
    let other_client = &ReadySigner::Identity(SigningIdentity::of(TokenSource::Terminal, Some("ci")));
    let files = "--signing-config=/p/signing-config.json --trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt";
    let rest = "--fulcio-url=https://fulcio.site --oidc-issuer=https://id.site --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt";
    for (signer, services, dialect, expected) in [
        (key, &all, Config, format!("--key=K {files}")),
        (
            token,
            &all,
            Config,
            format!("--identity-token=/p/identity-token --fulcio-auth-flow=token --oidc-disable-ambient-providers=true {files}"),
        ),
        (
            other_client,
            &RecordingServices::Public,
            Config,
            format!("--fulcio-auth-flow=device --oidc-disable-ambient-providers=true --oidc-client-id=ci {files}"),
        ),
        (
            github,
            &all,
            Config,
            format!("--fulcio-auth-flow=token --oidc-provider=github-actions --oidc-disable-ambient-providers=false {files}"),
        ),
        (
            google,
            &all,
            Config,
            format!("--fulcio-auth-flow=token --oidc-provider=google-impersonate --oidc-disable-ambient-providers=false {files}"),
        ),
        (
            person,
            &all,
            BundleFlag,
            format!("--fulcio-auth-flow=device --oidc-disable-ambient-providers=true --tlog-upload=true --rekor-url=https://rekor.site --new-bundle-format=true --timestamp-server-url=https://tsa.site/stamp {rest}"),
        ),
        (
            key,
            &stamp,
            BundleFlag,
            format!("--key=K --tlog-upload=false --new-bundle-format=true --timestamp-server-url=https://tsa.site/stamp {rest}"),
        ),
        (
            key,
            &RecordingServices::Public,
            BundleFlag,
            "--key=K --tlog-upload=true --rekor-url=https://rekor.sigstore.dev --new-bundle-format=true --timestamp-server-url= --fulcio-url=https://fulcio.sigstore.dev --oidc-issuer=https://oauth2.sigstore.dev/auth --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt".to_owned(),
        ),
    ] {
        assert_eq!(line(sign(signer, services), dialect), format!("sign-blob --yes=true {expected}"));
    }
}

#[test]
fn what_is_asked_about_a_signature() {
    let pem = include_bytes!("../../../fixtures/keys/throwaway.pub");
    let key = PublicKey::from_pem(pem).unwrap();
    let expression = Regexp::parse(".*".into(), "--certificate-oidc-issuer-regexp").unwrap();
    let (exact, anchored) = (Pattern::Exact("a@b".into()), Pattern::Regexp(expression));
    let asks = |by, log, timestamp| Operation::Verify(VerifyRequest { by, root: None, log, timestamp });
    let identity = VerifyAs::Identity { identity: &exact, issuer: &anchored };
    let root = "--trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt";
    let legacy = "--insecure-ignore-sct=true --bundle= --signature=/p/signature.b64 /p/checksums.txt";
    for (operation, dialect, expected) in [
        (
            asks(VerifyAs::Key(&key), false, false),
            Config,
            format!("--key=/p/key.pub --insecure-ignore-tlog=true {root}"),
        ),
        (
            asks(VerifyAs::Key(&key), false, false),
            BundleFlag,
            format!("--key=/p/key.pub --insecure-ignore-tlog=true --new-bundle-format=true {root}"),
        ),
        (
            asks(VerifyAs::Key(&key), false, false),
            LegacyBundle,
            format!("--key=/p/key.pub --insecure-ignore-tlog=true {legacy}"),
        ),
        (
            asks(VerifyAs::Key(&key), true, false),
            Config,
            format!("--key=/p/key.pub --insecure-ignore-tlog=false {root}"),
        ),
        (
            asks(identity, true, true),
            Config,
            format!(
                "--certificate-identity=a@b --certificate-oidc-issuer-regexp=^(?:.*)$ --insecure-ignore-tlog=false --use-signed-timestamps=true {root}"
            ),
        ),
        (
            asks(identity, false, true),
            BundleFlag,
            format!(
                "--certificate-identity=a@b --certificate-oidc-issuer-regexp=^(?:.*)$ --insecure-ignore-tlog=true --use-signed-timestamps=true --new-bundle-format=true {root}"
            ),
        ),
    ] {
        assert_eq!(line(operation, dialect), format!("verify-blob {expected}"));
    }
}

#[test]
fn a_key_that_looks_like_a_flag_stays_a_value() {
    for dialect in [Config, BundleFlag, LegacyBundle] {
        let all = arguments(
            sign(&ReadySigner::of_key("--sk"), &RecordingServices::NotRecorded),
            dialect,
            Utf8Path::new("/p"),
        );
        assert!(all.contains(&"--key=--sk".to_owned()));
        assert!(!all.contains(&"--sk".to_owned()));
    }
}
