//! The command line exactly as typed. No rules: what a combination means is decided in `plan.rs`.

mod completions;
mod examples;
mod known_words;
mod man;
mod pack_args;
mod page_args;
mod signing_args;
pub(crate) mod usage_error;
mod verify_args;
pub(crate) mod version;

use std::ffi::{OsStr, OsString};

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};

use examples::Example;
pub(crate) use pack_args::PackArgs;
pub(crate) use page_args::{InspectArgs, SheetArgs};
pub(crate) use signing_args::{SigningArgs, SigningRunArgs};
pub(crate) use verify_args::{ForeignArgs, ReleaseArgs, TrustArgs, VerifyArgs};

/// Build, sign and verify release bundles offline with the system's own cosign.
#[derive(Debug, Parser)]
#[command(
    name = "aicr",
    version,
    max_term_width = 80,
    subcommand_required = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    arg(version::flag()),
    after_help = Example::help(examples::AICR)
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
    /// Refuse every cosign binary except the one with this SHA-256
    #[arg(long, global = true, value_name = "HEX")]
    pub(crate) cosign_sha256: Option<String>,
    /// Stop a run of cosign after this time [env: AICR_TIMEOUT] [default: 3m]
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// Read at most this many files at once, 1 to 256 [default: one per processor]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) jobs: Option<String>,
    /// Print results as text or json
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
    /// Write the result as JSON to this file too, whatever is printed
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<Utf8PathBuf>,
    /// Print only findings, errors and the transparency log notice
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print each cosign command before it runs
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Color the output: auto, always or never
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

/// What is done with symbolic links below an INPUT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Links {
    #[default]
    Refuse,
    Follow,
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
    /// Build a bundle of release files, and sign it if a signer is given
    #[command(override_usage = BUNDLE_USAGE, after_help = Example::help(examples::BUNDLE))]
    Bundle(BundleArgs),
    /// Sign existing bundles
    #[command(after_help = Example::help(examples::BUNDLE_SIGN))]
    BundleSign(BundleSignArgs),
    /// Pack a bundle into one file, or into volumes of a size
    #[command(override_usage = PACK_USAGE, after_help = Example::help(examples::PACK))]
    Pack(PackArgs),
    /// Verify the signature of bundles, and every file in them
    #[command(override_usage = VERIFY_USAGE, after_help = Example::help(examples::VERIFY))]
    Verify(VerifyArgs),
    /// Describe what a bundle or a receipt says of itself, unproven
    #[command(after_help = Example::help(examples::INSPECT))]
    Inspect(InspectArgs),
    /// Print a page for receivers: values to compare, commands to type
    #[command(after_help = Example::help(examples::SHEET))]
    Sheet(SheetArgs),
    /// Check cosign, the signing key and the services on this machine
    #[command(after_help = Example::help(examples::DOCTOR))]
    Doctor(DoctorArgs),
    /// Print help for aicr or for one command
    #[command(after_help = Example::help(examples::HELP))]
    Help {
        /// Print the help of this command
        #[arg(value_parser = COMMANDS)]
        command: Option<String>,
    },
    /// Print a completion script for a shell
    #[command(after_help = Example::help(examples::COMPLETIONS))]
    Completions {
        /// Print the script for this shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page: aicr(1), or the page of one command
    #[command(after_help = Example::help(examples::MAN))]
    Man {
        /// Print the page of this command
        #[arg(value_parser = man::COMMANDS)]
        command: Option<String>,
    },
}

/// The two forms of `aicr bundle`; clap would print one, with neither flag.
const BUNDLE_USAGE: &str = "aicr bundle [OPTIONS] <INPUT>... --output <DIR>
       aicr bundle [OPTIONS] <DIR> --in-place";

/// clap would not say that --output is needed.
const PACK_USAGE: &str = "aicr pack [OPTIONS] <BUNDLE> --output <FILE>";

/// The two forms of `aicr verify`.
const VERIFY_USAGE: &str = "aicr verify [OPTIONS] <BUNDLE|FILE.tar>...
       aicr verify [OPTIONS] <DIR> --manifest <NAME>";

/// Every command, in the order of the help.
const COMMANDS: [&str; 10] =
    ["bundle", "bundle-sign", "pack", "verify", "inspect", "sheet", "doctor", "help", "completions", "man"];

#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// Bundle this file, or everything inside this directory
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<Utf8PathBuf>,
    /// Build the bundle in this directory
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<Utf8PathBuf>,
    /// Write the manifest into the INPUT directory itself, and copy nothing
    #[arg(long)]
    pub(crate) in_place: bool,
    /// Leave out files that match, as in .gitignore (repeatable)
    #[arg(long, value_name = "GLOB", action = clap::ArgAction::Append)]
    pub(crate) exclude: Vec<String>,
    /// Refuse symbolic links in an INPUT, or follow those that stay in it
    #[arg(long, value_name = "HOW", default_value = "refuse", hide_possible_values = true)]
    pub(crate) links: Links,
    /// Allow names that collide on case-insensitive file systems
    #[arg(long)]
    pub(crate) allow_name_collisions: bool,
    /// Allow files that contain a PEM private key
    #[arg(long)]
    pub(crate) allow_private_keys: bool,
    /// Record this release name in the bundle; needs --release-version
    #[arg(long, value_name = "NAME")]
    pub(crate) release_name: Option<String>,
    /// Record this release version in the bundle; needs --release-name
    #[arg(long, value_name = "VERSION")]
    pub(crate) release_version: Option<String>,
    /// Build an unsigned bundle, and ignore the variables for signing
    #[arg(long)]
    pub(crate) no_sign: bool,
    #[command(flatten)]
    pub(crate) signing_run: SigningRunArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BundleSignArgs {
    /// Sign this bundle directory
    #[arg(required = true, value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    pub(crate) bundles: Vec<Utf8PathBuf>,
    /// Keep the signatures by other keys, and put this one next to them
    #[arg(long)]
    pub(crate) add: bool,
    #[command(flatten)]
    pub(crate) signing_run: SigningRunArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    /// Check that the services are reachable
    #[arg(long)]
    pub(crate) online: bool,
}

/// The line that clap reads: `--insecure-ignore-tlog=true`, as cosign has it, is the flag. Another
/// value is refused.
pub(crate) fn without_true(arguments: &[OsString]) -> impl Iterator<Item = &OsStr> {
    const TYPED: &str = "--insecure-ignore-tlog=true";
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    arguments.iter().enumerate().map(move |(at, word)| {
        if at < end && word == TYPED { OsStr::new("--insecure-ignore-tlog") } else { word }
    })
}

impl Command {
    /// The inputs, the bundles, the output, and the files that flags name.
    pub(crate) fn paths(&self) -> Vec<&Utf8Path> {
        match self {
            Self::Bundle(args) => {
                let output = args.output.as_deref();
                args.inputs
                    .iter()
                    .map(Utf8PathBuf::as_path)
                    .chain(output)
                    .chain(args.signing.paths())
                    .collect()
            }
            Self::BundleSign(args) => {
                args.bundles.iter().map(Utf8PathBuf::as_path).chain(args.signing.paths()).collect()
            }
            Self::Pack(args) => args.paths(),
            Self::Verify(args) => args.paths().collect(),
            Self::Inspect(args) => args.paths.iter().map(Utf8PathBuf::as_path).collect(),
            Self::Sheet(args) => args.paths(),
            Self::Doctor(args) => args.signing.paths().collect(),
            Self::Help { .. } | Self::Completions { .. } | Self::Man { .. } => Vec::new(),
        }
    }

    /// The name as typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bundle(_) => "bundle",
            Self::BundleSign(_) => "bundle-sign",
            Self::Pack(_) => "pack",
            Self::Verify(_) => "verify",
            Self::Inspect(_) => "inspect",
            Self::Sheet(_) => "sheet",
            Self::Doctor(_) => "doctor",
            Self::Help { .. } => "help",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        }
    }

    /// What `help`, `completions` and `man` print; `None` for a command that does some work.
    pub(crate) fn text(&self) -> Option<Vec<u8>> {
        match self {
            Self::Help { command } => Some(help(command.as_deref()).into_bytes()),
            Self::Completions { shell } => Some(completions::script(*shell).into_bytes()),
            Self::Man { command } => Some(man::page(command.as_deref()).into_bytes()),
            Self::Bundle(_)
            | Self::BundleSign(_)
            | Self::Pack(_)
            | Self::Verify(_)
            | Self::Inspect(_)
            | Self::Sheet(_)
            | Self::Doctor(_) => None,
        }
    }
}

/// What `aicr --help` prints, or `aicr COMMAND --help`.
fn help(command: Option<&str>) -> String {
    let line = ["aicr"].into_iter().chain(command).chain(["--help"]);
    Cli::try_parse_from(line).err().map(|help| help.render().to_string()).unwrap_or_default()
}

/// What `aicr` alone prints: the commands and the examples, without the flags.
pub(crate) fn short_help() -> String {
    Cli::command()
        .help_template("{about}\n\n{usage-heading} {usage}\n\nCommands:\n{subcommands}{after-help}")
        .render_help()
        .to_string()
}
