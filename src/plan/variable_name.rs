//! Names of environment variables that the user passes to cosign. Their values, and the variables
//! that cosign gets for each key manager, are elsewhere.

use std::fmt;

use super::withheld::is_withheld;
use crate::error::{Failure, Result};

/// The name of a variable that may be passed to cosign: a POSIX name, and none that changes what
/// cosign or its libraries do without a flag of aicr.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VariableName(String);

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadName {
    /// Not letters, digits and `_`, or a digit first.
    Malformed,
    /// Never passed to cosign.
    Withheld,
    /// Set by aicr itself.
    Own,
}

impl VariableName {
    /// The name, if this variable may be passed to cosign.
    pub(super) fn parse(name: &str) -> Result<Self, BadName> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(word) {
            Err(BadName::Malformed)
        } else if is_withheld(name) {
            Err(BadName::Withheld)
        } else if OWN.contains(&name) {
            Err(BadName::Own)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// A name given with `--kms-env`. A malformed one may be a whole `NAME=value`, so it is not
    /// shown.
    pub(super) fn for_helper(name: &str) -> Result<Self> {
        Self::parse(name).map_err(|reason| {
            let (problem, hint) = match reason {
                BadName::Malformed => (
                    "not the name of a variable (not shown: it may contain the value)".to_owned(),
                    "write `--kms-env NAME`: aicr takes the value from its environment",
                ),
                BadName::Withheld => (
                    format!(
                        "{name} is never passed to cosign: it could change what is checked or which service is contacted"
                    ),
                    "let the helper program read a variable with another name",
                ),
                BadName::Own => (
                    format!("{name} is set by aicr itself"),
                    "leave out --kms-env PATH, or let the helper program read a variable with another name",
                ),
            };
            Failure::usage(format!("--kms-env: {problem}")).hint(hint)
        })
    }

    /// The name as in the environment.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Variables that aicr sets itself in every environment of cosign.
const OWN: [&str; 4] = ["HOME", "LANG", "PATH", "TMPDIR"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_passed_to_cosign() {
        for name in
            ["HSM_PIN", "SOFTHSM2_CONF", "_x9", "VAULT_ADDR", "COSIGN_PRIVATE_KEY", "LDAP_URI", "HTTPS_PROXY"]
        {
            let parsed = VariableName::parse(name).expect(name);
            assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (name, name));
        }
    }

    #[test]
    fn names_that_may_not() {
        for (name, reason) in [
            ("", BadName::Malformed),
            ("9A", BadName::Malformed),
            ("A-B", BadName::Malformed),
            ("A=b", BadName::Malformed),
            ("É", BadName::Malformed),
            ("LD_PRELOAD", BadName::Withheld),
            ("GODEBUG", BadName::Withheld),
            ("COSIGN_PASSWORD", BadName::Withheld),
            ("SIGSTORE_ROOT_FILE", BadName::Withheld),
            ("TUF_ROOT", BadName::Withheld),
            ("VAULT_SKIP_VERIFY", BadName::Withheld),
            ("BAO_SKIP_VERIFY", BadName::Withheld),
            ("AWS_TLS_INSECURE_SKIP_VERIFY", BadName::Withheld),
            ("PKCS11SPY", BadName::Withheld),
            ("CKNFAST_OVERRIDE_SECURITY_ASSURANCES", BadName::Withheld),
            ("NODE_TLS_REJECT_UNAUTHORIZED", BadName::Withheld),
            ("PATH", BadName::Own),
        ] {
            assert_eq!(VariableName::parse(name), Err(reason), "{name}");
        }
    }
}
