//! A row of the table: a change, and the expected result for each set of flags.

use serde_json::Value;

use super::bundles::Signatures;

/// The usual trusted root.
pub(super) const ROOT: &str = "site/trusted-root.json";

/// One change, and the expected results.
pub(super) struct Row {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// The changed bundle: its signer and its evidence.
    pub(super) of: &'static str,
    pub(super) change: fn(&mut Value, &Signatures),
    /// The bundle whose signer the flags name.
    pub(super) by: &'static str,
    /// The trusted root.
    pub(super) root: &'static str,
    pub(super) said: Vec<(Required, Expected)>,
    /// Whether every release is tested; otherwise only the newest.
    pub(super) everywhere: bool,
}

/// A row with the site's own trusted root.
pub(super) fn row(
    name: &'static str,
    of: &'static str,
    change: fn(&mut Value, &Signatures),
    said: impl IntoIterator<Item = (Required, Expected)>,
) -> Row {
    Row { name, of, change, by: of, root: ROOT, said: said.into_iter().collect(), everywhere: false }
}

impl Row {
    /// With every release.
    pub(super) fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }

    /// With the signer of another bundle in the flags.
    pub(super) fn with_signer_of(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// With another trusted root.
    pub(super) fn with_root(self, root: &'static str) -> Self {
        Self { root, ..self }
    }
}

/// The evidence that the flags require, besides the signer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Required {
    Log,
    LogAndTimestamp,
    Nothing,
    TimestampIfThere,
    Timestamp,
}
pub(super) use Required::{Log, LogAndTimestamp, Nothing, Timestamp, TimestampIfThere};

impl Required {
    /// The flags of `aicr verify` for it.
    pub(super) fn flags(self, root: &str) -> String {
        match self {
            Log => format!("--trusted-root {root}"),
            LogAndTimestamp => format!("--trusted-root {root} --require-timestamp"),
            Nothing => "--insecure-ignore-tlog".to_owned(),
            TimestampIfThere => format!("--insecure-ignore-tlog --trusted-root {root}"),
            Timestamp => format!("--insecure-ignore-tlog --trusted-root {root} --require-timestamp"),
        }
    }

    /// Whether a log entry is required.
    pub(super) fn is_about_the_log(self) -> bool {
        matches!(self, Log | LogAndTimestamp)
    }
}

/// The expected result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Accepted, with this report on log and timestamp.
    Accepted(&'static str, &'static str),
    /// Rejected with this message, where `B` is the bundle and `FILE` its signature file.
    Rejected(&'static str),
    /// Rejected with this text of cosign, without what differs each time.
    ByCosign(&'static str),
}
pub(super) use Expected::{Accepted, ByCosign, Rejected};
