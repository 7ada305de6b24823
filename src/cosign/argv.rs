//! The exact command lines, one `match` on (operation, dialect). Pure.
//!
//! Each was run on every release of its dialect. Those with a key and no service make no outside
//! connection and no look-up (`tests/aicr/matrix.rs`); those with services connect only to these
//! (`tests/sigstore`).

use camino::Utf8Path;

use super::capability::Dialect;
use super::private_directory::private_file;
use super::ready_signer::ReadySigner;
use super::recording_services::{ByFlag, RecordingServices};
use super::signing_key::SigningKey;
use super::verify_request::{VerifyAs, VerifyRequest};
use crate::plan::sign::Provider;
use crate::plan::verify::Pattern;

/// A run of cosign.
#[derive(Clone, Copy)]
pub(crate) enum Operation<'a> {
    /// `cosign public-key`: print the public half of a key.
    PublicKey {
        /// The key.
        key: &'a SigningKey,
    },
    /// `cosign initialize`: fetch the keys and addresses of the public Sigstore.
    Initialize,
    /// `cosign sign-blob`.
    Sign {
        /// Who signs.
        signer: &'a ReadySigner,
        /// Where it is recorded.
        services: &'a RecordingServices,
    },
    /// `cosign verify-blob`.
    Verify(VerifyRequest<'a>),
}

/// Where cosign gets an identity token from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// From the file [`private_file::TOKEN`].
    Token,
    /// From this provider, with what its environment holds.
    Ambient(Provider),
    /// From a person, who is shown an address and a code.
    Device,
}

impl Operation<'_> {
    /// The subcommand of cosign.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::PublicKey { .. } => "public-key",
            Self::Initialize => "initialize",
            Self::Sign { .. } => "sign-blob",
            Self::Verify(_) => "verify-blob",
        }
    }

    /// An argument that may hold a secret, and the text that is shown in its place.
    pub(super) fn shown_instead(self) -> Option<(String, String)> {
        match self {
            Self::PublicKey { key } => Some(key.shown_instead()),
            Self::Sign { signer, .. } => signer.shown_instead(),
            Self::Initialize | Self::Verify(_) => None,
        }
    }

    /// Whether it prints instructions for a person who signs in.
    pub(crate) fn talks_to_a_person(self) -> bool {
        matches!(self, Self::Sign { signer: ReadySigner::Identity(identity), .. } if identity.login() == Login::Device)
    }
}

/// The arguments for `operation` on a cosign that speaks `dialect`, with its files in `directory`.
///
/// Always `--flag=value` and absolute paths, so that nothing a person named can be taken for a
/// flag, a URL or a digest.
pub(crate) fn arguments(operation: Operation<'_>, dialect: Dialect, directory: &Utf8Path) -> Vec<String> {
    let path = |name: &str| directory.join(name).into_string();
    let at = |flag: &str, name: &str| format!("--{flag}={}", path(name));
    let mut line = vec![operation.verb().to_owned()];
    match operation {
        // The empty --outfile beats COSIGN_OUTFILE, which would divert the key.
        Operation::PublicKey { key } => {
            line.extend([format!("--key={}", key.argument), "--outfile=".to_owned()]);
        }
        Operation::Initialize => {}
        Operation::Sign { signer, services } => {
            line.push("--yes=true".to_owned());
            line.extend(signer_flags(signer, &at));
            match dialect {
                // Without a trusted root this dialect goes to TUF first, and then signs. Together
                // with --use-signing-config it refuses.
                Dialect::SigningConfig => line.extend([
                    at("signing-config", private_file::SIGNING_CONFIG),
                    at("trusted-root", private_file::TRUSTED_ROOT),
                ]),
                Dialect::BundleFlag => {
                    line.extend(log_flags(services));
                    line.push("--new-bundle-format=true".to_owned());
                    line.extend(other_service_flags(services));
                }
                Dialect::LegacyBundle => {
                    line.extend(log_flags(services));
                    line.extend(other_service_flags(services));
                }
            }
            line.extend([at("bundle", private_file::BUNDLE), path(private_file::BLOB)]);
        }
        Operation::Verify(request) => {
            line.extend(request_flags(request, &at));
            match dialect {
                // This dialect recognises a new bundle by itself, and the flag for that is
                // deprecated. There is always a root: see `trusted_root::EMPTY`.
                Dialect::SigningConfig => {
                    line.extend([
                        at("trusted-root", private_file::TRUSTED_ROOT),
                        at("bundle", private_file::BUNDLE),
                    ]);
                }
                Dialect::BundleFlag => line.extend([
                    "--new-bundle-format=true".to_owned(),
                    at("trusted-root", private_file::TRUSTED_ROOT),
                    at("bundle", private_file::BUNDLE),
                ]),
                // No bundle is safe here (GHSA-fx35-mq7g-6g98), hence the bare signature and the
                // empty --bundle. 2.0 fetches CT log keys even for a plain key, unless a flag says
                // to ignore them; no certificate is involved here.
                Dialect::LegacyBundle => line.extend([
                    "--insecure-ignore-sct=true".to_owned(),
                    "--bundle=".to_owned(),
                    at("signature", private_file::SIGNATURE),
                ]),
            }
            line.push(path(private_file::BLOB));
        }
    }
    line
}

fn signer_flags(signer: &ReadySigner, at: &dyn Fn(&str, &str) -> String) -> Vec<String> {
    let identity = match signer {
        ReadySigner::Key { key, .. } => return vec![format!("--key={}", key.argument)],
        ReadySigner::Identity(identity) => identity,
    };
    let login = identity.login();
    // The flow is spelled out: where its environment names no provider of a token, cosign would ask
    // a person, who sees nothing of it. So is the provider: of Google's own it would take the
    // account itself and not the one that it impersonates.
    let mut flags = match login {
        Login::Token => {
            vec![at("identity-token", private_file::TOKEN), "--fulcio-auth-flow=token".to_owned()]
        }
        Login::Ambient(provider) => {
            vec!["--fulcio-auth-flow=token".to_owned(), format!("--oidc-provider={}", known_as(provider))]
        }
        Login::Device => vec!["--fulcio-auth-flow=device".to_owned()],
    };
    let ambient = matches!(login, Login::Ambient(_));
    flags.push(format!("--oidc-disable-ambient-providers={}", !ambient));
    flags.extend(identity.client_id.as_ref().map(|id| format!("--oidc-client-id={id}")));
    flags
}

/// What cosign calls it.
fn known_as(provider: Provider) -> &'static str {
    match provider {
        Provider::GitHub => "github-actions",
        Provider::Buildkite => "buildkite-agent",
        Provider::Spiffe => "spiffe",
        Provider::Google => "google-impersonate",
    }
}

/// The log by flags.
fn log_flags(services: &RecordingServices) -> Vec<String> {
    let log = services.by_flag().log;
    let mut flags = vec![format!("--tlog-upload={}", log.is_some())];
    flags.extend(log.map(|url| format!("--rekor-url={url}")));
    flags
}

/// The other services by a flag each. What is not wanted is spelled out too: a variable could ask
/// for it.
fn other_service_flags(services: &RecordingServices) -> Vec<String> {
    let ByFlag { log: _, authority, issuer, timestamp_authority } = services.by_flag();
    let mut flags = vec![format!("--timestamp-server-url={}", timestamp_authority.unwrap_or_default())];
    let named = [("fulcio-url", authority), ("oidc-issuer", issuer)];
    flags.extend(named.into_iter().filter_map(|(flag, url)| Some(format!("--{flag}={}", url?))));
    flags.extend(["--issue-certificate=false".to_owned(), "--sk=false".to_owned()]);
    flags
}

fn request_flags(request: VerifyRequest<'_>, at: &dyn Fn(&str, &str) -> String) -> Vec<String> {
    let VerifyRequest { by, root: _, log, timestamp } = request;
    let mut flags = match by {
        VerifyAs::Key(_) => vec![at("key", private_file::KEY)],
        VerifyAs::Identity { identity, issuer } => {
            vec![pattern("certificate-identity", identity), pattern("certificate-oidc-issuer", issuer)]
        }
    };
    flags.push(format!("--insecure-ignore-tlog={}", !log));
    // Without this a timestamp may be false without anybody noticing; and 2.6 to 3.0 need it where
    // the log states no time.
    if timestamp {
        flags.push("--use-signed-timestamps=true".to_owned());
    }
    flags
}

fn pattern(flag: &str, pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exact(text) => format!("--{flag}={text}"),
        Pattern::Regexp(regexp) => format!("--{flag}-regexp={}", regexp.anchored()),
    }
}

#[cfg(test)]
mod tests;
