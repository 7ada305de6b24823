//! `release.json`: which release a bundle is, and how much is in it. It is payload, so the manifest lists it and the
//! signature covers it. Pure: other files read and write it.

use std::cmp::Ordering;
use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};

/// The file, at the top level of a bundle.
pub(crate) const RELEASE: &str = "release.json";

/// The largest file of this form, in bytes: two names of 128 bytes, two numbers, and what is around them.
pub(crate) const SIZE_LIMIT: u64 = 512;

/// The longest name or version, in bytes.
const MAX_LABEL: usize = 128;

/// A release, as the file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Release {
    schema_version: u32,
    pub(crate) name: Label,
    pub(crate) version: Label,
    /// How many files the bundle has besides this one.
    pub(crate) files: u64,
    /// How many bytes they have together.
    pub(crate) bytes: u64,
}

/// The name or version of a release: 1 to 128 letters, digits, `.`, `_`, `+`, `~` and `-`, the first a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Label(String);

impl Label {
    /// The label, if the text may be one.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~-".contains(&byte);
        let may_be_one = text.len() <= MAX_LABEL
            && text.bytes().all(is_allowed)
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        may_be_one.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Release {
    /// A release whose bundle has `files` other files with `bytes`.
    pub(crate) fn new(name: Label, version: Label, files: u64, bytes: u64) -> Self {
        Self { schema_version: 1, name, version, files, bytes }
    }

    /// Reads a file that has exactly the form that [`to_json`](Self::to_json) writes. Any other file is payload like
    /// the others.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let release: Self = serde_json::from_slice(text).ok()?;
        let has_labels = [&release.name, &release.version].iter().all(|label| Label::new(&label.0).is_some());
        (has_labels && release.schema_version == 1 && release.to_json().as_bytes() == text).then_some(release)
    }

    /// The file: one line without blanks and without a newline.
    pub(crate) fn to_json(&self) -> String {
        // There is no map key or number to fail on.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A version that can be older or newer than another one: one to three numbers, and a pre-release and build parts as in
/// semantic versioning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ordered(Version);

impl Ordered {
    /// Reads a version. A `v` before it and zeros before a number are ignored, and missing numbers are 0.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        // Rust reads a number with a plus before it, but no plus is left here.
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
        let [major, minor, patch] = match numbers?[..] {
            [major] => [major, 0, 0],
            [major, minor] => [major, minor, 0],
            [major, minor, patch] => [major, minor, patch],
            _ => return None,
        };
        let (pre, build) = match rest.split_once('+') {
            Some((pre, build)) => (pre, Some(build)),
            None => (rest, None),
        };
        let pre = match pre.strip_prefix('-') {
            // A hyphen with nothing behind it.
            Some("") => return None,
            Some(pre) => Prerelease::new(pre).ok()?,
            None => Prerelease::EMPTY,
        };
        let build = match build {
            Some("") => return None,
            Some(build) => BuildMetadata::new(build).ok()?,
            None => BuildMetadata::EMPTY,
        };
        Some(Self(Version { major, minor, patch, pre, build }))
    }

    /// Whether it is this version or a later one. Build parts are not compared.
    pub(crate) fn is_at_least(&self, other: &Self) -> bool {
        self.0.cmp_precedence(&other.0) != Ordering::Less
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"schemaVersion":1,"name":"app","version":"1.4","files":3,"bytes":4096}"#;

    #[test]
    fn the_form_is_exact() {
        let label = |text| Label::new(text).unwrap();
        let release = Release::new(label("app"), label("1.4"), 3, 4096);
        assert_eq!(release.to_json(), TEXT);
        assert_eq!(Release::parse(TEXT.as_bytes()), Some(release));
        for (from, to) in [
            ("{", "{ "),
            (":", ": "),
            ("}", "}\n"),
            ("}", ",\"x\":1}"),
            ("schemaVersion\":1", "schemaVersion\":2"),
            ("\"schemaVersion\":1,", ""),
            ("\"app\"", "\"a\\u0070p\""),
            ("\"app\"", "\"\""),
            ("\"app\"", "\"-app\""),
            ("\"app\"", "\"a b\""),
            ("\"app\"", "null"),
            ("\"1.4\"", "1.4"),
            (":3", ":03"),
            (":3", ":3.0"),
            (":3", ":-3"),
            (":3", ":18446744073709551616"),
            ("files", "Files"),
            ("\"files\":3,\"bytes\":4096", "\"bytes\":4096,\"files\":3"),
            ("\"files\":3", "\"files\":3,\"files\":3"),
        ] {
            let changed = TEXT.replacen(from, to, 1);
            assert_ne!(changed, TEXT);
            assert_eq!(Release::parse(changed.as_bytes()), None, "{changed}");
        }
        let longest = Label::new(&"x".repeat(MAX_LABEL)).unwrap();
        let longest = Release::new(longest.clone(), longest, u64::MAX, u64::MAX).to_json();
        assert!(longest.len() as u64 <= SIZE_LIMIT);
        assert!(Release::parse(longest.as_bytes()).is_some());
    }

    #[test]
    fn labels_are_plain_words() {
        for good in ["a", "0", "1.4", "a_b+c~d-E.9", &"x".repeat(128)] {
            assert!(Label::new(good).is_some(), "{good}");
        }
        for bad in ["", ".a", "-a", "_a", "+1", "~", "a b", "a/b", "ä", "a\n", "a\0", &"x".repeat(129)] {
            assert!(Label::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn versions_are_ordered_as_in_semantic_versioning() {
        // Each is later than those before it; versions on one line are equal.
        let rising = [
            vec!["0", "v0", "00.00"],
            vec!["0.0.1"],
            vec!["1.0-alpha", "v1-alpha", "01.0.0-alpha+b"],
            vec!["1.0.0-alpha.1"],
            vec!["1.0.0-alpha.beta"],
            vec!["1.0.0-rc.2"],
            vec!["1.0.0-rc.11"],
            vec!["1", "1.0", "1.0.0", "v1.0.0", "1+build", "1.0.0+b.7"],
            vec!["1.2"],
            vec!["1.10"],
            vec!["2026.11.27"],
            vec!["18446744073709551615"],
        ];
        for (at, line) in rising.iter().enumerate() {
            for one in line {
                let version = |text: &str| Ordered::parse(text).unwrap_or_else(|| panic!("{text}"));
                for (other_at, others) in rising.iter().enumerate() {
                    for other in others {
                        let expected = at >= other_at;
                        assert_eq!(version(one).is_at_least(&version(other)), expected, "{one} {other}");
                    }
                }
            }
        }
        for bad in [
            "",
            "v",
            "1.",
            ".1",
            "1..2",
            "1.2.3.4",
            "a",
            "1.a",
            "V1",
            "1-",
            "1+",
            "1.0-01",
            "1.0~rc1",
            "1_2",
            "1.0-a..b",
            "-1",
            "+1",
            "18446744073709551616",
            "1.0-a+",
            "1 ",
        ] {
            assert_eq!(Ordered::parse(bad), None, "{bad:?}");
        }
    }
}
