//! A value that can't be used as it was typed: what is wrong with it, and the form that is right.

use super::sourced::Source;
use crate::error::Failure;

/// What is wrong with a value, without the flag or variable that it came from. Neither text holds
/// a secret or a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueError {
    /// One clause, lower case, no period.
    pub(crate) problem: String,
    /// The corrected form, or where the value belongs.
    pub(crate) hint: String,
}

impl ValueError {
    /// A misreading with its way out.
    pub(super) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// The failure of the flag or variable `source`, which held the value: exit 2.
    pub(crate) fn at(self, source: Source) -> Failure {
        Failure::usage(format!("{source}: {}", self.problem)).hint(self.hint)
    }
}
