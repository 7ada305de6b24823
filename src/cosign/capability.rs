//! What the installed cosign supports, read from its help. Pure: no program is run here.
//!
//! Deliberately absent: version numbers. Distributions build cosign as `devel`, drop the `v`, or
//! use pseudo-versions. A release is printed for people and never compared.

use std::collections::BTreeSet;

use crate::error::{Class, Failure, Result};

/// The command line of this cosign. Decided once a run, from `sign-blob --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 2.6 and later: a signing config has the services, and an empty one has none.
    SigningConfig,
    /// 2.4 and 2.5: `--tlog-upload=false` works, and a flag selects the new bundle form.
    BundleFlag,
    /// 2.0 to 2.3: `--tlog-upload=false` works, and there is only the old bundle form.
    LegacyBundle,
}

impl Dialect {
    /// Reads the output of `cosign sign-blob --help`.
    ///
    /// Deprecated flags work but are not in the help, so none is needed here. The exception is
    /// `--tlog-upload` in the oldest dialect: cosign 1 does not have it, and cannot sign without a
    /// log.
    pub(crate) fn of_help(help: &[u8]) -> Result<Self> {
        let flags = flags(help);
        let has = |flag: &str| flags.contains(flag);
        if has("--key") && has("--bundle") {
            if has("--signing-config") {
                return Ok(Self::SigningConfig);
            }
            if has("--new-bundle-format") {
                return Ok(Self::BundleFlag);
            }
            if has("--tlog-upload") {
                return Ok(Self::LegacyBundle);
            }
        }
        Err(Failure::new(Class::NoCosign, "its `sign-blob --help` is not that of cosign 2.0 or later")
            .hint("install cosign 2.0 or later, or name one with --cosign"))
    }

    /// The name used in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SigningConfig => "signing-config",
            Self::BundleFlag => "bundle-flag",
            Self::LegacyBundle => "legacy-bundle",
        }
    }

    /// The releases with this command line, for people.
    pub(crate) fn releases(self) -> &'static str {
        match self {
            Self::SigningConfig => "2.6 and later",
            Self::BundleFlag => "2.4 and 2.5",
            Self::LegacyBundle => "2.0 to 2.3",
        }
    }
}

/// The flags that a help text defines: the first or second word of a line, up to `=`, `:` or a
/// blank. Prose mentions flags, too, but never there.
fn flags(help: &[u8]) -> BTreeSet<String> {
    String::from_utf8_lossy(help)
        .lines()
        .flat_map(|line| line.split_ascii_whitespace().take(2))
        .filter(|word| word.starts_with("--"))
        .map(|word| word.split(['=', ':']).next().unwrap_or(word).to_owned())
        .collect()
}

/// The release in the output of `cosign version`, for people: the value of its `GitVersion` line,
/// or `unknown`.
pub(crate) fn release(version_output: &[u8]) -> String {
    String::from_utf8_lossy(version_output)
        .lines()
        .find_map(|line| line.strip_prefix("GitVersion:"))
        .map(|value| crate::printable::show(value.trim()))
        .filter(|release| !release.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_help_are_read() {
        for (help, expected) in [
            ("      --tlog-upload    text", "--tlog-upload"),
            ("    --signing-config='':\n\ttext", "--signing-config"),
            ("    --new-bundle-format=false:\n\ttext", "--new-bundle-format"),
            ("    -y, --yes=false:", "--yes"),
        ] {
            assert!(flags(help.as_bytes()).contains(expected), "{help}");
        }
    }

    #[test]
    fn flags_in_prose_are_ignored() {
        let help = "    --bundle='':\n\twrite it. Requires --new-bundle-format to be set.\n    -k, --key='' see --signing-config";
        let found: Vec<_> = flags(help.as_bytes()).into_iter().collect();
        assert_eq!(found, ["--bundle", "--key"]);
    }

    #[test]
    fn help_of_another_program_is_refused() {
        for help in ["", "usage: frobnicate", "--key\n--bundle", "--signing-config", "\u{0}\u{ff}"] {
            let failure = Dialect::of_help(help.as_bytes()).unwrap_err();
            assert_eq!(failure.class(), Class::NoCosign, "{help}");
        }
    }

    #[test]
    fn only_the_release_is_read() {
        assert_eq!(release(b"banner\nGitVersion:    v3.1.3\nGitCommit: x"), "v3.1.3");
        assert_eq!(release(b"GitVersion: devel\n"), "devel");
        assert_eq!(release(b"nothing"), "unknown");
        assert_eq!(release(b"GitVersion: \nx"), "unknown");
        assert_eq!(release(b"GitVersion: a\x1b[31mb\n"), "a\\u{1b}[31mb");
    }

    #[test]
    fn every_recorded_release_has_its_dialect() {
        for (recorded, dialect) in [
            ("v2.0.2", Dialect::LegacyBundle),
            ("v2.2.4", Dialect::LegacyBundle),
            ("v2.4.1", Dialect::BundleFlag),
            ("v2.6.1", Dialect::SigningConfig),
            ("v3.0.2", Dialect::SigningConfig),
            ("v3.1.3", Dialect::SigningConfig),
        ] {
            let read = |name: &str| {
                std::fs::read(format!("{}/fixtures/cosign/{recorded}/{name}", env!("CARGO_MANIFEST_DIR")))
                    .unwrap()
            };
            assert_eq!(Dialect::of_help(&read("sign-blob-help.txt")).unwrap(), dialect, "{recorded}");
            assert_eq!(release(&read("version.txt")), recorded);
            assert!(Dialect::of_help(&read("public-key-help.txt")).is_err(), "{recorded}");
        }
    }
}
