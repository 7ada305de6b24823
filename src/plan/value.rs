//! Values of flags and variables: where a value comes from, and what is wrong with it. Its meaning
//! is decided where it is used.

use std::fmt;

use camino::Utf8PathBuf;

use crate::error::{Failure, Result};
use crate::release::Label;
use crate::settings::Environment;

/// The hint for an empty value.
pub(super) const UNSET_VARIABLE: &str = "an unset variable in the command line is the usual cause";

/// The flag or the variable that a value came from; shown as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag, with its dashes.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
}

impl Source {
    /// How a hint says to remove the value.
    pub(crate) fn removal(self) -> String {
        match self {
            Self::Flag(name) => format!("leave out {name}"),
            Self::Variable(name) => format!("unset {name}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
        }
    }
}

/// The value of `flag` as the name or version of a release.
pub(super) fn label(text: &str, flag: &str) -> Result<Label> {
    Label::new(text).ok_or_else(|| {
        Failure::usage(format!("{flag} `{text}` cannot be the name or version of a release")).hint(
            "use 1 to 128 letters, digits and the characters . _ + ~ -, and begin with a letter or digit",
        )
    })
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// The flag or variable that holds it.
    pub(crate) source: Source,
}

/// The typed value of `flag`, else the value of `variable`, else nothing. A flag always wins over
/// its variable. An empty variable is an empty value, not an absent one.
pub(super) fn typed_or_variable(
    typed: Option<String>,
    flag: &'static str,
    environment: &Environment,
    variable: &'static str,
) -> Result<Option<Sourced<String>>> {
    if let Some(value) = typed {
        return Ok(Some(Sourced { value, source: Source::Flag(flag) }));
    }
    let Some(value) = environment.get(variable) else {
        return Ok(None);
    };
    let Some(value) = value.to_str() else {
        return Err(Failure::usage(format!("{variable}: the value is not UTF-8 text"))
            .hint(format!("set {variable} to text, or unset it and add {flag}")));
    };
    Ok(Some(Sourced { value: value.to_owned(), source: Source::Variable(variable) }))
}

/// What is wrong with a value, without the flag or variable that it came from. Neither text
/// contains a secret or a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueError {
    /// One clause, lower case, no period.
    pub(crate) problem: String,
    /// The corrected form, or where the value belongs.
    pub(crate) hint: String,
}

impl ValueError {
    /// A problem and its hint.
    pub(super) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// The failure of the flag or variable `source`: exit 2.
    pub(crate) fn at(self, source: Source) -> Failure {
        Failure::usage(format!("{source}: {}", self.problem)).hint(self.hint)
    }
}

/// Refuses an empty path; `flag` is the flag or placeholder of the value.
pub(super) fn not_empty(path: Utf8PathBuf, flag: &str) -> Result<Utf8PathBuf> {
    if path.as_str().is_empty() {
        return Err(Failure::usage(format!("{flag}: the path is empty")).hint(UNSET_VARIABLE));
    }
    Ok(path)
}

/// Refuses empty paths among several.
pub(super) fn none_empty(paths: Vec<Utf8PathBuf>, placeholder: &str) -> Result<Vec<Utf8PathBuf>> {
    paths.into_iter().map(|path| not_empty(path, placeholder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_flag_wins_over_its_variable_and_an_empty_variable_is_a_value() {
        let sourced = |value: &str, source| Some(Sourced { value: value.to_owned(), source });
        let (flag, variable) = (Source::Flag("--cosign"), Source::Variable("AICR_COSIGN"));
        let set = Environment::of([("AICR_COSIGN", "/opt/cosign")]);
        let empty = Environment::of([("AICR_COSIGN", "")]);
        for (typed, environment, found) in [
            (Some("/bin/cosign"), &set, sourced("/bin/cosign", flag)),
            (Some(""), &set, sourced("", flag)),
            (None, &set, sourced("/opt/cosign", variable)),
            (None, &empty, sourced("", variable)),
            (None, &Environment::default(), None),
        ] {
            let value = typed_or_variable(typed.map(str::to_owned), "--cosign", environment, "AICR_COSIGN");
            assert_eq!(value.expect("a value"), found);
        }
    }
}
