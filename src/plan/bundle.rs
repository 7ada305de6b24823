//! The plans of `bundle` and `bundle-sign`: what is built, where, and who signs it. The rules for
//! signers are in [`super::sign`]; no path is looked at here.

use camino::Utf8PathBuf;

use super::Surroundings;
use super::sign::{Signer, SigningCommand, signer};
use super::value::{UNSET_VARIABLE, label, none_empty, not_empty};
use crate::cli::{BundleArgs, BundleSignArgs, Links, SigningRunArgs};
use crate::error::{Failure, Result};
use crate::printable::show;
use crate::release::Label;

/// What `bundle` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundlePlan {
    /// The inputs, and where the bundle is built.
    pub(crate) destination: Destination,
    /// Take in what symbolic links below an input lead to.
    pub(crate) follow_links: bool,
    /// Allow names that collide on case-insensitive file systems.
    pub(crate) allow_name_collisions: bool,
    /// Allow files that contain a PEM private key.
    pub(crate) allow_private_keys: bool,
    /// The name and version of the release, if the bundle says them.
    pub(crate) release: Option<(Label, Label)>,
    /// Who signs; `None` for an unsigned bundle.
    pub(crate) signer: Option<Signer>,
    /// How the command runs.
    pub(crate) run: Run,
}

/// How `bundle` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Check and print only.
    pub(crate) dry_run: bool,
    /// Replace the bundle or manifest that is there.
    pub(crate) force: bool,
}

/// Where a bundle is built, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// In a new directory, from copies.
    Output {
        /// The inputs as typed; at least one, none empty.
        inputs: Vec<Utf8PathBuf>,
        /// The directory to make.
        directory: Utf8PathBuf,
        /// Patterns of files to leave out, in the syntax of gitignore.
        exclude: Vec<String>,
    },
    /// In the input itself, with everything that is in it.
    InPlace {
        /// The one input.
        directory: Utf8PathBuf,
    },
}

/// What `bundle-sign` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleSignPlan {
    /// The bundles as typed; at least one, none empty.
    pub(crate) bundles: Vec<Utf8PathBuf>,
    /// Who signs.
    pub(crate) signer: Signer,
    /// What happens to the signatures of others.
    pub(crate) others: OtherSignatures,
    /// Check and print only.
    pub(crate) dry_run: bool,
}

/// What `bundle-sign` does with a bundle that others have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherSignatures {
    /// It refuses the bundle.
    Refuse,
    /// `--force`: the new signature replaces them.
    Replace,
    /// `--add`: the new signature lies next to them. A key signs, not an identity.
    Keep,
}

impl BundlePlan {
    /// The plan of `bundle`.
    pub(crate) fn new(args: BundleArgs, surroundings: Surroundings<'_>) -> Result<Self> {
        let BundleArgs {
            inputs,
            output,
            in_place,
            exclude,
            links,
            allow_name_collisions,
            allow_private_keys,
            release_name,
            release_version,
            no_sign,
            signing,
            signing_run: SigningRunArgs { dry_run, force },
        } = args;
        let destination = destination(inputs, output, in_place, exclude)?;
        if links == Links::Follow && matches!(destination, Destination::InPlace { .. }) {
            return Err(Failure::usage(
                "--links follow cannot be used with --in-place: nothing is copied, and verify rejects links",
            )
            .hint("build in a new directory with --output DIR"));
        }
        let release = release(release_name, release_version)?;
        let signer = signer(SigningCommand::Bundle { no_sign }, signing, surroundings)?;
        Ok(Self {
            destination,
            follow_links: links == Links::Follow,
            allow_name_collisions,
            allow_private_keys,
            release,
            signer,
            run: Run { dry_run, force },
        })
    }
}

impl BundleSignPlan {
    /// The plan of `bundle-sign`.
    pub(crate) fn new(args: BundleSignArgs, surroundings: Surroundings<'_>) -> Result<Self> {
        let BundleSignArgs { bundles, add, signing, signing_run: SigningRunArgs { dry_run, force } } = args;
        let bundles = none_empty(bundles, "BUNDLE")?;
        let others = match (add, force) {
            (true, true) => {
                return Err(Failure::usage(
                    "--add cannot be used with --force: it keeps what --force replaces",
                )
                .hint("leave out --force to add a signature, or leave out --add to replace the others"));
            }
            (true, false) => OtherSignatures::Keep,
            (false, true) => OtherSignatures::Replace,
            (false, false) => OtherSignatures::Refuse,
        };
        let Some(signer) = signer(SigningCommand::BundleSign, signing, surroundings)? else {
            return Err(Failure::usage("bundle-sign needs a signer")
                .hint("add --signing-key REF or --keyless, or set AICR_SIGNING_KEY"));
        };
        if others == OtherSignatures::Keep && matches!(signer, Signer::Keyless(_)) {
            return Err(Failure::usage(
                "--add cannot be used with --keyless: only a key can add a signature",
            )
            .hint("add --signing-key REF in place of --keyless"));
        }
        Ok(Self { bundles, signer, others, dry_run })
    }
}

fn release(name: Option<String>, version: Option<String>) -> Result<Option<(Label, Label)>> {
    const FLAGS: [&str; 2] = ["--release-name", "--release-version"];
    let needs = |one, other, value| {
        Failure::usage(format!("{one} needs {other}: a release has a name and a version"))
            .hint(format!("add {other} {value}"))
    };
    match (name, version) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(needs(FLAGS[0], FLAGS[1], "VERSION")),
        (None, Some(_)) => Err(needs(FLAGS[1], FLAGS[0], "NAME")),
        (Some(name), Some(version)) => Ok(Some((label(&name, FLAGS[0])?, label(&version, FLAGS[1])?))),
    }
}

fn destination(
    inputs: Vec<Utf8PathBuf>,
    output: Option<Utf8PathBuf>,
    in_place: bool,
    exclude: Vec<String>,
) -> Result<Destination> {
    let mut inputs = none_empty(inputs, "INPUT")?;
    if exclude.iter().any(String::is_empty) {
        return Err(Failure::usage("--exclude: the pattern is empty").hint(UNSET_VARIABLE));
    }
    match (output, in_place) {
        (Some(_), true) => {
            Err(Failure::usage("--output cannot be used with --in-place: a bundle is built in one place")
                .hint("leave out --output to write the manifest into the input itself, or leave out --in-place"))
        }
        (None, false) => Err(Failure::usage("bundle needs --output or --in-place")
            .hint("add --output DIR, or add --in-place to write the manifest into the input itself")),
        (Some(directory), false) => {
            Ok(Destination::Output { inputs, directory: not_empty(directory, "--output")?, exclude })
        }
        (None, true) if !exclude.is_empty() => Err(Failure::usage(
            "--exclude cannot be used with --in-place: the files would stay in the bundle, and verify rejects unlisted files",
        )
        .hint("build in a new directory with --output DIR, or move the files away")),
        (None, true) => match (inputs.pop(), inputs.is_empty()) {
            (Some(directory), true) => Ok(Destination::InPlace { directory }),
            (last, _) => {
                inputs.extend(last);
                Err(Failure::usage(format!(
                    "--in-place takes exactly one directory, not {} ({})",
                    inputs.len(),
                    first_of(&inputs)
                ))
                .hint("build from several inputs in a new directory: --output DIR"))
            }
        },
    }
}

/// The first path, and how many more there are, for a message.
fn first_of(paths: &[Utf8PathBuf]) -> String {
    let first = paths.first().map(|path| show(path.as_str())).unwrap_or_default();
    match paths.len() {
        0 | 1 => format!("`{first}`"),
        count => format!("`{first}` and {} more", count - 1),
    }
}

#[cfg(test)]
mod tests;
