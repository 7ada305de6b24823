//! `--kms-env`: the variables that a KMS plugin is handed, by name. No value is read here.

use std::collections::BTreeSet;

use super::super::key_ref::{KeyRef, Scheme};
use super::super::sourced::Sourced;
use super::super::variable_name::{BadName, VariableName};
use crate::error::{Failure, Result};

/// The variables of `--kms-env`. What stands after a `=` is a value, and never shown.
pub(super) fn kms_variables(names: &[String], key: &Sourced<KeyRef>) -> Result<BTreeSet<VariableName>> {
    if !names.is_empty() && key.value.scheme() != Scheme::Plugin {
        return Err(Failure::usage(format!("--kms-env is for KMS plugins, and {} names none", key.source))
            .hint("leave out --kms-env: a key manager that cosign knows gets its own variables anyway"));
    }
    names.iter().map(|name| kms_variable(name)).collect()
}

fn kms_variable(name: &str) -> Result<VariableName> {
    VariableName::parse(name).map_err(|reason| {
        let (problem, hint) = match reason {
            BadName::Malformed => (
                "not the name of a variable (not shown: it may hold a value)".to_owned(),
                "write `--kms-env NAME`; the value is taken from the environment of aicr",
            ),
            BadName::Withheld => (
                format!("{name} is never handed on: it could change what cosign checks or whom it talks to"),
                "have the plugin read a variable of another name",
            ),
            BadName::Own => (
                format!("{name} is always set by aicr"),
                "leave it out, or have the plugin read a variable of another name",
            ),
        };
        Failure::usage(format!("--kms-env: {problem}")).hint(hint)
    })
}
