//! The files of a private directory that a command line names.

/// What is signed or verified: a copy of the manifest.
pub(crate) const BLOB: &str = "checksums.txt";
/// Where cosign writes, or from where it reads, the Sigstore bundle.
pub(crate) const BUNDLE: &str = "bundle.json";
/// A bare base64 signature, the form of 2.0 to 2.3.
pub(crate) const SIGNATURE: &str = "signature.b64";
/// The public key, PEM.
pub(crate) const KEY: &str = "key.pub";
/// The services that a signature is told to.
pub(crate) const SIGNING_CONFIG: &str = "signing-config.json";
/// What they are checked against.
pub(crate) const TRUSTED_ROOT: &str = "trusted-root.json";
/// An identity token.
pub(crate) const TOKEN: &str = "identity-token";
/// The key of a log, PEM: what 2.4 and 2.5 have for a trusted root when they sign.
pub(crate) const LOG_KEY: &str = "log.pub";
/// The key of a certificate transparency log, PEM.
pub(crate) const CT_LOG_KEY: &str = "ct-log.pub";
/// The chain of a certificate authority, PEM.
pub(crate) const AUTHORITY: &str = "authority.pem";
