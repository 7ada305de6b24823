//! The file formats of Sigstore: signature bundles with their certificates, log entries and timestamps, trusted
//! roots, signing configs and identity tokens. Pure: text in, types out. No cosign is started here.

mod base64_text;
pub(crate) mod certificate;
pub(crate) mod der_fields;
pub(crate) mod evidence;
pub(crate) mod file;
pub(crate) mod identity_token;
pub(crate) mod public_key;
pub(crate) mod rekor_version;
pub(crate) mod signing_config;
pub(crate) mod trusted_root;
pub(crate) mod validity;
