//! What the installed cosign can do. It is asked with `FLAG --help`: cosign ends with exit 0 if it
//! knows every flag, hidden and deprecated ones too, and with 1 if it does not. Pure: others run
//! it.
//!
//! Deliberately absent: version numbers, and the text of the help. Distributions build cosign as
//! `devel`, drop the `v`, or stamp pseudo-versions; a release is shown to people and never
//! compared. A help text hides flags that still work, and its form changes.

use crate::error::Result;

/// The command line of the installed cosign. Decided once a run, by `sign-blob`, for `verify-blob`
/// too.
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
    /// The newest first: a cosign that knows the flag of one is never asked about the next. 3.0.0
    /// to 3.0.2 know every flag of 2.4 and, called like one, contact the public services.
    const NEWEST_FIRST: [Self; 3] = [Self::SigningConfig, Self::BundleFlag, Self::LegacyBundle];

    /// The dialect of a cosign that `knows` flags of `sign-blob`; `None` if it knows that of no
    /// dialect.
    pub(crate) fn decide(mut knows: impl FnMut(&'static str) -> Result<bool>) -> Result<Option<Self>> {
        for dialect in Self::NEWEST_FIRST {
            if knows(dialect.flag())? {
                return Ok(Some(dialect));
            }
        }
        Ok(None)
    }

    /// The flag of `sign-blob` that a cosign of this dialect knows, and an older one does not.
    fn flag(self) -> &'static str {
        match self {
            Self::SigningConfig => "--signing-config=x",
            Self::BundleFlag => "--new-bundle-format=true",
            Self::LegacyBundle => "--tlog-upload=false",
        }
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

/// The flag that cosign says it does not know, as `--flag`.
pub(crate) fn unknown_flag(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let (_, after) = text.split_once("unknown flag: --")?;
    let name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let flag: String = after.chars().take_while(|letter| name(*letter)).collect();
    (!flag.is_empty()).then(|| format!("--{flag}"))
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
    use crate::error::{Class, Failure};

    #[test]
    fn the_newest_flag_that_is_known_decides() {
        const CONFIG: &str = "--signing-config=x";
        const BUNDLE: &str = "--new-bundle-format=true";
        const LOG: &str = "--tlog-upload=false";
        for (known, expected, asked) in [
            (&[CONFIG, BUNDLE, LOG][..], Some(Dialect::SigningConfig), 1),
            // A later cosign that drops what is deprecated.
            (&[CONFIG], Some(Dialect::SigningConfig), 1),
            (&[BUNDLE, LOG], Some(Dialect::BundleFlag), 2),
            (&[BUNDLE], Some(Dialect::BundleFlag), 2),
            (&[LOG], Some(Dialect::LegacyBundle), 3),
            (&[], None, 3),
        ] {
            let mut questions = Vec::new();
            let dialect = Dialect::decide(|flag| {
                questions.push(flag);
                Ok(known.contains(&flag))
            });
            assert_eq!(dialect.unwrap(), expected, "{known:?}");
            assert_eq!(questions, [CONFIG, BUNDLE, LOG][..asked], "{known:?}");
        }
    }

    #[test]
    fn a_question_without_an_answer_decides_nothing() {
        let failure = Dialect::decide(|_| Err(Failure::new(Class::Unproven, "no answer"))).unwrap_err();
        assert_eq!(failure.message(), "no answer");
    }

    #[test]
    fn a_flag_that_is_unknown_is_found() {
        for (stderr, expected) in [
            ("Error: unknown flag: --trusted-root\nmain.go:74: error during", Some("--trusted-root")),
            ("error during command execution: unknown flag: --sk", Some("--sk")),
            ("unknown flag: --\u{1b}[31m", None),
            ("unknown flag: -x", None),
            ("unknown command \"sign-blob\"", None),
            ("", None),
        ] {
            assert_eq!(unknown_flag(stderr.as_bytes()).as_deref(), expected, "{stderr}");
        }
        for release in ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
            let recorded = format!(
                "{}/fixtures/cosign/{release}/said/sign-unknown-flag.stderr",
                env!("CARGO_MANIFEST_DIR")
            );
            let said = std::fs::read(recorded).unwrap();
            assert_eq!(unknown_flag(&said).as_deref(), Some("--no-such-flag"), "{release}");
        }
    }

    #[test]
    fn only_the_release_is_read() {
        assert_eq!(release(b"banner\nGitVersion:    v3.1.3\nGitCommit: x"), "v3.1.3");
        assert_eq!(release(b"GitVersion: devel\n"), "devel");
        assert_eq!(release(b"nothing"), "unknown");
        assert_eq!(release(b"GitVersion: \nx"), "unknown");
        assert_eq!(release(b"GitVersion: a\x1b[31mb\n"), "a\\u{1b}[31mb");
        for recorded in ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
            let version = std::fs::read(format!(
                "{}/fixtures/cosign/{recorded}/version.txt",
                env!("CARGO_MANIFEST_DIR")
            ));
            assert_eq!(release(&version.unwrap()), recorded);
        }
    }
}
