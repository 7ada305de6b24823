//! The names of the files of a bundle, sorted by their bytes.

use super::inputs::Collected;
use super::manifest::Manifest;

/// Where the names are.
#[derive(Clone, Copy)]
pub(crate) enum Names<'a> {
    /// In the files that go into a new bundle.
    Collected(&'a Collected),
    /// In the manifest of an existing one.
    Listed(&'a Manifest<'a>),
}

impl<'a> Names<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Collected(collected) => collected.files.len(),
            Self::Listed(manifest) => manifest.len(),
        }
    }

    /// The name with this number, counted from zero.
    pub(super) fn get(self, number: usize) -> &'a str {
        match self {
            Self::Collected(collected) => collected.files[number].name.as_str(),
            Self::Listed(manifest) => manifest.name(number),
        }
    }

    /// All of them.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |number| self.get(number))
    }
}
