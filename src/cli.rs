//! The command line exactly as typed. No rules: what a combination means is decided in `plan.rs`.

pub(crate) mod man;
pub(crate) mod usage_error;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Build, sign and verify release bundles offline with the system's own cosign.
#[derive(Debug, Parser)]
#[command(
    name = "aicr",
    version,
    max_term_width = 80,
    subcommand_required = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use this cosign [env: AICR_COSIGN] [default: the one on the PATH]
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::ExecutablePath)]
    pub(crate) cosign: Option<Utf8PathBuf>,
    /// Refuse any cosign binary but the one with this SHA-256
    #[arg(long, global = true, value_name = "HEX")]
    pub(crate) cosign_sha256: Option<String>,
    /// End a run of cosign after this time [env: AICR_TIMEOUT] [default: 3m]
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// Read this many files at once, at most 256 [default: one a processor]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) jobs: Option<String>,
    /// Print results as text or as one JSON object
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
    /// Print findings, errors and the transparency log notice only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show each cosign command before it runs
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Color the output: auto, always, never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: Color,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// When output is colored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a bundle of release files, and sign it when a signer is named
    Bundle(BundleArgs),
    /// Sign bundles that exist
    BundleSign(BundleSignArgs),
    /// Verify bundles: the signature, and every file
    Verify(VerifyArgs),
    /// Show what would happen here: the cosign found, how it is driven, the key
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// A directory (what is inside it goes in) or a file
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<Utf8PathBuf>,
    /// Build the bundle here
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<Utf8PathBuf>,
    /// Write the manifest into the one INPUT directory itself, copying nothing
    #[arg(long)]
    pub(crate) in_place: bool,
    /// Leave out what matches, as a line of .gitignore would (repeatable)
    #[arg(long, value_name = "GLOB", action = clap::ArgAction::Append)]
    pub(crate) exclude: Vec<String>,
    /// Let in names that are one name on a case-insensitive file system
    #[arg(long)]
    pub(crate) allow_name_collisions: bool,
    /// Let in files that hold a PEM private key
    #[arg(long)]
    pub(crate) allow_private_keys: bool,
    /// Build an unsigned bundle, whatever the variables say
    #[arg(long)]
    pub(crate) no_sign: bool,
    #[command(flatten)]
    pub(crate) signing_run: SigningRunArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BundleSignArgs {
    /// A bundle directory
    #[arg(required = true, value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    pub(crate) bundles: Vec<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) signing_run: SigningRunArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

/// Who signs, and what is told to whom.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct SigningArgs {
    /// Sign with this key: a key manager URI or a key file [env: AICR_SIGNING_KEY]
    #[arg(long, value_name = "REF")]
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
    /// The transparency log of a private Sigstore
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) rekor_url: Option<String>,
    /// The certificate authority of a private Sigstore
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) fulcio_url: Option<String>,
    /// Have a timestamp authority state when the signature was made
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) timestamp_server_url: Option<String>,
    /// The OIDC issuer of a private Sigstore
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) oidc_issuer: Option<String>,
    /// The OIDC client ID at that issuer
    #[arg(long, value_name = "ID")]
    pub(crate) oidc_client_id: Option<String>,
    /// Read the OIDC identity token from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) identity_token: Option<Utf8PathBuf>,
    /// Name the services in a Sigstore signing config instead of by URLs
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signing_config: Option<Utf8PathBuf>,
    /// Check the named services against this Sigstore trusted root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trusted_root: Option<Utf8PathBuf>,
    /// Hand this variable to a KMS plugin (repeatable)
    #[arg(long, value_name = "NAME", action = clap::ArgAction::Append)]
    pub(crate) kms_env: Vec<String>,
    /// Write the public key here, for the receivers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) public_key_out: Option<Utf8PathBuf>,
}

/// What `bundle` and `bundle-sign` have in common beside the signer.
#[derive(Debug, Default, Args)]
pub(crate) struct SigningRunArgs {
    /// Check everything that needs no payload and no network, then stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace the bundle, manifest or signature that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A bundle directory
    #[arg(required = true, value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    pub(crate) bundles: Vec<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Whom to believe.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustArgs {
    /// The signer's public key: a PEM file or a key manager URI
    #[arg(long, value_name = "FILE|REF")]
    pub(crate) key: Option<String>,
    /// Accept a signature without a transparency log entry
    #[arg(long)]
    pub(crate) insecure_ignore_tlog: bool,
    /// Check log entries, certificates and timestamps against this trusted root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trusted_root: Option<Utf8PathBuf>,
    /// The identity that signed keyless
    #[arg(long, value_name = "NAME")]
    pub(crate) certificate_identity: Option<String>,
    /// The same as an anchored regular expression
    #[arg(long, value_name = "REGEXP")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// The OIDC issuer of that identity
    #[arg(long, value_name = "URL")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// The same as an anchored regular expression
    #[arg(long, value_name = "REGEXP")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    /// Require a trusted timestamp too
    #[arg(long)]
    pub(crate) require_timestamp: bool,
    /// Let cosign fetch the public Sigstore root from the network
    #[arg(long)]
    pub(crate) online: bool,
    /// Compare files with the manifest only; proves nothing about who made it
    #[arg(long)]
    pub(crate) checksums_only: bool,
    /// Let a KMS plugin resolve `--key`
    #[arg(long)]
    pub(crate) allow_kms_plugin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    /// Ask whether the services can be reached
    #[arg(long)]
    pub(crate) online: bool,
}

impl Command {
    /// The name as typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bundle(_) => "bundle",
            Self::BundleSign(_) => "bundle-sign",
            Self::Verify(_) => "verify",
            Self::Doctor(_) => "doctor",
            Self::Completions { .. } => "completions",
            Self::Man => "man",
        }
    }
}
