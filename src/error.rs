//! Failures, and the exit code of each class. Nothing is printed here.

use std::fmt;

use crate::system_error::words;

/// The result of everything that can fail.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The class of a failure. It decides the exit code, by [`EXIT_CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// I/O, disk full, cosign crashed (a signal, a panic), or a bug.
    Broken,
    /// The request is impossible.
    Usage,
    /// No usable cosign.
    NoCosign,
    /// cosign did not sign, or aicr refused its signature.
    NotSigned,
    /// The bundle is rejected.
    Rejected,
    /// Nothing is proven either way: a key manager or service is unreachable, or timed out.
    Unproven,
    /// Ended by this signal, which is raised again after the cleanup.
    Signal(i32),
}

/// The table of the README and the manual page: the meaning of each exit code, success first.
pub(crate) const EXIT_CODES: [(Option<Class>, &str); 7] = [
    (None, "done; for verify: every bundle is accepted (or, with --checksums-only, every file is as listed)"),
    (Some(Class::Broken), "could not do it: an I/O error, a full disk, a crash of cosign, or a bug"),
    (
        Some(Class::Usage),
        "asked for something impossible: flags, a key reference, inputs, a key type that does not work, an output that exists, a BUNDLE that is neither a directory nor an archive of aicr; checked before any work",
    ),
    (
        Some(Class::NoCosign),
        "no usable cosign: none found, not the pinned one, or this one cannot do what is asked",
    ),
    (Some(Class::NotSigned), "cosign did not sign, or aicr refused its signature; nothing was left behind"),
    (Some(Class::Rejected), "bundle rejected: files, manifest, signature or policy"),
    (
        Some(Class::Unproven),
        "nothing is proven either way: a key manager or service is unreachable, or timed out",
    ),
];

impl Class {
    /// The exit code; for a signal, the one that a shell reports.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Broken => 1,
            Self::Usage => 2,
            Self::NoCosign => 3,
            Self::NotSigned => 4,
            Self::Rejected => 5,
            Self::Unproven => 6,
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    /// The order of several outcomes, the largest is the worst: 5, 6, 4, 3, 1, then 2, which comes
    /// before any work.
    fn weight(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::Broken => 1,
            Self::NoCosign => 2,
            Self::NotSigned => 3,
            Self::Unproven => 4,
            Self::Rejected => 5,
            Self::Signal(_) => 6,
        }
    }

    /// The worse of two.
    #[must_use]
    pub(crate) fn worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }
}

/// A failure as it is printed: what is wrong, the output of cosign, and a hint.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    message: String,
    cosign_output: Option<String>,
    hint: Option<String>,
    is_wrong_password: bool,
}

impl Failure {
    /// A failure of `class`. The message is one line, lower case, no period, and names the thing.
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), cosign_output: None, hint: None, is_wrong_password: false }
    }

    /// The request is impossible: exit 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// The bundle is rejected: exit 5.
    pub(crate) fn rejected(message: impl Into<String>) -> Self {
        Self::new(Class::Rejected, message)
    }

    /// Puts `meaning` in front of the message.
    #[must_use]
    pub(crate) fn prefixed(mut self, meaning: &str) -> Self {
        self.message = format!("{meaning}: {}", self.message);
        self
    }

    /// Appends `consequence` to the message.
    #[must_use]
    pub(crate) fn and(mut self, consequence: &str) -> Self {
        self.message.push_str(consequence);
        self
    }

    /// Puts the meaning of a timeout in front of the message, and adds the usual cause to the hint.
    #[must_use]
    pub(crate) fn unanswered(mut self, meaning: &str) -> Self {
        let cause = "a key manager or service that accepts connections but never answers is the usual cause";
        self.hint = Some(self.hint.map_or_else(|| cause.to_owned(), |hint| format!("{hint}; {cause}")));
        self.prefixed(meaning)
    }

    /// Adds the command or flag that helps, unless there is a hint already.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Adds what helps, in place of another hint.
    #[must_use]
    pub(crate) fn better_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the output of cosign, which is printed indented below the message.
    #[must_use]
    pub(crate) fn with_cosign_output(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.cosign_output = (!text.trim().is_empty()).then_some(text);
        self
    }

    /// Marks the failure of a key file that cannot be decrypted with this password: another may work.
    #[must_use]
    pub(crate) fn of_wrong_password(mut self) -> Self {
        self.is_wrong_password = true;
        self
    }

    /// Whether another password may work.
    pub(crate) fn is_wrong_password(&self) -> bool {
        self.is_wrong_password
    }

    /// The class, which decides the exit code.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// What is wrong, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The output of cosign, if it matters.
    pub(crate) fn cosign_output(&self) -> Option<&str> {
        self.cosign_output.as_deref()
    }

    /// The hint, if there is one.
    pub(crate) fn way_out(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An operating-system error, and as its context what aicr was doing, such as "read a": exit 1.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let causes: Vec<String> = error.chain().map(words).collect();
        Self::new(Class::Broken, format!("cannot {}", causes.join(": ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_outcomes_decides() {
        use Class::{Broken, NoCosign, NotSigned, Rejected, Unproven, Usage};
        let order = [Rejected, Unproven, NotSigned, NoCosign, Broken, Usage];
        for (place, worse) in order.iter().enumerate() {
            for other in &order[place..] {
                assert_eq!(worse.worse(*other), *worse);
                assert_eq!(other.worse(*worse), *worse);
            }
        }
    }

    #[test]
    fn the_table_has_each_code_once_in_order() {
        let codes = EXIT_CODES.map(|(class, _)| class.map_or(0, Class::code));
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn an_os_error_follows_what_was_being_done() {
        let denied = anyhow::Error::from(std::io::Error::from_raw_os_error(13)).context("read a");
        let failure = Failure::from(denied);
        assert_eq!((failure.class(), failure.message()), (Class::Broken, "cannot read a: permission denied"));
    }

    #[test]
    fn a_signal_has_the_code_that_a_shell_reports() {
        assert_eq!(Class::Signal(2).code(), 130);
        assert_eq!(Class::Signal(15).code(), 143);
    }
}
