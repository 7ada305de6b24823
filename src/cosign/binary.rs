//! Which cosign: found once, absolute, never from a bundle, optionally pinned by its SHA-256.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::digest::{Hashing, Sha256Digest};
use crate::error::{Class, Failure, Result};
use crate::settings::Environment;

/// What may be asked of the search for cosign.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    /// The value of `--cosign`, if any.
    pub(crate) named: Option<&'a Utf8Path>,
    /// The SHA-256 the binary must have, if any.
    pub(crate) sha256: Option<Sha256Digest>,
    /// Directories that are not to be trusted: bundles and inputs.
    pub(crate) untrusted: &'a [Utf8PathBuf],
}

/// A cosign binary: an absolute path, and what was there when it was found.
#[derive(Debug)]
pub(crate) struct Binary {
    path: Utf8PathBuf,
    seen: Identity,
}

/// What changes when a file is replaced or rewritten.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
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
    /// Finds cosign: the one that was named, else the first on the PATH. Relative and empty
    /// elements of the PATH are skipped, and so is what lies below an untrusted directory.
    /// `Class::NoCosign` when there is none.
    pub(crate) fn find(search: &Search<'_>, environment: &Environment) -> Result<Self> {
        let path = match search.named {
            Some(named) => named_binary(named, search.untrusted)?,
            None => on_path(environment, search.untrusted)?,
        };
        let none =
            |error: io::Error| Failure::new(Class::NoCosign, format!("{path} cannot be read: {error}"));
        let mut file = File::open(&path).map_err(none)?;
        let seen = Identity::of(&file.metadata().map_err(none)?);
        if let Some(wanted) = search.sha256 {
            let mut hashing = Hashing::new(io::sink());
            let found = io::copy(&mut file, &mut hashing).and_then(|_| hashing.finish());
            let found = found.with_context(|| format!("read {path}"))?;
            if found != wanted {
                return Err(Failure::new(
                    Class::NoCosign,
                    format!("{path} is not the pinned cosign: its SHA-256 is {found}"),
                )
                .hint("--cosign names another binary, --cosign-sha256 another digest"));
            }
        }
        Ok(Self { path, seen })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Fails if the file is no longer the one that was found (and pinned, and probed).
    pub(crate) fn unchanged(&self) -> Result<()> {
        let now = std::fs::metadata(&self.path).map(|metadata| Identity::of(&metadata));
        if now.is_ok_and(|now| now == self.seen) {
            return Ok(());
        }
        Err(Failure::new(Class::NoCosign, format!("{} was replaced while aicr was running", self.path)))
    }
}

fn named_binary(named: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<Utf8PathBuf> {
    let refused = |why: String| Failure::new(Class::NoCosign, format!("--cosign {named} {why}"));
    let path =
        camino::absolute_utf8(named).map_err(|error| refused(format!("cannot be resolved: {error}")))?;
    let metadata = std::fs::metadata(&path).map_err(|error| refused(format!("cannot be used: {error}")))?;
    if !metadata.is_file() {
        return Err(refused("is not a file".into()));
    }
    if metadata.mode() & 0o111 == 0 {
        return Err(refused("is not executable".into()));
    }
    match holder(&path, untrusted) {
        None => Ok(path),
        Some(directory) => Err(refused(format!("lies below {directory}, and nothing from there is run"))
            .hint("install cosign outside of bundles and inputs")),
    }
}

fn on_path(environment: &Environment, untrusted: &[Utf8PathBuf]) -> Result<Utf8PathBuf> {
    let elements = std::env::split_paths(environment.get("PATH").unwrap_or_default());
    let absolute = std::env::join_paths(elements.filter(|element| element.is_absolute())).unwrap_or_default();
    let mut passed_over = None;
    for found in which::which_in_global("cosign", Some(absolute)).into_iter().flatten() {
        let Ok(found) = Utf8PathBuf::try_from(found) else { continue };
        if holder(&found, untrusted).is_none() {
            return Ok(found);
        }
        passed_over = Some(found);
    }
    Err(match passed_over {
        Some(found) => Failure::new(
            Class::NoCosign,
            format!("the only cosign on the PATH is {found}, and nothing from a bundle or an input is run"),
        ),
        None => Failure::new(Class::NoCosign, "no cosign on the PATH"),
    }
    .hint("install cosign 2.0 or later, or name one with --cosign"))
}

/// The untrusted directory below which `path` lies, by its name or once links are followed.
fn holder<'a>(path: &Utf8Path, untrusted: &'a [Utf8PathBuf]) -> Option<&'a Utf8PathBuf> {
    let real = path.canonicalize_utf8();
    untrusted.iter().find(|directory| {
        let named = camino::absolute_utf8(directory).unwrap_or_else(|_| (*directory).clone());
        let resolved = directory.canonicalize_utf8().unwrap_or_else(|_| named.clone());
        path.starts_with(&named)
            || path.starts_with(&resolved)
            || real.as_ref().is_ok_and(|real| real.starts_with(&resolved))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Machine {
        root: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            Self { root: tempfile::tempdir().unwrap() }
        }

        fn path(&self, relative: &str) -> Utf8PathBuf {
            Utf8PathBuf::try_from(self.root.path().canonicalize().unwrap()).unwrap().join(relative)
        }

        fn program(&self, relative: &str) -> Utf8PathBuf {
            let path = self.path(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }
    }

    fn search(untrusted: &[Utf8PathBuf]) -> Search<'_> {
        Search { named: None, sha256: None, untrusted }
    }

    fn message(result: Result<Binary>) -> String {
        let failure = result.unwrap_err();
        assert_eq!(failure.class(), Class::NoCosign);
        failure.message().to_owned()
    }

    #[test]
    fn only_absolute_elements_of_the_path_count() {
        let machine = Machine::new();
        let program = machine.program("bin/cosign");
        let path = format!(":.:bin:{}", program.parent().unwrap());
        let found = Binary::find(&search(&[]), &Environment::of([("PATH", &path)])).unwrap();
        assert_eq!(found.path(), program);
        for path in ["", ".", "bin", ":"] {
            assert_eq!(
                message(Binary::find(&search(&[]), &Environment::of([("PATH", path)]))),
                "no cosign on the PATH"
            );
        }
        assert_eq!(message(Binary::find(&search(&[]), &Environment::default())), "no cosign on the PATH");
    }

    #[test]
    fn a_cosign_inside_a_bundle_is_passed_over() {
        let machine = Machine::new();
        let hostile = machine.program("bundle/bin/cosign");
        let good = machine.program("bin/cosign");
        let untrusted = [machine.path("bundle")];
        let path = format!("{}:{}", hostile.parent().unwrap(), good.parent().unwrap());
        let found = Binary::find(&search(&untrusted), &Environment::of([("PATH", &path)])).unwrap();
        assert_eq!(found.path(), good);

        let alone = Environment::of([("PATH", hostile.parent().unwrap().as_str())]);
        assert_eq!(
            message(Binary::find(&search(&untrusted), &alone)),
            format!("the only cosign on the PATH is {hostile}, and nothing from a bundle or an input is run")
        );
        let named = Search { named: Some(&hostile), sha256: None, untrusted: &untrusted };
        assert_eq!(
            message(Binary::find(&named, &alone)),
            format!(
                "--cosign {hostile} lies below {}, and nothing from there is run",
                machine.path("bundle")
            )
        );
    }

    #[test]
    fn a_link_out_of_a_trusted_place_into_a_bundle_is_seen_through() {
        let machine = Machine::new();
        let hostile = machine.program("bundle/cosign");
        fs::create_dir(machine.path("bin")).unwrap();
        std::os::unix::fs::symlink(&hostile, machine.path("bin/cosign")).unwrap();
        let path = machine.path("bin");
        let untrusted = [machine.path("bundle")];
        assert!(Binary::find(&search(&untrusted), &Environment::of([("PATH", path.as_str())])).is_err());
        assert!(Binary::find(&search(&[]), &Environment::of([("PATH", path.as_str())])).is_ok());
    }

    #[test]
    fn a_named_cosign_must_be_an_executable_file() {
        let machine = Machine::new();
        let program = machine.program("cosign");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let missing = machine.path("missing");
        let directory = machine.path("");
        for (named, why) in [
            (&program, "is not executable"),
            (&missing, "cannot be used: No such file or directory (os error 2)"),
            (&directory, "is not a file"),
        ] {
            let named_search = Search { named: Some(named), sha256: None, untrusted: &[] };
            assert_eq!(
                message(Binary::find(&named_search, &Environment::default())),
                format!("--cosign {named} {why}")
            );
        }
    }

    #[test]
    fn a_pinned_cosign_has_its_digest() {
        let machine = Machine::new();
        let program = machine.program("cosign");
        let digest = Sha256Digest::of(b"#!/bin/sh\n");
        let pinned = |sha256| Search { named: Some(&program), sha256: Some(sha256), untrusted: &[] };
        assert!(Binary::find(&pinned(digest), &Environment::default()).is_ok());
        assert_eq!(
            message(Binary::find(&pinned(Sha256Digest::of(b"")), &Environment::default())),
            format!("{program} is not the pinned cosign: its SHA-256 is {digest}")
        );
    }

    #[test]
    fn a_binary_that_is_swapped_is_noticed() {
        let machine = Machine::new();
        let program = machine.program("cosign");
        let named = Search { named: Some(&program), sha256: None, untrusted: &[] };
        let binary = Binary::find(&named, &Environment::default()).unwrap();
        binary.unchanged().unwrap();
        fs::rename(machine.program("other"), &program).unwrap();
        assert_eq!(
            binary.unchanged().unwrap_err().message(),
            format!("{program} was replaced while aicr was running")
        );
    }
}
