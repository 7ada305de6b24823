//! The part of the PATH that aicr, and the cosign that it runs, search for programs: absolute
//! elements outside bundles and inputs.

use std::ffi::{OsStr, OsString};

use camino::{Utf8Path, Utf8PathBuf};

use crate::settings::Environment;

/// A PATH without the elements that an attacker may control.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchPath {
    elements: OsString,
    untrusted: Vec<Utf8PathBuf>,
}

impl SearchPath {
    /// The PATH of `environment` without relative and empty elements, and without those in an
    /// untrusted directory: a bundle or an input.
    pub(crate) fn new(environment: &Environment, untrusted: &[Utf8PathBuf]) -> Self {
        let all = std::env::split_paths(environment.get("PATH").unwrap_or_default());
        let safe = all.filter(|element| {
            let absolute = element.is_absolute();
            absolute
                && Utf8Path::from_path(element)
                    .is_none_or(|element| untrusted_parent(element, untrusted).is_none())
        });
        // What was split at colons can be joined with colons.
        let elements = std::env::join_paths(safe).unwrap_or_default();
        Self { elements, untrusted: untrusted.to_vec() }
    }

    /// The value for `PATH`. None if no element is left: a C library or a shell searches the
    /// working directory if `PATH` is empty.
    pub(crate) fn value(&self) -> Option<&OsStr> {
        (!self.elements.is_empty()).then_some(&self.elements)
    }

    /// The first program with this name. A link into an untrusted directory is skipped.
    pub(crate) fn find(&self, program: &str) -> Option<Utf8PathBuf> {
        let found = which::which_in_global(program, Some(self.value()?)).ok()?;
        found
            .filter_map(|path| Utf8PathBuf::try_from(path).ok())
            .find(|path| path.is_absolute() && self.untrusted_parent(path).is_none())
    }

    /// The untrusted directory that contains `path`, by its name or after links are followed.
    pub(crate) fn untrusted_parent(&self, path: &Utf8Path) -> Option<&Utf8Path> {
        untrusted_parent(path, &self.untrusted)
    }
}

fn untrusted_parent<'a>(path: &Utf8Path, untrusted: &'a [Utf8PathBuf]) -> Option<&'a Utf8Path> {
    let real = path.canonicalize_utf8();
    untrusted.iter().map(Utf8PathBuf::as_path).find(|directory| {
        let named = camino::absolute_utf8(directory).unwrap_or_else(|_| (*directory).to_owned());
        let resolved = directory.canonicalize_utf8().unwrap_or_else(|_| named.clone());
        path.starts_with(&named)
            || path.starts_with(&resolved)
            || real.as_ref().is_ok_and(|real| real.starts_with(&resolved))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct PathFixture(tempfile::TempDir);

    impl PathFixture {
        fn path(&self, relative: &str) -> Utf8PathBuf {
            Utf8PathBuf::try_from(self.0.path().canonicalize().unwrap()).unwrap().join(relative)
        }

        fn program(&self, relative: &str) -> Utf8PathBuf {
            let path = self.path(relative);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        /// The cosign on this PATH, in which `@` is the test directory.
        fn find(&self, path: &str, untrusted: &[&str]) -> Option<Utf8PathBuf> {
            let path = path.replace("@/", self.path("").as_str());
            let untrusted: Vec<_> = untrusted.iter().map(|directory| self.path(directory)).collect();
            SearchPath::new(&Environment::of([("PATH", &path)]), &untrusted).find("cosign")
        }
    }

    #[test]
    fn only_absolute_elements_are_searched() {
        let machine = PathFixture(tempfile::tempdir().unwrap());
        let program = machine.program("bin/cosign");
        assert_eq!(machine.find(":.:bin:@/bin", &[]), Some(program));
        for path in ["", ".", "bin", ":"] {
            assert_eq!(machine.find(path, &[]), None, "{path:?}");
        }
        assert_eq!(SearchPath::new(&Environment::default(), &[]).find("cosign"), None);
    }

    #[test]
    fn programs_in_a_bundle_are_skipped() {
        let machine = PathFixture(tempfile::tempdir().unwrap());
        let hostile = machine.program("bundle/bin/cosign");
        let good = machine.program("good/cosign");
        fs::create_dir(machine.path("links")).unwrap();
        symlink(&hostile, machine.path("links/cosign")).unwrap();
        symlink(machine.path("bundle"), machine.path("way")).unwrap();
        for element in ["@/bundle/bin", "@/links", "@/way/bin"] {
            let path = format!("{element}:@/good");
            assert_eq!(machine.find(&path, &["bundle"]), Some(good.clone()), "{element}");
            assert_ne!(machine.find(&path, &[]), Some(good.clone()), "{element}");
            assert_eq!(machine.find(element, &["bundle"]), None, "{element}");
        }
    }

    #[test]
    fn the_value_has_only_safe_elements() {
        let environment = Environment::of([("PATH", "/bin:.::relative:/nowhere/bundle/bin:/usr/bin")]);
        let path = SearchPath::new(&environment, &["/nowhere/bundle".into()]);
        assert_eq!(path.value(), Some("/bin:/usr/bin".as_ref()));
        for unsafe_path in ["", ".:relative"] {
            let environment = Environment::of([("PATH", unsafe_path)]);
            assert_eq!(SearchPath::new(&environment, &[]).value(), None, "{unsafe_path:?}");
        }
    }
}
