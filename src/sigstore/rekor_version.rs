//! The two kinds of transparency log there are. They have nothing in common but their name: another
//! protocol, other entries, other proofs.

/// The major version of a Rekor log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RekorVersion {
    /// Rekor 1: every dialect can record and verify.
    V1,
    /// Rekor 2 (rekor-tiles): from cosign 2.6 on.
    V2,
}
