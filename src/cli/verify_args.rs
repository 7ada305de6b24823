//! The arguments of `verify` as typed.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

#[derive(Debug, Default, Args)]
pub(crate) struct VerifyArgs {
    /// Verify this bundle directory, or this archive; - is an archive on
    /// standard input
    #[arg(required = true, value_name = "BUNDLE", value_hint = ValueHint::AnyPath)]
    pub(crate) bundles: Vec<Utf8PathBuf>,
    /// Copy the bundle into this new directory, if it is accepted
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) copy_to: Option<Utf8PathBuf>,
    /// Write an in-toto statement about the result to this new file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) receipt: Option<Utf8PathBuf>,
    /// Verify only the I-th of N parts of the files, from 1 on
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<String>,
    #[command(flatten)]
    pub(crate) release: ReleaseArgs,
    #[command(flatten)]
    pub(crate) foreign: ForeignArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What the directory is, if aicr did not build it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Releases of others")]
pub(crate) struct ForeignArgs {
    /// Verify the release whose checksum file has this name in DIR
    #[arg(long, value_name = "NAME")]
    pub(crate) manifest: Option<Utf8PathBuf>,
    /// Verify this signature over the checksum file
    /// [default: the one next to it: NAME.sigstore.json, .sigstore, .bundle, .sig]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signature: Option<Utf8PathBuf>,
    /// Allow that some of the listed files are not there
    #[arg(long)]
    pub(crate) allow_missing: bool,
}

/// Which release a bundle must be.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Release")]
pub(crate) struct ReleaseArgs {
    /// Require a release of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) expect_name: Option<String>,
    /// Require exactly this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect_version: Option<String>,
    /// Require this version or a later one
    #[arg(long, value_name = "VERSION")]
    pub(crate) at_least: Option<String>,
}

/// Which signers are trusted.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustArgs {
    /// Trust this key: a file, - for standard input, or a key manager URI
    /// (repeatable)
    #[arg(long, value_name = "FILE|REF", value_hint = ValueHint::FilePath, action = clap::ArgAction::Append)]
    pub(crate) key: Vec<String>,
    /// Require that each key of --key has this SHA-256 fingerprint (repeatable)
    #[arg(long, value_name = "HEX", action = clap::ArgAction::Append)]
    pub(crate) key_sha256: Vec<String>,
    /// Require signatures by this many different keys of --key [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) require: Option<String>,
    /// Accept a signature without a transparency log entry
    #[arg(long)]
    pub(crate) insecure_ignore_tlog: bool,
    /// Check log entries, certificates and timestamps against this trusted root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trusted_root: Option<Utf8PathBuf>,
    /// Require a keyless signature by this identity
    #[arg(long, value_name = "NAME")]
    pub(crate) certificate_identity: Option<String>,
    /// Like --certificate-identity, as an anchored regular expression
    #[arg(long, value_name = "REGEXP")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// Require an identity from this OIDC issuer
    #[arg(long, value_name = "URL")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// Like --certificate-oidc-issuer, as an anchored regular expression
    #[arg(long, value_name = "REGEXP")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    /// Require a trusted timestamp
    #[arg(long)]
    pub(crate) require_timestamp: bool,
    /// Let cosign fetch the public Sigstore root from the network
    #[arg(long)]
    pub(crate) online: bool,
    /// Compare files with the manifest only; this proves nothing about the signer
    #[arg(long)]
    pub(crate) checksums_only: bool,
    /// Allow a KMS plugin to resolve --key
    #[arg(long)]
    pub(crate) allow_kms_plugin: bool,
}

impl VerifyArgs {
    /// The bundles, and the files and directories that flags name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        let Self { bundles, copy_to, receipt, shard: _, release: _, foreign, trust } = self;
        let keys = trust.key.iter().map(Utf8Path::new);
        let files = [&trust.trusted_root, copy_to, receipt, &foreign.signature].map(Option::as_deref);
        bundles.iter().map(Utf8PathBuf::as_path).chain(keys).chain(files.into_iter().flatten())
    }
}
