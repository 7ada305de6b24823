//! Whether a cosign can refuse and accept at all. It is shown two signatures that are built into
//! aicr: one is right and the other, by the same key over another text, is wrong. Both are
//! well-formed, with the right digest and key hint.
//!
//! A wrapper that loses the exit status of cosign accepts the wrong one. A cosign that does not see
//! the files of aicr, or that lost a flag, refuses the right one. A cosign that lies on purpose is
//! not found out.

use std::sync::atomic::Ordering::Relaxed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, Prepared};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::sigstore::evidence::Evidence;
use crate::sigstore::public_key::PublicKey;

/// `scripts/make-control` makes these.
const KEY: &[u8] = include_bytes!("../../fixtures/control/key.pub");
const SIGNATURE: &[u8] = include_bytes!("../../fixtures/control/signature.b64");
const RIGHT: &[u8] = include_bytes!("../../fixtures/control/right.txt");
const WRONG: &[u8] = include_bytes!("../../fixtures/control/wrong.txt");

/// The key of both signatures.
pub(super) fn key() -> Result<PublicKey> {
    PublicKey::from_pem(KEY).map_err(|why| bug(&format!("the key {why}")))
}

impl Cosign<'_> {
    /// Refuses a cosign that does not refuse a wrong signature.
    pub(crate) fn refuses_a_wrong_signature(&self) -> Result<()> {
        self.refuses(self.prepare_wrong_signature()?.as_ref())
    }

    /// The run with the wrong signature; `None` if this cosign has refused it already.
    pub(super) fn prepare_wrong_signature(&self) -> Result<Option<Prepared<'_>>> {
        if self.refuses.load(Relaxed) { Ok(None) } else { self.prepare_control(WRONG).map(Some) }
    }

    /// Refuses a cosign that accepts the signature of this run.
    pub(super) fn refuses(&self, wrong: Option<&Prepared<'_>>) -> Result<()> {
        let Some(wrong) = wrong else { return Ok(()) };
        let finished = self.run_verification(wrong)?;
        if finished.status.success() {
            return Err(self
                .unfit("does not refuse a wrong signature", &finished.stderr)
                .hint("a wrapper that loses the exit status of cosign is the usual cause: name the cosign binary itself with --cosign"));
        }
        self.refuses.store(true, Relaxed);
        Ok(())
    }

    /// Refuses a cosign that does not accept a right signature.
    pub(super) fn accepts_a_right_signature(&self) -> Result<()> {
        let right = self.prepare_control(RIGHT)?;
        let finished = self.run_verification(&right)?;
        if finished.status.success() {
            return right.private.close();
        }
        Err(self
            .unfit("does not accept a signature that is right", &finished.stderr)
            .hint("a container that does not see the files of aicr is the usual cause: name the cosign binary itself with --cosign"))
    }

    fn prepare_control(&self, text: &[u8]) -> Result<Prepared<'_>> {
        let key = key()?;
        let request = VerifyRequest { by: VerifyAs::Key(&key), root: None, log: false, timestamp: false };
        self.prepare_verification(request, &signature(text, &key)?, text)
    }
}

/// The signature as one over `text`.
fn signature(text: &[u8], key: &PublicKey) -> Result<Evidence> {
    let signature = STANDARD.decode(SIGNATURE).map_err(|why| bug(&why.to_string()))?;
    Evidence::by_key(signature, Sha256Digest::of(text), key.sha256()).map_err(|why| bug(&why.to_string()))
}

fn bug(why: &str) -> Failure {
    Failure::new(Class::Broken, format!("the control signature cannot be used: {why} (a bug)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_well_formed_and_differ_in_the_text_alone() {
        let key = key().unwrap();
        let [right, wrong] = [RIGHT, WRONG].map(|text| signature(text, &key).unwrap());
        assert_eq!(Evidence::parse(&wrong.to_json()).unwrap(), wrong);
        assert_eq!(right.signature_base64(), wrong.signature_base64());
        assert_eq!((right.digest(), wrong.digest()), (Sha256Digest::of(RIGHT), Sha256Digest::of(WRONG)));
        assert_ne!(right.digest(), wrong.digest());
        assert!(key.key_type().is_safe());
    }
}
