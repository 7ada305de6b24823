//! A release that aicr did not build: a checksum file, cosign's signature over it in any form, and the files that
//! it lists.

use anyhow::Context as _;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::commands::bundle_check::check_files;
use crate::commands::received::{OwnFile, ReadSignatures, Signatures};
use crate::commands::signatures::SignatureFile;
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::ForeignPlan;
use crate::printable::{quoted_path, show};
use crate::sigstore::evidence::{SIZE_LIMIT, SignatureForm};
use crate::sigstore::file::Malformed;
use crate::sigstore::public_key::PublicKey;
use crate::small_file::{self, Links};
use crate::tree::audit::FindingKind;
use crate::tree::check::{Checked, Keep};
use crate::tree::layout::Layout;
use crate::tree::manifest::{self, foreign::ForeignManifest};
use crate::tree::misplaced::{FOUND_ENDS, signature_next_to};
use crate::tree::rooted_dir::{FileKind, OpenError, RootedDir, SmallError};
use crate::tree::{MANIFEST, SIGNATURE};

/// The own files of a release that aicr did not build.
pub(crate) struct ForeignRelease<'a> {
    plan: &'a ForeignPlan,
    /// `None` if no signature was typed, and none lies next to the manifest.
    signature: Option<SignatureSource>,
}

/// Where a signature is.
enum SignatureSource {
    /// In the release, at this path. No link on the way there is followed.
    Inside(String),
    /// Elsewhere, where the user typed it, with these bytes.
    Outside(Utf8PathBuf, Vec<u8>),
}

impl<'a> ForeignRelease<'a> {
    /// Finds the signature. A bundle of aicr, and a typed signature that does not exist, are exit 2.
    pub(crate) fn new(plan: &'a ForeignPlan, directory: &RootedDir) -> Result<Self> {
        if [MANIFEST, SIGNATURE].into_iter().all(|path| exists(directory, path)) {
            return Err(Failure::usage(format!("{} is a bundle of aicr", directory.show(b"")))
                .hint("leave --manifest out"));
        }
        let signature = match &plan.signature {
            Some(path) => Some(SignatureSource::typed(path, directory)?),
            None => signature_next_to(directory, &plan.manifest).map(SignatureSource::Inside),
        };
        Ok(Self { plan, signature })
    }

    pub(crate) fn manifest_name(&self) -> &str {
        &self.plan.manifest
    }

    /// The path of the signature: in the release, or as typed.
    fn signature_path(&self) -> &str {
        match &self.signature {
            Some(SignatureSource::Inside(path)) => path,
            Some(SignatureSource::Outside(path, _)) => path.as_str(),
            None => "",
        }
    }

    pub(crate) fn manifest_text(&self, directory: &RootedDir) -> Result<Vec<u8>> {
        let name = &self.plan.manifest;
        directory.read_small(name.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
            SmallError::Open(OpenError::Missing) => {
                Failure::rejected(format!("{} has no {}", directory.show(b""), show(name)))
                    .hint("give the directory that holds it, and the name of its checksum file")
            }
            error => error.rejects(directory.show(name.as_bytes())),
        })
    }

    /// The signature over a manifest with this digest; by one of `keys`, if it does not name its signer.
    pub(crate) fn signature(
        &self,
        directory: &RootedDir,
        digest: Sha256Digest,
        keys: &[PublicKey],
    ) -> Result<ReadSignatures> {
        let Some(place) = &self.signature else { return Err(self.unsigned(directory)) };
        let (shown, read);
        let mut file = None;
        let text = match place {
            SignatureSource::Inside(path) => {
                shown = directory.show(path.as_bytes());
                read = directory
                    .read_small(path.as_bytes(), SIZE_LIMIT)
                    .map_err(|error| error.rejects(&shown))?;
                file = Some(OwnFile::new(path, &read));
                &read
            }
            SignatureSource::Outside(path, text) => {
                shown = show(path.as_str());
                text
            }
        };
        let refuse = |why: Malformed| why.failure(Class::Rejected, &shown);
        let read_as = |evidence| SignatureFile { path: self.signature_path().to_owned(), evidence };
        let signatures = match SignatureForm::parse(text).map_err(refuse)? {
            SignatureForm::Complete(evidence) => Signatures::Several(vec![read_as(evidence)]),
            SignatureForm::WithoutHint(_) if keys.is_empty() => {
                return Err(Failure::rejected(format!(
                    "{shown} has no certificate, so it cannot show offline which identity signed"
                ))
                .hint("if a key made it, give its public key: --key FILE"));
            }
            SignatureForm::WithoutHint(signature) => {
                // It may have the key itself, which must be one of these.
                let (readings, others): (Vec<_>, Vec<_>) =
                    keys.iter().map(|key| signature.by(key, digest)).partition(Result::is_ok);
                match others.into_iter().find_map(Result::err) {
                    Some(why) if readings.is_empty() => return Err(refuse(why)),
                    _ => Signatures::Readings(readings.into_iter().flatten().map(read_as).collect()),
                }
            }
        };
        Ok(ReadSignatures { signatures, file })
    }

    fn unsigned(&self, directory: &RootedDir) -> Failure {
        let name = show(&self.plan.manifest);
        let [first, others @ ..] = FOUND_ENDS;
        let others = others.join(", ");
        Failure::rejected(format!(
            "{} has no signature over {name}: there is no {name}{first} (nor {others})",
            directory.show(b"")
        ))
        .hint("if it has another name, add --signature FILE")
    }

    /// Compares the files with these bytes as their manifest. If they are copied, then with the manifest and the
    /// file of the signature too, which must still have the bytes that were verified.
    pub(crate) fn check(
        &self,
        directory: &RootedDir,
        text: &[u8],
        signature: Option<&OwnFile>,
        keep: Keep<'_>,
        context: &Context,
        interrupt: &Interrupt,
    ) -> Result<(ForeignManifest, Checked)> {
        let ForeignPlan { manifest: name, allow_missing, .. } = self.plan;
        let read = read_manifest(directory, text, name)?;
        let manifest = OwnFile::new(name, text);
        let own: Vec<&OwnFile> = match keep {
            Keep::Copies(_) => std::iter::once(&manifest).chain(signature).collect(),
            Keep::Nothing | Keep::NothingOf(_) | Keep::Record(_) => Vec::new(),
        };
        let whole = read.with(own.iter().map(|file| (file.name.as_str(), file.sha256)));
        let mut checked =
            check_files(directory, &whole.manifest(), self.layout(), None, keep, context, interrupt)?;
        checked.files -= own.len() as u64;
        checked.bytes = checked.bytes.saturating_sub(own.iter().map(|file| file.size).sum());
        if read.lists_itself {
            let shown = directory.show(name.as_bytes());
            checked.warnings.push(format!("{shown} lists itself; that line is ignored"));
        }
        let findings = &mut checked.findings;
        let is_missing = findings.kept.iter().all(|finding| finding.kind == FindingKind::Missing);
        if findings.total > 0 && is_missing && findings.hint.is_none() {
            let hint = match keep {
                _ if *allow_missing => "--allow-missing needs at least one of the listed files",
                Keep::NothingOf(_) => {
                    "if only a part of the release was downloaded, use --allow-missing in place of --shard"
                }
                _ => "if only a part of the release was downloaded, add --allow-missing",
            };
            findings.hint = Some(hint.to_owned());
        }
        Ok((whole, checked))
    }

    fn layout(&self) -> Layout<'_> {
        let ForeignPlan { manifest, allow_missing, .. } = self.plan;
        let signature = match &self.signature {
            Some(SignatureSource::Inside(path)) => Some(path.as_str()),
            Some(SignatureSource::Outside(..)) | None => None,
        };
        Layout::Foreign { manifest, signature, allow_missing: *allow_missing }
    }
}

impl SignatureSource {
    /// The one that the user typed.
    fn typed(path: &Utf8Path, directory: &RootedDir) -> Result<Self> {
        if let Some(inside) = inside(path, directory.path())?
            && let Ok(stat) = directory.stat(inside.as_bytes())
            && FileKind::of(&stat) != FileKind::Directory
        {
            return Ok(Self::Inside(inside));
        }
        let text = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(|why| {
            let failure = Failure::usage(format!("--signature {path} {why}"));
            let there = directory.path().join(path);
            if path.symlink_metadata().is_err() && there.is_file() {
                failure.hint(format!("write --signature {}", quoted_path(&there)))
            } else {
                failure
            }
        })?;
        Ok(Self::Outside(path.to_owned(), text))
    }
}

/// The manifest `name`, which has these bytes.
pub(super) fn read_manifest(directory: &RootedDir, text: &[u8], name: &str) -> Result<ForeignManifest> {
    ForeignManifest::unproven(text, name).map_err(|error| {
        error
            .rejects(directory.show(name.as_bytes()))
            .hint("aicr reads SHA-256 checksums, in lines as `sha256sum` writes them")
    })
}

/// The path below `directory`, if `path` leads there.
fn inside(path: &Utf8Path, directory: &Utf8Path) -> Result<Option<String>> {
    let is_plain = |rest: &Utf8Path| rest.components().all(|part| matches!(part, Utf8Component::Normal(_)));
    if let Ok(rest) = path.strip_prefix(directory)
        && is_plain(rest)
    {
        return Ok(Some(rest.as_str().to_owned()));
    }
    // Another spelling of the directory.
    let parent = match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    let (Some(name), Ok(parent)) = (path.file_name(), parent.canonicalize_utf8()) else { return Ok(None) };
    let directory = directory.canonicalize_utf8().with_context(|| format!("look at {directory}"))?;
    let rest = parent.join(name);
    Ok(rest.strip_prefix(&directory).ok().map(|rest| rest.as_str().to_owned()))
}

fn exists(directory: &RootedDir, path: &str) -> bool {
    directory.stat(path.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) == FileKind::File)
}
