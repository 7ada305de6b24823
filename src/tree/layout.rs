//! Which files are a release's own: those that its manifest does not list, and that belong to it
//! all the same. Every other file that is not listed is a finding. Pure.

use super::signature_files::is_further_signature;
use super::{MANIFEST, SIGNATURE};

/// Whose files lie next to the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout<'a> {
    /// A bundle of aicr: its manifest and its signatures.
    Bundle,
    /// A release that aicr did not build.
    Foreign {
        /// The name of its manifest, in the top-level directory.
        manifest: &'a str,
        /// The path of its signature, if that lies in the release.
        signature: Option<&'a str>,
        /// Whether listed files may be missing, as long as one of them exists.
        allow_missing: bool,
    },
}

/// What else lies next to the manifest of a foreign release: signatures, certificates and bundles of
/// several tools. Their content does not matter.
const COMPANIONS: [&[u8]; 8] =
    [b".sig", b".asc", b".pem", b".crt", b".cert", b".bundle", b".sigstore", b".sigstore.json"];

impl Layout<'_> {
    /// Whether a regular file at this path belongs to the release, although it is not listed.
    pub(super) fn is_own(&self, path: &[u8]) -> bool {
        match self {
            Self::Bundle => {
                path == MANIFEST.as_bytes() || path == SIGNATURE.as_bytes() || is_further_signature(path)
            }
            Self::Foreign { manifest, signature, .. } => {
                signature.is_some_and(|signature| signature.as_bytes() == path)
                    || path
                        .strip_prefix(manifest.as_bytes())
                        .is_some_and(|end| end.is_empty() || COMPANIONS.contains(&end))
            }
        }
    }

    /// Whether listed files may be missing.
    pub(super) fn allows_missing(&self) -> bool {
        matches!(self, Self::Foreign { allow_missing: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_files_of_a_bundle() {
        for (path, expected) in [
            ("checksums.txt", true),
            ("attestation/checksums.txt.sigstore.json", true),
            ("attestation/checksums.txt.0123456789abcdef.sigstore.json", true),
            ("attestation", false),
            ("attestation/other", false),
            ("sub/checksums.txt", false),
            ("checksums.txt.sig", false),
        ] {
            assert_eq!(Layout::Bundle.is_own(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn the_own_files_of_a_foreign_release() {
        let layout = Layout::Foreign { manifest: "SUMS", signature: Some("sub/x.sig"), allow_missing: false };
        for path in [
            "SUMS",
            "SUMS.sig",
            "SUMS.asc",
            "SUMS.pem",
            "SUMS.crt",
            "SUMS.cert",
            "SUMS.bundle",
            "SUMS.sigstore",
            "SUMS.sigstore.json",
            "sub/x.sig",
        ] {
            assert!(layout.is_own(path.as_bytes()), "{path}");
        }
        for path in [
            "checksums.txt",
            "attestation/checksums.txt.sigstore.json",
            "SUM",
            "SUMS.SIG",
            "SUMS.sig.sig",
            "SUMS.json",
            "SUMS.txt",
            "SUMSsig",
            "sub/SUMS",
            "sub/SUMS.sig",
            "x.sig",
        ] {
            assert!(!layout.is_own(path.as_bytes()), "{path}");
        }
    }
}
