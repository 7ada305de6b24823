//! The second look: just before a bundle is published, it has to be what was written, or what was checked.
//! cosign may take minutes to sign, and meanwhile another program can change the files. The look compares
//! names, kinds, sizes and inodes, and reads no file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use super::file_system::has_stable_inodes;
use super::layout::Layout;
use super::names::Names;
use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir, change_stamp, size};
use super::signature_files::further_signatures;
use super::{MANIFEST, SIGNATURE, cannot, is_staging_name};
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::show;
use crate::release::RELEASE;

/// Identifies a file, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileId {
    size: u64,
    inode: u64,
}

impl FileId {
    /// The identity of an open file, which is or will be `size` bytes long.
    pub(super) fn new(stat: &Stat, size: u64) -> Self {
        Self { size, inode: stat.st_ino }
    }

    /// Its length in bytes.
    pub(super) fn size(self) -> u64 {
        self.size
    }
}

/// The files that a bundle has to have.
pub(crate) struct Expected<'a> {
    pub(crate) names: Names<'a>,
    /// In the order of the names.
    pub(crate) files: &'a [FileId],
    /// The one that is not in its place yet.
    pub(crate) pending: Option<&'static str>,
}

impl Expected<'_> {
    fn name(&self, index: usize) -> &[u8] {
        self.names.get(index).as_bytes()
    }

    fn is_pending(&self, path: &[u8]) -> bool {
        self.pending.is_some_and(|pending| pending.as_bytes() == path)
    }

    /// The index of the first name that does not come before `path`.
    fn position(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.files.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.name(middle) < path { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn find(&self, path: &[u8]) -> Option<usize> {
        let index = self.position(path);
        (index < self.files.len() && self.name(index) == path).then_some(index)
    }

    /// Whether a directory, whose name is that of a staging directory, has listed files.
    fn has_files_below(&self, directory: &[u8]) -> bool {
        let below = [directory, b"/"].concat();
        let index = self.position(&below);
        index < self.files.len() && self.name(index).starts_with(&below)
    }

    /// Fails with exit 1 if `bundle` has other files now. Besides the payload, it may have a manifest,
    /// signatures and staging directories.
    pub(crate) fn check(
        &self,
        bundle: &RootedDir,
        shown: &str,
        activity: Activity,
        interrupt: &Interrupt,
    ) -> Result<()> {
        match self.first_change(bundle, interrupt)? {
            None => Ok(()),
            Some(change) => Err(changed(shown, activity, &change)),
        }
    }

    /// The first change that is found, as a clause.
    fn first_change(&self, bundle: &RootedDir, interrupt: &Interrupt) -> Result<Option<String>> {
        let compares_inodes = has_stable_inodes(bundle);
        let mut seen = vec![false; self.files.len()];
        let mut change = None;
        let mut buffer = DirectoryBuffer::new();
        let mut waiting = vec![Vec::new()];
        let mut path = Vec::new();
        while let Some(directory) = waiting.pop() {
            interrupt.check()?;
            let listed = bundle.entries(&directory, &mut buffer, |open, name, kind| {
                path.clear();
                if !directory.is_empty() {
                    path.extend_from_slice(&directory);
                    path.push(b'/');
                }
                path.extend_from_slice(name);
                let what = match (kind, self.find(&path)) {
                    (FileKind::Directory, None) => {
                        if !is_staging_name(name) || self.has_files_below(&path) {
                            waiting.push(path.clone());
                        }
                        return ControlFlow::Continue(());
                    }
                    (FileKind::File, Some(_)) if self.is_pending(&path) => return ControlFlow::Continue(()),
                    (FileKind::File, Some(index)) => {
                        let expected = self.files[index];
                        match rustix::fs::statat(open, name, AtFlags::SYMLINK_NOFOLLOW) {
                            Ok(stat) if size(&stat) != expected.size => "has another size",
                            Ok(stat) if compares_inodes && stat.st_ino != expected.inode => "was replaced",
                            // It is missing in the end.
                            Err(Errno::NOENT) => return ControlFlow::Continue(()),
                            Err(_) => "cannot be accessed",
                            Ok(_) => {
                                seen[index] = true;
                                return ControlFlow::Continue(());
                            }
                        }
                    }
                    (FileKind::File, None) if Layout::Bundle.is_own(&path) => {
                        return ControlFlow::Continue(());
                    }
                    (_, Some(_)) => "was replaced",
                    (_, None) => "was added",
                };
                change = Some(format!("{} {what}", show(&path)));
                ControlFlow::Break(())
            });
            match listed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(cannot("read", bundle.show(&directory), &error));
                }
                _ if change.is_some() => return Ok(change),
                // Files of a directory that was removed are missing.
                _ => {}
            }
        }
        let is_missing = |index: &usize| !seen[*index] && !self.is_pending(self.name(*index));
        Ok((0..seen.len()).find(is_missing).map(|index| format!("{} was removed", show(self.name(index)))))
    }
}

/// What was going on when a bundle changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Building,
    Signing,
    Copying,
}

impl Activity {
    /// Signing, if there is a signature.
    pub(crate) fn with(signature: Option<&[u8]>) -> Self {
        if signature.is_some() { Self::Signing } else { Self::Building }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Building => "built",
            Self::Signing => "signed",
            Self::Copying => "copied",
        })
    }
}

/// The failure for a bundle that changed: exit 1.
pub(crate) fn changed(bundle: &str, activity: Activity, change: &str) -> Failure {
    Failure::new(Class::Broken, format!("{bundle} changed while it was being {activity}: {change}"))
        .hint("find the program that changes it, and run aicr again without it")
}

/// The files of an existing bundle that aicr writes, as they were at one time.
pub(crate) struct OwnFiles(BTreeMap<String, Stat>);

impl OwnFiles {
    /// As they are now.
    pub(crate) fn of(bundle: &RootedDir) -> Self {
        let known = [MANIFEST, SIGNATURE, RELEASE].map(ToOwned::to_owned);
        let names = known.into_iter().chain(further_signatures(bundle).unwrap_or_default());
        Self(
            names
                .filter_map(|name| Some((bundle.stat(name.as_bytes()).ok()?, name)))
                .map(|(stat, name)| (name, stat))
                .collect(),
        )
    }

    /// Fails with exit 1 if one of them was created, removed or changed since then.
    pub(crate) fn check(&self, bundle: &RootedDir, shown: &str, activity: Activity) -> Result<()> {
        let stamp = |stat: &Stat| (stat.st_ino, change_stamp(stat));
        let now = Self::of(bundle);
        let differs = |name: &&String| self.0.get(*name).map(stamp) != now.0.get(*name).map(stamp);
        match self.0.keys().chain(now.0.keys()).find(differs) {
            Some(name) => Err(changed(shown, activity, &format!("{name} is not the same"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
