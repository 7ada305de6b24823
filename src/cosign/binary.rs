//! The cosign binary: found once, by an absolute path, never in a bundle, optionally pinned by its
//! SHA-256.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use camino::{Utf8Path, Utf8PathBuf};

use super::process::Program;
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
    /// The file that was hashed, if cosign is pinned. `None` for a script: its interpreter opens it
    /// by its path.
    pinned: Option<File>,
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
        let unreadable = |error: io::Error| {
            Failure::new(Class::NoCosign, format!("{path} cannot be read: {}", reason(&error)))
        };
        let Some(sha256) = wanted.sha256 else {
            let seen = FileIdentity::of(&std::fs::metadata(&path).map_err(unreadable)?);
            return Ok(Self { path, seen, pinned: None });
        };
        let mut file = File::open(&path).map_err(|error| {
            unreadable(error)
                .hint("--cosign-sha256 reads the binary: make it readable, or leave out that flag")
        })?;
        // Before it is read, so that every later change is noticed.
        let seen = FileIdentity::of(&file.metadata().map_err(unreadable)?);
        let is_script = starts_a_script(&file).map_err(unreadable)?;
        let mut hashing = HashingWriter::new(io::sink());
        let found = io::copy(&mut file, &mut hashing).and_then(|_| hashing.finish()).map_err(unreadable)?;
        if found != sha256 {
            return Err(Failure::new(
                Class::NoCosign,
                format!("{path} is not the pinned cosign: its SHA-256 is {found}"),
            )
            .hint("use another binary with --cosign, or correct --cosign-sha256"));
        }
        Ok(Self { path, seen, pinned: (!is_script).then_some(file) })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The program to run: the file that was hashed, if cosign is pinned.
    pub(crate) fn program(&self) -> Program<'_> {
        Program { path: &self.path, opened: self.pinned.as_ref() }
    }

    /// Whether it is a script. A file that cannot be read is none.
    pub(crate) fn is_script(&self) -> bool {
        File::open(&self.path).and_then(|file| starts_a_script(&file)).unwrap_or(false)
    }

    /// Runs it. Its answer is returned only if the file is still the same.
    pub(crate) fn run<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        self.unchanged()?;
        let answer = run()?;
        self.unchanged()?;
        Ok(answer)
    }

    /// Fails if the file is no longer the one that was found, pinned and probed.
    fn unchanged(&self) -> Result<()> {
        // If it is replaced, its own time of change changes, too.
        let now = match &self.pinned {
            Some(file) => file.metadata(),
            None => std::fs::metadata(&self.path),
        };
        if now.is_ok_and(|now| FileIdentity::of(&now) == self.seen) {
            return Ok(());
        }
        Err(Failure::new(Class::NoCosign, format!("{} was replaced while aicr was running", self.path)))
    }
}

fn starts_a_script(file: &File) -> io::Result<bool> {
    let mut start = [0; 2];
    Ok(file.read_at(&mut start, 0)? == 2 && start == *b"#!")
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
        let replace = |machine: &BinaryFixture, program: &Utf8Path| {
            fs::rename(machine.program("other"), program).unwrap();
        };
        let write = |_: &BinaryFixture, program: &Utf8Path| {
            let modified = program.metadata().unwrap().modified().unwrap();
            fs::write(program, "#?/bin/sh\n").unwrap();
            // Only the time of change of the file shows this.
            File::options().write(true).open(program).unwrap().set_modified(modified).unwrap();
        };
        type Swap<'a> = &'a dyn Fn(&BinaryFixture, &Utf8Path);
        for (swap, content) in [
            (&replace as Swap<'_>, "#!/bin/sh\n"),
            (&replace, "\x7fELF no script"),
            (&write, "#!/bin/sh\n"),
            (&write, "\x7fELF12345\n"),
        ] {
            for pin in [None, Some(Sha256Digest::of(content.as_bytes()))] {
                let machine = BinaryFixture(tempfile::tempdir().unwrap());
                let program = machine.program("cosign");
                fs::write(&program, content).unwrap();
                let binary = find(&program, pin, &[]).unwrap();
                binary.unchanged().unwrap();
                swap(&machine, &program);
                assert_eq!(
                    binary.unchanged().unwrap_err().message(),
                    format!("{program} was replaced while aicr was running")
                );
            }
        }
    }

    #[test]
    fn what_was_hashed_is_what_is_run() {
        let machine = BinaryFixture(tempfile::tempdir().unwrap());
        let program = machine.program("cosign");
        let opened = |content: &str| {
            fs::write(&program, content).unwrap();
            let binary = find(&program, Some(Sha256Digest::of(content.as_bytes())), &[]).unwrap();
            fs::remove_file(&program).unwrap();
            fs::set_permissions(machine.program("cosign"), fs::Permissions::from_mode(0o755)).unwrap();
            let opened = binary.program().opened.map(|file| {
                let mut read = vec![0; content.len()];
                file.read_exact_at(&mut read, 0).unwrap();
                String::from_utf8(read).unwrap()
            });
            assert_eq!(binary.program().path, program);
            opened
        };
        assert_eq!(opened("\x7fELF 1").as_deref(), Some("\x7fELF 1"));
        // The interpreter of a script opens it by its path.
        assert_eq!(opened("#!/bin/sh\n"), None);
    }
}
