//! Which release a bundle must be: `--expect-name`, `--expect-version` and `--at-least`.

use super::super::value::label;
use crate::cli::ReleaseArgs;
use crate::error::{Failure, Result};
use crate::release::{Label, Ordered, Release};

/// The release that is expected; any one, or none, if nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExpectedRelease {
    name: Option<Label>,
    version: Option<Label>,
    /// The earliest version, and as it was typed.
    at_least: Option<(Ordered, String)>,
}

impl ExpectedRelease {
    /// From the flags. A value that no release can have is exit 2.
    pub(super) fn new(args: ReleaseArgs) -> Result<Self> {
        let ReleaseArgs { expect_name, expect_version, at_least } = args;
        let label = |text: Option<String>, flag| text.map(|text| label(&text, flag)).transpose();
        let at_least = at_least.map(|text| match Ordered::parse(&text) {
            Some(version) => Ok((version, text)),
            None => Err(Failure::usage(format!("--at-least `{text}` is not a version that can be compared"))
                .hint("give one to three numbers, for example --at-least 1.4")),
        });
        Ok(Self {
            name: label(expect_name, "--expect-name")?,
            version: label(expect_version, "--expect-version")?,
            at_least: at_least.transpose()?,
        })
    }

    /// Whether some release is expected.
    pub(crate) fn is_some(&self) -> bool {
        *self != Self::default()
    }

    /// The flags that are set, with their values.
    pub(crate) fn flags(&self) -> Vec<(&'static str, String)> {
        let Self { name, version, at_least } = self;
        let labels = [("--expect-name", name), ("--expect-version", version)];
        let labels = labels.into_iter().filter_map(|(flag, label)| Some((flag, label.as_ref()?.to_string())));
        labels.chain(at_least.as_ref().map(|(_, typed)| ("--at-least", typed.clone()))).collect()
    }

    /// How a release differs from the expected one: the end of a sentence that begins with the bundle.
    pub(crate) fn difference(&self, release: &Release) -> Option<String> {
        let Release { name, version, .. } = release;
        if let Some(expected) = &self.name
            && expected != name
        {
            return Some(format!("is a release of {name}, but --expect-name is {expected}"));
        }
        if let Some(expected) = &self.version
            && expected != version
        {
            return Some(format!("is version {version} of {name}, but --expect-version is {expected}"));
        }
        let (at_least, typed) = self.at_least.as_ref()?;
        match Ordered::parse(&version.to_string()) {
            None => Some(format!(
                "is version {version} of {name}, which cannot be compared with --at-least {typed}"
            )),
            Some(version_of) if !version_of.is_at_least(at_least) => {
                Some(format!("is version {version} of {name}, older than --at-least {typed}"))
            }
            Some(_) => None,
        }
    }
}
