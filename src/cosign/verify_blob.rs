//! `verify-blob`: cosign is asked about a signature, and its exit status is the verdict.

use super::argv::{self, Operation};
use super::capability::Dialect;
use super::environment;
use super::private_directory::PrivateDirectory;
use super::private_file;
use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, diagnosis};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::sigstore::evidence::Evidence;
use crate::sigstore::trusted_root::TrustedRoot;

/// Bytes over which cosign accepted a signature by a key that was named. Made only here.
#[derive(Debug)]
pub(crate) struct Accepted<'m> {
    bytes: &'m [u8],
}

/// What was found out with bytes while cosign looks at the signature over them. Nobody learns it unless cosign
/// accepts just these bytes.
#[derive(Debug)]
pub(crate) struct Early<'m, T> {
    bytes: &'m [u8],
    found: T,
}

impl<'m, T> Early<'m, T> {
    /// Has `find` find it out.
    pub(crate) fn found(bytes: &'m [u8], find: impl FnOnce(&'m [u8]) -> T) -> Self {
        Self { bytes, found: find(bytes) }
    }

    /// Tells it. Nothing if other bytes were accepted.
    pub(crate) fn believe(self, accepted: &Accepted<'_>) -> Option<T> {
        (accepted.bytes == self.bytes).then_some(self.found)
    }
}

/// What `verify-blob` said by its exit status.
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
    /// Asks `question` about `evidence` over `manifest`. Log entries and timestamps that do not count are
    /// left out of what cosign sees.
    ///
    /// The caller has held digest and signer against manifest and question, to say in its own words what
    /// is wrong; that neither is asked of cosign, which gets both wrong, is made sure of here.
    pub(crate) fn verify<'m>(
        &self,
        question: VerifyRequest<'_>,
        evidence: &Evidence,
        manifest: &'m [u8],
    ) -> Result<CosignAnswer<'m>> {
        if evidence.digest() != Sha256Digest::of(manifest) || !question.suits(evidence) {
            return Err(Failure::new(
                Class::Broken,
                "cosign was to be asked about another manifest or signer (a bug)",
            ));
        }
        if let Some(beyond) = question.is_beyond(self.dialect, evidence) {
            return Err(self.cannot(beyond));
        }
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(private_file::BLOB, manifest)?;
        if let VerifyAs::Key(key) = question.by {
            private.write(private_file::KEY, key.pem().as_bytes())?;
        }
        match self.dialect {
            Dialect::LegacyBundle => {
                private.write(private_file::SIGNATURE, evidence.signature_base64().as_bytes())?;
            }
            Dialect::BundleFlag | Dialect::SigningConfig => {
                let seen = evidence.with_only(question.log, question.timestamp);
                private.write(private_file::BUNDLE, &seen.to_json())?;
                let root = question.root.map_or(argv::NO_TRUST.as_bytes(), TrustedRoot::text);
                private.write(private_file::TRUSTED_ROOT, root)?;
            }
        }
        let finished =
            self.run(Operation::Verify(question), environment::bare(private.path()), None, &private)?;
        private.close()?;
        if finished.status.success() {
            return Ok(CosignAnswer::Accepted(Accepted { bytes: manifest }));
        }
        Ok(CosignAnswer::Refused { said: diagnosis::shown(&finished.stderr) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_early_is_told_of_the_bytes_that_were_accepted() {
        for (accepted, expected) in [(&b"abc"[..], Some(3)), (b"abd", None), (b"ab", None), (b"", None)] {
            let early = Early::found(b"abc", <[u8]>::len);
            assert_eq!(early.believe(&Accepted { bytes: accepted }), expected);
        }
    }
}
