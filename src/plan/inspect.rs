//! What `inspect` is to look at: the paths as typed.

use camino::Utf8PathBuf;

use super::value::none_empty;
use crate::cli::InspectArgs;
use crate::error::{Failure, Result};

/// What `inspect` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectPlan {
    /// The paths as typed; at least one, none empty.
    pub(crate) paths: Vec<Utf8PathBuf>,
}

impl InspectPlan {
    /// The plan of `inspect`.
    pub(crate) fn new(args: InspectArgs) -> Result<Self> {
        let paths = none_empty(args.paths, "PATH")?;
        if paths.iter().any(|path| path == "-") {
            return Err(Failure::usage("PATH: inspect reads nothing from standard input")
                .hint("write `./-` for a directory of that name"));
        }
        Ok(Self { paths })
    }
}
