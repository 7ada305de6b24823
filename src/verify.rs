//! `verify`: the signature first, then every file. No line of a manifest is believed, and no
//! finding reported, before cosign has accepted exactly the bytes that are then read.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use indicatif::ProgressBar;

use crate::context::Context;
use crate::cosign::evidence::{Evidence, SIZE_LIMIT, SignedBy};
use crate::cosign::public_key::PublicKey;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::{self, Accepted, Cosign};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::verify::{KeyEvidence, KeyToTrust, VerifyPlan};
use crate::report::{BundleReport, ManifestReport, Report, Verdict};
use crate::sign::signature_report;
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;
use crate::tree::audit::Findings;
use crate::tree::beneath::{Beneath, Kind, OpenError, SmallError};
use crate::tree::check::{Checked, check, check_names};
use crate::tree::manifest::{self, Manifest};
use crate::tree::{ATTESTATION, MANIFEST, SIGNATURE, walk};

/// The largest public key file that is read, in bytes.
const KEY_SIZE_LIMIT: u64 = 1 << 20;

/// Verifies every bundle of the plan. What is impossible for one is refused before any work.
pub(crate) fn run(plan: &VerifyPlan, context: &Context, report: &mut Report) -> Result<()> {
    let VerifyPlan { bundles: paths, trust } = plan;
    let trusted = trust.supported()?;
    let bundles = paths.iter().map(|path| Beneath::open(path)).collect::<Result<Vec<_>>>()?;
    let session = trusted.map(|_| context.session(paths)).transpose()?;
    let trusted = match (trusted, &session) {
        (Some((key, evidence)), Some(session)) => {
            let (cosign, key) = trusted_key(key, paths, context, session, report)?;
            Some(TrustedKey { cosign, key, evidence })
        }
        _ => None,
    };
    for bundle in &bundles {
        let verified = match &trusted {
            Some(trusted) => signed(bundle, trusted, context),
            None => checksums_only(bundle, context),
        };
        report.bundles.push(match verified {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => BundleReport::failed(bundle.path(), failure),
            Ok(verified) => verified,
        });
    }
    Ok(())
}

/// Whom to believe, and the cosign that is asked.
struct TrustedKey<'a> {
    cosign: Cosign<'a>,
    key: PublicKey,
    evidence: &'a KeyEvidence,
}

/// Reads or fetches the key to trust, and finds cosign.
fn trusted_key<'a>(
    key: &KeyToTrust,
    bundles: &[Utf8PathBuf],
    context: &Context,
    session: &'a cosign::Session<'a>,
    report: &mut Report,
) -> Result<(Cosign<'a>, PublicKey)> {
    match key {
        KeyToTrust::File(path) => {
            let key = key_file(path, bundles)?;
            let (cosign, found) = context.cosign(session, None)?;
            report.cosign = Some(found);
            Ok((cosign, key))
        }
        KeyToTrust::Ref(reference) => {
            let key =
                SigningKey::at_hand(reference, &[], &context.environment, &session.search_path, &|_| {
                    Ok(None)
                })?;
            let (cosign, found) = context.cosign(session, Some(reference))?;
            report.cosign = Some(found);
            context.printer.warning(&format!("asking {reference} for its public key, once"));
            let key = cosign.public_key(&key)?;
            Ok((cosign, key))
        }
    }
}

/// The public key in a file that the operator named, outside of every bundle.
fn key_file(path: &Utf8Path, bundles: &[Utf8PathBuf]) -> Result<PublicKey> {
    let content = small_file::read(path, KEY_SIZE_LIMIT, Links::Follow)
        .map_err(|why| Failure::usage(format!("--key {path} {why}")))?;
    for bundle in bundles {
        if lies_in(path, bundle).with_context(|| format!("look at {path}"))? {
            return Err(Failure::usage(format!(
                "--key {path} lies in the bundle {bundle}, and proves nothing about it"
            ))
            .hint("use a key that reached you another way"));
        }
    }
    PublicKey::from_pem(&content).map_err(|why| {
        Failure::usage(format!("--key {path} {why}"))
            .hint("`cosign public-key --key REF --outfile cosign.pub` writes the public key of a signer")
    })
}

fn signed(bundle: &Beneath, trusted: &TrustedKey<'_>, context: &Context) -> Result<BundleReport> {
    let top = bundle.show(b"");
    // First, so that a directory which is no bundle at all is not called an unsigned one.
    let text = manifest_text(bundle)?;
    let Some(evidence) = evidence(bundle)? else {
        return Err(Failure::rejected(format!("{top} is unsigned: it has no {SIGNATURE}")).hint(
            "--checksums-only compares the files with the manifest, and proves nothing about who made it",
        ));
    };
    let digest = Sha256Digest::of(&text);
    question(&top, &evidence, digest, trusted)?;
    let accepted = match trusted.cosign.verify(&trusted.key, &evidence, text)? {
        cosign::Verdict::Accepted(accepted) => accepted,
        cosign::Verdict::Refused { said } => {
            return Err(Failure::rejected(format!("{top}: cosign does not accept the signature"))
                .cosign_said(said)
                .hint("--checksums-only compares the files with the manifest, and proves nothing about who made it"));
        }
    };
    let checked = files(bundle, &accepted, context)?;
    let mut report = conclude(bundle, digest, checked, Verdict::Accepted, context);
    report.signatures = vec![signature_report(&evidence, &trusted.key)];
    Ok(report)
}

/// What can be told from the signature file, before cosign is asked: is this about the manifest,
/// the key and the evidence that the verifier has in mind?
fn question(top: &str, evidence: &Evidence, digest: Sha256Digest, trusted: &TrustedKey<'_>) -> Result<()> {
    match evidence.signer() {
        SignedBy::Key(hint) if *hint == trusted.key.sha256() => {}
        SignedBy::Key(hint) => {
            let given = trusted.key.sha256();
            return Err(Failure::rejected(format!(
                "{top} is signed by the key {hint}, and --key is {given}"
            ))
            .hint("a rotated key is the usual cause: get the public key of the version that signed"));
        }
        SignedBy::Certificate(_) => {
            return Err(Failure::rejected(format!(
                "{top} is signed by a certificate (keyless), not by a key"
            )));
        }
    }
    if evidence.digest() != digest {
        let signed = evidence.digest();
        return Err(Failure::rejected(format!(
            "{top}: the signature is over another {MANIFEST} (SHA-256 {signed}, here {digest})"
        ))
        .hint(
            "--checksums-only compares the files with the manifest, and proves nothing about who made it",
        ));
    }
    match (trusted.evidence, evidence.log_entries().len()) {
        (KeyEvidence::LogWithoutRoot, 0) => Err(Failure::rejected(format!(
            "{top}: the signature has no entry of a transparency log"
        ))
        .hint("--insecure-ignore-tlog accepts a signature by the key alone, as made with --tlog-upload=false")),
        (KeyEvidence::LogWithoutRoot, _) => Err(Failure::rejected(format!(
            "{top}: there is nothing to check the signature's transparency log entry against"
        ))
        .hint("--trusted-root names a file that knows the log; --insecure-ignore-tlog leaves the entry unchecked")),
        _ => Ok(()),
    }
}

fn checksums_only(bundle: &Beneath, context: &Context) -> Result<BundleReport> {
    let text = manifest_text(bundle)?;
    let manifest =
        Manifest::unproven(&text).map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())))?;
    let checked = compare(bundle, &manifest, context)?;
    Ok(conclude(bundle, Sha256Digest::of(&text), checked, Verdict::Unproven, context))
}

fn files(bundle: &Beneath, accepted: &Accepted, context: &Context) -> Result<Checked> {
    let manifest =
        Manifest::trusted(accepted).map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())))?;
    compare(bundle, &manifest, context)
}

/// Holds the tree against a manifest.
pub(crate) fn compare(bundle: &Beneath, manifest: &Manifest<'_>, context: &Context) -> Result<Checked> {
    let bar = context.printer.progress("verify", 0);
    let work = context.work(&bar);
    let listing = walk::list(bundle, &work)?;
    let checked = check(bundle, manifest, &listing, &work);
    bar.finish_and_clear();
    checked
}

/// Holds the names of a tree against a manifest, reading no file.
pub(crate) fn names(bundle: &Beneath, manifest: &Manifest<'_>, context: &Context) -> Result<Checked> {
    let unseen = ProgressBar::hidden();
    let listing = walk::list(bundle, &context.work(&unseen))?;
    Ok(check_names(bundle, manifest, &listing))
}

/// The report: `good` if nothing is wrong with any file.
pub(crate) fn conclude(
    bundle: &Beneath,
    digest: Sha256Digest,
    checked: Checked,
    good: Verdict,
    context: &Context,
) -> BundleReport {
    let Checked { findings, warnings, files, bytes } = checked;
    for warning in warnings {
        context.printer.warning(&warning);
    }
    let mut report = BundleReport::new(bundle.path(), good);
    report.manifest = Some(ManifestReport { sha256: Some(digest), files, bytes });
    let Findings { kept, total, hint } = findings;
    if total > 0 {
        let top = bundle.show(b"");
        let files = if total == 1 { "file is" } else { "files are" };
        let mut failure =
            Failure::rejected(format!("{top} is not what its manifest says: {total} {files} wrong"));
        if let Some(hint) = hint {
            failure = failure.hint(hint);
        }
        report.verdict = Verdict::Rejected;
        report.error = Some(failure);
    }
    report.findings = kept;
    report.findings_total = total;
    report
}

/// The signature file, read strictly; none if there is none.
pub(crate) fn evidence(bundle: &Beneath) -> Result<Option<Evidence>> {
    let path = bundle.show(SIGNATURE.as_bytes());
    let text = match bundle.read_small(SIGNATURE.as_bytes(), SIZE_LIMIT) {
        Ok(text) => text,
        Err(SmallError::Open(OpenError::Missing)) => return Ok(None),
        Err(error) => {
            // The thing in the way may be the directory.
            let directory =
                bundle.stat(ATTESTATION.as_bytes()).is_ok_and(|stat| Kind::of(&stat) == Kind::Link);
            let culprit = if directory { bundle.show(ATTESTATION.as_bytes()) } else { path };
            return Err(Failure::rejected(format!("{culprit}: {error}")));
        }
    };
    let evidence = Evidence::parse(&text).map_err(|why| Failure::rejected(format!("{path} {why}")))?;
    Ok(Some(evidence))
}

/// The bytes of the manifest; a tree without one is no bundle.
pub(crate) fn manifest_text(bundle: &Beneath) -> Result<Vec<u8>> {
    bundle.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
        SmallError::Open(OpenError::Missing) => {
            Failure::rejected(format!("{} has no {MANIFEST}, so it is no bundle", bundle.show(b"")))
                .hint("`aicr bundle` makes one")
        }
        error => Failure::rejected(format!("{}: {error}", bundle.show(MANIFEST.as_bytes()))),
    })
}
