//! The file formats of Sigstore: signature bundles with their certificates, log entries and
//! timestamps, trusted roots, signing configs and identity tokens. Pure: bytes in, types out.

pub(crate) mod certificate;
pub(crate) mod der_fields;
pub(crate) mod evidence;
pub(crate) mod file;
pub(crate) mod identity_token;
pub(crate) mod key_type;
pub(crate) mod pem;
pub(crate) mod public_key;
pub(crate) mod signing_config;
pub(crate) mod trusted_root;
pub(crate) mod validity;

/// The major version of a Rekor log. The two versions share the name and nothing else: protocol,
/// entries and proofs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RekorVersion {
    /// Rekor 1: every dialect can record and verify with it.
    V1,
    /// Rekor 2 (rekor-tiles): from cosign 2.6 on.
    V2,
}
