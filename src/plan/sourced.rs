//! Where a value comes from: a flag that was typed, or a variable. A message names the one or the
//! other. What the values mean is not here.

use std::fmt;

use crate::error::{Failure, Result};
use crate::settings::Environment;

/// The flag or the variable that a value came from; shown as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag, with its dashes.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
}

impl Source {
    /// How to take the value away, in words for a hint.
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

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// The flag or variable that holds it.
    pub(crate) source: Source,
}

/// The typed value of `flag`, else the value of `variable`, else nothing. A flag typed wins over
/// its own variable, whatever that holds; an empty variable is an empty value, not an absent one.
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
            .hint(format!("set {variable} anew, or unset it and give {flag}")));
    };
    Ok(Some(Sourced { value: value.to_owned(), source: Source::Variable(variable) }))
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
