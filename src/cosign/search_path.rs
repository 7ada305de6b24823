//! The part of the PATH on which programs are looked for, by aicr and by the cosign that it runs:
//! absolute elements that do not lead into a bundle or an input.

use std::ffi::{OsStr, OsString};

use camino::{Utf8Path, Utf8PathBuf};

use crate::settings::Environment;

/// A PATH without what an attacker may have put there, and what is not to be trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchPath {
    elements: OsString,
    untrusted: Vec<Utf8PathBuf>,
}

impl SearchPath {
    /// The PATH of `environment` without relative and empty elements, and without those that lie
    /// in an untrusted directory: a bundle or an input.
    pub(crate) fn new(environment: &Environment, untrusted: &[Utf8PathBuf]) -> Self {
        let all = std::env::split_paths(environment.get("PATH").unwrap_or_default());
        let safe = all.filter(|element| {
            let absolute = element.is_absolute();
            absolute
                && Utf8Path::from_path(element).is_none_or(|element| holder(element, untrusted).is_none())
        });
        // What was split at colons can be joined with colons.
        let elements = std::env::join_paths(safe).unwrap_or_default();
        Self { elements, untrusted: untrusted.to_vec() }
    }

    /// The elements, as a value for `PATH`; none if nothing is left, because to a C library and a shell
    /// an empty `PATH` is the working directory.
    pub(crate) fn value(&self) -> Option<&OsStr> {
        (!self.elements.is_empty()).then_some(&self.elements)
    }

    /// The programs of this name, the first to be found first. One that is a link into an untrusted
    /// directory is passed over.
    pub(crate) fn find(&self, program: &str) -> Option<Utf8PathBuf> {
        let found = which::which_in_global(program, Some(self.value()?)).ok()?;
        found
            .filter_map(|path| Utf8PathBuf::try_from(path).ok())
            .find(|path| path.is_absolute() && self.holder(path).is_none())
    }

    /// The untrusted directory in which `path` lies, by its name or once links are followed.
    pub(crate) fn holder(&self, path: &Utf8Path) -> Option<&Utf8Path> {
        holder(path, &self.untrusted)
    }
}

fn holder<'a>(path: &Utf8Path, untrusted: &'a [Utf8PathBuf]) -> Option<&'a Utf8Path> {
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

    struct Machine(tempfile::TempDir);

    impl Machine {
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

        /// What is found with this PATH, in which `@` stands for the machine.
        fn find(&self, path: &str, untrusted: &[&str]) -> Option<Utf8PathBuf> {
            let path = path.replace("@/", self.path("").as_str());
            let untrusted: Vec<_> = untrusted.iter().map(|directory| self.path(directory)).collect();
            SearchPath::new(&Environment::of([("PATH", &path)]), &untrusted).find("cosign")
        }
    }

    #[test]
    fn only_absolute_elements_count() {
        let machine = Machine(tempfile::tempdir().unwrap());
        let program = machine.program("bin/cosign");
        assert_eq!(machine.find(":.:bin:@/bin", &[]), Some(program));
        for path in ["", ".", "bin", ":"] {
            assert_eq!(machine.find(path, &[]), None, "{path:?}");
        }
        assert_eq!(SearchPath::new(&Environment::default(), &[]).find("cosign"), None);
    }

    #[test]
    fn what_lies_in_a_bundle_is_passed_over() {
        let machine = Machine(tempfile::tempdir().unwrap());
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
    fn the_value_is_what_is_safe() {
        let environment = Environment::of([("PATH", "/bin:.::relative:/nowhere/bundle/bin:/usr/bin")]);
        let path = SearchPath::new(&environment, &["/nowhere/bundle".into()]);
        assert_eq!(path.value(), Some("/bin:/usr/bin".as_ref()));
        for unsafe_path in ["", ".:relative"] {
            let environment = Environment::of([("PATH", unsafe_path)]);
            assert_eq!(SearchPath::new(&environment, &[]).value(), None, "{unsafe_path:?}");
        }
    }
}
