//! A row of the table: what was changed, and what is said of it, by what a verifier asks for.

use serde_json::Value;

use super::bundles::Signatures;

/// What signatures are held against, if nothing else is said.
pub(super) const ROOT: &str = "site/trusted-root.json";

/// One change, and what is said of it.
pub(super) struct Row {
    /// What was done, in the table.
    pub(super) name: &'static str,
    /// The bundle that it was done to: its signer and its witnesses.
    pub(super) of: &'static str,
    pub(super) change: fn(&mut Value, &Signatures),
    /// The bundle whose signer it is said to be by.
    pub(super) by: &'static str,
    /// What it is held against.
    pub(super) root: &'static str,
    pub(super) said: Vec<(Asked, Said)>,
    /// Whether every release has to say so; else it is the newest.
    pub(super) everywhere: bool,
}

/// A row with the site's own trusted root.
pub(super) fn row(
    name: &'static str,
    of: &'static str,
    change: fn(&mut Value, &Signatures),
    said: impl IntoIterator<Item = (Asked, Said)>,
) -> Row {
    Row { name, of, change, by: of, root: ROOT, said: said.into_iter().collect(), everywhere: false }
}

impl Row {
    /// Every release has to say so.
    pub(super) fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }

    /// Said to be by the signer of another bundle.
    pub(super) fn said_to_be_by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// With another trusted root.
    pub(super) fn held_against(self, root: &'static str) -> Self {
        Self { root, ..self }
    }
}

/// What a verifier asks for, besides the signer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    Log,
    LogAndTimestamp,
    Nothing,
    TimestampIfThere,
    Timestamp,
}
pub(super) use Asked::{Log, LogAndTimestamp, Nothing, Timestamp, TimestampIfThere};

impl Asked {
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

    /// Whether a log entry has to be there.
    pub(super) fn is_about_the_log(self) -> bool {
        matches!(self, Log | LogAndTimestamp)
    }
}

/// What is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Accepted; what it tells of the log and of the timestamp.
    Accepted(&'static str, &'static str),
    /// Rejected with these words, where `B` is the bundle and `FILE` its signature file.
    Rejected(&'static str),
    /// Rejected with these words of cosign's; what differs each time is left out.
    ByCosign(&'static str),
}
pub(super) use Said::{Accepted, ByCosign, Rejected};
