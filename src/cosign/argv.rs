//! The exact command lines, one `match` on (operation, dialect). Pure.
//!
//! Each was run on every release of its dialect, with a key and no log, and made no outside
//! connect and no look-up. `tests/aicr/matrix.rs` shows that it is still so.

use camino::Utf8Path;

use super::capability::Dialect;

/// What cosign is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// `cosign public-key`: print the public half of a key.
    PublicKey {
        /// The key as cosign takes it.
        key: &'a str,
    },
    /// `cosign sign-blob` with a key, no log, no timestamp.
    Sign {
        /// The key as cosign takes it.
        key: &'a str,
    },
    /// `cosign verify-blob` with a PEM public key, no log, no timestamp.
    Verify,
}

impl Operation<'_> {
    /// The subcommand of cosign.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::PublicKey { .. } => "public-key",
            Self::Sign { .. } => "sign-blob",
            Self::Verify => "verify-blob",
        }
    }
}

/// The files of a private directory that a command line names.
pub(crate) mod file {
    /// What is signed or verified: a copy of the manifest.
    pub(crate) const BLOB: &str = "checksums.txt";
    /// Where cosign writes, or from where it reads, the Sigstore bundle.
    pub(crate) const BUNDLE: &str = "bundle.json";
    /// A bare base64 signature, the form of 2.0 to 2.3.
    pub(crate) const SIGNATURE: &str = "signature.b64";
    /// The public key, PEM.
    pub(crate) const KEY: &str = "key.pub";
    /// A signing config that names no service.
    pub(crate) const SIGNING_CONFIG: &str = "signing-config.json";
    /// A trusted root that trusts nobody.
    pub(crate) const TRUSTED_ROOT: &str = "trusted-root.json";
}

/// Names no log and no timestamp authority, so that a signature goes nowhere.
pub(crate) const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;

/// Trusts nobody. Its presence is what keeps cosign from fetching the public root (2.4 to 3.1) and
/// from falling back to the legacy bundle form (GHSA-fx35-mq7g-6g98).
pub(crate) const NO_TRUST: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;

/// The arguments for `operation` on a cosign that speaks `dialect`, with its files in `directory`.
///
/// Always `--flag=value` and absolute paths, so that nothing a person named can be taken for a
/// flag, a URL or a digest.
pub(crate) fn arguments(operation: Operation<'_>, dialect: Dialect, directory: &Utf8Path) -> Vec<String> {
    use file::{BLOB, BUNDLE, KEY, SIGNATURE, SIGNING_CONFIG, TRUSTED_ROOT};
    let path = |name: &str| directory.join(name).into_string();
    let at = |flag: &str, name: &str| format!("--{flag}={}", path(name));
    let plain = |flag: &str| format!("--{flag}");

    match (operation, dialect) {
        // The empty --outfile beats COSIGN_OUTFILE, which would divert the key.
        (Operation::PublicKey { key }, _) => {
            vec![operation.verb().into(), format!("--key={key}"), plain("outfile=")]
        }

        // Without --trusted-root this dialect goes to TUF first, and then signs. Together with
        // --use-signing-config it refuses.
        (Operation::Sign { key }, Dialect::SigningConfig) => vec![
            operation.verb().into(),
            plain("yes=true"),
            format!("--key={key}"),
            at("signing-config", SIGNING_CONFIG),
            at("trusted-root", TRUSTED_ROOT),
            at("bundle", BUNDLE),
            path(BLOB),
        ],
        (Operation::Sign { key }, Dialect::BundleFlag) => vec![
            operation.verb().into(),
            plain("yes=true"),
            format!("--key={key}"),
            plain("tlog-upload=false"),
            plain("new-bundle-format=true"),
            plain("timestamp-server-url="),
            plain("issue-certificate=false"),
            plain("sk=false"),
            at("bundle", BUNDLE),
            path(BLOB),
        ],
        (Operation::Sign { key }, Dialect::LegacyBundle) => vec![
            operation.verb().into(),
            plain("yes=true"),
            format!("--key={key}"),
            plain("tlog-upload=false"),
            plain("timestamp-server-url="),
            plain("issue-certificate=false"),
            plain("sk=false"),
            at("bundle", BUNDLE),
            path(BLOB),
        ],

        // A new bundle is recognised without being told so, and the flag is deprecated.
        (Operation::Verify, Dialect::SigningConfig) => vec![
            operation.verb().into(),
            at("key", KEY),
            plain("insecure-ignore-tlog=true"),
            at("trusted-root", TRUSTED_ROOT),
            at("bundle", BUNDLE),
            path(BLOB),
        ],
        (Operation::Verify, Dialect::BundleFlag) => vec![
            operation.verb().into(),
            at("key", KEY),
            plain("insecure-ignore-tlog=true"),
            plain("new-bundle-format=true"),
            at("trusted-root", TRUSTED_ROOT),
            at("bundle", BUNDLE),
            path(BLOB),
        ],
        // No bundle is safe here (GHSA-fx35-mq7g-6g98), hence the bare signature and the empty
        // --bundle. 2.0 fetches CT log keys for a plain key unless told to ignore them; there is
        // no certificate here to which they could belong.
        (Operation::Verify, Dialect::LegacyBundle) => vec![
            operation.verb().into(),
            at("key", KEY),
            plain("insecure-ignore-tlog=true"),
            plain("insecure-ignore-sct=true"),
            plain("bundle="),
            at("signature", SIGNATURE),
            path(BLOB),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(operation: Operation<'_>, dialect: Dialect) -> String {
        arguments(operation, dialect, Utf8Path::new("/p")).join(" ")
    }

    #[test]
    fn command_lines_are_those_that_were_measured() {
        use Dialect::{BundleFlag, LegacyBundle, SigningConfig};
        let sign = Operation::Sign { key: "K" };
        for (operation, dialect, expected) in [
            (
                sign,
                SigningConfig,
                "sign-blob --yes=true --key=K --signing-config=/p/signing-config.json --trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt",
            ),
            (
                sign,
                BundleFlag,
                "sign-blob --yes=true --key=K --tlog-upload=false --new-bundle-format=true --timestamp-server-url= --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt",
            ),
            (
                sign,
                LegacyBundle,
                "sign-blob --yes=true --key=K --tlog-upload=false --timestamp-server-url= --issue-certificate=false --sk=false --bundle=/p/bundle.json /p/checksums.txt",
            ),
            (
                Operation::Verify,
                SigningConfig,
                "verify-blob --key=/p/key.pub --insecure-ignore-tlog=true --trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt",
            ),
            (
                Operation::Verify,
                BundleFlag,
                "verify-blob --key=/p/key.pub --insecure-ignore-tlog=true --new-bundle-format=true --trusted-root=/p/trusted-root.json --bundle=/p/bundle.json /p/checksums.txt",
            ),
            (
                Operation::Verify,
                LegacyBundle,
                "verify-blob --key=/p/key.pub --insecure-ignore-tlog=true --insecure-ignore-sct=true --bundle= --signature=/p/signature.b64 /p/checksums.txt",
            ),
            (Operation::PublicKey { key: "K" }, SigningConfig, "public-key --key=K --outfile="),
        ] {
            assert_eq!(line(operation, dialect), expected);
        }
    }

    #[test]
    fn a_key_that_looks_like_a_flag_stays_a_value() {
        for dialect in [Dialect::SigningConfig, Dialect::BundleFlag, Dialect::LegacyBundle] {
            let all = arguments(Operation::Sign { key: "--sk" }, dialect, Utf8Path::new("/p"));
            assert!(all.contains(&"--key=--sk".to_owned()));
            assert!(!all.contains(&"--sk".to_owned()));
        }
    }
}
