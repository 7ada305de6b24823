//! The last step: moves a finished bundle, manifest or signature into place. Only renames within one mount
//! happen here, and everything is on the disk before it is renamed.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use replacement::Replacement;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::copies::clear_set_gid_of_directories;
use super::copy::Hashed;
use super::inputs::Collected;
use super::medium::clear_set_gid;
use super::rooted_dir::RootedDir;
use super::second_look::{Activity, Expected, OwnFiles, changed};
use super::signature_files::further_signatures;
use super::staging::{OLD, Staging, TREE, attestation};
use super::target::{Occupant, Purpose, Target};
use super::write_back::WriteBack;
use super::{ATTESTATION, MANIFEST, SIGNATURE, Work, cannot, remove};
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::error::{Class, Failure, Result};
use crate::release::{self, RELEASE};

mod replacement;

/// The file name of a signature in the staging directory, and of the first one in `attestation`.
const SIGNATURE_NAME: &str = "checksums.txt.sigstore.json";

/// Content that may be published: complete and on the disk, with its signature if it has one. Nothing else
/// can be published, and only if the bundle still has the files that it should have.
pub(crate) struct Sealed<'a> {
    staging: Staging,
    content: Content<'a>,
    expected: Expected<'a>,
    own_files: OwnFiles,
    activity: Activity,
}

enum Content<'a> {
    /// A whole new bundle.
    Tree(&'a Target),
    /// A manifest for an existing directory, with a signature or without, and with a `release.json` or without;
    /// `changes` if the existing files have other bytes.
    Manifest { bundle: &'a RootedDir, changes: bool, signed: bool, has_release: bool },
    /// A signature for an existing bundle.
    Signature(&'a RootedDir, SignaturePlace),
}

/// Where a signature is put in an existing bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignaturePlace {
    /// At this path in `attestation`; all other signatures stay.
    At(String),
    /// It becomes the only signature.
    Alone,
}

impl<'a> Sealed<'a> {
    /// Seals the tree in the staging directory, which has the `expected` files and a manifest with this digest,
    /// with this signature or as an unsigned bundle.
    pub(crate) fn tree(
        staging: Staging,
        write_back: WriteBack,
        target: &'a Target,
        expected: Expected<'a>,
        manifest: Sha256Digest,
        signature: Option<&[u8]>,
    ) -> Result<Self> {
        let tree = staging.tree()?;
        let activity = match target.purpose() {
            Purpose::Bundle { .. } => Activity::with(signature),
            Purpose::Copy => Activity::Copying,
        };
        if !has_manifest(&tree, manifest) {
            return Err(changed(&target.shown(), activity, &format!("{MANIFEST} is not the same")));
        }
        if let Some(signature) = signature {
            write_signature(&staging, signature)?;
            let (directory, _) = attestation(&tree)?;
            rustix::fs::renameat(&staging.dir, SIGNATURE_NAME, &directory, SIGNATURE_NAME)
                .and_then(|()| clear_set_gid(&directory).map(drop))
                .map_err(|errno| cannot("write", tree.show(SIGNATURE.as_bytes()), &errno.into()))?;
        }
        Self::finished(staging, write_back, target, expected, activity)
    }

    /// Seals the tree in the staging directory, which has the `expected` files and nothing else.
    pub(crate) fn whole(
        staging: Staging,
        write_back: WriteBack,
        target: &'a Target,
        expected: Expected<'a>,
    ) -> Result<Self> {
        Self::finished(staging, write_back, target, expected, Activity::Copying)
    }

    fn finished(
        staging: Staging,
        write_back: WriteBack,
        target: &'a Target,
        expected: Expected<'a>,
        activity: Activity,
    ) -> Result<Self> {
        let tree = staging.tree()?;
        clear_set_gid_of_directories(expected.names, &tree)?;
        write_back.finish().map_err(|error| cannot("write", tree.show(b""), &error))?;
        let own_files = OwnFiles::of(&tree);
        Ok(Self { staging, content: Content::Tree(target), expected, own_files, activity })
    }

    /// Seals the manifest that was written to `checksums.txt` in the staging directory, and the `release.json`
    /// next to it if there is one, for a bundle in place, which had `own_files` before. Without a signature the
    /// bundle will be unsigned, even if it was signed before.
    pub(crate) fn manifest(
        staging: Staging,
        collected: &'a Collected,
        hashed: &'a Hashed,
        own_files: OwnFiles,
        signature: Option<&[u8]>,
    ) -> Result<Self> {
        let bundle = &collected.roots[0];
        let activity = Activity::with(signature);
        let is_there = |name: &str| staging.dir.stat(name.as_bytes()).is_ok();
        let has_release = is_there(RELEASE);
        for name in [MANIFEST, RELEASE].into_iter().filter(|name| *name == MANIFEST || has_release) {
            let file = staging.dir.file(name.as_bytes());
            let shown = staging.dir.show(name.as_bytes());
            let file = file.map_err(|error| Failure::new(Class::Broken, format!("{shown} {error}")))?;
            file.file.sync_all().map_err(|error| cannot("write", shown, &error))?;
        }
        if !has_manifest(&staging.dir, hashed.built.manifest) {
            return Err(changed(&bundle.show(b""), activity, &format!("{MANIFEST} is not the same")));
        }
        if let Some(signature) = signature {
            write_signature(&staging, signature)?;
        }
        let changes = !has_manifest(bundle, hashed.built.manifest)
            || has_release && !has_same_release(bundle, &staging.dir);
        let content = Content::Manifest { bundle, changes, signed: signature.is_some(), has_release };
        let pending = has_release.then_some(RELEASE);
        let expected = Expected { pending, ..hashed.expected(collected) };
        Ok(Self { staging, content, expected, own_files, activity })
    }

    /// Seals a signature for an existing bundle, which had the `expected` files and `own_files` when it was
    /// checked.
    pub(crate) fn signature(
        staging: Staging,
        bundle: &'a RootedDir,
        expected: Expected<'a>,
        own_files: OwnFiles,
        signature: &[u8],
        place: SignaturePlace,
    ) -> Result<Self> {
        write_signature(&staging, signature)?;
        let activity = Activity::Signing;
        Ok(Self { staging, content: Content::Signature(bundle, place), expected, own_files, activity })
    }

    /// Moves it into place, and removes everything else that the run has written.
    pub(crate) fn publish(self, work: &Work<'_>) -> Result<()> {
        let look_again = |bundle: &RootedDir, shown: &str| {
            self.own_files.check(bundle, shown, self.activity)?;
            self.expected.check(bundle, shown, self.activity, work.interrupt)
        };
        match self.content {
            Content::Tree(target) => {
                target.recheck(work)?;
                look_again(&self.staging.tree()?, &target.shown())?;
                publish_tree(&self.staging, target)
            }
            Content::Manifest { bundle, changes, signed, has_release } => {
                look_again(bundle, &bundle.show(b""))?;
                match (changes, signed) {
                    (false, true) => publish_signature(&self.staging, bundle, &SignaturePlace::Alone),
                    _ => Replacement::new(&self.staging, bundle, has_release).run(changes, signed),
                }
            }
            Content::Signature(bundle, place) => {
                look_again(bundle, &bundle.show(b""))?;
                publish_signature(&self.staging, bundle, &place)
            }
        }
    }
}

/// Writes the signature to the staging directory, and syncs it.
fn write_signature(staging: &Staging, signature: &[u8]) -> Result<()> {
    let mut file = staging.file(SIGNATURE_NAME)?;
    let written = file.write_all(signature).and_then(|()| file.sync_all());
    written.map_err(|error| cannot("write", staging.dir.show(SIGNATURE_NAME.as_bytes()), &error))
}

/// Whether the manifest of the bundle has this digest.
pub(crate) fn has_manifest(bundle: &RootedDir, expected: Sha256Digest) -> bool {
    let Ok(opened) = bundle.file(MANIFEST.as_bytes()) else {
        return false;
    };
    let hashed: Result<_, HashError> =
        hash_file(&opened.file, opened.size(), &mut vec![0; BUFFER], false, |_| Ok(()));
    hashed.is_ok_and(|(digest, _)| digest == expected)
}

/// Whether two directories have the same `release.json`.
pub(crate) fn has_same_release(one: &RootedDir, other: &RootedDir) -> bool {
    let read = |directory: &RootedDir| directory.read_small(RELEASE.as_bytes(), release::SIZE_LIMIT).ok();
    read(one).is_some_and(|text| Some(text) == read(other))
}

fn publish_tree(staging: &Staging, target: &Target) -> Result<()> {
    let moved = match target.occupant() {
        // The rename replaces an empty directory, and fails if it is not empty.
        Occupant::Nothing | Occupant::Empty => move_tree_in(staging, target.name()),
        Occupant::Bundle => exchange(staging, target.name(), rename_exchanging),
    };
    let shown = target.shown();
    moved.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {
            let flag = target.flag();
            Failure::usage(format!("{flag} {shown} was created by another program during this run"))
        }
        _ => cannot("create", &shown, &error),
    })?;
    sync(&staging.parent).map_err(|error| cannot("write", shown, &error))
}

fn move_tree_in(staging: &Staging, name: &str) -> io::Result<()> {
    Ok(rustix::fs::renameat(&staging.dir, TREE, &staging.parent, name)?)
}

/// Swaps the new tree and the old one in one step, if the file system can.
fn rename_exchanging(staging: &Staging, name: &str) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(&staging.dir, TREE, &staging.parent, name, RenameFlags::EXCHANGE)
}

/// Whether an error means that the file system cannot exchange two files, or not these two.
fn cannot_exchange(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM | Errno::XDEV)
}

/// Moves the new tree into place, and the old one into the staging directory, where it is removed. That is
/// one step, or two steps of which the first is undone if the second fails.
fn exchange(
    staging: &Staging,
    name: &str,
    at_once: impl FnOnce(&Staging, &str) -> rustix::io::Result<()>,
) -> io::Result<()> {
    match at_once(staging, name) {
        Err(errno) if cannot_exchange(errno) => {}
        other => return Ok(other?),
    }
    match rustix::fs::renameat(&staging.parent, name, &staging.dir, OLD) {
        Err(Errno::XDEV) => return replace_emptied(staging, name),
        moved => moved?,
    }
    move_tree_in(staging, name).inspect_err(|_| {
        // The first error is reported, not one from here.
        let _ = rustix::fs::renameat(&staging.dir, OLD, &staging.parent, name);
    })
}

/// On overlayfs, a directory of a lower layer cannot be moved, only emptied and replaced. Its manifest is
/// removed last: until then it is a bundle with missing files, which no `verify` accepts, and which
/// `--force` may replace.
fn replace_emptied(staging: &Staging, name: &str) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let old = rustix::fs::openat(&staging.parent, name, flags, Mode::empty())?;
    remove::empty_without_moving(&RootedDir::of(old, name.into()), MANIFEST)?;
    move_tree_in(staging, name)
}

/// Moves a signature into place. If it will be the only one, further ones are removed first: killed between
/// these steps, the run leaves the old first signature, and never two by one key.
fn publish_signature(staging: &Staging, bundle: &RootedDir, place: &SignaturePlace) -> Result<()> {
    let path = match place {
        SignaturePlace::At(path) => path,
        SignaturePlace::Alone => {
            let further = further_signatures(bundle)
                .map_err(|error| cannot("read", bundle.show(ATTESTATION.as_bytes()), &error))?;
            for path in further {
                let failed = |error: io::Error| cannot("remove", bundle.show(path.as_bytes()), &error);
                let directory = bundle.directory(ATTESTATION.as_bytes()).map_err(failed)?;
                rustix::fs::unlinkat(&directory, file_name(&path), AtFlags::empty())
                    .map_err(|errno| failed(errno.into()))?;
            }
            SIGNATURE
        }
    };
    let directory = move_signature_in(staging, bundle, path)?;
    let failed = |error: io::Error| cannot("write", bundle.show(path.as_bytes()), &error);
    sync(&directory).and_then(|()| sync(bundle)).map_err(failed)
}

/// The name of a signature in `attestation`.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Moves a signature into place, and returns its directory. If that fails, an `attestation` that was
/// created for it is removed.
fn move_signature_in(staging: &Staging, bundle: &RootedDir, path: &str) -> Result<OwnedFd> {
    let (directory, made) = attestation(bundle)?;
    if let Err(errno) = rustix::fs::renameat(&staging.dir, SIGNATURE_NAME, &directory, file_name(path)) {
        if made {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
        return Err(cannot("write", bundle.show(path.as_bytes()), &errno.into()));
    }
    Ok(directory)
}

/// Syncs the entries of a directory. Some file systems cannot do that, and a directory that may be written
/// but not read cannot be opened for it.
pub(super) fn sync(directory: impl AsFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable: OwnedFd = match rustix::fs::openat(&directory, ".", flags, Mode::empty()) {
        Ok(readable) => readable,
        Err(Errno::ACCESS) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    match rustix::fs::fsync(&readable) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}

#[cfg(test)]
mod tests;
