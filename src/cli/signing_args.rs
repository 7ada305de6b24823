//! The arguments for signing, as typed.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

/// Who signs, and which services record the signature.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct SigningArgs {
    /// Sign with this key: a key manager URI or a key file [env: AICR_SIGNING_KEY]
    #[arg(long, value_name = "REF", value_hint = ValueHint::FilePath)]
    pub(crate) signing_key: Option<String>,
    /// Sign with an OIDC identity through Fulcio, which publishes that identity
    #[arg(long)]
    pub(crate) keyless: bool,
    /// Require a signer: --signing-key or --keyless
    #[arg(long)]
    pub(crate) attest: bool,
    /// Record the signature in a transparency log: true or false
    /// [env: AICR_TLOG_UPLOAD] [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tlog_upload: Option<String>,
    /// Use this transparency log instead of the public one
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) rekor_url: Option<String>,
    /// Use this certificate authority instead of the public one
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) fulcio_url: Option<String>,
    /// Request a timestamp from this authority
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) timestamp_server_url: Option<String>,
    /// Use this OIDC issuer instead of the public one
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) oidc_issuer: Option<String>,
    /// Use this client ID at the OIDC issuer
    #[arg(long, value_name = "ID")]
    pub(crate) oidc_client_id: Option<String>,
    /// Read the OIDC identity token from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) identity_token: Option<Utf8PathBuf>,
    /// Read the services from this Sigstore signing config instead of URL flags
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signing_config: Option<Utf8PathBuf>,
    /// Check the services against this Sigstore trusted root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trusted_root: Option<Utf8PathBuf>,
    /// Pass this variable to a KMS plugin, or to a helper program of k8s, awskms
    /// or pkcs11 (repeatable)
    #[arg(long, value_name = "NAME", action = clap::ArgAction::Append)]
    pub(crate) kms_env: Vec<String>,
    /// Write the public key for the receivers to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) public_key_out: Option<Utf8PathBuf>,
}

impl SigningArgs {
    /// The files that the flags name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        let Self { signing_key, identity_token, signing_config, trusted_root, public_key_out, .. } = self;
        let files = [identity_token, signing_config, trusted_root, public_key_out].map(Option::as_deref);
        signing_key.as_deref().map(Utf8Path::new).into_iter().chain(files.into_iter().flatten())
    }
}

/// What `bundle` and `bundle-sign` have in common besides the signer.
#[derive(Debug, Default, Args)]
pub(crate) struct SigningRunArgs {
    /// Check the plan and print the cosign command; sign and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace an existing bundle, manifest or signature
    #[arg(long)]
    pub(crate) force: bool,
}
