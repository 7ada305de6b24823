//! The versions of a Sigstore bundle, and what differs between them: the place of the certificate,
//! and what a log entry must come with. Elsewhere there is only the latest one.

use super::form::{SigstoreBundle, X509CertificateChain};
use crate::sigstore::file::Malformed;

/// A version of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A log entry has a promise, and may have a proof.
    V01,
    /// A log entry has a proof.
    V02,
    /// A certificate is no longer in a chain.
    V03,
}

impl Version {
    /// The version that aicr writes, and whose form [`super::Evidence`] has.
    pub(super) const LATEST: Self = Self::V03;

    /// The only one in which cosign verifies a log entry with a promise and without a proof.
    pub(super) const FIRST: Self = Self::V01;

    /// The version with this media type. Version 0.3 has two.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.3" => Some(Self::V03),
            _ => [Self::V01, Self::V02, Self::V03].into_iter().find(|one| one.media_type() == media_type),
        }
    }

    /// The media type to write.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            Self::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            Self::V03 => "application/vnd.dev.sigstore.bundle.v0.3+json",
        }
    }

    /// Whether each log entry must have an inclusion proof.
    pub(super) fn needs_proof(self) -> bool {
        match self {
            Self::V01 => false,
            Self::V02 | Self::V03 => true,
        }
    }

    /// Whether each log entry must have an inclusion promise.
    pub(super) fn needs_promise(self) -> bool {
        match self {
            Self::V01 => true,
            Self::V02 | Self::V03 => false,
        }
    }

    /// A bundle of this version in the form of the latest one.
    pub(super) fn into_latest(self, mut bundle: SigstoreBundle) -> Result<SigstoreBundle, Malformed> {
        let material = &mut bundle.verification_material;
        match self {
            Self::V01 | Self::V02 => {
                if material.certificate.is_some() {
                    return Err(Malformed::new(
                        "has a certificate outside of a chain, which only a v0.3 bundle may have",
                    ));
                }
                if let Some(X509CertificateChain { certificates }) = material.x509_certificate_chain.take() {
                    let Ok([certificate]) = <[_; 1]>::try_from(certificates) else {
                        return Err(Malformed::new("has a certificate chain of other than one certificate"));
                    };
                    material.certificate = Some(certificate);
                }
            }
            Self::V03 => {}
        }
        Self::LATEST.media_type().clone_into(&mut bundle.media_type);
        Ok(bundle)
    }

    /// A bundle of the latest version in the form of the first one.
    pub(super) fn first_form_of(mut bundle: SigstoreBundle) -> SigstoreBundle {
        Self::FIRST.media_type().clone_into(&mut bundle.media_type);
        let material = &mut bundle.verification_material;
        let certificate = material.certificate.take();
        material.x509_certificate_chain =
            certificate.map(|certificate| X509CertificateChain { certificates: vec![certificate] });
        bundle
    }
}
