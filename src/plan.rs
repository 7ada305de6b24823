//! What was typed -> what it means: the rules of the command line, as plans that need no flag to be
//! read again. Read [`sign`] and its `rules` for signing, [`verify`] for whom to believe.
//!
//! Everything here is pure. Arguments, variables and whether there is a terminal come in; a plan,
//! or a refusal with exit code 2, goes out. No file, process, clock or socket is touched, so a
//! refusal has changed nothing. What only the disk can tell (a key file that is no key, a plugin
//! that is not on the PATH, an output inside an input) is asked later, by who looks there.

pub(crate) mod arguments;
pub(crate) mod bundle;
pub(crate) mod global;
pub(crate) mod key_ref;
mod secret;
pub(crate) mod service;
pub(crate) mod sign;
pub(crate) mod value;
pub(crate) mod variable_name;
pub(crate) mod verify;
pub(crate) mod withheld;

use crate::settings::Environment;

/// What the rules may know of the world: two facts, read once by the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The variables.
    pub(crate) environment: &'a Environment,
    /// Whether a person can answer: stdin and stderr are a terminal.
    pub(crate) terminal: bool,
}
