//! What a signature that cosign has just made has to be. It is held against this before cosign is asked
//! whether it is true. Pure.

use super::evidence::{Evidence, SignedBy};
use super::sigstore::{Private, Sigstore};
use crate::digest::Sha256Digest;

/// The signature that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation<'a> {
    /// Of these bytes.
    pub(crate) manifest: Sha256Digest,
    /// By this key; by a certificate if there is none.
    pub(crate) key: Option<Sha256Digest>,
    /// Told to these and to no others.
    pub(crate) sigstore: &'a Sigstore,
}

/// The end of a sentence about a signature that shows an upload.
pub(crate) const UPLOADED: &str = ": it was uploaded although that was not wanted, and this cannot be undone";

impl Expectation<'_> {
    /// In what `evidence` is something else: a sentence. What cannot be undone comes first.
    pub(crate) fn refutes(&self, evidence: &Evidence) -> Option<String> {
        let Self { manifest, key, sigstore } = *self;
        sigstore.is_told_otherwise(evidence).or_else(|| {
            if evidence.digest() != manifest {
                return Some("the signature is over something other than the manifest".into());
            }
            match (key, evidence.signer()) {
                (Some(key), SignedBy::Key(hint)) if *hint == key => None,
                (Some(_), SignedBy::Key(_)) => Some(
                    "the signature was made by another key; if it was rotated meanwhile, run this again"
                        .into(),
                ),
                (Some(_), SignedBy::Certificate(_)) => Some("the signature was made by another key".into()),
                (None, SignedBy::Certificate(_)) => None,
                (None, SignedBy::Key(_)) => Some("the signature has no certificate of an identity".into()),
            }
        })
    }
}

impl Sigstore {
    /// To whom else than to these, or not to whom of these, the signature was told: a sentence.
    pub(crate) fn is_told_otherwise(&self, evidence: &Evidence) -> Option<String> {
        let (entry, timestamp) = (evidence.log_entry(), evidence.timestamp());
        match (self.has_log(), entry.is_none()) {
            (false, false) => {
                return Some(format!("the signature carries an entry of a transparency log{UPLOADED}"));
            }
            (true, true) => return Some("the signature has no entry of a transparency log".into()),
            (true, false) | (false, true) => {}
        }
        match (self.has_timestamp(), timestamp.is_none()) {
            (false, false) => {
                return Some(
                    "the signature carries a timestamp although none was wanted: a timestamp authority has seen its digest, and this cannot be undone"
                        .into(),
                );
            }
            (true, true) => return Some("the signature has no timestamp".into()),
            (true, false) | (false, true) => {}
        }
        let Self::Private(private) = self else { return None };
        let Private { config, root, now: _ } = &**private;
        let is_of_a_named_log =
            |id| config.logs().iter().flat_map(|log| root.logs_at(log.url())).any(|log| log.id() == id);
        if entry.is_some_and(|entry| !is_of_a_named_log(entry.log_id())) {
            return Some(
                "the signature has an entry in a log that is not, by its ID, the one that the trusted root knows at the address that was named, and this cannot be undone"
                    .into(),
            );
        }
        if timestamp.is_some_and(|timestamp| !root.knows(timestamp)) {
            return Some(
                "the signature's timestamp is of an authority that the trusted root does not know".into(),
            );
        }
        None
    }
}
