//! The environment of a program as data: what it gets, and where each value comes from. What a run of
//! cosign gets is decided in `environment`; how it is shown, in `process`.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Where the value of a variable comes from; decides how a command is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Handed on from the operator's environment; shown as `"$NAME"`, because it may be a secret.
    HandedOn(OsString),
    /// Not in the environment, typed by a person when asked; shown the same way.
    Secret(OsString),
    /// Set by aicr, and shown.
    Set(OsString),
}

/// The whole environment of a program, by name.
pub(crate) type Variables = BTreeMap<String, Value>;
