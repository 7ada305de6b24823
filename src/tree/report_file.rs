//! `--report`: a file for the result of a run. It replaces an older one as a whole, and is never a
//! part of a bundle.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};

use super::ancestry::place_of;
use super::rooted_dir::FileKind;
use super::{PLAIN, cannot, reason};
use crate::error::{Class, Failure, Result};
use crate::printable::{quoted_path, show};

/// The path of the file, checked.
#[derive(Debug)]
pub(crate) struct ReportFile {
    path: Utf8PathBuf,
}

impl ReportFile {
    /// Checks the path before any work: it is not in a bundle, an input or an output, no other file
    /// of the command line (`places` are all of these), and free or a regular file. Otherwise it is
    /// exit 2. Whether it can be written shows at the end.
    pub(crate) fn new(path: &Utf8Path, places: &[&Utf8Path]) -> Result<Self> {
        let shown = format!("--report {}", show(path.as_str()));
        let refuse = |what: &str, hint: String| Err(Failure::usage(format!("{shown} {what}")).hint(hint));
        if path.as_str().is_empty() {
            return Err(Failure::usage("--report: the path is empty")
                .hint("an unset variable in the command line is the usual cause"));
        }
        if path == "-" {
            return refuse("is a file name", "--format json prints the result to stdout".to_owned());
        }
        if path.as_str().ends_with('/') || path.file_name().is_none() {
            return refuse(
                "does not name a file",
                format!("--report {}", quoted_path(&path.join("report.json"))),
            );
        }
        match place_of(path, places).map_err(|error| cannot("access", &shown, &error))? {
            Some(place) if place.is_file() || place == path => {
                return refuse("is a file that this command uses", "choose another file name".to_owned());
            }
            Some(place) => {
                return refuse(
                    &format!("is inside {}", show(place.as_str())),
                    "choose a file in another directory; a report is not a part of a bundle".to_owned(),
                );
            }
            None => {}
        }
        match rustix::fs::lstat(path.as_std_path()).map(|stat| FileKind::of(&stat)) {
            Ok(FileKind::File) | Err(_) => Ok(Self { path: path.to_owned() }),
            Ok(kind) => refuse(&format!("is {kind}"), "choose another file name".to_owned()),
        }
    }

    /// Writes the file, which replaces an older one at once.
    pub(crate) fn write(&self, content: &[u8]) -> Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_str().is_empty());
        let mode = Permissions::from_mode(PLAIN.bits());
        tempfile::Builder::new()
            .prefix(".aicr-report-")
            .permissions(mode)
            .tempfile_in(directory.unwrap_or(Utf8Path::new(".")))
            .and_then(|mut file| {
                file.write_all(content)?;
                file.as_file().sync_all()?;
                file.persist(&self.path).map_err(|error| error.error)
            })
            .map(drop)
            .map_err(|error| {
                // tempfile adds its random name.
                let reason = reason(&error);
                let reason = reason.split(" at path ").next().unwrap_or_default();
                let file = show(self.path.as_str());
                Failure::new(Class::Broken, format!("cannot write --report {file}: {reason}"))
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn where_a_report_may_be() {
        let top = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(top.path()).unwrap();
        for directory in ["B", "out"] {
            fs::create_dir(top.join(directory)).unwrap();
        }
        fs::write(top.join("cosign.pub"), "key").unwrap();
        fs::write(top.join("old.json"), "old").unwrap();
        std::os::unix::fs::symlink("B", top.join("link")).unwrap();
        std::os::unix::fs::symlink("old.json", top.join("other.json")).unwrap();
        let [bundle, planned, key] = ["B", "planned", "cosign.pub"].map(|name| top.join(name));
        let places = [bundle.as_path(), planned.as_path(), key.as_path()];
        let inside = |place| format!(" is inside {}", top.join(place));
        for (name, refused) in [
            ("new.json", None),
            ("old.json", None),
            ("out/r.json", None),
            ("missing/r.json", None),
            ("B/../new.json", None),
            ("B/r.json", Some(inside("B"))),
            ("link/r.json", Some(inside("B"))),
            ("planned/r.json", Some(inside("planned"))),
            ("cosign.pub", Some(" is a file that this command uses".to_owned())),
            ("planned", Some(" is a file that this command uses".to_owned())),
            ("out", Some(" is a directory".to_owned())),
            ("out/", Some(" does not name a file".to_owned())),
            ("other.json", Some(" is a symbolic link".to_owned())),
        ] {
            let path = top.join(name);
            let found = ReportFile::new(&path, &places).map(drop).map_err(|failure| {
                assert_eq!(failure.class().code(), 2);
                failure.message().to_owned()
            });
            let expected = refused.map_or(Ok(()), |why| Err(format!("--report {path}{why}")));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_older_report_is_replaced_by_a_rename() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap().join("r.json");
        fs::write(&path, "old").unwrap();
        fs::hard_link(&path, top.path().join("kept")).unwrap();
        ReportFile::new(&path, &[]).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(top.path().join("kept")).unwrap(), b"old");
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 2);
    }
}
