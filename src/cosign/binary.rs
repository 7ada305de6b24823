//! The cosign binary: found once, by an absolute path, never in a bundle, optionally pinned by its
//! SHA-256.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::search_path::SearchPath;
use crate::digest::{HashingWriter, Sha256Digest};
use crate::error::{Class, Failure, Result};
use crate::plan::value::{Source, Sourced};
use crate::system_error::reason;

/// The cosign that the command line names.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The value of `--cosign` or its variable, if any.
    pub(crate) path: Option<&'a Sourced<Utf8PathBuf>>,
    /// The SHA-256 that the binary must have, if any.
    pub(crate) sha256: Option<Sha256Digest>,
}

/// A cosign binary: its absolute path, and its file when it was found.
#[derive(Debug)]
pub(crate) struct Binary {
    path: Utf8PathBuf,
    seen: FileIdentity,
}

/// The metadata that changes when a file is replaced or rewritten.
#[derive(Debug, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Binary {
    /// Finds cosign: the named one, or the first on the PATH. `Class::NoCosign` if there is none,
    /// or if it is not the pinned one.
    pub(crate) fn find(wanted: &Wanted<'_>, search_path: &SearchPath) -> Result<Self> {
        let path = match wanted.path {
            Some(path) => named(path, search_path)?,
            None => search_path.find("cosign").ok_or_else(|| {
                Failure::new(
                    Class::NoCosign,
                    "there is no cosign on the PATH (relative elements, bundles and inputs are ignored)",
                )
                .hint("install cosign 2.0 or later, or name one with --cosign")
            })?,
        };
        let none = |error: io::Error| {
            Failure::new(Class::NoCosign, format!("{path} cannot be read: {}", reason(&error)))
        };
        let mut file = File::open(&path).map_err(none)?;
        let seen = FileIdentity::of(&file.metadata().map_err(none)?);
        if let Some(wanted) = wanted.sha256 {
            let mut hashing = HashingWriter::new(io::sink());
            let found = io::copy(&mut file, &mut hashing).and_then(|_| hashing.finish());
            let found = found.with_context(|| format!("read {path}"))?;
            if found != wanted {
                return Err(Failure::new(
                    Class::NoCosign,
                    format!("{path} is not the pinned cosign: its SHA-256 is {found}"),
                )
                .hint("use another binary with --cosign, or correct --cosign-sha256"));
            }
        }
        Ok(Self { path, seen })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether it is a script. A file that cannot be read is none.
    pub(crate) fn is_script(&self) -> bool {
        let mut start = [0; 2];
        File::open(&self.path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start == b"#!"
    }

    /// Fails if the file is no longer the one that was found, pinned and probed.
    pub(crate) fn unchanged(&self) -> Result<()> {
        let now = std::fs::metadata(&self.path).map(|metadata| FileIdentity::of(&metadata));
        if now.is_ok_and(|now| now == self.seen) {
            return Ok(());
        }
        Err(Failure::new(Class::NoCosign, format!("{} was replaced while aicr was running", self.path)))
    }
}

fn named(wanted: &Sourced<Utf8PathBuf>, search_path: &SearchPath) -> Result<Utf8PathBuf> {
    let Sourced { value, source } = wanted;
    let refused = |why: String| {
        Failure::new(
            Class::NoCosign,
            match source {
                Source::Flag(flag) => format!("{flag} {value} {why}"),
                Source::Variable(name) => format!("{name}={value} {why}"),
            },
        )
    };
    let unusable = |why: String| {
        refused(why)
            .hint(format!("name the cosign binary, or {} to use the one on the PATH", source.removal()))
    };
    let path = camino::absolute_utf8(value)
        .map_err(|error| unusable(format!("cannot be resolved: {}", reason(&error))))?;
    let metadata =
        std::fs::metadata(&path).map_err(|error| unusable(format!("cannot be used: {}", reason(&error))))?;
    if !metadata.is_file() {
        return Err(unusable("is not a file".into()));
    }
    if metadata.mode() & 0o111 == 0 {
        return Err(unusable("is not executable".into()));
    }
    match search_path.untrusted_parent(&path) {
        None => Ok(path),
        Some(directory) => Err(refused(format!("lies in {directory}, and no program from there is run"))
            .hint("install cosign outside of bundles and inputs")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::settings::Environment;

    struct BinaryFixture(tempfile::TempDir);

    impl BinaryFixture {
        fn path(&self, relative: &str) -> Utf8PathBuf {
            Utf8PathBuf::try_from(self.0.path().canonicalize().unwrap()).unwrap().join(relative)
        }

        fn program(&self, name: &str) -> Utf8PathBuf {
            let path = self.path(name);
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }
    }

    fn find(path: &Utf8Path, sha256: Option<Sha256Digest>, untrusted: &[Utf8PathBuf]) -> Result<Binary> {
        let search_path = SearchPath::new(&Environment::default(), untrusted);
        let wanted = Sourced { value: path.to_owned(), source: Source::Flag("--cosign") };
        Binary::find(&Wanted { path: Some(&wanted), sha256 }, &search_path)
    }

    fn message(result: Result<Binary>) -> String {
        let failure = result.unwrap_err();
        assert_eq!(failure.class(), Class::NoCosign);
        failure.message().to_owned()
    }

    #[test]
    fn without_a_flag_it_is_searched_on_the_path() {
        let machine = BinaryFixture(tempfile::tempdir().unwrap());
        let program = machine.program("cosign");
        let search_path = SearchPath::new(&Environment::of([("PATH", machine.path("").as_str())]), &[]);
        assert_eq!(Binary::find(&Wanted::default(), &search_path).unwrap().path(), program);
        assert_eq!(
            message(Binary::find(&Wanted::default(), &SearchPath::default())),
            "there is no cosign on the PATH (relative elements, bundles and inputs are ignored)"
        );
    }

    #[test]
    fn a_named_cosign_must_be_an_executable_file_outside_of_bundles() {
        let machine = BinaryFixture(tempfile::tempdir().unwrap());
        let program = machine.program("plain");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let directory = machine.path("");
        for (path, why) in [
            (&program, "is not executable"),
            (&machine.path("missing"), "cannot be used: no such file or directory"),
            (&directory, "is not a file"),
        ] {
            assert_eq!(message(find(path, None, &[])), format!("--cosign {path} {why}"));
        }
        let inside = machine.program("cosign");
        find(&inside, None, &[]).unwrap();
        assert_eq!(
            message(find(&inside, None, std::slice::from_ref(&directory))),
            format!("--cosign {inside} lies in {directory}, and no program from there is run")
        );
    }

    #[test]
    fn a_pinned_cosign_has_its_digest() {
        let machine = BinaryFixture(tempfile::tempdir().unwrap());
        let program = machine.program("cosign");
        let digest = Sha256Digest::of(b"#!/bin/sh\n");
        find(&program, Some(digest), &[]).unwrap();
        assert_eq!(
            message(find(&program, Some(Sha256Digest::of(b"")), &[])),
            format!("{program} is not the pinned cosign: its SHA-256 is {digest}")
        );
    }

    #[test]
    fn a_binary_that_is_swapped_is_noticed() {
        let machine = BinaryFixture(tempfile::tempdir().unwrap());
        let program = machine.program("cosign");
        let binary = find(&program, None, &[]).unwrap();
        binary.unchanged().unwrap();
        fs::rename(machine.program("other"), &program).unwrap();
        assert_eq!(
            binary.unchanged().unwrap_err().message(),
            format!("{program} was replaced while aicr was running")
        );
    }
}
