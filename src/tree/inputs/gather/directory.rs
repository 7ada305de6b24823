//! Walks an INPUT that is a directory, and follows symbolic links if that is wanted.

use std::ops::ControlFlow;

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use super::super::super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir};
use super::super::super::{MAX_ENTRIES, cannot};
use super::links::{self, Destination, LinkError};
use super::{Gathering, Refused, too_many};
use crate::error::{Failure, Result};
use crate::printable::show;

/// A directory that was not read yet.
#[derive(Clone, Default)]
struct Waiting {
    /// Its path in the bundle.
    path: Vec<u8>,
    /// Its path in its root, if a link has led to it.
    place: Option<Vec<u8>>,
    /// The links that have led to it, by their places.
    entered: Vec<Vec<u8>>,
}

impl Waiting {
    fn place(&self) -> &[u8] {
        self.place.as_deref().unwrap_or(&self.path)
    }

    /// The directory with this name in it.
    fn below(&self, name: &[u8]) -> Self {
        let place = self.place.as_ref().map(|place| joined(place, name));
        Self { path: joined(&self.path, name), place, entered: self.entered.clone() }
    }
}

/// An entry of a directory; a file with what is known of it.
type Found = (Vec<u8>, FileKind, Result<Option<Stat>, Errno>);

impl Gathering<'_> {
    /// Collects everything in a directory that is an INPUT.
    pub(super) fn directory(&mut self, top: RootedDir) -> Result<()> {
        let root = self.root(top);
        let mut buffer = DirectoryBuffer::new();
        let mut waiting = vec![Waiting::default()];
        while let Some(directory) = waiting.pop() {
            self.interrupt.check()?;
            let mut found: Vec<Found> = Vec::new();
            let listed =
                self.roots[root as usize].entries(directory.place(), &mut buffer, |open, name, kind| {
                    let look = || rustix::fs::statat(open, name, AtFlags::SYMLINK_NOFOLLOW);
                    let stat = (kind == FileKind::File).then(look);
                    found.push((name.to_vec(), kind, stat.transpose()));
                    // Even a pattern that leaves files out may not make the list longer than this.
                    if found.len() > MAX_ENTRIES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
            if found.len() > MAX_ENTRIES {
                return Err(too_many());
            }
            if let Err(error) = listed {
                let shown = self.show(root, &directory.path);
                let failure = cannot("read", &shown, &error);
                self.refuse(shown, failure);
                continue;
            }
            if found.is_empty() && !directory.path.is_empty() {
                self.directories.empty.add(|| self.roots[root as usize].show(&directory.path));
            }
            for (name, kind, stat) in found {
                let mut next = directory.below(&name);
                match stat {
                    // It was removed after the directory was read.
                    Err(Errno::NOENT) => {}
                    Err(errno) => {
                        let shown = self.show(root, &next.path);
                        let failure = cannot("access", &shown, &errno.into());
                        self.refuse(shown, failure);
                    }
                    Ok(stat) => {
                        let (kind, stat) = if self.is_followed(&next, kind) {
                            let Some(found) = self.follow(root, &mut next) else { continue };
                            found
                        } else {
                            (kind, stat)
                        };
                        if self.entry(root, &next.path, next.place(), kind, stat.as_ref()) {
                            waiting.push(next);
                        }
                    }
                }
            }
            if self.files.len() + waiting.len() > MAX_ENTRIES {
                return Err(too_many());
            }
        }
        Ok(())
    }

    /// Whether an entry is a link that is followed.
    fn is_followed(&self, entry: &Waiting, kind: FileKind) -> bool {
        self.follow_links && kind == FileKind::Link && !self.exclude.leaves_out(&entry.path, false)
    }

    /// Changes an entry, which is a link, to what it leads to; `None` if it is refused.
    fn follow(&mut self, root: u32, entry: &mut Waiting) -> Option<(FileKind, Option<Stat>)> {
        let top = &self.roots[root as usize];
        let link = entry.place().to_vec();
        match links::follow(top, &link, &entry.entered) {
            Ok(Destination { path, kind, stat }) => {
                self.directories.followed += 1;
                entry.entered.push(link);
                entry.place = Some(path);
                Some((kind, Some(stat)))
            }
            Err(error) => {
                let shown = self.show(root, &entry.path);
                let failure = self.cannot_follow(root, &entry.path, &link, error);
                self.refuse_first(Refused { shown, entry: None, failure });
                None
            }
        }
    }

    fn cannot_follow(&self, root: u32, path: &[u8], link: &[u8], error: LinkError) -> Failure {
        let top = &self.roots[root as usize];
        let shown = self.show(root, path);
        let what = match error {
            LinkError::System(error) => return cannot("follow", shown, &error),
            LinkError::Missing => "which does not exist".to_owned(),
            LinkError::Outside => format!("which leads out of {}", top.show(b"")),
            LinkError::Circle => "which leads in a circle".to_owned(),
            LinkError::NotPayload(kind) => format!("which is {kind}"),
        };
        let target = links::target(top, link).unwrap_or_default();
        Failure::usage(format!("{shown} is a symbolic link to {}, {what}", show(target)))
            .hint(self.without(path, ", or replace it with the file that it points to"))
    }
}

fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}
