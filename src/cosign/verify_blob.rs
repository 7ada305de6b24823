//! `cosign verify-blob`: signatures over a manifest. Each is verified in this order, all at the same time:
//!
//! 1. The caller has compared the signer, the digest and the log with what it trusts, to report a difference in its
//!    own words (`commands/trust.rs`).
//! 2. The signature is over the SHA-256 of exactly these bytes, and of the kind that the request is about. cosign
//!    does not check either on every release.
//! 3. This cosign can check what the request asks for (`verify_request`).
//! 4. cosign gets private copies: the manifest, the key, a fresh signature file without the log entries and
//!    timestamps that the request ignores, and a trusted root, empty if nothing is checked against one.
//! 5. Exit status 0 of cosign accepts, 1 refuses; anything else is a broken cosign.
//! 6. An acceptance is believed if this cosign refuses a wrong signature, which it is shown at the same time. A refusal
//!    is believed if it knows every flag of the command line and, for a key, accepts a right signature (`control`).
//!
//! Only [`Accepted`] bytes are read as a manifest that somebody signed.

use super::argv::{self, Operation};
use super::capability::Dialect;
use super::environment;
use super::private_directory::PrivateDirectory;
use super::private_directory::private_file;
use super::process::Finished;
use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, Prepared, diagnosis};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::parallel::{both, each};
use crate::sigstore::evidence::Evidence;
use crate::sigstore::trusted_root::{self, TrustedRoot};

/// Bytes over which cosign accepted a signature by the signer of the request. Made only here.
#[derive(Debug)]
pub(crate) struct Accepted<'m> {
    bytes: &'m [u8],
}

/// A result computed from bytes while cosign still checks the signature over them. It can be read
/// only once cosign has accepted exactly these bytes.
#[derive(Debug)]
pub(crate) struct Early<'m, T> {
    bytes: &'m [u8],
    found: T,
}

impl<'m, T> Early<'m, T> {
    /// Computes the result.
    pub(crate) fn found(bytes: &'m [u8], find: impl FnOnce(&'m [u8]) -> T) -> Self {
        Self { bytes, found: find(bytes) }
    }

    /// The result; `None` if cosign accepted other bytes.
    pub(crate) fn believe(self, accepted: &Accepted<'_>) -> Option<T> {
        (accepted.bytes == self.bytes).then_some(self.found)
    }
}

/// The answer of `verify-blob`, by its exit status.
#[derive(Debug)]
pub(crate) enum CosignAnswer<'m> {
    /// Exit 0.
    Accepted(Accepted<'m>),
    /// Exit 1, with its words.
    Refused {
        /// What it printed, fit to be shown.
        said: String,
    },
}

impl Cosign<'_> {
    /// Checks `evidence` over `manifest` in the order at the top of this file.
    pub(crate) fn verify<'m>(
        &self,
        request: VerifyRequest<'_>,
        evidence: &Evidence,
        manifest: &'m [u8],
    ) -> Result<CosignAnswer<'m>> {
        let mut answers = self.verify_each(&[(request, evidence)], manifest)?;
        let none = || Failure::new(Class::Broken, "cosign was asked about no signature (a bug)");
        answers.pop().unwrap_or_else(|| Err(none()))
    }

    /// Checks several signatures over `manifest`. The answers are in the order of the requests. An error of all: this
    /// cosign does not refuse a wrong signature.
    pub(crate) fn verify_each<'m>(
        &self,
        asked: &[(VerifyRequest<'_>, &Evidence)],
        manifest: &'m [u8],
    ) -> Result<Vec<Result<CosignAnswer<'m>>>> {
        let wrong = self.prepare_wrong_signature()?;
        let verify = |asked: &(VerifyRequest<'_>, &Evidence)| self.verify_one(asked.0, asked.1, manifest);
        let (refuses, answers) = both(&|| self.refuses(wrong.as_ref()), || each(asked, &verify));
        refuses?;
        Ok(answers)
    }

    fn verify_one<'m>(
        &self,
        request: VerifyRequest<'_>,
        evidence: &Evidence,
        manifest: &'m [u8],
    ) -> Result<CosignAnswer<'m>> {
        if evidence.digest() != Sha256Digest::of(manifest) || !request.suits(evidence) {
            return Err(Failure::new(
                Class::Broken,
                "the signature is about another manifest or signer (a bug)",
            ));
        }
        if let Some(beyond) = request.is_beyond(self.dialect, evidence) {
            return Err(self.cannot(beyond));
        }
        let prepared = self.prepare_verification(request, evidence, manifest)?;
        let finished = self.run_verification(&prepared)?;
        prepared.private.close()?;
        if finished.status.success() {
            return Ok(CosignAnswer::Accepted(Accepted { bytes: manifest }));
        }
        self.knows(Operation::Verify(request))?;
        if let VerifyAs::Key(_) = request.by {
            self.accepts_a_right_signature()?;
        }
        Ok(CosignAnswer::Refused { said: diagnosis::shown(&finished.stderr) })
    }

    /// A run of `verify-blob` with its files.
    pub(super) fn prepare_verification(
        &self,
        request: VerifyRequest<'_>,
        evidence: &Evidence,
        manifest: &[u8],
    ) -> Result<Prepared<'_>> {
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(private_file::BLOB, manifest)?;
        if let VerifyAs::Key(key) = request.by {
            private.write(private_file::KEY, key.pem().as_bytes())?;
        }
        match self.dialect {
            Dialect::LegacyBundle => {
                private.write(private_file::SIGNATURE, evidence.signature_base64().as_bytes())?;
            }
            Dialect::BundleFlag | Dialect::SigningConfig => {
                let seen = evidence.with_only(request.log, request.timestamp);
                private.write(private_file::BUNDLE, &seen.to_json())?;
                let root = request.root.map_or(trusted_root::EMPTY.as_bytes(), TrustedRoot::text);
                private.write(private_file::TRUSTED_ROOT, root)?;
            }
        }
        let arguments = argv::arguments(Operation::Verify(request), self.dialect, private.path());
        let invocation = self.prepare(arguments, environment::bare(private.path()), None);
        Ok(Prepared { invocation, private })
    }

    /// Runs it: exit 0 or 1.
    pub(super) fn run_verification(&self, prepared: &Prepared<'_>) -> Result<Finished> {
        self.orderly("verify-blob", self.run_prepared(&prepared.invocation)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_early_result_is_read_only_with_the_same_bytes() {
        for (accepted, expected) in [(&b"abc"[..], Some(3)), (b"abd", None), (b"ab", None), (b"", None)] {
            let early = Early::found(b"abc", <[u8]>::len);
            assert_eq!(early.believe(&Accepted { bytes: accepted }), expected);
        }
    }
}
