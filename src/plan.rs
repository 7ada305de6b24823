//! The rules of the command line: arguments -> a plan, after which no flag is read again. [`sign`]
//! and its `rules` are for signing, [`verify`] is for trust.
//!
//! Everything here is pure. Arguments, variables and whether there is a terminal come in; a plan,
//! or a refusal with exit code 2, goes out. No file, process, clock or socket is touched, so a
//! refusal has changed nothing. Later steps check what only the disk shows: a file that is not a
//! key, a plugin that is not on the PATH, an output inside an input.

pub(crate) mod arguments;
pub(crate) mod bundle;
pub(crate) mod clear_text;
pub(crate) mod global;
pub(crate) mod inspect;
pub(crate) mod key_ref;
pub(crate) mod own_variables;
pub(crate) mod pack;
mod secret;
pub(crate) mod service;
pub(crate) mod sheet;
pub(crate) mod sign;
pub(crate) mod value;
pub(crate) mod variable_name;
pub(crate) mod verify;
pub(crate) mod withheld;

use crate::settings::Environment;

/// The facts of this machine that the rules use, read once by the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The variables.
    pub(crate) environment: &'a Environment,
    /// Whether stdin and stderr are a terminal, so that a person can answer.
    pub(crate) terminal: bool,
}
