//! The signatures of a bundle, read strictly and in this order:
//!
//! 1. The first one, `attestation/checksums.txt.sigstore.json`, by a key or by an identity.
//! 2. Further ones, each in a file that is named after its key. They need the first one.
//! 3. There are at most 16, and no two of them are by one key.
//!
//! Whether they are valid is not decided here.

use crate::commands::not_a_bundle::changed_manifest;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::printable::show;
use crate::report::{SignatureReport, Witness};
use crate::sigstore::evidence::{Evidence, SIZE_LIMIT, SignedBy};
use crate::tree::rooted_dir::{FileKind, OpenError, RootedDir, SmallError};
use crate::tree::signature_files::{MAX_SIGNATURES, further_signature, further_signatures};
use crate::tree::{ATTESTATION, SIGNATURE};

/// The hint about a further signature that should not be there.
const FURTHER: &str =
    "whoever can write to the medium can add such a file; the bundle without it may be good";

/// A signature file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureFile {
    /// Below the bundle; as typed if it lies elsewhere.
    pub(crate) path: String,
    pub(crate) evidence: Evidence,
}

impl SignatureFile {
    /// The report about a signature that cosign has not checked in this run.
    pub(crate) fn unchecked(&self) -> SignatureReport {
        SignatureReport { checked: false, ..self.checked(false, false) }
    }

    /// The report about a signature that cosign has accepted; `log` and `timestamp`: whether it checked them.
    pub(crate) fn checked(&self, log: bool, timestamp: bool) -> SignatureReport {
        let Self { path, evidence } = self;
        let (key_sha256, identity, issuer) = match evidence.signer() {
            SignedBy::Key(hint) => (Some(*hint), None, None),
            SignedBy::Certificate(certificate) => {
                (None, Some(certificate.identity().to_owned()), Some(certificate.issuer().to_owned()))
            }
        };
        SignatureReport {
            path: path.clone(),
            key_sha256,
            identity,
            issuer,
            checked: true,
            log: Witness::of(evidence.log_entry().is_some(), log),
            timestamp: Witness::of(evidence.timestamp().is_some(), timestamp),
        }
    }
}

/// The signatures of a bundle, the first one first; none if it is unsigned.
pub(crate) fn read(bundle: &RootedDir) -> Result<Vec<SignatureFile>> {
    parse(|path| bundle.show(path.as_bytes()), || further(bundle), |path| read_one(bundle, path))
}

fn further(bundle: &RootedDir) -> Result<Vec<String>> {
    further_signatures(bundle).map_err(|error| {
        SmallError::Open(OpenError::System(error)).rejects(bundle.show(ATTESTATION.as_bytes()))
    })
}

/// The paths of the signature files of a bundle, and their contents.
pub(crate) fn contents(bundle: &RootedDir) -> Result<Vec<(String, Vec<u8>)>> {
    let paths = std::iter::once(SIGNATURE.to_owned()).chain(further(bundle)?);
    let read = |path: String| read_one(bundle, &path).map(|content| content.map(|content| (path, content)));
    paths.map(read).filter_map(Result::transpose).collect()
}

/// The signatures in these files, by path and content. `show` makes a path ready to print.
pub(crate) fn of(show: impl Fn(&str) -> String, files: &[(String, Vec<u8>)]) -> Result<Vec<SignatureFile>> {
    let paths = || Ok(files.iter().map(|(path, _)| path.clone()).filter(|path| path != SIGNATURE).collect());
    let content =
        |path: &str| Ok(files.iter().find(|(found, _)| found == path).map(|(_, text)| text.clone()));
    parse(show, paths, content)
}

/// The signatures in files that are read one after the other. `show` makes a path ready to print, `further` lists
/// further signatures, and `content` reads a file.
fn parse(
    show: impl Fn(&str) -> String,
    further: impl FnOnce() -> Result<Vec<String>>,
    content: impl Fn(&str) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<SignatureFile>> {
    let evidence = |path: &str| {
        let parsed = content(path)?.map(|text| Evidence::parse(&text));
        parsed.transpose().map_err(|why| why.failure(Class::Rejected, &show(path)))
    };
    let first = evidence(SIGNATURE)?;
    let further = further()?;
    let top = show("");
    let Some(first) = first else {
        if let Some(path) = further.first() {
            return Err(Failure::rejected(format!("{top} has {path}, but no {SIGNATURE}"))
                .hint("restore the first file, or remove the others"));
        }
        return Ok(Vec::new());
    };
    if further.len() >= MAX_SIGNATURES {
        return Err(
            Failure::rejected(format!("{top} has more than {MAX_SIGNATURES} signatures")).hint(FURTHER)
        );
    }
    let mut signatures = vec![SignatureFile { path: SIGNATURE.to_owned(), evidence: first }];
    for path in further {
        // It has been there a moment ago.
        let Some(evidence) = evidence(&path)? else { continue };
        if let Some(wrong) = misfit(&path, &evidence, &signatures) {
            return Err(Failure::rejected(format!("{} {wrong}", show(&path))).hint(FURTHER));
        }
        signatures.push(SignatureFile { path, evidence });
    }
    Ok(signatures)
}

/// Why a further signature may not be at `path`, next to `others`: the end of a sentence.
fn misfit(path: &str, evidence: &Evidence, others: &[SignatureFile]) -> Option<String> {
    let SignedBy::Key(key) = evidence.signer() else {
        return Some(format!("is by an identity; only {SIGNATURE} can be"));
    };
    if path != further_signature(*key) {
        return Some(format!("is not named after the key of its signature ({key})"));
    }
    let other = others.iter().find(|other| other.evidence.signer() == evidence.signer())?;
    Some(format!("is a second signature by the key of {} ({key})", other.path))
}

/// The content of a signature file; `None` if there is none.
fn read_one(bundle: &RootedDir, path: &str) -> Result<Option<Vec<u8>>> {
    match bundle.read_small(path.as_bytes(), SIZE_LIMIT) {
        Ok(text) => Ok(Some(text)),
        Err(SmallError::Open(OpenError::Missing)) => Ok(None),
        Err(error) => {
            // The link may be the directory.
            let directory =
                bundle.stat(ATTESTATION.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) == FileKind::Link);
            let culprit = if directory { ATTESTATION } else { path };
            Err(error.rejects(bundle.show(culprit.as_bytes())))
        }
    }
}

/// Rejects a release with a signature over another manifest than this one, which has this name and digest.
pub(crate) fn are_over(
    signatures: &[SignatureFile],
    top: &str,
    name: &str,
    text: &[u8],
    digest: Sha256Digest,
) -> Result<()> {
    let is_over = |file: &&SignatureFile| file.evidence.digest() == digest;
    let Some(other) = signatures.iter().find(|file| !is_over(file)) else { return Ok(()) };
    let signed = other.evidence.digest();
    if signatures.iter().any(|file| is_over(&file)) {
        let path = show(&other.path);
        return Err(Failure::rejected(format!(
            "{top}: {path} is a signature over another {name} (SHA-256 {signed}, this one is {digest})"
        )));
    }
    Err(changed_manifest(top, name, text, digest, signed))
}
